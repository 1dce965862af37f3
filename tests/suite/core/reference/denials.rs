//! Domain §4, denials.

use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{Against, Denial, Detail, Organisation, OrganisationKind, RecordKind, Sector};

use super::calendar::day;
use super::declarers::may_withdraw_denial;
use super::directory::{
    are_both_uusimaa_public_healthcare, controller, has_merged_into, holders_controller, merged_into,
    register, successors, was_held_before_merger_by,
};
use super::world::{Question, Recorded, World};

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
    whom: Whom,
}

/// Whom a denial is against, where it covers the record in this way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// As stored on it, where it may carry that.
    AsTold,
    /// "A FORMER_PROVIDER denial is against all", and so is an extensive one.
    All,
    /// One that was carried over is "against other controllers".
    OtherControllers,
}

/// Recorded, by any declarer, and not withdrawn.
pub(super) fn in_force<'a>(world: &World<'a>) -> Vec<(Recorded<'a>, &'a Denial)> {
    let mut in_force = Vec::new();
    for recorded in world.recorded() {
        if let Some(denial) = recorded.denial()
            && !has_ended(world, &recorded)
        {
            in_force.push((recorded, denial));
        }
    }
    in_force
}

/// Withdrawn by someone entitled to it on the day the withdrawal was recorded,
/// "in which way is not stored", and not on an earlier day than it was given:
/// such a withdrawal "ends no denial".
pub(super) fn has_ended(world: &World, recorded: &Recorded) -> bool {
    recorded.withdrawn_at(world.at).is_some_and(|withdrawn_at| {
        let on = day(withdrawn_at);
        may_withdraw_denial(world.client, recorded, recorded.withdrawer(), on)
            && recorded.given_on() <= recorded.withdrawal_given_on(withdrawn_at)
    })
}

pub(super) fn is_extensive(denial: &Denial) -> bool {
    matches!(denial.scope, Some(Scope::Extensive(_)))
}

/// "A denial counts only in its sector, EXTENSIVE of both in both." One that is
/// stored for both, though its scope is not listed there, "is honoured (it
/// restricts)", and so is an extensive one of healthcare alone.
fn counts_in(denial: &Denial, sector: Sector) -> bool {
    denial.sector() == sector || denial.sector() == Sector::Both
}

/// Every way in which the denial's scope covers the record, against any requester.
fn covers<'a>(question: &Question, denial: &'a Denial) -> Vec<Cover<'a>> {
    let record = question.record;
    let Some(scope) = &denial.scope else {
        panic!("a denial without a scope is refused");
    };
    if record.kind() == RecordKind::Prescription && !reaches_prescriptions(scope) {
        return Vec::new();
    }
    let cover = |covered: bool, detail: Detail, whom: Whom| covered.then_some(Cover { denial, detail, whom });
    let covers = match scope {
        // Stored on social welfare it is not listed, and is read as all data of that sector.
        Scope::AllPatientData(_) => vec![cover(true, Detail::DenialAllPatientData, Whom::AsTold)],
        Scope::ServiceEvent(id) => {
            vec![cover(*id == record.service_event, Detail::DenialServiceEvent, Whom::AsTold)]
        }
        Scope::Register(oid) => {
            let mut covers = vec![cover(is_in_file(question, oid), Detail::DenialRegister, Whom::AsTold)];
            if let Some(provider) = former_provider_with(question, oid) {
                let detail = Detail::DenialFormerProvider;
                covers.push(cover(comes_from(question, provider), detail, Whom::All));
                covers.push(cover(was_carried_over(question, provider), detail, Whom::OtherControllers));
            }
            covers
        }
        Scope::Prescription(id) => {
            let is_it = record.kind() == RecordKind::Prescription && *id == record.id;
            vec![cover(is_it, Detail::DenialPrescription, Whom::AsTold)]
        }
        Scope::FormerProvider(oid) => {
            let detail = Detail::DenialFormerProvider;
            vec![
                cover(comes_from(question, oid), detail, Whom::All),
                cover(was_carried_over(question, oid), detail, Whom::OtherControllers),
            ]
        }
        Scope::ServiceTransaction(id) => {
            vec![cover(*id == record.service_event, Detail::DenialServiceTransaction, Whom::AsTold)]
        }
        Scope::Document(id) => vec![cover(*id == record.id, Detail::DenialDocument, Whom::AsTold)],
        Scope::ServiceTask(code) => vec![cover(
            record.service_tasks.is_empty() || record.service_tasks.contains(code),
            Detail::DenialServiceTask,
            Whom::AsTold,
        )],
        Scope::Extensive(_) => vec![cover(true, Detail::DenialExtensive, Whom::All)],
    };
    covers.into_iter().flatten().collect()
}

