//! From what is staged to slices.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::super::base::Base;
use super::super::digest::{Key, StateDigest};
use super::super::entry::{Entry, More, Says};
use super::super::kept::{Id, Kept, Written};
use super::super::key::{Client, Hash, SLICES, Seed};
use super::super::slice::{Overfull, Slice, SliceBuilder, untold};
use super::LoadError;
use super::piece::{Piece, Staged};
use super::stage::{GROUPS, Stage, WITHDRAWAL};
use crate::policy::facts::Facts;
use crate::store::{DeclarationIds, Revision};

/// How many slices a group has.
const SLICES_IN_GROUP: usize = SLICES / GROUPS;

/// The pieces of a group, each with the stage that it is of.
type Group = Vec<(usize, Piece)>;

/// Builds the base from stages, which are in the order of their revisions, and
/// the digest of every declaration in it.
pub(super) fn build(
    mut stages: Vec<Stage>,
    seed: Seed,
    ids: DeclarationIds,
    digest_key: &Key,
    threads: usize,
) -> Result<(Base, StateDigest), LoadError> {
    let mut groups: Vec<Group> = std::iter::repeat_with(Vec::new).take(GROUPS).collect();
    for (of_stage, stage) in stages.iter_mut().enumerate() {
        for (group, pieces) in groups.iter_mut().zip(std::mem::take(&mut stage.groups)) {
            group.extend(pieces.into_iter().map(|piece| (of_stage, piece)));
        }
    }
    let groups: Vec<Mutex<Group>> = groups.into_iter().map(Mutex::new).collect();
    let next = AtomicUsize::new(0);
    let build_some = || -> Result<Vec<Built>, Overfull> {
        let mut built = Vec::new();
        while let Some((number, group)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            groups.get(number).map(|group| (number, group))
        } {
            let pieces = std::mem::take(&mut *group.lock().unwrap_or_else(PoisonError::into_inner));
            let slices = Building { stages: &stages, ids, pieces }.slices(number)?;
            let digest = slices.iter().map(|slice| digest_key.slice(slice)).sum();
            built.push(Built { number, slices, digest });
        }
        Ok(built)
    };
    let built = thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(build_some)).collect();
        let joined = running.into_iter().map(|thread| thread.join().map_err(|_| LoadError::Panicked));
        joined.map(|built| Ok(built??)).collect::<Result<Vec<_>, LoadError>>()
    })?;
    let mut built: Vec<Built> = built.into_iter().flatten().collect();
    built.sort_by_key(|group| group.number);
    let digest = built.iter().map(|group| group.digest).sum();
    let slices = built.into_iter().flat_map(|group| group.slices).map(Arc::new).collect();
    let base = Base::of(seed, slices).ok_or(LoadError::Panicked)?;
    Ok((base, digest))
}

/// The slices of a group, and the digest of every declaration in them.
struct Built {
    number: usize,
    slices: Vec<Slice>,
    digest: StateDigest,
}

/// A group that becomes slices.
struct Building<'b> {
    stages: &'b [Stage],
    ids: DeclarationIds,
    pieces: Group,
}

impl<'b> Building<'b> {
    fn slices(mut self, number: usize) -> Result<Vec<Slice>, Overfull> {
        let mut entries: Vec<(&Stage, Staged)> = Vec::new();
        for (stage, piece) in std::mem::take(&mut self.pieces) {
            let Some(stage) = self.stages.get(stage) else { continue };
            entries.extend(piece.iter().map(|staged| (stage, staged)));
        }
        // By hash, and of one hash as they came, which is by revision.
        let mut order: Vec<(Hash, u32)> = (0..)
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

    fn slice(&self, order: &[(Hash, u32)], entries: &[(&'b Stage, Staged)]) -> Result<Slice, Overfull> {
        let mut builder = SliceBuilder::default();
        let mut of_client = Vec::new();
        for run in order.chunk_by(|(one, _), (next, _)| one == next) {
            let of_hash = || run.iter().filter_map(|(hash, at)| Some((*hash, entries.get(*at as usize)?)));
            // Nearly always one client.
            let mut clients: Vec<Client<'_>> = Vec::new();
            for (hash, (stage, staged)) in of_hash() {
                let Some(client) = stage.client_of(staged) else { continue };
                if clients.contains(&client) {
                    continue;
                }
                clients.push(client);
                of_client.clear();
                let is_his = |(stage, staged): &&(&Stage, Staged)| stage.client_of(staged) == Some(client);
                self.declarations(of_hash().map(|(_, entry)| entry).filter(is_his), &mut of_client);
                if of_client.is_empty() {
                    continue;
                }
                builder.client(hash, client);
                of_client.iter().try_for_each(|(facts, id)| builder.declare(facts, *id))?;
            }
        }
        builder.finish()
    }

    /// One client's declarations, withdrawals applied.
    fn declarations<'e>(
        &self,
        entries: impl Iterator<Item = &'e (&'b Stage, Staged)>,
        declared: &mut Vec<(Facts<'b>, Id<'b>)>,
    ) where
        'b: 'e,
    {
        let mut entries = entries.peekable();
        while let Some((stage, staged)) = entries.next() {
            if staged.entry == WITHDRAWAL {
                let Some((id, withdrawal)) = stage.withdrawals.get(staged.reference as usize) else {
                    continue;
                };
                let id = id.id();
                let id = Written::new(&id, self.ids);
                let withdrawn =
                    declared.iter_mut().rfind(|(facts, found)| found.is(&id, facts.recorded_at, self.ids));
                if let Some((facts, _)) = withdrawn {
                    facts.withdrawal = Some(*withdrawal);
                }
                continue;
            }
            let more =
                if staged.entry.has_more() { entries.next().map(|(_, more)| more.entry) } else { None };
            let told = declaration(stage, staged, more);
            declared.push(told.unwrap_or_else(|| (untold(0), Id::Derived(Revision(0)))));
        }
    }
}

/// A declaration as it was staged.
fn declaration<'s>(stage: &'s Stage, staged: &Staged, more: Option<Entry>) -> Option<(Facts<'s>, Id<'s>)> {
    let first = staged.entry.read_first()?;
    let says = match first.says {
        Says::Information(_) => Says::Information(staged.reference),
        Says::Consent(_) => Says::Consent(staged.reference),
        Says::Denial(_) => Says::Denial(staged.reference),
        Says::Unreadable(kind) => Says::Unreadable(kind),
        Says::Kept(_) => {
            let kept = stage.contents.kept.get(staged.reference as usize)?;
            return Some((Kept::facts(kept, 0), kept.id()));
        }
    };
    let More { withdrawal, role, told_id } = more.map_or(Some(More::NOTHING), Entry::read_more)?;
    let content = stage.contents.said(says)?;
    let id = match told_id {
        None => Id::Derived(first.revision),
        Some(at) => Id::Told(first.revision, stage.contents.id_at(at)?),
    };
    let (given_on, recorded_at) = (first.given_on, first.recorded_at);
    Some((Facts { place: 0, content, given_on, recorded_at, role, withdrawal }, id))
}
