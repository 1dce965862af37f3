//! The content of printouts for the client: a copy of the consents or a summary
//! of the denials in force in a sector (domain rules §8; 000, 002, 003, 004).

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, ConsentKind, Content, DataKind, Declaration, Denial, DenialSector, Kind,
    RecordedBy, Role,
};
use super::declared::{Declared, InForce, LatestConsent};
use super::directory::{Directory, Sector};
use super::entitlement::{PrintedConsents, may_have_denials_printed};
use super::facts::Facts;
use super::oid::Oid;
use super::refusal::Refusal;
use super::rules::{covered_registers, not_offered};
use super::viewing::Sight;

/// The kind of printout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedDocument {
    /// A copy of the consents.
    Consents,
    /// A summary of the denials.
    Denials,
}

/// The format of a printout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text.
    Text,
    /// A page of HTML.
    Html,
}

/// The sector whose data the printed declarations concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedSector {
    /// One sector.
    One(Sector),
    /// Both sectors: one summary of all denials (000).
    Both,
}

/// A request for a printout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintSubmission {
    /// The client.
    pub client: ClientId,
    /// The sector whose data the printed declarations concern.
    pub sector: PrintedSector,
    /// The kind of printout.
    pub document: PrintedDocument,
    /// The role of the person who requests it.
    pub requested_by: Role,
    /// The viewer that prints it; none = not named, which only a copy of the
    /// consents allows.
    pub printed_by: Option<RecordedBy>,
}

/// The content of a printout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printout<'a> {
    /// In revision order. Empty: the client has none, which the printout states.
    pub entries: Vec<PrintEntry<'a>>,
}

/// A declaration in a printout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintEntry<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// Whether it covers only sharing through Kanta, as older healthcare consents do.
    pub is_for_kanta_only: bool,
    /// First day on which it opens anything through Kanta but prescriptions to
    /// social welfare; none = the day has passed, or there is none.
    pub opens_from: Option<Day>,
    /// First day on which it opens prescriptions to social welfare through
    /// Kanta; none = the day has passed, or it covers no prescriptions.
    pub prescriptions_from: Option<Day>,
    /// The registers whose data a denial covers on the day, if its scope is one
    /// of registers, of a former provider, of all patient data or of everything.
    pub covers: Vec<&'a Oid<'static>>,
    /// Why it is not effective; none = it is effective.
    pub note: Option<PrintNote>,
}

/// The reason for which a declaration is not effective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintNote {
    /// It was given before the client was informed and must be given again.
    GiveAgain,
    /// It is limited in a way that is not offered, so that it covers nothing and
    /// must be given again.
    CoversNothing,
    /// This version cannot read it: the client asks the organisation that recorded it.
    Unreadable,
}

/// The content of a printout, or the refusal. A person who may give the printed
/// declarations for the client, judged on the day of printing, may have them
/// printed.
pub fn printout<'a>(
    submission: &PrintSubmission,
    declarations: &'a ClientDeclarations,
    directory: &'a Directory,
    calendar: &Calendar,
    now: Instant,
) -> Result<Printout<'a>, Refusal> {
    let PrintSubmission { client, sector, document, requested_by, printed_by } = submission;
    let sight = printed_by.as_ref().map(|printer| Sight::of(printer, directory)).transpose()?;
    let today = Day::of(now);
    let entries = match document {
        PrintedDocument::Consents => {
            let printed = PrintedConsents::of(*requested_by, client, today);
            if matches!(printed, PrintedConsents::None) {
                return Err(Refusal::DeclarerNotAllowed);
            }
            let declared = Declared::at(now, Facts::all(declarations), client, calendar);
            let of = ConsentsOf { printed, declared, sector: *sector, directory, calendar };
            let recorded = (0..).zip(declarations).filter(|(_, one)| one.recorded_at <= now);
            recorded.filter_map(|(place, declaration)| of.entry(place, declaration)).collect()
        }
        PrintedDocument::Denials => {
            if let (Some(Sight::OfSector(own)), PrintedSector::One(printed)) = (sight, *sector)
                && own != Some(printed)
            {
                return Err(Refusal::RecorderSectorNotAllowed);
            }
            let is_of_healthcare_alone = *sector == PrintedSector::One(Sector::Healthcare);
            let printer = printed_by.as_ref().unwrap_or(&RecordedBy::MyKanta);
            if !may_have_denials_printed(*requested_by, is_of_healthcare_alone, client, today, printer) {
                return Err(Refusal::DeclarerNotAllowed);
            }
            let in_force = InForce::at(now, declarations, client);
            let covers = |denial: &Denial| covered_registers(denial, directory, calendar, today);
            in_force.each().filter_map(|(_, one)| denial_entry(one, *sector, covers)).collect()
        }
    };
    Ok(Printout { entries })
}

impl PrintedDocument {
    /// The kind of declarations that it lists.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Consents => Kind::Consent,
            Self::Denials => Kind::Denial,
        }
    }
}

/// The inputs of the entries of a copy of the consents.
struct ConsentsOf<'c, 'a> {
    printed: PrintedConsents,
    declared: Declared<'a>,
    sector: PrintedSector,
    directory: &'c Directory,
    calendar: &'c Calendar,
}

