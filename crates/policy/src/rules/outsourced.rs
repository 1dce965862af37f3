//! Data generated in an outsourced service, between its organiser and its
//! producer (002, 003; kanta: ostopalvelun-valtuutus).

use super::{Account, Case, FactValue, Finding, Sharing};
use crate::day::within;
use crate::directory::{Outsourcing, Party};
use crate::verdict::Reason;

/// Permits if the directory has the outsourcing relation on the recording day and
/// the requester and the holder are its two ends. Subcontractors are no ends. The
/// permit remains after the relation has ended.
pub(super) fn find(case: &Case<'_, '_>) -> Option<Finding> {
    let Case { sharing, record } = case;
    let asserted = record.outsourcing.as_ref()?;
    if asserted.organiser == asserted.producer {
        return None;
    }
    let is_known = sharing.directory.outsourcing().iter().any(|relation| {
        let organiser = || sharing.directory.party(&relation.organiser_register);
        let is_producer = |register: &Party<'_>| register.controller.oid == relation.producer;
        let holder = sharing.holder.party();
        relation.producer == asserted.producer
            && organiser().is_some_and(|organiser| organiser.controller.oid == asserted.organiser)
            && within(record.recorded_on, relation.from, relation.until)
            && ((is_organisers(sharing, relation, &sharing.requester) && is_producer(&holder))
                || (is_organisers(sharing, relation, &holder) && is_producer(&sharing.requester)))
    });
    is_known.then(|| Finding::plain(Reason::OutsourcedService))
}

/// Whether a register is the organiser's register of a relation, or a register
/// that this has merged into.
fn is_organisers(sharing: &Sharing<'_, '_>, relation: &Outsourcing, party: &Party<'_>) -> bool {
    let Sharing { directory, calendar, today, .. } = sharing;
    party.register.oid == relation.organiser_register
        || directory.holder(&relation.organiser_register, calendar, *today).is_some_and(|organisers| {
            organisers.is_merged()
                && organisers.register.kind == party.register.kind
                && organisers.controller.oid == party.controller.oid
        })
}

/// The outsourced service that the record names, and the relations in the directory.
pub(super) fn account(case: &Case<'_, '_>) -> Account {
    let Case { sharing, record } = case;
    let Some(service) = record.outsourcing.as_ref() else {
        return Account::default()
            .fact("record.outsourcing", FactValue::None)
            .say("the request does not say that the record was generated in an outsourced service");
    };
    let of_these = |relation: &&Outsourcing| {
        relation.producer == service.producer
            && sharing
                .directory
                .party(&relation.organiser_register)
                .is_some_and(|organiser| organiser.controller.oid == service.organiser)
    };
    let relations = || sharing.directory.outsourcing().iter().filter(of_these);
    let is_on_the_day = relations().any(|one| within(record.recorded_on, one.from, one.until));
    let account = Account::default()
        .fact("record.outsourcing.organiser", service.organiser.to_string())
        .fact("record.outsourcing.producer", service.producer.to_string())
        .fact("record.recorded_on", record.recorded_on)
        .fact("directory.outsourcing", relations().count())
        .say(format!(
            "the request says that the record was generated for {} by {}, and it was recorded on {}",
            service.organiser, service.producer, record.recorded_on
        ));
    account.say(if service.organiser == service.producer {
        "the organiser and the producer must differ"
    } else if relations().next().is_none() {
        "the directory has no such outsourced service"
    } else if !is_on_the_day {
        "the directory has such an outsourced service, but not on that day"
    } else if find(case).is_none() {
        "the requester and the holder are not its two ends"
    } else {
        "the requester and the holder are its two ends"
    })
}
