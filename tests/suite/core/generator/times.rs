//! Instants and dates, mostly just before and after the ones that matter.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Helsinki;
use lupa::wire::v1::Directory;
use pbjson_types::Timestamp;

use super::rng::Rng;
use crate::core::reference::{Calendar, Version, ymd};

/// The first instant of a day in Helsinki.
pub(crate) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    Helsinki.from_local_datetime(&day.and_time(NaiveTime::MIN)).unwrap().to_utc()
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: at.timestamp(), nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap() }
}

/// The dates of a calendar, those of the versions too.
fn dates(calendar: &Calendar) -> Vec<NaiveDate> {
    let mut dates = vec![
        calendar.act_in_force,
        calendar.counties_begin,
        calendar.uusimaa_right_from,
        calendar.social_sharing_from,
        calendar.consents_cover_all_channels_from,
        calendar.cross_sector_from,
        calendar.prescriptions_to_social_from,
        calendar.wellbeing_from,
    ];
    dates.extend(calendar.uusimaa_right_until);
    dates.extend(calendar.extensive_refusal_from);
    for version in &calendar.versions {
        dates.extend(version.valid_from);
        dates.extend(version.valid_until);
        dates.extend(version.newest_from);
    }
    dates
}

/// The dates that an instant of a case may be just before or after.
pub(super) struct Anchors(pub(super) Vec<NaiveDate>);

impl Anchors {
    pub(super) fn new(calendar: &Calendar, directory: &Directory, adult_from: NaiveDate) -> Self {
        let mut anchors = dates(calendar);
        let mut texts: BTreeSet<&str> = BTreeSet::new();
        for organisation in &directory.organisations {
            texts.insert(&organisation.operates_from);
            for connection in &organisation.main_responsibility {
                texts.extend([connection.valid_from.as_str(), &connection.valid_until]);
            }
        }
        for register in &directory.registers {
            texts.extend([
                register.joined_kanta_on.as_str(),
                &register.shares_within_sector_from,
                &register.retrieves_across_sectors_from,
                &register.retrieves_prescriptions_from,
                &register.stores_declarations_from,
            ]);
        }
        for relation in &directory.outsourcing {
            texts.extend([relation.valid_from.as_str(), &relation.valid_until]);
        }
        anchors.extend(texts.iter().filter_map(|text| text.parse::<NaiveDate>().ok()));
        anchors.extend([adult_from; 4]);
        Self(anchors)
    }

    /// Around the start or the end of a day that matters, within the years given.
    pub(super) fn near(&self, rng: &mut Rng, from: NaiveDate, to: NaiveDate) -> DateTime<Utc> {
        let days: Vec<NaiveDate> = self.0.iter().copied().filter(|day| (from..=to).contains(day)).collect();
        if days.is_empty() {
            return any_instant(rng, from, to);
        }
        midnight(rng.pick(&days)) + TimeDelta::seconds(rng.pick(&[-1, 0, 0, 1, 43_200, 86_399]))
    }
}

pub(super) fn any_instant(rng: &mut Rng, from: NaiveDate, to: NaiveDate) -> DateTime<Utc> {
    let days = (to - from).num_days();
    let day = midnight(from) + TimeDelta::days(rng.between(0, days));
    day + TimeDelta::seconds(rng.between(0, 86_399))
}

/// A date near another.
pub(super) fn near_day(rng: &mut Rng, day: NaiveDate) -> NaiveDate {
    day + TimeDelta::days(rng.pick(&[-400, -30, -1, 0, 0, 1, 30, 400]))
}

/// The calendar is mostly the default one.
pub(super) fn calendar(rng: &mut Rng) -> Calendar {
    let mut calendar = Calendar::defaults();
    if rng.chance(12) {
        calendar.extensive_refusal_from = Some(rng.pick(&[ymd(2025, 1, 1), ymd(2028, 1, 1)]));
    }
    if rng.chance(90) {
        return calendar;
    }
    if rng.chance(40) {
        calendar.uusimaa_right_until = Some(ymd(2026, 1, 1));
    }
    if rng.chance(40) {
        calendar.cross_sector_from = ymd(2026, 1, 1);
    }
    if rng.chance(30) {
        calendar.prescriptions_to_social_from = ymd(2026, 6, 1);
    }
    if rng.chance(30) {
        calendar.social_sharing_from = ymd(2024, 9, 1);
    }
    if rng.chance(30) {
        calendar.wellbeing_from = ymd(2025, 4, 1);
    }
    if rng.chance(30) {
        calendar.counties_begin = ymd(2023, 1, 1) + Days::new(90);
    }
    if rng.chance(30) {
        calendar.consents_cover_all_channels_from = ymd(2023, 1, 1);
    }
    if rng.chance(40) {
        calendar.versions.push(Version {
            version: "3.0".to_owned(),
            valid_from: Some(ymd(2026, 2, 1)),
            valid_until: None,
            newest_from: rng.chance(50).then_some(ymd(2026, 5, 1)),
            opens_uusimaa: rng.chance(70),
        });
    }
    calendar
}
