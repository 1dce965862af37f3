//! The JSON body of a directory.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Unreadable, day_text, oid, parse_day, row_enum};
use crate::policy::directory as policy;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Directory<'a> {
    #[serde(borrow)]
    organisations: Vec<Organisation<'a>>,
    #[serde(borrow)]
    registers: Vec<Register<'a>>,
    #[serde(borrow)]
    outsourcing: Vec<Outsourcing<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation<'a> {
    #[serde(borrow)]
    oid: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    kind: OrganisationKind,
    uusimaa: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    operates_from: Option<String>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    successor: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    main_responsibility: Vec<MainResponsibility<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    carries_former_denials: bool,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    name_sv: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    name_en: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MainResponsibility<'a> {
    #[serde(borrow)]
    provider: Cow<'a, str>,
    notified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Register<'a> {
    #[serde(borrow)]
    oid: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    controller: Cow<'a, str>,
    kind: RegisterKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_kanta_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares_within_sector_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieves_across_sectors_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieves_prescriptions_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores_declarations_from: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    name_sv: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    name_en: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outsourcing<'a> {
    #[serde(borrow)]
    organiser_register: Cow<'a, str>,
    #[serde(borrow)]
    producer: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

row_enum!(
    OrganisationKind = policy::OrganisationKind {
        WellbeingServicesCounty,
        CityOfHelsinki,
        HusGroup,
        StateHealthcare,
        DefenceForcesHealthcare,
        StateSocialWelfare,
        Private,
        FormerPublic,
        KantaServices,
    }
);
row_enum!(
    RegisterKind = policy::RegisterKind {
        PublicHealthcare,
        PublicOccupational,
        PrivateHealthcare,
        PrivateOccupational,
        SocialWelfare,
        WellbeingData,
    }
);

/// Omits the field where it is false, so that earlier versions can read a directory without it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl<'a> From<&'a policy::Directory> for Directory<'a> {
    fn from(directory: &'a policy::Directory) -> Self {
        Self {
            organisations: directory.organisations().iter().map(Organisation::from).collect(),
            registers: directory.registers().iter().map(Register::from).collect(),
            outsourcing: directory.outsourcing().iter().map(Outsourcing::from).collect(),
        }
    }
}

impl TryFrom<Directory<'_>> for policy::Directory {
    type Error = Unreadable;

    fn try_from(directory: Directory<'_>) -> Result<Self, Unreadable> {
        let Directory { organisations, registers, outsourcing } = directory;
        Self::build(
            organisations.into_iter().map(policy::Organisation::try_from).collect::<Result<_, _>>()?,
            registers.into_iter().map(policy::Register::try_from).collect::<Result<_, _>>()?,
            outsourcing.into_iter().map(policy::Outsourcing::try_from).collect::<Result<_, _>>()?,
        )
        .map_err(|_| Unreadable)
    }
}

impl<'a> From<&'a policy::Organisation> for Organisation<'a> {
    fn from(organisation: &'a policy::Organisation) -> Self {
        let policy::Organisation {
            oid,
            name: policy::Name { fi, sv, en },
            kind,
            uusimaa,
            operates_from,
            successor,
            main_responsibility,
            carries_former_denials,
        } = organisation;
        Self {
            oid: oid.as_str().into(),
            name: Cow::Borrowed(fi),
            kind: (*kind).into(),
            uusimaa: *uusimaa,
            operates_from: day_text(*operates_from),
            successor: successor.as_ref().map(|oid| oid.as_str().into()),
            main_responsibility: main_responsibility.iter().map(MainResponsibility::from).collect(),
            carries_former_denials: *carries_former_denials,
            name_sv: Cow::Borrowed(sv),
            name_en: Cow::Borrowed(en),
        }
    }
}

