//! The clients of a history: writers, readers and watchers.

mod reader;
mod person;
mod watcher;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lupa::wire::v1;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::log::Log;
use crate::fixtures::patience::PATIENCE;
use crate::fixtures::requests::demo_directory;
use person::Person;

const PEOPLE: usize = 6;

/// Timeout of one call.
const CALL_MAX: Duration = Duration::from_secs(3);

/// Upper bound of the recovery after the last fault.
pub(super) const RECOVERY_MAX: Duration = PATIENCE;

pub(crate) struct Workers {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    people: JoinSet<()>,
    others: JoinSet<()>,
}

/// State shared by all clients.
struct Shared {
    log: Mutex<Log>,
    /// The last token of each person.
    tokens: Mutex<Vec<String>>,
    stopped: watch::Receiver<bool>,
    /// A write is in force everywhere within the timeout of a call.
    is_waiting_short: bool,
}

impl Shared {
    fn is_over(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Adds to the log.
    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log.lock().unwrap());
    }

    fn token_of(&self, person: usize) -> String {
        self.tokens.lock().unwrap()[person].clone()
    }
}

impl Workers {
    /// Stores the directory and starts the clients.
    pub(crate) async fn start(channels: &[Channel], seed: u64, max_staleness: Duration) -> Self {
        let load = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
        let started_at = Instant::now();
        while DirectoryServiceClient::new(channels[0].clone()).replace_directory(load.clone()).await.is_err()
        {
            assert!(started_at.elapsed() < RECOVERY_MAX, "no replica stores the directory");
            sleep(Duration::from_millis(20)).await;
        }
        let (stop, stopped) = watch::channel(false);
        let tokens = Mutex::new(vec![String::new(); PEOPLE]);
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            tokens,
            stopped,
            is_waiting_short: max_staleness * 2 < CALL_MAX,
        });
        let mut people = JoinSet::new();
        for number in 0..PEOPLE {
            people.spawn(Person::new(number, channels, seed, Arc::clone(&shared)).declare());
        }
        // All have consented, so that some decisions are permits.
        while shared.tokens.lock().unwrap().iter().any(String::is_empty) {
            assert!(started_at.elapsed() < RECOVERY_MAX, "nothing is recorded");
            sleep(Duration::from_millis(10)).await;
        }
        let mut others = JoinSet::new();
        for (replica, channel) in channels.iter().enumerate() {
            others.spawn(reader::read(replica, channel.clone(), seed, Arc::clone(&shared)));
            others.spawn(watcher::watch(channel.clone(), Arc::clone(&shared)));
        }
        Self { shared, stop, people, others }
    }

    /// The first acknowledgement after a time.
    pub(crate) fn first_done_after(&self, time: Instant) -> Option<Instant> {
        let log = self.shared.log.lock().unwrap();
        log.acknowledged.iter().map(|acknowledged| acknowledged.at).find(|at| *at > time)
    }

    /// After the last fault: waits until every write is acknowledged and every replica
    /// decides at the newest tokens, then stops the clients.
    pub(crate) async fn finish(self, channels: &[Channel]) -> Log {
        let Self { shared, stop, people, others } = self;
        stop.send_replace(true);
        people.join_all().await;
        others.join_all().await;
        for (replica, channel) in channels.iter().enumerate() {
            reader::decide_for_all(replica, channel.clone(), &shared).await;
        }
        std::mem::take(&mut *shared.log.lock().unwrap())
    }
}

/// A request with a deadline for the server.
fn timed<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_MAX);
    request
}

/// The response within the timeout, also if the server is suspended.
async fn within_time<A>(call: impl Future<Output = Result<Response<A>, Status>>) -> Result<A, Status> {
    let answer = timeout(CALL_MAX, call).await;
    answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer"))).map(Response::into_inner)
}
