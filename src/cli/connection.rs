//! Connections to a running server.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use super::failure::CommandFailure;
use crate::wire::admin::index_service_client::IndexServiceClient;
use crate::wire::v1::decision_service_client::DecisionServiceClient;
use crate::wire::v1::declaration_service_client::DeclarationServiceClient;
use crate::wire::v1::directory_service_client::DirectoryServiceClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum size of a response.
const RESPONSE_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(super) async fn decisions(server: &str) -> Result<DecisionServiceClient<Channel>, CommandFailure> {
    let client = DecisionServiceClient::new(channel(server).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn declarations(server: &str) -> Result<DeclarationServiceClient<Channel>, CommandFailure> {
    let client = DeclarationServiceClient::new(channel(server).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn directory(server: &str) -> Result<DirectoryServiceClient<Channel>, CommandFailure> {
    let client = DirectoryServiceClient::new(channel(server).await?);
    Ok(client.max_decoding_message_size(RESPONSE_BYTES_MAX))
}

pub(super) async fn index(server: &str) -> Result<IndexServiceClient<Channel>, CommandFailure> {
    Ok(IndexServiceClient::new(channel(server).await?))
}

async fn channel(server: &str) -> Result<Channel, CommandFailure> {
    let invalid = |what: &str| {
        CommandFailure::Usage(format!("--server: `{server}` {what}: write it as http://127.0.0.1:7411"))
    };
    let endpoint = Endpoint::from_shared(server.to_owned()).map_err(|_| invalid("is not a URL"))?;
    match endpoint.uri().scheme_str() {
        Some("http") => {}
        Some("https") => return Err(invalid("uses TLS, which is not supported yet")),
        Some(_) | None => return Err(invalid("does not start with http://")),
    }
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT);
    endpoint.connect().await.map_err(|error| CommandFailure::Unreachable(server.to_owned(), error))
}
