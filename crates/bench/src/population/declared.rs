//! The details of a planned declaration: content, declarer and recorder.

use smallvec::SmallVec;

use super::country::{BRANCH, Country, Site};
use super::plan::{Consented, DAY, Denied, Micros, Planned, What, instant, is_child};
use super::random::Random;
use lupa::policy::day::{Day, Instant};
use lupa::policy::declaration::{
    Against, Allocation, Consent, ConsentKind, Content, DataKind, Declarer, Denial, DenialSector,
    Information, Professional, Recipient, RecordedBy, Role, Scope, Way,
};
use lupa::policy::directory::Sector;
use lupa::policy::oid::{Oid, OpaqueId};

/// The last days on which a former provider could be denied.
const FORMER_UNTIL: Option<Day> = Day::from_ymd(2023, 1, 1);
const VERSION_1_1_FROM: Option<Day> = Day::from_ymd(2022, 11, 22);
const VERSION_2_0_FROM: Option<Day> = Day::from_ymd(2023, 11, 30);
const ADULT_YEARS: u32 = 18;

/// A declaration as it was stated and recorded.
#[derive(Clone, Debug)]
pub struct Stated {
    /// The declared content.
    pub content: Content,
    /// When the client declared it.
    pub given_at: Instant,
    /// The person who declared.
    pub declarer: Declarer,
    /// The recorder.
    pub recorded_by: RecordedBy,
}

/// Computes the details of a client's declaration.
pub(super) fn declared(
    country: &Country,
    client: u64,
    born: Option<Day>,
    planned: &Planned,
    random: &mut Random,
) -> Stated {
    let recorded_at = instant(planned.at);
    let today = Day::of(recorded_at);
    let is_by_guardian = is_child(born, today);
    let recorded_by = recorded_by(country, planned.what, is_by_guardian, today, random);
    let given_at = given_at(planned, &recorded_by, random);
    let given_on = Day::of(given_at);
    let mut details = Details { country, client, place: planned.place, given_on, random };
    let content = match planned.what {
        What::Information => details.information(&recorded_by),
        What::Consent(consented) => details.consent(consented),
        What::Denial(denied) => details.denial(denied),
    };
    let is_adult = born.and_then(|born| born.years_until(given_on)).is_some_and(|years| years >= ADULT_YEARS);
    let role = if is_by_guardian {
        Role::Guardian
    } else if is_adult && random.per_mille(4) {
        Role::LegalRepresentative
    } else if planned.what == What::Information && recorded_by == RecordedBy::MyKanta && random.per_mille(5) {
        Role::AuthorisedPerson
    } else {
        Role::Client
    };
    Stated { content, given_at, declarer: in_role(role), recorded_by }
}

/// The person who withdraws a declaration, and the recorder.
pub(super) fn withdrawn(
    country: &Country,
    born: Option<Day>,
    planned: &Planned,
    at: Micros,
    random: &mut Random,
) -> (Declarer, RecordedBy) {
    let today = Day::of(instant(at));
    let is_by_guardian = is_child(born, today);
    let role = if is_by_guardian { Role::Guardian } else { Role::Client };
    (in_role(role), recorded_by(country, planned.what, is_by_guardian, today, random))
}

fn in_role(role: Role) -> Declarer {
    Declarer { role, name: "".into(), id: "".into() }
}

/// The sector of the professionals who may record it; `None`: either.
fn sector(what: What) -> Option<Sector> {
    match what {
        What::Information
        | What::Consent(
            Consented::PatientDataToSocialWelfare
            | Consented::ClientDataToHealthcare
            | Consented::WellbeingData
            | Consented::Local,
        ) => None,
        What::Consent(Consented::SocialWelfare)
        | What::Denial(
            Denied::SocialWelfareRegister
            | Denied::ServiceTransaction
            | Denied::Document
            | Denied::ServiceTask,
        ) => Some(Sector::SocialWelfare),
        What::Consent(Consented::Healthcare)
        | What::Denial(
            Denied::ServiceEvent
            | Denied::Register
            | Denied::AllPatientData
            | Denied::FormerProvider
            | Denied::Prescription,
        ) => Some(Sector::Healthcare),
    }
}

