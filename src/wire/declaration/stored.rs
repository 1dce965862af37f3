//! Stored declarations, both ways.

use smallvec::SmallVec;

use crate::policy::day::Instant;
use crate::policy::declaration::{
    Against, Allocation, Consent, ConsentKind, Content, DataKind, Declaration, Declarer, Denial,
    DenialSector, Information, Label, Professional, Recipient, RecordedBy, Role, Scope, Way, Withdrawal,
};
use crate::policy::oid::OpaqueId;
use crate::policy::viewing::Shown;
use crate::wire::directory::text;
use crate::wire::v1;
use crate::wire::violation::{InvalidRequest, Violations, to_timestamp};

use super::{Origin, content, declarer, label, recorded_by};

/// Reads declarations as stored, in revision order, or reports every violation.
pub fn stored_declarations(
    path: &str,
    messages: &[v1::StoredDeclaration],
) -> Result<Vec<Declaration>, InvalidRequest> {
    let mut violations = Violations::default();
    let read: Vec<_> = messages
        .iter()
        .enumerate()
        .filter_map(|(place, message)| stored(&format!("{path}[{place}]"), place, message, &mut violations))
        .collect();
    violations.finish(Some(read))
}

/// Reads a declaration as stored, whose id is required.
pub fn stored_declaration(
    path: &str,
    message: &v1::StoredDeclaration,
) -> Result<Declaration, InvalidRequest> {
    let mut violations = Violations::default();
    if message.id.is_empty() {
        violations.add(format!("{path}.id"), "required");
    }
    let read = stored(path, 0, message, &mut violations);
    violations.finish(read)
}

fn stored(
    path: &str,
    place: usize,
    message: &v1::StoredDeclaration,
    violations: &mut Violations,
) -> Option<Declaration> {
    let v1::StoredDeclaration {
        id,
        declaration,
        given_at,
        recorded_at,
        withdrawn_at,
        withdrawn_by,
        declarer: declared_by,
        recorded_by: stored_by,
        withdrawal_given_at,
        // Answers only.
        replaced_by: _,
        covers: _,
    } = message;
    let named = if id.is_empty() { format!("declaration-{}", place + 1) } else { id.clone() };
    let id = violations.read(&format!("{path}.id"), OpaqueId::parse(named));
    let content = content(&format!("{path}.declaration"), declaration.as_ref(), Origin::Stored, violations);
    let label = label(&format!("{path}.declaration"), declaration.as_ref(), violations);
    let recorded_at_field = format!("{path}.recorded_at");
    let recorded_at = violations
        .required(&recorded_at_field, recorded_at.as_ref())
        .and_then(|timestamp| violations.instant(&recorded_at_field, timestamp));
    let given_at = violations.optional_instant(&format!("{path}.given_at"), given_at.as_ref());
    let withdrawn_at = violations.optional_instant(&format!("{path}.withdrawn_at"), withdrawn_at.as_ref());
    let withdrawal_given_at =
        violations.optional_instant(&format!("{path}.withdrawal_given_at"), withdrawal_given_at.as_ref());
    let withdrawn_by =
        if_known(withdrawn_by.as_ref(), |by| declarer(&format!("{path}.withdrawn_by"), by, violations));
    let declared_by =
        if_known(declared_by.as_ref(), |by| declarer(&format!("{path}.declarer"), by, violations));
    let recorded_by = match stored_by {
        None => Some(None),
        Some(by) => recorded_by(&format!("{path}.recorded_by"), by, violations).map(Some),
    };
    Some(Declaration {
        id: id?,
        content: content?,
        given_at: given_at?.or(recorded_at)?,
        recorded_at: recorded_at?,
        withdrawal: withdrawal_of(withdrawn_at?, withdrawal_given_at?, withdrawn_by?),
        declarer: declared_by?,
        recorded_by: recorded_by?,
        label: label?,
    })
}

/// Reads a declarer; unset: unknown.
fn if_known(
    message: Option<&v1::Declarer>,
    read: impl FnOnce(&v1::Declarer) -> Option<Option<Declarer>>,
) -> Option<Option<Declarer>> {
    message.map_or(Some(None), read)
}

fn withdrawal_of(
    recorded_at: Option<Instant>,
    given_at: Option<Instant>,
    by: Option<Declarer>,
) -> Option<Withdrawal> {
    recorded_at.map(|recorded_at| Withdrawal { recorded_at, given_at: given_at.unwrap_or(recorded_at), by })
}

