//! What may be recorded, by whom (domain rules §4, §7).

use smallvec::SmallVec;

use super::calendar::{Calendar, CalendarDate};
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::decide::must_inform_through;
use super::declaration::{
    ClientDeclarations, Consent, ConsentKind, Content, Declarer, Denial, DenialSector, Information, Kind,
    RecordedBy, Role, Scope,
};
use super::declared::{Declared, is_in_force};
use super::directory::{Directory, OrganisationKind, Party, RegisterKind, Sector};
use super::entitlement::{may_declare, may_withdraw};
use super::gist::{ContentRef, Gist};
use super::oid::OpaqueId;
use super::refusal::Refusal;
use super::rules::not_offered;

/// A declaration that someone wishes to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Whose declaration it is.
    pub client: ClientId,
    /// What it says.
    pub content: Content,
    /// When the client said it; none = as it is recorded.
    pub given_at: Option<Instant>,
    /// Who declares.
    pub declarer: Declarer,
    /// Who records.
    pub recorded_by: RecordedBy,
}

/// A withdrawal that someone wishes to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalSubmission {
    /// Whose declaration it is.
    pub client: ClientId,
    /// The declaration to end.
    pub declaration: OpaqueId<'static>,
    /// When the client said it; none = as it is recorded.
    pub given_at: Option<Instant>,
    /// Who withdraws.
    pub declarer: Declarer,
    /// Who records.
    pub recorded_by: RecordedBy,
}

/// What may be recorded, and what the professional should know of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Admitted {
    /// In the order of the notices' enum.
    pub notices: SmallVec<[Notice; 3]>,
    /// The consent that it replaces.
    pub replaced: Option<OpaqueId<'static>>,
}

/// What the professional should know of what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// Given on an earlier day than recorded.
    LateEntry,
    /// The newest information has not been received.
    ProvideInformation,
    /// An earlier consent of the kind was replaced.
    ConsentReplaced,
}

/// The facts that admission looks at.
#[derive(Clone, Copy)]
struct Admission<'a> {
    client: &'a ClientId,
    declarations: &'a ClientDeclarations,
    directory: &'a Directory,
    calendar: &'a Calendar,
    now: Instant,
}

/// Whether a declaration may be recorded now; else the first refusal that holds.
pub fn admit(
    submission: &Submission,
    declarations: &ClientDeclarations,
    directory: &Directory,
    calendar: &Calendar,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let Submission { client, content, given_at, declarer, recorded_by } = submission;
    let admission = Admission { client, declarations, directory, calendar, now };
    let given_at = admission.given_at(*given_at)?;
    let recorder = admission.recorder(recorded_by, content)?;
    // Who is authorised in MyKanta acknowledges there (001).
    let is_elsewhere = declarer.role == Role::AuthorisedPerson && *recorded_by != RecordedBy::MyKanta;
    if is_elsewhere || !may_declare(Some(declarer.role), ContentRef::of(content), client, Day::of(given_at)) {
        return Err(Refusal::DeclarerNotAllowed);
    }
    let declared = admission.declared();
    let mut newly_informed = false;
    let mut replaced = None;
    match content {
        Content::Information(information) => newly_informed = admission.information(information, given_at)?,
        Content::Consent(consent) => replaced = admission.consent(consent, &declared)?,
        Content::Denial(denial) => admission.denial(denial, given_at)?,
        // Nothing is submitted that this version cannot read.
        Content::Unreadable(_) => return Err(Refusal::DenialScopeNotAllowed),
    }
    let must_inform = declared.must_inform && !newly_informed;
    Ok(admission.admitted(given_at, must_inform, recorder, replaced))
}

/// Whether a withdrawal may be recorded now; else the first refusal that holds.
pub fn admit_withdrawal(
    submission: &WithdrawalSubmission,
    declarations: &ClientDeclarations,
    directory: &Directory,
    calendar: &Calendar,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let WithdrawalSubmission { client, declaration, given_at, declarer, recorded_by } = submission;
    let admission = Admission { client, declarations, directory, calendar, now };
    let target =
        declarations.iter().find(|stored| stored.id == *declaration).ok_or(Refusal::DeclarationUnknown)?;
    let given_at = admission.given_at(*given_at)?;
    let recorder = admission.recorder(recorded_by, &target.content)?;
    // Judged on the day it is given, and as every later decision will judge
    // it, on the day it is recorded: what would end nothing is not accepted.
    let content = ContentRef::of(&target.content);
    let may = |day| may_withdraw(Some(declarer.role), content, target.role(), client, day);
    if !(may(Day::of(given_at)) && may(Day::of(now))) {
        return Err(Refusal::DeclarerNotAllowed);
    }
    if target.content.kind() == Kind::Information {
        return Err(Refusal::InformationCannotBeWithdrawn);
    }
    if !is_in_force(target, declarations, client, now) {
        return Err(Refusal::AlreadyWithdrawn);
    }
    Ok(admission.admitted(given_at, admission.declared().must_inform, recorder, None))
}

