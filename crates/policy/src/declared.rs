//! The state of a client's declarations at one instant: which denials and
//! consents are in force, and what the client was informed of (domain rules §4).

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
pub(crate) use denials::{DenialGroup, DenialInForce, Denials, Lookup, merge};
pub use in_force::InForce;
pub(crate) use information::{Receipt, Receipts, counted_version};

/// The state of a client's declarations at one instant. Computed once a request.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    /// The day of the instant.
    pub(crate) today: Day,
    /// Whether the client was informed with version 1.0 or later.
    pub(crate) is_informed: bool,
    /// The first receipt of a version that opens Uusimaa.
    pub(crate) opens_uusimaa: Option<Receipt>,
    /// Whether the client has not received the newest version or a later one.
    pub(crate) must_inform: bool,
    /// The versions of the information received.
    pub(crate) receipts: Receipts,
    /// The denials in force.
    pub(crate) denials: Denials<'a>,
    /// The client's last acts on consents.
    pub(crate) consents: Consents<'a>,
}

/// When a declaration was recorded, and its place: two declarations recorded at
/// the same instant count in revision order.
pub(crate) type Moment = (Instant, u32);

/// Fail-closed: stands in for a denial that cannot be read, which may have
/// denied anything.
static UNREADABLE_DENIAL: Denial = Denial {
    sector: DenialSector::Both,
    scope: Scope::Extensive,
    against: SmallVec::new_const(),
    allows_emergency: false,
};

impl<'a> Declared<'a> {
    /// Evaluates all of a client's declarations, in revision order, at an instant.
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
            receipts: Receipts::default(),
            denials: Denials::default(),
            consents: Consents::default(),
        };
        // `for_each` runs each of the caller's chained iterators in a loop of its
        // own; a `for` loop would test at every step which of them is next.
        facts.into_iter().filter(|facts| facts.recorded_at <= now).for_each(|facts| {
            let place = facts.place;
            match facts.content {
                ContentRef::Information(information) => {
                    let counted = counted_version(information, facts.given_on, calendar);
                    if let Some((of_version, version)) = counted {
                        let recorded = (facts.recorded_at, place);
                        let receipt = Receipt::of(recorded, facts.given_on, (of_version, version));
                        declared.receipts.add(receipt);
                        if version.opens_uusimaa {
                            declared.opens_uusimaa.get_or_insert(receipt);
                        }
                        declared.must_inform &= newest > Some(of_version);
                    }
                }
                ContentRef::Consent(consent) => declared.consents.add(now, &facts, consent, client),
                ContentRef::Denial(denial) => {
                    if !is_withdrawn(&facts, client, now) {
                        declared.denials.push(DenialInForce { place, denial });
                    }
                }
                ContentRef::Unreadable(Kind::Information) => {}
                ContentRef::Unreadable(Kind::Consent) => declared.consents.add_unreadable(now, &facts),
                ContentRef::Unreadable(Kind::Denial) => {
                    if !is_withdrawn(&facts, client, now) {
                        declared.denials.push(DenialInForce { place, denial: &UNREADABLE_DENIAL });
                    }
                }
            }
        });
        declared.is_informed = declared.receipts.first_informing().is_some();
        let receipts = &declared.receipts;
        for latest in declared.consents.each() {
            let recorded = (latest.recorded_at, latest.place());
            let is_before_act = || Day::of(latest.recorded_at) < calendar.act_in_force;
            latest.is_before_information = latest.consent.kind.needs_information()
                && !receipts.had_informed(recorded, latest.given_on, is_before_act);
        }
        declared
    }
}

/// Whether a declaration has been withdrawn. The withdrawal of a denial has no
/// effect if the person who made it was not entitled to it, judged on the day on
/// which it was recorded, or if it was given on a day before the denial. The
/// withdrawal of a consent takes effect in whatever role it was made. Information
/// cannot be withdrawn.
#[inline]
fn is_withdrawn(facts: &Facts<'_>, client: &ClientId, now: Instant) -> bool {
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
