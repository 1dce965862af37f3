//! The rules for the citizen's own wellbeing data.

mod basis;
mod denied;
mod not_open;

use super::Rule;

pub(super) const RULES: &[&Rule] =
    &[&not_open::WB_NOT_OPEN, &denied::WB_DENIED, &basis::WB_CONSENT, &basis::WB_NO_BASIS];
