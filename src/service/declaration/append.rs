//! What recording, withdrawing, linking and unlinking share: admission, the append to the store and
//! the wait until the change is in force.

use std::sync::Arc;

use tokio::time;

use sha2::{Digest, Sha256};

use super::super::caller::RequestCaller;
use super::super::status::Failure;
use super::Declarations;
use crate::policy::admit::{Admitted, Terms, admit, admit_link, admit_unlink, admit_withdrawal};
use crate::policy::day::Instant;
use crate::policy::oid::OpaqueId;
use crate::store::{Admit, Append, Appended, Entry};
use crate::telemetry::attributes::Attribute;
use crate::telemetry::metrics::{Recorded, StoreOperation};
use crate::telemetry::span::ActiveSpan;
use crate::wire::client::{check_born, check_born_in};
use crate::wire::declaration::{Recording, Wait, to_notice};

impl Declarations {
    /// Stores a change of a client durably if it is admitted, and waits until it
    /// is in force here, or everywhere: every decision that starts after the
    /// acknowledgement is made with it.
    pub(super) async fn append(
        &self,
        change: ClientChange,
        Recording { idempotency_key, wait }: Recording,
        caller: &RequestCaller,
    ) -> Result<Acknowledged, Failure> {
        let ClientChange { entry, payload_digest } = change;
        let idempotency_key = key_in(&caller.caller.idempotency_space, idempotency_key);
        let recorded = match &entry {
            Entry::Declaration(submission) => Recorded::Declaration(submission.content.kind()),
            Entry::Withdrawal(_) => Recorded::Withdrawal,
            Entry::Link(_) => Recorded::Link,
            Entry::Unlink(_) => Recorded::Unlink,
        };
        let admit = self.admission(&entry, caller)?;
        let append = Append { idempotency_key, payload_digest, entry, admit };
        let store = async { Ok(self.core.store.append(append).await?) };
        let appended = self.core.stored(StoreOperation::Append, store).await?;
        let point = appended.point();
        let Appended { recorded_at, id, admitted, is_replay, max_staleness, .. } = appended;
        if !is_replay {
            self.core.telemetry.metrics.recorded(recorded);
        }
        if let Some(span) = ActiveSpan::sampled() {
            span.set([
                Attribute::declaration_kind(recorded),
                Attribute::revision(point.revision.0),
                Attribute::is_replay(is_replay),
                Attribute::catalogue_version(&self.core.catalogue_version),
            ]);
        }
        let everywhere = self.core.everywhere(recorded_at, max_staleness);
        self.core.wait_for_stored(point).await?;
        if wait == Wait::Everywhere {
            time::sleep_until(everywhere.deadline).await;
        }
        let Admitted { notices, replaced } = admitted;
        Ok(Acknowledged {
            id,
            recorded_at,
            token: self.core.tokens.write(point),
            notices: notices.into_iter().map(|notice| to_notice(notice).into()).collect(),
            replaced,
            everywhere_at: everywhere.at,
        })
    }

    /// The admission of a change by the directory of now. Refuses recorders that are not
    /// the caller's, and clients who are not born yet.
    fn admission(&self, entry: &Entry, caller: &RequestCaller) -> Result<Admit, Failure> {
        let snapshot = self.core.index.current().map_err(Failure::Unavailable)?;
        let directory = Arc::clone(snapshot.directory());
        match entry {
            Entry::Declaration(submission) => caller.check_recorder(&submission.recorded_by, &directory),
            Entry::Withdrawal(submission) => caller.check_recorder(&submission.recorded_by, &directory),
            Entry::Link(submission) => caller.check_link_recorder(&submission.recorded_by, &directory),
            Entry::Unlink(submission) => caller.check_link_recorder(&submission.recorded_by, &directory),
        }?;
        let now = self.core.now_to_record(Some(&snapshot))?;
        match entry {
            Entry::Link(submission) => {
                for (place, code) in submission.linked.codes.iter().enumerate() {
                    check_born_in(&format!("clients[{place}]"), code, now)?;
                }
            }
            Entry::Declaration(_) | Entry::Withdrawal(_) | Entry::Unlink(_) => {
                entry.clients().iter().try_for_each(|client| check_born(client, now))?;
            }
        }
        let calendar = Arc::clone(&self.core.calendar);
        let clock_ahead_max = self.core.limits.recorder_clock_ahead_max;
        let declarations_max = self.core.limits.declarations_max;
        Ok(Box::new(move |entry, person, now| {
            let terms =
                Terms { directory: &directory, calendar: &calendar, clock_ahead_max, declarations_max };
            match entry {
                Entry::Declaration(submission) => admit(submission, person, terms, now),
                Entry::Withdrawal(submission) => admit_withdrawal(submission, person, terms, now),
                Entry::Link(submission) => admit_link(submission, person, terms, now),
                Entry::Unlink(submission) => admit_unlink(submission, person, terms, now),
            }
        }))
    }
}

/// The key under which the store keeps a caller's key. Two callers of different spaces
/// may use the same key; without a callers file there is one space.
fn key_in(space: &str, key: OpaqueId<'static>) -> OpaqueId<'static> {
    if space.is_empty() {
        return key;
    }
    let digest = Sha256::new().chain_update(space).chain_update([0]).chain_update(key.as_str()).finalize();
    let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // Letters and digits are always an id.
    OpaqueId::parse(text).unwrap_or(key)
}

/// A change of a client's declarations or codes that is to be stored.
pub(super) struct ClientChange {
    pub(super) entry: Entry,
    /// By which a repetition with the same idempotency key is recognized.
    pub(super) payload_digest: [u8; 32],
}

/// A change that is stored and in force.
pub(super) struct Acknowledged {
    /// The new declaration or link, or the one withdrawn or ended.
    pub(super) id: OpaqueId<'static>,
    pub(super) recorded_at: Instant,
    pub(super) token: String,
    pub(super) notices: Vec<i32>,
    /// The consent that the new one replaced.
    pub(super) replaced: Option<OpaqueId<'static>>,
    /// From this time on every server that shares the store decides with it.
    pub(super) everywhere_at: Instant,
}
