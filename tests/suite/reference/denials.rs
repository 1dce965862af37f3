//! Domain §4, denials.

use lupa::wire::v1::Against;
use lupa::wire::v1::Denial;
use lupa::wire::v1::Detail;
use lupa::wire::v1::OrganisationKind;
use lupa::wire::v1::RecordKind;
use lupa::wire::v1::Sector;
use lupa::wire::v1::denial::Scope;

use super::calendar::day;
use super::declarers::may_withdraw_denial;
use super::directory::controller;
use super::directory::is_uusimaa_public_healthcare;
use super::directory::register;
use super::directory::was_held_before_merger_by;
use super::world::Question;
use super::world::World;

/// "Several denials cover: the first of …"
const TOLD_FIRST: [Detail; 9] = [
    Detail::DenialExtensive,
    Detail::DenialAllPatientData,
    Detail::DenialRegister,
    Detail::DenialFormerProvider,
    Detail::DenialServiceTask,
    Detail::DenialServiceEvent,
    Detail::DenialServiceTransaction,
    Detail::DenialDocument,
    Detail::DenialPrescription,
];

/// A way in which a denial covers the record.
pub(super) struct Cover<'a> {
    denial: &'a Denial,
    detail: Detail,
    /// "A FORMER_PROVIDER denial is against all", and so is an extensive one.
    against_all: bool,
}

/// Recorded, by whomever, and not withdrawn by someone entitled to it on the
/// day the withdrawal was recorded.
fn in_force<'a>(world: &World<'a>) -> Vec<&'a Denial> {
    let mut in_force = Vec::new();
    for recorded in world.recorded() {
        let Some(denial) = recorded.denial() else {
            continue;
        };
        let ended = recorded.withdrawn_at(world.at).is_some_and(|withdrawn_at| {
            let on = day(withdrawn_at);
            may_withdraw_denial(world.client, &recorded, recorded.withdrawer(), on)
        });
        if !ended {
            in_force.push(denial);
        }
    }
    in_force
}

pub(super) fn is_extensive(denial: &Denial) -> bool {
    matches!(denial.scope, Some(Scope::Extensive(_)))
}

/// "A denial counts only in its sector, EXTENSIVE in both." One that is stored
/// for both, though its scope is not listed there, "is honoured (it restricts)".
fn counts_in(denial: &Denial, sector: Sector) -> bool {
    is_extensive(denial) || denial.sector() == sector || denial.sector() == Sector::Both
}

/// Every way in which the denial's scope covers the record, whomever against.
fn covers<'a>(question: &Question, denial: &'a Denial) -> Vec<Cover<'a>> {
    let record = question.record;
    let Some(scope) = &denial.scope else {
        panic!("a denial without a scope is refused");
    };
    if record.kind() == RecordKind::Prescription && !reaches_prescriptions(scope) {
        return Vec::new();
    }
    let cover = |covered: bool, detail: Detail, against_all: bool| {
        covered.then_some(Cover { denial, detail, against_all })
    };
    let covers = match scope {
        // Stored on social welfare it is not listed, and is read as all data of that sector.
        Scope::AllPatientData(_) => vec![cover(true, Detail::DenialAllPatientData, false)],
        Scope::ServiceEvent(id) => {
            vec![cover(*id == record.service_event, Detail::DenialServiceEvent, false)]
        }
        Scope::Register(oid) => vec![
            cover(*oid == question.holder.oid, Detail::DenialRegister, false),
            cover(is_on_former_provider(question, oid), Detail::DenialFormerProvider, true),
        ],
        Scope::Prescription(id) => {
            let is_it = record.kind() == RecordKind::Prescription && *id == record.id;
            vec![cover(is_it, Detail::DenialPrescription, false)]
        }
        Scope::FormerProvider(oid) => {
            vec![cover(comes_from(question, oid), Detail::DenialFormerProvider, true)]
        }
        Scope::ServiceTransaction(id) => {
            vec![cover(*id == record.service_event, Detail::DenialServiceTransaction, false)]
        }
        Scope::Document(id) => vec![cover(*id == record.id, Detail::DenialDocument, false)],
        Scope::ServiceTask(code) => vec![cover(
            record.service_tasks.is_empty() || record.service_tasks.contains(code),
            Detail::DenialServiceTask,
            false,
        )],
        Scope::Extensive(_) => vec![cover(true, Detail::DenialExtensive, true)],
    };
    covers.into_iter().flatten().collect()
}