/// MyKanta for three of four declarations; for the rest, and for every denial by
/// a guardian, a professional at a register that stores declarations.
fn recorded_by(
    country: &Country,
    what: What,
    is_by_guardian: bool,
    today: Day,
    random: &mut Random,
) -> RecordedBy {
    let sites = match sector(what) {
        Some(Sector::SocialWelfare) => &country.social_welfare,
        Some(Sector::Healthcare) | None => &country.healthcare,
    };
    let is_through_professional = is_by_guardian && matches!(what, What::Denial(_));
    let is_in_my_kanta = random.per_mille(750) && !is_through_professional;
    let site = if is_in_my_kanta { None } else { random.pick(sites) };
    match site.filter(|site| site.from <= today) {
        None => RecordedBy::MyKanta,
        Some(Site { register, organisation, from: _ }) => RecordedBy::Professional(Professional {
            register: register.clone(),
            organisation: organisation.clone(),
            professional: "".into(),
        }),
    }
}

/// The time of recording; for some information and denials, which are given on
/// paper, some days earlier; for denials of a former provider a time before its
/// merger. A consent is never given earlier, because that might be before the
/// client was informed.
fn given_at(planned: &Planned, recorded_by: &RecordedBy, random: &mut Random) -> Instant {
    let days = |random: &mut Random, most| DAY * Micros::try_from(1 + random.below(most)).unwrap_or_default();
    if planned.what == What::Denial(Denied::FormerProvider) {
        let mut given = planned.at;
        while FORMER_UNTIL.is_some_and(|until| Day::of(instant(given)) >= until) {
            given -= days(random, 30);
        }
        return instant(given);
    }
    let is_consent = matches!(planned.what, What::Consent(_));
    let is_on_paper = !is_consent && *recorded_by != RecordedBy::MyKanta && random.per_mille(60);
    instant(if is_on_paper { planned.at - days(random, 30) } else { planned.at })
}

/// The context that the content of a declaration is drawn from.
struct Details<'d> {
    country: &'d Country,
    client: u64,
    place: u32,
    given_on: Day,
    random: &'d mut Random,
}

