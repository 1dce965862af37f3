//! Admission of declarations, withdrawals and links: whether a person may record one,
//! and what the professional should know about it (domain rules §4, §7).

mod link;
mod terms;

use smallvec::SmallVec;

pub use link::{admit_link, admit_unlink};
pub use terms::{PersonRecords, Terms};

use super::calendar::CalendarDate;
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{
    ClientDeclarations, Consent, ConsentKind, Content, Declaration, Declarer, Denial, DenialSector,
    Information, Kind, Label, RecordedBy, Scope,
};
use super::declared::{Act, Declared, InForce};
use super::directory::{OrganisationKind, Party, RegisterKind, Sector};
use super::entitlement::{is_way_open, may_declare, may_withdraw};
use super::facts::{ContentRef, Facts};
use super::information::must_inform_through;
use super::oid::OpaqueId;
use super::refusal::Refusal;
use super::rules::not_offered;

/// A declaration submitted for recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The client.
    pub client: ClientId,
    /// The content.
    pub content: Content,
    /// When the client gave it; none = at the instant of recording.
    pub given_at: Option<Instant>,
    /// The person who declares.
    pub declarer: Declarer,
    /// The system or professional that records.
    pub recorded_by: RecordedBy,
    /// The client's name for a denial; none for other declarations.
    pub label: Option<Label>,
}

/// A withdrawal submitted for recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalSubmission {
    /// The client.
    pub client: ClientId,
    /// The declaration to withdraw.
    pub declaration: OpaqueId<'static>,
    /// When the client gave it; none = at the instant of recording.
    pub given_at: Option<Instant>,
    /// The person who withdraws.
    pub declarer: Declarer,
    /// The system or professional that records.
    pub recorded_by: RecordedBy,
}

/// The answer to a submission that may be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Admitted {
    /// What the professional should know, in the order of [`Notice`].
    pub notices: SmallVec<[Notice; 3]>,
    /// The consent that it replaces.
    pub replaced: Option<OpaqueId<'static>>,
}

/// What the professional should know about a recorded declaration or withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// It was given on an earlier day than it was recorded.
    LateEntry,
    /// The client has not received the newest information.
    ProvideInformation,
    /// It replaced an earlier consent of the kind.
    ConsentReplaced,
    /// A later act of the client is already recorded: the consent opens nothing.
    Superseded,
    /// An equal denial is already in force.
    AlreadyDenied,
    /// Another denial of the same scope is still in force.
    StillDenied,
    /// The codes are already linked.
    AlreadyLinked,
}

/// All inputs of admission but the submission's content.
#[derive(Clone, Copy)]
struct Admission<'a> {
    client: &'a ClientId,
    declarations: &'a ClientDeclarations,
    terms: Terms<'a>,
    now: Instant,
}

/// The effects of a declaration that may be recorded.
#[derive(Default)]
struct Effects {
    /// It is the receipt of the newest version, so that none has to be given.
    newly_informed: bool,
    replaced: Option<OpaqueId<'static>>,
    notice: Option<Notice>,
}

/// Admits a declaration at the instant `now`, or returns the first refusal that applies.
pub fn admit(
    submission: &Submission,
    person: PersonRecords<'_>,
    terms: Terms<'_>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let Submission { client: _, content, given_at, declarer, recorded_by, label: _ } = submission;
    let PersonRecords { current: client, declarations, links: _ } = person;
    let admission = Admission { client, declarations, terms, now };
    let given_on = admission.given_on(*given_at)?;
    let recorder = admission.recorder(recorded_by, content)?;
    if !(may_declare(Some(declarer.role), ContentRef::of(content), client, given_on)
        && is_way_open(declarer.role, content.kind(), client, given_on, recorded_by))
    {
        return Err(Refusal::DeclarerNotAllowed);
    }
    terms.check_number(content, declarations.len())?;
    let declared = admission.declared();
    let effects = match content {
        Content::Information(information) => admission.information(information, given_on)?,
        Content::Consent(consent) => admission.consent(consent, given_on, &declared)?,
        Content::Denial(denial) => admission.denial(denial, given_on)?,
        // An unreadable declaration is never submitted.
        Content::Unreadable(_) => return Err(Refusal::DenialScopeNotAllowed),
    };
    let must_inform = declared.must_inform && !effects.newly_informed;
    Ok(admission.admitted(given_on, must_inform, recorder, effects))
}

