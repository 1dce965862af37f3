//! `lupa rules --matrix`: the decision between every two kinds of registers, for
//! every channel and every basis.

use std::fmt::Write as _;

use crate::decide::{ReadRecords, decide};
use crate::policy::World;
use crate::policy::calendar::Calendar;
use crate::policy::day::{Day, Instant};
use crate::policy::facts::Facts;
use crate::wire::v1::claim::Kind;
use crate::wire::v1::declaration::Content;
use crate::wire::v1::denial::Scope;
use crate::wire::v1::{self, Channel, ConsentKind, OrganisationKind, RecordKind, RegisterKind, Role, Sector};
use crate::wire::verdict::{Disclosure, to_verdict};
use crate::wire::violation::{InvalidRequest, to_timestamp};
use crate::wire::{decision, declaration, directory};

use super::super::names::{all, label};
use super::basis::Basis;

const CHANNELS: [Channel; 3] = [Channel::Kanta, Channel::UusimaaLocalDatabase, Channel::OutsideKanta];

const REQUESTER: &str = "1.2.1";
const HOLDER: &str = "1.2.2";
const REQUESTERS_CONTROLLER: &str = "1.2.3";
const HOLDERS_CONTROLLER: &str = "1.2.4";

/// A fictional adult.
const CLIENT: &str = "010181-900C";

/// The day from which every register is ready for every kind of sharing.
const READY_FROM: &str = "2015-01-01";

const RECORD: &str = "record";
const EVENT: &str = "event";

/// Widths in characters.
const BASIS_WIDTH: usize = 46;
const ANSWER_WIDTH: usize = 34;

/// The matrix on a day, as text.
pub(super) fn matrix(day: Day, calendar: &Calendar) -> Result<String, InvalidRequest> {
    let at = noon(day);
    let mut text = format!(
        "Decisions on {day}, at noon. Everyone is ready for everything, the client is an adult, and the\n\
         professional has the access right and a ground. Two controllers, unless it says otherwise.\n\
         PERMIT with its reason; else why not.\n"
    );
    let kinds = all::<RegisterKind>();
    for &requester in &kinds {
        for &holder in &kinds {
            let names = [requester, holder].map(|kind| label::<RegisterKind>(kind.into()));
            let [requester_name, holder_name] = names;
            write_line(
                &mut text,
                &format!("\n{requester_name} asks {holder_name}"),
                CHANNELS.map(channel_name),
            );
            for basis in Basis::ALL.into_iter().filter(|basis| basis.is_of(requester, holder)) {
                let mut answers = [const { String::new() }; CHANNELS.len()];
                for (answer, channel) in answers.iter_mut().zip(CHANNELS) {
                    *answer = MatrixCell { requester, holder, channel, basis, at }.answer(calendar)?;
                }
                write_line(&mut text, &format!("  {}", basis.name()), answers);
            }
        }
    }
    Ok(text)
}

fn channel_name(channel: Channel) -> String {
    label::<Channel>(channel.into())
}

