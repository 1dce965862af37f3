//! What commands print: tables for people, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Helsinki;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use pbjson_types::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::names::label;
use crate::wire::v1::Effect;

/// On a narrower terminal tables are not fitted to its width: columns of single
/// letters cannot be read.
const COLUMNS_MIN: u16 = 60;

/// How often progress is shown.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// The progress through so many changes, on standard error if that is a terminal.
pub(super) fn bar_of_changes(changes: u64) -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(changes) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {human_pos} changes, {per_sec}, {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(PROGRESS_INTERVAL);
    bar
}

/// Standard output. On a terminal tables have lines, fit its width and tell
/// effects in colour; elsewhere they are plain columns.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    is_terminal: bool,
    has_colours: bool,
}

impl Terminal {
    /// As standard output and `NO_COLOR` say.
    #[must_use]
    pub fn detect() -> Self {
        let is_terminal = stdout().is_terminal();
        let is_colour_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { is_terminal, has_colours: is_terminal && is_colour_wanted }
    }

    /// An empty table.
    #[must_use]
    pub fn table<const COLUMNS: usize>(self, header: [&str; COLUMNS]) -> Table {
        let mut table = Table::new();
        if self.is_terminal {
            table.load_style(presets::UTF8_FULL_CONDENSED);
            // A terminal that tells no usable width gets lines as long as they are.
            let fits = table.width().is_some_and(|columns| columns >= COLUMNS_MIN);
            let arrangement = if fits { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
            table.set_content_arrangement(arrangement);
        } else {
            table.load_style(presets::NOTHING);
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        table.set_header(header.map(|name| {
            let cell = Cell::new(name);
            if self.has_colours { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        table
    }

    /// A verdict, in its colour.
    #[must_use]
    pub fn effect(self, effect: i32) -> Cell {
        let cell = Cell::new(label::<Effect>(effect));
        if !self.has_colours {
            return cell;
        }
        match Effect::try_from(effect) {
            Ok(Effect::Permit) => cell.fg(Color::Green),
            Ok(Effect::Deny) => cell.fg(Color::Red),
            Ok(Effect::Unspecified) | Err(_) => cell.fg(Color::Yellow),
        }
    }

    /// Prints a table and lines below it. On a terminal, columns in which
    /// nothing is told make room for the others.
    pub fn show_table(self, mut table: Table, below: &str) -> Result<(), Failure> {
        for at in (0..table.column_count()).filter(|_| self.is_terminal) {
            let is_told = table.column_cells_iter(at).flatten().any(|cell| !cell.content().is_empty());
            if let Some(column) = table.column_mut(at).filter(|_| !is_told) {
                column.set_constraint(ColumnConstraint::Hidden);
            }
        }
        self.show(&format!("{}\n{below}", table.trim_fmt()))
    }

    /// Prints text.
    pub fn show(self, text: &str) -> Result<(), Failure> {
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output)
    }

    /// Prints JSON.
    pub fn show_json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(value);
        let json = json.map_err(|_| Failure::Internal("the answer cannot be written as JSON"))?;
        self.show(&format!("{json}\n"))
    }
}

/// An instant as it is in Finland, to the second; empty if unset.
#[must_use]
pub fn instant(timestamp: Option<&Timestamp>) -> String {
    in_finland(timestamp, "%Y-%m-%d %H:%M:%S %:z")
}

/// An instant as it is in Finland, to the minute, for tables; empty if unset.
#[must_use]
pub fn minute(timestamp: Option<&Timestamp>) -> String {
    in_finland(timestamp, "%Y-%m-%d %H:%M")
}

fn in_finland(timestamp: Option<&Timestamp>, format: &str) -> String {
    let instant = timestamp.and_then(|timestamp| DateTime::<Utc>::try_from(*timestamp).ok());
    instant.map(|instant| instant.with_timezone(&Helsinki).format(format).to_string()).unwrap_or_default()
}
