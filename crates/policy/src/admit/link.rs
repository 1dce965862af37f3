//! Admission of links and of their ends (domain rules §7: one person, several codes).

use smallvec::SmallVec;

use super::{Admitted, Notice, PersonRecords, Terms};
use crate::day::{Day, Instant};
use crate::link::{
    CODES_MAX, LINKS_MAX, LinkRecorder, LinkSubmission, LinkedCodes, Person, RECORDED_LINKS_MAX,
    RecordedLink, UnlinkSubmission,
};
use crate::refusal::Refusal;

/// Admits a link at the instant `now`, or returns the first refusal that applies.
/// `person` has the links of every code submitted.
pub fn admit_link(
    submission: &LinkSubmission,
    person: PersonRecords<'_>,
    terms: Terms<'_>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let LinkSubmission { linked, reason: _, given_at, recorded_by } = submission;
    let given_on = terms.given_on(*given_at, now)?;
    check_recorder(recorded_by, terms)?;
    let links: Vec<&LinkedCodes> = in_force(person.links).collect();
    let before = Person::of(&linked.current, links.iter().copied());
    let after = Person::of(&linked.current, links.iter().copied().chain([linked]));
    let links_of = |person: &Person| {
        links.iter().filter(|link| link.codes.iter().any(|code| person.codes.contains(code))).count()
    };
    let is_too_large = |after: &Person| after.codes.len() > CODES_MAX || links_of(after) >= LINKS_MAX;
    if after.as_ref().is_some_and(is_too_large) || person.links.len() >= RECORDED_LINKS_MAX {
        return Err(Refusal::PersonTooLarge { codes: CODES_MAX, links: LINKS_MAX });
    }
    let is_known = before.is_some() && before == after;
    Ok(admitted(given_on, now, is_known.then_some(Notice::AlreadyLinked)))
}

/// Admits the end of a link at the instant `now`, or returns the first refusal
/// that applies.
pub fn admit_unlink(
    submission: &UnlinkSubmission,
    person: PersonRecords<'_>,
    terms: Terms<'_>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let UnlinkSubmission { client: _, link, given_at, recorded_by } = submission;
    let recorded = person.links.iter().find(|recorded| recorded.link.id == *link);
    let recorded = recorded.ok_or(Refusal::LinkUnknown)?;
    let given_on = terms.given_on(*given_at, now)?;
    check_recorder(recorded_by, terms)?;
    if !recorded.is_in_force() {
        return Err(Refusal::AlreadyUnlinked);
    }
    Ok(admitted(given_on, now, None))
}

/// A professional must be of a register of healthcare or social welfare that the
/// directory knows, as for declarations (003).
fn check_recorder(recorder: &LinkRecorder, terms: Terms<'_>) -> Result<(), Refusal> {
    match recorder {
        LinkRecorder::PopulationRegister => Ok(()),
        LinkRecorder::Professional(professional) => terms.professional(professional).map(drop),
    }
}

fn in_force(links: &[RecordedLink]) -> impl Iterator<Item = &LinkedCodes> {
    links.iter().filter(|recorded| recorded.is_in_force()).map(|recorded| &recorded.link.linked)
}

fn admitted(given_on: Day, now: Instant, notice: Option<Notice>) -> Admitted {
    let mut notices = SmallVec::new();
    notices.extend((given_on < Day::of(now)).then_some(Notice::LateEntry));
    notices.extend(notice);
    Admitted { notices, replaced: None }
}

#[cfg(test)]
mod tests;
