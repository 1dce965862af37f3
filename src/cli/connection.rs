//! Connections to a running server.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
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
        Some("http" | "https") => {}
        Some(_) | None => return Err(invalid("does not start with http:// or https://")),
    }
    let endpoint = match tls(global)? {
        Some(tls) => endpoint.tls_config(tls).map_err(|error| {
            CommandFailure::Usage(format!(
                "--tls-ca, --tls-certificate, --tls-key: the files cannot be used ({error}): correct them"
            ))
        })?,
        None => endpoint,
    };
    global.connecting.notify_one();
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
    endpoint.connect().await.map_err(|error| CommandFailure::Unreachable(server.clone(), error))
}

/// TLS as the options say; none for a server without.
fn tls(global: &Global) -> Result<Option<ClientTlsConfig>, CommandFailure> {
    let Global { server, tls_ca: ca, tls_certificate: certificate, tls_key: key, .. } = global;
    if !server.starts_with("https://") {
        return match ca.as_ref().or(certificate.as_ref()) {
            Some(_) => Err(CommandFailure::Usage(
                "--tls-ca, --tls-certificate: --server does not use TLS: write it as https://HOST:PORT, or leave them out"
                    .to_owned(),
            )),
            None => Ok(None),
        };
    }
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|error| {
            CommandFailure::Usage(format!("{} cannot be read ({error}): correct the path", path.display()))
        })
    };
    let mut tls = ClientTlsConfig::new();
    tls = match ca {
        Some(ca) => tls.ca_certificate(Certificate::from_pem(read(ca)?)),
        None => tls.with_native_roots(),
    };
    if let (Some(certificate), Some(key)) = (certificate, key) {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    Ok(Some(tls))
}
