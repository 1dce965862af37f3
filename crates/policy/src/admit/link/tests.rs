//! Refusals and notices of links and of their ends, in their order.

use chrono::TimeDelta;

use super::*;
use crate::calendar::Calendar;
use crate::client_id::ClientId;
use crate::declaration::Professional;
use crate::directory::{Directory, RegisterKind};
use crate::link::{Link, LinkEnd, LinkReason};
use crate::oid::OpaqueId;
use crate::samples::*;

const TODAY: &str = "2026-02-01";

/// A register of neither sector.
const WELLBEING: &str = "1.2.246.10.99999999.8.4";

fn number(number: usize) -> ClientId {
    other_client(&format!("person-{number}"))
}

/// The last code is the current one.
fn linked(codes: impl IntoIterator<Item = usize>) -> LinkedCodes {
    let codes: Box<[ClientId]> = codes.into_iter().map(number).collect();
    let current = codes.last().expect("a code").clone();
    LinkedCodes { codes, current }
}

fn link_id(number: usize) -> OpaqueId<'static> {
    OpaqueId::parse(format!("link-{number}")).expect("an id")
}

/// Links in force, in the order of recording.
fn recorded(links: impl IntoIterator<Item = LinkedCodes>) -> Vec<RecordedLink> {
    let recorded = |(place, linked)| RecordedLink {
        link: Link { id: link_id(place), linked, recorded_at: noon("2026-01-01") },
        reason: LinkReason::DuplicateMerged,
        given_at: noon("2026-01-01"),
        recorded_by: LinkRecorder::PopulationRegister,
        end: None,
    };
    links.into_iter().enumerate().map(recorded).collect()
}

fn ended(link: RecordedLink) -> RecordedLink {
    let end = LinkEnd {
        given_at: noon("2026-01-02"),
        recorded_at: noon("2026-01-02"),
        recorded_by: LinkRecorder::PopulationRegister,
    };
    RecordedLink { end: Some(end), ..link }
}

fn professional(register: &'static str) -> LinkRecorder {
    LinkRecorder::Professional(Professional {
        register: oid(register),
        organisation: oid(COUNTY),
        professional: "doctor-1".into(),
    })
}

fn submission(linked: LinkedCodes) -> LinkSubmission {
    LinkSubmission {
        linked,
        reason: LinkReason::IdentityCodeChanged,
        given_at: None,
        recorded_by: LinkRecorder::PopulationRegister,
    }
}

fn unlink_submission(link: usize) -> UnlinkSubmission {
    UnlinkSubmission {
        client: number(0),
        link: link_id(link),
        given_at: None,
        recorded_by: LinkRecorder::PopulationRegister,
    }
}

fn with_terms<T>(admit: impl FnOnce(Terms<'_>) -> T) -> T {
    let wellbeing = register(WELLBEING, name("Omatietovaranto", "", ""), COUNTY, RegisterKind::WellbeingData);
    let all = registers().into_iter().chain([wellbeing]).collect();
    let directory = Directory::build(organisations(""), all, Vec::new()).expect("a directory without faults");
    let calendar = Calendar::published();
    admit(Terms {
        directory: &directory,
        calendar: &calendar,
        clock_ahead_max: TimeDelta::seconds(5),
        declarations_max: usize::MAX,
    })
}

fn link(submission: &LinkSubmission, links: &[RecordedLink]) -> Result<Vec<Notice>, &'static str> {
    let person = PersonRecords { current: &submission.linked.current, declarations: &[], links };
    let admitted = with_terms(|terms| admit_link(submission, person, terms, noon(TODAY)));
    outcome(admitted)
}

fn unlink(submission: &UnlinkSubmission, links: &[RecordedLink]) -> Result<Vec<Notice>, &'static str> {
    let person = PersonRecords { current: &submission.client, declarations: &[], links };
    let admitted = with_terms(|terms| admit_unlink(submission, person, terms, noon(TODAY)));
    outcome(admitted)
}

/// The notices or the code of the refusal. A link replaces no declaration.
fn outcome(admitted: Result<Admitted, Refusal>) -> Result<Vec<Notice>, &'static str> {
    let Admitted { notices, replaced } = admitted.map_err(|refusal| refusal.code())?;
    assert_eq!(replaced, None);
    Ok(notices.into_vec())
}

/// From a fault at every check to none: each step mends the fault of the refusal before.
#[test]
fn refusals_of_a_link_come_in_their_order() {
    let sixteen = recorded([linked(0..16)]);
    let mut submission = LinkSubmission {
        given_at: Some(noon(TODAY) + TimeDelta::seconds(6)),
        recorded_by: professional(UNKNOWN),
        ..submission(linked([0, 16]))
    };
    assert_eq!(link(&submission, &sixteen), Err("GIVEN_IN_FUTURE"));
    submission.given_at = Some(noon(TODAY) + TimeDelta::seconds(5));
    assert_eq!(link(&submission, &sixteen), Err("RECORDER_UNKNOWN"));
    submission.recorded_by = professional(WELLBEING);
    assert_eq!(link(&submission, &sixteen), Err("RECORDER_SECTOR_NOT_ALLOWED"));
    submission.recorded_by = professional(COUNTY_SOCIAL_WELFARE);
    assert_eq!(link(&submission, &sixteen), Err("PERSON_TOO_LARGE"));
    submission.linked = linked([0, 15]);
    // The code in use stays the same.
    assert_eq!(link(&submission, &sixteen), Ok(vec![Notice::AlreadyLinked]));
}

