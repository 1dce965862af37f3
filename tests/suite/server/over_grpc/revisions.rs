//! Decide, Decide after a restart and Simulate agree at a revision.

use std::sync::atomic::{AtomicI64, Ordering};

use lupa::policy::day::Instant;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::{DecideResponse, SimulateRequest};
use lupa::wire::{client, declaration, directory};

use crate::core::evaluate::to_core;
use crate::core::generator::{Case, case, timestamp};
use crate::core::properties::recorded_at;
use crate::core::reference::instant;
use crate::fixtures::importing::import_new;
use crate::fixtures::running::Running;

/// Each opens a store twice.
const CASES: u64 = 60;

/// The time of the servers of this test, in microseconds.
static NOW: AtomicI64 = AtomicI64::new(0);

fn clock_of_case() -> Instant {
    Instant::from_timestamp_micros(NOW.load(Ordering::SeqCst)).unwrap()
}

/// An audit repeats a decision after restarts and by Simulate: it must get the verdicts
/// that the professional got.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decide_restart_and_simulate_agree_at_a_revision() {
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..CASES {
        let case = stored_by_now(case(seed));
        NOW.store(case.at.timestamp_micros(), Ordering::SeqCst);
        let calendar = to_core(&case.calendar);
        let running = Running::start_with(&calendar, clock_of_case, async |store| {
            store.replace_directory(directory::directory(&case.directory).unwrap()).await.unwrap();
            let client = client::client_of(case.request.client.as_ref()).unwrap();
            let declared = declaration::stored_declarations("declarations", &case.declarations).unwrap();
            import_new(store, declared.into_iter().map(|one| (client.clone(), one)).collect()).await;
        })
        .await;
        let live = decide(&running, &case).await;
        let running = running.restart(&calendar, clock_of_case).await;
        let restarted = decide(&running, &case).await;
        assert_eq!((&live.verdicts, &live.token), (&restarted.verdicts, &restarted.token), "seed {seed}");
        let simulated = SimulateRequest {
            decide: Some(case.request.clone()),
            at: Some(timestamp(case.at)),
            ..SimulateRequest::default()
        };
        let simulated = DecisionServiceClient::new(running.channel.clone()).simulate(simulated).await;
        let simulated = simulated.expect("a simulation").into_inner().decision.expect("a decision");
        assert_eq!((&live.verdicts, &live.token), (&simulated.verdicts, &simulated.token), "seed {seed}");
        different.extend(live.verdicts.iter().map(|verdict| verdict.details().rule.clone()));
        running.end().await;
    }
    assert!(different.len() > 12, "few rules decided: {different:?}");
}

async fn decide(running: &Running, case: &Case) -> DecideResponse {
    let answer = DecisionServiceClient::new(running.channel.clone()).decide(case.request.clone()).await;
    answer.expect("a decision").into_inner()
}

/// A store holds nothing of the future, and instants to the microsecond.
fn stored_by_now(mut case: Case) -> Case {
    let is_past = |stored: &_| recorded_at(stored) <= case.at;
    case.declarations.retain(is_past);
    for (number, stored) in case.declarations.iter_mut().enumerate() {
        stored.id = format!("stored {number}");
        if stored.withdrawn_at.as_ref().is_some_and(|withdrawn_at| instant(withdrawn_at) > case.at) {
            (stored.withdrawn_at, stored.withdrawn_by, stored.withdrawal_given_at) = (None, None, None);
        }
        let instants = [
            &mut stored.recorded_at,
            &mut stored.given_at,
            &mut stored.withdrawn_at,
            &mut stored.withdrawal_given_at,
        ];
        for instant in instants.into_iter().flatten() {
            instant.nanos -= instant.nanos % 1_000;
        }
    }
    case
}