impl TryFrom<Organisation<'_>> for policy::Organisation {
    type Error = Unreadable;

    fn try_from(organisation: Organisation<'_>) -> Result<Self, Unreadable> {
        let Organisation {
            oid: text,
            name,
            kind,
            uusimaa,
            operates_from,
            successor,
            main_responsibility,
            carries_former_denials,
            name_sv,
            name_en,
        } = organisation;
        Ok(Self {
            oid: oid(text)?,
            name: policy::Name { fi: name.into(), sv: name_sv.into(), en: name_en.into() },
            kind: kind.into(),
            uusimaa,
            operates_from: parse_day(operates_from)?,
            successor: successor.map(oid).transpose()?,
            main_responsibility: main_responsibility
                .into_iter()
                .map(policy::MainResponsibility::try_from)
                .collect::<Result<_, _>>()?,
            carries_former_denials,
        })
    }
}

impl<'a> From<&'a policy::MainResponsibility> for MainResponsibility<'a> {
    fn from(connection: &'a policy::MainResponsibility) -> Self {
        let policy::MainResponsibility { provider, notified, from, until } = connection;
        Self {
            provider: provider.as_str().into(),
            notified: *notified,
            from: day_text(*from),
            until: day_text(*until),
        }
    }
}

impl TryFrom<MainResponsibility<'_>> for policy::MainResponsibility {
    type Error = Unreadable;

    fn try_from(connection: MainResponsibility<'_>) -> Result<Self, Unreadable> {
        let MainResponsibility { provider, notified, from, until } = connection;
        Ok(Self { provider: oid(provider)?, notified, from: parse_day(from)?, until: parse_day(until)? })
    }
}

impl<'a> From<&'a policy::Register> for Register<'a> {
    fn from(register: &'a policy::Register) -> Self {
        let policy::Register {
            oid,
            name: policy::Name { fi, sv, en },
            controller,
            kind,
            joined_kanta_on,
            shares_within_sector_from,
            retrieves_across_sectors_from,
            retrieves_prescriptions_from,
            stores_declarations_from,
        } = register;
        Self {
            oid: oid.as_str().into(),
            name: Cow::Borrowed(fi),
            controller: controller.as_str().into(),
            kind: (*kind).into(),
            joined_kanta_on: day_text(*joined_kanta_on),
            shares_within_sector_from: day_text(*shares_within_sector_from),
            retrieves_across_sectors_from: day_text(*retrieves_across_sectors_from),
            retrieves_prescriptions_from: day_text(*retrieves_prescriptions_from),
            stores_declarations_from: day_text(*stores_declarations_from),
            name_sv: Cow::Borrowed(sv),
            name_en: Cow::Borrowed(en),
        }
    }
}

impl TryFrom<Register<'_>> for policy::Register {
    type Error = Unreadable;

    fn try_from(register: Register<'_>) -> Result<Self, Unreadable> {
        let Register {
            oid: text,
            name,
            controller,
            kind,
            joined_kanta_on,
            shares_within_sector_from,
            retrieves_across_sectors_from,
            retrieves_prescriptions_from,
            stores_declarations_from,
            name_sv,
            name_en,
        } = register;
        Ok(Self {
            oid: oid(text)?,
            name: policy::Name { fi: name.into(), sv: name_sv.into(), en: name_en.into() },
            controller: oid(controller)?,
            kind: kind.into(),
            joined_kanta_on: parse_day(joined_kanta_on)?,
            shares_within_sector_from: parse_day(shares_within_sector_from)?,
            retrieves_across_sectors_from: parse_day(retrieves_across_sectors_from)?,
            retrieves_prescriptions_from: parse_day(retrieves_prescriptions_from)?,
            stores_declarations_from: parse_day(stores_declarations_from)?,
        })
    }
}

impl<'a> From<&'a policy::Outsourcing> for Outsourcing<'a> {
    fn from(relation: &'a policy::Outsourcing) -> Self {
        let policy::Outsourcing { organiser_register, producer, from, until } = relation;
        Self {
            organiser_register: organiser_register.as_str().into(),
            producer: producer.as_str().into(),
            from: day_text(*from),
            until: day_text(*until),
        }
    }
}

impl TryFrom<Outsourcing<'_>> for policy::Outsourcing {
    type Error = Unreadable;

    fn try_from(relation: Outsourcing<'_>) -> Result<Self, Unreadable> {
        let Outsourcing { organiser_register, producer, from, until } = relation;
        Ok(Self {
            organiser_register: oid(organiser_register)?,
            producer: oid(producer)?,
            from: parse_day(from)?,
            until: parse_day(until)?,
        })
    }
}
