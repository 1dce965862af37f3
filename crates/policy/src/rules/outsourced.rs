//! Data generated in an outsourced service, between its organiser and its
//! producer (002, 003; kanta: ostopalvelun-valtuutus).

use super::{Account, Case, FactValue, Finding, Sharing};
use crate::day::within;
use crate::directory::{Outsourcing, Party};
use crate::verdict::Reason;

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
        let is_producer = |register: &Party<'_>| register.controller.oid == relation.producer;
        let holder = sharing.holder.party();
        relation.producer == told.producer
            && organiser().is_some_and(|organiser| organiser.controller.oid == told.organiser)
            && within(record.recorded_on, relation.from, relation.until)
            && ((is_organisers(sharing, relation, &sharing.requester) && is_producer(&holder))
                || (is_organisers(sharing, relation, &holder) && is_producer(&sharing.requester)))
    });
    is_known.then(|| Finding::plain(Reason::OutsourcedService))
}

/// Whether a register is the organiser's in a relation, or the one that this
/// has merged into, which stands for it.
fn is_organisers(sharing: &Sharing<'_, '_>, relation: &Outsourcing, party: &Party<'_>) -> bool {
    let Sharing { directory, calendar, today, .. } = sharing;
    party.register.oid == relation.organiser_register
        || directory.holder(&relation.organiser_register, calendar, *today).is_some_and(|organisers| {
            organisers.is_merged()
                && organisers.register.kind == party.register.kind
                && organisers.controller.oid == party.controller.oid
        })
}

/// What the record says of an outsourced service, and what the directory knows of it.
pub(super) fn account(case: &Case<'_, '_>) -> Account {
    let Case { sharing, record } = case;
    let Some(service) = record.outsourcing.as_ref() else {
        return Account::default()
            .fact("record.outsourcing", FactValue::None)
            .say("the record is not said to be generated in an outsourced service");
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
            "the record is said to be generated for {} by {} and was recorded on {}",
            service.organiser, service.producer, record.recorded_on
        ));
    account.say(if service.organiser == service.producer {
        "nobody outsources to themselves"
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
