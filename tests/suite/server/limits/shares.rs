//! One caller cannot use up what the others need.

use std::net::{IpAddr, Ipv4Addr};

use tempfile::TempDir;

use super::raw::{DECIDE, EXHAUSTED, Outcome, Unended, connect_from, large_question, outcome};
use super::{metric, start};
use crate::fixtures::patience::until;
use crate::fixtures::requests::aino;

const GREEDY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const MODEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// The parts that connections have for themselves are as good as none here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_fills_its_share_leaves_that_of_another() {
    let folder = TempDir::new().expect("a folder");
    let process = start(
        folder.path(),
        &[
            ("LUPA_LIMITS__REQUESTS_MAX", "200"),
            ("LUPA_LIMITS__REQUESTS_PER_CALLER_MAX", "100"),
            ("LUPA_LIMITS__MESSAGE_MS_MAX", "3600000"),
        ],
    );
    drop(process.connect().await);
    let mut greedy = connect_from(GREEDY, process.address()).await;
    let mut started: Vec<Unended> = Vec::new();
    // None of them ends.
    for _ in 0..100 {
        started.push(greedy.start_request(DECIDE).await.expect("a stream"));
    }
    until("its share is used up", async || metric(process.http(), "lupa_in_flight_requests").await >= 100)
        .await;
    let more = greedy.send(DECIDE, &large_question(aino(), 1)).await.expect("sent");
    assert!(matches!(outcome(more).await, Outcome::Refused(status) if status == EXHAUSTED));
    let mut modest = connect_from(MODEST, process.address()).await;
    for _ in 0..20 {
        let answer = modest.send(DECIDE, &large_question(aino(), 1)).await.expect("sent");
        let answered = outcome(answer).await;
        assert!(!matches!(&answered, Outcome::Refused(status) if status == EXHAUSTED), "{answered:?}");
    }
    drop(started);
}
