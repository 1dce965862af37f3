//! A question, from the wire. Borrows its ids from what it is read from.

use smallvec::SmallVec;

use crate::policy::day::Day;
use crate::policy::declaration::{DataKind, Professional, RecordedBy};
use crate::policy::directory::Directory;
use crate::policy::oid::{Oid, OpaqueId};
use crate::policy::request::{
    Channel, Claim, ClaimKind, Condition, Conditions, Ground, OutsourcedService, Record, RecordField,
    RecordKind, Situation,
};

use super::client::client_id;
use super::limits::{
    CLAIMS_MAX, PROVISION_CHARACTERS_MAX, REQUEST_ID_CHARACTERS_MAX, SERVICE_TASKS_MAX, TEXT_CHARACTERS_MAX,
};
use super::v1;
use super::view::{OutsourcingView, RecordView, RequestView, RequesterView, ServiceTasks};
use super::violation::{InvalidRequest, Violations};

/// A record, or the field for which it cannot be read.
pub type ReadRecord<'a> = Result<Record<'a>, RecordField>;

/// Reads the situation of a request, or reports every violation. The records are
/// read one by one with [`record`]: a bad one does not fail the others.
pub fn situation<'a>(request: impl Into<RequestView<'a>>) -> Result<Situation<'a>, InvalidRequest> {
    let RequestView {
        client,
        requester,
        channel,
        access_right,
        ground,
        claims,
        record_count,
        // Its length is checked where it is read.
        at_least: _,
        request_id,
    } = request.into();
    let mut violations = Violations::default();
    let client = client_id(client, &mut violations);
    let requester = read_requester(requester, &mut violations);
    let channel = read_channel(channel, &mut violations);
    let ground = read_ground(ground, &mut violations);
    violations.short("request_id", request_id, REQUEST_ID_CHARACTERS_MAX);
    let claims: SmallVec<[Claim; 2]> = violations
        .bounded("claims", &claims, CLAIMS_MAX)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(place, claim)| read_claim(place, claim, &mut violations))
        .collect();
    if record_count == 0 {
        violations.add("records", "required: ask about at least one record");
    }
    let situation = (|| {
        Some(Situation {
            client: client?,
            requester: requester?,
            channel: channel?,
            access_right,
            ground: ground?,
            claims,
        })
    })();
    violations.finish(situation)
}

/// The organisation of the requester, as the caller names it; empty = not named.
#[must_use]
pub fn named_organisation(message: &v1::DecideRequest) -> &str {
    message.requester.as_ref().map_or("", |requester| &requester.organisation)
}

/// The professional of the requester: of the organisation named in the request,
/// or else of the register's controller; none if neither can be read.
#[must_use]
pub fn asked_by(message: &v1::DecideRequest, directory: &Directory) -> Option<RecordedBy> {
    let v1::Requester { register, organisation, professional, system: _ } = message.requester.as_ref()?;
    let register = Oid::parse(register.as_str()).ok()?.into_owned();
    let named = Oid::parse(organisation.as_str()).ok().map(Oid::into_owned);
    let organisation = named.or_else(|| Some(directory.party(&register)?.controller.oid.clone()))?;
    let professional = professional.as_str().into();
    Some(RecordedBy::Professional(Professional { register, organisation, professional }))
}

/// Reads one record, or reports its first invalid field.
pub fn record<'a>(record: impl Into<RecordView<'a>>) -> ReadRecord<'a> {
    record_of(&record.into())
}

/// The same of a view.
#[inline]
pub fn record_of<'a>(view: &RecordView<'a>) -> ReadRecord<'a> {
    let RecordView {
        id,
        register,
        service_event,
        recorded_on,
        kind,
        service_tasks,
        original_controller,
        outsourcing,
    } = *view;
    let tasks = if service_tasks.is_empty() { Ok(Vec::new()) } else { read_tasks(service_tasks) };
    Ok(Record {
        id: OpaqueId::parse(id).map_err(|_| RecordField::Id)?,
        register: Oid::parse(register).map_err(|_| RecordField::Register)?,
        service_event: optional(service_event, OpaqueId::parse).map_err(|_| RecordField::ServiceEvent)?,
        recorded_on: Day::parse(recorded_on).map_err(|_| RecordField::RecordedOn)?,
        kind: record_kind(kind).ok_or(RecordField::Kind)?,
        service_tasks: tasks?,
        original_controller: optional(original_controller, Oid::parse)
            .map_err(|_| RecordField::OriginalController)?,
        outsourcing: outsourcing.map(outsourced_service).transpose()?,
    })
}

