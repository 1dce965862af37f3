//! The memory of the process stays within what it was, the ceiling and a little,
//! whatever callers send and do not read.

use lupa::wire::v1;
use prost::Message;
use tempfile::TempDir;
use tokio::time::timeout;

use super::raw::{
    DECIDE, EXHAUSTED, Outcome, Raw, SIMULATE, TIMED_OUT, framed, large_question, outcome, send_all,
};
use super::{metric, reached, start};
use crate::fixtures::patience::{PATIENCE, until};
use crate::fixtures::process::Process;
use crate::fixtures::requests::{aino, aino_declares, entry, question};

/// The ceiling of these tests.
const CEILING_BYTES: u64 = 64 << 20;

/// What the process may take beyond its index and the ceiling.
const BESIDE_BYTES: u64 = 128 << 20;

const SETTINGS: [(&str, &str); 3] = [
    ("LUPA_LIMITS__IN_FLIGHT_BYTES_MAX", "67108864"),
    ("LUPA_LIMITS__IN_FLIGHT_BYTES_PER_CALLER_MAX", "67108864"),
    // More connections would each have a smaller part for themselves.
    ("LUPA_LIMITS__CONNECTIONS_MAX", "64"),
];

/// The most memory that the process has had.
fn peak_bytes(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("its status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

async fn is_answered(process: &Process) {
    let channel = process.connect().await;
    let asked = question(aino(), vec![entry("document-1", "visit-1")]);
    let answer = v1::decision_service_client::DecisionServiceClient::new(channel).decide(asked).await;
    answer.expect("a small request is answered beside them");
}

/// 10,000 records are answered with more than a megabyte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_are_bounded_and_dropped_in_time() {
    let folder = TempDir::new().expect("a folder");
    let time = ("LUPA_LIMITS__ANSWER_MS_MAX", "3000");
    let process = start(folder.path(), &[SETTINGS.as_slice(), &[time]].concat());
    aino_declares(process.connect().await).await;
    let before = peak_bytes(&process);
    let message = large_question(aino(), 10_000);
    let (mut unread, mut refused, mut connections) = (Vec::new(), 0, Vec::new());
    for _ in 0..6 {
        let mut raw = Raw::without_windows(process.address()).await;
        for _ in 0..20 {
            let Some(answer) = raw.send(DECIDE, &message).await else { break };
            match outcome(answer).await {
                Outcome::Answered(body) => unread.push(body),
                Outcome::Refused(status) => {
                    assert_eq!(status, EXHAUSTED);
                    refused += 1;
                }
                Outcome::Ended => {}
            }
        }
        connections.push(raw);
    }
    assert!(refused > 0, "{} answers were kept and none refused", unread.len());
    is_answered(&process).await;
    for mut body in unread {
        let ended = timeout(PATIENCE, body.data()).await.expect("in time");
        let ended = ended.expect("the stream does not end in order");
        assert!(ended.expect_err("it is reset").is_reset());
    }
    assert!(reached(process.http(), "answer_ms_max").await > 0);
    until("everything is given back", async || metric(process.http(), "lupa_in_flight_bytes").await == 0)
        .await;
    let peak = peak_bytes(&process);
    assert!(peak <= before + CEILING_BYTES + BESIDE_BYTES, "{} MiB, {} before", peak >> 20, before >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_never_end_are_bounded_and_refused_in_time() {
    let folder = TempDir::new().expect("a folder");
    let time = ("LUPA_LIMITS__MESSAGE_MS_MAX", "3000");
    let process = start(folder.path(), &[SETTINGS.as_slice(), &[time]].concat());
    let before = peak_bytes(&process);
    // All but its last byte.
    let mut message = framed(&vec![b'y'; 8 << 20]);
    message.truncate(message.len() - 1);
    let mut connections = Vec::new();
    let mut unended = Vec::new();
    for _ in 0..6 {
        let mut raw = Raw::connect(process.address()).await;
        for _ in 0..8 {
            let mut started = raw.start_request(DECIDE).await.expect("a stream");
            // A stream that was refused takes no more.
            send_all(&mut started.message, message.clone(), false).await;
            unended.push(started);
        }
        connections.push(raw);
    }
    is_answered(&process).await;
    let mut refusals = Vec::new();
    for started in unended {
        match outcome(started.answer).await {
            Outcome::Refused(status) => refusals.push(status),
            Outcome::Ended => {}
            Outcome::Answered(_) => panic!("a message without an end was answered"),
        }
    }
    assert!(refusals.iter().any(|status| status == EXHAUSTED), "{refusals:?}");
    assert!(refusals.iter().all(|status| status == EXHAUSTED || status == TIMED_OUT), "{refusals:?}");
    until("everything is given back", async || metric(process.http(), "lupa_in_flight_bytes").await == 0)
        .await;
    let peak = peak_bytes(&process);
    assert!(peak <= before + CEILING_BYTES + BESIDE_BYTES, "{} MiB, {} before", peak >> 20, before >> 20);
}

/// Two bytes each on the wire, and some hundreds once they are decoded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_would_take_too_much_once_decoded_is_refused_before() {
    let folder = TempDir::new().expect("a folder");
    let process = start(folder.path(), &SETTINGS);
    let before = peak_bytes(&process);
    let declarations = vec![v1::StoredDeclaration::default(); 1_000_000];
    let simulation = v1::SimulateRequest { declarations, ..v1::SimulateRequest::default() }.encode_to_vec();
    let mut raw = Raw::connect(process.address()).await;
    let answer = raw.send(SIMULATE, &simulation).await.expect("sent");
    assert!(matches!(outcome(answer).await, Outcome::Refused(status) if status == EXHAUSTED));
    is_answered(&process).await;
    let peak = peak_bytes(&process);
    assert!(peak <= before + CEILING_BYTES + BESIDE_BYTES, "{} MiB, {} before", peak >> 20, before >> 20);
}
