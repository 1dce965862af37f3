//! What a client's declarations amount to at one instant (domain rules §4).

mod denials;

use smallvec::SmallVec;

use super::calendar::{Calendar, InformationVersion};
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, ConsentKind, Content, Declaration, Denial, DenialSector, Information, Kind,
    Scope,
};
use super::entitlement::{may_declare, may_withdraw};
use super::gist::{ContentRef, Gist};

pub(crate) use denials::{DenialInForce, Denials};

/// What a client's declarations amount to at one instant. Made once a request.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    /// The day of the instant.
    pub(crate) today: Day,
    /// Informed with version 1.0 or later.
    pub(crate) is_informed: bool,
    /// Informed, at least before the Act.
    pub(crate) is_informed_under_earlier_law: bool,
    /// Informed with a version that opens Uusimaa.
    pub(crate) opens_uusimaa: bool,
    /// Nothing received that is as new as the newest.
    pub(crate) must_inform: bool,
    /// In force.
    pub(crate) denials: Denials<'a>,
    /// The latest of each kind.
    consents: SmallVec<[LatestConsent<'a>; 4]>,
    /// When the latest consent that cannot be read was recorded.
    unreadable_consent_at: Option<Instant>,
}

/// The client's latest consent of one kind. The latest counts, effective or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatestConsent<'a> {
    /// Where the declaration is among the client's.
    pub(crate) place: u32,
    /// What it says.
    pub(crate) consent: &'a Consent,
    /// The day the client gave it.
    pub(crate) given_on: Day,
    /// When it was stored.
    pub(crate) recorded_at: Instant,
    /// It has been withdrawn.
    pub(crate) is_withdrawn: bool,
    /// It needed information first and had none, so it never becomes effective.
    pub(crate) is_before_information: bool,
    /// The client's last act on consents of this kind.
    pub(crate) last_act: Act,
}

/// What the client did with a consent, and when. Of two acts at one instant
/// the withdrawal counts as the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Act {
    pub(crate) at: Instant,
    pub(crate) is_withdrawal: bool,
}

/// When something was recorded. Two declarations recorded at the same instant
/// count in revision order.
type Moment = (Instant, u32);

/// When the client was first informed; none = never.
#[derive(Clone, Copy, Default)]
struct FirstInformed {
    /// With version 1.0 or later.
    at: Option<Moment>,
    /// At least under the earlier law.
    under_earlier_law_at: Option<Moment>,
}

/// Stands for a denial that cannot be read: it may have denied anything.
static UNREADABLE_DENIAL: Denial = Denial {
    sector: DenialSector::Both,
    scope: Scope::Extensive,
    against: SmallVec::new_const(),
    allows_emergency: false,
};

impl<'a> Declared<'a> {
    /// Weighs all of a client's declarations, in revision order, at an instant.
    pub(crate) fn at(
        now: Instant,
        gists: impl IntoIterator<Item = Gist<'a>>,
        client: &ClientId,
        calendar: &Calendar,
    ) -> Self {
        let today = Day::of(now);
        let newest = calendar.newest_version(today).map(|(place, _)| place);
        let mut declared = Self {
            today,
            is_informed: false,
            is_informed_under_earlier_law: false,
            opens_uusimaa: false,
            must_inform: newest.is_some(),
            denials: Denials::default(),
            consents: SmallVec::new(),
            unreadable_consent_at: None,
        };
        let mut first = FirstInformed::default();
        // From within: several iterators are chained here, and each would be asked anew for each.
        gists.into_iter().filter(|gist| gist.recorded_at <= now).for_each(|gist| {
            let place = gist.place;
            match gist.content {
                ContentRef::Information(information) => {
                    let counted = counted_version(information, gist.given_on, calendar);
                    if let Some((of_version, version)) = counted {
                        first.note((gist.recorded_at, place), version);
                        declared.opens_uusimaa |= version.opens_uusimaa;
                        declared.must_inform &= newest > Some(of_version);
                    }
                }
                ContentRef::Consent(consent) => declared.weigh_consent(now, &gist, consent, client),
                ContentRef::Denial(denial) => {
                    if !is_ended(&gist, client, now) {
                        declared.denials.push(DenialInForce { place, denial });
                    }
                }
                ContentRef::Unreadable(Kind::Information) => {}
                ContentRef::Unreadable(Kind::Consent) => {
                    declared.unreadable_consent_at =
                        declared.unreadable_consent_at.max(Some(gist.recorded_at));
                }
                ContentRef::Unreadable(Kind::Denial) => {
                    if !is_ended(&gist, client, now) {
                        declared.denials.push(DenialInForce { place, denial: &UNREADABLE_DENIAL });
                    }
                }
            }
        });
        declared.denials.sort();
        declared.is_informed = first.at.is_some();
        declared.is_informed_under_earlier_law = first.under_earlier_law_at.is_some();
        for latest in &mut declared.consents {
            latest.is_before_information =
                latest.consent.kind.needs_information() && !first.is_before(latest, calendar);
        }
        declared
    }

