//! Data generated in an outsourced service, between its organiser and its
//! producer (002, 003; kanta: ostopalvelun-valtuutus).

use super::{Case, Finding};
use crate::policy::day::within;
use crate::policy::verdict::Reason;

/// Speaks if the directory knows the service on the recording day and the
/// requester and the holder are its two ends. No chaining to subcontractors;
/// also after the outsourcing has ended.
pub(super) fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let Case { sharing, record } = case;
    let told = record.outsourcing.as_ref()?;
    if told.organiser == told.producer {
        return None;
    }
    let is_known = sharing.directory.outsourcing().iter().any(|relation| {
        let organiser = || sharing.directory.party(&relation.organiser_register);
        let is_end = |register: &super::Party<'_>| register.register.oid == relation.organiser_register;
        let is_producer = |register: &super::Party<'_>| register.controller.oid == relation.producer;
        relation.producer == told.producer
            && organiser().is_some_and(|organiser| organiser.controller.oid == told.organiser)
            && within(record.recorded_on, relation.from, relation.until)
            && ((is_end(&sharing.requester) && is_producer(&sharing.holder))
                || (is_end(&sharing.holder) && is_producer(&sharing.requester)))
    });
    is_known.then(|| Finding::plain(Reason::OutsourcedService))
}