/// Admits a withdrawal at the instant `now`, or returns the first refusal that applies.
pub fn admit_withdrawal(
    submission: &WithdrawalSubmission,
    person: PersonRecords<'_>,
    terms: Terms<'_>,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let PersonRecords { current: client, declarations, links: _ } = person;
    let WithdrawalSubmission { client: _, declaration, given_at, declarer, recorded_by } = submission;
    let admission = Admission { client, declarations, terms, now };
    let is_it = |(_, stored): &(u32, &Declaration)| stored.id == *declaration;
    let (place, target) = (0..).zip(declarations).find(is_it).ok_or(Refusal::DeclarationUnknown)?;
    let given_on = admission.given_on(*given_at)?;
    if given_on < target.given_on() {
        return Err(Refusal::WithdrawalBeforeDeclaration);
    }
    let recorder = admission.recorder(recorded_by, &target.content)?;
    // Judged on the day of recording, as in every later decision.
    let (content, today) = (ContentRef::of(&target.content), admission.today());
    if !(may_withdraw(Some(declarer.role), content, target.role(), client, today)
        && is_way_open(declarer.role, content.kind(), client, today, recorded_by))
    {
        return Err(Refusal::DeclarerNotAllowed);
    }
    if target.content.kind() == Kind::Information {
        return Err(Refusal::InformationCannotBeWithdrawn);
    }
    let in_force = InForce::at(now, declarations, client);
    if !in_force.has(place) {
        return Err(Refusal::AlreadyWithdrawn);
    }
    let notice = is_still_denied(place, target, &in_force).then_some(Notice::StillDenied);
    let effects = Effects { notice, ..Effects::default() };
    Ok(admission.admitted(given_on, admission.declared().must_inform, recorder, effects))
}

/// Whether a denial other than the withdrawn one, of the same scope and of the
/// same sector or of both, is in force.
fn is_still_denied(place: u32, target: &Declaration, in_force: &InForce<'_, '_>) -> bool {
    let Content::Denial(withdrawn) = &target.content else { return false };
    in_force.each().any(|(other_place, other)| match &other.content {
        Content::Denial(other) => {
            other_place != place
                && other.scope == withdrawn.scope
                && (other.sector == withdrawn.sector || other.sector == DenialSector::Both)
        }
        Content::Information(_) | Content::Consent(_) | Content::Unreadable(_) => false,
    })
}

impl<'a> Admission<'a> {
    fn today(&self) -> Day {
        Day::of(self.now)
    }

