//! A validated request: the situation that a caller asserts, and its records.

use smallvec::SmallVec;

use super::client_id::ClientId;
use super::day::Day;
use super::declaration::DataKind;
use super::directory::{Holder, RegisterKind, Sector};
use super::inline_list::InlineList;
use super::oid::{Oid, OpaqueId};

/// The assertions of a caller about the situation of a request. What the
/// directory knows is not asserted.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The client whose data is requested.
    pub client: ClientId,
    /// The register on whose behalf data is read.
    pub requester: Oid<'a>,
    /// The channel by which data is shared.
    pub channel: Channel,
    /// Whether the professional has the access right to the data.
    pub access_right: bool,
    /// The ground on which the professional handles the client's data; none = no ground.
    pub ground: Option<Ground>,
    /// Legal grounds instead of consent.
    pub claims: SmallVec<[Claim; 2]>,
}

/// The channel by which data is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Through the Kanta Services.
    Kanta,
    /// From a local database in Uusimaa.
    UusimaaLocalDatabase,
    /// On paper or in the organisation's own systems.
    OutsideKanta,
}

/// The ground on which a professional handles a client's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A care relationship.
    CareRelationship,
    /// A client relationship.
    ClientRelationship,
    /// Another justified ground.
    OtherJustified,
}

/// A legal ground asserted instead of consent, and the conditions it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The legal ground.
    pub kind: ClaimKind,
    /// The conditions not asserted; a claim that lacks one has no effect.
    pub missing: Conditions,
}

/// Conditions, each at most once.
pub type Conditions = InlineList<Condition, { Condition::ALL.len() }>;

/// The kind of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// A right to obtain information, within social welfare (003).
    StatutoryRight,
    /// A social-welfare authority's right to patient data (004).
    SocialWelfareAuthority,
    /// A joint service of the two sectors (004).
    JointService,
    /// The client is unable to decide on giving consent (004).
    ClientUnableToDecide,
    /// The client cannot be asked.
    Emergency,
}

/// A condition that a claim must assert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The provision relied on.
    Provision,
    /// The purpose.
    Purpose,
    /// The data is necessary.
    DataNecessary,
    /// The service is delivered jointly.
    DeliveredJointly,
    /// At a joint service point.
    AtJointServicePoint,
    /// The professional participates in the service.
    ProfessionalParticipates,
    /// Why the client is unable to decide.
    Cause,
    /// The client has no legal representative.
    NoLegalRepresentative,
    /// The data is essential.
    DataEssential,
    /// The client cannot be asked.
    ClientCannotBeAsked,
}

/// A document about which a decision is requested.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The document's set id.
    pub id: OpaqueId<'a>,
    /// The register that holds it.
    pub register: Oid<'a>,
    /// The service event or service transaction; none only if the kind has none.
    pub service_event: Option<OpaqueId<'a>>,
    /// The day on which this version was recorded.
    pub recorded_on: Day,
    /// Its kind.
    pub kind: RecordKind,
    /// The service tasks that it names.
    pub service_tasks: Vec<OpaqueId<'a>>,
    /// The controller before a merger; none = unknown.
    pub original_controller: Option<Oid<'a>>,
    /// The outsourced service in which it was generated, if any.
    pub outsourcing: Option<OutsourcedService<'a>>,
}

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// Patient data of a kind that an allocation can name.
    Patient(DataKind),
    /// A social-welfare client document.
    ClientDocument,
    /// The citizen's own wellbeing data.
    WellbeingData,
}

/// The organiser and the producer of an outsourced service.
#[derive(Clone, Debug)]
pub struct OutsourcedService<'a> {
    /// The organiser.
    pub organiser: Oid<'a>,
    /// The producer.
    pub producer: Oid<'a>,
}

/// A field of a record that cannot be read or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordField {
    /// The document's id.
    Id,
    /// The register.
    Register,
    /// The service event or transaction.
    ServiceEvent,
    /// The recording day.
    RecordedOn,
    /// The kind.
    Kind,
    /// A service task.
    ServiceTasks,
    /// The original controller.
    OriginalController,
    /// The organiser of the outsourced service.
    OutsourcingOrganiser,
    /// The producer of the outsourced service.
    OutsourcingProducer,
}

impl Situation<'_> {
    /// The same situation, owned.
    #[must_use]
    pub fn into_owned(self) -> Situation<'static> {
        let Self { client, requester, channel, access_right, ground, claims } = self;
        Situation { client, requester: requester.into_owned(), channel, access_right, ground, claims }
    }
}

impl RecordKind {
    /// Whether it is a prescription.
    pub(crate) fn is_prescription(self) -> bool {
        self == Self::Patient(DataKind::Prescription)
    }

    /// Whether a record of this kind belongs to a service event or transaction.
    fn has_service_event(self) -> bool {
        !self.is_prescription() && self != Self::WellbeingData
    }

    /// Whether registers of a kind hold records of this kind.
    fn fits(self, register: RegisterKind) -> bool {
        match self {
            Self::Patient(_) => register.sector() == Some(Sector::Healthcare),
            Self::ClientDocument => register.sector() == Some(Sector::SocialWelfare),
            Self::WellbeingData => register == RegisterKind::WellbeingData,
        }
    }
}

impl Record<'_> {
    /// The field that makes the record invalid, if any: a missing id cannot be
    /// checked against denials (domain rules §3).
    pub(crate) fn invalid_field(&self, holder: Option<&Holder<'_>>) -> Option<RecordField> {
        if self.kind.has_service_event() && self.service_event.is_none() {
            return Some(RecordField::ServiceEvent);
        }
        holder.filter(|holder| !self.kind.fits(holder.register.kind)).map(|_| RecordField::Kind)
    }
}

impl RecordField {
    /// The field's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Register => "register",
            Self::ServiceEvent => "service_event",
            Self::RecordedOn => "recorded_on",
            Self::Kind => "kind",
            Self::ServiceTasks => "service_tasks",
            Self::OriginalController => "original_controller",
            Self::OutsourcingOrganiser => "outsourcing.organiser",
            Self::OutsourcingProducer => "outsourcing.producer",
        }
    }
}

impl Condition {
    /// Every condition. The capacity of [`Conditions`] is its length.
    pub const ALL: [Self; 10] = [
        Self::Provision,
        Self::Purpose,
        Self::DataNecessary,
        Self::DeliveredJointly,
        Self::AtJointServicePoint,
        Self::ProfessionalParticipates,
        Self::Cause,
        Self::NoLegalRepresentative,
        Self::DataEssential,
        Self::ClientCannotBeAsked,
    ];

    /// The condition's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Purpose => "purpose",
            Self::DataNecessary => "data_necessary",
            Self::DeliveredJointly => "delivered_jointly",
            Self::AtJointServicePoint => "at_joint_service_point",
            Self::ProfessionalParticipates => "professional_participates",
            Self::Cause => "cause",
            Self::NoLegalRepresentative => "has_legal_representative",
            Self::DataEssential => "data_essential",
            Self::ClientCannotBeAsked => "client_cannot_be_asked",
        }
    }
}
