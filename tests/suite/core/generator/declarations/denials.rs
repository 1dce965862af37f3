//! Denials: of the requested records, of those of a former provider, and repeated ones.

use chrono::{DateTime, Utc};
use lupa::wire::v1::declaration::Content;
use lupa::wire::v1::denial::Scope;
use lupa::wire::v1::{
    Against, AllPatientData, Declaration, Denial, Extensive, RegisterKind, Sector, StoredDeclaration,
};

use super::{BEGINNING, Setting, by_client, store};
use crate::core::generator::directory::{UNKNOWN, organisation_oid};
use crate::core::generator::records::{DOCUMENTS, EVENTS, TASKS};
use crate::core::generator::requests::{Ends, Theme};
use crate::core::generator::rng::Rng;
use crate::core::generator::times::any_instant;
use crate::core::reference::{day, ymd};

/// A denial of what a predecessor of the holder's controller had, if there is one.
pub(super) fn deny_predecessor(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
    stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>,
) {
    let controller = setting.controller(&ends.holder);
    let mut on_chain = setting.successors(&ends.holder);
    on_chain.push(controller);
    let registers = setting.directory.registers.iter();
    let of_predecessors: Vec<_> = registers
        .filter(|register| setting.successors(&register.oid).iter().any(|oid| on_chain.contains(oid)))
        .collect();
    if of_predecessors.is_empty() {
        return;
    }
    let register = rng.pick(&of_predecessors);
    let in_social_welfare = setting.kind(&ends.holder) == Some(RegisterKind::SocialWelfare);
    let of_provider = !in_social_welfare && rng.chance(60);
    let scope = if of_provider {
        Scope::FormerProvider(register.controller.clone())
    } else {
        Scope::Register(register.oid.clone())
    };
    let sector = if in_social_welfare { Sector::SocialWelfare } else { Sector::Healthcare };
    let denial = Denial {
        sector: sector.into(),
        scope: Some(scope),
        against: Vec::new(),
        allows_emergency: false,
        label: String::new(),
    };
    let beginning = ymd(BEGINNING.0, BEGINNING.1, BEGINNING.2);
    let denied_at = any_instant(rng, beginning, day(setting.at)).min(setting.at);
    stored.push((denied_at, by_client(rng, Content::Denial(denial), denied_at)));
}

/// The scope of one that is stored already, mostly as it was.
pub(super) fn deny_again(
    rng: &mut Rng,
    setting: &Setting,
    stored: &mut Vec<(DateTime<Utc>, StoredDeclaration)>,
) {
    let denials = stored.iter().filter_map(|(_, stored)| match stored.declaration.as_ref() {
        Some(Declaration { content: Some(Content::Denial(denial)) }) => Some(denial.clone()),
        _ => None,
    });
    let denials: Vec<Denial> = denials.collect();
    if denials.is_empty() {
        return;
    }
    let mut denial = rng.pick(&denials);
    if rng.chance(30) && denial.sector() == Sector::Healthcare {
        denial.allows_emergency = !denial.allows_emergency;
    }
    store(rng, setting, Content::Denial(denial), stored);
}

/// A denial as clients set them.
pub(in crate::core::generator) fn another_denial(
    rng: &mut Rng,
    setting: &Setting,
    ends: &Ends,
) -> StoredDeclaration {
    let mut stored = Vec::new();
    let denial = denial(rng, setting, ends);
    store(rng, setting, Content::Denial(denial), &mut stored);
    let (_, mut denial) = stored.remove(0);
    denial.id = "another-denial".to_owned();
    denial
}

/// Listed for its sector or not, honoured all the same.
pub(super) fn denial(rng: &mut Rng, setting: &Setting, ends: &Ends) -> Denial {
    let of_theme = match setting.theme {
        Theme::SocialWelfare | Theme::ToHealthcare => Sector::SocialWelfare,
        Theme::Healthcare | Theme::ToSocialWelfare | Theme::Wellbeing => Sector::Healthcare,
    };
    let sector =
        if rng.chance(92) { of_theme } else { rng.pick(&[Sector::Healthcare, Sector::SocialWelfare]) };
    let scope = scope(rng, setting, ends, sector);
    let extensive = matches!(scope, Scope::Extensive(_));
    let sector = if extensive && rng.chance(55) { Sector::Both } else { sector };
    let against = if sector == Sector::Both || rng.chance(50) {
        Vec::new()
    } else {
        let every = [Against::OtherProviders, Against::OwnOtherRegisters, Against::UusimaaPublicHealthcare];
        (0..=rng.below(2)).map(|_| rng.pick(&every).into()).collect()
    };
    Denial {
        sector: sector.into(),
        scope: Some(scope),
        against,
        allows_emergency: sector != Sector::Both && rng.chance(40),
        label: if rng.chance(10) { "the visit in May".to_owned() } else { String::new() },
    }
}

fn scope(rng: &mut Rng, setting: &Setting, ends: &Ends, sector: Sector) -> Scope {
    let in_healthcare = usize::from(sector == Sector::Healthcare);
    let in_social_welfare = 1 - in_healthcare;
    let mut registers = vec![
        ends.holder.clone(),
        ends.holder.clone(),
        ends.requester.clone(),
        rng.pick(&setting.directory.registers).oid,
        UNKNOWN.to_owned(),
    ];
    // The files that the holder has merged into, and those that have merged into it.
    let kinds: Vec<RegisterKind> = setting.kind(&ends.holder).into_iter().collect();
    let into = setting.successors(&ends.holder);
    for _ in 0..2 {
        registers.extend(into.iter().flat_map(|oid| setting.registers(&kinds, Some(oid))));
    }
    let mut formers = [12, 13, 14, 15, 1].map(organisation_oid).to_vec();
    for register in &setting.directory.registers {
        let chain = setting.successors(&register.oid);
        if chain.contains(&setting.controller(&ends.holder)) {
            registers.push(register.oid.clone());
            formers.push(register.controller.clone());
        }
    }
    let all = if setting.theme == Theme::Wellbeing { 30 } else { 14 };
    let extensive = if setting.theme == Theme::Wellbeing { 60 } else { 14 };
    let prescription = if setting.theme == Theme::ToSocialWelfare { 60 } else { 14 };
    let document = rng.pick(&DOCUMENTS).to_owned();
    let choices = [
        (1 + all * in_healthcare, Scope::AllPatientData(AllPatientData {})),
        (1 + 16 * in_healthcare, Scope::ServiceEvent(rng.pick(&EVENTS).to_owned())),
        (24, Scope::Register(rng.pick(&registers))),
        (2 + prescription * in_healthcare, Scope::Prescription(document.clone())),
        (2 + 14 * in_healthcare, Scope::FormerProvider(rng.pick(&formers))),
        (1 + 16 * in_social_welfare, Scope::ServiceTransaction(rng.pick(&EVENTS).to_owned())),
        (1 + 16 * in_social_welfare, Scope::Document(document)),
        (1 + 16 * in_social_welfare, Scope::ServiceTask(rng.pick(&TASKS).to_owned())),
        (extensive, Scope::Extensive(Extensive {})),
    ];
    rng.weighted(&choices)
}
