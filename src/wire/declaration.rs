//! Declarations from the wire: submitted ones strictly, stored ones as they
//! may have come from elsewhere.

mod link;
mod stored;
mod submitted;

use crate::policy::declaration::{
    Against, Allocation, Consent, ConsentKind, Content, DataKind, Declarer, Denial, DenialSector,
    Information, Label, Professional, Recipient, RecordedBy, Role, Scope, Way,
};

use super::limits::VALUES_MAX;
use super::v1;
use super::violation::Violations;

pub use link::{link, stored_link, to_stored_link, unlink};
pub(super) use stored::to_declarer;
pub use stored::{stored_declaration, stored_declarations, to_considered, to_shown, to_stored, to_way};
pub use submitted::{
    Getting, Listing, PrintOrder, Recording, Wait, getting, information_asked, listing, print_order,
    submission, to_notice, viewer_required, withdrawal,
};

/// Whether a declaration is submitted or already stored. What is stored is
/// read even where it could not be recorded today: denials restrict.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Submitted,
    Stored,
}

fn content(
    path: &str,
    message: Option<&v1::Declaration>,
    origin: Origin,
    violations: &mut Violations,
) -> Option<Content> {
    use v1::declaration::Content as Wire;
    let v1::Declaration { content } = violations.required(path, message)?;
    Some(match violations.required(path, content.as_ref())? {
        Wire::Information(message) => {
            Content::Information(information(&format!("{path}.information"), message, violations)?)
        }
        Wire::Consent(message) => {
            Content::Consent(consent(&format!("{path}.consent"), message, origin, violations)?)
        }
        Wire::Denial(message) => {
            Content::Denial(denial(&format!("{path}.denial"), message, origin, violations)?)
        }
    })
}

fn information(path: &str, message: &v1::Information, violations: &mut Violations) -> Option<Information> {
    let v1::Information { version, way } = message;
    let given = if version.is_empty() { None } else { Some(version.as_str()) };
    let version_field = format!("{path}.version");
    let version = violations.required(&version_field, given);
    let version = version.and_then(|version| violations.text(&version_field, version));
    let way = match violations.known(&format!("{path}.way"), *way)? {
        v1::Way::Unspecified => None,
        v1::Way::MyKanta => Some(Way::MyKanta),
        v1::Way::Professional => Some(Way::Professional),
    };
    Some(Information { version: version?, way })
}

fn consent(
    path: &str,
    message: &v1::Consent,
    origin: Origin,
    violations: &mut Violations,
) -> Option<Consent> {
    use v1::ConsentKind as Wire;
    let v1::Consent { kind, allocation, controller } = message;
    let field = format!("{path}.kind");
    let controller_field = format!("{path}.controller");
    let known = violations.known(&field, *kind);
    if known.is_some_and(|kind| kind != Wire::LocalCrossSector)
        && !controller.is_empty()
        && origin == Origin::Submitted
    {
        violations.add(&controller_field, "only a local consent names a controller: leave it out");
    }
    let kind = known.and_then(|kind| {
        Some(match kind {
            Wire::Unspecified => return violations.required(&field, None),
            Wire::Healthcare => ConsentKind::Healthcare,
            Wire::SocialWelfare => ConsentKind::SocialWelfare,
            Wire::PatientDataToSocialWelfare => ConsentKind::PatientDataToSocialWelfare,
            Wire::ClientDataToHealthcare => ConsentKind::ClientDataToHealthcare,
            Wire::WellbeingData => ConsentKind::WellbeingData,
            Wire::LocalCrossSector => ConsentKind::LocalCrossSector {
                controller: violations.owned_oid(&controller_field, controller)?,
            },
            Wire::VerbalPrescription => ConsentKind::VerbalPrescription,
        })
    });
    let allocation = match allocation {
        None => Some(None),
        Some(message) => {
            read_allocation(&format!("{path}.allocation"), message, origin, violations).map(Some)
        }
    };
    Some(Consent { kind: kind?, allocation: allocation? })
}

