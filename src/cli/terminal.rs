//! The output of commands: tables for people, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Helsinki;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use pbjson_types::Timestamp;
use serde::Serialize;

use super::failure::CommandFailure;
use super::names::label;
use crate::wire::v1::Effect;

/// Minimum width of a terminal to which tables are fitted. On a narrower one the
/// columns would be unreadable.
const COLUMNS_MIN: u16 = 60;

/// Interval at which progress is shown.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// A progress bar over a number of changes, on standard error if it is a terminal.
pub(super) fn bar_of_changes(changes: u64) -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(changes) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {human_pos} changes, {per_sec}, {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    bar
}

/// A progress bar over a number of bytes, on standard error if it is a terminal.
pub(super) fn bar_of_bytes(bytes: Option<u64>) -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    if let Some(bytes) = bytes {
        bar.set_length(bytes);
    }
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    bar
}

/// Writes to standard error. What cannot be written there cannot be reported anywhere, and changes
/// nothing about what the command has done: unlike `eprint!`, this does not panic.
pub fn note(text: &str) {
    let mut to = stderr().lock();
    drop(to.write_all(text.as_bytes()).and_then(|()| to.flush()));
}

/// Standard output. On a terminal, tables have borders, fit its width and print
/// verdicts in color; elsewhere they are plain columns.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    is_terminal: bool,
    has_colors: bool,
}

impl Terminal {
    /// Detects whether standard output is a terminal, and `NO_COLOR`.
    #[must_use]
    pub fn detect() -> Self {
        let is_terminal = stdout().is_terminal();
        let is_color_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_terminal, has_colors: is_terminal && is_color_wanted }
    }

    /// An empty table.
    #[must_use]
    pub fn table<const COLUMNS: usize>(self, header: [&str; COLUMNS]) -> Table {
        let mut table = Table::new();
        if self.is_terminal {
            table.load_style(presets::UTF8_FULL_CONDENSED);
            // On a terminal without a usable width, lines are not wrapped.
            let fits = table.width().is_some_and(|columns| columns >= COLUMNS_MIN);
            let arrangement = if fits { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
            table.set_content_arrangement(arrangement);
        } else {
            table.load_style(presets::NOTHING);
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        table.set_header(header.map(|name| {
            let cell = Cell::new(name);
            if self.has_colors { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        table
    }

    /// A verdict, in its color.
    #[must_use]
    pub fn effect(self, effect: i32) -> Cell {
        let cell = Cell::new(label::<Effect>(effect));
        if !self.has_colors {
            return cell;
        }
        match Effect::try_from(effect) {
            Ok(Effect::Permit) => cell.fg(Color::Green),
            Ok(Effect::Deny) => cell.fg(Color::Red),
            Ok(Effect::Unspecified) | Err(_) => cell.fg(Color::Yellow),
        }
    }

    /// Prints a table and lines below it. On a terminal, empty columns are hidden
    /// to make room for the others.
    pub fn show_table(self, mut table: Table, below: &str) -> Result<(), CommandFailure> {
        for at in (0..table.column_count()).filter(|_| self.is_terminal) {
            let has_content = table.column_cells_iter(at).flatten().any(|cell| !cell.content().is_empty());
            if let Some(column) = table.column_mut(at).filter(|_| !has_content) {
                column.set_constraint(ColumnConstraint::Hidden);
            }
        }
        self.show(&format!("{}\n{below}", table.trim_fmt()))
    }

    /// A line of text after an indent. On a terminal it is wrapped to the width,
    /// and the further lines have an indent of the same width.
    #[must_use]
    pub fn paragraph(self, indent: &str, text: &str) -> String {
        let columns = Table::new().width().filter(|columns| self.is_terminal && *columns >= COLUMNS_MIN);
        let Some(columns) = columns else { return format!("{indent}{text}\n") };
        let blank = " ".repeat(indent.chars().count());
        let lines = textwrap::Options::new(columns.into())
            .initial_indent(indent)
            .subsequent_indent(&blank)
            .break_words(false);
        textwrap::fill(text, lines) + "\n"
    }

    /// Prints text.
    pub fn show(self, text: &str) -> Result<(), CommandFailure> {
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CommandFailure::Output)
    }

    /// Prints JSON.
    pub fn show_json<T: Serialize>(self, value: &T) -> Result<(), CommandFailure> {
        let json = serde_json::to_string_pretty(value);
        let json = json.map_err(|_| CommandFailure::Internal("the response cannot be written as JSON"))?;
        self.show(&format!("{json}\n"))
    }
}

/// An instant in Finnish time, to the second. Empty: unset.
#[must_use]
pub fn instant(timestamp: Option<&Timestamp>) -> String {
    in_finland(timestamp, "%Y-%m-%d %H:%M:%S %:z")
}

/// An instant in Finnish time, to the minute, for tables. Empty: unset.
#[must_use]
pub fn minute(timestamp: Option<&Timestamp>) -> String {
    in_finland(timestamp, "%Y-%m-%d %H:%M")
}

fn in_finland(timestamp: Option<&Timestamp>, format: &str) -> String {
    let instant = timestamp.and_then(|timestamp| DateTime::<Utc>::try_from(*timestamp).ok());
    instant.map(|instant| instant.with_timezone(&Helsinki).format(format).to_string()).unwrap_or_default()
}
