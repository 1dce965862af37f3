//! The layers of the configuration: defaults, file, environment. A later one
//! overrides an earlier one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::setting::{Setting, ValueKind};
use super::settings::{SECTIONS, SETTINGS};
use super::{ConfigFault, EffectiveValue, FaultPlace, InformationVersion, Route, ValueSource};

/// Maximum size of the file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Prefix of the variables of Lupa.
const PREFIX: &str = "LUPA_";

/// Variables of the command line, which are not settings.
const COMMAND_LINE_VARIABLES: [&str; 2] = ["LUPA_CONFIG", "LUPA_URL"];

/// The values read so far, and their faults. A value that is read later
/// replaces an earlier one.
#[derive(Default)]
pub(super) struct Layers {
    values: BTreeMap<&'static str, (Value, ValueSource)>,
    faults: Vec<ConfigFault>,
}

impl Layers {
    /// The effective value of every setting, and the faults.
    pub(super) fn effective(mut self) -> (Vec<EffectiveValue>, Vec<ConfigFault>) {
        let mut effective = Vec::with_capacity(SETTINGS.len());
        for Setting { name, default, meaning, .. } in SETTINGS.iter() {
            let (value, source) = match self.values.remove(name) {
                Some((value, source)) => (Some(value), source),
                None => (default.and_then(|default| default.parse().ok()), ValueSource::Default),
            };
            effective.push(EffectiveValue { name, value, source, meaning });
        }
        (effective, self.faults)
    }

    /// Reads the file.
    pub(super) fn read_file(&mut self, path: &Path) {
        let in_file = |line, message| ConfigFault { place: FaultPlace::File(path.to_owned(), line), message };
        let text = match read_text(path) {
            Ok(text) => text,
            Err(message) => return self.faults.push(in_file(None, message)),
        };
        let mut faults = Vec::new();
        let (sections, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let offset = error.span().map_or(0, |span| span.start);
            faults.push((offset, format!("not TOML: {}", error.message().replace('\n', ", "))));
        }
        if errors.is_empty() {
            self.take_sections(sections.get_ref(), &mut faults);
        }
        faults.sort();
        let with_lines =
            faults.into_iter().map(|(offset, message)| in_file(Some(line_at(&text, offset)), message));
        self.faults.extend(with_lines);
    }

    /// Takes the settings of a file. A fault has the offset in the text.
    fn take_sections(&mut self, sections: &DeTable<'_>, faults: &mut Vec<(usize, String)>) {
        for (section, keys) in sections {
            let offset = section.span().start;
            let section = section.get_ref();
            let Some(keys) = keys.get_ref().as_table() else {
                let message = format!("{section}: a setting belongs to a section: write [section] above it");
                faults.push((offset, message));
                continue;
            };
            if keys.is_empty() && !is_section(section) {
                faults.push((offset, format!("[{section}]: no such section; `lupa config` lists them all")));
            }
            for (key, value) in keys {
                let name = format!("{section}.{}", key.get_ref());
                let set = known(&name)
                    .and_then(not_secret)
                    .and_then(|known| Ok((known, checked(known, to_value(value.get_ref()))?)));
                match set {
                    Ok((known, value)) => {
                        self.values.insert(known.name, (value, ValueSource::File));
                    }
                    Err(message) => faults.push((key.span().start, message)),
                }
            }
        }
    }

    /// Reads the variables of Lupa.
    pub(super) fn read_environment(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        let mut ours: Vec<(String, OsString)> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX) && !is_no_setting(name))
            .collect();
        ours.sort();
        for (name, value) in ours {
            let value = value.into_string().map_err(|_| "not UTF-8: write plain text".to_owned());
            let set = known_variable(&name)
                .and_then(|known| Ok((known, checked(known, from_variable(known, value?)?)?)));
            match set {
                Ok((known, value)) => {
                    self.values.insert(known.name, (value, ValueSource::Environment));
                }
                Err(message) => self.faults.push(ConfigFault { place: FaultPlace::Variable(name), message }),
            }
        }
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| {
        format!("cannot be read ({error}): correct the path in --config or LUPA_CONFIG")
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!(
            "has {bytes} bytes, more than the maximum of {FILE_BYTES_MAX}: check that it is the right file"
        ));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(section, _)| *section == name)
}

fn known(name: &str) -> Result<&'static Setting, String> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let names = SETTINGS.iter().map(|setting| setting.name);
        match nearest(name, names) {
            Some(near) => format!("{name}: no such setting; did you mean {near}?"),
            None => format!("{name}: no such setting; `lupa config` lists them all"),
        }
    })
}

/// Rejects a secret in the file: more people may read the file than may know the secret.
fn not_secret(setting: &'static Setting) -> Result<&'static Setting, String> {
    if matches!(setting.kind, ValueKind::Secret) {
        return Err(format!(
            "{}: not accepted in the file: set {} instead",
            setting.name,
            setting.variable()
        ));
    }
    Ok(setting)
}

fn known_variable(name: &str) -> Result<&'static Setting, String> {
    SETTINGS.iter().find(|setting| setting.variable() == name).ok_or_else(|| {
        let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        let ours = COMMAND_LINE_VARIABLES.into_iter();
        match nearest(name, variables.iter().map(String::as_str).chain(ours)) {
            Some(near) => format!("no such setting; did you mean {near}?"),
            None => "no such setting; write LUPA_SECTION__KEY with a setting of `lupa config`, or unset the variable"
                .to_owned(),
        }
    })
}

