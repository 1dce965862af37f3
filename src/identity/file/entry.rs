//! Reads the tables of a TOML file key by key and collects every fault with its offset.

use std::cell::RefCell;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::{ConfigFault, FaultPlace, nearest};

/// The faults of a file, with their offsets in its text.
#[derive(Debug, Default)]
pub(super) struct FileFaults(RefCell<Vec<(usize, String)>>);

impl FileFaults {
    pub(super) fn add(&self, offset: usize, message: String) {
        self.0.borrow_mut().push((offset, message));
    }

    /// The faults in the order of their lines.
    pub(super) fn in_file(self, path: &Path, text: &str) -> Vec<ConfigFault> {
        let mut faults = self.0.into_inner();
        faults.sort();
        let line_at = |offset| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        faults
            .into_iter()
            .map(|(offset, message)| ConfigFault {
                place: FaultPlace::File(path.to_owned(), Some(line_at(offset))),
                message,
            })
            .collect()
    }
}

/// One table of the file.
#[derive(Clone, Debug)]
pub(super) struct TableEntry<'d> {
    keys: &'d DeTable<'d>,
    /// Offset of the table in the text.
    pub(super) offset: usize,
    /// The place for messages, such as `callers.county-emr`.
    pub(super) place: String,
    faults: &'d FileFaults,
}

impl<'d> TableEntry<'d> {
    /// The table of a value. A key that is not known is a fault.
    pub(super) fn new(
        value: &'d Spanned<DeValue<'d>>,
        place: String,
        known: &[&str],
        faults: &'d FileFaults,
    ) -> Option<Self> {
        let offset = value.span().start;
        let Some(keys) = value.get_ref().as_table() else {
            faults.add(offset, format!("{place}: write a table with {}", known.join(", ")));
            return None;
        };
        Some(Self::of_table(keys, offset, place, known, faults))
    }

    pub(super) fn of_table(
        keys: &'d DeTable<'d>,
        offset: usize,
        place: String,
        known: &[&str],
        faults: &'d FileFaults,
    ) -> Self {
        for key in keys.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            // The name in the file may be anything: only a short plain word is repeated.
            let shown: String = name.chars().filter(|one| one.is_ascii_graphic()).take(64).collect();
            let instead = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", known.join(", ")),
            };
            let prefix = if place.is_empty() { String::new() } else { format!("{place}: ") };
            faults.add(key.span().start, format!("{prefix}`{shown}`: no such key; {instead}"));
        }
        Self { keys, offset, place, faults }
    }

    /// The value of a key. None: it is not in the table.
    pub(super) fn value(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.keys.get(key)
    }

    /// Reports a fault at a key, or at the table if the key is missing.
    pub(super) fn fault(&self, key: &str, message: &str) {
        let offset = self.value(key).map_or(self.offset, |value| value.span().start);
        self.faults.add(offset, format!("{}: {key}: {message}", self.place));
    }

    /// Reports that a required key is missing.
    pub(super) fn missing(&self, key: &str, example: &str) {
        self.fault(key, &format!("missing: write {key} = {example}"));
    }

    /// The text of a key. None: it is missing, or it has a fault, which is reported.
    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        let text = self.value(key)?.get_ref().as_str();
        if text.is_none_or(str::is_empty) {
            self.fault(key, "write text in quotation marks");
            return None;
        }
        text
    }

    /// The text of a key that must be there.
    pub(super) fn required_text(&self, key: &str, example: &str) -> Option<&'d str> {
        if self.value(key).is_none() {
            self.missing(key, example);
        }
        self.text(key)
    }

    /// The flag of a key.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let flag = self.value(key)?.get_ref().as_bool();
        if flag.is_none() {
            self.fault(key, "write true or false");
        }
        flag
    }

    /// The whole number of a key, within bounds.
    pub(super) fn number(&self, key: &str, min: u32, max: u32) -> Option<u32> {
        let value = self.value(key)?.get_ref();
        let number = value
            .as_integer()
            .and_then(|number| u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok())
            .filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.fault(key, &format!("write a whole number from {min} to {max}"));
        }
        number
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let listed = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        if self.value(key).is_none() {
            self.missing(key, &listed);
            return None;
        }
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            self.fault(key, &format!("write {listed}"));
        }
        found
    }

    /// The table of a key.
    pub(super) fn table(&self, key: &str, known: &[&str]) -> Option<Self> {
        self.nested(self.value(key)?, key, known)
    }

    /// The table of a value inside of a key.
    pub(super) fn nested(&self, value: &'d Spanned<DeValue<'d>>, key: &str, known: &[&str]) -> Option<Self> {
        Self::new(value, format!("{}: {key}", self.place), known, self.faults)
    }

    /// Reports a fault at an item of a key's list.
    pub(super) fn fault_at(&self, item: &Spanned<DeValue<'_>>, key: &str, message: &str) {
        self.faults.add(item.span().start, format!("{}: {key}: {message}", self.place));
    }

    /// The items of an array. None: the value is not an array, which is not reported.
    pub(super) fn list(&self, key: &str) -> Option<&'d [Spanned<DeValue<'d>>]> {
        self.value(key)?.get_ref().as_array().map(|items| &**items)
    }
}
