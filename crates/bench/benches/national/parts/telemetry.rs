//! The cost of tracing requests and of sending the spans to a collector.

use bytes::Bytes;
use lupa_bench::measure::caller::framed;
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::{Repeats, interleaved};
use lupa_bench::measure::report::Section;

use super::single::{Answered, answered};
use crate::arguments::Arguments;
use crate::collector::Collector;
use crate::questions;
use crate::server::{Served, with_demo_directory_and};

/// The metrics of a repeat: answers per second; p50 and p99 in µs; the server's
/// processor time per answer in µs; and the received spans in percent of the answers.
type Measured = [f64; 5];

/// A server with a sampling ratio.
struct Contender {
    name: &'static str,
    served: Served,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let collector = Collector::start();
    let url = format!("http://{}", collector.address);
    let sent = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_METRICS_EXPORTER", "none")];
    let ratio = |ratio| [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", ratio)];
    let traced = |more: &[(&str, &str)]| with_demo_directory_and(&[&sent[..], more].concat());
    let mut contenders = [
        Contender { name: "not traced", served: with_demo_directory_and(&[]) },
        Contender { name: "1 % traced", served: traced(&ratio("0.01")) },
        Contender { name: "all traced", served: traced(&ratio("1")) },
    ];
    let mut section = Section::default();
    section.text(
        "One record per request. All contenders count metrics. Spans are sent by OTLP to a receiver in the process of \
         the load generator, which slows down both. Processor time is the server's per answer, with the export. If \
         fewer spans are received than answers, the export queue was full (`OTEL_BSP_MAX_QUEUE_SIZE`, here its default \
         of 2,048).",
    );
    let question = framed(&questions::decide(1));
    let saturated = measured(arguments, &mut contenders, &collector, &question, (4, 32));
    section.text("Saturated: 4 connections with 32 concurrent requests on each.");
    table(&mut section, &contenders, &saturated);
    let alone = measured(arguments, &mut contenders, &collector, &question, (1, 1));
    section.text("One request at a time.");
    table(&mut section, &contenders, &alone);
    if let [off, _, all] = &alone[..] {
        let (off, all) = (off.spread(1).median, all.spread(1).median);
        section.text(format!("A span adds {:.1} µs to the median latency of {off:.0} µs.", all - off));
    }
    section
}

fn measured(
    arguments: &Arguments,
    contenders: &mut [Contender],
    collector: &Collector,
    question: &Bytes,
    (connections, in_flight): (usize, usize),
) -> Vec<Repeats<5>> {
    let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
    interleaved(arguments.repeats, contenders, |Contender { served, .. }| -> Measured {
        let spans = collector.spans();
        let Answered { loaded, answers, micros } = answered(load, &served.server, question);
        let received = 100.0 * (collector.spans() - spans) as f64 / answers;
        [loaded.rate(), loaded.micros(50.0), loaded.micros(99.0), micros, received]
    })
}

fn table(section: &mut Section, contenders: &[Contender], measured: &[Repeats<5>]) {
    let off = measured.first().map_or(f64::NAN, |off| off.spread(0).median);
    let rows: Vec<_> = contenders
        .iter()
        .zip(measured)
        .map(|(contender, repeats)| {
            let [rate, p50, p99, micros, received] = [0, 1, 2, 3, 4].map(|metric| repeats.spread(metric));
            [
                contender.name.to_owned(),
                rate.format(1.0, 0),
                format!("{:.0} %", 100.0 * rate.median / off),
                p50.format(1.0, 0),
                p99.format(1.0, 0),
                micros.format(1.0, 1),
                received.format(1.0, 1),
                repeats.noise(),
            ]
        })
        .collect();
    let header = [
        "",
        "answers/s",
        "relative to not traced",
        "p50 µs",
        "p99 µs",
        "processor µs",
        "received spans, % of answers",
        "noisy repeats",
    ];
    section.table(header, &rows);
}
