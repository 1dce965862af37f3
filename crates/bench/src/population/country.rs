//! A synthetic directory as large as the country's: the public organisations by
//! number and kind, the former providers that merged into them, and private
//! providers with occupational registers for employers.
//!
//! Every OID is under one fictional branch, `1.2.246.10.99999998`:
//! `.<number>.0` is an organisation and `.<number>.1`, `.2`, … its registers.

use super::PopulationFault;
use lupa::policy::day::Day;
use lupa::policy::directory::{
    Directory, MainResponsibility, Organisation, OrganisationKind, Outsourcing, Register, RegisterKind,
    Sector,
};
use lupa::policy::oid::Oid;

/// Not the demonstration's, which is `1.2.246.10.99999999`.
pub(super) const BRANCH: &str = "1.2.246.10.99999998";

const COUNTIES: u32 = 21;
const COUNTIES_IN_UUSIMAA: u32 = 4;
const HELSINKI: u32 = 22;
const HUS: u32 = 23;
const STATE_HEALTHCARE: [u32; 3] = [31, 32, 33];
const DEFENCE_FORCES: u32 = 41;
const STATE_SOCIAL_WELFARE: [u32; 2] = [51, 52];
const FIRST_PRIVATE: u32 = 101;
const PRIVATE: u32 = 180;
const FIRST_FORMER: u32 = 501;
const FORMER: u32 = 60;
const KANTA: u32 = 900;

/// The directory, and the parts of it that declarations refer to.
#[derive(Clone, Debug)]
pub(super) struct Country {
    pub(super) directory: Directory,
    /// Healthcare registers where declarations are recorded.
    pub(super) healthcare: Vec<Site>,
    /// Social-welfare registers where declarations are recorded.
    pub(super) social_welfare: Vec<Site>,
    /// Healthcare registers that can be denied.
    pub(super) deniable: Vec<Oid<'static>>,
    pub(super) former: Vec<Oid<'static>>,
    pub(super) counties: Vec<Oid<'static>>,
    pub(super) private: Vec<Oid<'static>>,
    pub(super) state_healthcare: Vec<Oid<'static>>,
    pub(super) state_social_welfare: Vec<Oid<'static>>,
}

/// A register at which professionals work.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) register: Oid<'static>,
    pub(super) organisation: Oid<'static>,
    /// The first day on which it stores declarations.
    pub(super) from: Day,
}

impl Country {
    pub(super) fn build() -> Result<Self, PopulationFault> {
        let mut builder = Builder { organisations: Vec::new(), registers: Vec::new() };
        builder.add_public()?;
        builder.add_former()?;
        builder.add_private()?;
        let Builder { organisations, registers } = builder;
        let of_kind = |kinds: &[OrganisationKind]| -> Vec<Oid<'static>> {
            let chosen = organisations.iter().filter(|one| kinds.contains(&one.kind));
            chosen.map(|one| one.oid.clone()).collect()
        };
        let sites = |sector| -> Vec<Site> {
            let chosen = registers.iter().filter(|one| one.kind.sector() == Some(sector));
            let site = |one: &Register| {
                let (register, organisation) = (one.oid.clone(), one.controller.clone());
                one.joined_kanta_on.map(|from| Site { register, organisation, from })
            };
            chosen.filter_map(site).collect()
        };
        let former = of_kind(&[OrganisationKind::FormerPublic]);
        // A merged register can no longer be denied: its successor's can.
        let is_deniable = |one: &&Register| {
            use RegisterKind::{PrivateOccupational, PublicHealthcare, PublicOccupational};
            matches!(one.kind, PublicHealthcare | PublicOccupational | PrivateOccupational)
                && !former.contains(&one.controller)
        };
        let healthcare = sites(Sector::Healthcare);
        Ok(Self {
            social_welfare: sites(Sector::SocialWelfare),
            deniable: registers.iter().filter(is_deniable).map(|one| one.oid.clone()).collect(),
            former,
            counties: of_kind(&[OrganisationKind::WellbeingServicesCounty, OrganisationKind::CityOfHelsinki]),
            private: of_kind(&[OrganisationKind::Private]),
            state_healthcare: of_kind(&[
                OrganisationKind::StateHealthcare,
                OrganisationKind::DefenceForcesHealthcare,
            ]),
            state_social_welfare: of_kind(&[OrganisationKind::StateSocialWelfare]),
            directory: Directory::build(organisations, registers, outsourcing()?)
                .map_err(|_| PopulationFault::Country)?,
            healthcare,
        })
    }
}

/// Collects organisations and registers.
struct Builder {
    organisations: Vec<Organisation>,
    registers: Vec<Register>,
}

impl Builder {
    fn add_public(&mut self) -> Result<(), PopulationFault> {
        use OrganisationKind::{
            CityOfHelsinki, DefenceForcesHealthcare, HusGroup, KantaServices, StateHealthcare,
            StateSocialWelfare, WellbeingServicesCounty,
        };
        use RegisterKind::{PublicHealthcare, PublicOccupational, SocialWelfare, WellbeingData};
        let whole = [PublicHealthcare, PublicOccupational, SocialWelfare];
        for number in 1..=COUNTIES {
            self.add_organisation(number, WellbeingServicesCounty, format!("County {number}"))?;
            self.add_registers(number, &whole, day(2023, 1, 1)?)?;
        }
        self.add_organisation(HELSINKI, CityOfHelsinki, "The capital".to_owned())?;
        self.add_registers(HELSINKI, &whole, day(2019, 1, 1)?)?;
        self.add_organisation(HUS, HusGroup, "The hospital group".to_owned())?;
        self.add_registers(HUS, &[PublicHealthcare, PublicOccupational], day(2017, 1, 1)?)?;
        for number in STATE_HEALTHCARE {
            self.add_organisation(number, StateHealthcare, format!("State hospital {number}"))?;
            self.add_registers(number, &[PublicHealthcare], day(2018, 1, 1)?)?;
        }
        self.add_organisation(DEFENCE_FORCES, DefenceForcesHealthcare, "Military medicine".to_owned())?;
        self.add_registers(DEFENCE_FORCES, &[PublicHealthcare], day(2018, 1, 1)?)?;
        for number in STATE_SOCIAL_WELFARE {
            self.add_organisation(number, StateSocialWelfare, format!("State social unit {number}"))?;
            self.add_registers(number, &[SocialWelfare], day(2024, 9, 1)?)?;
        }
        self.add_organisation(KANTA, KantaServices, "The citizens' own data".to_owned())?;
        self.add_registers(KANTA, &[WellbeingData], day(2018, 1, 1)?)
    }

