//! Spans: one for each request, one for each step of it that may take long.
//!
//! The sampling decision comes first, from the standard variables
//! (`OTEL_TRACES_SAMPLER`) and from the caller (W3C trace context). For a request
//! that is not sampled no attribute is computed.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    FutureExt, SpanKind, Status, TraceContextExt, TraceId, Tracer, TracerProvider, WithContext,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::attributes::Attribute;
use super::metrics::{RpcStatus, StoreOperation};
use super::rpc::Rpc;
use crate::config::Detail;

/// The header with the caller's trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Starts spans.
#[derive(Clone)]
pub struct Spans(Option<Arc<Tracing>>);

struct Tracing {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    detail: Detail,
}

/// A span that is started and not yet ended, of a request or of a step of it.
pub struct PendingSpan(Context);

/// The active span of the current task, if it is sampled.
pub struct ActiveSpan {
    context: Context,
}

/// The caller's trace context. Its `tracestate` is ignored: it is free text that
/// would be sent on.
struct ParentSpan<'a>(Option<&'a str>);

impl Extractor for ParentSpan<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.filter(|_| name == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// A step of a request that may take long.
#[derive(Clone, Copy, Debug)]
pub enum TracedStep {
    /// Wait until the index has reached a revision.
    WaitForRevision,
    /// Wait for an operation of the store.
    Store(StoreOperation),
}

impl TracedStep {
    fn name(self) -> Cow<'static, str> {
        match self {
            Self::WaitForRevision => "wait for revision".into(),
            Self::Store(operation) => format!("store {}", operation.name()).into(),
        }
    }
}

impl Spans {
    /// No tracing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    pub(super) fn sent_by(provider: SdkTracerProvider, detail: Detail) -> Self {
        let tracer = provider.tracer("lupa");
        Self(Some(Arc::new(Tracing { provider, tracer, detail })))
    }

    /// Starts the span of a request, as a child of the caller's span if the request
    /// carries one (W3C trace context). None: no tracing.
    #[must_use]
    pub fn start(&self, rpc: Rpc, traceparent: Option<&str>) -> Option<PendingSpan> {
        let Tracing { tracer, .. } = &**self.0.as_ref()?;
        let caller =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &ParentSpan(traceparent));
        // A caller can make up any number of paths.
        let name = if rpc.is_known() { rpc.name() } else { "grpc" };
        let builder = tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(
            [Attribute::rpc_system(), Attribute::rpc_method(rpc)].map(Attribute::into_key_value),
        );
        let span = tracer.build_with_context(builder, &caller);
        Some(PendingSpan(caller.with_span(span)))
    }

    /// Runs a step of the current request in a child span.
    pub async fn step<T>(&self, step: TracedStep, work: impl Future<Output = T>) -> T {
        let Some((Tracing { tracer, .. }, active)) = self.0.as_deref().zip(ActiveSpan::sampled()) else {
            return work.await;
        };
        let span = tracer.build_with_context(tracer.span_builder(step.name()), &active.context);
        let pending = PendingSpan(active.context.with_span(span));
        let output = pending.around(work).await;
        pending.0.span().end();
        output
    }

    /// Whether spans name the rules that decided.
    #[must_use]
    pub fn name_rules(&self) -> bool {
        self.0.as_ref().is_some_and(|tracing| tracing.detail == Detail::Rules)
    }

    pub(super) fn shutdown(&self, within: Duration) -> OTelSdkResult {
        self.0.as_ref().map_or(Ok(()), |tracing| tracing.provider.shutdown_with_timeout(within))
    }
}

impl PendingSpan {
    /// Runs work with this span as the active one.
    pub fn around<F: Future>(&self, work: F) -> WithContext<F> {
        work.with_context(self.0.clone())
    }

    /// Ends the span of a request. Only a server error marks the span as failed; a
    /// refusal and a denial do not.
    pub fn end(self, status: RpcStatus) {
        let span = self.0.span();
        span.set_attribute(Attribute::rpc_status(status.name()).into_key_value());
        if status.is_fault() {
            span.set_attribute(Attribute::error_type(status.name()).into_key_value());
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl ActiveSpan {
    /// The active span, if it is sampled.
    #[must_use]
    pub fn sampled() -> Option<Self> {
        let is_sampled = Context::map_current(|context| context.span().is_recording());
        is_sampled.then(|| Self { context: Context::current() })
    }

    /// Sets attributes.
    pub fn set(&self, attributes: impl IntoIterator<Item = Attribute>) {
        self.context.span().set_attributes(attributes.into_iter().map(Attribute::into_key_value));
    }

    /// Adds an event.
    pub fn event(&self, name: &'static str, attributes: impl IntoIterator<Item = Attribute>) {
        let attributes: Vec<KeyValue> = attributes.into_iter().map(Attribute::into_key_value).collect();
        self.context.span().add_event(name, attributes);
    }
}

/// The trace id of the current task, sampled or not, for log lines.
#[must_use]
pub fn trace_id() -> Option<TraceId> {
    Context::map_current(|context| {
        let span = context.span();
        let of = span.span_context();
        of.is_valid().then(|| of.trace_id())
    })
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spans").field(&self.0.is_some()).finish()
    }
}
