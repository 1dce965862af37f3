//! One client's declarations while changes are applied to them, in revision order.

use std::collections::HashMap;

use super::change::Change;
use crate::policy::declaration::{ClientDeclarations, Declaration, Withdrawal};
use crate::policy::oid::OpaqueId;

/// Up to this many declarations a withdrawn one is looked for one by one.
const SCANNED_MAX: usize = 64;

/// One client's declarations while changes are applied to them.
#[derive(Debug, Default)]
pub(super) struct ClientHistory {
    declarations: Vec<Declaration>,
    /// Where each declaration is; made for the first withdrawal among many.
    places: Option<HashMap<OpaqueId<'static>, usize>>,
}

impl ClientHistory {
    /// Applies a change of this client's, which comes after all before.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Declaration { revision: _, recorded_at: _, client: _, declaration } => {
                self.declare(declaration);
            }
            Change::Withdrawal { revision: _, recorded_at: _, client: _, declaration_id, withdrawal } => {
                self.withdraw(&declaration_id, withdrawal);
            }
            Change::UnreadableWithdrawal { .. } | Change::Directory { .. } => {}
        }
    }

    /// Adds a declaration.
    pub(super) fn declare(&mut self, declaration: Declaration) {
        if let Some(places) = &mut self.places {
            places.insert(declaration.id.clone(), self.declarations.len());
        }
        self.declarations.push(declaration);
    }

    /// Notes the withdrawal of a declaration; a later one stands. There is
    /// nothing to withdraw if the client has no such declaration.
    pub(super) fn withdraw(&mut self, id: &OpaqueId<'static>, withdrawal: Withdrawal) {
        let place = if self.declarations.len() <= SCANNED_MAX {
            self.declarations.iter().rposition(|declaration| declaration.id == *id)
        } else {
            self.places.get_or_insert_with(|| places(&self.declarations)).get(id).copied()
        };
        if let Some(declaration) = place.and_then(|place| self.declarations.get_mut(place)) {
            declaration.withdrawal = Some(withdrawal);
        }
    }

    /// The declarations as they are now.
    pub(super) fn declarations(&self) -> &ClientDeclarations {
        &self.declarations
    }

    /// The declarations, done.
    pub(super) fn into_declarations(self) -> Vec<Declaration> {
        self.declarations
    }
}

fn places(declarations: &ClientDeclarations) -> HashMap<OpaqueId<'static>, usize> {
    declarations.iter().enumerate().map(|(place, declaration)| (declaration.id.clone(), place)).collect()
}