    /// Hospital districts and municipalities, merged into the counties in turn.
    fn add_former(&mut self) -> Result<(), PopulationFault> {
        for place in 0..FORMER {
            let number = FIRST_FORMER + place;
            self.add_organisation(
                number,
                OrganisationKind::FormerPublic,
                format!("Former provider {number}"),
            )?;
            let successor = organisation_oid(1 + place % COUNTIES)?;
            if let Some(former) = self.organisations.last_mut() {
                former.successor = Some(successor);
                former.operates_from = Some(day(2000, 1, 1)?);
            }
            self.add_registers(number, &[RegisterKind::PublicHealthcare], day(2015, 1, 1)?)?;
        }
        Ok(())
    }

    /// Clinics: every third with occupational registers for two employers, every
    /// third with social welfare. Some work under the responsibility of the first.
    fn add_private(&mut self) -> Result<(), PopulationFault> {
        use RegisterKind::{PrivateHealthcare, PrivateOccupational, SocialWelfare};
        for place in 0..PRIVATE {
            let number = FIRST_PRIVATE + place;
            self.add_organisation(number, OrganisationKind::Private, format!("Private provider {number}"))?;
            let kinds: &[RegisterKind] = match place % 3 {
                0 => &[PrivateHealthcare, PrivateOccupational, PrivateOccupational],
                1 => &[PrivateHealthcare, SocialWelfare],
                _ => &[PrivateHealthcare],
            };
            let joined = day(2016 + i32::try_from(place % 8).unwrap_or_default(), 6, 1)?;
            self.add_registers(number, kinds, joined)?;
            if let Some(provider) = self.organisations.last_mut().filter(|_| place % 10 == 9) {
                provider.main_responsibility.push(MainResponsibility {
                    provider: organisation_oid(FIRST_PRIVATE)?,
                    notified: place % 20 == 9,
                    from: Some(day(2024, 1, 1)?),
                    until: None,
                });
            }
        }
        Ok(())
    }

    fn add_organisation(
        &mut self,
        number: u32,
        kind: OrganisationKind,
        name: String,
    ) -> Result<(), PopulationFault> {
        let uusimaa = number <= COUNTIES_IN_UUSIMAA || number == HELSINKI || number == HUS;
        self.organisations.push(Organisation {
            oid: organisation_oid(number)?,
            name: name.as_str().into(),
            kind,
            uusimaa,
            operates_from: None,
            successor: None,
            main_responsibility: Vec::new(),
            carries_former_denials: false,
        });
        Ok(())
    }

    /// Registers of social welfare joined later.
    fn add_registers(&mut self, of: u32, kinds: &[RegisterKind], joined: Day) -> Result<(), PopulationFault> {
        for (kind, place) in kinds.iter().zip(1..) {
            let is_social = *kind == RegisterKind::SocialWelfare;
            let social_from = day(2024, 1 + of % 12, 1)?;
            let joined = if is_social { joined.max(social_from) } else { joined };
            let retrieves = Some(day(2027, 3 + of % 6, 1)?);
            self.registers.push(Register {
                oid: oid(&format!("{BRANCH}.{of}.{place}"))?,
                name: format!("Register {of}.{place}").as_str().into(),
                controller: organisation_oid(of)?,
                kind: *kind,
                joined_kanta_on: Some(joined),
                shares_within_sector_from: is_social.then_some(joined),
                retrieves_across_sectors_from: kind.sector().and(retrieves),
                retrieves_prescriptions_from: is_social.then_some(day(2027, 11, 1)?),
                stores_declarations_from: None,
            });
        }
        Ok(())
    }
}

/// A private provider produces a service for each county.
fn outsourcing() -> Result<Vec<Outsourcing>, PopulationFault> {
    let relation = |number: u32| {
        Ok(Outsourcing {
            organiser_register: oid(&format!("{BRANCH}.{number}.1"))?,
            producer: organisation_oid(FIRST_PRIVATE + number)?,
            from: Some(day(2023, 1, 1)?),
            until: number.is_multiple_of(4).then_some(day(2025, 1, 1)?),
        })
    };
    (1..=COUNTIES).map(relation).collect()
}

fn organisation_oid(number: u32) -> Result<Oid<'static>, PopulationFault> {
    oid(&format!("{BRANCH}.{number}.0"))
}

fn oid(text: &str) -> Result<Oid<'static>, PopulationFault> {
    Oid::parse(text.to_owned()).map_err(|_| PopulationFault::Country)
}

fn day(year: i32, month: u32, day: u32) -> Result<Day, PopulationFault> {
    Day::from_ymd(year, month, day).ok_or(PopulationFault::Country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_has_no_loose_ends() {
        let country = Country::build().expect("a country");
        assert!(country.directory.loose_ends().is_empty());
        let count = (country.directory.organisations().len(), country.directory.registers().len());
        assert_eq!(count, (270, 495));
    }
}
