//! A caller that records and withdraws until the server is killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::super::history::log::point;
use super::{Known, faults};
use crate::fixtures::requests::{listing, person, recording, withdrawal};

/// Records and withdraws for one client, one request at a time, each with its own
/// idempotency key, and keeps every answer.
pub(in crate::store::kill) struct Caller {
    number: usize,
    known: BTreeMap<String, Known>,
    /// Not withdrawn yet.
    open: Vec<String>,
    answered: Vec<(Request, Answer)>,
    /// Sent, with an unknown outcome.
    under_way: Option<Request>,
    interrupted: usize,
}

#[derive(Clone, Debug)]
enum Request {
    Record { event: String, message: v1::RecordDeclarationRequest },
    Withdraw(v1::WithdrawDeclarationRequest),
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Recorded(v1::RecordDeclarationResponse),
    Withdrawn(v1::WithdrawDeclarationResponse),
}

type Client = DeclarationServiceClient<Channel>;

impl Caller {
    pub(in crate::store::kill) fn new(number: usize) -> Self {
        Self {
            number,
            known: BTreeMap::new(),
            open: Vec::new(),
            answered: Vec::new(),
            under_way: None,
            interrupted: 0,
        }
    }

    /// Number of acknowledged requests.
    pub(in crate::store::kill) fn done(&self) -> usize {
        self.answered.len()
    }

    /// Number of requests that a kill interrupted.
    pub(in crate::store::kill) fn interrupted(&self) -> usize {
        self.interrupted
    }

    /// Resolves the interrupted request, checks the stored declarations, and continues
    /// until the kill is done. Reports for each answer whether it is an acknowledgement.
    pub(in crate::store::kill) async fn run(
        mut self,
        channel: Channel,
        acknowledged: mpsc::UnboundedSender<bool>,
        is_killed: Arc<AtomicBool>,
    ) -> Self {
        let mut client = Client::new(channel);
        let mut is_checked = false;
        while !is_killed.load(Ordering::Relaxed) {
            let answered = if self.under_way.is_none() && !is_checked {
                let checked = self.check(&mut client).await;
                is_checked = checked.is_ok();
                checked
            } else {
                self.step(&mut client).await
            };
            // The receiver stops once it has counted enough.
            acknowledged.send(answered.is_ok()).unwrap_or(());
            if let Err(status) = answered {
                assert_gone(&status);
                self.interrupted += usize::from(self.under_way.is_some());
                sleep(Duration::from_millis(20)).await;
            }
        }
        self
    }

    /// Resolves the interrupted request, repeats all requests, and checks the stored declarations.
    pub(in crate::store::kill) async fn settle(mut self, channel: Channel) -> Self {
        let mut client = Client::new(channel);
        while self.under_way.is_some() {
            let answered = self.step(&mut client).await;
            wait_after(answered).await;
        }
        for (request, answer) in self.answered.clone() {
            let repeated = loop {
                if let Some(repeated) = wait_after(send(&mut client, &request).await).await {
                    break repeated;
                }
            };
            assert_eq!(repeated, answer, "{request:?}");
        }
        while wait_after(self.check(&mut client).await).await.is_none() {}
        self
    }

    /// One request: the interrupted one again, or a new one.
    async fn step(&mut self, client: &mut Client) -> Result<(), Status> {
        let request = self.under_way.take().unwrap_or_else(|| self.next());
        self.under_way = Some(request.clone());
        let answer = send(client, &request).await?;
        self.under_way = None;
        match (&request, &answer) {
            (Request::Record { event, message: _ }, Answer::Recorded(recorded)) => {
                let id = recorded.declaration_id.clone();
                let known = Known { event: event.clone(), withdrawn_at: None };
                assert_eq!(self.known.insert(id.clone(), known), None, "{id} was given twice");
                self.open.push(id);
            }
            (Request::Withdraw(message), Answer::Withdrawn(withdrawn)) => {
                let known = self.known.get_mut(&message.declaration_id).expect("known");
                known.withdrawn_at = withdrawn.recorded_at;
            }
            (_, _) => panic!("{answer:?} to {request:?}"),
        }
        self.answered.push((request, answer));
        Ok(())
    }

    /// Every third request withdraws the oldest declaration.
    fn next(&mut self) -> Request {
        let key = format!("caller {} request {}", self.number, self.answered.len());
        if self.answered.len() % 3 == 2 && !self.open.is_empty() {
            return Request::Withdraw(withdrawal(person(self.number), &key, &self.open.remove(0)));
        }
        let event = format!("event {key}");
        let denial = format!("denial: {{ sector: SECTOR_HEALTHCARE, service_event: {event} }}");
        Request::Record { message: recording(person(self.number), &key, &denial), event }
    }

    async fn check(&self, client: &mut Client) -> Result<(), Status> {
        let request = v1::ListDeclarationsRequest { page_size: 1000, ..listing(person(self.number)) };
        let mut stored = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = client
                .list_declarations(v1::ListDeclarationsRequest { page_token, ..request.clone() })
                .await?
                .into_inner();
            stored.extend(page.declarations);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(faults(&self.known, &stored), [""; 0]);
        Ok(())
    }
}

async fn send(client: &mut Client, request: &Request) -> Result<Answer, Status> {
    // A repeated answer has a later time of effect everywhere, and its token is of the epoch of now.
    let effective_everywhere_after = None;
    let revision = |token: &str| point(token).revision.to_string();
    Ok(match request {
        Request::Record { event: _, message } => {
            let recorded = client.record_declaration(message.clone()).await?.into_inner();
            let token = revision(&recorded.token);
            Answer::Recorded(v1::RecordDeclarationResponse { effective_everywhere_after, token, ..recorded })
        }
        Request::Withdraw(message) => {
            let withdrawn = client.withdraw_declaration(message.clone()).await?.into_inner();
            let token = revision(&withdrawn.token);
            Answer::Withdrawn(v1::WithdrawDeclarationResponse {
                effective_everywhere_after,
                token,
                ..withdrawn
            })
        }
    })
}

/// The answer; `None` after a pause if the server is gone.
async fn wait_after<T>(answered: Result<T, Status>) -> Option<T> {
    match answered {
        Ok(answer) => Some(answer),
        Err(status) => {
            assert_gone(&status);
            sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// The error is one of a killed server or store, not a refusal.
fn assert_gone(status: &Status) {
    use Code::{Cancelled, DeadlineExceeded, Internal, Unavailable, Unknown};
    let is_gone = matches!(status.code(), Unavailable | DeadlineExceeded | Unknown | Cancelled | Internal);
    assert!(is_gone, "{status:?}");
}