    fn declared(&self) -> Declared<'a> {
        Declared::at(self.now, Facts::all(self.declarations), self.client, self.terms.calendar)
    }

    /// The day on which the client gave it; none = at the instant of recording. If
    /// the recorder's clock is a little ahead, it counts as given then too.
    fn given_on(&self, given_at: Option<Instant>) -> Result<Day, Refusal> {
        self.terms.given_on(given_at, self.now)
    }

    /// The professional's register; none for MyKanta. It must be known, be of the
    /// sector that the declaration concerns (002, 003; across sectors of either,
    /// 004), and be ready to store declarations (003).
    fn recorder(&self, recorded_by: &RecordedBy, content: &Content) -> Result<Option<Party<'a>>, Refusal> {
        let RecordedBy::Professional(professional) = recorded_by else {
            return Ok(None);
        };
        let (register, own_sector) = self.terms.professional(professional)?;
        if sector_concerned(content).is_some_and(|sector| sector != own_sector) {
            return Err(Refusal::RecorderSectorNotAllowed);
        }
        if !register.register.stores_declarations(self.today()) {
            return Err(Refusal::RecorderNotReady);
        }
        Ok(Some(register))
    }

    /// Checks that a version can have been received on the day.
    fn information(&self, information: &Information, given_on: Day) -> Result<Effects, Refusal> {
        let calendar = self.terms.calendar;
        let Some((place, version)) = calendar.version(&information.version) else {
            let known: Vec<&str> = calendar.versions.iter().map(|version| &*version.version).collect();
            return Err(Refusal::InformationVersionUnknown { known: known.join(", ") });
        };
        match (version.valid_from, version.valid_until) {
            (Some(released), _) if given_on < released => {
                Err(Refusal::InformationVersionNotReleased { released })
            }
            (_, Some(ended)) if ended <= given_on => Err(Refusal::InformationVersionEnded { ended }),
            (_, _) => {
                let newest = calendar.newest_version(self.today());
                let newly_informed = newest.is_none_or(|(newest, _)| newest <= place);
                Ok(Effects { newly_informed, ..Effects::default() })
            }
        }
    }

    /// Checks that a consent may be recorded, and finds the consent that it replaces.
    fn consent(&self, consent: &Consent, given_on: Day, declared: &Declared<'a>) -> Result<Effects, Refusal> {
        let calendar = self.terms.calendar;
        let is_before_act = || self.today() < calendar.act_in_force;
        let this_moment = (self.now, u32::MAX);
        if consent.kind.needs_information()
            && !declared.receipts.had_informed(this_moment, given_on, is_before_act)
        {
            let newest = calendar.newest_version(self.today());
            let newest = newest.map(|(_, version)| version.version.to_string()).unwrap_or_default();
            return Err(Refusal::InformationRequired { newest });
        }
        // Imported history only.
        if consent.kind == ConsentKind::VerbalPrescription {
            return Err(Refusal::ConsentKindEnded);
        }
        let allocation = consent.allocation.as_ref().filter(|allocation| !allocation.is_empty());
        if allocation
            .and_then(|allocation| not_offered(&consent.kind, allocation, self.terms.directory))
            .is_some()
        {
            return Err(Refusal::ConsentAllocationNotAllowed);
        }
        let giving = Act::new_giving(given_on, self.now);
        if !declared.consents.is_last(giving, &consent.kind) {
            return Ok(Effects { notice: Some(Notice::Superseded), ..Effects::default() });
        }
        let earlier = declared.consents.latest(&consent.kind).filter(|earlier| !earlier.is_withdrawn());
        let earlier = earlier.and_then(|earlier| self.declarations.get(earlier.place() as usize));
        Ok(Effects { replaced: earlier.map(|earlier| earlier.id.clone()), ..Effects::default() })
    }

    /// Checks that a denial's scope is offered in its sector and for its register (002, 003).
    fn denial(&self, denial: &Denial, given_on: Day) -> Result<Effects, Refusal> {
        let Terms { directory, calendar, .. } = self.terms;
        // Once a register has merged, the data file is its successor's.
        let register_kind = |oid| {
            let file = directory.holder(oid, calendar, given_on).filter(|file| !file.is_merged());
            file.map(|file| file.register.kind)
        };
        let is_offered = match (denial.sector, &denial.scope) {
            (
                DenialSector::Healthcare,
                Scope::AllPatientData | Scope::ServiceEvent(_) | Scope::Prescription(_),
            )
            | (
                DenialSector::SocialWelfare,
                Scope::ServiceTransaction(_) | Scope::Document(_) | Scope::ServiceTask(_),
            )
            // In healthcare, all patient data stands in its place.
            | (DenialSector::SocialWelfare | DenialSector::Both, Scope::Extensive) => true,
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
                let provider = directory.organisation(oid);
                given_on < calendar.counties_begin
                    && provider.is_some_and(|provider| provider.kind == OrganisationKind::FormerPublic)
            }
            (_, _) => false,
        };
        if !is_offered {
            return Err(Refusal::DenialScopeNotAllowed);
        }
        let open_from = calendar.day(CalendarDate::ExtensiveRefusalFrom);
        let is_open = open_from.is_some_and(|from| from <= self.today());
        if denial.scope == Scope::Extensive && !is_open {
            return Err(Refusal::ExtensiveRefusalNotOpen);
        }
        let notice = self.is_already_denied(denial).then_some(Notice::AlreadyDenied);
        Ok(Effects { notice, ..Effects::default() })
    }

    /// Whether an equal denial is in force.
    fn is_already_denied(&self, denial: &Denial) -> bool {
        let in_force = InForce::at(self.now, self.declarations, self.client);
        in_force.each().any(|(_, other)| match &other.content {
            Content::Denial(other) => is_equal(other, denial),
            Content::Information(_) | Content::Consent(_) | Content::Unreadable(_) => false,
        })
    }

    fn admitted(
        &self,
        given_on: Day,
        must_inform: bool,
        recorder: Option<Party<'_>>,
        effects: Effects,
    ) -> Admitted {
        let Effects { newly_informed: _, replaced, notice } = effects;
        let today = self.today();
        let must_provide =
            must_inform && recorder.is_none_or(|recorder| must_inform_through(&recorder, today));
        let mut notices = SmallVec::new();
        notices.extend((given_on < today).then_some(Notice::LateEntry));
        notices.extend(must_provide.then_some(Notice::ProvideInformation));
        notices.extend(replaced.is_some().then_some(Notice::ConsentReplaced));
        notices.extend(notice);
        Admitted { notices, replaced }
    }
}

/// Whether two denials are equal. The order of `against` does not matter, and
/// denials that carry no conditions are compared without them.
fn is_equal(one: &Denial, other: &Denial) -> bool {
    let Denial { sector, scope, against, allows_emergency } = one;
    let carries_conditions = *sector == DenialSector::Healthcare && *scope != Scope::Extensive;
    let has_same_conditions = || {
        against.iter().all(|one| other.against.contains(one))
            && other.against.iter().all(|one| against.contains(one))
            && *allows_emergency == other.allows_emergency
    };
    *sector == other.sector && *scope == other.scope && (!carries_conditions || has_same_conditions())
}

/// The sector that a declaration concerns; none = either sector.
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
mod tests;
