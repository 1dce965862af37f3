//! All metrics as OpenMetrics text, collected from the same instruments as those
//! sent by OTLP.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, Metric, MetricData, ResourceMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabel, EncodeLabelSet, LabelSetEncoder,
    MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Registry, Unit};

/// Collects the metrics on request.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader(Arc<ManualReader>);

impl Reader {
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

impl Collector for Reader {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut metrics = ResourceMetrics::default();
        self.collect(&mut metrics).map_err(|error| {
            tracing::error!(%error, "the metrics cannot be collected");
            fmt::Error
        })?;
        for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
            write(metric, &mut encoder)?;
        }
        Ok(())
    }
}

fn write(metric: &Metric, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    let name = metric.name().replace('.', "_");
    let unit = match metric.unit() {
        "s" => Some(Unit::Seconds),
        "By" => Some(Unit::Bytes),
        _ => None,
    };
    let (f64s, u64s) = match metric.data() {
        AggregatedMetrics::F64(data) => (Some(data), None),
        AggregatedMetrics::U64(data) => (None, Some(data)),
        // Lupa has no such instrument.
        AggregatedMetrics::I64(_) => return Ok(()),
    };
    let Some(kind) = f64s.and_then(kind_of).or_else(|| u64s.and_then(kind_of)) else { return Ok(()) };
    let mut written = encoder.encode_descriptor(&name, metric.description(), unit.as_ref(), kind)?;
    if let Some(MetricData::Histogram(histogram)) = f64s {
        histogram.data_points().try_for_each(|point| write_histogram(point, &mut written))?;
    }
    f64s.map_or(Ok(()), |data| write_numbers(data, &mut written))?;
    u64s.map_or(Ok(()), |data| write_numbers(data, &mut written))
}

fn kind_of<T>(data: &MetricData<T>) -> Option<MetricType> {
    match data {
        MetricData::Gauge(_) => Some(MetricType::Gauge),
        MetricData::Sum(_) => Some(MetricType::Counter),
        MetricData::Histogram(_) => Some(MetricType::Histogram),
        // Lupa has no such instrument.
        MetricData::ExponentialHistogram(_) => None,
    }
}

fn write_numbers<T: Copy + EncodeCounterValue + EncodeGaugeValue>(
    data: &MetricData<T>,
    written: &mut MetricEncoder<'_>,
) -> Result<(), fmt::Error> {
    match data {
        MetricData::Gauge(gauge) => gauge.data_points().try_for_each(|point| {
            let labels = Labels::of(point.attributes());
            if labels.0.is_empty() {
                written.encode_gauge(&point.value())
            } else {
                written.encode_family(&labels)?.encode_gauge(&point.value())
            }
        }),
        MetricData::Sum(sum) => sum.data_points().try_for_each(|point| {
            let labels = Labels::of(point.attributes());
            if labels.0.is_empty() {
                written.encode_counter(&point.value(), NO_EXEMPLAR)
            } else {
                written.encode_family(&labels)?.encode_counter(&point.value(), NO_EXEMPLAR)
            }
        }),
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => Ok(()),
    }
}

fn write_histogram(
    point: &HistogramDataPoint<f64>,
    written: &mut MetricEncoder<'_>,
) -> Result<(), fmt::Error> {
    let buckets: Vec<_> = point.bounds().chain([f64::MAX]).zip(point.bucket_counts()).collect();
    written.encode_family(&Labels::of(point.attributes()))?.encode_histogram::<Labels<'_>>(
        point.sum(),
        point.count(),
        &buckets,
        None,
    )
}

const NO_EXEMPLAR: Option<&Exemplar<Labels<'static>, f64>> = None;

/// Attributes as labels, with underscores for dots.
struct Labels<'a>(Vec<&'a KeyValue>);

impl<'a> Labels<'a> {
    fn of(attributes: impl Iterator<Item = &'a KeyValue>) -> Self {
        Self(attributes.collect())
    }
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.iter().try_for_each(|attribute| {
            let name = attribute.key.as_str().replace('.', "_");
            let value = attribute.value.to_string();
            (name.as_str(), value.as_str()).encode(encoder.encode_label())
        })
    }
}
