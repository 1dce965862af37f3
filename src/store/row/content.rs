//! The JSON of a declaration's content.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Unreadable, day_text, oid, opaque_id, parse_day, row_enum};
use crate::policy::declaration as policy;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::store) enum Content<'a> {
    Information {
        #[serde(borrow)]
        version: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        way: Option<Way>,
    },
    Consent {
        #[serde(borrow)]
        kind: ConsentKind<'a>,
        #[serde(borrow, skip_serializing_if = "Option::is_none")]
        allocation: Option<Allocation<'a>>,
    },
    Denial {
        sector: DenialSector,
        #[serde(borrow)]
        scope: Scope<'a>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        against: Vec<Against>,
        allows_emergency: bool,
    },
    /// Imported from a system in which the declaration could not be read.
    Unreadable(Kind),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::store) enum ConsentKind<'a> {
    Healthcare,
    SocialWelfare,
    PatientDataToSocialWelfare,
    ClientDataToHealthcare,
    WellbeingData,
    LocalCrossSector {
        #[serde(borrow)]
        controller: Cow<'a, str>,
    },
    VerbalPrescription,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Allocation<'a> {
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    recipients: Vec<Recipient<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    data: Vec<DataKind>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    service_tasks: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_to: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Recipient<'a> {
    AllPublic,
    Organisation(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Scope<'a> {
    AllPatientData,
    ServiceEvent(#[serde(borrow)] Cow<'a, str>),
    Register(#[serde(borrow)] Cow<'a, str>),
    Prescription(#[serde(borrow)] Cow<'a, str>),
    FormerProvider(#[serde(borrow)] Cow<'a, str>),
    ServiceTransaction(#[serde(borrow)] Cow<'a, str>),
    Document(#[serde(borrow)] Cow<'a, str>),
    ServiceTask(#[serde(borrow)] Cow<'a, str>),
    Extensive,
}

row_enum!(Kind = policy::Kind { Information, Consent, Denial });
row_enum!(Way = policy::Way { MyKanta, Professional });
row_enum!(
    DataKind = policy::DataKind { PatientSummary, ServiceEventEntry, StatementOrCertificate, Prescription }
);
row_enum!(DenialSector = policy::DenialSector { Healthcare, SocialWelfare, Both });
row_enum!(Against = policy::Against { OtherProviders, OwnOtherRegisters, UusimaaPublicHealthcare });

impl<'a> From<&'a policy::Content> for Content<'a> {
    fn from(content: &'a policy::Content) -> Self {
        match content {
            policy::Content::Information(policy::Information { version, way }) => {
                Self::Information { version: Cow::Borrowed(version), way: way.map(Way::from) }
            }
            policy::Content::Consent(policy::Consent { kind, allocation }) => {
                Self::Consent { kind: kind.into(), allocation: allocation.as_ref().map(Allocation::from) }
            }
            policy::Content::Denial(policy::Denial { sector, scope, against, allows_emergency }) => {
                Self::Denial {
                    sector: (*sector).into(),
                    scope: scope.into(),
                    against: against.iter().copied().map(Against::from).collect(),
                    allows_emergency: *allows_emergency,
                }
            }
            policy::Content::Unreadable(kind) => Self::Unreadable((*kind).into()),
        }
    }
}

impl TryFrom<Content<'_>> for policy::Content {
    type Error = Unreadable;

    fn try_from(content: Content<'_>) -> Result<Self, Unreadable> {
        Ok(match content {
            Content::Information { version, way } => Self::Information(policy::Information {
                version: version.into(),
                way: way.map(policy::Way::from),
            }),
            Content::Consent { kind, allocation } => Self::Consent(policy::Consent {
                kind: kind.try_into()?,
                allocation: allocation.map(policy::Allocation::try_from).transpose()?,
            }),
            Content::Denial { sector, scope, against, allows_emergency } => Self::Denial(policy::Denial {
                sector: sector.into(),
                scope: scope.try_into()?,
                against: against.into_iter().map(policy::Against::from).collect(),
                allows_emergency,
            }),
            Content::Unreadable(kind) => Self::Unreadable(kind.into()),
        })
    }
}

impl<'a> From<&'a policy::ConsentKind<'static>> for ConsentKind<'a> {
    fn from(kind: &'a policy::ConsentKind) -> Self {
        match kind {
            policy::ConsentKind::Healthcare => Self::Healthcare,
            policy::ConsentKind::SocialWelfare => Self::SocialWelfare,
            policy::ConsentKind::PatientDataToSocialWelfare => Self::PatientDataToSocialWelfare,
            policy::ConsentKind::ClientDataToHealthcare => Self::ClientDataToHealthcare,
            policy::ConsentKind::WellbeingData => Self::WellbeingData,
            policy::ConsentKind::LocalCrossSector { controller } => {
                Self::LocalCrossSector { controller: controller.as_str().into() }
            }
            policy::ConsentKind::VerbalPrescription => Self::VerbalPrescription,
        }
    }
}

impl TryFrom<ConsentKind<'_>> for policy::ConsentKind<'static> {
    type Error = Unreadable;

    fn try_from(kind: ConsentKind<'_>) -> Result<Self, Unreadable> {
        Ok(match kind {
            ConsentKind::Healthcare => Self::Healthcare,
            ConsentKind::SocialWelfare => Self::SocialWelfare,
            ConsentKind::PatientDataToSocialWelfare => Self::PatientDataToSocialWelfare,
            ConsentKind::ClientDataToHealthcare => Self::ClientDataToHealthcare,
            ConsentKind::WellbeingData => Self::WellbeingData,
            ConsentKind::LocalCrossSector { controller } => {
                Self::LocalCrossSector { controller: oid(controller)? }
            }
            ConsentKind::VerbalPrescription => Self::VerbalPrescription,
        })
    }
}

impl<'a> From<&'a policy::Allocation> for Allocation<'a> {
    fn from(allocation: &'a policy::Allocation) -> Self {
        let policy::Allocation { recipients, data, service_tasks, recorded_from, recorded_to } = allocation;
        Self {
            recipients: recipients.iter().map(Recipient::from).collect(),
            data: data.iter().copied().map(DataKind::from).collect(),
            service_tasks: service_tasks.iter().map(|task| task.as_str().into()).collect(),
            recorded_from: day_text(*recorded_from),
            recorded_to: day_text(*recorded_to),
        }
    }
}

impl TryFrom<Allocation<'_>> for policy::Allocation {
    type Error = Unreadable;

    fn try_from(allocation: Allocation<'_>) -> Result<Self, Unreadable> {
        let Allocation { recipients, data, service_tasks, recorded_from, recorded_to } = allocation;
        Ok(Self {
            recipients: recipients.into_iter().map(policy::Recipient::try_from).collect::<Result<_, _>>()?,
            data: data.into_iter().map(policy::DataKind::from).collect(),
            service_tasks: service_tasks.into_iter().map(opaque_id).collect::<Result<_, _>>()?,
            recorded_from: parse_day(recorded_from)?,
            recorded_to: parse_day(recorded_to)?,
        })
    }
}

impl<'a> From<&'a policy::Recipient> for Recipient<'a> {
    fn from(recipient: &'a policy::Recipient) -> Self {
        match recipient {
            policy::Recipient::AllPublic => Self::AllPublic,
            policy::Recipient::Organisation(oid) => Self::Organisation(oid.as_str().into()),
        }
    }
}

impl TryFrom<Recipient<'_>> for policy::Recipient {
    type Error = Unreadable;

    fn try_from(recipient: Recipient<'_>) -> Result<Self, Unreadable> {
        Ok(match recipient {
            Recipient::AllPublic => Self::AllPublic,
            Recipient::Organisation(text) => Self::Organisation(oid(text)?),
        })
    }
}

impl<'a> From<&'a policy::Scope> for Scope<'a> {
    fn from(scope: &'a policy::Scope) -> Self {
        match scope {
            policy::Scope::AllPatientData => Self::AllPatientData,
            policy::Scope::ServiceEvent(id) => Self::ServiceEvent(id.as_str().into()),
            policy::Scope::Register(oid) => Self::Register(oid.as_str().into()),
            policy::Scope::Prescription(id) => Self::Prescription(id.as_str().into()),
            policy::Scope::FormerProvider(oid) => Self::FormerProvider(oid.as_str().into()),
            policy::Scope::ServiceTransaction(id) => Self::ServiceTransaction(id.as_str().into()),
            policy::Scope::Document(id) => Self::Document(id.as_str().into()),
            policy::Scope::ServiceTask(id) => Self::ServiceTask(id.as_str().into()),
            policy::Scope::Extensive => Self::Extensive,
        }
    }
}