fn reaches_prescriptions(scope: &Scope) -> bool {
    matches!(
        scope,
        Scope::Prescription(_) | Scope::Register(_) | Scope::FormerProvider(_) | Scope::Extensive(_)
    )
}

/// "A REGISTER denial covers the whole data file: also what is held in registers
/// that merged into it, at any link of a chain."
fn is_in_file(question: &Question, oid: &str) -> bool {
    let world = &question.world;
    oid == question.holder.oid
        || register(world.directory, oid).is_some_and(|file| has_merged_into(world, question.holder, file))
}

/// "A stored REGISTER denial on a former provider's register, in social welfare
/// too, besides counts as one on that provider."
fn former_provider_with<'a>(question: &Question<'a>, oid: &str) -> Option<&'a str> {
    let directory = question.world.directory;
    let provider = controller(directory, register(directory, oid)?);
    (provider.kind() == OrganisationKind::FormerPublic).then_some(provider.oid.as_str())
}

/// "Where the successor carries its predecessors' denials over, a FORMER_PROVIDER
/// denial covers everything in the successor's files of the kinds that the former
/// provider had". Of the day from which it does nothing is said: it does so before
/// its first day too, at any link of the chain, and whether the file has merged
/// further or not.
fn was_carried_over(question: &Question, provider: &str) -> bool {
    let (world, holder) = (&question.world, question.holder);
    let mut registers = world.directory.registers.iter();
    let had_such =
        registers.any(|register| register.controller == provider && register.kind() == holder.kind());
    let holds = |successor: &Organisation| {
        let merged = merged_into(world, &holder.controller, world.today());
        holder.controller == successor.oid || merged.iter().any(|link| link.oid == successor.oid)
    };
    had_such
        && successors(world.directory, provider)
            .into_iter()
            .any(|successor| successor.carries_former_denials && holds(successor))
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

/// "In healthcare only": one that is stored for both sectors is against all, and
/// carries no emergency allowance; "an EXTENSIVE one carries neither".
pub(super) fn carries_conditions(denial: &Denial) -> bool {
    denial.sector() == Sector::Healthcare && !is_extensive(denial)
}

/// A former provider and its successor are two controllers, but of the holder.
fn is_against_requester(question: &Question, cover: &Cover) -> bool {
    let same_controller = question.requester.controller == holders_controller(question).oid;
    match cover.whom {
        Whom::All => true,
        Whom::OtherControllers => !same_controller,
        Whom::AsTold => {
            !carries_conditions(cover.denial)
                || cover.denial.against.is_empty()
                || cover.denial.against().any(|against| match against {
                    Against::OtherProviders => !same_controller,
                    Against::OwnOtherRegisters => same_controller,
                    Against::UusimaaPublicHealthcare => are_both_uusimaa_public_healthcare(question),
                    Against::Unspecified => panic!("such a denial is refused"),
                })
        }
    }
}

/// The denials that cover the record and this requester, within a sector.
pub(super) fn within<'a>(question: &Question<'a>, sector: Sector) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|(_, denial)| counts_in(denial, sector))
        .flat_map(|(_, denial)| covers(question, denial))
        .filter(|cover| is_against_requester(question, cover))
        .collect()
}

/// "An EXTENSIVE denial of both sectors."
fn is_extensive_of_both(denial: &Denial) -> bool {
    is_extensive(denial) && denial.sector() == Sector::Both
}

/// The two exceptions: EXTENSIVE of both, and PRESCRIPTION on this one, whatever
/// the stored sector and requesters are.
pub(super) fn across_sectors<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|(_, denial)| {
            is_extensive_of_both(denial) || matches!(denial.scope, Some(Scope::Prescription(_)))
        })
        .flat_map(|(_, denial)| covers(question, denial))
        .collect()
}

/// "A denial of patient data does not reach the citizen's own data."
pub(super) fn of_wellbeing_data<'a>(question: &Question<'a>) -> Vec<Cover<'a>> {
    in_force(&question.world)
        .into_iter()
        .filter(|(_, denial)| is_extensive_of_both(denial))
        .flat_map(|(_, denial)| covers(question, denial))
        .collect()
}

pub(super) fn all_allow_emergency(covers: &[Cover]) -> bool {
    covers.iter().all(|cover| carries_conditions(cover.denial) && cover.denial.allows_emergency)
}

pub(super) fn first_told(covers: &[Cover]) -> Option<Detail> {
    TOLD_FIRST.into_iter().find(|detail| covers.iter().any(|cover| cover.detail == *detail))
}