impl ConsentsOf<'_, '_> {
    /// The entry of a consent, if the client's last act on its kind was to give it
    /// and the kind concerns the sector. An unreadable consent is listed as such:
    /// because of it, no earlier consent counts or is listed.
    fn entry<'d>(&self, place: u32, declaration: &'d Declaration) -> Option<PrintEntry<'d>> {
        let consent = match &declaration.content {
            Content::Consent(consent) => consent,
            Content::Unreadable(Kind::Consent) => return Some(PrintEntry::unreadable(declaration)),
            Content::Information(_)
            | Content::Denial(_)
            | Content::Unreadable(Kind::Information | Kind::Denial) => return None,
        };
        let is_printed = concerns(&consent.kind, self.sector) && self.printed.include(&consent.kind);
        let latest = self.declared.consents.latest(&consent.kind).filter(|_| is_printed)?;
        (latest.place() == place && !latest.is_withdrawn()).then(|| PrintEntry {
            declaration,
            is_for_kanta_only: latest.is_for_kanta_only(self.calendar),
            opens_from: self.opens_from(consent),
            prescriptions_from: self.prescriptions_from(consent),
            covers: Vec::new(),
            note: note(latest, self.directory),
        })
    }

    /// See [`PrintEntry::opens_from`].
    fn opens_from(&self, consent: &Consent) -> Option<Day> {
        let from = match &consent.kind {
            ConsentKind::SocialWelfare => self.calendar.social_sharing_from,
            ConsentKind::PatientDataToSocialWelfare if is_to_prescriptions_alone(consent) => return None,
            ConsentKind::PatientDataToSocialWelfare | ConsentKind::ClientDataToHealthcare => {
                self.calendar.cross_sector_from
            }
            ConsentKind::WellbeingData => self.calendar.wellbeing_from,
            ConsentKind::Healthcare
            | ConsentKind::LocalCrossSector { .. }
            | ConsentKind::VerbalPrescription => return None,
        };
        Some(from).filter(|from| self.declared.today < *from)
    }

    /// See [`PrintEntry::prescriptions_from`].
    fn prescriptions_from(&self, consent: &Consent) -> Option<Day> {
        let covers = consent.kind == ConsentKind::PatientDataToSocialWelfare
            && data(consent).is_none_or(|data| data.contains(&DataKind::Prescription));
        let from = self.calendar.prescriptions_to_social_from;
        Some(from).filter(|from| covers && self.declared.today < *from)
    }
}

/// The kinds of data to which a consent is limited; none = all kinds.
fn data(consent: &Consent) -> Option<&[DataKind]> {
    consent.allocation.as_ref().map(|allocation| &*allocation.data).filter(|data| !data.is_empty())
}

fn is_to_prescriptions_alone(consent: &Consent) -> bool {
    data(consent).is_some_and(|data| data.iter().all(|kind| *kind == DataKind::Prescription))
}

/// Whether consents of a kind concern a sector's data.
fn concerns(kind: &ConsentKind<'_>, sector: PrintedSector) -> bool {
    match kind {
        ConsentKind::Healthcare | ConsentKind::PatientDataToSocialWelfare => {
            sector.includes(Sector::Healthcare)
        }
        ConsentKind::SocialWelfare | ConsentKind::ClientDataToHealthcare => {
            sector.includes(Sector::SocialWelfare)
        }
        ConsentKind::WellbeingData | ConsentKind::LocalCrossSector { .. } => true,
        ConsentKind::VerbalPrescription => false,
    }
}

fn note(latest: &LatestConsent<'_>, directory: &Directory) -> Option<PrintNote> {
    if latest.is_before_information {
        return Some(PrintNote::GiveAgain);
    }
    let allocation = latest.consent.allocation.as_ref().filter(|allocation| !allocation.is_empty())?;
    not_offered(&latest.consent.kind, allocation, directory).map(|_| PrintNote::CoversNothing)
}

/// The entry of a denial in force, if it counts in the sector.
fn denial_entry<'a>(
    declaration: &'a Declaration,
    sector: PrintedSector,
    covers: impl Fn(&Denial) -> Vec<&'a Oid<'static>>,
) -> Option<PrintEntry<'a>> {
    match &declaration.content {
        Content::Denial(denial) => sector.shows(denial.sector).then(|| PrintEntry {
            declaration,
            is_for_kanta_only: false,
            opens_from: None,
            prescriptions_from: None,
            covers: covers(denial),
            note: None,
        }),
        Content::Unreadable(Kind::Denial) => Some(PrintEntry::unreadable(declaration)),
        Content::Information(_)
        | Content::Consent(_)
        | Content::Unreadable(Kind::Information | Kind::Consent) => None,
    }
}

impl PrintedSector {
    /// Whether a denial of a sector is among those printed.
    fn shows(self, denial: DenialSector) -> bool {
        match self {
            Self::One(sector) => denial.includes(sector),
            Self::Both => true,
        }
    }

    /// Whether a sector is among those printed.
    #[must_use]
    pub fn includes(self, sector: Sector) -> bool {
        self == Self::Both || self == Self::One(sector)
    }
}

impl<'a> PrintEntry<'a> {
    fn unreadable(declaration: &'a Declaration) -> Self {
        Self {
            declaration,
            is_for_kanta_only: false,
            opens_from: None,
            prescriptions_from: None,
            covers: Vec::new(),
            note: Some(PrintNote::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests;
