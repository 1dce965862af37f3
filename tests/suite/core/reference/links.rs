//! Domain §7, one person under several codes: while a link is in force, the declarations of
//! all of its codes count as one person's, and the age goes by the current code of the latest
//! link.

use chrono::{DateTime, Utc};
use lupa::wire::v1::{ClientId, StoredDeclaration, StoredLink, StoredWithdrawal};

use super::calendar::instant;

/// What was recorded under several codes, each list in revision order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Register {
    /// With the code of each.
    pub(crate) declarations: Vec<(ClientId, StoredDeclaration)>,
    /// Withdrawals of declarations that are under another code, with the code under which each was made.
    pub(crate) withdrawals: Vec<(ClientId, StoredWithdrawal)>,
    pub(crate) links: Vec<StoredLink>,
}

/// The person of a code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub(crate) codes: Vec<ClientId>,
    pub(crate) current: ClientId,
    /// In revision order, with the withdrawals that count.
    pub(crate) declarations: Vec<StoredDeclaration>,
}

impl Register {
    pub(crate) fn person(&self, code: &ClientId) -> Person {
        let in_force: Vec<&StoredLink> = self.links.iter().filter(|link| link.end.is_none()).collect();
        let mut codes = vec![code.clone()];
        // A link may lead to a code that an earlier one in the list leads on from.
        for _ in &in_force {
            for link in &in_force {
                if link.clients.iter().any(|other| codes.contains(other)) {
                    let new: Vec<_> = link.clients.iter().filter(|other| !codes.contains(other)).collect();
                    codes.extend(new.into_iter().cloned());
                }
            }
        }
        let latest =
            in_force.iter().rev().find(|link| link.clients.iter().any(|other| codes.contains(other)));
        let current = latest.map_or(code, |link| link.current.as_ref().unwrap()).clone();
        let declarations = self.declarations.iter().filter(|(of, _)| codes.contains(of));
        let declarations = declarations.map(|(_, stored)| self.withdrawn(stored, &codes)).collect();
        Person { codes, current, declarations }
    }

    /// The declaration with its withdrawal: the latest of those under any code of the person.
    fn withdrawn(&self, stored: &StoredDeclaration, codes: &[ClientId]) -> StoredDeclaration {
        let mut stored = stored.clone();
        for (code, withdrawal) in &self.withdrawals {
            let StoredWithdrawal { declaration_id, kind: _, recorded_at, given_at, withdrawn_by } =
                withdrawal;
            let before: Option<DateTime<Utc>> = stored.withdrawn_at.as_ref().map(instant);
            if *declaration_id == stored.id
                && codes.contains(code)
                && before.is_none_or(|before| before < instant(recorded_at.as_ref().unwrap()))
            {
                stored.withdrawn_at = *recorded_at;
                stored.withdrawal_given_at = *given_at;
                stored.withdrawn_by.clone_from(withdrawn_by);
            }
        }
        stored
    }
}
