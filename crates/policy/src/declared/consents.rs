//! The client's acts on consents: giving and withdrawing them. For each kind of
//! consent the last act counts, by the day on which it was given (domain rules §4).

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::calendar::Calendar;
use crate::client_id::ClientId;
use crate::day::{Day, Instant};
use crate::declaration::{Consent, ConsentKind};
use crate::entitlement::may_declare;
use crate::facts::Facts;

/// Maximum number of kinds that are scanned one by one. Few clients gave consents of
/// more kinds: each controller's local consent is a kind of its own.
const SCANNED_MAX: usize = 8;

/// The giving or the withdrawal of a consent. Acts are ordered by the day on
/// which they were given; on one day by the instant of recording; at one instant
/// every withdrawal after every giving; then by revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Act {
    pub(crate) given_on: Day,
    recorded_at: Instant,
    pub(crate) is_withdrawal: bool,
    /// The place of the consent.
    pub(crate) place: u32,
}

/// The consent of the client's last act on consents of one kind. It counts,
/// whether it is effective or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatestConsent<'a> {
    /// The client's last act.
    pub(crate) act: Act,
    /// The consent.
    pub(crate) consent: &'a Consent,
    /// The day on which the client gave the consent.
    pub(crate) given_on: Day,
    /// When the consent was stored.
    pub(crate) recorded_at: Instant,
    /// Whether it was given before the information that it needs, so that it
    /// never becomes effective.
    pub(crate) is_before_information: bool,
}

/// The client's last acts on consents, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consents<'a> {
    latest: SmallVec<[LatestConsent<'a>; 4]>,
    /// The place of each kind in `latest`, if there are more than [`SCANNED_MAX`].
    places: Option<HashMap<&'a ConsentKind<'a>, usize>>,
    /// The last possible act on an unreadable consent, which may be of any kind.
    unreadable: Option<Act>,
}

impl Act {
    /// The giving of a consent.
    #[inline]
    pub(crate) fn giving(facts: &Facts<'_>) -> Self {
        let Facts { place, given_on, recorded_at, .. } = *facts;
        Self { given_on, recorded_at, is_withdrawal: false, place }
    }

    /// The giving of a consent that is recorded now, after all recorded acts.
    pub(crate) fn new_giving(given_on: Day, now: Instant) -> Self {
        Self { given_on, recorded_at: now, is_withdrawal: false, place: u32::MAX }
    }

    /// The withdrawal of a consent, if it is recorded by an instant. Whatever is
    /// stored, it counts as given after the consent, because a withdrawal ends a
    /// consent in whatever role it was made.
    #[inline]
    pub(crate) fn withdrawal(facts: &Facts<'_>, now: Instant) -> Option<Self> {
        let withdrawal = facts.withdrawal.filter(|withdrawal| withdrawal.recorded_at <= now)?;
        Some(Self {
            given_on: withdrawal.given_on.max(facts.given_on),
            recorded_at: withdrawal.recorded_at.max(facts.recorded_at),
            is_withdrawal: true,
            place: facts.place,
        })
    }

    /// The order in which acts were recorded.
    pub(crate) fn recorded(&self) -> (Instant, bool, u32) {
        (self.recorded_at, self.is_withdrawal, self.place)
    }

    /// The last possible act on an unreadable consent: a withdrawal on the day on
    /// which the consent, or its withdrawal, was recorded.
    fn unreadable(facts: &Facts<'_>, now: Instant) -> Self {
        let withdrawn_at = facts.withdrawal.map(|withdrawal| withdrawal.recorded_at).filter(|at| *at <= now);
        let recorded_at = withdrawn_at.map_or(facts.recorded_at, |at| at.max(facts.recorded_at));
        Self { given_on: Day::of(recorded_at), recorded_at, is_withdrawal: true, place: u32::MAX }
    }
}

impl<'a> Consents<'a> {
    /// Adds a consent that is recorded by now.
    #[inline]
    pub(super) fn add(&mut self, now: Instant, facts: &Facts<'a>, consent: &'a Consent, client: &ClientId) {
        // A consent given by a person who is not entitled is no act of the
        // client, but its withdrawal is one.
        let is_act = may_declare(facts.role, facts.content, client, facts.given_on);
        let giving = is_act.then(|| Act::giving(facts));
        let Some(act) = Act::withdrawal(facts, now).max(giving) else { return };
        let Facts { given_on, recorded_at, .. } = *facts;
        let latest = LatestConsent { act, consent, given_on, recorded_at, is_before_information: false };
        match self.place(&consent.kind).and_then(|place| self.latest.get_mut(place)) {
            None => self.push(latest),
            Some(other) if other.act < act => *other = latest,
            Some(_) => {}
        }
    }

