//! `lupa config`: every setting with its effective value.

use clap::Args;
use toml::{Table, Value};

use super::Global;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::serve::check_settings;
use super::terminal::Terminal;
use crate::config::{self, EffectiveValue, LoadedConfig, ValueSource};
use crate::policy::calendar::{Calendar, InformationVersion};

/// Arguments of `lupa config`.
#[derive(Debug, Args)]
#[command(after_help = "\
The configuration, the calendar and the Envoy routes are validated completely. Exit code 2: a setting is
invalid.

Examples:
  lupa config --config lupa.toml
  LUPA_SERVER__LISTEN_ADDRESS=127.0.0.1:7500 lupa config")]
pub struct ConfigArgs {
    /// Print the defaults of all settings as Markdown, as in docs/configuration.md
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(super) fn run(args: &ConfigArgs, global: &Global) -> Result<Exit, CommandFailure> {
    let terminal = Terminal::detect();
    if args.markdown {
        terminal.show(&config::markdown())?;
        return Ok(Exit::Success);
    }
    let LoadedConfig { config, calendar, mut values } = global.load_config()?;
    check_settings(&config)?;
    for value in &mut values {
        if let Some(key) = value.name.strip_prefix("calendar.") {
            value.value = effective_date(&calendar, key);
        }
    }
    if global.json {
        terminal.show_json(&values)?;
        return Ok(Exit::Success);
    }
    let mut table = terminal.table(["setting", "value", "from", "meaning"]);
    for EffectiveValue { name, value, source, meaning } in &values {
        let value = value.as_ref().map_or_else(|| "unset".to_owned(), in_words);
        let source = match source {
            ValueSource::Default => "default",
            ValueSource::File => "file",
            ValueSource::Environment => "environment",
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

/// A date or the versions of the effective calendar, published ones included.
fn effective_date(calendar: &Calendar, key: &str) -> Option<Value> {
    if key == "versions" {
        return Some(Value::Array(calendar.versions.iter().map(version).collect()));
    }
    config::date_of(key, calendar).map(|day| Value::String(day.to_string()))
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

/// The value in TOML; of versions only their names, and of routes only their paths.
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
