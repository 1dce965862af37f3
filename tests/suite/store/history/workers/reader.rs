//! A client that requests decisions from one replica.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lupa::clock;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::person::is_linking;
use super::{PEOPLE, RECOVERY_MAX, Shared, timed, within_time};
use crate::core::generator::rng::Rng;
use crate::fixtures::requests::{entry, person, question};
use crate::store::history::log::{Answered, other_code, point};

/// Requests decisions until the history ends.
pub(super) async fn read(replica: usize, channel: Channel, seed: u64, shared: Arc<Shared>) {
    let mut rng = Rng::new(seed * 100 + 50 + replica as u64);
    let mut last_token = String::new();
    while !shared.is_over() {
        let person = rng.below(PEOPLE);
        let at_least =
            rng.weighted(&[(4, String::new()), (4, shared.token_of(person)), (2, last_token.clone())]);
        let code = if is_linking(person) && rng.chance(50) { other_code(person) } else { person };
        match decide(replica, channel.clone(), code, &at_least, &shared).await {
            Ok(token) => last_token = token,
            // A token of an ended epoch.
            Err(status) if status.code() == Code::FailedPrecondition => last_token.clear(),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
        sleep(Duration::from_millis(rng.pick(&[0, 2, 5]))).await;
    }
}

/// Requests a decision about each person, with the token of their last write, until it is answered.
pub(super) async fn decide_for_all(replica: usize, channel: Channel, shared: &Shared) {
    let started_at = Instant::now();
    for person in 0..PEOPLE {
        let mut token = shared.token_of(person);
        while let Err(status) = decide(replica, channel.clone(), person, &token, shared).await {
            if status.code() == Code::FailedPrecondition {
                token.clear();
            }
            if started_at.elapsed() > RECOVERY_MAX {
                shared.note(|log| log.unrecovered.push(format!("replica {replica}: {status:?}")));
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Requests one decision, logs it and returns its token.
async fn decide(
    replica: usize,
    channel: Channel,
    number: usize,
    token: &str,
    shared: &Shared,
) -> Result<String, Status> {
    let at_least = (!token.is_empty()).then(|| point(token));
    let records = vec![entry("doc-1", "visit-1")];
    let request = v1::DecideRequest { at_least: token.to_owned(), ..question(person(number), records) };
    let (requested_at, requested_at_wall) = (Instant::now(), clock::now());
    let mut client = DecisionServiceClient::new(channel);
    let decided = within_time(client.decide(timed(request))).await;
    let decided = decided.inspect_err(|status| {
        shared.note(|log| log.refuse("decide", status, at_least));
    })?;
    let answered = Answered {
        replica,
        person: number,
        requested_at,
        requested_at_wall,
        answered_at: Instant::now(),
        at_least,
        point: point(&decided.token),
        is_permit: decided.verdicts[0].effect() == v1::Effect::Permit,
    };
    shared.note(|log| log.answered.push(answered));
    Ok(decided.token)
}