    /// Adds the first consent of its kind.
    fn push(&mut self, latest: LatestConsent<'a>) {
        self.latest.push(latest);
        let place = self.latest.len() - 1;
        match &mut self.places {
            Some(places) => {
                places.insert(&latest.consent.kind, place);
            }
            None if place < SCANNED_MAX => {}
            None => {
                let kinds = self.latest.iter().map(|latest| &latest.consent.kind);
                self.places = Some(kinds.zip(0..).collect());
            }
        }
    }

    /// The place of a kind in `latest`.
    #[inline]
    fn place(&self, kind: &ConsentKind<'_>) -> Option<usize> {
        match &self.places {
            None => self.latest.iter().position(|latest| latest.consent.kind == *kind),
            Some(places) => place_in(places, kind),
        }
    }

    fn of_kind(&self, kind: &ConsentKind<'_>) -> Option<&LatestConsent<'a>> {
        self.place(kind).and_then(|place| self.latest.get(place))
    }

    /// Adds a consent that cannot be read.
    pub(super) fn add_unreadable(&mut self, now: Instant, facts: &Facts<'_>) {
        self.unreadable = self.unreadable.max(Some(Act::unreadable(facts, now)));
    }

    /// The consent of each kind on which the client acted last.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut LatestConsent<'a>> {
        self.latest.iter_mut()
    }

    /// The consent of a kind on which the client acted last; none if there is
    /// none, or if an unreadable consent may have replaced it.
    pub(crate) fn latest(&self, kind: &ConsentKind<'_>) -> Option<&LatestConsent<'a>> {
        let latest = self.of_kind(kind)?;
        self.is_after_unreadable(latest.act).then_some(latest)
    }

    /// Whether an act would be the last on consents of a kind.
    pub(crate) fn is_last(&self, act: Act, kind: &ConsentKind<'_>) -> bool {
        self.of_kind(kind).is_none_or(|latest| latest.act <= act) && self.is_after_unreadable(act)
    }

    /// Whether an act is later than every possible act on an unreadable consent.
    #[inline]
    fn is_after_unreadable(&self, act: Act) -> bool {
        self.unreadable.is_none_or(|unreadable| unreadable < act)
    }

    /// Whether the client's last act on consents of any of some kinds was a
    /// withdrawal. Fail-closed: an unreadable consent may have been withdrawn.
    pub(crate) fn was_last_withdrawn(&self, kinds: &[ConsentKind<'_>]) -> bool {
        let was_withdrawn = |kind| self.of_kind(kind).is_some_and(|latest| latest.act.is_withdrawal);
        self.unreadable.is_some() || kinds.iter().any(was_withdrawn)
    }
}

/// Out of line: the lifetimes of the keys and of the kind become one.
fn place_in<'k>(places: &HashMap<&'k ConsentKind<'k>, usize>, kind: &'k ConsentKind<'k>) -> Option<usize> {
    places.get(kind).copied()
}

impl LatestConsent<'_> {
    /// The place of the consent.
    pub(crate) fn place(&self) -> u32 {
        self.act.place
    }

    /// Whether the client's last act was to withdraw it.
    #[inline]
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.act.is_withdrawal
    }

    /// Whether it is a healthcare consent given before consents covered all
    /// channels, which covers the Kanta channel only.
    pub(crate) fn is_for_kanta_only(&self, calendar: &Calendar) -> bool {
        self.consent.kind == ConsentKind::Healthcare
            && self.given_on < calendar.consents_cover_all_channels_from
    }

    /// Whether it was recorded before the Act came into force, since when such
    /// a consent covers no prescriptions (000: the verbal consent ended).
    pub(crate) fn is_older_than_act(&self, calendar: &Calendar, today: Day) -> bool {
        today >= calendar.act_in_force && Day::of(self.recorded_at) < calendar.act_in_force
    }
}

impl ConsentKind<'_> {
    /// Whether the client must be informed before giving it.
    pub(crate) fn needs_information(&self) -> bool {
        *self != Self::VerbalPrescription
    }

    /// Whether it may be allocated.
    pub(crate) fn may_be_allocated(&self) -> bool {
        matches!(self, Self::PatientDataToSocialWelfare | Self::ClientDataToHealthcare)
    }
}
