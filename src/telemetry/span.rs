//! Spans: one for each request, one for each step of it that may take long.
//!
//! Whether a request is traced is decided first, as the standard variables say
//! (`OTEL_TRACES_SAMPLER`) and as its caller has decided (W3C trace context).
//! For one that is not, nothing is put together.

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

/// The header in which a caller tells of its trace.
pub const TRACEPARENT: &str = "traceparent";

/// Where spans begin.
#[derive(Clone)]
pub struct Spans(Option<Arc<Tracing>>);

struct Tracing {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    detail: Detail,
}

/// The span of a request, or of a step of it, that has begun.
pub struct Begun(Context);

/// The span that is open where this is asked for, and is recorded.
pub struct Open {
    context: Context,
}

/// What a caller tells of its trace. Its `tracestate` is left alone: that is
/// text, and would be sent on.
struct Caller<'a>(Option<&'a str>);

impl Extractor for Caller<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.filter(|_| name == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// A step of a request that may take long.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Until the index has reached a revision.
    WaitForRevision,
    /// Until the store has done something.
    Store(StoreOperation),
}

impl Step {
    fn name(self) -> Cow<'static, str> {
        match self {
            Self::WaitForRevision => "wait for revision".into(),
            Self::Store(operation) => format!("store {}", operation.name()).into(),
        }
    }
}

impl Spans {
    /// Nothing is traced.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    pub(super) fn sent_by(provider: SdkTracerProvider, detail: Detail) -> Self {
        let tracer = provider.tracer("lupa");
        Self(Some(Arc::new(Tracing { provider, tracer, detail })))
    }

    /// Begins the span of a request, under the span of its caller, if that was
    /// told (W3C trace context). None: nothing is traced.
    #[must_use]
    pub fn begin(&self, rpc: Rpc, traceparent: Option<&str>) -> Option<Begun> {
        let Tracing { tracer, .. } = &**self.0.as_ref()?;
        let caller =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Caller(traceparent));
        // A caller can make up as many paths as it likes.
        let name = if rpc.is_known() { rpc.name() } else { "grpc" };
        let builder = tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(
            [Attribute::rpc_system(), Attribute::rpc_method(rpc)].map(Attribute::into_key_value),
        );
        let span = tracer.build_with_context(builder, &caller);
        Some(Begun(caller.with_span(span)))
    }

    /// Does a step of the request that is traced here, in a span of its own.
    pub async fn step<T>(&self, step: Step, work: impl Future<Output = T>) -> T {
        let Some((Tracing { tracer, .. }, open)) = self.0.as_deref().zip(Open::recorded()) else {
            return work.await;
        };
        let span = tracer.build_with_context(tracer.span_builder(step.name()), &open.context);
        let begun = Begun(open.context.with_span(span));
        let done = begun.around(work).await;
        begun.0.span().end();
        done
    }

    /// Whether spans tell the rules that decided.
    #[must_use]
    pub fn tell_rules(&self) -> bool {
        self.0.as_ref().is_some_and(|tracing| tracing.detail == Detail::Rules)
    }

    pub(super) fn shutdown(&self, within: Duration) -> OTelSdkResult {
        self.0.as_ref().map_or(Ok(()), |tracing| tracing.provider.shutdown_with_timeout(within))
    }
}

impl Begun {
    /// Work in which this span is the one that is open.
    pub fn around<F: Future>(&self, work: F) -> WithContext<F> {
        work.with_context(self.0.clone())
    }

    /// Ends the span of a request. What is the server's fault is an error of the
    /// span; a refusal and a denial are not.
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

impl Open {
    /// The span that is open here, if it is recorded.
    #[must_use]
    pub fn recorded() -> Option<Self> {
        let is_recorded = Context::map_current(|context| context.span().is_recording());
        is_recorded.then(|| Self { context: Context::current() })
    }

    /// Puts something on the span.
    pub fn set(&self, attributes: impl IntoIterator<Item = Attribute>) {
        self.context.span().set_attributes(attributes.into_iter().map(Attribute::into_key_value));
    }

    /// Notes that something happened.
    pub fn event(&self, name: &'static str, attributes: impl IntoIterator<Item = Attribute>) {
        let attributes: Vec<KeyValue> = attributes.into_iter().map(Attribute::into_key_value).collect();
        self.context.span().add_event(name, attributes);
    }
}

/// The trace that is open here, sent or not, so that a log line can name it.
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