fn read_tasks(tasks: ServiceTasks<'_>) -> Result<Vec<OpaqueId<'_>>, RecordField> {
    if tasks.iter().nth(SERVICE_TASKS_MAX).is_some() {
        return Err(RecordField::ServiceTasks);
    }
    tasks.iter().map(|task| OpaqueId::parse(task).map_err(|_| RecordField::ServiceTasks)).collect()
}

/// Empty = unset.
#[inline]
fn optional<'a, T, E>(text: &'a str, parse: impl Fn(&'a str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn outsourced_service(view: OutsourcingView<'_>) -> Result<OutsourcedService<'_>, RecordField> {
    let OutsourcingView { organiser, producer } = view;
    Ok(OutsourcedService {
        organiser: Oid::parse(organiser).map_err(|_| RecordField::OutsourcingOrganiser)?,
        producer: Oid::parse(producer).map_err(|_| RecordField::OutsourcingProducer)?,
    })
}

fn record_kind(number: i32) -> Option<RecordKind> {
    Some(match v1::RecordKind::try_from(number).ok()? {
        v1::RecordKind::Unspecified => return None,
        v1::RecordKind::PatientSummary => RecordKind::Patient(DataKind::PatientSummary),
        v1::RecordKind::ServiceEventEntry => RecordKind::Patient(DataKind::ServiceEventEntry),
        v1::RecordKind::StatementOrCertificate => RecordKind::Patient(DataKind::StatementOrCertificate),
        v1::RecordKind::Prescription => RecordKind::Patient(DataKind::Prescription),
        v1::RecordKind::ClientDocument => RecordKind::ClientDocument,
        v1::RecordKind::WellbeingData => RecordKind::WellbeingData,
    })
}

fn read_requester<'a>(view: Option<RequesterView<'a>>, violations: &mut Violations) -> Option<Oid<'a>> {
    let RequesterView { register, organisation, professional, system } =
        violations.required("requester", view)?;
    // These are for the log.
    for (field, text) in [
        ("requester.organisation", organisation),
        ("requester.professional", professional),
        ("requester.system", system),
    ] {
        violations.short(field, text, TEXT_CHARACTERS_MAX);
    }
    violations.oid("requester.register", register)
}

fn read_channel(number: i32, violations: &mut Violations) -> Option<Channel> {
    Some(match violations.known("channel", number)? {
        v1::Channel::Unspecified => return violations.required("channel", None),
        v1::Channel::Kanta => Channel::Kanta,
        v1::Channel::UusimaaLocalDatabase => Channel::UusimaaLocalDatabase,
        v1::Channel::OutsideKanta => Channel::OutsideKanta,
    })
}

/// Outer none: unknown; inner none: no ground.
fn read_ground(number: i32, violations: &mut Violations) -> Option<Option<Ground>> {
    Some(match violations.known("ground", number)? {
        v1::Ground::Unspecified => None,
        v1::Ground::CareRelationship => Some(Ground::CareRelationship),
        v1::Ground::ClientRelationship => Some(Ground::ClientRelationship),
        v1::Ground::OtherJustified => Some(Ground::OtherJustified),
    })
}

fn read_claim(place: usize, message: &v1::Claim, violations: &mut Violations) -> Option<Claim> {
    use v1::claim::Kind as Wire;
    let field = format!("claims[{place}]");
    let v1::Claim { kind } = message;
    Some(match violations.required(&field, kind.as_ref())? {
        Wire::StatutoryRight(v1::StatutoryRight { provision }) => {
            let provision_field = format!("{field}.statutory_right.provision");
            let provision = violations.short(&provision_field, provision, PROVISION_CHARACTERS_MAX)?;
            Claim {
                kind: ClaimKind::StatutoryRight,
                missing: missing([(Condition::Provision, !provision.trim().is_empty())]),
            }
        }
        Wire::SocialWelfareAuthority(v1::SocialWelfareAuthority { purpose, data_necessary }) => {
            let purpose: v1::Purpose =
                violations.known(&format!("{field}.social_welfare_authority.purpose"), *purpose)?;
            Claim {
                kind: ClaimKind::SocialWelfareAuthority,
                missing: missing([
                    (Condition::Purpose, purpose != v1::Purpose::Unspecified),
                    (Condition::DataNecessary, *data_necessary),
                ]),
            }
        }
        Wire::JointService(v1::JointService {
            delivered_jointly,
            at_joint_service_point,
            professional_participates,
            data_necessary,
        }) => Claim {
            kind: ClaimKind::JointService,
            missing: missing([
                (Condition::DeliveredJointly, *delivered_jointly),
                (Condition::AtJointServicePoint, *at_joint_service_point),
                (Condition::ProfessionalParticipates, *professional_participates),
                (Condition::DataNecessary, *data_necessary),
            ]),
        },
        Wire::ClientUnableToDecide(v1::ClientUnableToDecide {
            cause,
            has_legal_representative,
            data_essential,
        }) => {
            let cause: v1::Cause =
                violations.known(&format!("{field}.client_unable_to_decide.cause"), *cause)?;
            Claim {
                kind: ClaimKind::ClientUnableToDecide,
                missing: missing([
                    (Condition::Cause, cause != v1::Cause::Unspecified),
                    (Condition::NoLegalRepresentative, *has_legal_representative == Some(false)),
                    (Condition::DataEssential, *data_essential),
                ]),
            }
        }
        Wire::Emergency(v1::Emergency { client_cannot_be_asked }) => Claim {
            kind: ClaimKind::Emergency,
            missing: missing([(Condition::ClientCannotBeAsked, *client_cannot_be_asked)]),
        },
    })
}

