//! What is noted of a history while it runs.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lupa::store::{Epoch, Point, Revision};
use tonic::{Code, Status};
use uuid::Uuid;

/// What the replicas have promised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promised {
    /// How long a replica may answer without proof that it knows everything.
    pub(crate) max_staleness: Duration,
    /// Nobody sets their clocks, so that their times can be compared.
    pub(crate) are_clocks_right: bool,
}

/// What someone does, as is to be read off its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Informed,
    Consents,
    Denies,
    Lifts,
}

impl What {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Informed, "informed"),
        (Self::Consents, "consents"),
        (Self::Denies, "denies"),
        (Self::Lifts, "lifts"),
    ];

    pub(crate) fn key(self, person: usize, number: usize) -> String {
        let (_, word) = Self::ALL[self as usize];
        format!("{person} {word} {number}")
    }

    /// Who, and what.
    pub(crate) fn of(key: &str) -> (usize, Self) {
        let mut words = key.split(' ');
        let person = words.next().unwrap().parse().unwrap();
        let word = words.next().unwrap();
        (person, Self::ALL.into_iter().find(|(_, known)| *known == word).unwrap().0)
    }
}

/// Something was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) key: String,
    pub(crate) at: Instant,
    pub(crate) point: Point,
    /// It was waited for until it is in force everywhere.
    pub(crate) has_waited: bool,
    /// From when on every replica has it, by the clock of the replica.
    pub(crate) effective_everywhere_after: DateTime<Utc>,
}

/// Something was decided.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) replica: usize,
    pub(crate) person: usize,
    pub(crate) asked_at: Instant,
    pub(crate) asked_at_wall: DateTime<Utc>,
    pub(crate) answered_at: Instant,
    pub(crate) at_least: Option<Point>,
    pub(crate) point: Point,
    pub(crate) is_permit: bool,
}

/// A watcher was told whose declarations have changed.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) after: Point,
    pub(crate) checkpoint: Point,
    pub(crate) people: Vec<usize>,
}

/// What is stored, at the end of an epoch.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) epoch: Epoch,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) revision: u64,
    /// None of a directory.
    pub(crate) deed: Option<Deed>,
}

impl Row {
    pub(crate) fn key(&self) -> Option<&str> {
        Some(&self.deed.as_ref()?.key)
    }
}

/// What someone did.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) key: String,
    /// What was declared, or is lifted.
    pub(crate) declaration_id: String,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) answered: Vec<Answered>,
    pub(crate) told: Vec<Told>,
    /// What was to be lifted, and was not there.
    pub(crate) missed: Vec<String>,
    /// By what was asked, and why it was not answered.
    pub(crate) refused: BTreeMap<(&'static str, String), usize>,
    /// What nobody should ever be told.
    pub(crate) unexpected: Vec<String>,
    /// Replicas that do not answer though all is well.
    pub(crate) unrecovered: Vec<String>,
}

impl Log {
    /// Notes an error. Only what passes is expected, and tokens of an ended epoch.
    pub(crate) fn refuse(&mut self, what: &'static str, status: &Status, at_least: Option<Point>) {
        let is_expected = match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => true,
            // Of the transport, when a server is gone.
            Code::Unknown | Code::Internal => status.source().is_some(),
            Code::FailedPrecondition => at_least.is_some(),
            _ => false,
        };
        if !is_expected {
            self.unexpected.push(format!("{what}: {status:?}"));
        }
        *self.refused.entry((what, format!("{:?}", status.code()))).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> Vec<(String, usize)> {
        let refused: usize = self.refused.values().sum();
        vec![
            ("decisions".to_owned(), self.answered.len()),
            ("acknowledgements".to_owned(), self.acknowledged.len()),
            ("watched".to_owned(), self.told.len()),
            ("unanswered".to_owned(), refused),
            ("permits".to_owned(), self.answered.iter().filter(|answered| answered.is_permit).count()),
        ]
    }
}

/// The point that a token is of. Nobody but a test looks into one.
pub(crate) fn point(token: &str) -> Point {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    Point {
        epoch: Epoch(Uuid::from_slice(&bytes[1..17]).unwrap()),
        revision: Revision(u64::from_be_bytes(bytes[17..25].try_into().unwrap())),
    }
}