fn reaches_prescriptions(scope: &Scope) -> bool {
    matches!(
        scope,
        Scope::Prescription(_) | Scope::Register(_) | Scope::FormerProvider(_) | Scope::Extensive(_)
    )
}

/// A REGISTER denial on a former provider's register besides counts as one on
/// that provider. It is told of healthcare; in social welfare it restricts as well.
fn is_on_former_provider(question: &Question, oid: &str) -> bool {
    let directory = question.world.directory;
    let Some(register) = register(directory, oid) else {
        return false;
    };
    let provider = controller(directory, register);
    provider.kind() == OrganisationKind::FormerPublic && comes_from(question, &provider.oid)
}

/// "A record whose original controller is that provider, or is unset while the
/// holder's controller is that provider, or succeeded it (anywhere on the
/// chain) and the record is from before the merger."
fn comes_from(question: &Question, provider: &str) -> bool {
    let original = question.record.original_controller.as_str();
    if !original.is_empty() {
        return original == provider;
    }
    question.holder.controller == provider || was_held_before_merger_by(question, provider)
}

/// "In healthcare only": one that is stored for both sectors is against all,
/// and carries no emergency allowance.
fn is_of_healthcare_only(denial: &Denial) -> bool {
    denial.sector() == Sector::Healthcare
}

/// Only in healthcare. A former provider and its successor are two controllers.
fn is_against_requester(question: &Question, cover: &Cover) -> bool {
    let directory = question.world.directory;
    let same_controller = question.requester.controller == question.holder.controller;
    cover.against_all
        || !is_of_healthcare_only(cover.denial)
        || cover.denial.against.is_empty()
        || cover.denial.against().any(|against| match against {
            Against::OtherProviders => !same_controller,
            Against::OwnOtherRegisters => same_controller,
            Against::UusimaaPublicHealthcare => {
                is_uusimaa_public_healthcare(directory, question.requester)
                    && is_uusimaa_public_healthcare(directory, question.holder)
            }
            Against::Unspecified => panic!("such a denial is refused"),
        })
}

/// The denials that cover the record and this requester, within healthcare.
pub(super) fn within_healthcare<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|denial| counts_in(denial, Sector::Healthcare))
        .flat_map(|denial| covers(question, denial))
        .filter(|cover| is_against_requester(question, cover))
        .collect()
}

/// The denials that cover the record, within social welfare.
pub(super) fn within_social_welfare<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|denial| counts_in(denial, Sector::SocialWelfare))
        .flat_map(|denial| covers(question, denial))
        .collect()
}

/// The two exceptions: EXTENSIVE, and PRESCRIPTION on this one, whatever the
/// stored sector and whomever against.
pub(super) fn across_sectors<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|denial| matches!(denial.scope, Some(Scope::Extensive(_) | Scope::Prescription(_))))
        .flat_map(|denial| covers(question, denial))
        .collect()
}

/// ALL_PATIENT_DATA or EXTENSIVE, whatever the stored sector and whomever against.
pub(super) fn of_wellbeing_data<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|denial| matches!(denial.scope, Some(Scope::Extensive(_) | Scope::AllPatientData(_))))
        .flat_map(|denial| covers(question, denial))
        .collect()
}

/// An extensive denial carries no emergency allowance.
pub(super) fn all_allow_emergency(covers: &[Cover]) -> bool {
    covers.iter().all(|cover| {
        cover.denial.allows_emergency && is_of_healthcare_only(cover.denial) && !is_extensive(cover.denial)
    })
}

pub(super) fn first_told(covers: &[Cover]) -> Option<Detail> {
    TOLD_FIRST.into_iter().find(|detail| covers.iter().any(|cover| cover.detail == *detail))
}
