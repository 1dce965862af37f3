//! What of a client's declarations is shown, and for what denials may be
//! viewed (002).

use super::client_id::ClientId;
use super::day::Instant;
use super::declaration::{ClientDeclarations, Declaration, Kind};
use super::declared::is_in_force;
use super::oid::OpaqueId;
use super::refusal::Refusal;

/// Denials may be viewed for these purposes only. Routine retrieval is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewingPurpose {
    /// The client wishes to change or see them.
    ClientChangesDenials,
    /// Data is disclosed locally, outside Kanta.
    DisclosureOutsideKanta,
    /// A problem with data sharing is investigated.
    Investigation,
}

/// Which of a client's declarations are asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Which kinds; empty = all.
    pub kinds: Vec<Kind>,
    /// Withdrawn and replaced ones too.
    pub include_ended: bool,
    /// For what; none = not told.
    pub purpose: Option<ViewingPurpose>,
    /// Only those after this one; none = from the first.
    pub after: Option<OpaqueId<'static>>,
}

/// The declarations asked for, in revision order; denials only for a purpose.
pub fn select<'a>(
    selection: &Selection,
    declarations: &'a ClientDeclarations,
    client: &ClientId,
    now: Instant,
) -> Result<Vec<&'a Declaration>, Refusal> {
    let Selection { kinds, include_ended, purpose, after } = selection;
    let asks_for = |kind| kinds.is_empty() || kinds.contains(&kind);
    if asks_for(Kind::Denial) && purpose.is_none() {
        return Err(Refusal::ViewingPurposeRequired);
    }
    let is_shown = |declaration: &&Declaration| {
        asks_for(declaration.content.kind())
            && declaration.recorded_at <= now
            && (*include_ended || is_in_force(declaration, declarations, client, now))
    };
    // By id, so that what ends between two pages hides nothing from the second.
    let start = match after {
        None => 0,
        Some(last) => {
            let place = declarations.iter().position(|declaration| declaration.id == *last);
            place.ok_or(Refusal::DeclarationUnknown)?.saturating_add(1)
        }
    };
    Ok(declarations.iter().skip(start).filter(is_shown).collect())
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
    use crate::policy::declaration::{ConsentKind, DenialSector, Scope};
    use crate::policy::printout::samples::*;

    const PURPOSE: Option<ViewingPurpose> = Some(ViewingPurpose::Investigation);

    fn stored() -> Vec<Declaration> {
        vec![
            information("information", "2024-01-01"),
            consent("replaced", "2024-01-02", ConsentKind::Healthcare),
            consent("consent", "2024-01-03", ConsentKind::Healthcare),
            denial("denial", "2026-02-01", DenialSector::Healthcare, Scope::AllPatientData),
            information("tomorrow", "2026-02-02"),
        ]
    }

    fn shown(
        kinds: &[Kind],
        include_ended: bool,
        purpose: Option<ViewingPurpose>,
        after: Option<&'static str>,
    ) -> Result<Vec<String>, Refusal> {
        let selection = Selection { kinds: kinds.to_vec(), include_ended, purpose, after: after.map(id) };
        let stored = stored();
        let selected = select(&selection, &stored, &client(ADULT), noon("2026-02-01"))?;
        Ok(selected.iter().map(|declaration| declaration.id.as_str().to_owned()).collect())
    }

    #[test]
    fn what_is_recorded_by_now_is_shown_as_asked() {
        for (kinds, include_ended, after, expected) in [
            (&[][..], true, None, &["information", "replaced", "consent", "denial"][..]),
            (&[], false, None, &["information", "consent", "denial"]),
            (&[Kind::Consent], true, None, &["replaced", "consent"]),
            (&[Kind::Consent], false, None, &["consent"]),
            (&[Kind::Denial], false, None, &["denial"]),
            (&[], true, Some("replaced"), &["consent", "denial"]),
            (&[], true, Some("denial"), &[]),
        ] {
            let shown = shown(kinds, include_ended, PURPOSE, after).expect("they may be shown");
            assert_eq!(shown, expected, "{kinds:?} {include_ended} {after:?}");
        }
        assert_eq!(shown(&[], true, PURPOSE, Some("unknown")), Err(Refusal::DeclarationUnknown));
    }

    #[test]
    fn denials_are_shown_for_a_purpose_only() {
        for kinds in [&[][..], &[Kind::Denial], &[Kind::Consent, Kind::Denial]] {
            assert_eq!(shown(kinds, true, None, None), Err(Refusal::ViewingPurposeRequired));
        }
        let others = shown(&[Kind::Consent, Kind::Information], true, None, None);
        assert_eq!(others.expect("no denials are asked for"), ["information", "replaced", "consent"]);
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