fn write_line(text: &mut String, first: &str, cells: [String; CHANNELS.len()]) {
    // The empty line before a heading does not count towards its width.
    let heading = first.trim_start_matches('\n');
    let newlines = first.len() - heading.len();
    text.extend(std::iter::repeat_n('\n', newlines));
    let mut line = format!("{heading:<BASIS_WIDTH$}");
    for cell in cells {
        // Writing to a string does not fail.
        write!(line, "  {cell:<ANSWER_WIDTH$}").unwrap_or_default();
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn noon(day: Day) -> Instant {
    format!("{day}T10:00:00Z").parse().unwrap_or_default()
}

/// One cell of the matrix.
#[derive(Clone, Copy)]
struct MatrixCell {
    requester: RegisterKind,
    holder: RegisterKind,
    channel: Channel,
    basis: Basis,
    at: Instant,
}

impl MatrixCell {
    fn answer(self, calendar: &Calendar) -> Result<String, InvalidRequest> {
        let directory = directory::directory(&self.directory())?;
        let stored = declaration::stored_declarations("declarations", &self.declarations())?;
        let request = self.request();
        let situation = decision::situation(&request)?;
        let question =
            World { directory: &directory, calendar, now: self.at }.question(&situation, Facts::all(&stored));
        let mut verdict = v1::Verdict::default();
        let Ok(()) = decide(&question, ReadRecords::from([self.record()].as_slice()), |decided| {
            verdict = to_verdict(decided, Disclosure::Detailed, |_| None::<String>);
        });
        let reason = label::<v1::Reason>(verdict.reason);
        Ok(match (verdict.effect(), verdict.details().detail()) {
            (v1::Effect::Permit, _) => format!("PERMIT {reason}"),
            (_, v1::Detail::Unspecified) => reason,
            (_, detail) => label::<v1::Detail>(detail.into()),
        })
    }

    /// Whether both registers have the same controller.
    fn has_one_controller(self) -> bool {
        matches!(self.basis, Basis::LocalConsent | Basis::OneRegister)
    }

    fn holders_register(self) -> &'static str {
        if self.basis == Basis::OneRegister { REQUESTER } else { HOLDER }
    }

    fn directory(self) -> v1::Directory {
        let organisation = |oid: &str, kind: RegisterKind| v1::Organisation {
            oid: oid.to_owned(),
            kind: controller_of(kind).into(),
            uusimaa: self.basis == Basis::BothInUusimaa,
            ..v1::Organisation::default()
        };
        let holders_controller =
            if self.has_one_controller() { REQUESTERS_CONTROLLER } else { HOLDERS_CONTROLLER };
        let registers =
            [(REQUESTER, REQUESTERS_CONTROLLER, self.requester), (HOLDER, holders_controller, self.holder)];
        let registers = registers.map(|(oid, controller, kind)| v1::Register {
            oid: oid.to_owned(),
            controller: controller.to_owned(),
            kind: kind.into(),
            joined_kanta_on: READY_FROM.to_owned(),
            shares_within_sector_from: READY_FROM.to_owned(),
            retrieves_across_sectors_from: READY_FROM.to_owned(),
            retrieves_prescriptions_from: READY_FROM.to_owned(),
            stores_declarations_from: READY_FROM.to_owned(),
            ..v1::Register::default()
        });
        let outsourcing = v1::Outsourcing {
            organiser_register: REQUESTER.to_owned(),
            producer: HOLDERS_CONTROLLER.to_owned(),
            ..v1::Outsourcing::default()
        };
        v1::Directory {
            organisations: vec![
                organisation(REQUESTERS_CONTROLLER, self.requester),
                organisation(HOLDERS_CONTROLLER, self.holder),
            ],
            registers: registers.into(),
            outsourcing: if self.basis == Basis::Outsourced { vec![outsourcing] } else { Vec::new() },
        }
    }

    fn request(self) -> v1::DecideRequest {
        v1::DecideRequest {
            client: Some(v1::ClientId { extension: CLIENT.to_owned(), root: String::new() }),
            requester: Some(v1::Requester { register: REQUESTER.to_owned(), ..v1::Requester::default() }),
            channel: self.channel.into(),
            access_right: true,
            ground: v1::Ground::CareRelationship.into(),
            claims: self.claim().map(|claim| v1::Claim { kind: Some(claim) }).into_iter().collect(),
            records: vec![self.record()],
            ..v1::DecideRequest::default()
        }
    }

    fn claim(self) -> Option<Kind> {
        Some(match self.basis {
            Basis::StatutoryRight => {
                Kind::StatutoryRight(v1::StatutoryRight { provision: "a provision".to_owned() })
            }
            Basis::Authority => Kind::SocialWelfareAuthority(v1::SocialWelfareAuthority {
                purpose: v1::Purpose::OrganisingServices.into(),
                data_necessary: true,
            }),
            Basis::JointService => Kind::JointService(v1::JointService {
                delivered_jointly: true,
                at_joint_service_point: true,
                professional_participates: true,
                data_necessary: true,
            }),
            Basis::Unable => Kind::ClientUnableToDecide(v1::ClientUnableToDecide {
                cause: v1::Cause::MemoryDisorder.into(),
                has_legal_representative: Some(false),
                data_essential: true,
            }),
            Basis::DeniedInEmergency => Kind::Emergency(v1::Emergency { client_cannot_be_asked: true }),
            Basis::Nothing
            | Basis::Informed
            | Basis::Consent
            | Basis::Denied
            | Basis::ExtensivelyDenied
            | Basis::Prescription
            | Basis::PrescriptionDenied
            | Basis::BothInUusimaa
            | Basis::Outsourced
            | Basis::LocalConsent
            | Basis::OneRegister => return None,
        })
    }

    fn record(self) -> v1::Record {
        let is_prescription = matches!(self.basis, Basis::Prescription | Basis::PrescriptionDenied);
        let kind = match self.holder {
            RegisterKind::SocialWelfare => RecordKind::ClientDocument,
            RegisterKind::WellbeingData => RecordKind::WellbeingData,
            RegisterKind::PublicHealthcare
            | RegisterKind::PublicOccupational
            | RegisterKind::PrivateHealthcare
            | RegisterKind::PrivateOccupational
            | RegisterKind::Unspecified => {
                if is_prescription {
                    RecordKind::Prescription
                } else {
                    RecordKind::ServiceEventEntry
                }
            }
        };
        let outsourcing = v1::OutsourcedService {
            organiser: REQUESTERS_CONTROLLER.to_owned(),
            producer: HOLDERS_CONTROLLER.to_owned(),
        };
        v1::Record {
            id: RECORD.to_owned(),
            register: self.holders_register().to_owned(),
            service_event: EVENT.to_owned(),
            recorded_on: READY_FROM.to_owned(),
            kind: kind.into(),
            outsourcing: (self.basis == Basis::Outsourced).then_some(outsourcing),
            ..v1::Record::default()
        }
    }

    /// The declarations, all given at the time of the request, in this order.
    fn declarations(self) -> Vec<v1::StoredDeclaration> {
        let information =
            Content::Information(v1::Information { version: "2.0".to_owned(), way: v1::Way::MyKanta.into() });
        let consents = [
            ConsentKind::Healthcare,
            ConsentKind::SocialWelfare,
            ConsentKind::PatientDataToSocialWelfare,
            ConsentKind::ClientDataToHealthcare,
            ConsentKind::WellbeingData,
        ];
        let consents = consents.map(|kind| consent(kind, ""));
        let (healthcare, social_welfare) = (Sector::Healthcare, Sector::SocialWelfare);
        let everything = || Scope::AllPatientData(v1::AllPatientData {});
        let register = || Scope::Register(HOLDER.to_owned());
        let mut declared = vec![information];
        match self.basis {
            Basis::Nothing
            | Basis::StatutoryRight
            | Basis::Authority
            | Basis::JointService
            | Basis::Unable
            | Basis::Outsourced
            | Basis::OneRegister => declared.clear(),
            Basis::Informed | Basis::Prescription | Basis::BothInUusimaa => {}
            Basis::Consent => declared.extend(consents),
            Basis::Denied => {
                declared.extend(consents);
                declared.extend([
                    denial(healthcare, everything(), false),
                    denial(social_welfare, register(), false),
                ]);
            }
            Basis::DeniedInEmergency => {
                declared.extend(consents);
                declared.push(denial(healthcare, everything(), true));
                declared.push(denial(social_welfare, register(), true));
            }
            Basis::ExtensivelyDenied => {
                declared.extend(consents);
                declared.push(denial(Sector::Both, Scope::Extensive(v1::Extensive {}), false));
            }
            Basis::PrescriptionDenied => {
                declared.extend(consents);
                declared.push(denial(healthcare, Scope::Prescription(RECORD.to_owned()), false));
            }
            Basis::LocalConsent => {
                declared.push(consent(ConsentKind::LocalCrossSector, REQUESTERS_CONTROLLER))
            }
        }
        declared.into_iter().map(|content| stored(content, self.at)).collect()
    }
}

fn controller_of(kind: RegisterKind) -> OrganisationKind {
    match kind {
        RegisterKind::PrivateHealthcare | RegisterKind::PrivateOccupational => OrganisationKind::Private,
        RegisterKind::WellbeingData => OrganisationKind::KantaServices,
        RegisterKind::PublicHealthcare
        | RegisterKind::PublicOccupational
        | RegisterKind::SocialWelfare
        | RegisterKind::Unspecified => OrganisationKind::WellbeingServicesCounty,
    }
}

fn consent(kind: ConsentKind, controller: &str) -> Content {
    Content::Consent(v1::Consent { kind: kind.into(), allocation: None, controller: controller.to_owned() })
}

fn denial(sector: Sector, scope: Scope, allows_emergency: bool) -> Content {
    Content::Denial(v1::Denial {
        sector: sector.into(),
        scope: Some(scope),
        against: Vec::new(),
        allows_emergency,
        label: String::new(),
    })
}

fn stored(content: Content, at: Instant) -> v1::StoredDeclaration {
    v1::StoredDeclaration {
        declaration: Some(v1::Declaration { content: Some(content) }),
        recorded_at: Some(to_timestamp(at)),
        declarer: Some(v1::Declarer { role: Role::Client.into(), ..v1::Declarer::default() }),
        recorded_by: Some(v1::RecordedBy { system: Some(v1::recorded_by::System::MyKanta(v1::MyKanta {})) }),
        ..v1::StoredDeclaration::default()
    }
}