fn missing<const N: usize>(conditions: [(Condition, bool); N]) -> Conditions {
    conditions.into_iter().filter(|(_, is_met)| !is_met).map(|(condition, _)| condition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::{self, COUNTY, COUNTY_HEALTHCARE};

    type Change = fn(&mut v1::Record);

    fn record_with(change: Change) -> v1::Record {
        let mut record = v1::Record {
            id: "document-1".to_owned(),
            register: "1.2.3".to_owned(),
            recorded_on: "2025-01-02".to_owned(),
            kind: v1::RecordKind::ClientDocument.into(),
            ..v1::Record::default()
        };
        change(&mut record);
        record
    }

    #[test]
    fn the_field_at_fault_of_a_record_is_named_as_on_the_wire() {
        let outsourced = |organiser: &str, producer: &str| {
            Some(v1::OutsourcedService { organiser: organiser.to_owned(), producer: producer.to_owned() })
        };
        let faults: [(Change, &str); 7] = [
            (|record| record.id.clear(), "id"),
            (|record| record.register.clear(), "register"),
            (|record| record.service_event = " ".to_owned(), "service_event"),
            (|record| record.recorded_on.clear(), "recorded_on"),
            (|record| record.kind = 0, "kind"),
            (|record| record.service_tasks = vec![String::new()], "service_tasks"),
            (|record| record.original_controller = "x".to_owned(), "original_controller"),
        ];
        for (change, field) in faults {
            let message = record_with(change);
            assert_eq!(record(&message).map_err(RecordField::name).err(), Some(field));
        }
        for (outsourcing, field) in [
            (outsourced("x", "1.2.3"), "outsourcing.organiser"),
            (outsourced("1.2.3", "x"), "outsourcing.producer"),
        ] {
            let message = v1::Record { outsourcing, ..record_with(|_| {}) };
            assert_eq!(record(&message).map_err(RecordField::name).err(), Some(field));
        }
        let tasks = |count: usize| v1::Record {
            service_tasks: vec!["0101".to_owned(); count],
            ..record_with(|_| {})
        };
        assert!(record(&tasks(SERVICE_TASKS_MAX)).is_ok() && record(&tasks(SERVICE_TASKS_MAX + 1)).is_err());
    }

    #[test]
    fn conditions_that_a_claim_does_not_tell_are_named_as_on_the_wire() {
        use v1::claim::Kind as Wire;
        for (claim, expected) in [
            (Wire::StatutoryRight(v1::StatutoryRight::default()), &["provision"][..]),
            (
                Wire::SocialWelfareAuthority(v1::SocialWelfareAuthority::default()),
                &["purpose", "data_necessary"],
            ),
            (
                Wire::JointService(v1::JointService::default()),
                &[
                    "delivered_jointly",
                    "at_joint_service_point",
                    "professional_participates",
                    "data_necessary",
                ],
            ),
            (
                Wire::ClientUnableToDecide(v1::ClientUnableToDecide::default()),
                &["cause", "has_legal_representative", "data_essential"],
            ),
            (Wire::Emergency(v1::Emergency::default()), &["client_cannot_be_asked"]),
        ] {
            let mut violations = Violations::default();
            let claim = read_claim(0, &v1::Claim { kind: Some(claim) }, &mut violations).expect("a claim");
            let missing: Vec<&str> = claim.missing.iter().map(Condition::name).collect();
            assert_eq!(missing, expected, "{:?}", claim.kind);
        }
    }

    #[test]
    fn who_asks_is_of_the_organisation_told_or_of_the_registers_controller() {
        let directory = samples::directory("");
        let asked = |register: &str, organisation: &str| {
            let requester = v1::Requester {
                register: register.to_owned(),
                organisation: organisation.to_owned(),
                professional: "doctor-1".to_owned(),
                system: String::new(),
            };
            let message = v1::DecideRequest { requester: Some(requester), ..v1::DecideRequest::default() };
            asked_by(&message, &directory)
        };
        let oid = |text: &'static str| Oid::parse(text).expect("an OID");
        let doctor = |register, organisation| {
            Some(RecordedBy::Professional(Professional {
                register: oid(register),
                organisation: oid(organisation),
                professional: "doctor-1".into(),
            }))
        };
        assert_eq!(asked("1.2.3", "1.2.4"), doctor("1.2.3", "1.2.4"));
        assert_eq!(asked(COUNTY_HEALTHCARE, ""), doctor(COUNTY_HEALTHCARE, COUNTY));
        assert_eq!((asked("1.2.3", ""), asked("", "1.2.4")), (None, None));
        assert_eq!(asked_by(&v1::DecideRequest::default(), &directory), None);
    }
}
