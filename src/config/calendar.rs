//! The dates of the configuration and of scenario files.
//!
//! A date that is given replaces the published one of the same name.

use serde::Deserialize;

use crate::policy::calendar::{self, CalendarDate};
use crate::policy::day::Day;

/// Dates that differ from the published ones, as ISO dates. A scenario file
/// has the same section. An unset date is the published one.
#[expect(missing_docs, reason = "each field is the setting of the same name, described in SETTINGS")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    pub act_in_force: Option<String>,
    pub counties_begin: Option<String>,
    pub uusimaa_right_from: Option<String>,
    pub uusimaa_right_until: Option<String>,
    pub social_sharing_from: Option<String>,
    pub consents_cover_all_channels_from: Option<String>,
    pub cross_sector_from: Option<String>,
    pub prescriptions_to_social_from: Option<String>,
    pub wellbeing_from: Option<String>,
    pub extensive_refusal_from: Option<String>,
    #[serde(default)]
    pub versions: Vec<InformationVersion>,
}

/// A version of the "Information about the Kanta Services" that is new or
/// differs from the published one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InformationVersion {
    /// The name, such as `2.1`.
    pub version: String,
    /// The day of its release. Unset: as published; for a new version, it was always valid.
    pub valid_from: Option<String>,
    /// The first day on which it is no longer valid. Unset: as published; for a new version, no end.
    pub valid_until: Option<String>,
    /// The day from which it is the newest. Unset: as published; for a new version, its release.
    pub newest_from: Option<String>,
    /// Whether it describes the right of access within Uusimaa. Unset: as published; for a new version, no.
    pub opens_uusimaa: Option<bool>,
}

/// A fault of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFault {
    /// The field within the calendar, such as `versions[0].valid_from`.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Every date of the calendar.
const DATES: [CalendarDate; 10] = [
    CalendarDate::ActInForce,
    CalendarDate::CountiesBegin,
    CalendarDate::UusimaaRightFrom,
    CalendarDate::UusimaaRightUntil,
    CalendarDate::SocialSharingFrom,
    CalendarDate::ConsentsCoverAllChannelsFrom,
    CalendarDate::CrossSectorFrom,
    CalendarDate::PrescriptionsToSocialFrom,
    CalendarDate::WellbeingFrom,
    CalendarDate::ExtensiveRefusalFrom,
];

/// The date of a field such as `wellbeing_from`. None: the field is no date, or
/// the date is not set.
#[must_use]
pub fn date_of(key: &str, calendar: &calendar::Calendar) -> Option<Day> {
    let date = DATES.into_iter().find(|date| date.name() == key)?;
    calendar.day(date)
}

impl Calendar {
    /// Applies the dates to the published calendar, or returns all faults. A
    /// version with a published name replaces only the fields that it sets; a
    /// version with a new name is newer than all before it.
    pub fn over_published(&self) -> Result<calendar::Calendar, Vec<CalendarFault>> {
        let Self {
            act_in_force,
            counties_begin,
            uusimaa_right_from,
            uusimaa_right_until,
            social_sharing_from,
            consents_cover_all_channels_from,
            cross_sector_from,
            prescriptions_to_social_from,
            wellbeing_from,
            extensive_refusal_from,
            versions,
        } = self;
        let mut calendar = calendar::Calendar::published();
        let mut faults = Faults(Vec::new());
        for (name, text, date) in [
            ("act_in_force", act_in_force, &mut calendar.act_in_force),
            ("counties_begin", counties_begin, &mut calendar.counties_begin),
            ("uusimaa_right_from", uusimaa_right_from, &mut calendar.uusimaa_right_from),
            ("social_sharing_from", social_sharing_from, &mut calendar.social_sharing_from),
            (
                "consents_cover_all_channels_from",
                consents_cover_all_channels_from,
                &mut calendar.consents_cover_all_channels_from,
            ),
            ("cross_sector_from", cross_sector_from, &mut calendar.cross_sector_from),
            (
                "prescriptions_to_social_from",
                prescriptions_to_social_from,
                &mut calendar.prescriptions_to_social_from,
            ),
            ("wellbeing_from", wellbeing_from, &mut calendar.wellbeing_from),
        ] {
            if let Some(day) = faults.day(name, text.as_deref()) {
                *date = day;
            }
        }
        for (name, text, date) in [
            ("uusimaa_right_until", uusimaa_right_until, &mut calendar.uusimaa_right_until),
            ("extensive_refusal_from", extensive_refusal_from, &mut calendar.extensive_refusal_from),
        ] {
            *date = faults.day(name, text.as_deref()).or(*date);
        }
        for (at, version) in versions.iter().enumerate() {
            version.merge_into(&mut calendar.versions, &format!("versions[{at}]"), &mut faults);
        }
        if faults.0.is_empty() { Ok(calendar) } else { Err(faults.0) }
    }
}

