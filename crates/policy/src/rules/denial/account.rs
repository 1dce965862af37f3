//! Accounts of denials: which denials cover the record by which scope, and why
//! the others do not.

use std::collections::HashSet;

use super::{Covering, covering, detail_of_data, is_against};
use crate::declaration::{Denial, DenialSector, Scope};
use crate::declared::DenialInForce;
use crate::directory::Sector;
use crate::rules::{Account, Case, FactValue};
use crate::words;

/// Maximum number of denials that one account names, of those that cover the
/// record and of those that do not.
const NAMED_MAX: usize = 10;

/// The account of the denials in force in a sector.
pub(in crate::rules) fn account(case: &Case<'_, '_>, sector: Sector) -> Account {
    let of_sector = |one: &DenialInForce<'_>| one.denial.sector.includes(sector);
    let in_force = || case.sharing.declared.denials.each().filter(of_sector);
    let count = in_force().count();
    let account = Account::default().fact("denials.in_force", count);
    let account = account_of(account, covering(case, sector));
    // Computed once: a client may have many denials.
    let covers: HashSet<u32> = covering(case, sector).map(|one| one.denial.place).collect();
    let passed = in_force().filter(|one| !covers.contains(&one.place));
    let not_named = passed.clone().count().saturating_sub(NAMED_MAX);
    let account = passed.take(NAMED_MAX).fold(account, |account, one| {
        let (scope, why) = (words::scope(one.denial), why_not(case, one.denial));
        account
            .fact("denial.does_not_cover", FactValue::Declaration(one.place))
            .fact("denial.scope", scope.clone())
            .say(format!("the denial of {scope} {why}"))
    });
    and_more(account, not_named, "do not cover it")
}

/// Adds the denials that cover the record, or that there are none.
pub(in crate::rules) fn account_of<'a>(
    account: Account,
    covering: impl Iterator<Item = Covering<'a>> + Clone,
) -> Account {
    if covering.clone().next().is_none() {
        return account
            .fact("denial.covers", FactValue::None)
            .say("no denial in force covers the record and the requester");
    }
    let not_named = covering.clone().count().saturating_sub(NAMED_MAX);
    let account = covering.take(NAMED_MAX).fold(account, |account, one| {
        let scope = words::scope(one.denial.denial);
        account
            .fact("denial.covers", FactValue::Declaration(one.denial.place))
            .fact("denial.scope", scope.clone())
            .say(format!("a denial of {scope} covers the record"))
    });
    and_more(account, not_named, "cover it")
}

fn and_more(account: Account, more: usize, what: &str) -> Account {
    if more == 0 { account } else { account.say(format!("{more} more {what}")) }
}

/// The reason for which a denial of the sector does not cover the record.
fn why_not(case: &Case<'_, '_>, denial: &Denial) -> String {
    let is_healthcare = denial.sector == DenialSector::Healthcare;
    if detail_of_data(case, &denial.scope).is_some()
        && is_healthcare
        && !is_against(case.sharing, &denial.against)
    {
        return format!("is only against {}, which the requester is not", words::words(&denial.against));
    }
    match &denial.scope {
        Scope::FormerProvider(_) => "is about data that was that provider's".to_owned(),
        Scope::AllPatientData if case.record.kind.is_prescription() => {
            "does not reach prescriptions".to_owned()
        }
        Scope::ServiceEvent(_)
        | Scope::ServiceTransaction(_)
        | Scope::Document(_)
        | Scope::ServiceTask(_)
            if case.record.kind.is_prescription() =>
        {
            "does not reach prescriptions".to_owned()
        }
        Scope::Register(_) => "is about data held in another data file".to_owned(),
        Scope::AllPatientData
        | Scope::ServiceEvent(_)
        | Scope::Prescription(_)
        | Scope::ServiceTransaction(_)
        | Scope::Document(_)
        | Scope::ServiceTask(_)
        | Scope::Extensive => "is about other data".to_owned(),
    }
}
