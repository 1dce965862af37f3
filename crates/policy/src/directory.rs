//! Organisations and registers with their dates: reference data that callers do
//! not assert (domain rules §2).

mod built;
mod hash;

use super::calendar::Calendar;
use super::day::{Day, within};
use super::language::Language;
use super::oid::Oid;

pub use built::{Directory, DirectoryFault, DirectoryPlace, SUCCESSORS_MAX, WrongInDirectory};
pub(crate) use hash::ByOid;

/// The two sectors between which data is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sector {
    /// Patient data.
    Healthcare,
    /// Social-welfare client data.
    SocialWelfare,
}

/// The kind of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrganisationKind {
    /// A wellbeing services county.
    WellbeingServicesCounty,
    /// The City of Helsinki.
    CityOfHelsinki,
    /// The HUS Group.
    HusGroup,
    /// A state healthcare unit.
    StateHealthcare,
    /// The healthcare of the Defence Forces.
    DefenceForcesHealthcare,
    /// A state social-welfare unit.
    StateSocialWelfare,
    /// A private provider.
    Private,
    /// A public provider that merged into a county.
    FormerPublic,
    /// The controller of the citizen's own wellbeing data.
    KantaServices,
}

/// The kind of a register: the data that it holds, and the kind of its controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterKind {
    /// Public healthcare.
    PublicHealthcare,
    /// A public provider's occupational healthcare.
    PublicOccupational,
    /// Private healthcare.
    PrivateHealthcare,
    /// Private occupational healthcare.
    PrivateOccupational,
    /// Social welfare.
    SocialWelfare,
    /// The citizen's own wellbeing data.
    WellbeingData,
}

/// A service provider or authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Organisation {
    /// Its OID.
    pub oid: Oid<'static>,
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: OrganisationKind,
    /// Whether it is in Uusimaa.
    pub uusimaa: bool,
    /// First day of operations; none = the day the counties started operations.
    pub operates_from: Option<Day>,
    /// For a former provider, the organisation that it merged into.
    pub successor: Option<Oid<'static>>,
    /// The service providers with main responsibility in connection with which
    /// it operates.
    pub main_responsibility: Vec<MainResponsibility>,
    /// For a successor, whether its predecessors' denials were carried over to
    /// its own files (002: old service-provider-specific denials).
    pub carries_former_denials: bool,
}

/// A name in the languages of printouts; empty if it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    /// In Finnish.
    pub fi: Box<str>,
    /// In Swedish; empty = as in Finnish.
    pub sv: Box<str>,
    /// In English; empty = as in Finnish.
    pub en: Box<str>,
}

/// A private provider's connection to a service provider with main responsibility.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MainResponsibility {
    /// The provider with main responsibility.
    pub provider: Oid<'static>,
    /// Whether the connection was notified to THL's Code service; otherwise it
    /// has no effect.
    pub notified: bool,
    /// First day; none = no bound.
    pub from: Option<Day>,
    /// First day on which it no longer holds; none = no bound.
    pub until: Option<Day>,
}

/// A data file: the unit of sharing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    /// Its OID.
    pub oid: Oid<'static>,
    /// Its name.
    pub name: Name,
    /// The organisation that holds it.
    pub controller: Oid<'static>,
    /// Its kind.
    pub kind: RegisterKind,
    /// The day on which it joined Kanta; none = it has not joined.
    pub joined_kanta_on: Option<Day>,
    /// First day on which it shares within its sector; none = not ready.
    pub shares_within_sector_from: Option<Day>,
    /// First day on which it retrieves across sectors; none = not ready.
    pub retrieves_across_sectors_from: Option<Day>,
    /// First day on which it retrieves prescriptions; none = not ready.
    pub retrieves_prescriptions_from: Option<Day>,
    /// First day on which it stores declarations; none = the day it joined Kanta.
    pub stores_declarations_from: Option<Day>,
}

/// A service that the controller of one register organises and another organisation produces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outsourcing {
    /// The organiser's register.
    pub organiser_register: Oid<'static>,
    /// The producer.
    pub producer: Oid<'static>,
    /// First day; none = no bound.
    pub from: Option<Day>,
    /// First day on which it no longer holds; none = no bound.
    pub until: Option<Day>,
}

/// A register and its controller.
#[derive(Clone, Copy, Debug)]
pub struct Party<'d> {
    /// The register.
    pub register: &'d Register,
    /// The organisation that holds it.
    pub controller: &'d Organisation,
}

/// A register in which records are held, with its controller resolved for a day.
///
/// A former provider's register is part of its successor's data file of the
/// same kind from the successor's first day on (002: the merged providers "use
/// the same patient data file"; domain rules §2).
#[derive(Clone, Copy, Debug)]
pub struct Holder<'d> {
    /// The register.
    pub register: &'d Register,
    /// The controller of the data file on the day: the successor, once the
    /// register has merged.
    pub controller: &'d Organisation,
    /// The controller that the directory names, whose data it was.
    pub named_controller: &'d Organisation,
    is_merged: bool,
}

impl Name {
    /// The name in a language; the Finnish name if there is none in the language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        let name = match language {
            Language::Fi => &self.fi,
            Language::Sv => &self.sv,
            Language::En => &self.en,
        };
        if name.is_empty() { &self.fi } else { name }
    }
}

/// A name that is known in Finnish only.
impl From<&str> for Name {
    fn from(fi: &str) -> Self {
        Self { fi: fi.into(), ..Self::default() }
    }
}

impl RegisterKind {
    /// The sector whose data it holds; none for the citizen's own data.
    #[inline]
    #[must_use]
    pub fn sector(self) -> Option<Sector> {
        match self {
            Self::PublicHealthcare
            | Self::PublicOccupational
            | Self::PrivateHealthcare
            | Self::PrivateOccupational => Some(Sector::Healthcare),
            Self::SocialWelfare => Some(Sector::SocialWelfare),
            Self::WellbeingData => None,
        }
    }
}

