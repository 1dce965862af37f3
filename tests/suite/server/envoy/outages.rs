//! Fail-closed: during an outage no call passes, and each is answered 503, not as denied.
//! `LUPA_TEST_OUTAGES=100 LUPA_TEST_CASES=100000 cargo test --test suite outages`
//! is the long campaign.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Envoy, lupa, path_of, start_lupa};
use crate::core::evaluate::cases;
use crate::fixtures::patience::until;
use crate::fixtures::relay::{Mode, Relay};

/// Number of outages by default: each kind once. `LUPA_TEST_OUTAGES` sets another number.
const OUTAGES: usize = KINDS.len();

/// Number of calls during all outages.
const CALLS: u64 = 240;

/// Maximum number of concurrent calls.
const WAITING_MAX: usize = 256;

/// Longer than Envoy's timeouts.
const SLOWNESS: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
enum Outage {
    /// The process is killed.
    Killed,
    /// The process is suspended.
    Paused,
    /// The link between Envoy and Lupa fails.
    Between(Mode),
}

const KINDS: [Outage; 6] = [
    Outage::Killed,
    Outage::Paused,
    Outage::Between(Mode::Silent),
    Outage::Between(Mode::Resets),
    Outage::Between(Mode::Slow(SLOWNESS)),
    Outage::Between(Mode::Garbage),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_an_outage_every_call_is_503_and_none_reaches_the_service() {
    let outages = std::env::var("LUPA_TEST_OUTAGES").map_or(OUTAGES, |count| count.parse().unwrap());
    let calls = cases(CALLS).div_ceil(outages as u64);
    let folder = TempDir::new().unwrap();
    let mut process = lupa(folder.path()).await;
    let relay = Relay::start(process.address()).await;
    let envoy = Arc::new(Envoy::start_with_deployed_timeouts(relay.address()).await);
    for (number, outage) in KINDS.into_iter().cycle().take(outages).enumerate() {
        serves(&envoy).await;
        match outage {
            Outage::Killed => {
                process.kill();
                check(&envoy, calls, number, outage).await;
                process = start_lupa(folder.path());
                relay.lead_to(process.address());
            }
            Outage::Paused => {
                process.signal("STOP");
                check(&envoy, calls, number, outage).await;
                process.signal("CONT");
            }
            Outage::Between(mode) => {
                relay.set(mode);
                check(&envoy, calls, number, outage).await;
                relay.set(Mode::Passes);
            }
        }
    }
    serves(&envoy).await;
}

/// Sends calls; half of them would be permitted and half denied.
async fn check(envoy: &Arc<Envoy>, calls: u64, number: usize, outage: Outage) {
    let at_once = Arc::new(Semaphore::new(WAITING_MAX));
    let mut waiting = JoinSet::new();
    for call in 0..calls {
        let permit = Arc::clone(&at_once).acquire_owned().await.unwrap();
        let envoy = Arc::clone(envoy);
        waiting.spawn(async move {
            let entry = if call % 2 == 0 { "entry-1" } else { "entry-2" };
            let answer = envoy.get(&path_of(entry), &[]).await;
            drop(permit);
            answer
        });
    }
    for answer in waiting.join_all().await {
        assert_eq!(answer.status, 503, "outage {number}, {outage:?}: {}", answer.text);
    }
    let reached = envoy.reached();
    assert!(reached.is_empty(), "outage {number}, {outage:?}: {} calls came through", reached.len());
}

/// Waits until calls are decided again.
async fn serves(envoy: &Envoy) {
    for (entry, expected) in [("entry-1", 200), ("entry-2", 403)] {
        until("Lupa decides again", async || {
            let status = envoy.get(&path_of(entry), &[]).await.status;
            // Until then nothing passes.
            assert!(status == expected || status == 503, "{entry}: {status}");
            status == expected
        })
        .await;
    }
    assert!(envoy.reached().iter().all(|(path, _)| *path == path_of("entry-1")));
}

/// Without an answer to the lookup no call passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_lookup_every_call_is_503_and_none_reaches_the_service() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start_with_deployed_timeouts(process.address()).await;
    serves(&envoy).await;
    envoy.upstream.signal("STOP");
    let paused = envoy.get(&path_of("entry-1"), &[]).await;
    assert_eq!((paused.status, envoy.reached().len()), (503, 0), "{}", paused.text);
    envoy.upstream.signal("CONT");
    serves(&envoy).await;
    envoy.upstream.signal("KILL");
    let gone = envoy.get(&path_of("entry-1"), &[]).await;
    assert_eq!((gone.status, envoy.reached().len()), (503, 0), "{}", gone.text);
}
