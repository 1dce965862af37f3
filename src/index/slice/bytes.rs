//! A slice as bytes, and back.

use super::super::checkpoint::{Input, Output};
use super::super::entry::{Entry, number_of, role_of};
use super::super::kept::{Id, Kept, KeptId};
use super::super::key::{Client, Seed};
use super::{Contents, EMPTY, Slice, client_in, declarations};
use crate::policy::client_id::{ClientId, NATIONAL_ROOT};
use crate::policy::day::{Day, Instant};
use crate::policy::declaration::Content;
use crate::policy::facts::{ContentRef, WithdrawalFacts};
use crate::policy::oid::{Oid, OpaqueId};
use crate::store::{Revision, content_of_text, text_of_content};

impl Slice {
    /// Writes the slice.
    pub(in crate::index) fn write(&self, to: &mut Output) {
        let Self { table, homes, entries, long, contents, clients, declarations } = self;
        [*homes as u64, u64::from(*clients), u64::from(*declarations)].iter().for_each(|one| to.number(*one));
        to.numbers(table.iter().copied());
        to.numbers(entries.iter().map(|Entry([low, _])| *low));
        to.numbers(entries.iter().map(|Entry([_, high])| *high));
        to.numbers(long.iter().map(|(start, length)| u64::from(*start) << u32::BITS | u64::from(*length)));
        contents.write(to);
    }

    /// Reads the slice with a number. None if anything in it is not as it was
    /// written: whoever is in a slice is found in it, and whatever an entry
    /// refers to is there.
    pub(in crate::index) fn read(from: &mut Input<'_>, number: usize, seed: Seed) -> Option<Self> {
        let homes = usize::try_from(from.number()?).ok()?;
        let clients = u32::try_from(from.number()?).ok()?;
        let declarations = u32::try_from(from.number()?).ok()?;
        let table = from.numbers()?.collect();
        let (lows, highs) = (from.numbers()?, from.numbers()?);
        if lows.len() != highs.len() {
            return None;
        }
        let entries = lows.zip(highs).map(|(low, high)| Entry([low, high])).collect();
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
            let looked_for = self.other(client).map_or(Client::National(client), Client::Other);
            let hash = seed.hash(looked_for);
            let Some(of_client) = self.entries.get(self.run(*slot)) else { return false };
            if hash.slice() != number || self.find(hash, looked_for) != Some(*slot) || of_client.is_empty() {
                return false;
            }
            for (place, entry, more) in declarations(of_client) {
                let can_be_told =
                    self.read_facts(place, entry, more).is_some() && self.id(entry, more).is_some();
                if !can_be_told || entry.has_more() != more.is_some() {
                    return false;
                }
                found += 1;
            }
            clients += 1;
            entries += of_client.len();
        }
        clients == self.clients && found == self.declarations && entries == self.entries.len()
    }
}

impl Contents {
    fn write(&self, to: &mut Output) {
        let Self { informations, consents, denials, kept, ids, others } = self;
        let mut texts = |contents: &mut dyn ExactSizeIterator<Item = ContentRef<'_>>| {
            to.number(contents.len() as u64);
            contents.for_each(|content| to.text(&text_of_content(&content.to_content())));
        };
        texts(&mut informations.iter().map(ContentRef::Information));
        texts(&mut consents.iter().map(ContentRef::Consent));
        texts(&mut denials.iter().map(ContentRef::Denial));
        to.number(kept.len() as u64);
        kept.iter().for_each(|kept| kept.write(to));
        to.text(ids);
        to.number(others.len() as u64);
        for other in others {
            to.text(other.root());
            to.text(other.extension());
        }
    }

    fn read(from: &mut Input<'_>) -> Option<Self> {
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
            contents.kept.push(Kept::read(from)?);
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

impl Kept {
    fn write(&self, to: &mut Output) {
        let Self { id: _, content, given_on, recorded_at, role, withdrawal } = self;
        let (revision, told) = match self.id() {
            Id::Derived(revision) => (revision, ""),
            Id::Told(revision, told) => (revision, told),
        };
        to.number(revision.0);
        to.text(told);
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

    fn read(from: &mut Input<'_>) -> Option<Self> {
        let revision = Revision(from.number()?);
        let id = match from.text()? {
            "" => KeptId::Derived(revision),
            told => KeptId::Told(revision, told.to_owned()),
        };
        let content = content_of_text(from.text()?)?;
        let given_on = Day::parse(from.text()?).ok()?;
        let instant = |micros: u64| Instant::from_timestamp_micros(micros.cast_signed());
        let recorded_at = instant(from.number()?)?;
        let role = role_of(from.number()?);
        let ended_at = from.numbers()?.next();
        let ended_by = role_of(from.number()?);
        let end_given_on = from.text()?;
        let withdrawal = match ended_at {
            Some(at) => Some(WithdrawalFacts {
                recorded_at: instant(at)?,
                given_on: Day::parse(end_given_on).ok()?,
                role: ended_by,
            }),
            None => None,
        };
        Some(Self { id, content, given_on, recorded_at, role, withdrawal })
    }
}