impl Details<'_> {
    fn information(&self, recorded_by: &RecordedBy) -> Content {
        let is_from = |day: Option<Day>| day.is_some_and(|day| day <= self.given_on);
        let version = if is_from(VERSION_2_0_FROM) {
            "2.0"
        } else if is_from(VERSION_1_1_FROM) {
            "1.1"
        } else {
            "1.0"
        };
        let way = if *recorded_by == RecordedBy::MyKanta { Way::MyKanta } else { Way::Professional };
        Content::Information(Information { version: version.into(), way: Some(way) })
    }

    fn consent(&mut self, consented: Consented) -> Content {
        let kind = match consented {
            Consented::Healthcare => ConsentKind::Healthcare,
            Consented::SocialWelfare => ConsentKind::SocialWelfare,
            Consented::PatientDataToSocialWelfare => ConsentKind::PatientDataToSocialWelfare,
            Consented::ClientDataToHealthcare => ConsentKind::ClientDataToHealthcare,
            Consented::WellbeingData => ConsentKind::WellbeingData,
            Consented::Local => self.local(),
        };
        let allocation = self.allocation(&kind);
        Content::Consent(Consent { kind, allocation })
    }

    /// The same controller for all consents of a client, so that a new one replaces the previous one.
    fn local(&self) -> ConsentKind<'static> {
        let counties = &self.country.counties;
        let chosen = usize::try_from(self.client).unwrap_or_default() % counties.len().max(1);
        match counties.get(chosen) {
            Some(controller) => ConsentKind::LocalCrossSector { controller: controller.clone() },
            None => ConsentKind::Healthcare,
        }
    }

    /// One in three of the consents across sectors is limited.
    fn allocation(&mut self, kind: &ConsentKind<'_>) -> Option<Allocation> {
        let is_patient_data = *kind == ConsentKind::PatientDataToSocialWelfare;
        let may_be = is_patient_data || *kind == ConsentKind::ClientDataToHealthcare;
        if !may_be || !self.random.per_mille(333) {
            return None;
        }
        let state =
            if is_patient_data { &self.country.state_social_welfare } else { &self.country.state_healthcare };
        let mut recipients = Vec::new();
        if self.random.per_mille(600) {
            recipients.push(Recipient::AllPublic);
        }
        if self.random.per_mille(300) {
            recipients.extend(self.random.pick(&self.country.private).cloned().map(Recipient::Organisation));
        }
        if self.random.per_mille(50) {
            recipients.extend(self.random.pick(state).cloned().map(Recipient::Organisation));
        }
        let mut data = Vec::new();
        let mut service_tasks = Vec::new();
        if is_patient_data && self.random.per_mille(500) {
            data = vec![DataKind::PatientSummary, DataKind::ServiceEventEntry];
        } else if !is_patient_data && self.random.per_mille(300) {
            service_tasks.extend(self.task());
        }
        let recorded_from = if self.random.per_mille(200) { Day::from_ymd(2020, 1, 1) } else { None };
        Some(Allocation { recipients, data, service_tasks, recorded_from, recorded_to: None })
    }

    fn denial(&mut self, denied: Denied) -> Content {
        let scope = match denied {
            Denied::AllPatientData => Some(Scope::AllPatientData),
            Denied::ServiceEvent => self.id("14").map(Scope::ServiceEvent),
            Denied::Prescription => self.id("93").map(Scope::Prescription),
            Denied::ServiceTransaction => self.id("16").map(Scope::ServiceTransaction),
            Denied::Document => self.id("11").map(Scope::Document),
            Denied::ServiceTask => self.task().map(Scope::ServiceTask),
            Denied::Register => self.register(false).map(Scope::Register),
            Denied::SocialWelfareRegister => self.register(true).map(Scope::Register),
            Denied::FormerProvider => {
                self.random.pick(&self.country.former).cloned().map(Scope::FormerProvider)
            }
        };
        let scope = scope.unwrap_or(Scope::AllPatientData);
        let is_healthcare =
            scope == Scope::AllPatientData || sector(What::Denial(denied)) == Some(Sector::Healthcare);
        let mut against = SmallVec::new();
        if is_healthcare && denied != Denied::FormerProvider && self.random.per_mille(100) {
            against.push(Against::OtherProviders);
        }
        Content::Denial(Denial {
            sector: if is_healthcare { DenialSector::Healthcare } else { DenialSector::SocialWelfare },
            scope,
            against,
            allows_emergency: is_healthcare && self.random.per_mille(500),
        })
    }

    fn register(&mut self, is_social: bool) -> Option<Oid<'static>> {
        if is_social {
            self.random.pick(&self.country.social_welfare).map(|site| site.register.clone())
        } else {
            self.random.pick(&self.country.deniable).cloned()
        }
    }

    /// One of the twelve codes of service tasks.
    fn task(&mut self) -> Option<OpaqueId<'static>> {
        OpaqueId::parse(format!("task-{}", 1 + self.random.below(12))).ok()
    }

    /// A unique id in the form of Kanta's: the organisation, the type of the id,
    /// the year and a number.
    fn id(&mut self, id_type: &str) -> Option<OpaqueId<'static>> {
        let organisation = 1 + self.random.below(23);
        let year = 2015 + self.random.below(11);
        let Self { client, place, .. } = self;
        OpaqueId::parse(format!("{BRANCH}.{organisation}.{id_type}.{year}.{client}.{place}")).ok()
    }
}
