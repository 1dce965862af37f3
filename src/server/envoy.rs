//! Envoy's external authorization service, in builds with the feature `envoy`.

use tonic::service::RoutesBuilder;

use super::ServerError;
use crate::config;
use crate::service::Core;

#[cfg(feature = "envoy")]
use {
    crate::service::sidecar::{Routes, Sidecar},
    envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer,
    std::sync::Arc,
};

/// The name of the service, for health.
pub(super) const NAME: &str = "envoy.service.auth.v3.Authorization";

/// The routes of the service.
#[derive(Clone)]
pub(super) struct Envoy {
    #[cfg(feature = "envoy")]
    routes: Arc<Routes>,
}

#[cfg(feature = "envoy")]
impl Envoy {
    /// Validates the configured routes.
    pub(super) fn new(config: &config::Sidecar) -> Result<Self, ServerError> {
        let routes = Routes::new(&config.routes).map_err(ServerError::Routes)?;
        Ok(Self { routes: Arc::new(routes) })
    }

    /// Adds the service to the server.
    pub(super) fn add_to(self, services: &mut RoutesBuilder, core: Core, config: &config::Server) {
        let service = AuthorizationServer::new(Sidecar::new(core, self.routes))
            .max_decoding_message_size(config.request_bytes_max)
            .max_encoding_message_size(config.response_bytes_max);
        services.add_service(service);
    }
}

#[cfg(not(feature = "envoy"))]
impl Envoy {
    /// Rejects configured routes.
    pub(super) fn new(config: &config::Sidecar) -> Result<Self, ServerError> {
        if config.routes.is_empty() { Ok(Self {}) } else { Err(ServerError::NoEnvoy) }
    }

    /// Adds no service.
    pub(super) fn add_to(self, _: &mut RoutesBuilder, _: Core, _: &config::Server) {}
}
