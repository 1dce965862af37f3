//! The declarations of a person who is known under several codes.

use super::links::WithdrawalElsewhere;
use super::snapshot::{DeclarationIdText, Snapshot, SnapshotDeclarations};
use crate::policy::facts::Facts;
use crate::policy::link::Person;
use crate::policy::request::Situation;
use crate::policy::{Question, World};
use crate::store::Revision;

/// The declarations under all codes of a person, in revision order.
#[derive(Clone, Debug)]
pub struct LinkedDeclarations<'s> {
    person: &'s Person,
    /// Those of each code of the person.
    codes: Vec<SnapshotDeclarations<'s>>,
    facts: Vec<Facts<'s>>,
    /// The position of each one's code, and its place among those of the code.
    origins: Vec<(usize, u32)>,
}

impl<'s> LinkedDeclarations<'s> {
    // Apart from the lookup of a client who is alone, which is nearly every one.
    #[cold]
    #[inline(never)]
    pub(super) fn of(snapshot: &'s Snapshot, person: &'s Person) -> Self {
        let codes: Vec<SnapshotDeclarations<'s>> =
            person.codes.iter().map(|code| snapshot.of_code(code)).collect();
        let mut each: Vec<(Revision, usize, Facts<'s>)> = Vec::new();
        for (code, declarations) in codes.iter().enumerate() {
            each.extend(declarations.facts_by_revision().map(|(revision, facts)| (revision, code, facts)));
        }
        each.sort_by_key(|(revision, _, _)| *revision);
        let origins = each.iter().map(|(_, code, facts)| (*code, facts.place)).collect();
        let facts = (0..).zip(each).map(|(place, (_, _, facts))| Facts { place, ..facts }).collect();
        let mut linked = Self { person, codes, facts, origins };
        linked.withdraw_across_codes(&snapshot.links.withdrawals_of(&person.codes));
        linked
    }

    /// Their facts, in revision order.
    pub(super) fn facts(&self) -> &[Facts<'s>] {
        &self.facts
    }

    #[cold]
    #[inline(never)]
    pub(super) fn question<'q>(&self, world: World<'q>, situation: &'q Situation<'q>) -> Question<'q, 's>
    where
        's: 'q,
    {
        world.question_of_person(situation, &self.person.current, self.facts.iter().copied())
    }

    pub(super) fn id(&self, place: u32) -> Option<DeclarationIdText<'s>> {
        let (code, place) = self.origins.get(place as usize)?;
        self.codes.get(*code)?.id(*place)
    }

    /// Applies withdrawals across codes, which are in the order of recording: of each
    /// declaration the last, unless the one that is stored with it is as late. One
    /// made under the declaration's own code was stored before it and has no effect.
    fn withdraw_across_codes(&mut self, withdrawals: &[(usize, &WithdrawalElsewhere)]) {
        let mut withdrawn: Vec<usize> = Vec::new();
        for (code, WithdrawalElsewhere { declaration, withdrawal, revision: _ }) in withdrawals.iter().rev() {
            let is_it = |(of, place): &(usize, u32)| {
                let id = self.codes.get(*of).and_then(|code| code.id(*place));
                of != code && id.is_some_and(|id| id.as_ref() == declaration.as_str())
            };
            let Some(place) = self.origins.iter().rposition(is_it) else { continue };
            let Some(facts) = self.facts.get_mut(place).filter(|_| !withdrawn.contains(&place)) else {
                continue;
            };
            withdrawn.push(place);
            if facts.withdrawal.is_none_or(|own| own.recorded_at < withdrawal.recorded_at) {
                facts.withdrawal = Some(*withdrawal);
            }
        }
    }
}
