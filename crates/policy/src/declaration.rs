//! What a client has declared: information received, consents and denials.

use smallvec::SmallVec;

use super::day::{Day, Instant, given_on};
use super::directory::Sector;
use super::oid::{Oid, OpaqueId};

/// A client's declarations in revision order, which decides between two that
/// were recorded at the same instant.
pub type ClientDeclarations = [Declaration];

/// A stored declaration. It is never deleted, only withdrawn or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Its id.
    pub id: OpaqueId<'static>,
    /// Its content.
    pub content: Content,
    /// When the client gave it.
    pub given_at: Instant,
    /// When it was stored; it is in force from this instant.
    pub recorded_at: Instant,
    /// Its withdrawal; none = it was not withdrawn.
    pub withdrawal: Option<Withdrawal>,
    /// The person who declared it; none = no role is known.
    pub declarer: Option<Declarer>,
    /// The system or professional that stored it; none = not known.
    pub recorded_by: Option<RecordedBy>,
    /// The client's name for a denial on paper. It affects no decision, so it is
    /// no part of the content.
    pub label: Option<Label>,
}

/// A few words by which the client recognizes a denial on paper.
///
/// It is personal data. It has no `Display`, and its `Debug` prints nothing of
/// it, so that it does not reach logs by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Box<str>);

/// Text that cannot be a label. The error names the fault and not the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// Longer than [`LABEL_CHARACTERS_MAX`].
    #[error("longer than {LABEL_CHARACTERS_MAX} characters: write a few words")]
    TooLong,
    /// A line break or another control character.
    #[error("a line break or another control character: write a few words in one line")]
    Control,
}

/// Maximum length of a label, in characters (api: `denial.label`).
pub const LABEL_CHARACTERS_MAX: usize = 200;

/// The content of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The client received information. It is not consent.
    Information(Information),
    /// Consent to data sharing.
    Consent(Consent),
    /// Denial of consent to data sharing.
    Denial(Denial),
    /// Stored, but this version cannot read it. Fail-closed: an unreadable denial
    /// restricts everything that a denial can restrict; an unreadable consent may
    /// have replaced any earlier one, so no earlier consent counts; unreadable
    /// information does not inform.
    Unreadable(Kind),
}

/// The kind of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Information received.
    Information,
    /// Consent.
    Consent,
    /// Denial.
    Denial,
}

/// The client's receipt of a version of the "Information about the Kanta Services".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Information {
    /// The version.
    pub version: Box<str>,
    /// How it was received; none = not known.
    pub way: Option<Way>,
}

/// How information was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// In MyKanta.
    MyKanta,
    /// From a professional.
    Professional,
}

/// Consent to data sharing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Consent {
    /// The data and the direction that it covers.
    pub kind: ConsentKind<'static>,
    /// Its limits; none = not limited.
    pub allocation: Option<Allocation>,
}

/// The data and the direction that a consent covers. A new consent replaces an
/// earlier one of equal kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConsentKind<'a> {
    /// Patient data between healthcare registers, except prescriptions.
    Healthcare,
    /// Client data between social-welfare registers.
    SocialWelfare,
    /// Patient data, prescriptions too, to social welfare.
    PatientDataToSocialWelfare,
    /// Social-welfare client data to healthcare.
    ClientDataToHealthcare,
    /// The citizen's own data, to both sectors.
    WellbeingData,
    /// Both directions between two registers of the controller, outside Kanta.
    LocalCrossSector {
        /// The controller of both registers.
        controller: Oid<'a>,
    },
    /// Verbal consent to the sharing of prescriptions: imported history only.
    VerbalPrescription,
}

/// The limits of a consent (004): dimensions are ANDed, values in one dimension
/// are ORed, an empty dimension does not limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allocation {
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// The kinds of patient data.
    pub data: Vec<DataKind>,
    /// The service tasks.
    pub service_tasks: Vec<OpaqueId<'static>>,
    /// First recording day covered.
    pub recorded_from: Option<Day>,
    /// Last recording day covered.
    pub recorded_to: Option<Day>,
}

/// A recipient to which a consent is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// All counties and Helsinki; for client data HUS too.
    AllPublic,
    /// A state unit or a private provider.
    Organisation(Oid<'static>),
}

/// A kind of patient data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataKind {
    /// Patient summaries.
    PatientSummary,
    /// All entries of service events; statements are not among them.
    ServiceEventEntry,
    /// Statements and certificates.
    StatementOrCertificate,
    /// Prescriptions.
    Prescription,
}

/// Denial of consent to data sharing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Denial {
    /// The sector in which it counts.
    pub sector: DenialSector,
    /// The data that it covers.
    pub scope: Scope,
    /// The requesters that it is against; empty = all.
    pub against: SmallVec<[Against; 3]>,
    /// Whether the client allows disclosure in an emergency.
    pub allows_emergency: bool,
}

