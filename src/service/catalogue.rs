//! The version of the rule catalogue: changes whenever a rule or a date does.

use sha2::{Digest, Sha256};

use crate::policy::calendar::Calendar;
use crate::wire::catalogue::to_rules;

use prost::Message;

/// The version of Lupa, a digest of the rules' sources, and one of the catalogue
/// and the dates in force, such as `0.1.0-60303ae2-9f86d081`.
pub(super) fn version(calendar: &Calendar) -> String {
    let mut digest = Sha256::new();
    for rule in to_rules(calendar) {
        digest.update(rule.encode_length_delimited_to_vec());
    }
    // Every date and version, those too that no rule names.
    digest.update(format!("{calendar:?}"));
    let digest = digest.finalize();
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let rules: String = env!("RULES_DIGEST").chars().take(8).collect();
    format!("{}-{rules}-{short}", env!("CARGO_PKG_VERSION"))
}
