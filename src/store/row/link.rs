//! The JSON bodies of links and of their ends.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::declaration::Professional;
use super::{Unreadable, client, instant, micros, row_enum};
use crate::policy::client_id::ClientId;
use crate::policy::day::Instant;
use crate::policy::link as policy;
use crate::policy::oid::OpaqueId;

/// The body of a link. It is stored once for each of its codes, so that each of
/// them leads to it. Its id, and the time of recording unless it is imported, are
/// in columns.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Link<'a> {
    /// Root and extension of each code.
    #[serde(borrow)]
    codes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The position of the current code among `codes`.
    current: usize,
    reason: LinkReason,
    /// In microseconds, as every time in a body.
    given_at: i64,
    #[serde(borrow)]
    recorded_by: LinkRecorder<'a>,
    /// When another system recorded it; only of imported history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imported_recorded_at: Option<i64>,
}

/// The body of the end of a link, which is stored once for each code of the link.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct LinkEnd<'a> {
    given_at: i64,
    #[serde(borrow)]
    recorded_by: LinkRecorder<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imported_recorded_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum LinkRecorder<'a> {
    PopulationRegister,
    #[serde(borrow)]
    Professional(Professional<'a>),
}

row_enum!(LinkReason = policy::LinkReason { IdentityCodeChanged, TemporaryCodeReplaced, DuplicateMerged });

impl<'a> Link<'a> {
    /// The body of a link that is recorded here.
    pub(in crate::store) fn recorded(submission: &'a policy::LinkSubmission, given_at: Instant) -> Self {
        let policy::LinkSubmission { linked, reason, given_at: _, recorded_by } = submission;
        Self::of(linked, *reason, given_at, recorded_by, None)
    }

    /// The body of a link that another system recorded.
    pub(in crate::store) fn imported(recorded: &'a policy::RecordedLink) -> Self {
        let policy::RecordedLink { link, reason, given_at, recorded_by, end: _ } = recorded;
        Self::of(&link.linked, *reason, *given_at, recorded_by, Some(micros(link.recorded_at)))
    }

    fn of(
        linked: &'a policy::LinkedCodes,
        reason: policy::LinkReason,
        given_at: Instant,
        recorded_by: &'a policy::LinkRecorder,
        imported_recorded_at: Option<i64>,
    ) -> Self {
        let policy::LinkedCodes { codes, current } = linked;
        Self {
            codes: codes.iter().map(|code| (code.root().into(), code.extension().into())).collect(),
            current: codes.iter().position(|code| code == current).unwrap_or_default(),
            reason: reason.into(),
            given_at: micros(given_at),
            recorded_by: recorded_by.into(),
            imported_recorded_at,
        }
    }

    pub(in crate::store) fn into_policy(
        self,
        id: OpaqueId<'static>,
        stored_at: Instant,
    ) -> Result<policy::RecordedLink, Unreadable> {
        let Self { codes, current, reason, given_at, recorded_by, imported_recorded_at } = self;
        let codes = codes.iter().map(|(root, extension)| client(root, extension));
        let codes = codes.collect::<Result<Box<[ClientId]>, Unreadable>>()?;
        let current = codes.get(current).ok_or(Unreadable)?.clone();
        if !(2..=policy::CODES_MAX).contains(&codes.len()) {
            return Err(Unreadable);
        }
        let recorded_at = imported_recorded_at.map_or(Ok(stored_at), instant)?;
        Ok(policy::RecordedLink {
            link: policy::Link { id, linked: policy::LinkedCodes { codes, current }, recorded_at },
            reason: reason.into(),
            given_at: instant(given_at)?,
            recorded_by: recorded_by.try_into()?,
            end: None,
        })
    }
}

impl<'a> LinkEnd<'a> {
    /// The body of an end that is recorded here.
    pub(in crate::store) fn recorded(recorded_by: &'a policy::LinkRecorder, given_at: Instant) -> Self {
        Self { given_at: micros(given_at), recorded_by: recorded_by.into(), imported_recorded_at: None }
    }

    /// The body of an end that another system recorded.
    pub(in crate::store) fn imported(end: &'a policy::LinkEnd) -> Self {
        let policy::LinkEnd { given_at, recorded_at, recorded_by } = end;
        Self { imported_recorded_at: Some(micros(*recorded_at)), ..Self::recorded(recorded_by, *given_at) }
    }

    pub(in crate::store) fn into_policy(self, stored_at: Instant) -> Result<policy::LinkEnd, Unreadable> {
        let Self { given_at, recorded_by, imported_recorded_at } = self;
        Ok(policy::LinkEnd {
            given_at: instant(given_at)?,
            recorded_at: imported_recorded_at.map_or(Ok(stored_at), instant)?,
            recorded_by: recorded_by.try_into()?,
        })
    }
}

impl<'a> From<&'a policy::LinkRecorder> for LinkRecorder<'a> {
    fn from(recorder: &'a policy::LinkRecorder) -> Self {
        match recorder {
            policy::LinkRecorder::PopulationRegister => Self::PopulationRegister,
            policy::LinkRecorder::Professional(professional) => Self::Professional(professional.into()),
        }
    }
}

impl TryFrom<LinkRecorder<'_>> for policy::LinkRecorder {
    type Error = Unreadable;

    fn try_from(recorder: LinkRecorder<'_>) -> Result<Self, Unreadable> {
        Ok(match recorder {
            LinkRecorder::PopulationRegister => Self::PopulationRegister,
            LinkRecorder::Professional(professional) => Self::Professional(professional.try_into()?),
        })
    }
}
