//! Paths from the root of a document to its parts.

use std::fmt;

/// The path to a part, such as `organisations[3].controller`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldPath(pub(super) Vec<PathStep>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    /// The field of this name.
    Field(String),
    /// The item of a list with this index, from 0.
    Item(usize),
}

impl FieldPath {
    /// Parses the output of [`Display`](fmt::Display).
    pub(super) fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let mut names = part.split('[');
            steps.extend(
                names.next().filter(|name| !name.is_empty()).map(|name| PathStep::Field(name.to_owned())),
            );
            let places = names.filter_map(|place| place.trim_end_matches(']').parse().ok());
            steps.extend(places.map(PathStep::Item));
        }
        Self(steps)
    }

    /// This path followed by another one.
    pub(super) fn join(&self, within: &Self) -> Self {
        Self(self.0.iter().chain(&within.0).cloned().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Field(name) if at == 0 => f.write_str(name)?,
                PathStep::Field(name) => write!(f, ".{name}")?,
                PathStep::Item(place) => write!(f, "[{place}]")?,
            }
        }
        Ok(())
    }
}

/// The name of a field in `proto/`: the mapping accepts `recordedOn` for `recorded_on`.
pub(super) fn in_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}
