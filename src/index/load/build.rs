//! The second step of a load: sorts each group of staged declarations by client
//! and builds its slices.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::super::base::Base;
use super::super::declaration_id::{DeclarationId, ParsedId};
use super::super::digest::{DigestKey, StateDigest};
use super::super::entry::{Continuation, EntryHeader, PackedEntry};
use super::super::key::{ClientHash, ClientKey, HashedClient, SLICES, Seed};
use super::super::links::{Links, WithdrawalElsewhere};
use super::super::slice::{Slice, SliceBuilder, SliceFull, unreadable};
use super::LoadError;
use super::piece::{Piece, Staged};
use super::stage::{GROUPS, LINKED, Stage, WITHDRAWAL};
use crate::policy::facts::Facts;
use crate::store::{DeclarationIds, Revision};

/// Number of slices of a group.
const SLICES_IN_GROUP: usize = SLICES / GROUPS;

/// The pieces of a group, each with the index of its stage.
type Group = Vec<(usize, Piece)>;

/// Builds the base from stages, which are in the order of their revisions, and
/// the digest of every declaration in it. Adds the withdrawals across codes to `links`.
pub(super) fn build(
    mut stages: Vec<Stage>,
    seed: Seed,
    ids: DeclarationIds,
    digest_key: &DigestKey,
    threads: usize,
    links: &mut Links,
) -> Result<(Base, StateDigest), LoadError> {
    let mut groups: Vec<Group> = std::iter::repeat_with(Vec::new).take(GROUPS).collect();
    for (of_stage, stage) in stages.iter_mut().enumerate() {
        for (group, pieces) in groups.iter_mut().zip(std::mem::take(&mut stage.groups)) {
            group.extend(pieces.into_iter().map(|piece| (of_stage, piece)));
        }
    }
    let groups: Vec<Mutex<Group>> = groups.into_iter().map(Mutex::new).collect();
    let next = AtomicUsize::new(0);
    let build_some = || -> Result<Vec<BuiltGroup>, SliceFull> {
        let mut built = Vec::new();
        while let Some((number, group)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            groups.get(number).map(|group| (number, group))
        } {
            let pieces = std::mem::take(&mut *group.lock().unwrap_or_else(PoisonError::into_inner));
            let mut builder = GroupBuilder { stages: &stages, ids, pieces, elsewhere: Vec::new() };
            let slices = builder.slices(number)?;
            let digest = slices.iter().map(|slice| digest_key.slice(slice)).sum();
            built.push(BuiltGroup { number, slices, digest, elsewhere: builder.elsewhere });
        }
        Ok(built)
    };
    let built = thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(build_some)).collect();
        let joined = running.into_iter().map(|thread| thread.join().map_err(|_| LoadError::Panicked));
        joined.map(|built| Ok(built??)).collect::<Result<Vec<_>, LoadError>>()
    })?;
    let mut built: Vec<BuiltGroup> = built.into_iter().flatten().collect();
    built.sort_by_key(|group| group.number);
    let digest = built.iter().map(|group| group.digest).sum();
    for (client, withdrawal) in built.iter_mut().flat_map(|group| group.elsewhere.drain(..)) {
        links.withdraw_elsewhere(client, withdrawal);
    }
    let slices = built.into_iter().flat_map(|group| group.slices).map(Arc::new).collect();
    let base = Base::of(seed, slices).ok_or(LoadError::Panicked)?;
    Ok((base, digest))
}

/// The slices of a group, and the digest of every declaration in them.
struct BuiltGroup {
    number: usize,
    slices: Vec<Slice>,
    digest: StateDigest,
    elsewhere: Vec<(ClientKey, WithdrawalElsewhere)>,
}

/// Builds the slices of one group.
struct GroupBuilder<'b> {
    stages: &'b [Stage],
    ids: DeclarationIds,
    pieces: Group,
    /// Withdrawals of declarations that are not under the client's own code.
    elsewhere: Vec<(ClientKey, WithdrawalElsewhere)>,
}