/// Writes a declaration as it is stored. One that cannot be read has no content.
#[must_use]
pub fn to_stored(declaration: &Declaration) -> v1::StoredDeclaration {
    let Declaration { id, content, given_at, recorded_at, withdrawal, declarer, recorded_by, label } =
        declaration;
    let withdrawn_by = withdrawal.as_ref().and_then(|withdrawal| withdrawal.by.as_ref());
    v1::StoredDeclaration {
        id: id.as_str().to_owned(),
        declaration: to_content(content, label.as_ref()),
        given_at: Some(to_timestamp(*given_at)),
        recorded_at: Some(to_timestamp(*recorded_at)),
        withdrawn_at: withdrawal.as_ref().map(|withdrawal| to_timestamp(withdrawal.recorded_at)),
        withdrawn_by: withdrawn_by.map(to_declarer),
        declarer: declarer.as_ref().map(to_declarer),
        recorded_by: recorded_by.as_ref().map(to_recorded_by),
        withdrawal_given_at: withdrawal.as_ref().map(|withdrawal| to_timestamp(withdrawal.given_at)),
        replaced_by: String::new(),
        covers: Vec::new(),
    }
}

/// Writes a declaration as an explanation considers it: a denial's label is for
/// the client's eyes and decides nothing.
#[must_use]
pub fn to_considered(declaration: &Declaration) -> v1::StoredDeclaration {
    let Declaration { content, .. } = declaration;
    v1::StoredDeclaration { declaration: to_content(content, None), ..to_stored(declaration) }
}

/// Writes a declaration as it is shown.
#[must_use]
pub fn to_shown(shown: &Shown<'_>) -> v1::StoredDeclaration {
    let Shown { declaration, replaced_by, covers } = shown;
    v1::StoredDeclaration {
        replaced_by: replaced_by.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        covers: covers.iter().map(ToString::to_string).collect(),
        ..to_stored(declaration)
    }
}

fn to_content(content: &Content, label: Option<&Label>) -> Option<v1::Declaration> {
    use v1::declaration::Content as Wire;
    let content = match content {
        Content::Information(Information { version, way }) => {
            Wire::Information(v1::Information { version: version.to_string(), way: to_way(*way).into() })
        }
        Content::Consent(consent) => Wire::Consent(to_consent(consent)),
        Content::Denial(denial) => Wire::Denial(to_denial(denial, label)),
        Content::Unreadable(_) => return None,
    };
    Some(v1::Declaration { content: Some(content) })
}

/// Writes how information was received.
#[must_use]
pub fn to_way(way: Option<Way>) -> v1::Way {
    match way {
        None => v1::Way::Unspecified,
        Some(Way::MyKanta) => v1::Way::MyKanta,
        Some(Way::Professional) => v1::Way::Professional,
    }
}

fn to_consent(consent: &Consent) -> v1::Consent {
    let Consent { kind, allocation } = consent;
    let controller = match kind {
        ConsentKind::LocalCrossSector { controller } => Some(controller),
        ConsentKind::Healthcare
        | ConsentKind::SocialWelfare
        | ConsentKind::PatientDataToSocialWelfare
        | ConsentKind::ClientDataToHealthcare
        | ConsentKind::WellbeingData
        | ConsentKind::VerbalPrescription => None,
    };
    let kind = match kind {
        ConsentKind::Healthcare => v1::ConsentKind::Healthcare,
        ConsentKind::SocialWelfare => v1::ConsentKind::SocialWelfare,
        ConsentKind::PatientDataToSocialWelfare => v1::ConsentKind::PatientDataToSocialWelfare,
        ConsentKind::ClientDataToHealthcare => v1::ConsentKind::ClientDataToHealthcare,
        ConsentKind::WellbeingData => v1::ConsentKind::WellbeingData,
        ConsentKind::LocalCrossSector { controller: _ } => v1::ConsentKind::LocalCrossSector,
        ConsentKind::VerbalPrescription => v1::ConsentKind::VerbalPrescription,
    };
    v1::Consent {
        kind: kind.into(),
        allocation: allocation.as_ref().map(to_allocation),
        controller: text(controller),
    }
}

