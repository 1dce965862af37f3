//! Prescriptions: shared once the client is informed; before the Act, on a verbal
//! consent (000; kanta: professionals/sharing-of-prescription-data).

use super::super::{Account, Case, Find, Finding, Period, Rule, consent, sources};
use crate::calendar::CalendarDate;
use crate::declaration::ConsentKind;
use crate::verdict::{Detail, Reason};
use crate::words::Word;

pub(super) static HC_PRESCRIPTION: Rule = Rule {
    id: "hc-prescription",
    title: "A prescription, shared once the client is informed",
    sources: &[&sources::PAGE_000, &sources::KANTA_PRESCRIPTIONS],
    in_force: Period::ALWAYS,
    dates: &[CalendarDate::ActInForce],
    reasons: &[Reason::PrescriptionInformed, Reason::Consent, Reason::NotShareable],
    find: Find::ByRecord(find),
    account,
};

fn find(case: &Case<'_, '_>) -> Option<Finding> {
    if !case.record.kind.is_prescription() {
        return None;
    }
    if case.sharing.today < case.sharing.calendar.act_in_force {
        let verbal = &ConsentKind::VerbalPrescription;
        let permit = consent::permit(case.sharing, verbal, Reason::Consent);
        return Some(permit.unwrap_or_else(|| consent::not_standing(case.sharing, verbal)));
    }
    Some(if case.sharing.declared.is_informed {
        Finding::plain(Reason::PrescriptionInformed)
    } else {
        Finding::deny(Reason::NotShareable, Detail::InformationMissing)
    })
}

fn account(case: &Case<'_, '_>) -> Account {
    let Case { sharing, record } = case;
    let account = Account::default().fact("record.kind", record.kind.word());
    if !record.kind.is_prescription() {
        return account.say(format!("the record is not a prescription but of kind {}", record.kind.word()));
    }
    let account = account.say("the record is a prescription");
    if sharing.today < sharing.calendar.act_in_force {
        consent::account(account, case, &ConsentKind::VerbalPrescription)
    } else {
        consent::account_of_information(account, sharing)
    }
}
