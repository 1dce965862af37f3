//! The settings as tables in Markdown, for `docs/configuration.md`.

use super::calendar::date_of;
use super::setting::{Setting, ValueKind};
use super::settings::{SECTIONS, SETTINGS};
use crate::policy::calendar::Calendar;

/// Units of sizes, from the largest.
const SIZES: [(i64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];

/// Units of durations in milliseconds, from the largest.
const DURATIONS: [(i64, &str); 2] = [(60_000, "min"), (1_000, "s")];

/// A table of the settings for each section.
#[must_use]
pub fn markdown() -> String {
    let published = Calendar::published();
    let table = |(section, title): &(&str, &str)| {
        let rows = SETTINGS.iter().filter(|setting| setting.section() == *section);
        let rows = rows.map(|setting| {
            format!("| `{}` | {} | {} |\n", setting.name, default(setting, &published), setting.meaning)
        });
        format!(
            "### `[{section}]`: {title}\n\n| setting | default | meaning |\n|---|---|---|\n{}",
            rows.collect::<String>()
        )
    };
    SECTIONS.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// The default in TOML, with the unit that people read it in.
fn default(setting: &Setting, published: &Calendar) -> String {
    let published_day = || date_of(setting.name.strip_prefix("calendar.")?, published);
    match (setting.kind, setting.default) {
        (ValueKind::Date, _) => published_day().map_or_else(|| "unset".to_owned(), |day| format!("`{day}`")),
        (ValueKind::Versions, _) => published
            .versions
            .iter()
            .map(|version| format!("`{}`", version.version))
            .collect::<Vec<_>>()
            .join(", "),
        (_, None) => "unset".to_owned(),
        (_, Some(default)) => {
            let default = default.replace('\'', "\"");
            match default.parse().ok().and_then(|number| in_units(setting.name, number)) {
                Some(readable) => format!("`{default}` ({readable})"),
                None => format!("`{default}`"),
            }
        }
    }
}

/// A number of bytes or milliseconds in the largest unit that divides it. None:
/// there is no larger unit than that in the name of the setting.
fn in_units(name: &str, number: i64) -> Option<String> {
    let units: &[(i64, &str)] = if name.contains("_bytes") {
        &SIZES
    } else if name.contains("_ms") {
        &DURATIONS
    } else {
        return None;
    };
    let (unit, symbol) = units.iter().find(|(unit, _)| number >= *unit && number % unit == 0)?;
    Some(format!("{} {symbol}", number / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_in_one_table() {
        let text = markdown();
        for setting in SETTINGS.iter() {
            let row = format!("| `{}` | ", setting.name);
            assert_eq!(text.matches(&row).count(), 1, "{}", setting.name);
        }
        assert!(!text.contains("||"), "{text}");
    }

    #[test]
    fn numbers_have_the_largest_unit_that_divides_them() {
        for (name, number, expected) in [
            ("server.request_bytes_max", 8_388_608, Some("8 MiB")),
            ("server.request_bytes_max", 1_000, None),
            ("index.poll_interval_ms", 100, None),
            ("index.checkpoint_interval_ms", 300_000, Some("5 min")),
            ("server.workers", 1_024, None),
        ] {
            assert_eq!(in_units(name, number).as_deref(), expected, "{name} {number}");
        }
    }
}
