//! The answer to `Decide`: each record is decoded and decided, and its verdict
//! is counted and written, before the next one is decoded.

use uuid::fmt::Hyphenated;

use crate::decide::decide;
use crate::index::Snapshot;
use crate::policy::World;
use crate::policy::day::Instant;
use crate::policy::request::Situation;
use crate::service::Core;
use crate::service::decision_id::decision_id;
use crate::service::tally::{DecisionContext, Tally};
use crate::wire::answer::{Answer, AnswerTail, AnswerWriter};
use crate::wire::codec::EncodedRecords;
use crate::wire::verdict::Disclosure;
use crate::wire::view::Malformed;

/// A request that has passed all checks.
pub(super) struct CheckedCall<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) records: &'a EncodedRecords,
    pub(super) request_id: &'a str,
    pub(super) disclosure: Disclosure,
}

impl CheckedCall<'_> {
    /// Writes one verdict a record, in the same order, at one revision. It looks
    /// the client up once and allocates nothing for a record.
    pub(super) fn answer(self, core: &Core, snapshot: &Snapshot, now: Instant) -> Result<Answer, Malformed> {
        let Self { situation, records, request_id, disclosure } = self;
        let token = core.tokens.of(snapshot.point());
        let id = decision_id(now);
        let mut id_text = [0; Hyphenated::LENGTH];
        let tail = AnswerTail {
            decision_id: id.hyphenated().encode_lower(&mut id_text),
            token: token.as_str(),
            decided_at: now,
            catalogue_version: core.catalogue_version.text(),
            request_id,
        };
        let declarations = snapshot.declarations(&situation.client);
        let world = World { directory: snapshot.directory(), calendar: &core.calendar, now };
        let question = declarations.question(world, situation);
        let bytes = tail.bytes_with(records.count(), disclosure);
        let mut writer = AnswerWriter::new(bytes, disclosure, |place| declarations.id(place));
        let mut tally = Tally::of(&question);
        decide(&question, records, |verdict| {
            tally.add(verdict);
            writer.verdict(verdict);
        })?;
        let context = DecisionContext { id, channel: situation.channel, revision: snapshot.revision() };
        tally.record(core, &context);
        Ok(writer.finish(&tail))
    }
}