impl InformationVersion {
    fn merge_into(&self, versions: &mut Vec<calendar::InformationVersion>, path: &str, faults: &mut Faults) {
        let Self { version, valid_from, valid_until, newest_from, opens_uusimaa } = self;
        if version.is_empty() {
            faults.report(&format!("{path}.version"), "no name: write one such as \"2.1\"".to_owned());
        }
        let valid_from = faults.day(&format!("{path}.valid_from"), valid_from.as_deref());
        let valid_until = faults.day(&format!("{path}.valid_until"), valid_until.as_deref());
        let newest_from = faults.day(&format!("{path}.newest_from"), newest_from.as_deref());
        match versions.iter_mut().find(|known| *known.version == **version) {
            Some(known) => {
                known.valid_from = valid_from.or(known.valid_from);
                known.valid_until = valid_until.or(known.valid_until);
                known.newest_from = newest_from.or(known.newest_from);
                known.opens_uusimaa = opens_uusimaa.unwrap_or(known.opens_uusimaa);
            }
            None => versions.push(calendar::InformationVersion {
                version: version.as_str().into(),
                valid_from,
                valid_until,
                newest_from,
                opens_uusimaa: opens_uusimaa.unwrap_or(false),
            }),
        }
    }
}

struct Faults(Vec<CalendarFault>);

impl Faults {
    fn day(&mut self, field: &str, text: Option<&str>) -> Option<Day> {
        match text.map(Day::parse) {
            None => None,
            Some(Ok(day)) => Some(day),
            Some(Err(fault)) => {
                self.report(field, format!("`{}` is {fault}", text.unwrap_or_default()));
                None
            }
        }
    }

    fn report(&mut self, field: &str, message: String) {
        self.0.push(CalendarFault { field: field.to_owned(), message });
    }
}

#[cfg(test)]
mod tests {
    use super::super::SETTINGS;
    use super::*;

    fn calendar_of(toml: &str) -> Result<calendar::Calendar, Vec<CalendarFault>> {
        toml::from_str::<Calendar>(toml).expect("a calendar").over_published()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn without_dates_it_is_as_published() {
        assert_eq!(calendar_of(""), Ok(calendar::Calendar::published()));
    }

    #[test]
    fn every_date_of_the_policy_can_be_set_by_its_name() {
        for date in DATES {
            let calendar = calendar_of(&format!("{} = '2031-02-03'", date.name())).expect("a calendar");
            assert_eq!(calendar.day(date), Some(day("2031-02-03")), "{}", date.name());
            let setting = format!("calendar.{}", date.name());
            assert!(SETTINGS.iter().any(|known| known.name == setting), "{setting}");
            assert_eq!(date_of(date.name(), &calendar), Some(day("2031-02-03")));
        }
    }

    #[test]
    fn versions_are_merged_by_name_and_field_and_new_ones_are_newest() {
        let calendar = calendar_of(
            "versions = [{version = '3.0', valid_from = '2028-01-01'}, {version = '1.1', opens_uusimaa = false},\n\
             {version = '2.9', newest_from = '2027-01-01', opens_uusimaa = true}]\n",
        )
        .expect("a calendar");
        let names: Vec<&str> = calendar.versions.iter().map(|version| &*version.version).collect();
        assert_eq!(names, ["earlier-law", "1.0", "1.1", "2.0", "3.0", "2.9"]);
        assert!(!calendar.versions[2].opens_uusimaa);
        assert_eq!(calendar.versions[2].valid_from, Some(day("2022-11-22")));
        assert_eq!(calendar.versions[4].valid_from, Some(day("2028-01-01")));
        assert_eq!(calendar.versions[5].newest_from, Some(day("2027-01-01")));
    }

    #[test]
    fn every_fault_is_reported() {
        let faults =
            calendar_of("act_in_force = '2021-02-30'\nversions = [{version = '', newest_from = 'soon'}]\n");
        let faults: Vec<(String, String)> =
            faults.expect_err("faults").into_iter().map(|fault| (fault.field, fault.message)).collect();
        let not_a_date = "not a date: write an existing day as YYYY-MM-DD, such as `2024-02-29`";
        assert_eq!(
            faults,
            [
                ("act_in_force".to_owned(), format!("`2021-02-30` is {not_a_date}")),
                ("versions[0].version".to_owned(), "no name: write one such as \"2.1\"".to_owned()),
                ("versions[0].newest_from".to_owned(), format!("`soon` is {not_a_date}")),
            ]
        );
    }
}
