//! What a client has declared: information received, consents and denials.

use smallvec::SmallVec;

use super::day::{Day, Instant, given_on};
use super::directory::Sector;
use super::oid::{Oid, OpaqueId};

/// A client's declarations in revision order.
///
/// Their order counts where two were recorded at the same instant.
pub type ClientDeclarations = [Declaration];

/// A stored declaration. Never deleted; at most ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Its id.
    pub id: OpaqueId<'static>,
    /// What it says.
    pub content: Content,
    /// When the client said it.
    pub given_at: Instant,
    /// When it was stored; it counts from here.
    pub recorded_at: Instant,
    /// How it was ended.
    pub withdrawal: Option<Withdrawal>,
    /// Who declared it; none = no role was told.
    pub declarer: Option<Declarer>,
    /// Who stored it; none = not told.
    pub recorded_by: Option<RecordedBy>,
    /// How the client knows a denial again on paper. It decides nothing, so it
    /// is no part of the content.
    pub label: Option<Label>,
}

/// A few words by which the client knows a denial again on paper.
///
/// Neither `Display` nor a telling `Debug`: it is personal data and must not
/// reach logs by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Box<str>);

/// Text that cannot be a label. Says what is wrong, not what was written.
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

/// What a declaration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The client received information. Not consent.
    Information(Information),
    /// Consent to data sharing.
    Consent(Consent),
    /// Denial of consent to data sharing.
    Denial(Denial),
    /// Stored, but this version cannot read it. An unreadable denial restricts
    /// everything that a denial can; an unreadable consent may have replaced
    /// any earlier one, so none of these counts; unreadable information does
    /// not inform.
    Unreadable(Kind),
}

/// What kind of declaration it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Information received.
    Information,
    /// Consent.
    Consent,
    /// Denial.
    Denial,
}

/// A version of the "Information about the Kanta Services", received.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Information {
    /// Which version.
    pub version: Box<str>,
    /// How; none = not told.
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
    /// What it covers.
    pub kind: ConsentKind<'static>,
    /// What it is limited to; none = nothing.
    pub allocation: Option<Allocation>,
}

/// What a consent covers. A new consent replaces an earlier one of equal kind.
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
        /// Whose registers.
        controller: Oid<'a>,
    },
    /// Imported history.
    VerbalPrescription,
}

/// What a consent is limited to (004): dimensions are ANDed, values in one
/// dimension ORed, an empty dimension does not limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Allocation {
    /// Who may receive.
    pub recipients: Vec<Recipient>,
    /// Which patient data.
    pub data: Vec<DataKind>,
    /// Which service tasks.
    pub service_tasks: Vec<OpaqueId<'static>>,
    /// First recording day covered.
    pub recorded_from: Option<Day>,
    /// Last recording day covered.
    pub recorded_to: Option<Day>,
}

/// Who may receive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// All counties and Helsinki; for client data HUS too.
    AllPublic,
    /// A state unit or a private provider.
    Organisation(Oid<'static>),
}

/// Which patient data.
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
    /// In which sector it counts.
    pub sector: DenialSector,
    /// Which data.
    pub scope: Scope,
    /// Against whom; empty = all.
    pub against: SmallVec<[Against; 3]>,
    /// The client allows disclosure in an emergency.
    pub allows_emergency: bool,
}

/// In which sector a denial counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenialSector {
    /// Healthcare.
    Healthcare,
    /// Social welfare.
    SocialWelfare,
    /// Both; an extensive denial.
    Both,
}

/// Which data a denial concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All patient data but prescriptions.
    AllPatientData,
    /// A service event, later entries too.
    ServiceEvent(OpaqueId<'static>),
    /// What is held in a register.
    Register(Oid<'static>),
    /// A prescription.
    Prescription(OpaqueId<'static>),
    /// What was a former provider's.
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

/// Against whom a healthcare denial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Against {
    /// Registers of other controllers.
    OtherProviders,
    /// Other registers of the same controller.
    OwnOtherRegisters,
    /// Between two registers of public healthcare in Uusimaa.
    UusimaaPublicHealthcare,
}

/// How a declaration was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// When it was stored; the declaration counts until here.
    pub recorded_at: Instant,
    /// When the client said it.
    pub given_at: Instant,
    /// By whom; none = no role was told.
    pub by: Option<Declarer>,
}

/// Who declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declarer {
    /// In which role.
    pub role: Role,
    /// Their name; may be empty.
    pub name: Box<str>,
    /// Their id; may be empty.
    pub id: Box<str>,
}

/// In which role someone declares.
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

/// Who stores a declaration, views it or prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedBy {
    /// The client's own service.
    MyKanta,
    /// A professional.
    Professional(Professional),
}

/// A professional and the register for which they work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Professional {
    /// The register, which gives the sector.
    pub register: Oid<'static>,
    /// The organisation.
    pub organisation: Oid<'static>,
    /// Who it is; may be empty.
    pub professional: Box<str>,
}

impl Content {
    /// What kind of declaration it is.
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
    /// How many bytes the id in it takes.
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

    /// The day the client said it.
    #[must_use]
    pub fn given_on(&self) -> Day {
        given_on(self.given_at, self.recorded_at)
    }
}

impl Label {
    /// Reads a label: up to [`LABEL_CHARACTERS_MAX`] characters in one line.
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        if text.chars().count() > LABEL_CHARACTERS_MAX {
            return Err(InvalidLabel::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidLabel::Control);
        }
        Ok(Self(text.into()))
    }

    /// The words, for the client's eyes.
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
    /// The day the client said it.
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
