//! What it costs to trace requests, and to send what is traced to a collector.

use bytes::Bytes;

use super::single::{Answered, answered};
use crate::arguments::Arguments;
use crate::caller::framed;
use crate::collector::Collector;
use crate::load::Load;
use crate::questions;
use crate::repeats::{Repeats, interleaved};
use crate::report::Section;
use crate::server::{Served, with_demo_directory_and};

/// What a repeat gives: answers a second, p50 and p99 in µs, µs of the server's
/// processor time an answer, and the spans that came, in percent of the answers.
type Measured = [f64; 5];

/// A server, and how much of what it does is traced.
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
        "One record a request. Metrics are counted in all; traces are sent by OTLP to a receiver in the process of \
         the load generator, which takes time from both. Processor time is the server's, an answer, sending \
         included. If fewer spans come than there were answers, the queue of those to be sent was full \
         (`OTEL_BSP_MAX_QUEUE_SIZE`, here its default of 2,048).",
    );
    let question = framed(&questions::decide(1));
    let saturated = measured(arguments, &mut contenders, &collector, &question, (4, 32));
    section.text("Saturated: 4 connections with 32 requests under way on each.");
    table(&mut section, &contenders, &saturated);
    let alone = measured(arguments, &mut contenders, &collector, &question, (1, 1));
    section.text("One request at a time.");
    table(&mut section, &contenders, &alone);
    if let [off, _, all] = &alone[..] {
        let (off, all) = (off.spread(1).median, all.spread(1).median);
        section.text(format!("A span makes the median answer {:.1} µs later, of {off:.0} µs.", all - off));
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
    let load = Load { connections, in_flight, lasting: arguments.repeat };
    interleaved(arguments.repeats, contenders, |Contender { served, .. }| -> Measured {
        let spans = collector.spans();
        let Answered { loaded, answers, micros } = answered(load, &served.server, question);
        let came = 100.0 * (collector.spans() - spans) as f64 / answers;
        [loaded.rate(), loaded.micros(50.0), loaded.micros(99.0), micros, came]
    })
}

fn table(section: &mut Section, contenders: &[Contender], measured: &[Repeats<5>]) {
    let off = measured.first().map_or(f64::NAN, |off| off.spread(0).median);
    let rows: Vec<_> = contenders
        .iter()
        .zip(measured)
        .map(|(contender, repeats)| {
            let [rate, p50, p99, micros, came] = [0, 1, 2, 3, 4].map(|metric| repeats.spread(metric));
            [
                contender.name.to_owned(),
                rate.told(1.0, 0),
                format!("{:.0} %", 100.0 * rate.median / off),
                p50.told(1.0, 0),
                p99.told(1.0, 0),
                micros.told(1.0, 1),
                came.told(1.0, 1),
                repeats.noise(),
            ]
        })
        .collect();
    let header = [
        "",
        "answers/s",
        "of not traced",
        "p50 µs",
        "p99 µs",
        "processor µs",
        "spans that came, % of answers",
        "noisy repeats",
    ];
    section.table(header, &rows);
}