impl<'a> Admission<'a> {
    fn today(&self) -> Day {
        Day::of(self.now)
    }

    fn declared(&self) -> Declared<'a> {
        Declared::at(self.now, Gist::all(self.declarations), self.client, self.calendar)
    }

    /// When the client said it; unset = as it is recorded.
    fn given_at(&self, told: Option<Instant>) -> Result<Instant, Refusal> {
        let given_at = told.unwrap_or(self.now);
        if given_at > self.now { Err(Refusal::GivenInFuture) } else { Ok(given_at) }
    }

    /// The professional's register, if it is one: known, of the sector that
    /// the declaration is about (002, 003; across sectors either, 004), and
    /// ready to store declarations (003). None: MyKanta.
    fn recorder(&self, recorded_by: &RecordedBy, content: &Content) -> Result<Option<Party<'a>>, Refusal> {
        let RecordedBy::Professional(professional) = recorded_by else {
            return Ok(None);
        };
        let register = self.directory.party(&professional.register);
        let register = register
            .filter(|_| self.directory.organisation(&professional.organisation).is_some())
            .ok_or(Refusal::RecorderUnknown)?;
        let own_sector = register.register.kind.sector().ok_or(Refusal::RecorderSectorNotAllowed)?;
        if sector_concerned(content).is_some_and(|sector| sector != own_sector) {
            return Err(Refusal::RecorderSectorNotAllowed);
        }
        if !register.register.stores_declarations(self.today()) {
            return Err(Refusal::RecorderNotReady);
        }
        Ok(Some(register))
    }

    /// Whether receiving the information leaves nothing newer to give.
    fn information(&self, information: &Information, given_at: Instant) -> Result<bool, Refusal> {
        let Some((place, version)) = self.calendar.version(&information.version) else {
            let known: Vec<&str> = self.calendar.versions.iter().map(|version| &*version.version).collect();
            return Err(Refusal::InformationVersionUnknown { known: known.join(", ") });
        };
        match version.valid_from {
            Some(released) if !version.is_released_on(Day::of(given_at)) => {
                Err(Refusal::InformationVersionNotReleased { released })
            }
            _ => Ok(self.calendar.newest_version(self.today()).is_none_or(|(newest, _)| newest <= place)),
        }
    }

    /// The consent that it replaces, if it may be recorded.
    fn consent(
        &self,
        consent: &Consent,
        declared: &Declared<'a>,
    ) -> Result<Option<OpaqueId<'static>>, Refusal> {
        if consent.kind.needs_information() && !self.is_informed(declared) {
            let newest = self.calendar.newest_version(self.today());
            let newest = newest.map(|(_, version)| version.version.to_string()).unwrap_or_default();
            return Err(Refusal::InformationRequired { newest });
        }
        // Imported history only.
        if consent.kind == ConsentKind::VerbalPrescription {
            return Err(Refusal::ConsentKindEnded);
        }
        let allocation = consent.allocation.as_ref().filter(|allocation| !allocation.is_empty());
        if allocation.and_then(|allocation| not_offered(&consent.kind, allocation, self.directory)).is_some()
        {
            return Err(Refusal::ConsentAllocationNotAllowed);
        }
        let earlier = declared.latest_consent(&consent.kind).filter(|earlier| !earlier.is_withdrawn);
        let earlier = earlier.and_then(|earlier| self.declarations.get(earlier.place as usize));
        Ok(earlier.map(|earlier| earlier.id.clone()))
    }

    /// Informed enough for a consent recorded today; before the Act, under the earlier law.
    fn is_informed(&self, declared: &Declared<'_>) -> bool {
        declared.is_informed
            || (self.today() < self.calendar.act_in_force && declared.is_informed_under_earlier_law)
    }

    /// Whether a denial's scope is offered in its sector and for its register (002, 003).
    fn denial(&self, denial: &Denial, given_at: Instant) -> Result<(), Refusal> {
        let register_kind = |oid| self.directory.party(oid).map(|party| party.register.kind);
        let is_offered = match (denial.sector, &denial.scope) {
            (
                DenialSector::Healthcare,
                Scope::AllPatientData | Scope::ServiceEvent(_) | Scope::Prescription(_),
            )
            | (
                DenialSector::SocialWelfare,
                Scope::ServiceTransaction(_) | Scope::Document(_) | Scope::ServiceTask(_),
            )
            | (DenialSector::Both, Scope::Extensive) => true,
            (DenialSector::Healthcare, Scope::Register(oid)) => matches!(
                register_kind(oid),
                Some(
                    RegisterKind::PublicHealthcare
                        | RegisterKind::PublicOccupational
                        | RegisterKind::PrivateOccupational
                )
            ),
            (DenialSector::SocialWelfare, Scope::Register(oid)) => {
                register_kind(oid) == Some(RegisterKind::SocialWelfare)
            }
            // Imported history.
            (DenialSector::Healthcare, Scope::FormerProvider(oid)) => {
                let provider = self.directory.organisation(oid);
                Day::of(given_at) < self.calendar.counties_begin
                    && provider.is_some_and(|provider| provider.kind == OrganisationKind::FormerPublic)
            }
            (_, _) => false,
        };
        if !is_offered {
            return Err(Refusal::DenialScopeNotAllowed);
        }
        let open_from = self.calendar.day(CalendarDate::ExtensiveRefusalFrom);
        let is_open = open_from.is_some_and(|from| from <= self.today());
        if denial.scope == Scope::Extensive && !is_open {
            Err(Refusal::ExtensiveRefusalNotOpen)
        } else {
            Ok(())
        }
    }

    fn admitted(
        &self,
        given_at: Instant,
        must_inform: bool,
        recorder: Option<Party<'_>>,
        replaced: Option<OpaqueId<'static>>,
    ) -> Admitted {
        let today = self.today();
        let must_provide =
            must_inform && recorder.is_none_or(|recorder| must_inform_through(&recorder, today));
        let mut notices = SmallVec::new();
        notices.extend((Day::of(given_at) < today).then_some(Notice::LateEntry));
        notices.extend(must_provide.then_some(Notice::ProvideInformation));
        notices.extend(replaced.is_some().then_some(Notice::ConsentReplaced));
        Admitted { notices, replaced }
    }
}

