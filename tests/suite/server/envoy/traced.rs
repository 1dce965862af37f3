//! The trace of the caller continues through Envoy to the rule.

use tempfile::TempDir;

use super::{Envoy, path_of};
use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::aino_declares;
use crate::operations::telemetry::receiver::{Receiver, attribute, hex};
use crate::operations::telemetry::{CALLER, TRACE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_a_call_goes_on_through_envoy() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::start().await);
    let mut command = serve(&folder.path().join("lupa.sqlite"));
    command
        .args(["--config", "deploy/envoy/lupa.toml"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("LUPA_TELEMETRY__DETAIL", "rules");
    let lupa = Process::start(command).unwrap();
    aino_declares(lupa.connect().await).await;
    let envoy = Envoy::start(lupa.address()).await;
    let traceparent = format!("traceparent: 00-{TRACE}-{CALLER}-01");
    assert_eq!(envoy.get(&path_of("entry-2"), &[&traceparent]).await.status, 403);
    // Two trace headers: the call belongs to neither trace.
    let two = [traceparent.as_str(), traceparent.as_str()];
    assert_eq!(envoy.get(&path_of("entry-1"), &two).await.status, 200);
    drop(envoy);
    assert!(lupa.terminate().status.success());
    let spans = receiver.spans("envoy.service.auth.v3.Authorization/Check");
    let [denied, permitted] = &spans[..] else { panic!("{spans:#?}") };
    assert_eq!((hex(&denied.trace_id), hex(&denied.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(attribute(&denied.attributes, "lupa.rules").as_deref(), Some("hc-denied"));
    assert_eq!(permitted.parent_span_id, [0_u8; 0]);
    assert_eq!(attribute(&permitted.attributes, "lupa.rules").as_deref(), Some("hc-consent"));
}
