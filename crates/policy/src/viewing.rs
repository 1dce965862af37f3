//! The declarations of a client that a viewer is shown, and the purposes for
//! which denials may be viewed (002, 003; domain rules §8).

use std::collections::HashMap;

use super::calendar::Calendar;
use super::client_id::ClientId;
use super::day::{Day, Instant};
use super::declaration::{ClientDeclarations, Content, Declaration, DenialSector, Kind, RecordedBy};
use super::declared::InForce;
use super::directory::{Directory, Party, Sector};
use super::oid::{Oid, OpaqueId};
use super::refusal::Refusal;
use super::rules::covered_registers;

/// The purposes for which denials may be viewed. Routine retrieval is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewingPurpose {
    /// The client wishes to change or see them.
    ClientChangesDenials,
    /// Data is disclosed locally, outside Kanta.
    DisclosureOutsideKanta,
    /// A problem with data sharing is investigated.
    Investigation,
}

/// The declarations requested by a viewer.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The kinds; empty = all kinds.
    pub kinds: Vec<Kind>,
    /// Whether withdrawn and replaced declarations are included.
    pub include_ended: bool,
    /// Page token: only the declarations after this one; none = from the first.
    pub after: Option<OpaqueId<'static>>,
    /// Maximum number of declarations returned.
    pub count_max: usize,
}

/// The purpose and the viewer of a request.
#[derive(Clone, Debug)]
pub struct View {
    /// The purpose; none = not given.
    pub purpose: Option<ViewingPurpose>,
    /// The viewer; none = not named.
    pub viewer: Option<RecordedBy>,
}

/// The inputs of viewing besides the client's declarations.
#[derive(Clone, Copy, Debug)]
pub struct Showing<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// Organisations and registers.
    pub directory: &'a Directory,
    /// The dates on which rules change.
    pub calendar: &'a Calendar,
    /// The instant of the viewing.
    pub now: Instant,
}

/// A declaration as a viewer is shown it.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// The consent that replaced it, or whose act superseded it.
    pub replaced_by: Option<&'a OpaqueId<'static>>,
    /// The registers whose data a denial covers on the day, if its scope is
    /// one of registers (002: whether an old denial "also applies to the
    /// healthcare data file of the wellbeing services county" can be checked).
    pub covers: Vec<&'a Oid<'static>>,
}

/// The denials that a viewer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All denials: the viewer is MyKanta.
    All,
    /// The denials of the professional's own sector, if the register has one, and
    /// the denials of both sectors.
    OfSector(Option<Sector>),
}

/// The declarations requested, in revision order. Denials are returned only for
/// a purpose, to a named viewer, and of the viewer's sector.
pub fn select<'a>(
    selection: &Selection,
    view: &View,
    declarations: &'a ClientDeclarations,
    showing: Showing<'a>,
) -> Result<Vec<Shown<'a>>, Refusal> {
    let Selection { kinds, include_ended, after, count_max } = selection;
    let includes = |kind| kinds.is_empty() || kinds.contains(&kind);
    let sight = if includes(Kind::Denial) { Some(sight_for_denials(view, showing.directory)?) } else { None };
    let in_force = InForce::at(showing.now, declarations, showing.client);
    // By id and not by offset, so that a withdrawal between two pages hides nothing
    // from the second.
    let start = match after {
        None => 0,
        Some(last) => {
            let place = declarations.iter().position(|declaration| declaration.id == *last);
            place.ok_or(Refusal::DeclarationUnknown)?.saturating_add(1)
        }
    };
    let is_shown = |(place, declaration): &(u32, &Declaration)| {
        includes(declaration.content.kind())
            && declaration.recorded_at <= showing.now
            && sight.is_none_or(|sight| sight.includes(&declaration.content))
            && (*include_ended || in_force.has(*place))
    };
    let replacements = if *include_ended { in_force.replacements() } else { HashMap::new() };
    let shown = |(place, declaration)| showing.shown(place, declaration, declarations, &replacements);
    let selected = (0..).zip(declarations).skip(start).filter(is_shown).take(*count_max);
    Ok(selected.map(shown).collect())
}

