//! More callers than the server has room or time for.

use lupa_bench::measure::caller::{Call, framed};
use lupa_bench::measure::load::Load;
use lupa_bench::measure::repeats::interleaved;
use lupa_bench::measure::report::Section;

use crate::arguments::Arguments;
use crate::server::with_demo_directory;
use crate::{questions, targets};

/// The questions: the number of records, and the connections and requests on each
/// that use the server fully.
const QUESTIONS: [(usize, usize, usize); 3] = [(1, 4, 10), (1_000, 4, 2), (10_000, 4, 1)];

/// How many times as many.
const TIMES: [usize; 4] = [1, 2, 5, 10];

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let lupa = with_demo_directory();
    let mut section = Section::default();
    section.text(
        "A number of concurrent requests that uses the server fully, and 2, 5 and 10 times as many, all of one \
         caller. A refused request is sent again after 200 ms, as its `RetryInfo` says.",
    );
    let (mut rows, mut kept, mut refused_after) = (Vec::new(), Vec::new(), Vec::new());
    for (records, connections, in_flight) in QUESTIONS {
        let question = framed(&questions::decide(records));
        let mut contenders = TIMES;
        let measured = interleaved(arguments.repeats, &mut contenders, |times| {
            let load = Load {
                connections: connections * *times,
                in_flight,
                lasting: arguments.repeat,
                may_be_refused: true,
            };
            let question = question.clone();
            let loaded = load.run(lupa.server.address, Call::DECIDE, move |_| question.clone());
            let refused = loaded.refusals.len() as f64 / loaded.lasted.as_secs_f64();
            let refused_after = loaded.refusals.value_at_quantile(0.99) as f64 / 1e6;
            [loaded.rate(), loaded.micros(99.0), refused, refused_after]
        });
        let peak = measured.iter().map(|repeats| repeats.spread(0).median).fold(0.0, f64::max);
        for (times, repeats) in TIMES.iter().zip(&measured) {
            kept.push(100.0 * repeats.spread(0).median / peak);
            refused_after.push(repeats.spread(3).median);
            rows.push([
                format!("{records} records, {}", connections * in_flight * times),
                repeats.spread(0).format(1.0, 0),
                repeats.spread(1).format(1e-3, 2),
                repeats.spread(2).format(1.0, 0),
                repeats.spread(3).format(1.0, 1),
                repeats.noise(),
            ]);
        }
    }
    let header = ["in flight", "answers/s", "p99 ms", "refusals/s", "their p99 ms", "noisy repeats"];
    section.table(header, &rows);
    section.check(targets::OVERLOAD_KEPT.beside(kept.into_iter().reduce(f64::min)));
    section.check(targets::OVERLOAD_REFUSED.beside(refused_after.into_iter().reduce(f64::max)));
    section
}
