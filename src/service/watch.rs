//! The stream of `WatchDeclarations`: which clients' declarations have changed.
//!
//! ```text
//!  index: the published point moves ─▶ store.clients_changed(sent, point) ─▶ bounded queue ─▶ stream
//! ```
//!
//! Backpressure: the queue is short, and a caller that reads more slowly than
//! changes arrive is disconnected. It resumes from its last checkpoint.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::{task, time};
use tokio_stream::Stream;
use tonic::Status;

use crate::limits::{CallerKey, ShareLimits, SharePlace, ShareUsedUp};
use crate::policy::client_id::ClientId;
use crate::store::{ChangedClient, Point, ReadError, Revision};
use crate::wire::client::to_client;
use crate::wire::v1::{ClientChange, WatchDeclarationsResponse};

use super::Core;
use super::caller::RequestCaller;
use super::status::Failure;

/// Maximum number of messages that wait to be sent.
const MESSAGES_WAITING_MAX: usize = 4;

/// Limits of watch streams.
#[derive(Clone, Copy, Debug)]
pub struct WatchLimits {
    /// Maximum number of streams at one time.
    pub streams: ShareLimits,
    /// Maximum number of changes in one message.
    pub changes_max: usize,
    /// Heartbeat interval of an idle stream.
    pub checkpoint_interval: Duration,
    /// How long a message may wait for a place in the queue.
    pub send_timeout: Duration,
}

/// A stream: messages, and at its end the error that ended it.
pub struct Changes {
    messages: mpsc::Receiver<WatchDeclarationsResponse>,
    end: Option<oneshot::Receiver<Status>>,
}

/// The task that fills one stream.
struct Watcher {
    core: Core,
    /// Every change up to this point has been sent.
    sent_until: Point,
    messages: mpsc::Sender<WatchDeclarationsResponse>,
    caller: Arc<RequestCaller>,
    _place: SharePlace,
}

impl Core {
    /// Starts a stream with the changes after a token, or from now on.
    pub(super) async fn watch(&self, after: &str, caller: Arc<RequestCaller>) -> Result<Changes, Failure> {
        let place = self.watchers.take(caller.key);
        let place = place.map_err(|ShareUsedUp(used_up)| Failure::TooManyWatchers(used_up))?;
        let after = if after.is_empty() { None } else { Some(self.wait_for_token(after, "after").await?) };
        let current = self.snapshot("").await?.point();
        let sent_until = after.unwrap_or(current);
        let (messages, receiver) = mpsc::channel(MESSAGES_WAITING_MAX);
        let (end, ended) = oneshot::channel();
        let watcher = Watcher { core: self.clone(), sent_until, messages, caller, _place: place };
        task::spawn(async move {
            if let Err(failure) = watcher.run().await {
                // Fails if the caller has gone, and then needs no error.
                drop(end.send(failure.into()));
            }
        });
        Ok(Changes { messages: receiver, end: Some(ended) })
    }

    /// The next changes after a revision, up to a point; at most as many as a message has.
    pub(super) async fn clients_changed(
        &self,
        after: Revision,
        until: Point,
        caller: CallerKey,
        place: Option<SharePlace>,
    ) -> Result<Vec<ChangedClient>, Failure> {
        let limit = self.limits.watch.changes_max;
        let read = self.read(caller, place, move |store| store.clients_changed(after, until, limit)).await?;
        read.map_err(|error| {
            let is_other_epoch = matches!(error, ReadError::OtherEpoch { .. });
            if is_other_epoch { Failure::TokenOfAnotherStore } else { Failure::Unreadable(error.into()) }
        })
    }
}

impl Watcher {
    /// Sends changes until the caller goes or an error ends the stream.
    async fn run(mut self) -> Result<(), Failure> {
        let limits = self.core.limits.watch;
        let mut points = self.core.index.points();
        let mut is_ending = self.core.is_ending();
        let mut is_heartbeat_due = true;
        loop {
            points.mark_unchanged();
            match self.core.index.newest() {
                Some(newest) if !newest.lineage().contains(self.sent_until) => {
                    return Err(Failure::TokenOfAnotherStore);
                }
                Some(newest) if newest.revision() > self.sent_until.revision => {
                    let message = self.next(newest.point()).await?;
                    if !self.send(message).await? {
                        return Ok(());
                    }
                    is_heartbeat_due = false;
                    continue;
                }
                Some(_) if is_heartbeat_due => {
                    let message = self.message(Vec::new());
                    if !self.send(message).await? {
                        return Ok(());
                    }
                }
                Some(_) | None => {}
            }
            tokio::select! {
                () = self.messages.closed() => return Ok(()),
                Ok(_) = is_ending.wait_for(|is_ending| *is_ending) => return Err(Failure::Ending),
                changed = points.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    is_heartbeat_due = false;
                }
                () = time::sleep(limits.checkpoint_interval) => is_heartbeat_due = true,
            }
        }
    }

    /// The message with the next changes, up to a point.
    async fn next(&mut self, until: Point) -> Result<WatchDeclarationsResponse, Failure> {
        // A stream has a place of its own, and only waits for its turn.
        let (core, after) = (&self.core, self.sent_until.revision);
        let clients_changed = core.clients_changed(after, until, self.caller.key, None).await?;
        if let Some(last) = clients_changed.last() {
            self.sent_until = Point { revision: last.revision, ..until };
        }
        Ok(self.message(clients_changed))
    }

    /// A change under one code of a person concerns every code.
    fn message(&self, clients_changed: Vec<ChangedClient>) -> WatchDeclarationsResponse {
        let directory_replaced = clients_changed.iter().any(|one| one.client.is_none());
        let names_clients = self.caller.caller.details;
        let snapshot = self.core.index.newest();
        let mut linked = HashSet::new();
        let mut codes_of =
            |client: ClientId| match snapshot.as_ref().and_then(|snapshot| snapshot.person(&client)) {
                None => vec![client],
                Some(person) => {
                    person.codes.iter().filter(|code| linked.insert((*code).clone())).cloned().collect()
                }
            };
        let clients = clients_changed.into_iter().filter_map(|ChangedClient { revision: _, client }| client);
        let clients: Vec<ClientId> = clients.flat_map(&mut codes_of).collect();
        let changes = clients.into_iter().map(|client| ClientChange {
            client_pseudonym: self.core.pseudonyms.of(&client),
            client: names_clients.then(|| to_client(&client)),
        });
        let changes = changes.collect();
        WatchDeclarationsResponse {
            changes,
            directory_replaced,
            checkpoint: self.core.tokens.write(self.sent_until),
        }
    }

    /// Sends a message; false if the caller has gone.
    async fn send(&self, message: WatchDeclarationsResponse) -> Result<bool, Failure> {
        let sent = time::timeout(self.core.limits.watch.send_timeout, self.messages.send(message)).await;
        sent.map(|sent| sent.is_ok()).map_err(|_| Failure::WatcherTooSlow)
    }
}

impl Stream for Changes {
    type Item = Result<WatchDeclarationsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = ready!(self.messages.poll_recv(context)) {
            return Poll::Ready(Some(Ok(message)));
        }
        let Some(end) = &mut self.end else { return Poll::Ready(None) };
        let why = ready!(Pin::new(end).poll(context));
        self.end = None;
        Poll::Ready(why.ok().map(Err))
    }
}
