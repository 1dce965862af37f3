//! Logs over OTLP, and how they are found by the trace.

use super::receiver::{Receiver, attribute, hex};
use super::{TRACE, decide, request_of, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_line_names_its_trace() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let process = start(folder.path(), &receiver, &[("LUPA_LOG__LEVEL", "debug")]);
    let channel = process.connect().await;
    decide(&channel, request_of(&[])).await.unwrap_err();
    let ended = process.terminate();
    assert!(ended.status.success(), "{}", ended.output);
    let logs = receiver.logs();
    let refused = logs.iter().find(|log| attribute(&log.attributes, "reason").is_some()).expect("a refusal");
    assert_eq!(hex(&refused.trace_id), TRACE);
    let line = ended.output.lines().find(|line| line.contains("INVALID_REQUEST")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace_id"], TRACE);
}
