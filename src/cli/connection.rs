//! Connections to a running server.

use std::time::Duration;

use tokio::time;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_client::HealthClient;

use super::Global;
use super::failure::CommandFailure;
use crate::wire::admin::index_service_client::IndexServiceClient;
use crate::wire::v1::decision_service_client::DecisionServiceClient;
use crate::wire::v1::declaration_service_client::DeclarationServiceClient;
use crate::wire::v1::directory_service_client::DirectoryServiceClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a response.
const RESPONSE_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(super) async fn decisions(global: &Global) -> Result<DecisionServiceClient<Channel>, CommandFailure> {
    let client = DecisionServiceClient::new(channel(global).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn declarations(
    global: &Global,
) -> Result<DeclarationServiceClient<Channel>, CommandFailure> {
    let client = DeclarationServiceClient::new(channel(global).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn directory(global: &Global) -> Result<DirectoryServiceClient<Channel>, CommandFailure> {
    let client = DirectoryServiceClient::new(channel(global).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn index(global: &Global) -> Result<IndexServiceClient<Channel>, CommandFailure> {
    Ok(IndexServiceClient::new(channel(global).await?))
}

/// Waits until the command has used up `--timeout` since it started to connect. What a command does
/// before, such as reading standard input, does not count.
pub(super) async fn timed_out(global: &Global) -> CommandFailure {
    global.connecting.notified().await;
    time::sleep(Duration::from_secs(global.timeout)).await;
    CommandFailure::TimedOut { server: global.server.clone(), seconds: global.timeout }
}

pub(super) async fn health(global: &Global) -> Result<HealthClient<Channel>, CommandFailure> {
    Ok(HealthClient::new(channel(global).await?))
}

async fn channel(global: &Global) -> Result<Channel, CommandFailure> {
    let server = &global.server;
    let invalid = |what: &str| {
        CommandFailure::Usage(format!("--server: `{server}` {what}: write it as http://127.0.0.1:7411"))
    };
    let endpoint = Endpoint::from_shared(server.clone()).map_err(|_| invalid("is not a URL"))?;
    match endpoint.uri().scheme_str() {
        Some("http") => {}
        Some("https") => return Err(invalid("uses TLS, which is not supported yet")),
        Some(_) | None => return Err(invalid("does not start with http://")),
    }
    global.connecting.notify_one();
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
    endpoint.connect().await.map_err(|error| CommandFailure::Unreachable(server.clone(), error))
}
