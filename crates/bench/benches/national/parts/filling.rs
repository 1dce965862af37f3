//! The speed of `lupa-bench data`.

use lupa_bench::measure::repeats::{format_number, repeated};
use lupa_bench::measure::report::Section;
use serde_json::Value;

use crate::arguments::Arguments;
use crate::{data, targets};

/// Enough that the final phases, indices and sync, are in proportion.
const CLIENTS: u64 = 1_000_000;

pub(crate) fn measure(arguments: &Arguments) -> Section {
    std::fs::create_dir_all(data::folder()).expect("a folder under target");
    let clients = CLIENTS.min(arguments.clients);
    let mut last = Value::Null;
    let measured = repeated(arguments.repeats.min(3), || {
        let folder = tempfile::tempdir_in(data::folder()).expect("a folder");
        last = data::create(&folder.path().join("store.sqlite"), clients);
        let number = |name: &str| last.get(name).and_then(Value::as_f64).expect("a number");
        [number("declarations_per_second"), number("seconds")]
    });
    let of_last = |name: &str| format_number(last.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN), 0);
    let mut section = Section::default();
    section.text(format!(
        "`lupa-bench data --clients {clients}`: {} declarations ({} information, {} consents, {} denials) and {} \
         withdrawals, computed, encoded and inserted into SQLite in one thread each, with indices and sync.",
        of_last("declarations"),
        of_last("information"),
        of_last("consents"),
        of_last("denials"),
        of_last("withdrawals"),
    ));
    let row = [measured.spread(0).format(1.0, 0), measured.spread(1).format(1.0, 1), measured.noise()];
    section.table(["declarations/s", "seconds", "noisy repeats"], &[row]);
    section.check(targets::FILL.beside(Some(measured.spread(0).median)));
    section
}
