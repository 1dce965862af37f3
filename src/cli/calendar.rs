//! The dates of a configuration or a scenario file, over the published ones.

use super::document::Fault;
use crate::config;
use crate::policy::calendar::{Calendar, CalendarDate, InformationVersion};
use crate::policy::day::Day;

/// Every date of the calendar.
pub(super) const DATES: [CalendarDate; 10] = [
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

/// The published calendar with the given dates in their place, or every fault,
/// with paths from `calendar` on. A version of a known name replaces only the
/// fields that it gives; one of a new name is newer than all before it.
pub fn calendar(given: &config::Calendar) -> Result<Calendar, Vec<Fault>> {
    let config::Calendar {
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
    } = given;
    let mut calendar = Calendar::published();
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
        if let Some(day) = faults.day(&format!("calendar.{name}"), text.as_deref()) {
            *date = day;
        }
    }
    for (name, text, date) in [
        ("uusimaa_right_until", uusimaa_right_until, &mut calendar.uusimaa_right_until),
        ("extensive_refusal_from", extensive_refusal_from, &mut calendar.extensive_refusal_from),
    ] {
        *date = faults.day(&format!("calendar.{name}"), text.as_deref()).or(*date);
    }
    for (at, version) in versions.iter().enumerate() {
        merge(version, &format!("calendar.versions[{at}]"), &mut calendar.versions, &mut faults);
    }
    if faults.0.is_empty() { Ok(calendar) } else { Err(faults.0) }
}

fn merge(
    given: &config::InformationVersion,
    path: &str,
    versions: &mut Vec<InformationVersion>,
    faults: &mut Faults,
) {
    let config::InformationVersion { version, valid_from, valid_until, newest_from, opens_uusimaa } = given;
    if version.is_empty() {
        faults.tell(format!("{path}.version"), "no name: write one such as \"2.1\"".to_owned());
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
        None => versions.push(InformationVersion {
            version: version.as_str().into(),
            valid_from,
            valid_until,
            newest_from,
            opens_uusimaa: opens_uusimaa.unwrap_or(false),
        }),
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn day(&mut self, path: &str, text: Option<&str>) -> Option<Day> {
        match text.map(Day::parse) {
            None => None,
            Some(Ok(day)) => Some(day),
            Some(Err(wrong)) => {
                self.tell(path.to_owned(), format!("`{}` is {wrong}", text.unwrap_or_default()));
                None
            }
        }
    }

    fn tell(&mut self, path: String, message: String) {
        self.0.push(Fault { line: None, path, message });
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    fn read(yaml: &str) -> Result<Calendar, Vec<Fault>> {
        calendar(&Document::read(yaml).expect("YAML").parse().expect("a calendar"))
    }

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn without_dates_it_is_as_published() {
        assert_eq!(read("{}"), Ok(Calendar::published()));
    }

    #[test]
    fn every_date_of_the_policy_can_be_set_by_its_name() {
        for date in DATES {
            let calendar = read(&format!("{}: 2031-02-03", date.name())).expect("a calendar");
            assert_eq!(calendar.day(date), Some(day("2031-02-03")), "{}", date.name());
            let setting = format!("calendar.{}", date.name());
            assert!(config::SETTINGS.iter().any(|known| known.name == setting), "{setting}");
        }
    }

    #[test]
    fn versions_are_merged_by_name_and_field_and_new_ones_are_newest() {
        let calendar = read(
            "versions:\n- {version: 3.0, valid_from: 2028-01-01}\n- {version: 1.1, opens_uusimaa: false}\n\
             - {version: 2.9, newest_from: 2027-01-01, opens_uusimaa: true}\n",
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
    fn every_fault_is_told() {
        let faults = read("act_in_force: 2021-02-30\nversions:\n- {version: '', newest_from: soon}\n");
        let faults: Vec<String> = faults.expect_err("faults").iter().map(ToString::to_string).collect();
        let wrong = "not a date: write an existing day as YYYY-MM-DD, such as `2024-02-29`";
        assert_eq!(
            faults,
            [
                format!(" calendar.act_in_force: `2021-02-30` is {wrong}"),
                " calendar.versions[0].version: no name: write one such as \"2.1\"".to_owned(),
                format!(" calendar.versions[0].newest_from: `soon` is {wrong}"),
            ]
        );
    }
}