/// The one sector that a declaration is about; none = either.
fn sector_concerned(content: &Content) -> Option<Sector> {
    match content {
        Content::Information(_) | Content::Unreadable(_) => None,
        Content::Consent(consent) => match consent.kind {
            ConsentKind::Healthcare | ConsentKind::VerbalPrescription => Some(Sector::Healthcare),
            ConsentKind::SocialWelfare => Some(Sector::SocialWelfare),
            ConsentKind::PatientDataToSocialWelfare
            | ConsentKind::ClientDataToHealthcare
            | ConsentKind::WellbeingData
            | ConsentKind::LocalCrossSector { .. } => None,
        },
        Content::Denial(denial) => match denial.sector {
            DenialSector::Healthcare => Some(Sector::Healthcare),
            DenialSector::SocialWelfare => Some(Sector::SocialWelfare),
            DenialSector::Both => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::printout::samples::*;

    #[test]
    fn a_denial_of_a_former_provider_was_given_before_the_counties_began() {
        let directory = directory("");
        for (given_on, scope_of, is_admitted) in
            [("2022-12-31", FORMER, true), ("2023-01-01", FORMER, false), ("2022-12-31", COUNTY, false)]
        {
            let denial = Denial {
                sector: DenialSector::Healthcare,
                scope: Scope::FormerProvider(oid(scope_of)),
                against: SmallVec::new(),
                allows_emergency: false,
            };
            let submission = Submission {
                client: client(ADULT),
                content: Content::Denial(denial),
                given_at: Some(noon(given_on)),
                declarer: by(Role::Client),
                recorded_by: RecordedBy::MyKanta,
            };
            let admitted = admit(&submission, &[], &directory, &Calendar::published(), noon("2026-02-01"));
            assert_eq!(admitted.is_ok(), is_admitted, "{given_on} {scope_of}: {admitted:?}");
        }
    }
}
