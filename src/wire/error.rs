//! The reasons of errors: what `ErrorInfo.reason` says, and their page.
//!
//! Each reason is described once, in the comment of its enum value in
//! `errors.proto`. The table of `docs/errors.md` and the output of `lupa errors`
//! are generated from the comments in the compiled descriptors.

use prost::Message;
use prost_types::{EnumDescriptorProto, FileDescriptorSet};

use crate::policy::refusal::Refusal;

use super::DESCRIPTORS;
use super::v1::ErrorReason;

const FILE: &str = "lupa/v1/errors.proto";
const PREFIX: &str = "ERROR_REASON_";

/// The path of an enum value in the source information of its file: the first
/// enum (field 5), and its values (field 2).
const FIRST_ENUM_VALUES: [i32; 3] = [5, 0, 2];

/// A reason as `errors.proto` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedReason {
    /// As in `ErrorInfo.reason`.
    pub reason: String,
    /// The gRPC code, such as `UNAVAILABLE`.
    pub code: String,
    /// What happened.
    pub meaning: String,
    /// What the caller or the operator does next.
    pub action: String,
}

/// A reason as `ErrorInfo.reason` says it.
#[must_use]
pub fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// The reason of a refusal.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> ErrorReason {
    match refusal {
        Refusal::DeclarationUnknown => ErrorReason::DeclarationUnknown,
        Refusal::GivenInFuture => ErrorReason::GivenInFuture,
        Refusal::WithdrawalBeforeDeclaration => ErrorReason::WithdrawalBeforeDeclaration,
        Refusal::RecorderUnknown => ErrorReason::RecorderUnknown,
        Refusal::RecorderSectorNotAllowed => ErrorReason::RecorderSectorNotAllowed,
        Refusal::RecorderNotReady => ErrorReason::RecorderNotReady,
        Refusal::DeclarerNotAllowed => ErrorReason::DeclarerNotAllowed,
        Refusal::TooManyDeclarations { most: _ } => ErrorReason::TooManyDeclarations,
        Refusal::InformationVersionUnknown { known: _ } => ErrorReason::InformationVersionUnknown,
        Refusal::InformationVersionNotReleased { released: _ } => ErrorReason::InformationVersionNotReleased,
        Refusal::InformationVersionEnded { ended: _ } => ErrorReason::InformationVersionEnded,
        Refusal::InformationRequired { newest: _ } => ErrorReason::InformationRequired,
        Refusal::InformationCannotBeWithdrawn => ErrorReason::InformationCannotBeWithdrawn,
        Refusal::ConsentKindEnded => ErrorReason::ConsentKindEnded,
        Refusal::ConsentAllocationNotAllowed => ErrorReason::ConsentAllocationNotAllowed,
        Refusal::DenialScopeNotAllowed => ErrorReason::DenialScopeNotAllowed,
        Refusal::ExtensiveRefusalNotOpen => ErrorReason::ExtensiveRefusalNotOpen,
        Refusal::AlreadyWithdrawn => ErrorReason::AlreadyWithdrawn,
        Refusal::ViewingPurposeRequired => ErrorReason::ViewingPurposeRequired,
        Refusal::LinkUnknown => ErrorReason::LinkUnknown,
        Refusal::AlreadyUnlinked => ErrorReason::AlreadyUnlinked,
        Refusal::PersonTooLarge { codes: _, links: _ } => ErrorReason::PersonTooLarge,
    }
}

/// Every reason, in the order of `errors.proto`.
#[must_use]
pub fn described() -> Vec<DescribedReason> {
    let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
    let Some(file) = files.into_iter().find(|file| file.name() == FILE) else { return Vec::new() };
    let locations = file.source_code_info.unwrap_or_default().location;
    let comment_of = |value: usize| {
        let comment = locations.iter().find(|location| match location.path.split_last() {
            Some((last, rest)) => rest == FIRST_ENUM_VALUES && usize::try_from(*last) == Ok(value),
            None => false,
        });
        comment.map(|location| location.leading_comments()).unwrap_or_default()
    };
    let values = file.enum_type.iter().take(1).flat_map(|one: &EnumDescriptorProto| one.value.iter());
    // The first value is never sent.
    let values = values.enumerate().skip(1);
    values.filter_map(|(place, value)| describe(value.name(), comment_of(place))).collect()
}

/// Reads a comment such as `What happened. Code: UNAVAILABLE. Do: retry.`
fn describe(name: &str, comment: &str) -> Option<DescribedReason> {
    let words: Vec<&str> = comment.split_whitespace().collect();
    let text = words.join(" ");
    let (meaning, rest) = text.split_once(". Code: ")?;
    let (code, action) = rest.split_once(". Do: ")?;
    Some(DescribedReason {
        reason: name.strip_prefix(PREFIX)?.to_owned(),
        code: code.to_owned(),
        meaning: meaning.to_owned(),
        action: action.strip_suffix('.').unwrap_or(action).to_owned(),
    })
}

/// Every reason as a table in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut table = "| reason | code | meaning | what to do |\n|---|---|---|---|\n".to_owned();
    for DescribedReason { reason, code, meaning, action } in described() {
        table.push_str(&format!("| `{reason}` | `{code}` | {meaning} | {action} |\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_meaning_a_code_and_an_action() {
        let described: Vec<String> = described().into_iter().map(|one| one.reason).collect();
        let all = (1..1000).filter_map(|number| ErrorReason::try_from(number).ok());
        let all: Vec<&str> = all.map(name).collect();
        assert_eq!(described, all);
    }
}
