//! The reasons for which a declaration or link may not be recorded, viewed or printed.
//! Each refusal has a stable code and a sentence for the professional.

use super::day::Day;

/// The reason for which a declaration may not be recorded, viewed or printed. If
/// several apply, the first in this order is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The client has no declaration with that id.
    #[error(
        "the client has no declaration with this id: list the client's declarations and choose one of them"
    )]
    DeclarationUnknown,
    /// No link of the client has that id.
    #[error("no link of the client has this id: list the client's links and choose one of them")]
    LinkUnknown,
    /// The given time is in the future.
    #[error(
        "the time at which the client said it is in the future: correct the time or the clock of your system"
    )]
    GivenInFuture,
    /// A withdrawal is given on a day before the declaration that it ends.
    #[error(
        "the withdrawal is given on a day before the declaration that it ends: correct the time at which the client withdrew, or choose another declaration"
    )]
    WithdrawalBeforeDeclaration,
    /// The professional's organisation or register is not in the directory.
    #[error(
        "the directory does not know the professional's organisation or register: correct the OIDs, or ask the operator to add them"
    )]
    RecorderUnknown,
    /// The professional is of the other sector.
    #[error(
        "a declaration about one sector is recorded, and its denials are printed, by a professional of that sector or in MyKanta"
    )]
    RecorderSectorNotAllowed,
    /// The register's system does not store declarations yet.
    #[error(
        "your register's information system does not store declarations yet: until then the client declares in MyKanta"
    )]
    RecorderNotReady,
    /// The role does not entitle to this.
    #[error(
        "someone in this role may not do this for the client in this way: a guardian or representative of a minor acknowledges information, gives consents but that to wellbeing data, and sets healthcare denials through a professional of healthcare, and withdraws what a guardian or representative gave; an authorised person acknowledges information in MyKanta; everything else is for the client or an adult's legal representative"
    )]
    DeclarerNotAllowed,
    /// The client has very many declarations.
    #[error(
        "the client has {most} declarations, withdrawn ones included, which is more than a client makes: find the system that records them again and again; the operator may raise `limits.declarations_per_client_max`"
    )]
    TooManyDeclarations {
        /// Maximum number for a declaration of the kind.
        most: usize,
    },
    /// There is no such version of the information.
    #[error("there is no such version of the Information about the Kanta Services: use one of {known}")]
    InformationVersionUnknown {
        /// The known versions.
        known: String,
    },
    /// The version is received before its release.
    #[error(
        "this version of the Information about the Kanta Services was released on {released}: it cannot have been received before that day"
    )]
    InformationVersionNotReleased {
        /// Its release.
        released: Day,
    },
    /// The version is received after the end of its validity.
    #[error(
        "this version of the Information about the Kanta Services was valid until the day before {ended}: it cannot have been received on {ended} or later; give the newest version"
    )]
    InformationVersionEnded {
        /// First day on which it was no longer valid.
        ended: Day,
    },
    /// The client had not been informed when the consent was given.
    #[error(
        "the client must receive the Information about the Kanta Services before giving consent, on the same day at the latest: give version {newest}, record it, and let the client give the consent then"
    )]
    InformationRequired {
        /// The version to give.
        newest: String,
    },
    /// Information that was received cannot be withdrawn.
    #[error("that information was received cannot be withdrawn")]
    InformationCannotBeWithdrawn,
    /// The kind of consent exists as imported history only.
    #[error(
        "verbal consents to sharing prescriptions ended when the Client Data Act came into force: a prescription is shared once the client is informed"
    )]
    ConsentKindEnded,
    /// The allocation is not offered for the kind of consent.
    #[error(
        "this consent cannot be limited in this way: only consents between social welfare and healthcare can, to all public providers together, to state units or private providers of the receiving sector, to kinds of patient data or to service tasks of client data, and to recording days"
    )]
    ConsentAllocationNotAllowed,
    /// The scope is not offered in the sector or for the register.
    #[error(
        "a denial of this scope is not offered in this sector or for this register: in private healthcare deny service events, elsewhere registers that the directory knows, events, transactions, documents or tasks of the sector; of a merged register deny its successor's; a former provider only for denials given before the counties started operations; everything in healthcare is all patient data"
    )]
    DenialScopeNotAllowed,
    /// Extensive refusals cannot be recorded yet (000).
    #[error("an extensive refusal of all data cannot be recorded yet: record denials for each sector")]
    ExtensiveRefusalNotOpen,
    /// The declaration is no longer in force.
    #[error(
        "the declaration has already been withdrawn, or a later word of the client on the same consent is recorded: list the client's declarations and choose one in force"
    )]
    AlreadyWithdrawn,
    /// Denials may be viewed for three purposes only (002).
    #[error(
        "denials may be viewed only when the client wishes to change or see them, when data is disclosed outside Kanta, or to investigate a problem with data sharing: give the purpose, or leave denials out"
    )]
    ViewingPurposeRequired,
    /// The link was ended before.
    #[error("the link has already been ended: list the client's links to see which are in force")]
    AlreadyUnlinked,
    /// The person would have too many codes, or too many links between them.
    #[error(
        "one person can have at most {codes} linked codes and {links} links in force: check whether all of these codes are one person's, and end the links that are mistakes or repetitions"
    )]
    PersonTooLarge {
        /// Maximum number of codes.
        codes: usize,
        /// Maximum number of links in force.
        links: usize,
    },
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DeclarationUnknown => "DECLARATION_UNKNOWN",
            Self::LinkUnknown => "LINK_UNKNOWN",
            Self::GivenInFuture => "GIVEN_IN_FUTURE",
            Self::WithdrawalBeforeDeclaration => "WITHDRAWAL_BEFORE_DECLARATION",
            Self::RecorderUnknown => "RECORDER_UNKNOWN",
            Self::RecorderSectorNotAllowed => "RECORDER_SECTOR_NOT_ALLOWED",
            Self::RecorderNotReady => "RECORDER_NOT_READY",
            Self::DeclarerNotAllowed => "DECLARER_NOT_ALLOWED",
            Self::TooManyDeclarations { .. } => "TOO_MANY_DECLARATIONS",
            Self::InformationVersionUnknown { .. } => "INFORMATION_VERSION_UNKNOWN",
            Self::InformationVersionNotReleased { .. } => "INFORMATION_VERSION_NOT_RELEASED",
            Self::InformationVersionEnded { .. } => "INFORMATION_VERSION_ENDED",
            Self::InformationRequired { .. } => "INFORMATION_REQUIRED",
            Self::InformationCannotBeWithdrawn => "INFORMATION_CANNOT_BE_WITHDRAWN",
            Self::ConsentKindEnded => "CONSENT_KIND_ENDED",
            Self::ConsentAllocationNotAllowed => "CONSENT_ALLOCATION_NOT_ALLOWED",
            Self::DenialScopeNotAllowed => "DENIAL_SCOPE_NOT_ALLOWED",
            Self::ExtensiveRefusalNotOpen => "EXTENSIVE_REFUSAL_NOT_OPEN",
            Self::AlreadyWithdrawn => "ALREADY_WITHDRAWN",
            Self::ViewingPurposeRequired => "VIEWING_PURPOSE_REQUIRED",
            Self::AlreadyUnlinked => "ALREADY_UNLINKED",
            Self::PersonTooLarge { .. } => "PERSON_TOO_LARGE",
        }
    }
}
