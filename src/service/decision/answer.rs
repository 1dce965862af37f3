//! The answer to `Decide`: each record is decoded and decided, and its verdict
//! is counted and written, before the next one is decoded.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use uuid::fmt::Hyphenated;

use crate::decide::Decider;
use crate::index::Snapshot;
use crate::policy::World;
use crate::policy::day::Instant;
use crate::policy::request::Situation;
use crate::service::Core;
use crate::service::decision::slices::{SLICE_RECORDS, Slices};
use crate::service::decision_id::decision_id;
use crate::service::tally::{DecisionContext, Tally};
use crate::wire::answer::{Answer, AnswerTail, AnswerWriter};
use crate::wire::decide_call::EncodedRecords;
use crate::wire::verdict::Disclosure;
use crate::wire::view::Malformed;

/// A request that has passed all checks.
#[derive(Clone, Copy)]
pub(super) struct CheckedCall<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) records: &'a EncodedRecords,
    pub(super) request_id: &'a str,
    pub(super) disclosure: Disclosure,
}

impl CheckedCall<'_> {
    /// Decides few records in one piece. None: they are many.
    #[inline]
    pub(super) fn answer_at_once(
        self,
        core: &Core,
        snapshot: &Snapshot,
        now: Instant,
    ) -> Option<Result<Answer, Malformed>> {
        if self.records.count() > SLICE_RECORDS {
            return None;
        }
        // It has no pause, so it is ready when it is polled first.
        match pin!(self.answer(core, snapshot, now)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// Decides many records in slices, between which the worker serves other callers.
    /// If the caller has gone or its deadline has passed, this is dropped there.
    pub(super) fn answer_in_slices<'x>(
        self,
        core: &'x Core,
        snapshot: &'x Snapshot,
        now: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Malformed>> + Send + 'x>>
    where
        Self: 'x,
    {
        Box::pin(self.answer(core, snapshot, now))
    }

    /// Writes one verdict a record, in the same order, at one revision. It looks
    /// the client up once and allocates nothing for a record.
    async fn answer(self, core: &Core, snapshot: &Snapshot, now: Instant) -> Result<Answer, Malformed> {
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
        let mut decider = Decider::new(records.cursor());
        let mut slices = Slices::of(records.count());
        while decider.decide_next(&question, SLICE_RECORDS, |verdict| {
            tally.add(verdict);
            writer.verdict(verdict);
        })? {
            slices.pause_if_over().await;
        }
        let context = DecisionContext { id, channel: situation.channel, revision: snapshot.revision() };
        tally.record(core, &context);
        Ok(writer.finish(&tail))
    }
}