fn read_allocation(
    path: &str,
    message: &v1::Allocation,
    origin: Origin,
    violations: &mut Violations,
) -> Option<Allocation> {
    let v1::Allocation { recipients, data, service_tasks, recorded_from, recorded_to } = message;
    let recipients = whole(&format!("{path}.recipients"), recipients, violations, recipient);
    let data = whole(&format!("{path}.data"), data, violations, data_kind);
    let service_tasks =
        whole(&format!("{path}.service_tasks"), service_tasks, violations, |field, task, violations| {
            violations.owned_id(field, task)
        });
    let recorded_from = violations.optional_day(&format!("{path}.recorded_from"), recorded_from);
    let recorded_to_field = format!("{path}.recorded_to");
    let recorded_to = violations.optional_day(&recorded_to_field, recorded_to);
    if let (Some(Some(first)), Some(Some(last)), Origin::Submitted) = (recorded_from, recorded_to, origin)
        && last < first
    {
        violations.add(recorded_to_field, "before the first day: give the last day of the period");
    }
    Some(Allocation {
        recipients: recipients?,
        data: data?,
        service_tasks: service_tasks?,
        recorded_from: recorded_from?,
        recorded_to: recorded_to?,
    })
}

/// All of a list, or none. Every value is read, so that every violation is reported.
fn whole<M, T>(
    path: &str,
    list: &[M],
    violations: &mut Violations,
    read: impl Fn(&str, &M, &mut Violations) -> Option<T>,
) -> Option<Vec<T>> {
    let list = violations.bounded(path, list, VALUES_MAX)?.iter().enumerate();
    let read: Vec<Option<T>> =
        list.map(|(place, one)| read(&format!("{path}[{place}]"), one, violations)).collect();
    read.into_iter().collect()
}

fn recipient(path: &str, message: &v1::Recipient, violations: &mut Violations) -> Option<Recipient> {
    use v1::recipient::Kind as Wire;
    let v1::Recipient { kind } = message;
    Some(match violations.required(path, kind.as_ref())? {
        Wire::AllPublic(v1::AllPublic {}) => Recipient::AllPublic,
        Wire::Organisation(oid) => {
            Recipient::Organisation(violations.owned_oid(&format!("{path}.organisation"), oid)?)
        }
    })
}

fn data_kind(field: &str, number: &i32, violations: &mut Violations) -> Option<DataKind> {
    Some(match violations.known(field, *number)? {
        v1::DataKind::Unspecified => return violations.required(field, None),
        v1::DataKind::PatientSummary => DataKind::PatientSummary,
        v1::DataKind::ServiceEventEntry => DataKind::ServiceEventEntry,
        v1::DataKind::StatementOrCertificate => DataKind::StatementOrCertificate,
        v1::DataKind::Prescription => DataKind::Prescription,
    })
}

fn denial(path: &str, message: &v1::Denial, origin: Origin, violations: &mut Violations) -> Option<Denial> {
    // The label is no part of what is denied: `label` reads it.
    let v1::Denial { sector, scope, against, allows_emergency, label: _ } = message;
    let sector_field = format!("{path}.sector");
    let sector = violations.known(&sector_field, *sector).and_then(|sector| {
        Some(match sector {
            v1::Sector::Unspecified => return violations.required(&sector_field, None),
            v1::Sector::Healthcare => DenialSector::Healthcare,
            v1::Sector::SocialWelfare => DenialSector::SocialWelfare,
            v1::Sector::Both => DenialSector::Both,
        })
    });
    let scope_field = format!("{path}.scope");
    let scope = violations
        .required(&scope_field, scope.as_ref())
        .and_then(|scope| read_scope(path, scope, violations));
    let against = whole(&format!("{path}.against"), against, violations, read_against);
    let denial = Denial {
        sector: sector?,
        scope: scope?,
        against: against?.into(),
        allows_emergency: *allows_emergency,
    };
    if origin == Origin::Submitted {
        refuse_what_only_healthcare_has(path, &denial, violations);
    }
    Some(denial)
}

fn refuse_what_only_healthcare_has(path: &str, denial: &Denial, violations: &mut Violations) {
    if denial.sector == DenialSector::Both && denial.scope != Scope::Extensive {
        violations.add(format!("{path}.sector"), "only an extensive denial is for both sectors: name one");
    }
    if denial.sector == DenialSector::Healthcare && denial.scope != Scope::Extensive {
        return;
    }
    if !denial.against.is_empty() {
        violations.add(
            format!("{path}.against"),
            "only a healthcare denial that is not extensive names against whom it is: leave it out",
        );
    }
    if denial.allows_emergency {
        violations.add(
            format!("{path}.allows_emergency"),
            "only a healthcare denial that is not extensive carries the allowance for an emergency: leave it out",
        );
    }
}

