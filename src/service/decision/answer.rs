//! The answer to `Decide`: everything that it is made of, gathered; made while
//! it is written.

use std::sync::Arc;

use tonic::codec::EncodeBuf;
use uuid::fmt::Hyphenated;

use crate::index::Snapshot;
use crate::policy::Question;
use crate::policy::day::Instant;
use crate::policy::request::Situation;
use crate::service::Core;
use crate::service::decision_id::decision_id;
use crate::wire::answer::{AnswerWriter, Ending};
use crate::wire::codec::AskedRecords;
use crate::wire::verdict::Disclosure;

/// Everything that an answer is made of. Nothing here can be refused any more.
pub(super) struct Answer {
    pub(super) core: Arc<Core>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) situation: Situation<'static>,
    pub(super) records: AskedRecords,
    pub(super) request_id: Box<str>,
    pub(super) now: Instant,
    pub(super) disclosure: Disclosure,
}

impl Answer {
    /// Decides record by record, at one revision, and writes each verdict at once.
    pub(super) fn write(self, to: &mut EncodeBuf<'_>) {
        let Self { core, snapshot, situation, records, request_id, now, disclosure } = self;
        let token = core.tokens.of(snapshot.revision());
        let mut id = [0; Hyphenated::LENGTH];
        let ending = Ending {
            decision_id: decision_id(now).hyphenated().encode_lower(&mut id),
            token: token.as_str(),
            decided_at: now,
            catalogue_version: &core.catalogue_version,
            request_id: &request_id,
        };
        to.reserve(ending.bytes_with(records.count()));
        let mut writer = AnswerWriter::new(to);
        let declarations = snapshot.declarations(&situation.client);
        let question =
            Question::new(&situation, declarations.gists(), snapshot.directory(), &core.calendar, now);
        for record in records.iter() {
            writer.verdict(&question.decide_read(record), disclosure, |place| declarations.id(place));
        }
        writer.end(&ending);
    }
}