#[test]
fn refusals_of_an_end_come_in_their_order() {
    let links: Vec<RecordedLink> = recorded([linked([0, 1])]).into_iter().map(ended).collect();
    let mut submission = UnlinkSubmission {
        given_at: Some(noon(TODAY) + TimeDelta::seconds(6)),
        recorded_by: professional(UNKNOWN),
        ..unlink_submission(7)
    };
    assert_eq!(unlink(&submission, &links), Err("LINK_UNKNOWN"));
    submission.link = link_id(0);
    assert_eq!(unlink(&submission, &links), Err("GIVEN_IN_FUTURE"));
    submission.given_at = None;
    assert_eq!(unlink(&submission, &links), Err("RECORDER_UNKNOWN"));
    submission.recorded_by = professional(WELLBEING);
    assert_eq!(unlink(&submission, &links), Err("RECORDER_SECTOR_NOT_ALLOWED"));
    submission.recorded_by = professional(COUNTY_HEALTHCARE);
    assert_eq!(unlink(&submission, &links), Err("ALREADY_UNLINKED"));
    assert_eq!(unlink(&submission, &recorded([linked([0, 1])])), Ok(Vec::new()));
}

#[test]
fn the_feed_and_professionals_of_both_sectors_link_and_unlink() {
    let links = recorded([linked([0, 1])]);
    let recorders = [
        LinkRecorder::PopulationRegister,
        professional(COUNTY_HEALTHCARE),
        professional(COUNTY_OCCUPATIONAL),
        professional(COUNTY_SOCIAL_WELFARE),
    ];
    for recorded_by in recorders {
        let linking = LinkSubmission { recorded_by: recorded_by.clone(), ..submission(linked([0, 2])) };
        assert_eq!(link(&linking, &links), Ok(Vec::new()), "{recorded_by:?}");
        let ending = UnlinkSubmission { recorded_by: recorded_by.clone(), ..unlink_submission(0) };
        assert_eq!(unlink(&ending, &links), Ok(Vec::new()), "{recorded_by:?}");
    }
    let of_unknown_organisation = LinkRecorder::Professional(Professional {
        register: oid(COUNTY_HEALTHCARE),
        organisation: oid(UNKNOWN),
        professional: "".into(),
    });
    let linking = LinkSubmission { recorded_by: of_unknown_organisation, ..submission(linked([0, 2])) };
    assert_eq!(link(&linking, &links), Err("RECORDER_UNKNOWN"));
}

#[test]
fn a_person_has_at_most_sixteen_codes_through_a_chain_of_links() {
    // 0–1–2–…–15 are one person.
    let chain = recorded((0..15).map(|code| linked([code, code + 1])));
    assert_eq!(link(&submission(linked([15, 0])), &chain), Ok(Vec::new()));
    for end in [[15, 16], [16, 0], [7, 16]] {
        assert_eq!(link(&submission(linked(end)), &chain), Err("PERSON_TOO_LARGE"), "{end:?}");
    }
    // Two persons of eight codes, and two of nine and eight.
    let halves = |first: usize| recorded([linked(0..first), linked(20..28)]);
    assert_eq!(link(&submission(linked([0, 20])), &halves(8)), Ok(Vec::new()));
    assert_eq!(link(&submission(linked([0, 20])), &halves(9)), Err("PERSON_TOO_LARGE"));
    // Once a link of the chain has ended, the codes beyond it are another person's.
    let broken: Vec<RecordedLink> = chain
        .into_iter()
        .enumerate()
        .map(|(place, link)| if place == 3 { ended(link) } else { link })
        .collect();
    assert_eq!(link(&submission(linked([15, 16])), &broken), Ok(Vec::new()));
}

#[test]
fn a_person_has_at_most_sixty_four_links_in_force() {
    let of = |count: usize| recorded((0..count).map(|_| linked([0, 1])));
    let again = submission(linked([0, 1]));
    assert_eq!(link(&again, &of(63)), Ok(vec![Notice::AlreadyLinked]));
    assert_eq!(link(&again, &of(64)), Err("PERSON_TOO_LARGE"));
    // Ended links and those of other persons do not count.
    let mut one_ended = of(64);
    let last = one_ended.pop().expect("a link");
    one_ended.push(ended(last));
    assert_eq!(link(&again, &one_ended), Ok(vec![Notice::AlreadyLinked]));
    let others = recorded((0..64).map(|_| linked([8, 9])));
    assert_eq!(link(&again, &others), Ok(Vec::new()));
}

#[test]
fn known_link_is_noticed_unless_the_current_code_changes() {
    let chain = recorded([linked([0, 1]), linked([1, 2])]);
    assert_eq!(link(&submission(linked([0, 2])), &chain), Ok(vec![Notice::AlreadyLinked]));
    assert_eq!(link(&submission(linked([2, 0])), &chain), Ok(Vec::new()));
    assert_eq!(link(&submission(linked([0, 1, 3, 2])), &chain), Ok(Vec::new()));
    let ended: Vec<RecordedLink> = chain.into_iter().map(ended).collect();
    assert_eq!(link(&submission(linked([0, 2])), &ended), Ok(Vec::new()));
}

#[test]
fn late_entries_are_noticed_first() {
    let links = recorded([linked([0, 1])]);
    let yesterday = Some(noon("2026-01-31"));
    let late = LinkSubmission { given_at: yesterday, ..submission(linked([0, 1])) };
    assert_eq!(link(&late, &links), Ok(vec![Notice::LateEntry, Notice::AlreadyLinked]));
    let late = UnlinkSubmission { given_at: yesterday, ..unlink_submission(0) };
    assert_eq!(unlink(&late, &links), Ok(vec![Notice::LateEntry]));
    // A clock that is a little ahead is no late entry.
    let ahead =
        LinkSubmission { given_at: Some(noon(TODAY) + TimeDelta::seconds(3)), ..submission(linked([0, 2])) };
    assert_eq!(link(&ahead, &links), Ok(Vec::new()));
}
