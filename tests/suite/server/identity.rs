//! Who may ask: certificates and entitlements at the real server, over real TLS.

mod certificates;
mod connections;
mod entitlements;

use std::path::Path;

use tonic::transport::Channel;

use crate::fixtures::patience::until;
use crate::fixtures::process::{Process, serve};
use certificates::TestAuthority;

/// A server that knows the callers of the authority's folder, and an HTTP port.
fn start(authority: &TestAuthority, store: &Path) -> Process {
    let mut command = serve(&store.join("lupa.sqlite"));
    command
        .env("LUPA_SERVER__HTTP_ADDRESS", "127.0.0.1:0")
        .env("LUPA_SERVER__TLS_CERTIFICATE_FILE", authority.file("server.pem"))
        .env("LUPA_SERVER__TLS_KEY_FILE", authority.file("server-key.pem"))
        .env("LUPA_SERVER__CALLERS_FILE", authority.file("callers.toml"));
    Process::start(command).expect("it listens")
}

/// A connection of a caller, once the server decides.
async fn connect(authority: &TestAuthority, process: &Process, name: &str) -> Channel {
    let client = authority.client(name);
    let mut connected = None;
    until("the server decides", async || {
        connected = authority.connect(process, Some(&client)).await.ok();
        match connected.clone() {
            Some(channel) => is_serving(channel).await,
            None => false,
        }
    })
    .await;
    connected.expect("a connection")
}

async fn is_serving(channel: Channel) -> bool {
    let request = tonic_health::pb::HealthCheckRequest { service: "lupa.v1.DecisionService".to_owned() };
    let answer = tonic_health::pb::health_client::HealthClient::new(channel).check(request).await;
    answer.is_ok_and(|answer| {
        answer.into_inner().status() == tonic_health::pb::health_check_response::ServingStatus::Serving
    })
}
