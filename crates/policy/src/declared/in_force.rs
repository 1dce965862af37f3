//! Which of a client's declarations are in force, and which replaced which.

use std::collections::HashMap;

use super::consents::{Act, Consents};
use super::is_withdrawn;
use crate::client_id::ClientId;
use crate::day::Instant;
use crate::declaration::{ClientDeclarations, ConsentKind, Declaration, Kind};
use crate::entitlement::may_declare;
use crate::facts::{ContentRef, Facts};

/// Which of a client's declarations are in force at an instant.
#[derive(Debug)]
pub struct InForce<'c, 'a> {
    now: Instant,
    client: &'c ClientId,
    declarations: &'a ClientDeclarations,
    consents: Consents<'a>,
}

impl<'c, 'a> InForce<'c, 'a> {
    /// Evaluates all of a client's declarations at an instant.
    #[must_use]
    pub fn at(now: Instant, declarations: &'a ClientDeclarations, client: &'c ClientId) -> Self {
        let mut consents = Consents::default();
        for facts in Facts::all(declarations).filter(|facts| facts.recorded_at <= now) {
            match facts.content {
                ContentRef::Consent(consent) => consents.add(now, &facts, consent, client),
                ContentRef::Unreadable(Kind::Consent) => consents.add_unreadable(now, &facts),
                ContentRef::Information(_) | ContentRef::Denial(_) | ContentRef::Unreadable(_) => {}
            }
        }
        Self { now, client, declarations, consents }
    }

    /// The declarations in force with their places, in revision order.
    pub fn each(&self) -> impl Iterator<Item = (u32, &'a Declaration)> {
        (0..).zip(self.declarations).filter(|(place, _)| self.has(*place))
    }

    /// Whether the declaration at a place is in force: it is recorded and not
    /// withdrawn and, for a consent, neither replaced nor superseded. Information
    /// always stays received.
    #[must_use]
    pub fn has(&self, place: u32) -> bool {
        let Some(declaration) = self.declarations.get(place as usize) else { return false };
        let facts = Facts::of(place, declaration);
        facts.recorded_at <= self.now
            && match facts.content {
                ContentRef::Consent(consent) => {
                    let is_withdrawn = Act::withdrawal(&facts, self.now).is_some();
                    !is_withdrawn && self.consents.is_last(Act::giving(&facts), &consent.kind)
                }
                ContentRef::Information(_) | ContentRef::Denial(_) | ContentRef::Unreadable(_) => {
                    !is_withdrawn(&facts, self.client, self.now)
                }
            }
    }

    /// For each consent that was replaced, the consent that replaced it; for a
    /// superseded consent, the consent of the later act. Both by place.
    #[must_use]
    pub fn replacements(&self) -> HashMap<u32, u32> {
        let mut acts: Vec<(Act, &ConsentKind<'_>)> = Vec::new();
        for facts in Facts::all(self.declarations).filter(|facts| facts.recorded_at <= self.now) {
            if let ContentRef::Consent(consent) = facts.content {
                let is_act = may_declare(facts.role, facts.content, self.client, facts.given_on);
                let giving = is_act.then(|| Act::giving(&facts));
                let withdrawal = Act::withdrawal(&facts, self.now);
                acts.extend(giving.into_iter().chain(withdrawal).map(|act| (act, &consent.kind)));
            }
        }
        acts.sort_by_key(|(act, _)| act.recorded());
        let mut last: HashMap<&ConsentKind<'_>, Act> = HashMap::new();
        let mut replacements = HashMap::new();
        for (act, kind) in acts {
            match last.get_mut(kind) {
                None => {
                    last.insert(kind, act);
                }
                Some(before) if *before < act => {
                    if !before.is_withdrawal && before.place != act.place {
                        replacements.insert(before.place, act.place);
                    }
                    *before = act;
                }
                Some(before) => {
                    if !act.is_withdrawal {
                        replacements.insert(act.place, before.place);
                    }
                }
            }
        }
        replacements
    }
}
