//! Arguments of the form `key=value,key=value`.

use crate::config::nearest;

/// The pairs that have not been taken yet.
pub(super) struct Pairs<'t>(Vec<(&'t str, Option<&'t str>)>);

impl<'t> Pairs<'t> {
    /// Parses pairs; the value of a key is optional.
    pub(super) fn parse(text: &'t str) -> Self {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Self(
            parts
                .map(|part| match part.split_once('=') {
                    Some((key, value)) => (key.trim(), Some(value.trim())),
                    None => (part, None),
                })
                .collect(),
        )
    }

    /// Takes all values of a key.
    pub(super) fn take_all(&mut self, key: &str) -> Result<Vec<String>, String> {
        let taken = self.0.extract_if(.., |(name, _)| *name == key);
        taken
            .map(|(_, value)| match value {
                Some(value) if !value.is_empty() => Ok(value.to_owned()),
                Some(_) | None => Err(format!("`{key}` has no value: write {key}=VALUE")),
            })
            .collect()
    }

    /// Takes the value of a key.
    pub(super) fn take(&mut self, key: &str) -> Result<Option<String>, String> {
        let mut values = self.take_all(key)?;
        let value = values.pop();
        if values.is_empty() { Ok(value) } else { Err(format!("`{key}` is written twice: keep one of them")) }
    }

    /// Takes a flag: `key` and `key=true` are true, `key=false` is false.
    pub(super) fn take_flag(&mut self, key: &str) -> Result<Option<bool>, String> {
        let mut taken = self.0.extract_if(.., |(name, _)| *name == key).map(|(_, value)| value);
        let flag = match taken.next() {
            None => None,
            Some(None | Some("true")) => Some(true),
            Some(Some("false")) => Some(false),
            Some(Some(_)) => {
                return Err(format!("`{key}` must be true or false: write {key} or {key}=false"));
            }
        };
        match taken.next() {
            None => Ok(flag),
            Some(_) => Err(format!("`{key}` is written twice: keep one of them")),
        }
    }

    /// Rejects the keys that were not taken.
    pub(super) fn end(self, known: &str) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(unknown(key, known)),
        }
    }
}

/// That a key is none of these, and which one was probably meant.
pub(super) fn unknown(key: &str, known: &str) -> String {
    let meant = nearest(key, known.split(", "));
    let meant = meant.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    match known.contains(", ") {
        true => format!("`{key}` is unknown: {meant}the keys are {known}"),
        false => format!("`{key}` is unknown: the key is {known}"),
    }
}
