//! Partial evaluation of the rules for one register.
//!
//! Most rules do not read the record ([`Find::BySharing`]): their finding is the
//! same for every record of one register, so they are evaluated once a register.
//! What remains, the residual, is the rules that read the record, in the order
//! of their list, up to the first rule that decides without it.

use smallvec::SmallVec;

use crate::directory::Holder;
use crate::oid::Oid;
use crate::rules::{
    Case, EVERYONE, Find, FindByRecord, Finding, ListObligations, Rule, Sharing, UNKNOWN_REGISTER,
};
use crate::verdict::Reason;

/// Capacity of the cache: the records of one client are in few registers.
const CACHED_REGISTERS: usize = 4;

/// The rules that remain for the records of one register.
#[derive(Debug)]
pub(super) struct Residual<'q> {
    /// The register and its controller.
    pub(super) holder: Holder<'q>,
    /// See [`Sharing::has_holder_succeeded`].
    pub(super) has_holder_succeeded: bool,
    /// The rules that read the record, up to the first that decides without it.
    by_record: SmallVec<[RecordRule; 6]>,
    /// The match of the rule that decides without the record.
    otherwise: RuleMatch,
}

/// A rule that reads the record.
#[derive(Clone, Copy, Debug)]
struct RecordRule {
    rule: &'static Rule,
    obligations: ListObligations,
    find: FindByRecord,
}

/// The rule that decides, its finding, and the obligations of its list.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleMatch {
    pub(super) rule: &'static Rule,
    pub(super) finding: Finding,
    pub(super) obligations: ListObligations,
}

/// The residuals of the registers read last.
#[derive(Debug, Default)]
pub(super) struct ResidualCache<'q> {
    residuals: [Option<Residual<'q>>; CACHED_REGISTERS],
    /// The place of the residual used last.
    last: usize,
}

impl<'q> Residual<'q> {
    /// Evaluates the rules that do not read the record; none of them if the
    /// requester, and so the sharing, is not known.
    pub(super) fn of(holder: Holder<'q>, sharing: Option<&Sharing<'_, '_>>) -> Self {
        let mut by_record = SmallVec::new();
        let Some(sharing) = sharing else {
            let otherwise = RuleMatch::unknown_register();
            return Self { holder, has_holder_succeeded: false, by_record, otherwise };
        };
        let has_holder_succeeded = sharing.has_holder_succeeded;
        for list in [&EVERYONE, sharing.list()] {
            let obligations = list.obligations;
            for rule in list.rules.iter().filter(|rule| rule.is_in_force(sharing.calendar, sharing.today)) {
                match rule.find {
                    Find::ByRecord(find) => by_record.push(RecordRule { rule, obligations, find }),
                    Find::BySharing(find) => {
                        if let Some(finding) = find(sharing) {
                            let otherwise = RuleMatch { rule, finding, obligations };
                            return Self { holder, has_holder_succeeded, by_record, otherwise };
                        }
                    }
                }
            }
        }
        Self { holder, has_holder_succeeded, by_record, otherwise: RuleMatch::no_rule() }
    }

    /// The first match for a record of the register.
    #[inline]
    pub(super) fn decide(&self, case: &Case<'_, '_>) -> RuleMatch {
        for RecordRule { rule, obligations, find } in &self.by_record {
            if let Some(finding) = find(case) {
                return RuleMatch { rule, finding, obligations: *obligations };
            }
        }
        self.otherwise
    }
}

impl RuleMatch {
    /// The directory does not know both registers.
    pub(super) fn unknown_register() -> Self {
        let finding = Finding::plain(Reason::UnknownRegister);
        Self { rule: &UNKNOWN_REGISTER, finding, obligations: ListObligations::None }
    }

    /// Fail-closed: each list ends in a rule that always decides, and if one is
    /// shortened by mistake, this match still denies.
    fn no_rule() -> Self {
        let finding = Finding::plain(Reason::NotShareable);
        Self { rule: &UNKNOWN_REGISTER, finding, obligations: ListObligations::None }
    }
}

impl<'q> ResidualCache<'q> {
    /// The residual of a register, made by `make` if it is not in the cache.
    /// None if the directory does not know the register.
    #[inline]
    pub(super) fn get_or_insert_with(
        &mut self,
        register: &Oid<'_>,
        make: impl FnOnce() -> Option<Residual<'q>>,
    ) -> Option<&Residual<'q>> {
        let is_of = |residual: &Option<Residual<'_>>| {
            residual.as_ref().is_some_and(|residual| residual.holder.register.oid == *register)
        };
        if !self.residuals.get(self.last).is_some_and(is_of) {
            match self.residuals.iter().position(is_of) {
                Some(place) => self.last = place,
                None => {
                    let made = make()?;
                    self.last = (self.last + 1) % CACHED_REGISTERS;
                    *self.residuals.get_mut(self.last)? = Some(made);
                }
            }
        }
        self.residuals.get(self.last)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::day::Day;
    use crate::samples::*;

    #[test]
    fn the_residual_of_a_cached_register_is_made_once() {
        let directory = directory("");
        let (calendar, today) = (Calendar::published(), Day::of(noon("2026-02-01")));
        let registers = [COUNTY_HEALTHCARE, COUNTY_OCCUPATIONAL, COUNTY_SOCIAL_WELFARE];
        let mut cache = ResidualCache::default();
        let mut made = 0;
        for register in [registers, registers].concat() {
            let residual = cache.get_or_insert_with(&oid(register), || {
                made += 1;
                let holder = directory.holder(&oid(register), &calendar, today)?;
                Some(Residual::of(holder, None))
            });
            assert_eq!(residual.map(|residual| &residual.holder.register.oid), Some(&oid(register)));
        }
        assert_eq!(made, 3);
        assert!(cache.get_or_insert_with(&oid(UNKNOWN), || None).is_none());
    }
}
