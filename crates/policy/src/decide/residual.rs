//! What is left of the rules once a record's register is known.
//!
//! Most rules do not look at the record (`Find::BySharing`): what they find is
//! the same for every record of one register, so they are asked once a register.
//! For each record only those are asked that look at it, in the order that they
//! have in their list.

use smallvec::SmallVec;

use crate::directory::Holder;
use crate::oid::Oid;
use crate::rules::{Case, EVERYONE, Find, FindByRecord, Finding, Rule, RuleList, Sharing, UNKNOWN_REGISTER};
use crate::verdict::Reason;

/// So many registers are remembered: one client's records are in few.
const REMEMBERED: usize = 4;

/// The rules that are left for the records of one register.
#[derive(Debug)]
pub(super) struct Residual<'q> {
    /// The register and its controller.
    pub(super) holder: Holder<'q>,
    /// Whether the controller succeeded a former provider.
    pub(super) has_succeeded_any: bool,
    /// Those that look at the record, up to the first that speaks without.
    by_record: SmallVec<[Left; 6]>,
    /// What that one finds.
    otherwise: Found,
}

/// A rule that looks at the record.
#[derive(Clone, Copy, Debug)]
struct Left {
    rule: &'static Rule,
    list: &'static RuleList,
    find: FindByRecord,
}

/// What a rule of a list found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) rule: &'static Rule,
    pub(super) list: &'static RuleList,
    pub(super) finding: Finding,
}

/// What is left for the registers that were asked about last.
#[derive(Debug, Default)]
pub(super) struct Remembered<'q> {
    residuals: [Option<Residual<'q>>; REMEMBERED],
    /// Where the last one is.
    last: usize,
}

impl<'q> Residual<'q> {
    /// Asks the rules that do not look at the record; none of them where the
    /// requester, and so the sharing, is not known.
    pub(super) fn of(holder: Holder<'q>, sharing: Option<&Sharing<'_, '_>>) -> Self {
        let mut by_record = SmallVec::new();
        let Some(sharing) = sharing else {
            let otherwise = Found::unknown_register();
            return Self { holder, has_succeeded_any: false, by_record, otherwise };
        };
        let has_succeeded_any = sharing.directory.has_succeeded_any(holder.named_controller);
        for list in [&EVERYONE, sharing.list()] {
            for rule in list.rules.iter().filter(|rule| rule.is_in_force(sharing.calendar, sharing.today)) {
                match rule.find {
                    Find::ByRecord(find) => by_record.push(Left { rule, list, find }),
                    Find::BySharing(find) => {
                        if let Some(finding) = find(sharing) {
                            let otherwise = Found { rule, list, finding };
                            return Self { holder, has_succeeded_any, by_record, otherwise };
                        }
                    }
                }
            }
        }
        Self { holder, has_succeeded_any, by_record, otherwise: Found::nothing() }
    }

    /// The first finding for a record of the register.
    #[inline]
    pub(super) fn first(&self, case: &Case<'_, '_>) -> Found {
        for Left { rule, list, find } in &self.by_record {
            if let Some(finding) = find(case) {
                return Found { rule, list, finding };
            }
        }
        self.otherwise
    }
}

impl Found {
    /// That the directory does not know both registers.
    pub(super) fn unknown_register() -> Self {
        let finding = Finding::plain(Reason::UnknownRegister);
        Self { rule: &UNKNOWN_REGISTER, list: &EVERYONE, finding }
    }

    /// Each list ends in a rule that always speaks; were one to be shortened by
    /// mistake, this still denies.
    fn nothing() -> Self {
        Self { rule: &UNKNOWN_REGISTER, list: &EVERYONE, finding: Finding::plain(Reason::NotShareable) }
    }
}

impl<'q> Remembered<'q> {
    /// What is left for a register; made if it was not asked about lately.
    /// None if there is no such register.
    #[inline]
    pub(super) fn of(
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
                    self.last = (self.last + 1) % REMEMBERED;
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
    fn registers_asked_about_lately_are_not_looked_up_again() {
        let directory = directory("");
        let (calendar, today) = (Calendar::published(), Day::of(noon("2026-02-01")));
        let registers = [COUNTY_HEALTHCARE, COUNTY_OCCUPATIONAL, COUNTY_SOCIAL_WELFARE];
        let mut remembered = Remembered::default();
        let mut made = 0;
        for register in [registers, registers].concat() {
            let residual = remembered.of(&oid(register), || {
                made += 1;
                let holder = directory.holder(&oid(register), &calendar, today)?;
                Some(Residual::of(holder, None))
            });
            assert_eq!(residual.map(|residual| &residual.holder.register.oid), Some(&oid(register)));
        }
        assert_eq!(made, 3);
        assert!(remembered.of(&oid(UNKNOWN), || None).is_none());
    }
}
