//! What a setting is.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Section and key, such as `server.listen_address`.
    pub name: &'static str,
    /// Written as TOML. None: unset, and for a date, the published date.
    pub default: Option<&'static str>,
    /// The permitted values.
    pub kind: ValueKind,
    /// What the setting does, as a phrase.
    pub meaning: &'static str,
}

/// The permitted values of a setting.
#[derive(Clone, Copy, Debug)]
pub enum ValueKind {
    /// An IP address and a port.
    Address,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second, inclusive.
    Number(i64, i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Text that is not empty.
    Text,
    /// Text that is never printed and is not accepted in the file.
    Secret,
    /// An ISO date.
    Date,
    /// Tables of information versions, accepted only in the file.
    Versions,
    /// Tables of Envoy routes, accepted only in the file.
    Routes,
}

impl Setting {
    /// The part of the name before the dot.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    /// The environment variable that overrides it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("LUPA_{}", self.name.to_ascii_uppercase().replace('.', "__"))
    }
}

pub(super) const fn setting(
    name: &'static str,
    default: &'static str,
    kind: ValueKind,
    meaning: &'static str,
) -> Setting {
    Setting { name, default: Some(default), kind, meaning }
}

pub(super) const fn unset(name: &'static str, kind: ValueKind, meaning: &'static str) -> Setting {
    Setting { name, default: None, kind, meaning }
}

pub(super) const fn date(name: &'static str, meaning: &'static str) -> Setting {
    unset(name, ValueKind::Date, meaning)
}
