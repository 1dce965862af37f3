//! How fast `lupa bench-data` fills a store.

use serde_json::Value;

use crate::arguments::Arguments;
use crate::repeats::{repeated, told};
use crate::report::Section;
use crate::{data, targets};

/// Enough that the end, making the indices and syncing, is in proportion.
const CLIENTS: u64 = 1_000_000;

pub(crate) fn measure(arguments: &Arguments) -> Section {
    std::fs::create_dir_all(data::folder()).expect("a folder under target");
    let clients = CLIENTS.min(arguments.clients);
    let mut last = Value::Null;
    let measured = repeated(arguments.repeats.min(3), || {
        let folder = tempfile::tempdir_in(data::folder()).expect("a folder");
        last = data::make(&folder.path().join("store.sqlite"), clients);
        let number = |name: &str| last.get(name).and_then(Value::as_f64).expect("a number");
        [number("declarations_per_second"), number("seconds")]
    });
    let of_last = |name: &str| told(last.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN), 0);
    let mut section = Section::default();
    section.text(format!(
        "`lupa bench-data --clients {clients}`: {} declarations ({} information, {} consents, {} denials) and {} \
         withdrawals, made in one thread and written into SQLite in another, indices and syncing included.",
        of_last("declarations"),
        of_last("information"),
        of_last("consents"),
        of_last("denials"),
        of_last("withdrawals"),
    ));
    let row = [measured.spread(0).told(1.0, 0), measured.spread(1).told(1.0, 1), measured.noise()];
    section.table(["declarations/s", "seconds", "noisy repeats"], &[row]);
    section.check(targets::FILL.beside(Some(measured.spread(0).median)));
    section
}
