//! Evaluation of generated cases by the core.

use std::env;

use chrono::TimeDelta;
use lupa::policy::World;
use lupa::policy::admit::Terms;
use lupa::policy::calendar::{Calendar, InformationVersion};
use lupa::policy::day::Day;
use lupa::policy::directory::Directory;
use lupa::policy::facts::Facts;
use lupa::wire::v1;
use lupa::wire::verdict::{Disclosure, id_among, to_verdict};
use lupa::wire::{decision, declaration, directory};

use crate::core::generator::Case;
use crate::core::reference;

/// Number of cases of a test by default. `LUPA_TEST_CASES` sets another:
/// `LUPA_TEST_CASES=1000000 cargo test --release --test suite agree`.
pub(crate) fn cases(normally: u64) -> u64 {
    env::var("LUPA_TEST_CASES").map_or(normally, |cases| cases.parse().expect("a number of cases"))
}

/// The verdicts, as disclosed to a caller with this entitlement.
pub(crate) fn verdicts(case: &Case, disclosure: Disclosure) -> Vec<v1::Verdict> {
    let directory = directory::directory(&case.directory).expect("a directory");
    verdicts_in(&directory, case, disclosure)
}

/// The same, with the directory of the case built before.
pub(crate) fn verdicts_in(directory: &Directory, case: &Case, disclosure: Disclosure) -> Vec<v1::Verdict> {
    let Case { directory: _, calendar, declarations, request, at } = case;
    let stored = declaration::stored_declarations("declarations", declarations).expect("declarations");
    let situation = decision::situation(request).expect("a situation");
    let calendar = to_core(calendar);
    let question =
        World { directory, calendar: &calendar, now: *at }.question(&situation, Facts::all(&stored));
    let verdicts = request.records.iter().map(|record| {
        let verdict = question.decide_read(decision::record(record));
        to_verdict(&verdict, disclosure, id_among(&stored))
    });
    verdicts.collect()
}

/// The terms of admission, with the default tolerance of a recorder's clock.
pub(crate) fn terms<'a>(directory: &'a Directory, calendar: &'a Calendar) -> Terms<'a> {
    Terms { directory, calendar, clock_ahead_max: TimeDelta::seconds(5), declarations_max: usize::MAX }
}

pub(crate) fn to_core(calendar: &reference::Calendar) -> Calendar {
    let day = |date: &chrono::NaiveDate| Day::parse(&date.to_string()).expect("a day");
    Calendar {
        act_in_force: day(&calendar.act_in_force),
        counties_begin: day(&calendar.counties_begin),
        uusimaa_right_from: day(&calendar.uusimaa_right_from),
        uusimaa_right_until: calendar.uusimaa_right_until.as_ref().map(day),
        social_sharing_from: day(&calendar.social_sharing_from),
        consents_cover_all_channels_from: day(&calendar.consents_cover_all_channels_from),
        cross_sector_from: day(&calendar.cross_sector_from),
        prescriptions_to_social_from: day(&calendar.prescriptions_to_social_from),
        wellbeing_from: day(&calendar.wellbeing_from),
        extensive_refusal_from: calendar.extensive_refusal_from.as_ref().map(day),
        versions: calendar
            .versions
            .iter()
            .map(|version| InformationVersion {
                version: version.version.as_str().into(),
                valid_from: version.valid_from.as_ref().map(day),
                valid_until: version.valid_until.as_ref().map(day),
                newest_from: version.newest_from.as_ref().map(day),
                opens_uusimaa: version.opens_uusimaa,
            })
            .collect(),
    }
}
