//! Envoy's external authorization service, in builds with the feature `envoy`.

use tonic::service::RoutesBuilder;

use super::ServerError;
use crate::config;
use crate::service::Core;

#[cfg(feature = "envoy")]
use {
    crate::service::sidecar::{OtherQuery, PartOptions, PartSource, RouteOptions, Routes, Sidecar},
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
        let options: Vec<_> = config.routes.iter().map(route_options).collect();
        let routes = Routes::new(&options).map_err(ServerError::Routes)?;
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

#[cfg(feature = "envoy")]
fn route_options(route: &config::Route) -> RouteOptions {
    let config::Route { methods, path, permit_some, other_query, question } = route.clone();
    let parts = question.into_iter().map(|(name, config::Part { source, optional, several })| {
        (name, PartOptions { source: part_source(source), is_optional: optional, is_several: several })
    });
    let other_query = match other_query {
        config::OtherQuery::Deny => OtherQuery::Named(Vec::new()),
        config::OtherQuery::Allow => OtherQuery::Any,
        config::OtherQuery::Named(names) => OtherQuery::Named(names),
    };
    RouteOptions { methods, path, permits_some: permit_some, other_query, parts: parts.collect() }
}

#[cfg(feature = "envoy")]
fn part_source(source: config::PartSource) -> PartSource {
    match source {
        config::PartSource::Header(name) => PartSource::Header(name),
        config::PartSource::Path(name) => PartSource::Path(name),
        config::PartSource::Query(name) => PartSource::Query(name),
        config::PartSource::Jwt(names) => PartSource::Jwt(names),
        config::PartSource::Metadata(names) => PartSource::Metadata(names),
        config::PartSource::Principal(template) => PartSource::Principal(template),
        config::PartSource::ContextExtension(name) => PartSource::ContextExtension(name),
        config::PartSource::Value(value) => PartSource::Value(value),
    }
}