/// How the client knows a denial again. Outer none: it cannot be read.
fn label(
    path: &str,
    message: Option<&v1::Declaration>,
    violations: &mut Violations,
) -> Option<Option<Label>> {
    match message.and_then(|message| message.content.as_ref()) {
        Some(v1::declaration::Content::Denial(denial)) if !denial.label.is_empty() => {
            violations.read(&format!("{path}.denial.label"), Label::parse(&denial.label)).map(Some)
        }
        _ => Some(None),
    }
}

fn read_scope(path: &str, scope: &v1::denial::Scope, violations: &mut Violations) -> Option<Scope> {
    use v1::denial::Scope as Wire;
    let oid = |violations: &mut Violations, field: &str, text: &str| {
        violations.owned_oid(&format!("{path}.{field}"), text)
    };
    let id = |violations: &mut Violations, field: &str, text: &str| {
        violations.owned_id(&format!("{path}.{field}"), text)
    };
    Some(match scope {
        Wire::AllPatientData(v1::AllPatientData {}) => Scope::AllPatientData,
        Wire::ServiceEvent(text) => Scope::ServiceEvent(id(violations, "service_event", text)?),
        Wire::Prescription(text) => Scope::Prescription(id(violations, "prescription", text)?),
        Wire::ServiceTransaction(text) => {
            Scope::ServiceTransaction(id(violations, "service_transaction", text)?)
        }
        Wire::Document(text) => Scope::Document(id(violations, "document", text)?),
        Wire::ServiceTask(text) => Scope::ServiceTask(id(violations, "service_task", text)?),
        Wire::Register(text) => Scope::Register(oid(violations, "register", text)?),
        Wire::FormerProvider(text) => Scope::FormerProvider(oid(violations, "former_provider", text)?),
        Wire::Extensive(v1::Extensive {}) => Scope::Extensive,
    })
}

fn read_against(field: &str, number: &i32, violations: &mut Violations) -> Option<Against> {
    Some(match violations.known(field, *number)? {
        v1::Against::Unspecified => return violations.required(field, None),
        v1::Against::OtherProviders => Against::OtherProviders,
        v1::Against::OwnOtherRegisters => Against::OwnOtherRegisters,
        v1::Against::UusimaaPublicHealthcare => Against::UusimaaPublicHealthcare,
    })
}

/// Outer none: unknown; inner none: the role is unknown.
pub(super) fn declarer(
    path: &str,
    message: &v1::Declarer,
    violations: &mut Violations,
) -> Option<Option<Declarer>> {
    let v1::Declarer { role, name, id } = message;
    let role = match violations.known(&format!("{path}.role"), *role)? {
        v1::Role::Unspecified => return Some(None),
        v1::Role::Client => Role::Client,
        v1::Role::Guardian => Role::Guardian,
        v1::Role::LegalRepresentative => Role::LegalRepresentative,
        v1::Role::AuthorisedPerson => Role::AuthorisedPerson,
    };
    let name = violations.text(&format!("{path}.name"), name);
    let id = violations.text(&format!("{path}.id"), id);
    Some(Some(Declarer { role, name: name?, id: id? }))
}

fn recorded_by(path: &str, message: &v1::RecordedBy, violations: &mut Violations) -> Option<RecordedBy> {
    use v1::recorded_by::System as Wire;
    let v1::RecordedBy { system } = message;
    Some(match violations.required(path, system.as_ref())? {
        Wire::MyKanta(v1::MyKanta {}) => RecordedBy::MyKanta,
        Wire::Professional(message) => {
            RecordedBy::Professional(professional(&format!("{path}.professional"), message, violations)?)
        }
    })
}

fn professional(path: &str, message: &v1::Professional, violations: &mut Violations) -> Option<Professional> {
    let v1::Professional { register, organisation, professional } = message;
    let register = violations.owned_oid(&format!("{path}.register"), register);
    let organisation = violations.owned_oid(&format!("{path}.organisation"), organisation);
    let professional = violations.text(&format!("{path}.professional"), professional);
    Some(Professional { register: register?, organisation: organisation?, professional: professional? })
}
