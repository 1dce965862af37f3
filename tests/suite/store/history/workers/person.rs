//! A writer: a person who repeatedly records a denial and withdraws it. Some also have another
//! code, which is linked and unlinked, and deny under that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{RECOVERY_MAX, Shared, timed, within_time};
use crate::core::generator::rng::Rng;
use crate::fixtures::linking::{linking, unlinking};
use crate::fixtures::requests::{CONSENT, DENIAL, INFORMATION, instant, person, recording, withdrawal};
use crate::store::history::log::{Acknowledged, Action, other_code, point};

/// From this person on, each has another code.
const FIRST_LINKING: usize = 4;

pub(super) struct Person {
    number: usize,
    channels: Vec<Channel>,
    rng: Rng,
    shared: Arc<Shared>,
    done: usize,
}

/// The response to a write.
struct Answer {
    token: String,
    declaration_id: String,
    effective_everywhere_after: Option<pbjson_types::Timestamp>,
}

/// A write, repeated with the same idempotency key until it is acknowledged.
enum Call {
    Record(v1::RecordDeclarationRequest),
    Lift(v1::WithdrawDeclarationRequest),
    Link(v1::LinkClientsRequest),
    Unlink(v1::UnlinkClientsRequest),
}

/// Whether a person has another code.
pub(super) fn is_linking(person: usize) -> bool {
    person >= FIRST_LINKING
}

impl Call {
    fn key_and_wait(&self) -> (&str, v1::Wait) {
        match self {
            Self::Record(message) => (&message.idempotency_key, message.wait()),
            Self::Lift(message) => (&message.idempotency_key, message.wait()),
            Self::Link(message) => (&message.idempotency_key, message.wait()),
            Self::Unlink(message) => (&message.idempotency_key, message.wait()),
        }
    }

    async fn send(&self, channel: Channel) -> Result<Answer, Status> {
        let mut client = DeclarationServiceClient::new(channel);
        Ok(match self {
            Self::Record(message) => {
                let recorded = within_time(client.record_declaration(timed(message.clone()))).await?;
                let v1::RecordDeclarationResponse {
                    token, declaration_id, effective_everywhere_after, ..
                } = recorded;
                Answer { token, declaration_id, effective_everywhere_after }
            }
            Self::Lift(message) => {
                let ended = within_time(client.withdraw_declaration(timed(message.clone()))).await?;
                let v1::WithdrawDeclarationResponse { token, effective_everywhere_after, .. } = ended;
                Answer { token, declaration_id: String::new(), effective_everywhere_after }
            }
            Self::Link(message) => {
                let linked = within_time(client.link_clients(timed(message.clone()))).await?;
                let v1::LinkClientsResponse { token, link_id, effective_everywhere_after, .. } = linked;
                Answer { token, declaration_id: link_id, effective_everywhere_after }
            }
            Self::Unlink(message) => {
                let ended = within_time(client.unlink_clients(timed(message.clone()))).await?;
                let v1::UnlinkClientsResponse { token, effective_everywhere_after, .. } = ended;
                Answer { token, declaration_id: String::new(), effective_everywhere_after }
            }
        })
    }
}

impl Person {
    pub(super) fn new(number: usize, channels: &[Channel], seed: u64, shared: Arc<Shared>) -> Self {
        let rng = Rng::new(seed * 100 + number as u64);
        Self { number, channels: channels.to_vec(), rng, shared, done: 0 }
    }

    /// Records and withdraws until the history ends.
    pub(super) async fn declare(mut self) {
        self.record(Action::Informed, INFORMATION).await;
        let consented = self.record(Action::Consents, CONSENT).await;
        self.shared.tokens.lock().unwrap()[self.number] = consented.map(|answer| answer.token).unwrap();
        while !self.shared.is_over() {
            let Some(denied) = self.record(Action::Denies, DENIAL).await else { return };
            let needs = [self.done - 1];
            if self.lift(Action::Lifts, self.number, &denied.declaration_id, &needs).await.is_none() {
                return;
            }
            if is_linking(self.number) && self.link_and_unlink().await.is_none() {
                return;
            }
        }
    }