/// One declaration of the client; a denial under the conditions of [`select`].
pub fn get<'a>(
    id: &OpaqueId<'_>,
    view: &View,
    declarations: &'a ClientDeclarations,
    showing: Showing<'a>,
) -> Result<Shown<'a>, Refusal> {
    let is_it = |(_, declaration): &(u32, &Declaration)| {
        declaration.id == *id && declaration.recorded_at <= showing.now
    };
    let (place, declaration) = (0..).zip(declarations).find(is_it).ok_or(Refusal::DeclarationUnknown)?;
    if declaration.content.kind() == Kind::Denial
        && !sight_for_denials(view, showing.directory)?.includes(&declaration.content)
    {
        return Err(Refusal::DeclarationUnknown);
    }
    let in_force = InForce::at(showing.now, declarations, showing.client);
    Ok(showing.shown(place, declaration, declarations, &in_force.replacements()))
}

/// The denials that a viewer is shown. The checks are in the order of refusals:
/// the viewer must be known, then a purpose must be given.
fn sight_for_denials(view: &View, directory: &Directory) -> Result<Sight, Refusal> {
    let sight = view.viewer.as_ref().map(|viewer| Sight::of(viewer, directory)).transpose()?;
    view.purpose.ok_or(Refusal::ViewingPurposeRequired)?;
    // Fail-closed: the interface requires a viewer, and without one only denials of both
    // sectors are shown.
    Ok(sight.unwrap_or(Sight::OfSector(None)))
}

impl Sight {
    /// The denials that a viewer is shown. A professional's organisation and
    /// register must be known.
    pub fn of(viewer: &RecordedBy, directory: &Directory) -> Result<Self, Refusal> {
        match viewer {
            RecordedBy::MyKanta => Ok(Self::All),
            RecordedBy::Professional(professional) => {
                directory.organisation(&professional.organisation).ok_or(Refusal::RecorderUnknown)?;
                let party = directory.party(&professional.register).ok_or(Refusal::RecorderUnknown)?;
                Ok(Self::of_party(&party))
            }
        }
    }

    /// The denials that a professional who works for a register is shown.
    #[must_use]
    pub fn of_party(party: &Party<'_>) -> Self {
        Self::OfSector(party.register.kind.sector())
    }

    /// Whether a declaration is shown: every declaration but denials of the other
    /// sector alone.
    #[must_use]
    pub fn includes(self, content: &Content) -> bool {
        match (self, content) {
            (Self::OfSector(sector), Content::Denial(denial)) => match sector {
                Some(sector) => denial.sector.includes(sector),
                None => denial.sector == DenialSector::Both,
            },
            (_, _) => true,
        }
    }
}

impl<'a> Showing<'a> {
    fn shown(
        self,
        place: u32,
        declaration: &'a Declaration,
        declarations: &'a ClientDeclarations,
        replacements: &HashMap<u32, u32>,
    ) -> Shown<'a> {
        let replaced_by = replacements.get(&place).and_then(|by| declarations.get(*by as usize));
        let covers = match &declaration.content {
            Content::Denial(denial) => {
                covered_registers(denial, self.directory, self.calendar, Day::of(self.now))
            }
            Content::Information(_) | Content::Consent(_) | Content::Unreadable(_) => Vec::new(),
        };
        Shown { declaration, replaced_by: replaced_by.map(|by| &by.id), covers }
    }
}

impl ViewingPurpose {
    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientChangesDenials => "client-changes-denials",
            Self::DisclosureOutsideKanta => "disclosure-outside-kanta",
            Self::Investigation => "investigation",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declaration::{ConsentKind, Professional, Scope};
    use crate::samples::*;

    fn stored() -> Vec<Declaration> {
        vec![
            information("information", "2024-01-01"),
            consent("replaced", "2024-01-02", ConsentKind::Healthcare),
            consent("consent", "2024-01-03", ConsentKind::Healthcare),
            denial("denial", "2026-02-01", DenialSector::Healthcare, Scope::AllPatientData),
            denial("social-denial", "2026-02-01", DenialSector::SocialWelfare, Scope::AllPatientData),
            denial("of-both", "2026-02-01", DenialSector::Both, Scope::Extensive),
            information("tomorrow", "2026-02-02"),
        ]
    }

