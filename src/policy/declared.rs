//! What a client's declarations amount to at one instant (domain rules §4).

use smallvec::SmallVec;

use super::calendar::{Calendar, InformationVersion};
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, ConsentKind, Content, Declaration, Denial, DenialSector, Information, Kind,
    Scope,
};
use super::entitlement::{may_declare, may_withdraw};
use super::oid::OpaqueId;

/// What a client's declarations amount to at one instant. Made once a request.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    /// Informed with version 1.0 or later.
    pub(crate) is_informed: bool,
    /// Informed, at least before the Act.
    pub(crate) is_informed_under_earlier_law: bool,
    /// Informed with a version that opens Uusimaa.
    pub(crate) opens_uusimaa: bool,
    /// Nothing received that is as new as the newest.
    pub(crate) must_inform: bool,
    /// In force.
    pub(crate) denials: SmallVec<[DenialInForce<'a>; 4]>,
    /// The latest of each kind.
    consents: SmallVec<[LatestConsent<'a>; 4]>,
    /// When the latest consent that cannot be read was recorded.
    unreadable_consent_at: Option<Instant>,
}

/// A denial in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenialInForce<'a> {
    /// The declaration's id.
    pub(crate) id: &'a OpaqueId<'static>,
    /// What is denied.
    pub(crate) denial: &'a Denial,
}

/// The client's latest consent of one kind. The latest counts, effective or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatestConsent<'a> {
    /// The declaration.
    pub(crate) declaration: &'a Declaration,
    /// What it says.
    pub(crate) consent: &'a Consent,
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

/// Stands for a denial that cannot be read: it may have denied anything.
static UNREADABLE_DENIAL: Denial = Denial {
    sector: DenialSector::Both,
    scope: Scope::Extensive,
    against: SmallVec::new_const(),
    allows_emergency: false,
};

impl<'a> Declared<'a> {
    /// Weighs a client's declarations at an instant.
    pub(crate) fn at(
        now: Instant,
        declarations: &'a ClientDeclarations,
        client: &ClientId,
        calendar: &Calendar,
    ) -> Self {
        let newest = calendar.newest_version(Day::of(now)).map(|(place, _)| place);
        let mut declared = Self {
            is_informed: false,
            is_informed_under_earlier_law: false,
            opens_uusimaa: false,
            must_inform: newest.is_some(),
            denials: SmallVec::new(),
            consents: SmallVec::new(),
            unreadable_consent_at: None,
        };
        for declaration in declarations.iter().filter(|declaration| declaration.recorded_at <= now) {
            match &declaration.content {
                Content::Information(information) => {
                    if let Some((place, version)) = counted_version(declaration, information, calendar) {
                        declared.is_informed |= version.informs();
                        declared.is_informed_under_earlier_law = true;
                        declared.opens_uusimaa |= version.opens_uusimaa;
                        declared.must_inform &= newest > Some(place);
                    }
                }
                Content::Consent(consent) => declared.weigh_consent(now, declaration, consent, client),
                Content::Denial(denial) => {
                    if !is_ended(declaration, client, now) {
                        declared.denials.push(DenialInForce { id: &declaration.id, denial });
                    }
                }
                Content::Unreadable(Kind::Information) => {}
                Content::Unreadable(Kind::Consent) => {
                    declared.unreadable_consent_at =
                        declared.unreadable_consent_at.max(Some(declaration.recorded_at));
                }
                Content::Unreadable(Kind::Denial) => {
                    if !is_ended(declaration, client, now) {
                        declared
                            .denials
                            .push(DenialInForce { id: &declaration.id, denial: &UNREADABLE_DENIAL });
                    }
                }
            }
        }
        for latest in &mut declared.consents {
            latest.is_before_information = latest.consent.kind.needs_information()
                && !is_informed_before(latest.declaration, declarations, calendar);
        }
        declared
    }

