//! A second reading of the law: a naive evaluator to test the core against.
//!
//! Written from `domain.md` alone, to be read side by side with it: every
//! question is answered by a full scan of the messages as they are on the
//! wire, nothing is kept between two questions, and nothing is shared with the
//! core. Where the text can be read in two ways, the reading that denies is
//! taken, and stated there.
//!
//! It expects what the edge lets through: valid OIDs and dates, and no unknown
//! enum values, except in records, whose validity it judges itself.

mod admission;
mod calendar;
mod claims;
mod consents;
mod declarers;
mod denials;
mod directory;
mod information;
mod links;
mod record;
mod rules;
mod world;

use chrono::{DateTime, Utc};
use lupa::wire::v1::{
    Channel, DecideRequest, Detail, Directory, Effect, Ground, Obligation, OrganisationKind, Reason, Record,
    Register, StoredDeclaration,
};

pub(crate) use admission::admit;
pub(crate) use admission::admit_withdrawal;
pub(crate) use admission::stored_id;
pub(crate) use calendar::Calendar;
pub(crate) use calendar::Version;
pub(crate) use calendar::day;
pub(crate) use calendar::instant;
pub(crate) use calendar::is_unborn;
pub(crate) use calendar::ymd;
use directory::{Side, side};
pub(crate) use links::Register as LinkedRegister;
use rules::Spoken;
use world::{Question, World};

/// One record's verdict in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) effect: Effect,
    pub(crate) reason: Reason,
    pub(crate) detail: Detail,
    /// Empty for `INVALID_RECORD`, which comes before all rules.
    pub(crate) rule: &'static str,
    /// By their numbers, ascending.
    pub(crate) obligations: Vec<Obligation>,
}

/// Domain §6 for one record.
pub(crate) fn decide(
    directory: &Directory,
    calendar: &Calendar,
    declarations: &[StoredDeclaration],
    request: &DecideRequest,
    record: &Record,
    at: DateTime<Utc>,
) -> Answer {
    if !record::is_valid(directory, record) {
        return Answer {
            effect: Effect::Deny,
            reason: Reason::InvalidRecord,
            detail: Detail::Unspecified,
            rule: "",
            obligations: Vec::new(),
        };
    }
    let world = World { directory, calendar, declarations, client: request.client.as_ref().unwrap(), at };
    let asking = &request.requester.as_ref().unwrap().register;
    let requester = directory::register(directory, asking);
    let holder = directory::register(directory, &record.register);

    let (rule, spoken, question) = match (requester, holder) {
        (Some(requester), Some(holder)) if side(requester) != Side::Wellbeing => {
            let question = Question { world, request, record, requester, holder };
            let (rule, spoken) = first_to_speak(&question);
            (rule, spoken, Some(question))
        }
        _ => ("unknown-register", rules::deny(Reason::UnknownRegister, Detail::Unspecified), None),
    };
    Answer {
        effect: spoken.effect,
        reason: spoken.reason,
        detail: spoken.detail,
        rule,
        obligations: obligations(&world, requester, rule, &spoken, question.as_ref()),
    }
}

/// "The first rule that speaks decides."
fn first_to_speak(question: &Question) -> (&'static str, Spoken) {
    let sides = (side(question.requester), side(question.holder));
    let list = match sides {
        (_, Side::Wellbeing) => &rules::wellbeing::RULES[..],
        (Side::Healthcare, Side::Healthcare) => &rules::healthcare::RULES[..],
        (Side::SocialWelfare, Side::SocialWelfare) => &rules::social_welfare::RULES[..],
        (Side::Healthcare, Side::SocialWelfare) | (Side::SocialWelfare, Side::Healthcare) => {
            &rules::across_sectors::RULES[..]
        }
        (Side::Wellbeing, Side::Healthcare | Side::SocialWelfare) => {
            panic!("such a requester is unknown")
        }
    };
    for (id, rule) in rules::everyone::RULES.iter().chain(list) {
        if let Some(spoken) = rule(question) {
            return (id, spoken);
        }
    }
    panic!("the last rule of a list always speaks");
}

/// "Obligations follow from facts other than denials."
fn obligations(
    world: &World,
    requester: Option<&Register>,
    rule: &str,
    spoken: &Spoken,
    question: Option<&Question>,
) -> Vec<Obligation> {
    let mut obligations = Vec::new();
    if information::must_inform(world, None) && information::concerns(world, requester) {
        obligations.push(Obligation::ProvideInformation);
    }
    if spoken.necessary_data_only {
        obligations.push(Obligation::NecessaryDataOnly);
    }
    if let Some(question) = question
        && rule.starts_with("hc-")
    {
        if may_come_from_former_provider(question) {
            obligations.push(Obligation::CheckLegacyDenial);
        }
        if question.request.channel() == Channel::OutsideKanta {
            obligations.push(Obligation::CheckDenialsBeforeDisclosing);
        }
    }
    obligations.sort();
    obligations
}

/// "The record's original controller is a former provider, or is unset while
/// the holder's controller is a former provider, or succeeded one and the
/// record is from before the merger."
fn may_come_from_former_provider(question: &Question) -> bool {
    let directory = question.world.directory;
    let former = [OrganisationKind::FormerPublic];
    let original = &question.record.original_controller;
    if !original.is_empty() {
        return directory::has_kind(directory, original, &former);
    }
    directory::has_kind(directory, &question.holder.controller, &former)
        || directory.organisations.iter().any(|organisation| {
            former.contains(&organisation.kind())
                && directory::was_held_before_merger_by(question, &organisation.oid)
        })
}

/// "Within healthcare (requester and holder) a care relationship, or another
/// justified ground. Everywhere else any of the three", wellbeing data included.
fn has_relationship(question: &Question) -> bool {
    let within_healthcare =
        [question.requester, question.holder].iter().all(|register| side(register) == Side::Healthcare);
    match question.request.ground() {
        Ground::CareRelationship | Ground::OtherJustified => true,
        Ground::ClientRelationship => !within_healthcare,
        Ground::Unspecified => false,
    }
}