    fn professional(register: &'static str) -> RecordedBy {
        RecordedBy::Professional(Professional {
            register: oid(register),
            organisation: oid(COUNTY),
            professional: "".into(),
        })
    }

    fn investigating(viewer: RecordedBy) -> View {
        View { purpose: Some(ViewingPurpose::Investigation), viewer: Some(viewer) }
    }

    fn shown(
        kinds: &[Kind],
        include_ended: bool,
        view: &View,
        after: Option<&'static str>,
    ) -> Result<Vec<String>, Refusal> {
        let selection =
            Selection { kinds: kinds.to_vec(), include_ended, after: after.map(id), count_max: 100 };
        let (stored, client) = (stored(), client(ADULT));
        let (directory, calendar) = (directory(""), Calendar::published());
        let now = noon("2026-02-01");
        let showing = Showing { client: &client, directory: &directory, calendar: &calendar, now };
        let selected = select(&selection, view, &stored, showing)?;
        Ok(selected.iter().map(|shown| shown.declaration.id.as_str().to_owned()).collect())
    }

    #[test]
    fn declarations_recorded_by_now_are_selected() {
        let view = investigating(RecordedBy::MyKanta);
        let denials = ["denial", "social-denial", "of-both"];
        for (kinds, include_ended, after, expected) in [
            (&[][..], true, None, [&["information", "replaced", "consent"][..], &denials].concat()),
            (&[], false, None, [&["information", "consent"][..], &denials].concat()),
            (&[Kind::Consent], true, None, vec!["replaced", "consent"]),
            (&[Kind::Consent], false, None, vec!["consent"]),
            (&[Kind::Denial], false, None, denials.to_vec()),
            (&[], true, Some("replaced"), [&["consent"][..], &denials].concat()),
            (&[], true, Some("of-both"), vec![]),
        ] {
            let shown = shown(kinds, include_ended, &view, after).expect("they may be shown");
            assert_eq!(shown, expected, "{kinds:?} {include_ended} {after:?}");
        }
        assert_eq!(shown(&[], true, &view, Some("unknown")), Err(Refusal::DeclarationUnknown));
    }

    #[test]
    fn denials_are_shown_for_a_purpose_only() {
        let view = View { purpose: None, viewer: Some(RecordedBy::MyKanta) };
        for kinds in [&[][..], &[Kind::Denial], &[Kind::Consent, Kind::Denial]] {
            assert_eq!(shown(kinds, true, &view, None), Err(Refusal::ViewingPurposeRequired));
        }
        let nobody = View { purpose: None, viewer: None };
        let others = shown(&[Kind::Consent, Kind::Information], true, &nobody, None);
        assert_eq!(others.expect("no denials are requested"), ["information", "replaced", "consent"]);
    }

    #[test]
    fn a_professional_is_shown_the_denials_of_the_own_sector_and_of_both() {
        for (viewer, expected) in [
            (professional(COUNTY_HEALTHCARE), Ok(vec!["denial".to_owned(), "of-both".to_owned()])),
            (professional(COUNTY_SOCIAL_WELFARE), Ok(vec!["social-denial".to_owned(), "of-both".to_owned()])),
            (professional(UNKNOWN), Err(Refusal::RecorderUnknown)),
        ] {
            assert_eq!(shown(&[Kind::Denial], false, &investigating(viewer), None), expected);
        }
        let unknown = View { purpose: None, viewer: Some(professional(UNKNOWN)) };
        assert_eq!(shown(&[Kind::Denial], false, &unknown, None), Err(Refusal::RecorderUnknown));
    }

    #[test]
    fn a_purpose_is_logged_by_its_name() {
        let purposes = [
            ViewingPurpose::ClientChangesDenials,
            ViewingPurpose::DisclosureOutsideKanta,
            ViewingPurpose::Investigation,
        ];
        let names = ["client-changes-denials", "disclosure-outside-kanta", "investigation"];
        assert_eq!(purposes.map(ViewingPurpose::name), names);
    }
}
