//! Deserialization errors, in words for the author of the file.

use std::any::type_name;
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::path::{FieldPath, PathStep, in_snake_case};
use crate::config::nearest;

/// The first fault of a message.
#[derive(Debug)]
pub(super) struct ParseError {
    /// The steps from the part at fault up to the root.
    steps: Vec<PathStep>,
    /// The field that the part at fault lacks.
    missing: Option<&'static str>,
    message: String,
}

impl ParseError {
    /// The same error with the step that leads to it from one level up.
    pub(super) fn within(mut self, step: PathStep) -> Self {
        self.steps.push(step);
        self
    }

    /// The path of the part at fault, the field that it lacks, and the message.
    pub(super) fn into_parts(mut self) -> (FieldPath, Option<&'static str>, String) {
        self.steps.reverse();
        (FieldPath(self.steps), self.missing, self.message)
    }

    fn new(message: String) -> Self {
        Self { steps: Vec::new(), missing: None, message }
    }
}

impl de::Error for ParseError {
    fn custom<T: Display>(message: T) -> Self {
        let words = if type_name::<T>() == type_name::<chrono::ParseError>() {
            "expected an instant: write it as 2024-05-06T10:00:00+03:00".to_owned()
        } else if type_name::<T>() == type_name::<std::num::ParseIntError>() {
            "expected a whole number".to_owned()
        } else {
            message.to_string()
        };
        // The mapping accepts a number as one of two types, and serde reports
        // only that no type matched.
        let is_no_number = words.starts_with("data did not match any variant");
        Self::new(if is_no_number { "expected a number".to_owned() } else { words })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = in_plain_words(&expected.to_string());
        let quote = if expected == "text" && matches!(found, Unexpected::Bool(_)) {
            ": quote it to mean text"
        } else if expected == "text" && matches!(found, Unexpected::Unit) {
            ": write \"\" or leave the field out"
        } else {
            ""
        };
        Self::new(format!("expected {expected}, found {}{quote}", InWords(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let known = || expected.iter().copied().filter(|name| !name.ends_with("_UNSPECIFIED"));
        Self::new(match nearest(variant, known()) {
            Some(near) => format!("unknown value `{variant}`: did you mean `{near}`?"),
            None => format!("unknown value `{variant}`: write one of {}", listed(known())),
        })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let in_camel_case = |name: &str| name.contains(|character: char| character.is_ascii_uppercase());
        let known = || expected.iter().copied().filter(|name| !in_camel_case(name));
        Self::new(match (expected, nearest(field, known())) {
            ([], _) => "unknown field: nothing belongs here".to_owned(),
            (_, Some(near)) => format!("unknown field: did you mean `{near}`?"),
            (_, None) => format!("unknown field: write one of {}", listed(known())),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new(format!("`{field}` is missing: add it")) }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("only one of its kind may be written: remove this or the other one".to_owned())
            .within(PathStep::Field(in_snake_case(field)))
    }
}

impl std::error::Error for ParseError {}

impl Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The unexpected value, in plain words.
struct InWords<'a>(Unexpected<'a>);

impl Display for InWords<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a document yields no other kinds")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(flag) => write!(f, "`{flag}`"),
            Unexpected::Str(text) => write!(f, "`{text}`"),
            Unexpected::Unit | Unexpected::Option => f.write_str("nothing"),
            Unexpected::Seq => f.write_str("a list"),
            Unexpected::Map => f.write_str("fields"),
            other => other.fmt(f),
        }
    }
}

/// Replaces the terms of serde and of the generated code by plain words.
fn in_plain_words(expected: &str) -> String {
    let expected = expected.strip_prefix("expected ").unwrap_or(expected);
    match expected {
        "a string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "fields".to_owned(),
        "a date string" => "an instant".to_owned(),
        other => {
            if let Some(message) = other.strip_prefix("struct ") {
                let name = message.rsplit('.').next().unwrap_or(message);
                format!("the fields of {name}")
            } else if let Some(names) = other.strip_prefix("one of: ") {
                let names = names.trim_matches(['[', ']']).replace('"', "`");
                let named = names.split(", ").filter(|name| !name.ends_with("_UNSPECIFIED`"));
                format!("one of {}", named.collect::<Vec<_>>().join(", "))
            } else {
                other.to_owned()
            }
        }
    }
}

fn listed(names: impl Iterator<Item = &'static str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
