//! A caller and its entitlements.
//!
//! The checks run for each request: they compare bits and hash one OID, and do not allocate.

use std::collections::HashSet;
use std::sync::Arc;

use super::verb::{Verb, Verbs};
use crate::policy::oid::Oid;

/// A caller that the callers file names, or the one caller of a server without a callers file.
#[derive(Debug)]
pub struct Caller {
    /// The name, for logs and metrics: 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: Arc<str>,
    /// A small number. A name keeps its number as long as the process runs, through all reloads.
    pub id: u32,
    /// Whether verdicts carry details.
    pub details: bool,
    /// The space in which idempotency keys are unique. Empty: the space of a server without a callers file.
    pub idempotency_space: Arc<str>,
    pub(super) verbs: Verbs,
    pub(super) organisations: OrganisationScope,
    pub(super) registers: RegisterScope,
}

/// The organisations that a caller may name as requester or recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganisationScope {
    /// Every organisation.
    Any,
    /// These.
    Listed(HashSet<Oid<'static>>),
}

/// The registers about which a caller may send requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterScope {
    /// Every register.
    Any,
    /// These.
    Listed(HashSet<Oid<'static>>),
    /// Those that one of the caller's organisations controls, by the directory in force.
    ByController,
}

impl Caller {
    /// The one caller of a server without a callers file: every verb, any organisation and any register.
    #[must_use]
    pub fn unrestricted(details: bool) -> Self {
        Self {
            name: "local".into(),
            id: 0,
            details,
            idempotency_space: "".into(),
            verbs: Verbs::all(),
            organisations: OrganisationScope::Any,
            registers: RegisterScope::Any,
        }
    }

    /// A caller with public access to a server without a callers file: decisions without details, and changes
    /// without clients.
    #[must_use]
    pub fn public() -> Self {
        let verbs = [Verb::Decide, Verb::Watch].into_iter().collect();
        Self { name: "public".into(), id: 1, verbs, ..Self::unrestricted(false) }
    }

    /// Whether the caller has a verb.
    #[inline]
    #[must_use]
    pub fn may(&self, verb: Verb) -> bool {
        self.verbs.contains(verb)
    }

    /// Whether the caller may send requests about a register. The controller is that of the directory; none =
    /// the register is not in the directory, so that no organisation controls it.
    #[inline]
    #[must_use]
    pub fn may_ask_for_register(&self, register: &Oid<'_>, controller: Option<&Oid<'_>>) -> bool {
        match &self.registers {
            RegisterScope::Any => true,
            RegisterScope::Listed(registers) => registers.contains(register.as_str()),
            RegisterScope::ByController => {
                controller.is_some_and(|controller| self.may_name_organisation(controller))
            }
        }
    }

    /// Whether the caller may name an organisation as the requester's or the recorder's.
    #[inline]
    #[must_use]
    pub fn may_name_organisation(&self, organisation: &Oid<'_>) -> bool {
        match &self.organisations {
            OrganisationScope::Any => true,
            OrganisationScope::Listed(organisations) => organisations.contains(organisation.as_str()),
        }
    }

    /// The caller's verbs.
    #[must_use]
    pub fn verbs(&self) -> Verbs {
        self.verbs
    }

    /// The organisations that the caller may name.
    #[must_use]
    pub fn organisations(&self) -> &OrganisationScope {
        &self.organisations
    }

    /// The registers about which the caller may send requests.
    #[must_use]
    pub fn registers(&self) -> &RegisterScope {
        &self.registers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(text: &str) -> Oid<'_> {
        Oid::parse(text).expect("an OID")
    }

    fn listed(oids: &[&'static str]) -> HashSet<Oid<'static>> {
        oids.iter().map(|text| oid(text)).collect()
    }

    #[test]
    fn an_unrestricted_caller_may_do_everything() {
        let caller = Caller::unrestricted(true);
        assert!(Verb::ALL.into_iter().all(|verb| caller.may(verb)));
        assert!(caller.may_ask_for_register(&oid("1.2"), None));
        assert!(caller.may_name_organisation(&oid("1.2")));
    }

    #[test]
    fn registers_are_any_listed_or_those_of_a_controller() {
        let mut caller = Caller::unrestricted(false);
        caller.organisations = OrganisationScope::Listed(listed(&["1.2.3"]));
        caller.registers = RegisterScope::ByController;
        assert!(caller.may_ask_for_register(&oid("1.2.9"), Some(&oid("1.2.3"))));
        assert!(!caller.may_ask_for_register(&oid("1.2.9"), Some(&oid("1.2.33"))));
        assert!(!caller.may_ask_for_register(&oid("1.2.9"), None));
        assert!(!caller.may_name_organisation(&oid("1.2.33")));
        caller.registers = RegisterScope::Listed(listed(&["1.2.9"]));
        assert!(caller.may_ask_for_register(&oid("1.2.9"), None));
        assert!(!caller.may_ask_for_register(&oid("1.2.3"), Some(&oid("1.2.3"))));
    }

    #[test]
    fn verbs_are_those_given() {
        let mut caller = Caller::unrestricted(false);
        caller.verbs = [Verb::Decide].into_iter().collect();
        assert!(caller.may(Verb::Decide));
        assert!(!caller.may(Verb::Explain) && !caller.may(Verb::Operate));
    }
}
