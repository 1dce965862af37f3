//! Admission of denials of former providers.

use chrono::TimeDelta;

use super::*;
use crate::calendar::Calendar;
use crate::declaration::Role;
use crate::samples::*;

#[test]
fn a_denial_of_a_former_provider_is_admitted_if_given_before_the_counties_began() {
    let directory = directory("");
    for (given_on, scope_of, is_admitted) in
        [("2022-12-31", FORMER, true), ("2023-01-01", FORMER, false), ("2022-12-31", COUNTY, false)]
    {
        let denial = Denial {
            sector: DenialSector::Healthcare,
            scope: Scope::FormerProvider(oid(scope_of)),
            against: SmallVec::new(),
            allows_emergency: false,
        };
        let submission = Submission {
            client: client(ADULT),
            content: Content::Denial(denial),
            given_at: Some(noon(given_on)),
            declarer: by(Role::Client),
            recorded_by: RecordedBy::MyKanta,
            label: None,
        };
        let calendar = Calendar::published();
        let terms = Terms {
            directory: &directory,
            calendar: &calendar,
            clock_ahead_max: TimeDelta::zero(),
            declarations_max: usize::MAX,
        };
        let admitted =
            admit(&submission, PersonRecords::of_one(&submission.client, &[]), terms, noon("2026-02-01"));
        assert_eq!(admitted.is_ok(), is_admitted, "{given_on} {scope_of}: {admitted:?}");
    }
}
