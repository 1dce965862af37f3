//! A writer: a person who repeatedly records a denial and withdraws it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::{RECOVERY_MAX, Shared, timed, within_time};
use crate::core::generator::rng::Rng;
use crate::fixtures::requests::{CONSENT, DENIAL, INFORMATION, instant, person, recording, withdrawal};
use crate::store::history::log::{Acknowledged, Action, point};

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
}

impl Call {
    fn key_and_wait(&self) -> (&str, v1::Wait) {
        match self {
            Self::Record(message) => (&message.idempotency_key, message.wait()),
            Self::Lift(message) => (&message.idempotency_key, message.wait()),
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
            self.pass(&denied);
            let Some(lifted) = self.lift(&denied.declaration_id).await else { return };
            self.pass(&lifted);
        }
    }

    /// Publishes the token to the readers.
    fn pass(&self, answer: &Answer) {
        answer.token.clone_into(&mut self.shared.tokens.lock().unwrap()[self.number]);
    }

    async fn record(&mut self, what: Action, declaration: &str) -> Option<Answer> {
        let key = what.key(self.number, self.done);
        let wait = self.wait().into();
        let message =
            v1::RecordDeclarationRequest { wait, ..recording(person(self.number), &key, declaration) };
        self.persist(Call::Record(message)).await
    }

    async fn lift(&mut self, declaration_id: &str) -> Option<Answer> {
        let key = Action::Lifts.key(self.number, self.done);
        let wait = self.wait().into();
        let message =
            v1::WithdrawDeclarationRequest { wait, ..withdrawal(person(self.number), &key, declaration_id) };
        self.persist(Call::Lift(message)).await
    }

    fn wait(&mut self) -> v1::Wait {
        if !self.shared.is_waiting_short {
            return v1::Wait::Unspecified;
        }
        self.rng.weighted(&[(4, v1::Wait::Unspecified), (1, v1::Wait::Everywhere)])
    }

    /// Sends the write to one replica after the other until one acknowledges it. The key
    /// stays the same, so that it is stored once.
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
                    sleep(Duration::from_millis(self.rng.pick(&[0, 5, 20, 60]))).await;
                    return Some(answer);
                }
                // The declaration was lost with its epoch: the checker verifies that.
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
