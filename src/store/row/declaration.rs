//! The JSON bodies of declarations and withdrawals.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::content::Content;
use super::{Unreadable, instant, micros, oid, row_enum};
use crate::policy::day::{Instant, given_on};
use crate::policy::declaration as policy;
use crate::policy::facts::{OwnedFacts, WithdrawalFacts};
use crate::policy::oid::{Oid, OpaqueId};

/// The body of a declaration. Its id, and the time of recording unless it is imported, are in columns.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Declaration<'a> {
    #[serde(borrow)]
    pub(in crate::store) content: Content<'a>,
    /// In microseconds, as every time in a body.
    pub(in crate::store) given_at: i64,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) declarer: Option<Declarer<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) recorded_by: Option<RecordedBy<'a>>,
    /// Only of imported history.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) imported: Option<Imported<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) label: Option<Cow<'a, str>>,
}

/// The part of an imported declaration that another system recorded.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Imported<'a> {
    recorded_at: i64,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    withdrawal: Option<ImportedWithdrawal<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedWithdrawal<'a> {
    recorded_at: i64,
    /// `None`: when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given_at: Option<i64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    by: Option<Declarer<'a>>,
}

/// The body of a withdrawal. The time of recording is in a column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Withdrawal<'a> {
    pub(in crate::store) given_at: i64,
    /// `None` only of imported history: the role is not known.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) by: Option<Declarer<'a>>,
    /// `None` only of imported history.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) recorded_by: Option<RecordedBy<'a>>,
    /// When another system recorded it; only of imported history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) imported_recorded_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Declarer<'a> {
    pub(super) role: Role,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::store) enum RecordedBy<'a> {
    MyKanta,
    #[serde(borrow)]
    Professional(Professional<'a>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Professional<'a> {
    #[serde(borrow)]
    pub(super) register: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) organisation: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) professional: Cow<'a, str>,
}

row_enum!(Role = policy::Role { Client, Guardian, LegalRepresentative, AuthorisedPerson });

impl<'a> From<&'a policy::Declaration> for Declaration<'a> {
    /// The body of imported history.
    fn from(declaration: &'a policy::Declaration) -> Self {
        let policy::Declaration {
            id: _,
            content,
            given_at,
            recorded_at,
            withdrawal,
            declarer,
            recorded_by,
            label,
        } = declaration;
        Self {
            content: content.into(),
            given_at: micros(*given_at),
            declarer: declarer.as_ref().map(Declarer::from),
            recorded_by: recorded_by.as_ref().map(RecordedBy::from),
            imported: Some(Imported {
                recorded_at: micros(*recorded_at),
                withdrawal: withdrawal.as_ref().map(ImportedWithdrawal::from),
            }),
            label: label.as_ref().map(|label| label.as_str().into()),
        }
    }
}

impl Declaration<'_> {
    pub(in crate::store) fn into_policy(
        self,
        id: OpaqueId<'static>,
        stored_at: Instant,
    ) -> Result<policy::Declaration, Unreadable> {
        let Self { content, given_at, declarer, recorded_by, imported, label } = self;
        let (recorded_at, withdrawal) = match imported {
            None => (stored_at, None),
            Some(Imported { recorded_at, withdrawal }) => {
                (instant(recorded_at)?, withdrawal.map(policy::Withdrawal::try_from).transpose()?)
            }
        };
        Ok(policy::Declaration {
            id,
            content: content.try_into()?,
            given_at: instant(given_at)?,
            recorded_at,
            withdrawal,
            declarer: declarer.map(policy::Declarer::from),
            recorded_by: recorded_by.map(policy::RecordedBy::try_from).transpose()?,
            label: label.as_deref().map(policy::Label::parse).transpose().map_err(|_| Unreadable)?,
        })
    }

    /// Its facts; unreadable exactly where [`Self::into_policy`] is.
    pub(in crate::store) fn into_facts(self, stored_at: Instant) -> Result<OwnedFacts, Unreadable> {
        let Self { content, given_at, declarer, recorded_by, imported, label } = self;
        if label.as_deref().is_some_and(|label| policy::Label::parse(label).is_err()) {
            return Err(Unreadable);
        }
        if let Some(RecordedBy::Professional(Professional { register, organisation, professional: _ })) =
            &recorded_by
        {
            for oid in [register, organisation] {
                Oid::parse(&**oid).map_err(|_| Unreadable)?;
            }
        }
        let (recorded_at, withdrawal) = match imported {
            None => (stored_at, None),
            Some(Imported { recorded_at, withdrawal }) => {
                let withdrawal = withdrawal.map(policy::Withdrawal::try_from).transpose()?;
                (instant(recorded_at)?, withdrawal.as_ref().map(WithdrawalFacts::of))
            }
        };
        Ok(OwnedFacts {
            content: content.try_into()?,
            given_on: given_on(instant(given_at)?, recorded_at),
            recorded_at,
            role: declarer.map(|declarer| declarer.role.into()),
            withdrawal,
        })
    }
}