    /// The client's latest consent of a kind, if it can be told: one that
    /// cannot be read may have replaced any before it.
    pub(crate) fn latest_consent(&self, kind: &ConsentKind<'_>) -> Option<&LatestConsent<'a>> {
        let latest = self.consents.iter().find(|latest| latest.consent.kind == *kind)?;
        (self.unreadable_consent_at < Some(latest.recorded_at)).then_some(latest)
    }

    /// Whether the client's last act on a consent of one of some kinds was to
    /// withdraw it, each kind apart. One that cannot be read may have been withdrawn.
    pub(crate) fn was_last_withdrawn(&self, is_of_kinds: impl Fn(&ConsentKind<'_>) -> bool) -> bool {
        self.unreadable_consent_at.is_some()
            || self
                .consents
                .iter()
                .any(|latest| is_of_kinds(&latest.consent.kind) && latest.last_act.is_withdrawal)
    }

    fn weigh_consent(&mut self, now: Instant, gist: &Gist<'a>, consent: &'a Consent, client: &ClientId) {
        // One given by someone not entitled is no act of the client.
        if !may_declare(gist.role, gist.content, client, gist.given_on) {
            return;
        }
        let withdrawn_at = gist.ending.map(|ending| ending.recorded_at).filter(|at| *at <= now);
        let given = Act { at: gist.recorded_at, is_withdrawal: false };
        let withdrawn = withdrawn_at.map(|at| Act { at, is_withdrawal: true });
        let latest = LatestConsent {
            place: gist.place,
            consent,
            given_on: gist.given_on,
            recorded_at: gist.recorded_at,
            is_withdrawn: withdrawn.is_some(),
            is_before_information: false,
            last_act: withdrawn.map_or(given, |withdrawn| withdrawn.max(given)),
        };
        match self.consents.iter_mut().find(|earlier| earlier.consent.kind == consent.kind) {
            None => self.consents.push(latest),
            Some(earlier) => {
                let last_act = earlier.last_act.max(latest.last_act);
                if earlier.recorded_at <= latest.recorded_at {
                    *earlier = latest;
                }
                earlier.last_act = last_act;
            }
        }
    }
}

impl FirstInformed {
    /// Notes that a version that counts was received.
    fn note(&mut self, at: Moment, version: &InformationVersion) {
        let earlier = |first: Option<Moment>| first.map_or(Some(at), |first| Some(first.min(at)));
        self.under_earlier_law_at = earlier(self.under_earlier_law_at);
        if version.informs() {
            self.at = earlier(self.at);
        }
    }

    /// Whether the client had been informed when a consent was recorded; before
    /// the Act, under the earlier law.
    fn is_before(&self, consent: &LatestConsent<'_>, calendar: &Calendar) -> bool {
        let is_before =
            |first: Option<Moment>| first.is_some_and(|at| at < (consent.recorded_at, consent.place));
        is_before(self.at)
            || (is_before(self.under_earlier_law_at) && Day::of(consent.recorded_at) < calendar.act_in_force)
    }
}

/// The version of information received, if it counts. One dated before its
/// release is a data error.
pub(crate) fn counted_version<'c>(
    information: &Information,
    given_on: Day,
    calendar: &'c Calendar,
) -> Option<(usize, &'c InformationVersion)> {
    calendar.version(&information.version).filter(|(_, version)| version.is_released_on(given_on))
}

/// Whether a declaration has been withdrawn. A withdrawal of a denial by
/// someone not entitled to it, judged on the day it was recorded, ends
/// nothing; one of a consent ends it, whoever made it; information cannot be
/// withdrawn.
pub(crate) fn is_ended(gist: &Gist<'_>, client: &ClientId, now: Instant) -> bool {
    let Some(ending) = gist.ending.filter(|ending| ending.recorded_at <= now) else {
        return false;
    };
    match gist.content {
        ContentRef::Consent(_) | ContentRef::Unreadable(Kind::Consent) => true,
        ContentRef::Denial(_) | ContentRef::Unreadable(Kind::Denial) => {
            may_withdraw(ending.role, gist.content, gist.role, client, Day::of(ending.recorded_at))
        }
        ContentRef::Information(_) | ContentRef::Unreadable(Kind::Information) => false,
    }
}

/// Whether a declaration is in force: recorded, and neither withdrawn nor
/// replaced by a later consent of its kind. Information always stays received.
#[must_use]
pub fn is_in_force(
    declaration: &Declaration,
    declarations: &ClientDeclarations,
    client: &ClientId,
    now: Instant,
) -> bool {
    let is_replaced = match &declaration.content {
        Content::Consent(consent) => {
            let mut passed = false;
            declarations.iter().any(|later| {
                passed |= std::ptr::eq(later, declaration);
                let is_later = later.recorded_at > declaration.recorded_at
                    || (later.recorded_at == declaration.recorded_at
                        && passed
                        && !std::ptr::eq(later, declaration));
                let replaces = match &later.content {
                    Content::Consent(other) => {
                        other.kind == consent.kind
                            && may_declare(
                                later.role(),
                                ContentRef::of(&later.content),
                                client,
                                later.given_on(),
                            )
                    }
                    // It may be of this kind.
                    Content::Unreadable(Kind::Consent) => true,
                    Content::Information(_) | Content::Denial(_) | Content::Unreadable(_) => false,
                };
                replaces && is_later && later.recorded_at <= now
            })
        }
        Content::Information(_) | Content::Denial(_) | Content::Unreadable(_) => false,
    };
    declaration.recorded_at <= now && !is_ended(&Gist::of(0, declaration), client, now) && !is_replaced
}

impl LatestConsent<'_> {
    /// Whether it is one of the healthcare consents that cover the Kanta
    /// channel only, as those given earlier do.
    pub(crate) fn is_for_kanta_only(&self, calendar: &Calendar) -> bool {
        self.consent.kind == ConsentKind::Healthcare
            && self.given_on < calendar.consents_cover_all_channels_from
    }
}

impl ConsentKind<'_> {
    /// Whether it needs information first.
    pub(crate) fn needs_information(&self) -> bool {
        *self != Self::VerbalPrescription
    }

    /// Whether it may be allocated.
    pub(crate) fn may_be_allocated(&self) -> bool {
        matches!(self, Self::PatientDataToSocialWelfare | Self::ClientDataToHealthcare)
    }
}

#[cfg(test)]
mod tests;
