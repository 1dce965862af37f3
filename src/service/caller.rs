//! The caller of a request: its entitlements, and whose share the request counts to.

use std::sync::Arc;

use tonic::Request;

use super::status::Failure;
use crate::identity::{Caller, RegisterScope, Verb};
use crate::limits::CallerKey;
use crate::policy::declaration::{Professional, RecordedBy};
use crate::policy::directory::Directory;
use crate::policy::link::LinkRecorder;
use crate::policy::oid::Oid;

/// Who sends a request. The server puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct RequestCaller {
    /// The entitlements.
    pub caller: Arc<Caller>,
    /// Whose share the request counts to.
    pub key: CallerKey,
}

impl RequestCaller {
    /// The caller of a request, if it has a verb.
    pub(super) fn entitled<T>(request: &Request<T>, verb: Verb) -> Result<Arc<Self>, Failure> {
        let caller = Self::of(request)?;
        caller.require(verb)?;
        Ok(caller)
    }

    fn of<T>(request: &Request<T>) -> Result<Arc<Self>, Failure> {
        request.extensions().get().map(Arc::clone).ok_or(Failure::Unauthenticated)
    }

    /// The caller of a request, if it may list for some purpose or for none.
    pub(super) fn entitled_to_list<T>(request: &Request<T>) -> Result<Arc<Self>, Failure> {
        let caller = Self::of(request)?;
        let mut listings = Verb::LISTINGS.into_iter();
        if listings.any(|verb| caller.caller.may(verb)) {
            Ok(caller)
        } else {
            Err(Failure::NotEntitled { verb: Verb::List })
        }
    }

    /// Refuses a caller without a verb.
    pub(super) fn require(&self, verb: Verb) -> Result<(), Failure> {
        if self.caller.may(verb) { Ok(()) } else { Err(Failure::NotEntitled { verb }) }
    }

    /// Refuses a requester whose register or organisation is not the caller's.
    pub(super) fn check_requester(
        &self,
        register: &Oid<'_>,
        organisation: &str,
        directory: &Directory,
    ) -> Result<(), Failure> {
        self.check_register(register, directory)?;
        if organisation.is_empty() {
            // It is not named.
            return Ok(());
        }
        // What is no OID is refused elsewhere, or is nobody's organisation.
        let organisation = Oid::parse(organisation).map_err(|_| Failure::OrganisationNotOfCaller)?;
        self.check_organisation(&organisation)
    }

    /// Refuses a register for which the caller may not ask.
    pub(super) fn check_register(&self, register: &Oid<'_>, directory: &Directory) -> Result<(), Failure> {
        // The directory need not be searched for most callers.
        let controller = match self.caller.registers() {
            RegisterScope::ByController => directory.party(register).map(|party| &party.controller.oid),
            RegisterScope::Any | RegisterScope::Listed(_) => None,
        };
        if self.caller.may_ask_for_register(register, controller) {
            Ok(())
        } else {
            Err(Failure::RegisterNotOfCaller)
        }
    }

    fn check_organisation(&self, organisation: &Oid<'_>) -> Result<(), Failure> {
        if self.caller.may_name_organisation(organisation) {
            Ok(())
        } else {
            Err(Failure::OrganisationNotOfCaller)
        }
    }

    /// Refuses a professional, of a register or an organisation that is not the caller's. The client's own service
    /// belongs to no register: only a caller that may ask for any register may record as that.
    pub(super) fn check_recorder(
        &self,
        recorded_by: &RecordedBy,
        directory: &Directory,
    ) -> Result<(), Failure> {
        match recorded_by {
            RecordedBy::MyKanta => self.check_any_register(),
            RecordedBy::Professional(professional) => self.check_professional(professional, directory),
        }
    }

    /// The same for links. The feed of the population register belongs to no register either.
    pub(super) fn check_link_recorder(
        &self,
        recorded_by: &LinkRecorder,
        directory: &Directory,
    ) -> Result<(), Failure> {
        match recorded_by {
            LinkRecorder::PopulationRegister => self.check_any_register(),
            LinkRecorder::Professional(professional) => self.check_professional(professional, directory),
        }
    }

    fn check_any_register(&self) -> Result<(), Failure> {
        match self.caller.registers() {
            RegisterScope::Any => Ok(()),
            RegisterScope::Listed(_) | RegisterScope::ByController => Err(Failure::RegisterNotOfCaller),
        }
    }

    /// Refuses a professional whose register or organisation is not the caller's.
    fn check_professional(&self, professional: &Professional, directory: &Directory) -> Result<(), Failure> {
        let Professional { register, organisation, professional: _ } = professional;
        self.check_register(register, directory)?;
        self.check_organisation(organisation)
    }
}