    /// Links the other code, denies under it, and ends both, in either order.
    async fn link_and_unlink(&mut self) -> Option<()> {
        let other = other_code(self.number);
        let key = Action::Links.key(self.number, self.done, &[]);
        let wait = self.wait().into();
        let link = v1::LinkClientsRequest { wait, ..linking(&[person(self.number), person(other)], &key) };
        let linked = self.persist(Call::Link(link)).await?;
        let link = self.done - 1;
        let denied = self.record(Action::DeniesElsewhere, DENIAL).await?;
        let denial = self.done - 1;
        // Under the person's own code it is found only while the codes are linked.
        let lifts_linked = self.rng.chance(50);
        if lifts_linked {
            let needs = [denial, link];
            self.lift(Action::LiftsElsewhere, self.number, &denied.declaration_id, &needs).await?;
        }
        let key = Action::Unlinks.key(self.number, self.done, &[link]);
        let wait = self.wait().into();
        let unlink = unlinking(person(other), &linked.declaration_id, &key);
        self.persist(Call::Unlink(v1::UnlinkClientsRequest { wait, ..unlink })).await?;
        if !lifts_linked {
            self.lift(Action::LiftsElsewhere, other, &denied.declaration_id, &[denial]).await?;
        }
        Some(())
    }

    async fn record(&mut self, what: Action, declaration: &str) -> Option<Answer> {
        let key = what.key(self.number, self.done, &[]);
        let wait = self.wait().into();
        let code = if what == Action::DeniesElsewhere { other_code(self.number) } else { self.number };
        let message = v1::RecordDeclarationRequest { wait, ..recording(person(code), &key, declaration) };
        self.persist(Call::Record(message)).await
    }

    async fn lift(&mut self, what: Action, code: usize, id: &str, needs: &[usize]) -> Option<Answer> {
        let key = what.key(self.number, self.done, needs);
        let wait = self.wait().into();
        let message = v1::WithdrawDeclarationRequest { wait, ..withdrawal(person(code), &key, id) };
        self.persist(Call::Lift(message)).await
    }

    fn wait(&mut self) -> v1::Wait {
        if !self.shared.is_waiting_short {
            return v1::Wait::Unspecified;
        }
        self.rng.weighted(&[(4, v1::Wait::Unspecified), (1, v1::Wait::Everywhere)])
    }

    /// Sends the write to one replica after the other until one acknowledges it, and publishes
    /// the token to the readers. The key stays the same, so that it is stored once.
    async fn persist(&mut self, call: Call) -> Option<Answer> {
        self.done += 1;
        let (key, wait) = call.key_and_wait();
        let mut well_since = None;
        loop {
            let channel = self.rng.pick(&self.channels);
            match call.send(channel).await {
                Ok(answer) => {
                    let acknowledged = Acknowledged {
                        key: key.to_owned(),
                        at: Instant::now(),
                        point: point(&answer.token),
                        has_waited: wait == v1::Wait::Everywhere,
                        effective_everywhere_after: instant(
                            answer.effective_everywhere_after.as_ref().unwrap(),
                        ),
                    };
                    self.shared.note(|log| log.acknowledged.push(acknowledged));
                    if self.done > 2 {
                        answer.token.clone_into(&mut self.shared.tokens.lock().unwrap()[self.number]);
                    }
                    sleep(Duration::from_millis(self.rng.pick(&[0, 5, 20, 60]))).await;
                    return Some(answer);
                }
                // The declaration or link was lost with its epoch: the checker verifies that.
                Err(status) if status.code() == Code::NotFound => {
                    self.shared.note(|log| log.missed.push(key.to_owned()));
                    return Some(Answer {
                        token: self.shared.token_of(self.number),
                        declaration_id: String::new(),
                        effective_everywhere_after: None,
                    });
                }
                Err(status) => {
                    self.shared.note(|log| log.refuse("record", &status, None));
                    if self.shared.is_over()
                        && well_since.get_or_insert_with(Instant::now).elapsed() > RECOVERY_MAX
                    {
                        self.shared
                            .note(|log| log.unrecovered.push(format!("{key} is not answered: {status:?}")));
                        return None;
                    }
                }
            }
            sleep(Duration::from_millis(self.rng.pick(&[10, 50, 150]))).await;
        }
    }
}
