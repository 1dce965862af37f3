//! A client's denials in force, with a lookup by the ids that they name.

use smallvec::SmallVec;

use crate::declaration::{Denial, Scope};
use crate::oid::OpaqueId;
use crate::request::Record;

/// Maximum number of denials that are scanned one by one.
const SCANNED_MAX: usize = 8;

/// A denial in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenialInForce<'a> {
    /// The place of the declaration.
    pub(crate) place: u32,
    /// The denial.
    pub(crate) denial: &'a Denial,
}

/// A client's denials in force.
///
/// If there are more than [`SCANNED_MAX`], those of one document, event,
/// transaction or prescription are sorted by the id that they name and found by
/// binary search, so that a record is compared with few denials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials<'a> {
    /// The denials that may concern any record, in revision order.
    any: SmallVec<[DenialInForce<'a>; 4]>,
    /// The others by id, and for one id in revision order.
    by_id: Vec<DenialInForce<'a>>,
}

impl<'a> Denials<'a> {
    /// Adds the next one in revision order.
    #[inline]
    pub(crate) fn push(&mut self, denial: DenialInForce<'a>) {
        self.any.push(denial);
    }

    /// Whether the client has no denials, which is true of most clients.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.any.is_empty() && self.by_id.is_empty()
    }

    /// Builds the lookup by id; to be called after the last `push`.
    pub(crate) fn sort(&mut self) {
        if self.any.len() <= SCANNED_MAX {
            return;
        }
        let names_id = |denial: &DenialInForce<'_>| named(denial.denial).is_some();
        self.by_id = self.any.iter().copied().filter(names_id).collect();
        self.by_id.sort_by_key(|denial| named(denial.denial).map(OpaqueId::as_str));
        self.any.retain(|denial| named(denial.denial).is_none());
    }

    /// The candidates for a record: every denial that covers it, and others. The
    /// candidates of one scope are in revision order.
    pub(crate) fn candidates<'x>(
        &'x self,
        record: &Record<'_>,
    ) -> impl Iterator<Item = DenialInForce<'a>> + Clone + use<'x, 'a> {
        let of_event = record.service_event.as_ref().filter(|event| **event != record.id);
        let of_event = of_event.map(|event| self.naming(event)).unwrap_or_default();
        self.any.iter().chain(of_event).chain(self.naming(&record.id)).copied()
    }

    /// The denials that name no document, event, transaction or prescription;
    /// all denials if there are at most [`SCANNED_MAX`].
    pub(crate) fn of_no_id(&self) -> impl Iterator<Item = DenialInForce<'a>> + Clone {
        self.any.iter().copied()
    }

    /// Every denial, in no particular order.
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

/// The id of the document, event, transaction or prescription that is denied.
fn named(denial: &Denial) -> Option<&OpaqueId<'static>> {
    match &denial.scope {
        Scope::ServiceEvent(id)
        | Scope::ServiceTransaction(id)
        | Scope::Document(id)
        | Scope::Prescription(id) => Some(id),
        // A record that names no task may be of any task.
        Scope::ServiceTask(_)
        | Scope::AllPatientData
        | Scope::Register(_)
        | Scope::FormerProvider(_)
        | Scope::Extensive => None,
    }
}
