//! Requests: the requester, the situation and the records.

use chrono::{DateTime, Utc};
use lupa::wire::v1::claim::Kind;
use lupa::wire::v1::{
    Cause, Channel, Claim, ClientUnableToDecide, DecideRequest, Emergency, Ground, JointService, Purpose,
    RegisterKind, Requester, SocialWelfareAuthority, StatutoryRight,
};

use super::directory::UNKNOWN;
use super::rng::Rng;
use super::times::any_instant;
use super::{Setting, records};
use crate::core::reference::ymd;

/// The list of rules that the case is mostly about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Theme {
    Healthcare,
    SocialWelfare,
    ToSocialWelfare,
    ToHealthcare,
    Wellbeing,
}

/// The OIDs of the registers on the two ends.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) requester: String,
    pub(super) holder: String,
}

pub(super) fn theme(rng: &mut Rng) -> Theme {
    rng.weighted(&[
        (34, Theme::Healthcare),
        (21, Theme::SocialWelfare),
        (20, Theme::ToSocialWelfare),
        (14, Theme::ToHealthcare),
        (11, Theme::Wellbeing),
    ])
}

impl Theme {
    fn requester_kinds(self, rng: &mut Rng) -> &'static [RegisterKind] {
        match self {
            Self::Healthcare | Self::ToHealthcare => &HEALTHCARE,
            Self::SocialWelfare | Self::ToSocialWelfare => &[RegisterKind::SocialWelfare],
            Self::Wellbeing => rng.pick(&[&HEALTHCARE[..], &[RegisterKind::SocialWelfare]]),
        }
    }

    fn holder_kinds(self) -> &'static [RegisterKind] {
        match self {
            Self::Healthcare | Self::ToSocialWelfare => &HEALTHCARE,
            Self::SocialWelfare | Self::ToHealthcare => &[RegisterKind::SocialWelfare],
            Self::Wellbeing => &[RegisterKind::WellbeingData],
        }
    }

    fn is_across(self) -> bool {
        matches!(self, Self::ToSocialWelfare | Self::ToHealthcare)
    }
}

const HEALTHCARE: [RegisterKind; 4] = [
    RegisterKind::PublicHealthcare,
    RegisterKind::PublicOccupational,
    RegisterKind::PrivateHealthcare,
    RegisterKind::PrivateOccupational,
];

/// Where the theme's rules change, most of the time.
pub(super) fn instant(rng: &mut Rng, setting: &Setting) -> DateTime<Utc> {
    let (from, to) = match setting.theme {
        Theme::Healthcare => rng.weighted(&[
            (12, (ymd(2019, 1, 1), ymd(2021, 11, 2))),
            (20, (ymd(2021, 10, 30), ymd(2024, 1, 2))),
            (68, (ymd(2023, 12, 30), ymd(2029, 1, 1))),
        ]),
        Theme::SocialWelfare => rng.weighted(&[
            (15, (ymd(2021, 10, 30), ymd(2024, 1, 2))),
            (85, (ymd(2023, 12, 30), ymd(2029, 1, 1))),
        ]),
        Theme::ToSocialWelfare | Theme::ToHealthcare => rng.weighted(&[
            (2, (ymd(2021, 1, 1), ymd(2021, 11, 2))),
            (50, (ymd(2021, 10, 30), ymd(2027, 3, 2))),
            (48, (ymd(2027, 2, 25), ymd(2029, 1, 1))),
        ]),
        Theme::Wellbeing => rng.weighted(&[
            (15, (ymd(2022, 10, 30), ymd(2026, 1, 2))),
            (85, (ymd(2025, 12, 30), ymd(2029, 1, 1))),
        ]),
    };
    if rng.chance(35) {
        return setting.anchors.near(rng, from, to);
    }
    any_instant(rng, from, to)
}

pub(super) fn ends(rng: &mut Rng, setting: &Setting) -> Ends {
    let theme = setting.theme;
    if !theme.is_across() && theme != Theme::Wellbeing && rng.chance(12) {
        return ends_of_outsourcing(rng, setting);
    }
    let requester_kinds = theme.requester_kinds(rng);
    let requesters = setting.registers(requester_kinds, None);
    let holders = setting.registers(theme.holder_kinds(), None);
    let mut ends = Ends { requester: rng.pick(&requesters), holder: rng.pick(&holders) };
    if rng.chance(if theme.is_across() { 55 } else { 15 }) {
        let controller = setting.controller(&ends.requester);
        let same = setting.registers(theme.holder_kinds(), Some(&controller));
        if !same.is_empty() {
            ends.holder = rng.pick(&same);
        }
    } else if theme == Theme::Healthcare && rng.chance(30) {
        let uusimaa: Vec<String> = [2, 3, 4, 5]
            .into_iter()
            .map(super::directory::organisation_oid)
            .flat_map(|oid| setting.registers(&[RegisterKind::PublicHealthcare], Some(&oid)))
            .collect();
        ends = Ends { requester: rng.pick(&uusimaa), holder: rng.pick(&uusimaa) };
    }
    let merged = if theme.is_across() { 45 } else { 25 };
    if theme != Theme::Wellbeing && rng.chance(merged) {
        ends = ends_of_merger(rng, setting).unwrap_or(ends);
    }
    if rng.chance(2) {
        ends.requester = rng.pick(&[UNKNOWN.to_owned(), "1.2.246.10.9001.40".to_owned()]);
    }
    if rng.chance(1) {
        UNKNOWN.clone_into(&mut ends.holder);
    }
    ends
}

