//! The answer to `Decide`: record by record, read, decided and written at once.

use uuid::fmt::Hyphenated;

use crate::index::Snapshot;
use crate::policy::Question;
use crate::policy::day::Instant;
use crate::policy::request::Situation;
use crate::service::Core;
use crate::service::decision_id::decision_id;
use crate::service::tally::{Decided, Tally};
use crate::wire::answer::{Answer, AnswerWriter, Ending};
use crate::wire::codec::AskedRecords;
use crate::wire::verdict::Disclosure;
use crate::wire::view::Malformed;

/// Everything that an answer is made of.
pub(super) struct Asked<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) records: &'a AskedRecords,
    pub(super) request_id: &'a str,
    pub(super) disclosure: Disclosure,
}

impl Asked<'_> {
    /// One verdict a record, in the same order, at one revision. One lookup of
    /// the client; nothing is allocated for a record.
    pub(super) fn answer(self, core: &Core, snapshot: &Snapshot, now: Instant) -> Result<Answer, Malformed> {
        let Self { situation, records, request_id, disclosure } = self;
        let token = core.tokens.of(snapshot.point());
        let id = decision_id(now);
        let mut id_text = [0; Hyphenated::LENGTH];
        let ending = Ending {
            decision_id: id.hyphenated().encode_lower(&mut id_text),
            token: token.as_str(),
            decided_at: now,
            catalogue_version: core.catalogue_version.text(),
            request_id,
        };
        let declarations = snapshot.declarations(&situation.client);
        let question =
            Question::new(situation, declarations.facts(), snapshot.directory(), &core.calendar, now);
        let bytes = ending.bytes_with(records.count(), disclosure);
        let mut writer = AnswerWriter::new(bytes, disclosure, |place| declarations.id(place));
        let mut tally = Tally::of(&question);
        records.read(|record| {
            let verdict = question.decide_read(record);
            tally.add(&verdict);
            writer.verdict(&verdict);
        })?;
        let decided = Decided { id, channel: situation.channel, revision: snapshot.revision() };
        tally.tell(core, &decided);
        Ok(writer.end(&ending))
    }
}