    /// The client's latest consent of a kind, if it can be told: one that
    /// cannot be read may have replaced any before it.
    pub(crate) fn latest_consent(&self, kind: &ConsentKind) -> Option<&LatestConsent<'a>> {
        let latest = self.consents.iter().find(|latest| latest.consent.kind == *kind)?;
        (self.unreadable_consent_at < Some(latest.declaration.recorded_at)).then_some(latest)
    }

    /// Whether the client's last act on a consent of one of some kinds was to
    /// withdraw it, each kind apart. One that cannot be read may have been withdrawn.
    pub(crate) fn was_last_withdrawn(&self, is_of_kinds: impl Fn(&ConsentKind) -> bool) -> bool {
        self.unreadable_consent_at.is_some()
            || self
                .consents
                .iter()
                .any(|latest| is_of_kinds(&latest.consent.kind) && latest.last_act.is_withdrawal)
    }

    fn weigh_consent(
        &mut self,
        now: Instant,
        declaration: &'a Declaration,
        consent: &'a Consent,
        client: &ClientId,
    ) {
        // One given by someone not entitled is no act of the client.
        if !may_declare(declaration.role(), &declaration.content, client, declaration.given_on()) {
            return;
        }
        let withdrawn_at =
            declaration.withdrawal.as_ref().map(|withdrawal| withdrawal.recorded_at).filter(|at| *at <= now);
        let given = Act { at: declaration.recorded_at, is_withdrawal: false };
        let withdrawn = withdrawn_at.map(|at| Act { at, is_withdrawal: true });
        let latest = LatestConsent {
            declaration,
            consent,
            is_withdrawn: withdrawn.is_some(),
            is_before_information: false,
            last_act: withdrawn.map_or(given, |withdrawn| withdrawn.max(given)),
        };
        match self.consents.iter_mut().find(|earlier| earlier.consent.kind == consent.kind) {
            None => self.consents.push(latest),
            Some(earlier) => {
                let last_act = earlier.last_act.max(latest.last_act);
                if earlier.declaration.recorded_at <= declaration.recorded_at {
                    *earlier = latest;
                }
                earlier.last_act = last_act;
            }
        }
    }
}

/// The version of an information declaration, if it counts. One dated before
/// its release is a data error.
pub(crate) fn counted_version<'c>(
    declaration: &Declaration,
    information: &Information,
    calendar: &'c Calendar,
) -> Option<(usize, &'c InformationVersion)> {
    calendar
        .version(&information.version)
        .filter(|(_, version)| version.is_released_on(declaration.given_on()))
}

/// Whether the client had been informed when a consent was recorded. Two
/// declarations recorded at the same instant count in revision order.
fn is_informed_before(consent: &Declaration, declarations: &ClientDeclarations, calendar: &Calendar) -> bool {
    let under_earlier_law = Day::of(consent.recorded_at) < calendar.act_in_force;
    let mut consent_passed = false;
    declarations.iter().any(|declaration| {
        consent_passed |= std::ptr::eq(declaration, consent);
        let is_earlier = declaration.recorded_at < consent.recorded_at
            || (declaration.recorded_at == consent.recorded_at && !consent_passed);
        match &declaration.content {
            Content::Information(information) if is_earlier => {
                counted_version(declaration, information, calendar)
                    .is_some_and(|(_, version)| version.informs() || under_earlier_law)
            }
            Content::Information(_) | Content::Consent(_) | Content::Denial(_) | Content::Unreadable(_) => {
                false
            }
        }
    })
}

/// Whether a declaration has been withdrawn. A withdrawal of a denial by
/// someone not entitled to it, judged on the day it was recorded, ends
/// nothing; one of a consent ends it, whoever made it; information cannot be
/// withdrawn.
pub(crate) fn is_ended(declaration: &Declaration, client: &ClientId, now: Instant) -> bool {
    let Some(withdrawal) = declaration.withdrawal.as_ref().filter(|withdrawal| withdrawal.recorded_at <= now)
    else {
        return false;
    };
    match &declaration.content {
        Content::Consent(_) | Content::Unreadable(Kind::Consent) => true,
        Content::Denial(_) | Content::Unreadable(Kind::Denial) => {
            may_withdraw(withdrawal.role(), declaration, client, Day::of(withdrawal.recorded_at))
        }
        Content::Information(_) | Content::Unreadable(Kind::Information) => false,
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
                            && may_declare(later.role(), &later.content, client, later.given_on())
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
    declaration.recorded_at <= now && !is_ended(declaration, client, now) && !is_replaced
}

impl LatestConsent<'_> {
    /// Whether it is one of the healthcare consents that cover the Kanta
    /// channel only, as those given earlier do.
    pub(crate) fn is_for_kanta_only(&self, calendar: &Calendar) -> bool {
        self.consent.kind == ConsentKind::Healthcare
            && self.declaration.given_on() < calendar.consents_cover_all_channels_from
    }
}

impl ConsentKind {
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