impl Withdrawal<'_> {
    pub(in crate::store) fn into_policy(
        self,
        recorded_at: Instant,
    ) -> Result<policy::Withdrawal, Unreadable> {
        // The system that recorded the withdrawal has no effect on decisions.
        let Self { given_at, by, recorded_by: _, imported_recorded_at } = self;
        let recorded_at = imported_recorded_at.map_or(Ok(recorded_at), instant)?;
        Ok(policy::Withdrawal {
            recorded_at,
            given_at: instant(given_at)?,
            by: by.map(policy::Declarer::from),
        })
    }
}

impl<'a> From<&'a policy::Withdrawal> for Withdrawal<'a> {
    /// The body of imported history.
    fn from(withdrawal: &'a policy::Withdrawal) -> Self {
        let policy::Withdrawal { recorded_at, given_at, by } = withdrawal;
        Self {
            given_at: micros(*given_at),
            by: by.as_ref().map(Declarer::from),
            recorded_by: None,
            imported_recorded_at: Some(micros(*recorded_at)),
        }
    }
}

impl<'a> From<&'a policy::Withdrawal> for ImportedWithdrawal<'a> {
    fn from(withdrawal: &'a policy::Withdrawal) -> Self {
        let policy::Withdrawal { recorded_at, given_at, by } = withdrawal;
        Self {
            recorded_at: micros(*recorded_at),
            given_at: (given_at != recorded_at).then(|| micros(*given_at)),
            by: by.as_ref().map(Declarer::from),
        }
    }
}

impl TryFrom<ImportedWithdrawal<'_>> for policy::Withdrawal {
    type Error = Unreadable;

    fn try_from(withdrawal: ImportedWithdrawal<'_>) -> Result<Self, Unreadable> {
        let ImportedWithdrawal { recorded_at, given_at, by } = withdrawal;
        Ok(Self {
            recorded_at: instant(recorded_at)?,
            given_at: instant(given_at.unwrap_or(recorded_at))?,
            by: by.map(policy::Declarer::from),
        })
    }
}

impl<'a> From<&'a policy::Declarer> for Declarer<'a> {
    fn from(declarer: &'a policy::Declarer) -> Self {
        let policy::Declarer { role, name, id } = declarer;
        Self { role: (*role).into(), name: Cow::Borrowed(name), id: Cow::Borrowed(id) }
    }
}

impl From<Declarer<'_>> for policy::Declarer {
    fn from(declarer: Declarer<'_>) -> Self {
        let Declarer { role, name, id } = declarer;
        Self { role: role.into(), name: name.into(), id: id.into() }
    }
}

impl<'a> From<&'a policy::RecordedBy> for RecordedBy<'a> {
    fn from(recorded_by: &'a policy::RecordedBy) -> Self {
        match recorded_by {
            policy::RecordedBy::MyKanta => Self::MyKanta,
            policy::RecordedBy::Professional(professional) => Self::Professional(professional.into()),
        }
    }
}

impl TryFrom<RecordedBy<'_>> for policy::RecordedBy {
    type Error = Unreadable;

    fn try_from(recorded_by: RecordedBy<'_>) -> Result<Self, Unreadable> {
        Ok(match recorded_by {
            RecordedBy::MyKanta => Self::MyKanta,
            RecordedBy::Professional(professional) => Self::Professional(professional.try_into()?),
        })
    }
}

impl<'a> From<&'a policy::Professional> for Professional<'a> {
    fn from(professional: &'a policy::Professional) -> Self {
        let policy::Professional { register, organisation, professional } = professional;
        Self {
            register: register.as_str().into(),
            organisation: organisation.as_str().into(),
            professional: Cow::Borrowed(professional),
        }
    }
}

impl TryFrom<Professional<'_>> for policy::Professional {
    type Error = Unreadable;

    fn try_from(professional: Professional<'_>) -> Result<Self, Unreadable> {
        let Professional { register, organisation, professional } = professional;
        Ok(Self {
            register: oid(register)?,
            organisation: oid(organisation)?,
            professional: professional.into(),
        })
    }
}
