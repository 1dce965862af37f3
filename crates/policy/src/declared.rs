//! What a client's declarations amount to at one instant (domain rules §4).

mod consents;
mod denials;
mod in_force;
mod information;

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{Denial, DenialSector, Kind, Scope};
use super::entitlement::may_withdraw;
use super::facts::{ContentRef, Facts};
use smallvec::SmallVec;

pub(crate) use consents::{Act, Consents, LatestConsent};
pub(crate) use denials::{DenialInForce, Denials};
pub use in_force::InForce;
pub(crate) use information::{Receipt, Received, counted_version};

/// What a client's declarations amount to at one instant. Made once a request.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    /// The day of the instant.
    pub(crate) today: Day,
    /// Informed with version 1.0 or later.
    pub(crate) is_informed: bool,
    /// The first receipt of a version that opens Uusimaa.
    pub(crate) opens_uusimaa: Option<Receipt>,
    /// Nothing received that is as new as the newest.
    pub(crate) must_inform: bool,
    /// What was received by when.
    pub(crate) received: Received,
    /// In force.
    pub(crate) denials: Denials<'a>,
    /// The client's last acts on consents.
    pub(crate) consents: Consents<'a>,
}

/// When something was recorded. Two declarations recorded at the same instant
/// count in revision order.
pub(crate) type Moment = (Instant, u32);

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
        facts: impl IntoIterator<Item = Facts<'a>>,
        client: &ClientId,
        calendar: &Calendar,
    ) -> Self {
        let today = Day::of(now);
        let newest = calendar.newest_version(today).map(|(place, _)| place);
        let mut declared = Self {
            today,
            is_informed: false,
            opens_uusimaa: None,
            must_inform: newest.is_some(),
            received: Received::default(),
            denials: Denials::default(),
            consents: Consents::default(),
        };
        // From within: several iterators are chained here, and each would be asked anew for each.
        facts.into_iter().filter(|facts| facts.recorded_at <= now).for_each(|facts| {
            let place = facts.place;
            match facts.content {
                ContentRef::Information(information) => {
                    let counted = counted_version(information, facts.given_on, calendar);
                    if let Some((of_version, version)) = counted {
                        let recorded = (facts.recorded_at, place);
                        let receipt = Receipt::of(recorded, facts.given_on, (of_version, version));
                        declared.received.add(receipt);
                        if version.opens_uusimaa {
                            declared.opens_uusimaa.get_or_insert(receipt);
                        }
                        declared.must_inform &= newest > Some(of_version);
                    }
                }
                ContentRef::Consent(consent) => declared.consents.add(now, &facts, consent, client),
                ContentRef::Denial(denial) => {
                    if !is_ended(&facts, client, now) {
                        declared.denials.push(DenialInForce { place, denial });
                    }
                }
                ContentRef::Unreadable(Kind::Information) => {}
                ContentRef::Unreadable(Kind::Consent) => declared.consents.add_unreadable(now, &facts),
                ContentRef::Unreadable(Kind::Denial) => {
                    if !is_ended(&facts, client, now) {
                        declared.denials.push(DenialInForce { place, denial: &UNREADABLE_DENIAL });
                    }
                }
            }
        });
        declared.denials.sort();
        declared.is_informed = declared.received.first_informing().is_some();
        let received = &declared.received;
        for latest in declared.consents.each() {
            let recorded = (latest.recorded_at, latest.place());
            let is_before_act = || Day::of(latest.recorded_at) < calendar.act_in_force;
            latest.is_before_information = latest.consent.kind.needs_information()
                && !received.had_informed(recorded, latest.given_on, is_before_act);
        }
        declared
    }
}

/// Whether a declaration has been withdrawn. A withdrawal of a denial ends
/// nothing if it was made by someone not entitled to it, judged on the day on
/// which it was recorded, or given on a day before the denial was. One of a
/// consent ends it in whatever role it was made; information cannot be withdrawn.
fn is_ended(facts: &Facts<'_>, client: &ClientId, now: Instant) -> bool {
    let Some(withdrawal) = facts.withdrawal.filter(|withdrawal| withdrawal.recorded_at <= now) else {
        return false;
    };
    match facts.content {
        ContentRef::Consent(_) | ContentRef::Unreadable(Kind::Consent) => true,
        ContentRef::Denial(_) | ContentRef::Unreadable(Kind::Denial) => {
            withdrawal.given_on >= facts.given_on
                && may_withdraw(
                    withdrawal.role,
                    facts.content,
                    facts.role,
                    client,
                    Day::of(withdrawal.recorded_at),
                )
        }
        ContentRef::Information(_) | ContentRef::Unreadable(Kind::Information) => false,
    }
}

#[cfg(test)]
mod tests;
