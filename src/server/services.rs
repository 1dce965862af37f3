//! What is served on a connection: the services, their limits, and the layers
//! around them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::Service;
use tower::layer::layer_fn;
use tower::util::MapResponseLayer;

use super::ServerError;
use super::connection::Connection;
use super::envoy::Envoy;
use super::layers;
use super::observed::Observed;
use crate::config;
use crate::service::{Core, Decisions, Declarations, Directories, Indexes};
use crate::telemetry::Telemetry;
use crate::wire::DESCRIPTORS;
use crate::wire::admin::index_service_server::IndexServiceServer;
use crate::wire::v1::decision_service_server::DecisionServiceServer;
use crate::wire::v1::declaration_service_server::DeclarationServiceServer;
use crate::wire::v1::directory_service_server::DirectoryServiceServer;

/// Streams that were reset before they were accepted, on one connection; more
/// end it (CVE-2023-44487).
const PENDING_ACCEPT_RESETS_MAX: usize = 20;

/// What every worker serves.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) config: config::Server,
    pub(super) core: Core,
    pub(super) envoy: Envoy,
    pub(super) health: HealthReporter,
    pub(super) telemetry: Telemetry,
    /// Whether server reflection answers.
    pub(super) reflects: bool,
}

impl Services {
    /// Serves connections until the end, and then the requests under way. Each
    /// worker has services of its own: what they count is not shared by cores.
    pub(super) async fn serve(
        self,
        incoming: impl Stream<Item = io::Result<Connection>>,
        end: impl Future<Output = ()>,
    ) -> Result<(), ServerError> {
        let Self { config, core, envoy, health, telemetry, reflects } = self;
        let limit = Duration::from_millis(config.request_timeout_ms);
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
        let mut others = Routes::builder();
        others.add_service(HealthServer::new(HealthService::from_health_reporter(health)));
        others.add_service(declarations).add_service(directories).add_service(indexes);
        envoy.add_to(&mut others, core, &config);
        if reflects {
            others.add_service(reflection_builder().build_v1()?);
            // What older clients, grpcurl among them, ask for.
            others.add_service(reflection_builder().build_v1alpha()?);
        }
        // The worker's own: no other core counts its holders.
        let telemetry = Arc::new(telemetry);
        let serving = builder(&config)
            .layer(layer_fn(move |inner| Observed { inner, telemetry: Arc::clone(&telemetry) }))
            .layer(layer_fn(move |inner| layers::within(inner, limit)))
            .layer(MapResponseLayer::new(layers::refusals_before_services))
            .serve_with_incoming_shutdown(
                ByPath { decisions, others: others.routes().prepare() },
                incoming,
                end,
            );
        Ok(serving.await?)
    }
}

/// Decisions are asked for most by far, and go past the router: that saves
/// boxing each of their bodies and futures twice more.
#[derive(Clone)]
struct ByPath {
    decisions: DecisionServiceServer<Decisions>,
    others: Routes,
}

impl Service<Request<Body>> for ByPath {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = request.uri().path().split('/').nth(1);
        if service == Some(DecisionServiceServer::<Decisions>::NAME) {
            self.decisions.call(request)
        } else {
            Box::pin(self.others.call(request))
        }
    }
}

/// Limits are all set explicitly: the library's own defaults leave some out.
fn builder(config: &config::Server) -> transport::Server {
    transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_millis(config.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(config.keepalive_timeout_ms)))
        .initial_stream_window_size(config.stream_window_bytes)
        .initial_connection_window_size(config.connection_window_bytes)
        .max_frame_size(config.frame_bytes_max)
        .max_concurrent_streams(config.concurrent_streams_per_connection_max)
        .http2_max_header_list_size(config.header_list_bytes_max)
        .http2_max_pending_accept_reset_streams(Some(PENDING_ACCEPT_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(config.local_error_resets_max))
}

fn reflection_builder() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
