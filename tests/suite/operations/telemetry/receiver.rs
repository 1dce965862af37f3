//! An OTLP receiver over gRPC that keeps what it receives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::fixtures::patience::until;

#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    logs: Vec<LogRecord>,
    /// All messages, which must contain nothing personal.
    bytes: Vec<u8>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(receiver.clone()))
            .add_service(MetricsServiceServer::new(receiver.clone()))
            .add_service(LogsServiceServer::new(receiver.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans of a name.
    pub(crate) fn spans(&self, name: &str) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        received.spans.iter().filter(|span| span.name == name).cloned().collect()
    }

    /// The one span of a name.
    pub(crate) fn span(&self, name: &str) -> Span {
        let mut spans = self.spans(name);
        assert_eq!(spans.len(), 1, "{spans:#?}");
        spans.remove(0)
    }

    /// The last value of each metric.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let received = self.received.lock().unwrap();
        let mut last: Vec<Metric> = Vec::new();
        for metric in received.metrics.iter().rev() {
            if !last.iter().any(|known| known.name == metric.name) {
                last.push(metric.clone());
            }
        }
        last
    }

    pub(crate) fn logs(&self) -> Vec<LogRecord> {
        self.received.lock().unwrap().logs.clone()
    }

    /// Everything that was sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.received.lock().unwrap().bytes.clone()
    }

    /// Waits until the received telemetry satisfies a condition.
    pub(crate) async fn until(&self, has_come: impl Fn(&Self) -> bool) {
        until("telemetry that was sent", async || has_come(self)).await;
    }

    fn keep(&self, message: &impl Message, keep: impl FnOnce(&mut Received)) {
        let mut received = self.received.lock().unwrap();
        received.bytes.extend(message.encode_to_vec());
        keep(&mut received);
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let message = request.into_inner();
        self.keep(&message, |received| {
            let scopes = message.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            received.spans.extend(scopes.flat_map(|scope| scope.spans.clone()));
        });
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let message = request.into_inner();
        self.keep(&message, |received| {
            let scopes = message.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
            received.metrics.extend(scopes.flat_map(|scope| scope.metrics.clone()));
        });
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let message = request.into_inner();
        self.keep(&message, |received| {
            let scopes = message.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            received.logs.extend(scopes.flat_map(|scope| scope.log_records.clone()));
        });
        Ok(Response::new(Default::default()))
    }
}

/// An id of a trace or of a span as it is written.
pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Attributes as text, in the order of their names.
pub(crate) fn attributes(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let mut known: Vec<_> =
        attributes.iter().map(|one| (one.key.clone(), text(one.value.as_ref().unwrap()))).collect();
    known.sort();
    known
}

/// The value of an attribute as text.
pub(crate) fn attribute(of: &[KeyValue], name: &str) -> Option<String> {
    of.iter().find(|one| one.key == name).map(|one| text(one.value.as_ref().unwrap()))
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(truth) => truth.to_string(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::ArrayValue(array) => array.values.iter().map(text).collect::<Vec<_>>().join(","),
        other => panic!("{other:?}"),
    }
}
