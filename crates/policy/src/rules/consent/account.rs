//! Accounts of consents: which consent a rule examined, and which value of which
//! dimension does not cover the record.

use super::{covering, missing_conditions};
use crate::day::Day;
use crate::declaration::{Allocation, ConsentKind};
use crate::declared::LatestConsent;
use crate::oid::OpaqueId;
use crate::request::ClaimKind;
use crate::rules::account::named_organisation;
use crate::rules::{Account, Case, FactValue, Sharing};
use crate::verdict::Detail;
use crate::words::{self, Word};

/// Adds the client's consent of a kind, and whether it covers the record.
pub(in crate::rules) fn account(account: Account, case: &Case<'_, '_>, kind: &ConsentKind<'_>) -> Account {
    let account = account.fact("consent.kind", kind.word());
    let name = in_words(kind);
    let Some(latest) = case.sharing.declared.consents.latest(kind) else {
        return account
            .fact("consent", FactValue::None)
            .say(format!("the client has given no {name} that can be read"));
    };
    let account = account
        .fact("consent", FactValue::Declaration(latest.place()))
        .fact("consent.given_on", latest.given_on)
        .say(format!("the client gave the {name} on {}", latest.given_on));
    match covering(case, kind) {
        Ok(_) => account.fact("consent.covers", true).say("it covers the record"),
        Err(detail) => why_not(account.fact("consent.covers", false), case, latest, detail),
    }
}

/// Adds when the client was informed, and with which version.
pub(in crate::rules) fn account_of_information(account: Account, sharing: &Sharing<'_, '_>) -> Account {
    match sharing.declared.receipts.first_informing() {
        None => account
            .fact("information", FactValue::None)
            .say("the client has not received version 1.0 or later of the information"),
        Some(receipt) => {
            let (version, given_on) = (receipt.version(sharing.calendar), receipt.given_on);
            account
                .fact("information", FactValue::Declaration(receipt.place()))
                .fact("information.version", version)
                .fact("information.received_on", given_on)
                .say(format!("the client received version {version} of the information on {given_on}"))
        }
    }
}

/// The account of a rule that denies because nothing gave a basis.
pub(in crate::rules) fn account_of_no_basis(case: &Case<'_, '_>, open: &[ClaimKind]) -> Account {
    let missing = missing_conditions(case.sharing, open);
    let missing: Vec<&str> = missing.iter().map(|condition| condition.name()).collect();
    let account = Account::default().say("no rule before this one gave a basis");
    let account = if missing.is_empty() {
        account
    } else {
        let missing = missing.join(", ");
        account.fact("claim.missing", missing.clone()).say(format!("a claim lacks {missing}"))
    };
    account_of_information(account, case.sharing)
}

fn why_not(account: Account, case: &Case<'_, '_>, latest: &LatestConsent<'_>, detail: Detail) -> Account {
    if detail == Detail::ConsentWithdrawn {
        let on = latest.act.given_on;
        return account.fact("consent.withdrawn_on", on).say(format!("the client withdrew it on {on}"));
    }
    if detail == Detail::ConsentBeforeInformation {
        return before_information(account, case.sharing, latest);
    }
    if detail == Detail::ConsentKantaOnly {
        let from = case.sharing.calendar.consents_cover_all_channels_from;
        let channel = case.sharing.situation.channel.word();
        return account.fact("consents_cover_all_channels_from", from).fact("channel", channel).say(format!(
            "given before {from} it covers the channel KANTA only, and the channel is {channel}"
        ));
    }
    match latest.consent.allocation.as_ref() {
        Some(allocation) => outside(account, case, allocation, detail),
        None => account.say(format!(
            "recorded before {} it covers no prescriptions",
            case.sharing.calendar.act_in_force
        )),
    }
}

fn before_information(account: Account, sharing: &Sharing<'_, '_>, latest: &LatestConsent<'_>) -> Account {
    let is_before_act = Day::of(latest.recorded_at) < sharing.calendar.act_in_force;
    let recorded = (latest.recorded_at, latest.place());
    let informed_on = sharing.declared.receipts.informed_on(recorded, is_before_act);
    account.fact("consent.information_received_on", informed_on).say(match informed_on {
        Some(day) => format!("the client received the information only on {day}, so it must be given again"),
        None => "no information had been recorded by then, so it must be given again".to_owned(),
    })
}

/// Adds the dimension of the allocation that is not offered or does not cover the
/// record, and its values.
fn outside(account: Account, case: &Case<'_, '_>, allocation: &Allocation, detail: Detail) -> Account {
    let record = case.record;
    let Allocation { recipients, data, service_tasks, recorded_from, recorded_to } = allocation;
    if detail == Detail::ConsentRecipientOutside {
        let recipients = recipients.iter().map(words::recipient).collect::<Vec<_>>().join(", ");
        let requester = case.sharing.requester.controller;
        return account
            .fact("consent.misses", "RECIPIENT")
            .fact("consent.recipients", recipients.clone())
            .fact("requester.controller", requester.oid.to_string())
            .say(format!(
                "it is limited to recipients {recipients}, which do not include {}, or are not offered",
                named_organisation(requester)
            ));
    }
    if detail == Detail::ConsentDataOutside {
        let (data, kind) = (words::words(data), record.kind.word());
        return account
            .fact("consent.misses", "DATA")
            .fact("consent.data", data.clone())
            .fact("record.kind", kind)
            .say(format!("it covers data {data}, and the record is of kind {kind}"));
    }
    if detail == Detail::ConsentTaskOutside {
        let (covered, named) = (tasks(service_tasks), tasks(&record.service_tasks));
        return account
            .fact("consent.misses", "TASK")
            .fact("consent.service_tasks", covered.clone())
            .fact("record.service_tasks", named.clone())
            .say(format!("it covers service tasks {covered}, and the record names {named}"));
    }
    let day = |day: &Option<Day>| day.map_or("any day".to_owned(), |day| day.to_string());
    account
        .fact("consent.misses", "PERIOD")
        .fact("consent.recorded_from", *recorded_from)
        .fact("consent.recorded_to", *recorded_to)
        .fact("record.recorded_on", record.recorded_on)
        .say(format!(
            "it covers data recorded from {} to {}, and the record was recorded on {}",
            day(recorded_from),
            day(recorded_to),
            record.recorded_on
        ))
}

fn tasks(tasks: &[OpaqueId<'_>]) -> String {
    let tasks: Vec<&str> = tasks.iter().map(OpaqueId::as_str).collect();
    if tasks.is_empty() { "none".to_owned() } else { tasks.join(", ") }
}

fn in_words(kind: &ConsentKind<'_>) -> String {
    match kind {
        ConsentKind::LocalCrossSector { controller } => format!("consent LOCAL_CROSS_SECTOR of {controller}"),
        ConsentKind::Healthcare
        | ConsentKind::SocialWelfare
        | ConsentKind::PatientDataToSocialWelfare
        | ConsentKind::ClientDataToHealthcare
        | ConsentKind::WellbeingData
        | ConsentKind::VerbalPrescription => format!("consent {}", kind.word()),
    }
}