/// Whether a variable with the prefix is no setting: those of the command line,
/// and those that Kubernetes sets in every pod for a service named `lupa` or
/// `lupa-…`.
fn is_no_setting(name: &str) -> bool {
    let is_of_kubernetes = !name.contains("__")
        && (name.ends_with("_PORT")
            || name.contains("_SERVICE_HOST")
            || name.contains("_SERVICE_PORT")
            || name
                .split_once("_PORT_")
                .is_some_and(|(_, rest)| rest.starts_with(|one: char| one.is_ascii_digit())));
    COMMAND_LINE_VARIABLES.contains(&name) || is_of_kubernetes
}

/// Converts the text of a variable to the kind of its setting.
fn from_variable(setting: &Setting, text: String) -> Result<Value, String> {
    match setting.kind {
        ValueKind::Flag | ValueKind::Number(..) => Ok(match (text.parse(), text.parse()) {
            (Ok(number), _) => Value::Integer(number),
            (_, Ok(flag)) => Value::Boolean(flag),
            (Err(_), Err(_)) => Value::String(text),
        }),
        ValueKind::Address | ValueKind::Word(_) | ValueKind::Text | ValueKind::Secret | ValueKind::Date => {
            Ok(Value::String(text))
        }
        ValueKind::Versions => {
            Err("accepted only in the file: write [[calendar.versions]] tables there".to_owned())
        }
        ValueKind::Routes => {
            Err("accepted only in the file: write [[sidecar.routes]] tables there".to_owned())
        }
    }
}

/// Converts a value of the file; a date becomes text.
fn to_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::String(number.as_str().to_owned()),
            }
        }
        DeValue::Float(number) => Value::String(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| to_value(item.get_ref())).collect()),
        DeValue::Table(fields) => Value::Table(
            fields
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), to_value(value.get_ref())))
                .collect(),
        ),
    }
}

/// Returns the value if the setting permits it.
fn checked(setting: &Setting, value: Value) -> Result<Value, String> {
    let expected = match (setting.kind, &value) {
        (ValueKind::Address, Value::String(text)) if text.parse::<SocketAddr>().is_ok() => return Ok(value),
        (ValueKind::Flag, Value::Boolean(_)) => return Ok(value),
        (ValueKind::Number(min, max), Value::Integer(number)) if (min..=max).contains(number) => {
            return Ok(value);
        }
        (ValueKind::Word(words), Value::String(text)) if words.contains(&text.as_str()) => return Ok(value),
        (ValueKind::Text | ValueKind::Secret, Value::String(text)) if !text.is_empty() => return Ok(value),
        (ValueKind::Date, Value::String(text)) if is_date(text) => return Ok(value),
        (ValueKind::Versions, Value::Array(versions)) => {
            return check_versions(setting.name, versions).map(|()| value);
        }
        (ValueKind::Routes, Value::Array(routes)) => {
            return check_routes(setting.name, routes).map(|()| value);
        }
        (ValueKind::Address, _) => {
            "an IP address and a port, such as 127.0.0.1:7411 or [::1]:7411".to_owned()
        }
        (ValueKind::Flag, _) => "true or false".to_owned(),
        (ValueKind::Number(min, max), _) => format!("a whole number from {min} to {max}"),
        (ValueKind::Word(words), _) => format!("one of {}", words.join(", ")),
        (ValueKind::Text | ValueKind::Secret, _) => "text".to_owned(),
        (ValueKind::Date, _) => "a date as YYYY-MM-DD".to_owned(),
        (ValueKind::Versions, _) => "[[calendar.versions]] tables".to_owned(),
        (ValueKind::Routes, _) => "[[sidecar.routes]] tables".to_owned(),
    };
    if matches!(setting.kind, ValueKind::Secret) {
        return Err(format!("{}: write {expected}", setting.name));
    }
    Err(format!("{}: write {expected}, not {}", setting.name, value.to_string().trim_end()))
}

fn check_versions(name: &str, versions: &[Value]) -> Result<(), String> {
    for (at, version) in read_tables(name, versions).enumerate() {
        let InformationVersion { version: _, valid_from, valid_until, newest_from, opens_uusimaa: _ } =
            version?;
        let dates = [("valid_from", valid_from), ("valid_until", valid_until), ("newest_from", newest_from)];
        for (field, date) in dates {
            if let Some(date) = date.filter(|date| !is_date(date)) {
                return Err(format!("{name}[{at}]: {field}: write a date as YYYY-MM-DD, not \"{date}\""));
            }
        }
    }
    Ok(())
}

/// Checks the form of the routes. The server checks their meaning.
fn check_routes(name: &str, routes: &[Value]) -> Result<(), String> {
    read_tables::<Route>(name, routes).try_for_each(|route| route.map(drop))
}

/// Reads the tables of a list, each with its fault.
fn read_tables<T: DeserializeOwned>(name: &str, tables: &[Value]) -> impl Iterator<Item = Result<T, String>> {
    tables.iter().enumerate().map(move |(at, table)| {
        let read = table.clone().try_into();
        read.map_err(|error: toml::de::Error| format!("{name}[{at}]: {}", error.message()))
    })
}

/// Checks the form of an ISO date. The calendar checks that the day exists.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