/// Held by a former provider, and mostly requested by an organisation on its chain.
fn ends_of_merger(rng: &mut Rng, setting: &Setting) -> Option<Ends> {
    let former = [12, 13, 14, 15, 13].map(super::directory::organisation_oid);
    let holders = setting.registers(setting.theme.holder_kinds(), Some(&rng.pick(&former)));
    if holders.is_empty() {
        return None;
    }
    let holder = rng.pick(&holders);
    let kinds = setting.theme.requester_kinds(rng);
    let mut requesters = setting.registers(kinds, None);
    if rng.chance(75) {
        let chain = setting.successors(&holder);
        let on_chain = chain.iter().flat_map(|oid| setting.registers(kinds, Some(oid)));
        requesters = on_chain.filter(|oid| *oid != holder).collect();
    }
    (!requesters.is_empty()).then(|| Ends { requester: rng.pick(&requesters), holder })
}

/// The organiser's register, or one that it merged into, and one of the
/// producer's, either way round.
fn ends_of_outsourcing(rng: &mut Rng, setting: &Setting) -> Ends {
    let relation = rng.pick(&setting.directory.outsourcing);
    let mut organiser = relation.organiser_register;
    let kind = setting.kind(&organiser);
    let chain = setting.successors(&organiser);
    let merged: Vec<String> = chain
        .iter()
        .flat_map(|oid| setting.registers(&[kind.expect("a known register")], Some(oid)))
        .collect();
    if !merged.is_empty() && rng.chance(60) {
        organiser = rng.pick(&merged);
    }
    let of_producer = setting.registers(setting.theme.holder_kinds(), Some(&relation.producer));
    let producer = if of_producer.is_empty() { organiser.clone() } else { rng.pick(&of_producer) };
    let (requester, holder) = rng.pick(&[(&organiser, &producer), (&producer, &organiser)]);
    Ends { requester: requester.clone(), holder: holder.clone() }
}

pub(super) fn request(rng: &mut Rng, setting: &Setting, ends: &Ends) -> DecideRequest {
    let weights = match setting.theme {
        Theme::Healthcare => (55, 15, 30),
        Theme::SocialWelfare => (52, 3, 45),
        Theme::ToSocialWelfare | Theme::ToHealthcare => (45, 3, 52),
        Theme::Wellbeing => (86, 4, 10),
    };
    let channel = rng.weighted(&[
        (weights.0, Channel::Kanta),
        (weights.1, Channel::UusimaaLocalDatabase),
        (weights.2, Channel::OutsideKanta),
    ]);
    // Within healthcare a client relationship ends it.
    let client_relationship = if setting.theme == Theme::Healthcare { 5 } else { 20 };
    let ground = rng.weighted(&[
        (1, Ground::Unspecified),
        (20, Ground::CareRelationship),
        (client_relationship, Ground::ClientRelationship),
        (20, Ground::OtherJustified),
    ]);
    let records = (0..=rng.below(3)).map(|_| records::record(rng, setting, ends)).collect();
    DecideRequest {
        client: Some(setting.client.clone()),
        requester: Some(Requester {
            register: ends.requester.clone(),
            organisation: String::new(),
            professional: "professional-1".to_owned(),
            system: String::new(),
        }),
        channel: channel.into(),
        access_right: !rng.chance(2),
        ground: ground.into(),
        claims: claims(rng),
        records,
        at_least: String::new(),
        request_id: "request-1".to_owned(),
    }
}

/// At most one of each type, complete or not.
fn claims(rng: &mut Rng) -> Vec<Claim> {
    if rng.chance(50) {
        return Vec::new();
    }
    let makers: [fn(&mut Rng) -> Kind; 5] =
        [statutory_right, social_welfare_authority, joint_service, client_unable_to_decide, emergency];
    let mut claims = Vec::new();
    for maker in makers {
        if rng.chance(33) {
            claims.push(Claim { kind: Some(maker(rng)) });
        }
    }
    claims
}

fn statutory_right(rng: &mut Rng) -> Kind {
    let provision = if rng.chance(65) { "703/2023 64 §" } else { "" };
    Kind::StatutoryRight(StatutoryRight { provision: provision.to_owned() })
}

fn social_welfare_authority(rng: &mut Rng) -> Kind {
    let purpose = rng.pick(&[
        Purpose::Unspecified,
        Purpose::DeterminingNeed,
        Purpose::OrganisingServices,
        Purpose::CheckingInformation,
    ]);
    Kind::SocialWelfareAuthority(SocialWelfareAuthority {
        purpose: purpose.into(),
        data_necessary: rng.chance(75),
    })
}

fn joint_service(rng: &mut Rng) -> Kind {
    Kind::JointService(JointService {
        delivered_jointly: rng.chance(85),
        at_joint_service_point: rng.chance(85),
        professional_participates: rng.chance(85),
        data_necessary: rng.chance(85),
    })
}

fn client_unable_to_decide(rng: &mut Rng) -> Kind {
    let cause = rng.pick(&[
        Cause::Unspecified,
        Cause::MemoryDisorder,
        Cause::MentalDisorder,
        Cause::Disability,
        Cause::OtherLasting,
    ]);
    let has_legal_representative = rng.weighted(&[(10, None), (10, Some(true)), (80, Some(false))]);
    Kind::ClientUnableToDecide(ClientUnableToDecide {
        cause: cause.into(),
        has_legal_representative,
        data_essential: rng.chance(85),
    })
}

fn emergency(rng: &mut Rng) -> Kind {
    Kind::Emergency(Emergency { client_cannot_be_asked: rng.chance(80) })
}