/// The sector in which a denial counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenialSector {
    /// Healthcare.
    Healthcare,
    /// Social welfare.
    SocialWelfare,
    /// Both; an extensive denial.
    Both,
}

/// The data that a denial covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All patient data but prescriptions.
    AllPatientData,
    /// A service event, later entries too.
    ServiceEvent(OpaqueId<'static>),
    /// The data held in a register.
    Register(Oid<'static>),
    /// A prescription.
    Prescription(OpaqueId<'static>),
    /// The data that a former provider had before its merger.
    FormerProvider(Oid<'static>),
    /// A service transaction.
    ServiceTransaction(OpaqueId<'static>),
    /// A document, all versions.
    Document(OpaqueId<'static>),
    /// A service task.
    ServiceTask(OpaqueId<'static>),
    /// Everything in the denial's sector, or in both.
    Extensive,
}

/// The requesters that a healthcare denial is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Against {
    /// Registers of other controllers.
    OtherProviders,
    /// Other registers of the same controller.
    OwnOtherRegisters,
    /// Between two registers of public healthcare in Uusimaa.
    UusimaaPublicHealthcare,
}

/// The withdrawal of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// When it was stored; the declaration is in force until this instant.
    pub recorded_at: Instant,
    /// When the client gave it.
    pub given_at: Instant,
    /// The person who withdrew; none = no role is known.
    pub by: Option<Declarer>,
}

/// The person who declares, as the client or for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declarer {
    /// Their role.
    pub role: Role,
    /// Their name; may be empty.
    pub name: Box<str>,
    /// Their id; may be empty.
    pub id: Box<str>,
}

/// The role of a declarer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The client themselves.
    Client,
    /// A guardian of a minor.
    Guardian,
    /// A legal representative of a minor or an adult.
    LegalRepresentative,
    /// Another person authorised in MyKanta.
    AuthorisedPerson,
}

/// The system or professional that stores, views or prints declarations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordedBy {
    /// The client's own service.
    MyKanta,
    /// A professional.
    Professional(Professional),
}

/// A professional and the register for which they work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Professional {
    /// The register, which gives the sector.
    pub register: Oid<'static>,
    /// The organisation.
    pub organisation: Oid<'static>,
    /// The professional's id; may be empty.
    pub professional: Box<str>,
}

impl Content {
    /// The kind of declaration.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Information(_) => Kind::Information,
            Self::Consent(_) => Kind::Consent,
            Self::Denial(_) => Kind::Denial,
            Self::Unreadable(kind) => *kind,
        }
    }
}

impl DenialSector {
    /// Whether a denial counts in a sector: in its own, or in both.
    #[must_use]
    pub fn includes(self, sector: Sector) -> bool {
        match self {
            Self::Healthcare => sector == Sector::Healthcare,
            Self::SocialWelfare => sector == Sector::SocialWelfare,
            Self::Both => true,
        }
    }
}

impl Scope {
    /// The length of the id in it, in bytes.
    #[inline]
    #[must_use]
    pub fn id_bytes(&self) -> usize {
        match self {
            Self::Register(oid) | Self::FormerProvider(oid) => oid.as_str().len(),
            Self::ServiceEvent(id)
            | Self::Prescription(id)
            | Self::ServiceTransaction(id)
            | Self::Document(id)
            | Self::ServiceTask(id) => id.as_str().len(),
            Self::AllPatientData | Self::Extensive => 0,
        }
    }
}

impl Allocation {
    /// Whether no dimension limits anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { recipients, data, service_tasks, recorded_from, recorded_to } = self;
        recipients.is_empty()
            && data.is_empty()
            && service_tasks.is_empty()
            && recorded_from.is_none()
            && recorded_to.is_none()
    }
}

impl Declaration {
    /// The role in which it was declared.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.declarer.as_ref().map(|declarer| declarer.role)
    }

    /// The day on which the client gave it.
    #[must_use]
    pub fn given_on(&self) -> Day {
        given_on(self.given_at, self.recorded_at)
    }
}

impl Label {
    /// Parses a label: up to [`LABEL_CHARACTERS_MAX`] characters in one line.
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        if text.chars().count() > LABEL_CHARACTERS_MAX {
            return Err(InvalidLabel::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidLabel::Control);
        }
        Ok(Self(text.into()))
    }

    /// The text, to show to the client only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(…)")
    }
}

impl Withdrawal {
    /// The day on which the client gave it.
    #[must_use]
    pub fn given_on(&self) -> Day {
        given_on(self.given_at, self.recorded_at)
    }

    /// The role in which it was made.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.by.as_ref().map(|declarer| declarer.role)
    }
}

#[cfg(test)]
mod tests;
