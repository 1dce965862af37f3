//! The vocabulary of an answer: the effect, the public reason, the detail and
//! the obligations. It does not depend on the rules.

use super::directory::RegisterKind;
use super::inline_list::InlineList;
use super::request::{Conditions, RecordField};

/// The answer for one record, and why.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The public reason, which determines the effect.
    pub reason: Reason,
    /// The reason in full, for entitled callers.
    pub detail: Option<Detail>,
    /// The rule that decided; none if the record was invalid.
    pub rule: Option<RuleId>,
    /// The declarations that decided, at most [`DECIDING_MAX`].
    pub declarations: Deciding,
    /// The conditions that the claims lack.
    pub missing: Conditions,
    /// What the caller must do, whatever the effect.
    pub obligations: Obligations,
    /// The field at fault of an invalid record.
    pub invalid_field: Option<RecordField>,
    /// The kind of the register that holds the record; none if it is not known
    /// or the record was invalid. It is for metrics and is not returned to the
    /// caller.
    pub holder: Option<RegisterKind>,
}

/// The id of a rule of the catalogue, such as `hc-consent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(&'static str);

/// The places of the declarations that decided (see `Facts::place`).
pub type Deciding = InlineList<u32, DECIDING_MAX>;

/// Maximum number of deciding declarations in a verdict, so that its size is bounded.
pub const DECIDING_MAX: usize = 4;

/// Whether a record may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It may.
    Permit,
    /// It may not.
    Deny,
}

/// The public reason. It does not distinguish a denial from a missing consent (002).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Use inside the register.
    OwnRegister,
    /// The client's consent.
    Consent,
    /// Public healthcare in Uusimaa, the client informed.
    UusimaaInformed,
    /// A prescription, the client informed.
    PrescriptionInformed,
    /// Between the parties of an outsourced service.
    OutsourcedService,
    /// A right to obtain information under the Act.
    StatutoryRight,
    /// A joint service.
    JointService,
    /// The client is unable to decide.
    ClientUnableToDecide,
    /// The client's local consent.
    LocalConsent,
    /// The client's declarations do not allow it.
    NotShareable,
    /// This sharing has not started or a system is not ready.
    NotOpen,
    /// No justified ground.
    RelationshipMissing,
    /// No access right.
    AccessRightMissing,
    /// A register that the directory does not know.
    UnknownRegister,
    /// The record cannot be read or checked.
    InvalidRecord,
}

/// The reason in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// A denial of all patient data.
    DenialAllPatientData,
    /// A denial of a service event.
    DenialServiceEvent,
    /// A denial of a register.
    DenialRegister,
    /// A denial of a prescription.
    DenialPrescription,
    /// A denial of a former provider.
    DenialFormerProvider,
    /// A denial of a service transaction.
    DenialServiceTransaction,
    /// A denial of a service task.
    DenialServiceTask,
    /// A denial of a document.
    DenialDocument,
    /// An extensive denial.
    DenialExtensive,
    /// The client has not been informed.
    InformationMissing,
    /// No consent was ever given.
    ConsentMissing,
    /// The consent was withdrawn.
    ConsentWithdrawn,
    /// The consent was recorded before the client was informed.
    ConsentBeforeInformation,
    /// The consent covers the Kanta channel only.
    ConsentKantaOnly,
    /// The consent does not reach this recipient.
    ConsentRecipientOutside,
    /// The consent does not cover this data.
    ConsentDataOutside,
    /// The consent does not cover the service tasks.
    ConsentTaskOutside,
    /// The consent does not cover the recording day.
    ConsentPeriodOutside,
    /// The information received does not open local databases.
    LocalDatabaseInformationTooOld,
    /// A local database is only for public healthcare in Uusimaa.
    LocalDatabaseNotPublicUusimaa,
    /// This sharing has not started.
    SharingNotStarted,
    /// A register's system is not ready.
    SystemNotReady,
    /// A claim lacks a condition.
    ClaimIncomplete,
}

/// What the caller must do, on PERMIT and DENY alike. Obligations follow from
/// facts other than denials, so that they reveal nothing about denials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obligation {
    /// Give the client the newest information.
    ProvideInformation,
    /// Use only the data that is necessary.
    NecessaryDataOnly,
    /// An old denial by service provider may apply: check it.
    CheckLegacyDenial,
    /// Check the client's denials before disclosing outside Kanta.
    CheckDenialsBeforeDisclosing,
}

/// Obligations, each at most once.
pub type Obligations = InlineList<Obligation, { Obligation::ALL.len() }>;

impl RuleId {
    pub(crate) const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// The id as text.
    #[inline]
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl Obligation {
    /// Every obligation. The capacity of [`Obligations`] is its length.
    pub const ALL: [Self; 4] = [
        Self::ProvideInformation,
        Self::NecessaryDataOnly,
        Self::CheckLegacyDenial,
        Self::CheckDenialsBeforeDisclosing,
    ];
}

impl Reason {
    /// Whether the record may be shown.
    #[inline]
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::OwnRegister
            | Self::Consent
            | Self::UusimaaInformed
            | Self::PrescriptionInformed
            | Self::OutsourcedService
            | Self::StatutoryRight
            | Self::JointService
            | Self::ClientUnableToDecide
            | Self::LocalConsent => Effect::Permit,
            Self::NotShareable
            | Self::NotOpen
            | Self::RelationshipMissing
            | Self::AccessRightMissing
            | Self::UnknownRegister
            | Self::InvalidRecord => Effect::Deny,
        }
    }
}

impl Verdict {
    /// Whether the record may be shown.
    #[inline]
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.reason.effect()
    }

    /// The answer for a record with a field that cannot be read or checked.
    #[must_use]
    pub fn invalid(field: RecordField) -> Self {
        Self {
            reason: Reason::InvalidRecord,
            detail: None,
            rule: None,
            declarations: InlineList::none(),
            missing: InlineList::none(),
            obligations: InlineList::none(),
            invalid_field: Some(field),
            holder: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new obligation does not compile here until it has its place, and then
    /// has to be in `ALL`, so that no list of obligations drops it.
    #[test]
    fn every_obligation_is_in_the_list_of_all() {
        let next = |obligation: &Obligation| match obligation {
            Obligation::ProvideInformation => Some(Obligation::NecessaryDataOnly),
            Obligation::NecessaryDataOnly => Some(Obligation::CheckLegacyDenial),
            Obligation::CheckLegacyDenial => Some(Obligation::CheckDenialsBeforeDisclosing),
            Obligation::CheckDenialsBeforeDisclosing => None,
        };
        let every = std::iter::successors(Some(Obligation::ProvideInformation), next);
        assert_eq!(every.collect::<Vec<_>>(), Obligation::ALL);
    }
}