impl TryFrom<Scope<'_>> for policy::Scope {
    type Error = Unreadable;

    fn try_from(scope: Scope<'_>) -> Result<Self, Unreadable> {
        Ok(match scope {
            Scope::AllPatientData => Self::AllPatientData,
            Scope::ServiceEvent(id) => Self::ServiceEvent(opaque_id(id)?),
            Scope::Register(text) => Self::Register(oid(text)?),
            Scope::Prescription(id) => Self::Prescription(opaque_id(id)?),
            Scope::FormerProvider(text) => Self::FormerProvider(oid(text)?),
            Scope::ServiceTransaction(id) => Self::ServiceTransaction(opaque_id(id)?),
            Scope::Document(id) => Self::Document(opaque_id(id)?),
            Scope::ServiceTask(id) => Self::ServiceTask(opaque_id(id)?),
            Scope::Extensive => Self::Extensive,
        })
    }
}

/// Encodes the content of a declaration as in a row.
pub(crate) fn text_of_content(content: &policy::Content) -> String {
    // It has only maps with text keys, which serde always encodes.
    serde_json::to_string(&Content::from(content)).unwrap_or_default()
}

/// Decodes the content of a declaration; `None` if this version cannot read it.
pub(crate) fn content_of_text(text: &str) -> Option<policy::Content> {
    serde_json::from_str::<Content<'_>>(text).ok()?.try_into().ok()
}