fn to_allocation(allocation: &Allocation) -> v1::Allocation {
    use v1::recipient::Kind as Wire;
    let Allocation { recipients, data, service_tasks, recorded_from, recorded_to } = allocation;
    let to_recipient = |recipient: &Recipient| v1::Recipient {
        kind: Some(match recipient {
            Recipient::AllPublic => Wire::AllPublic(v1::AllPublic {}),
            Recipient::Organisation(oid) => Wire::Organisation(oid.to_string()),
        }),
    };
    let to_data_kind = |kind: &DataKind| match kind {
        DataKind::PatientSummary => v1::DataKind::PatientSummary,
        DataKind::ServiceEventEntry => v1::DataKind::ServiceEventEntry,
        DataKind::StatementOrCertificate => v1::DataKind::StatementOrCertificate,
        DataKind::Prescription => v1::DataKind::Prescription,
    };
    v1::Allocation {
        recipients: recipients.iter().map(to_recipient).collect(),
        data: data.iter().map(|kind| to_data_kind(kind).into()).collect(),
        service_tasks: service_tasks.iter().map(|task| task.as_str().to_owned()).collect(),
        recorded_from: text(recorded_from.as_ref()),
        recorded_to: text(recorded_to.as_ref()),
    }
}

fn to_denial(denial: &Denial, label: Option<&Label>) -> v1::Denial {
    use v1::denial::Scope as Wire;
    let Denial { sector, scope, against, allows_emergency } = denial;
    let sector = match sector {
        DenialSector::Healthcare => v1::Sector::Healthcare,
        DenialSector::SocialWelfare => v1::Sector::SocialWelfare,
        DenialSector::Both => v1::Sector::Both,
    };
    let scope = match scope {
        Scope::AllPatientData => Wire::AllPatientData(v1::AllPatientData {}),
        Scope::ServiceEvent(id) => Wire::ServiceEvent(id.as_str().to_owned()),
        Scope::Register(oid) => Wire::Register(oid.to_string()),
        Scope::Prescription(id) => Wire::Prescription(id.as_str().to_owned()),
        Scope::FormerProvider(oid) => Wire::FormerProvider(oid.to_string()),
        Scope::ServiceTransaction(id) => Wire::ServiceTransaction(id.as_str().to_owned()),
        Scope::Document(id) => Wire::Document(id.as_str().to_owned()),
        Scope::ServiceTask(task) => Wire::ServiceTask(task.as_str().to_owned()),
        Scope::Extensive => Wire::Extensive(v1::Extensive {}),
    };
    v1::Denial {
        sector: sector.into(),
        scope: Some(scope),
        against: to_against(against),
        allows_emergency: *allows_emergency,
        label: label.map(|label| label.as_str().to_owned()).unwrap_or_default(),
    }
}

fn to_against(against: &SmallVec<[Against; 3]>) -> Vec<i32> {
    let to_one = |against: &Against| match against {
        Against::OtherProviders => v1::Against::OtherProviders,
        Against::OwnOtherRegisters => v1::Against::OwnOtherRegisters,
        Against::UusimaaPublicHealthcare => v1::Against::UusimaaPublicHealthcare,
    };
    against.iter().map(|one| to_one(one).into()).collect()
}

pub(in crate::wire) fn to_declarer(declarer: &Declarer) -> v1::Declarer {
    let Declarer { role, name, id } = declarer;
    let role = match role {
        Role::Client => v1::Role::Client,
        Role::Guardian => v1::Role::Guardian,
        Role::LegalRepresentative => v1::Role::LegalRepresentative,
        Role::AuthorisedPerson => v1::Role::AuthorisedPerson,
    };
    v1::Declarer { role: role.into(), name: name.to_string(), id: id.to_string() }
}

fn to_recorded_by(recorded_by: &RecordedBy) -> v1::RecordedBy {
    use v1::recorded_by::System as Wire;
    let system = match recorded_by {
        RecordedBy::MyKanta => Wire::MyKanta(v1::MyKanta {}),
        RecordedBy::Professional(professional) => Wire::Professional(to_professional(professional)),
    };
    v1::RecordedBy { system: Some(system) }
}

pub(super) fn to_professional(professional: &Professional) -> v1::Professional {
    let Professional { register, organisation, professional } = professional;
    v1::Professional {
        register: register.to_string(),
        organisation: organisation.to_string(),
        professional: professional.to_string(),
    }
}
