//! Telemetry of the real binary over OTLP, which must contain nothing personal.

mod logs;
mod metrics;
pub(crate) mod receiver;
mod spans;

use std::path::Path;

use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::{self, DecideResponse};
use tonic::Request;
use tonic::transport::Channel;

use crate::fixtures::process::{Process, serve};
use crate::fixtures::requests::{aino, entry, question};
use receiver::Receiver;

/// The trace and the span of the caller.
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const CALLER: &str = "b7ad6b7169203331";

/// Never exported: the client, the requester and the records.
const PERSONAL: [&str; 5] = ["010181-900C", "doctor-1", "secret-entry", "secret-visit", "secret-request"];

fn start(folder: &Path, receiver: &Receiver, variables: &[(&str, &str)]) -> Process {
    let mut command = serve(&folder.join("lupa.sqlite"));
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
        // Telemetry that is not sent by then is dropped.
        .env("LUPA_SERVER__SHUTDOWN_GRACE_MS", "60000")
        .envs(variables.iter().copied());
    Process::start(command).unwrap()
}

/// A request for Aino's records, by their service events.
fn request_of(events: &[&str]) -> v1::DecideRequest {
    let records = events.iter().enumerate();
    let records = records.map(|(place, event)| entry(&format!("secret-entry-{place}"), event));
    v1::DecideRequest { request_id: "secret-request".to_owned(), ..question(aino(), records.collect()) }
}

/// Asks as one whose own trace goes on in Lupa.
async fn decide(channel: &Channel, question: v1::DecideRequest) -> Result<DecideResponse, tonic::Status> {
    let mut request = Request::new(question);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{CALLER}-01").parse().unwrap());
    request.metadata_mut().insert("tracestate", "secret-request=1".parse().unwrap());
    Ok(DecisionServiceClient::new(channel.clone()).decide(request).await?.into_inner())
}