impl Register {
    /// Whether it has joined Kanta.
    pub(crate) fn has_joined_kanta(&self, today: Day) -> bool {
        self.joined_kanta_on.is_some_and(|day| day <= today)
    }

    /// "Ready" (domain rules §2): it has joined Kanta and the date is reached.
    fn is_ready(&self, from: Option<Day>, today: Day) -> bool {
        self.has_joined_kanta(today) && from.is_some_and(|day| day <= today)
    }

    /// Whether it shares within its sector.
    pub(crate) fn shares_within_sector(&self, today: Day) -> bool {
        self.is_ready(self.shares_within_sector_from, today)
    }

    /// Whether it retrieves across sectors.
    pub(crate) fn retrieves_across_sectors(&self, today: Day) -> bool {
        self.is_ready(self.retrieves_across_sectors_from, today)
    }

    /// Whether it retrieves prescriptions.
    pub(crate) fn retrieves_prescriptions(&self, today: Day) -> bool {
        self.is_ready(self.retrieves_prescriptions_from, today)
    }

    /// Whether its system stores declarations.
    pub(crate) fn stores_declarations(&self, today: Day) -> bool {
        self.is_ready(self.stores_declarations_from.or(self.joined_kanta_on), today)
    }
}

impl Organisation {
    /// First day of operations. A merger takes effect on the successor's first day.
    pub(crate) fn first_day(&self, calendar: &Calendar) -> Day {
        self.operates_from.unwrap_or(calendar.counties_begin)
    }

    /// Whether it operates in connection with a service provider with main
    /// responsibility, as notified to the Code service (004).
    pub(crate) fn operates_in_connection_with(&self, provider: &Oid<'_>, today: Day) -> bool {
        self.kind == OrganisationKind::Private
            && self.main_responsibility.iter().any(|connection| {
                connection.notified
                    && connection.provider == *provider
                    && within(today, connection.from, connection.until)
            })
    }
}

impl Party<'_> {
    /// Whether it is a public-healthcare register of a county in Uusimaa, the
    /// City of Helsinki or HUS. An occupational register never is.
    pub(crate) fn is_uusimaa_public_healthcare(&self) -> bool {
        is_uusimaa_public_healthcare(self.register, self.controller)
    }

    /// Whether the data is held in the same register.
    pub(crate) fn has_same_register(&self, holder: &Holder<'_>) -> bool {
        self.register.oid == holder.register.oid
    }

    /// Whether both registers have one controller.
    pub(crate) fn has_same_controller(&self, holder: &Holder<'_>) -> bool {
        self.controller.oid == holder.controller.oid
    }
}

impl<'d> Holder<'d> {
    /// Whether the register has merged into its successor's file.
    #[inline]
    pub(crate) fn is_merged(&self) -> bool {
        self.is_merged
    }

    /// Whether the file is public healthcare in Uusimaa.
    pub(crate) fn is_uusimaa_public_healthcare(&self) -> bool {
        is_uusimaa_public_healthcare(self.register, self.controller)
    }

    /// Whether the data file is ready: the register itself, or a register of the
    /// successor that is part of the same file.
    #[inline]
    pub(crate) fn is_ready(&self, directory: &Directory, is_ready: impl Fn(&Register) -> bool) -> bool {
        is_ready(self.register) || (self.is_merged() && self.has_ready_successor(directory, is_ready))
    }

    /// Out of line, so that the check that every record makes stays small.
    #[cold]
    fn has_ready_successor(&self, directory: &Directory, is_ready: impl Fn(&Register) -> bool) -> bool {
        let mut of_file = directory.registers_of(self.controller);
        of_file.any(|register| register.kind == self.register.kind && is_ready(register))
    }

    /// The register with the controller that the directory names.
    pub(crate) fn party(&self) -> Party<'d> {
        Party { register: self.register, controller: self.named_controller }
    }
}

fn is_uusimaa_public_healthcare(register: &Register, controller: &Organisation) -> bool {
    register.kind == RegisterKind::PublicHealthcare
        && controller.uusimaa
        && matches!(
            controller.kind,
            OrganisationKind::WellbeingServicesCounty
                | OrganisationKind::CityOfHelsinki
                | OrganisationKind::HusGroup
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn a_private_provider_operates_in_connection_with_a_notified_provider() {
        let day = |text| Day::parse(text).expect("a day");
        let operates = |kind, provider, notified, today| {
            let connection = MainResponsibility {
                provider: oid(provider),
                notified,
                from: Some(day("2025-01-01")),
                until: Some(day("2026-01-01")),
            };
            let organisation = Organisation {
                oid: oid(UNKNOWN),
                name: "".into(),
                kind,
                uusimaa: false,
                operates_from: None,
                successor: None,
                main_responsibility: vec![connection],
                carries_former_denials: false,
            };
            organisation.operates_in_connection_with(&oid(PRIVATE), day(today))
        };
        let private = OrganisationKind::Private;
        for (kind, provider, notified, today, expected) in [
            (private, PRIVATE, true, "2025-01-01", true),
            (private, PRIVATE, true, "2025-12-31", true),
            (private, PRIVATE, true, "2024-12-31", false),
            (private, PRIVATE, true, "2026-01-01", false),
            (private, PRIVATE, false, "2025-01-01", false),
            (private, COUNTY, true, "2025-01-01", false),
            (OrganisationKind::HusGroup, PRIVATE, true, "2025-01-01", false),
        ] {
            let found = operates(kind, provider, notified, today);
            assert_eq!(found, expected, "{kind:?} {provider} {notified} {today}");
        }
    }
}
