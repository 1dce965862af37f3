//! A client's denials in force, found by the ids that they name.

use smallvec::SmallVec;

use crate::declaration::{Denial, Scope};
use crate::oid::OpaqueId;
use crate::request::Record;

/// Up to this many denials are looked at one by one.
const SCANNED_MAX: usize = 8;

/// A denial in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenialInForce<'a> {
    /// Where the declaration is among the client's.
    pub(crate) place: u32,
    /// What is denied.
    pub(crate) denial: &'a Denial,
}

/// A client's denials in force.
///
/// Of many, those of one document, event, transaction or prescription are
/// sorted by the id that they name, so that a record is compared with few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials<'a> {
    /// In revision order: those that may concern any record.
    any: SmallVec<[DenialInForce<'a>; 4]>,
    /// By id, and of one id in revision order.
    by_id: Vec<DenialInForce<'a>>,
}

impl<'a> Denials<'a> {
    /// Adds the next one in revision order.
    pub(crate) fn push(&mut self, denial: DenialInForce<'a>) {
        self.any.push(denial);
    }

    /// Whether the client has denied nothing, as most have not.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.any.is_empty() && self.by_id.is_empty()
    }

    /// To be called when all are there.
    pub(crate) fn sort(&mut self) {
        if self.any.len() <= SCANNED_MAX {
            return;
        }
        let names_id = |denial: &DenialInForce<'_>| named(denial.denial).is_some();
        self.by_id = self.any.iter().copied().filter(names_id).collect();
        self.by_id.sort_by_key(|denial| named(denial.denial).map(OpaqueId::as_str));
        self.any.retain(|denial| named(denial.denial).is_none());
    }

    /// The denials that may concern a record: all that do are among them.
    /// Those of one scope are in revision order.
    pub(crate) fn candidates<'x>(
        &'x self,
        record: &Record<'_>,
    ) -> impl Iterator<Item = DenialInForce<'a>> + Clone + use<'x, 'a> {
        let of_event = record.service_event.as_ref().filter(|event| **event != record.id);
        let of_event = of_event.map(|event| self.naming(event)).unwrap_or_default();
        self.any.iter().chain(of_event).chain(self.naming(&record.id)).copied()
    }

    /// Those that name no document, event, transaction or prescription, and,
    /// where there are few, all.
    pub(crate) fn of_no_id(&self) -> impl Iterator<Item = DenialInForce<'a>> + Clone {
        self.any.iter().copied()
    }

    /// Every one, in no order.
    pub(crate) fn each(&self) -> impl Iterator<Item = DenialInForce<'a>> + Clone {
        self.any.iter().chain(&self.by_id).copied()
    }

    fn naming(&self, id: &OpaqueId<'_>) -> &[DenialInForce<'a>] {
        if self.by_id.is_empty() {
            return &[];
        }
        let key = |denial: &DenialInForce<'a>| named(denial.denial).map(OpaqueId::as_str);
        let start = self.by_id.partition_point(|denial| key(denial) < Some(id.as_str()));
        let rest = self.by_id.get(start..).unwrap_or_default();
        let many = rest.iter().take_while(|denial| key(denial) == Some(id.as_str())).count();
        rest.get(..many).unwrap_or_default()
    }
}

/// The id of the one document, event, transaction or prescription denied.
fn named(denial: &Denial) -> Option<&OpaqueId<'static>> {
    match &denial.scope {
        Scope::ServiceEvent(id)
        | Scope::ServiceTransaction(id)
        | Scope::Document(id)
        | Scope::Prescription(id) => Some(id),
        // A record that names no task may be of any.
        Scope::ServiceTask(_)
        | Scope::AllPatientData
        | Scope::Register(_)
        | Scope::FormerProvider(_)
        | Scope::Extensive => None,
    }
}
