//! One client's declarations, rebuilt by applying changes in revision order.

use std::collections::HashMap;

use super::change::Change;
use crate::policy::declaration::{ClientDeclarations, Declaration, Withdrawal};
use crate::policy::oid::OpaqueId;

/// Up to this many declarations, a withdrawn one is searched for linearly.
const SCANNED_MAX: usize = 64;

/// One client's declarations at a revision.
#[derive(Debug, Default)]
pub(super) struct ClientHistory {
    declarations: Vec<Declaration>,
    /// Index of each declaration by id; built for the first withdrawal once there are many.
    places: Option<HashMap<OpaqueId<'static>, usize>>,
}

impl ClientHistory {
    /// Applies the client's next change.
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

    /// Records the withdrawal of a declaration; a later withdrawal replaces an earlier one. No effect if
    /// the client has no such declaration.
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

    pub(super) fn declarations(&self) -> &ClientDeclarations {
        &self.declarations
    }

    pub(super) fn into_declarations(self) -> Vec<Declaration> {
        self.declarations
    }
}

fn places(declarations: &ClientDeclarations) -> HashMap<OpaqueId<'static>, usize> {
    declarations.iter().enumerate().map(|(place, declaration)| (declaration.id.clone(), place)).collect()
}
