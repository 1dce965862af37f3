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
