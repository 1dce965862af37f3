//! What is printed for the client: a copy of the consents or a summary of the
//! denials in force in a sector (domain rules §8; 000, 002, 003, 004).

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, ConsentKind, Content, Declaration, Denial, DenialSector, Kind, RecordedBy, Role,
    Scope,
};
use super::declared::{Declared, LatestConsent, is_in_force};
use super::directory::{Directory, Sector};
use super::entitlement::may_have_printed;
use super::gist::Gist;
use super::refusal::Refusal;
use super::rules::not_offered;

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedDocument {
    /// A copy of the consents.
    Consents,
    /// A summary of the denials.
    Denials,
}

/// The language of a printout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Finnish.
    Fi,
    /// Swedish.
    Sv,
    /// English.
    En,
}

/// How a printout is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text.
    Text,
    /// A page of HTML.
    Html,
}

/// A printout that someone wishes to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintSubmission {
    /// Whose declarations are printed.
    pub client: ClientId,
    /// The sector whose data they concern.
    pub sector: Sector,
    /// What to print.
    pub document: PrintedDocument,
    /// In which role someone asks for it.
    pub requested_by: Role,
    /// Who prints it; none = not told.
    pub printed_by: Option<RecordedBy>,
}

/// What is printed, in revision order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printout<'a> {
    /// Empty: the client has none, which is then said in words.
    pub entries: Vec<PrintEntry<'a>>,
}

/// A declaration in a printout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintEntry<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// It covers only what is shared through Kanta, as older healthcare consents do.
    pub is_for_kanta_only: bool,
    /// What is wrong with it; none = it is in effect as it stands.
    pub note: Option<PrintNote>,
}

/// Why a declaration is not in effect as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintNote {
    /// Recorded before the client was informed: it must be given again.
    GiveAgain,
    /// Limited in a way that is not offered, so that it covers nothing: it must
    /// be given again too.
    CoversNothing,
    /// Stored, but this version cannot read it: ask who recorded it.
    Unreadable,
}

/// What is printed, or why nothing may be. The client, or who may give for
/// them what is printed, may have it, as judged on the day of printing.
pub fn printout<'a>(
    submission: &PrintSubmission,
    declarations: &'a ClientDeclarations,
    directory: &Directory,
    calendar: &Calendar,
    now: Instant,
) -> Result<Printout<'a>, Refusal> {
    let PrintSubmission { client, sector, document, requested_by, printed_by } = submission;
    if !printed_by.as_ref().is_none_or(|printer| is_known(printer, directory)) {
        return Err(Refusal::RecorderUnknown);
    }
    let (kind, of_sector) = (document.kind(), denial_sector(*sector));
    if !may_have_printed(*requested_by, kind, of_sector, client, Day::of(now)) {
        return Err(Refusal::DeclarerNotAllowed);
    }
    let entries = match document {
        PrintedDocument::Consents => {
            let declared = Declared::at(now, Gist::all(declarations), client, calendar);
            let entry = |(place, declaration)| {
                consent_entry(place, declaration, &declared, *sector, directory, calendar)
            };
            (0..).zip(declarations).filter(|(_, one)| one.recorded_at <= now).filter_map(entry).collect()
        }
        PrintedDocument::Denials => declarations
            .iter()
            .filter(|declaration| is_in_force(declaration, declarations, client, now))
            .filter_map(|declaration| denial_entry(declaration, *sector))
            .collect(),
    };
    Ok(Printout { entries })
}

impl Language {
    /// Reads `fi`, `sv` or `en`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        [Self::Fi, Self::Sv, Self::En].into_iter().find(|language| language.tag() == tag)
    }

    /// The language as a tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Fi => "fi",
            Self::Sv => "sv",
            Self::En => "en",
        }
    }
}

impl PrintedDocument {
    /// The kind of declaration that it lists.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Consents => Kind::Consent,
            Self::Denials => Kind::Denial,
        }
    }
}

/// Both the organisation and the register of a professional must be known.
fn is_known(printer: &RecordedBy, directory: &Directory) -> bool {
    match printer {
        RecordedBy::MyKanta => true,
        RecordedBy::Professional(professional) => {
            directory.organisation(&professional.organisation).is_some()
                && directory.party(&professional.register).is_some()
        }
    }
}

fn denial_sector(sector: Sector) -> DenialSector {
    match sector {
        Sector::Healthcare => DenialSector::Healthcare,
        Sector::SocialWelfare => DenialSector::SocialWelfare,
    }
}

/// The client's latest consent of a kind of the sector, if it has not been
/// withdrawn. One that cannot be read is told of: because of it, those before
/// it do not count and are not listed.
fn consent_entry<'a>(
    place: u32,
    declaration: &'a Declaration,
    declared: &Declared<'_>,
    sector: Sector,
    directory: &Directory,
    calendar: &Calendar,
) -> Option<PrintEntry<'a>> {
    match &declaration.content {
        Content::Consent(consent) if concerns(&consent.kind, sector) => {
            let latest = declared.latest_consent(&consent.kind)?;
            let is_in_force = latest.place == place && !latest.is_withdrawn;
            is_in_force.then(|| PrintEntry {
                declaration,
                is_for_kanta_only: latest.is_for_kanta_only(calendar),
                note: note(latest, directory),
            })
        }
        Content::Unreadable(Kind::Consent) => Some(PrintEntry::unreadable(declaration)),
        Content::Information(_)
        | Content::Consent(_)
        | Content::Denial(_)
        | Content::Unreadable(Kind::Information | Kind::Denial) => None,
    }
}

/// Whether consents of a kind concern a sector's data.
fn concerns(kind: &ConsentKind<'_>, sector: Sector) -> bool {
    match kind {
        ConsentKind::Healthcare | ConsentKind::PatientDataToSocialWelfare => sector == Sector::Healthcare,
        ConsentKind::SocialWelfare | ConsentKind::ClientDataToHealthcare => sector == Sector::SocialWelfare,
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

/// A denial in force, if it counts in the sector.
fn denial_entry(declaration: &Declaration, sector: Sector) -> Option<PrintEntry<'_>> {
    match &declaration.content {
        Content::Denial(denial) => counts_in(denial, sector).then_some(PrintEntry {
            declaration,
            is_for_kanta_only: false,
            note: None,
        }),
        Content::Unreadable(Kind::Denial) => Some(PrintEntry::unreadable(declaration)),
        Content::Information(_)
        | Content::Consent(_)
        | Content::Unreadable(Kind::Information | Kind::Consent) => None,
    }
}

/// A denial counts in its sector only, an extensive one in both.
fn counts_in(denial: &Denial, sector: Sector) -> bool {
    denial.scope == Scope::Extensive
        || denial.sector == DenialSector::Both
        || denial.sector == denial_sector(sector)
}

impl<'a> PrintEntry<'a> {
    fn unreadable(declaration: &'a Declaration) -> Self {
        Self { declaration, is_for_kanta_only: false, note: Some(PrintNote::Unreadable) }
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
