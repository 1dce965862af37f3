//! Metrics, over OTLP as over HTTP.

use std::collections::BTreeSet;

use lupa::telemetry::Telemetry;

use super::receiver::Receiver;
use super::{decide, request_of, start};
use crate::fixtures::requests::aino_declares;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exported_metrics_match_the_scraped_ones() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let process = start(folder.path(), &receiver, &[("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0")]);
    let channel = process.connect().await;
    aino_declares(channel.clone()).await;
    decide(&channel, request_of(&["visit-1", "visit-2"])).await.unwrap();
    receiver.until(|receiver| receiver.metrics().iter().any(|metric| metric.name == "lupa.decisions")).await;
    let ended = process.terminate();
    assert!(ended.status.success(), "{}", ended.output);
    let sent: BTreeSet<String> = receiver.metrics().into_iter().map(|metric| metric.name).collect();
    for name in [
        "lupa.build_info",
        "lupa.connections.accepted",
        "lupa.connections.accept_failures",
        "lupa.connections.open",
        "lupa.decisions",
        "lupa.declarations",
        "lupa.index.age",
        "lupa.index.base",
        "lupa.index.revision",
        "lupa.store.errors",
        "lupa.store.operation.duration",
        "rpc.server.call.duration",
    ] {
        assert!(sent.contains(name), "{name} is not among {sent:#?}");
    }
}

#[test]
fn rare_counters_exist_from_the_start() {
    let text = Telemetry::unsent().metrics.text().unwrap();
    for line in [
        "lupa_store_errors_total{lupa_store_operation=\"append\"} 0",
        "lupa_declarations_total{lupa_declaration_kind=\"denial\"} 0",
        "lupa_connections_accept_failures_total 0",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
