//! `lupa config`: every setting in force, and where it comes from.

use toml::{Table, Value};

use super::Global;
use super::calendar::{DATES, calendar};
use super::failure::{Exit, Failure};
use super::serve::check_settings;
use super::terminal::Terminal;
use crate::config::{InForce, Source};
use crate::policy::calendar::{Calendar, InformationVersion};

pub(super) fn run(global: &Global) -> Result<Exit, Failure> {
    let mut loaded = global.load_config()?;
    let calendar = calendar(&loaded.config.calendar)
        .map_err(|faults| Failure::Document("the configuration".to_owned(), faults))?;
    check_settings(&loaded.config)?;
    for setting in &mut loaded.values {
        if let Some(key) = setting.name.strip_prefix("calendar.") {
            setting.value = in_force(&calendar, key);
        }
    }
    let terminal = Terminal::detect();
    if global.json {
        terminal.show_json(&loaded.values)?;
        return Ok(Exit::Success);
    }
    let mut table = terminal.table(["setting", "value", "from", "meaning"]);
    for InForce { name, value, source, meaning } in &loaded.values {
        let value = value.as_ref().map_or_else(|| "unset".to_owned(), in_words);
        let source = match source {
            Source::Default => "default",
            Source::File => "file",
            Source::Environment => "environment",
        };
        table.add_row([name, value.as_str(), source, meaning]);
    }
    let file = match &global.config {
        Some(path) => format!("\nfile  {}\n", path.display()),
        None => "\nNo file: name one with --config or LUPA_CONFIG.\n".to_owned(),
    };
    terminal.show_table(table, &file)?;
    Ok(Exit::Success)
}

/// A date or the versions of the calendar, the published ones too.
fn in_force(calendar: &Calendar, key: &str) -> Option<Value> {
    if key == "versions" {
        return Some(Value::Array(calendar.versions.iter().map(version).collect()));
    }
    let date = DATES.into_iter().find(|date| date.name() == key)?;
    calendar.day(date).map(|day| Value::String(day.to_string()))
}

fn version(version: &InformationVersion) -> Value {
    let InformationVersion { version, valid_from, valid_until, newest_from, opens_uusimaa } = version;
    let mut fields = Table::new();
    fields.insert("version".to_owned(), Value::String(version.to_string()));
    let dates = [("valid_from", valid_from), ("valid_until", valid_until), ("newest_from", newest_from)];
    for (name, day) in dates {
        fields.extend(day.map(|day| (name.to_owned(), Value::String(day.to_string()))));
    }
    fields.insert("opens_uusimaa".to_owned(), Value::Boolean(*opens_uusimaa));
    Value::Table(fields)
}

/// As one would write it, but of versions only their names, and of routes only their paths.
fn in_words(value: &Value) -> String {
    match value {
        Value::Array(tables) => {
            let named = |table: &Value| {
                let name = table.get("version").or_else(|| table.get("path"))?;
                name.as_str().map(str::to_owned)
            };
            tables.iter().filter_map(named).collect::<Vec<_>>().join(", ")
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => value.to_string().trim_end().to_owned(),
    }
}