impl<'b> GroupBuilder<'b> {
    fn slices(&mut self, number: usize) -> Result<Vec<Slice>, SliceFull> {
        let mut entries: Vec<(&Stage, Staged)> = Vec::new();
        for (stage, piece) in std::mem::take(&mut self.pieces) {
            let Some(stage) = self.stages.get(stage) else { continue };
            entries.extend(piece.iter().map(|staged| (stage, staged)));
        }
        // By hash, then in the order of arrival, which is that of the revisions.
        let mut order: Vec<(ClientHash, u32)> = (0..)
            .zip(&entries)
            .filter_map(|(at, (stage, staged))| Some((stage.hash_of(staged)?, at)))
            .collect();
        order.sort_unstable();
        let first = number * SLICES_IN_GROUP;
        let mut rest = order.as_slice();
        (first..first + SLICES_IN_GROUP)
            .map(|slice| {
                let (of_slice, after) =
                    rest.split_at(rest.partition_point(|(hash, _)| hash.slice() <= slice));
                rest = after;
                self.slice(of_slice, &entries)
            })
            .collect()
    }

    fn slice(
        &mut self,
        order: &[(ClientHash, u32)],
        entries: &[(&'b Stage, Staged)],
    ) -> Result<Slice, SliceFull> {
        let mut builder = SliceBuilder::default();
        let mut of_client = Vec::new();
        for run in order.chunk_by(|(one, _), (next, _)| one == next) {
            let of_hash = || run.iter().filter_map(|(hash, at)| Some((*hash, entries.get(*at as usize)?)));
            // Nearly always one: two clients rarely have the same hash.
            let mut clients: Vec<HashedClient<'_>> = Vec::new();
            for (hash, (stage, staged)) in of_hash() {
                let Some(client) = stage.client_of(staged) else { continue };
                if clients.contains(&client) {
                    continue;
                }
                clients.push(client);
                of_client.clear();
                let is_of_client =
                    |(stage, staged): &&(&Stage, Staged)| stage.client_of(staged) == Some(client);
                let entries = of_hash().map(|(_, entry)| entry).filter(is_of_client);
                let is_linked = self.declarations(client, entries, &mut of_client);
                if of_client.is_empty() && !is_linked {
                    continue;
                }
                builder.client(hash, client, is_linked);
                of_client.iter().try_for_each(|(facts, id)| builder.declare(facts, *id))?;
            }
        }
        builder.finish()
    }

    /// One client's declarations, withdrawals applied. Returns whether a link names
    /// the client.
    fn declarations<'e>(
        &mut self,
        client: HashedClient<'_>,
        mut entries: impl Iterator<Item = &'e (&'b Stage, Staged)>,
        declared: &mut Vec<(Facts<'b>, DeclarationId<'b>)>,
    ) -> bool
    where
        'b: 'e,
    {
        let mut is_linked = false;
        while let Some((stage, staged)) = entries.next() {
            if staged.entry == LINKED {
                is_linked = true;
                continue;
            }
            if staged.entry == WITHDRAWAL {
                let Some((id, withdrawal, revision)) = stage.withdrawals.get(staged.reference as usize)
                else {
                    continue;
                };
                let id = id.id();
                let parsed = ParsedId::new(&id, self.ids);
                let withdrawn = declared
                    .iter_mut()
                    .rfind(|(facts, found)| found.is(&parsed, facts.recorded_at, self.ids));
                match withdrawn {
                    Some((facts, _)) => facts.withdrawal = Some(*withdrawal),
                    None => {
                        let (declaration, withdrawal, revision) = (id.into_owned(), *withdrawal, *revision);
                        let elsewhere = WithdrawalElsewhere { declaration, withdrawal, revision };
                        self.elsewhere.push((client.into(), elsewhere));
                    }
                }
                continue;
            }
            let second = if staged.entry.has_continuation() {
                entries.next().map(|(_, second)| second.entry)
            } else {
                None
            };
            let declaration = declaration(stage, staged, second);
            declared
                .push(declaration.unwrap_or_else(|| (unreadable(0), DeclarationId::Derived(Revision(0)))));
        }
        is_linked
    }
}

/// The facts and the id of a staged declaration.
fn declaration<'s>(
    stage: &'s Stage,
    staged: &Staged,
    second: Option<PackedEntry>,
) -> Option<(Facts<'s>, DeclarationId<'s>)> {
    let header = staged.entry.read_header()?;
    let header = EntryHeader { content: header.content.at(staged.reference), ..header };
    let continuation = Continuation::read(second)?;
    Some((stage.contents.facts(0, header, continuation)?, stage.contents.id(header, continuation)?))
}
