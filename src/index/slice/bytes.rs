//! A slice as bytes of the checkpoint, and back.

use super::super::checkpoint::{ByteReader, ByteWriter};
use super::super::declaration_id::DeclarationId;
use super::super::entry::{PackedEntry, number_of, role_of};
use super::super::key::{HashedClient, Seed};
use super::super::overlay_entry::OverlayEntry;
use super::{Contents, EMPTY, Slice, client_in, declarations, is_linked};
use crate::policy::client_id::{ClientId, NATIONAL_ROOT};
use crate::policy::day::{Day, Instant};
use crate::policy::declaration::Content;
use crate::policy::facts::{ContentRef, OwnedFacts, WithdrawalFacts};
use crate::policy::oid::{Oid, OpaqueId};
use crate::store::{Revision, content_of_text, text_of_content};

impl Slice {
    /// Writes the slice.
    pub(in crate::index) fn write(&self, to: &mut ByteWriter) {
        let Self { table, homes, entries, long, contents, clients, declarations } = self;
        [*homes as u64, u64::from(*clients), u64::from(*declarations)].iter().for_each(|one| to.number(*one));
        to.numbers(table.iter().copied());
        to.numbers(entries.iter().map(|PackedEntry([low, _])| *low));
        to.numbers(entries.iter().map(|PackedEntry([_, high])| *high));
        to.numbers(long.iter().map(|(start, length)| u64::from(*start) << u32::BITS | u64::from(*length)));
        contents.write(to);
    }

    /// Reads the slice with a number. None if it is damaged: a lookup must find
    /// every client of the table, and every reference must lead somewhere.
    pub(in crate::index) fn read(from: &mut ByteReader<'_>, number: usize, seed: Seed) -> Option<Self> {
        let homes = usize::try_from(from.number()?).ok()?;
        let clients = u32::try_from(from.number()?).ok()?;
        let declarations = u32::try_from(from.number()?).ok()?;
        let table = from.numbers()?.collect();
        let (lows, highs) = (from.numbers()?, from.numbers()?);
        if lows.len() != highs.len() {
            return None;
        }
        let entries = lows.zip(highs).map(|(low, high)| PackedEntry([low, high])).collect();
        let halves = |pair: u64| ((pair >> u32::BITS) as u32, pair as u32);
        let long = from.numbers()?.map(halves).collect();
        let contents = Contents::read(from)?;
        let slice = Self { table, homes, entries, long, contents, clients, declarations };
        (from.is_at_end() && slice.is_sound(number, seed)).then_some(slice)
    }

    fn is_sound(&self, number: usize, seed: Seed) -> bool {
        let (mut clients, mut found, mut entries) = (0, 0, 0);
        for slot in self.table.iter().filter(|slot| **slot != EMPTY) {
            let client = client_in(*slot);
            let wanted = self.other(client).map_or(HashedClient::National(client), HashedClient::Other);
            let hash = seed.hash(wanted);
            let Some(of_client) = self.entries.get(self.run(*slot)) else { return false };
            let is_known = !of_client.is_empty() || is_linked(*slot);
            if hash.slice() != number || self.find(hash, wanted) != Some(*slot) || !is_known {
                return false;
            }
            for (place, entry, second) in declarations(of_client) {
                let can_be_read =
                    self.read_facts(place, entry, second).is_some() && self.id(entry, second).is_some();
                if !can_be_read || entry.has_continuation() != second.is_some() {
                    return false;
                }
                found += 1;
            }
            clients += u32::from(!of_client.is_empty());
            entries += of_client.len();
        }
        clients == self.clients && found == self.declarations && entries == self.entries.len()
    }
}

impl Contents {
    fn write(&self, to: &mut ByteWriter) {
        let Self { informations, consents, denials, unpacked, ids, others } = self;
        let mut texts = |contents: &mut dyn ExactSizeIterator<Item = ContentRef<'_>>| {
            to.number(contents.len() as u64);
            contents.for_each(|content| to.text(&text_of_content(&content.to_content())));
        };
        texts(&mut informations.iter().map(ContentRef::Information));
        texts(&mut consents.iter().map(ContentRef::Consent));
        texts(&mut denials.iter().map(ContentRef::Denial));
        to.number(unpacked.len() as u64);
        unpacked.iter().for_each(|entry| entry.write(to));
        to.text(ids);
        to.number(others.len() as u64);
        for other in others {
            to.text(other.root());
            to.text(other.extension());
        }
    }

    fn read(from: &mut ByteReader<'_>) -> Option<Self> {
        let mut contents = Self::default();
        for _ in 0..from.count()? {
            let Content::Information(one) = content_of_text(from.text()?)? else { return None };
            contents.informations.push(one);
        }
        for _ in 0..from.count()? {
            let Content::Consent(one) = content_of_text(from.text()?)? else { return None };
            contents.consents.push(one);
        }
        for _ in 0..from.count()? {
            let Content::Denial(one) = content_of_text(from.text()?)? else { return None };
            contents.denials.push(one);
        }
        for _ in 0..from.count()? {
            contents.unpacked.push(OverlayEntry::read(from)?);
        }
        contents.ids = from.text()?.to_owned();
        for _ in 0..from.count()? {
            let root = Oid::parse(from.text()?).ok().filter(|root| root.as_str() != NATIONAL_ROOT)?;
            let extension = OpaqueId::parse(from.text()?).ok()?;
            contents
                .others
                .push(ClientId::Other { root: root.into_owned(), extension: extension.into_owned() });
        }
        contents.shrink();
        Some(contents)
    }
}

impl OverlayEntry {
    fn write(&self, to: &mut ByteWriter) {
        let Self { id, facts: OwnedFacts { content, given_on, recorded_at, role, withdrawal } } = self;
        let (revision, assigned) = match id.borrowed() {
            DeclarationId::Derived(revision) => (revision, ""),
            DeclarationId::Assigned(revision, text) => (revision, text),
        };
        to.number(revision.0);
        to.text(assigned);
        to.text(&text_of_content(content));
        to.text(&given_on.to_string());
        to.number(recorded_at.timestamp_micros().cast_unsigned());
        to.number(number_of(*role));
        to.numbers(
            withdrawal.iter().map(|withdrawal| withdrawal.recorded_at.timestamp_micros().cast_unsigned()),
        );
        to.number(number_of(withdrawal.and_then(|withdrawal| withdrawal.role)));
        to.text(&withdrawal.map(|withdrawal| withdrawal.given_on.to_string()).unwrap_or_default());
    }

    fn read(from: &mut ByteReader<'_>) -> Option<Self> {
        let revision = Revision(from.number()?);
        let id = match from.text()? {
            "" => DeclarationId::Derived(revision),
            assigned => DeclarationId::Assigned(revision, assigned),
        };
        let content = content_of_text(from.text()?)?;
        let given_on = Day::parse(from.text()?).ok()?;
        let instant = |micros: u64| Instant::from_timestamp_micros(micros.cast_signed());
        let recorded_at = instant(from.number()?)?;
        let role = role_of(from.number()?);
        let withdrawn_at = from.numbers()?.next();
        let withdrawn_by = role_of(from.number()?);
        let withdrawal_given_on = from.text()?;
        let withdrawal = match withdrawn_at {
            Some(at) => Some(WithdrawalFacts {
                recorded_at: instant(at)?,
                given_on: Day::parse(withdrawal_given_on).ok()?,
                role: withdrawn_by,
            }),
            None => None,
        };
        let facts = OwnedFacts { content, given_on, recorded_at, role, withdrawal };
        Some(Self { id: id.to_owned_id(), facts })
    }
}
