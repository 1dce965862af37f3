//! The questions of `benches/scenarios.yaml`, converted as the server converts requests.

use lupa::cli::document::{Document, Fault};
use lupa::policy::day::Instant;
use lupa::policy::declaration::Declaration;
use lupa::wire::declaration::stored_declarations;
use lupa::wire::v1;

/// A question about one record, and the rule that must decide it.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) now: Instant,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) request: v1::DecideRequest,
    pub(crate) rule: String,
}

/// In the order of the file.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let document = Document::read(include_str!("../../../benches/scenarios.yaml")).expect("YAML");
    (0..)
        .map(|place| format!("scenarios[{place}]"))
        .take_while(|path| document.parse_at::<String>(&format!("{path}.name")).is_ok())
        .map(|path| scenario(&document, &path).unwrap_or_else(|faults| panic!("{faults:?}")))
        .collect()
}

fn scenario(document: &Document, path: &str) -> Result<Scenario, Vec<Fault>> {
    let stored: Vec<v1::StoredDeclaration> = document.parse_at(&format!("{path}.declarations"))?;
    let at: String = document.parse_at(&format!("{path}.at"))?;
    Ok(Scenario {
        name: document.parse_at(&format!("{path}.name"))?,
        now: at.parse().expect("an instant"),
        declarations: stored_declarations("declarations", &stored).expect("declarations"),
        request: document.parse_at(&format!("{path}.decide"))?,
        rule: document.parse_at(&format!("{path}.expect[0].rule"))?,
    })
}
