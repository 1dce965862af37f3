//! The services that are served on a connection.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::Service;

use super::ServerError;
use super::envoy::Envoy;
use crate::config;
use crate::service::{Core, Decisions, Declarations, Directories, Indexes};
use crate::wire::DESCRIPTORS;
use crate::wire::admin::index_service_server::IndexServiceServer;
use crate::wire::v1::decision_service_server::DecisionServiceServer;
use crate::wire::v1::declaration_service_server::DeclarationServiceServer;
use crate::wire::v1::directory_service_server::DirectoryServiceServer;

/// The services of a worker, for all rpcs but `Decide`.
#[derive(Clone)]
pub(super) struct Services(Routes);

/// What the services are built from.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) config: config::Server,
    pub(super) core: Core,
    pub(super) envoy: Envoy,
    pub(super) health: HealthReporter,
    /// Whether server reflection answers.
    pub(super) reflects: bool,
}

impl Services {
    /// Each worker has services of its own: what they count is not shared by cores.
    pub(super) fn new(parts: &Parts) -> Result<Self, ServerError> {
        let Parts { config, core, envoy, health, reflects } = parts.clone();
        let decisions = DecisionServiceServer::new(Decisions::new(core.clone()))
            .max_decoding_message_size(config.request_bytes_max)
            .max_encoding_message_size(config.response_bytes_max);
        let declarations = DeclarationServiceServer::new(Declarations::new(core.clone()))
            .max_decoding_message_size(config.request_bytes_max)
            .max_encoding_message_size(config.response_bytes_max);
        let directories = DirectoryServiceServer::new(Directories::new(core.clone()))
            .max_decoding_message_size(config.request_bytes_max)
            .max_encoding_message_size(config.response_bytes_max);
        let indexes = IndexServiceServer::new(Indexes::new(core.clone()))
            .max_decoding_message_size(config.request_bytes_max)
            .max_encoding_message_size(config.response_bytes_max);
        let mut routes = Routes::builder();
        routes.add_service(HealthServer::new(HealthService::from_health_reporter(health)));
        routes.add_service(decisions).add_service(declarations).add_service(directories).add_service(indexes);
        envoy.add_to(&mut routes, core, &config);
        if reflects {
            routes.add_service(reflection_builder().build_v1()?);
            // What older clients, grpcurl among them, ask for.
            routes.add_service(reflection_builder().build_v1alpha()?);
        }
        Ok(Self(routes.routes().prepare()))
    }
}

impl Service<Request<Body>> for Services {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.call(request))
    }
}

fn reflection_builder() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
