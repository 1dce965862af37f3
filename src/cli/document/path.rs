//! The way from a document's root to one of its parts.

use std::fmt;

/// The way to a part, such as `organisations[3].controller`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The field of this name.
    Field(String),
    /// The item at this place of a list, from 0.
    Item(usize),
}

impl Path {
    /// Reads what [`Display`](fmt::Display) writes.
    pub(super) fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let mut names = part.split('[');
            steps.extend(
                names.next().filter(|name| !name.is_empty()).map(|name| Step::Field(name.to_owned())),
            );
            let places = names.filter_map(|place| place.trim_end_matches(']').parse().ok());
            steps.extend(places.map(Step::Item));
        }
        Self(steps)
    }

    /// This path, and another one from its end on.
    pub(super) fn join(&self, within: &Self) -> Self {
        Self(self.0.iter().chain(&within.0).cloned().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(place) => write!(f, "[{place}]")?,
            }
        }
        Ok(())
    }
}

/// A field's name as in `proto/`: the mapping accepts `recordedOn` for `recorded_on`.
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
