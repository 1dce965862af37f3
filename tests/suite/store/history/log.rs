//! The recorded history: writes, decisions, watch messages and errors, with their times.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lupa::store::{Epoch, Point, Revision};
use tonic::{Code, Status};
use uuid::Uuid;

/// The guarantees that the history is checked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promised {
    /// The staleness bound.
    pub(crate) max_staleness: Duration,
    /// No wall clock was stepped, so that times of different replicas can be compared.
    pub(crate) are_clocks_right: bool,
}

/// The action of a write, encoded in its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Informed,
    Consents,
    Denies,
    Lifts,
    /// Links the person's other code.
    Links,
    Unlinks,
    /// Denies under the other code.
    DeniesElsewhere,
    /// Lifts that denial, under either code.
    LiftsElsewhere,
}

impl Action {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Informed, "informed"),
        (Self::Consents, "consents"),
        (Self::Denies, "denies"),
        (Self::Lifts, "lifts"),
        (Self::Links, "links"),
        (Self::Unlinks, "unlinks"),
        (Self::DeniesElsewhere, "denies-elsewhere"),
        (Self::LiftsElsewhere, "lifts-elsewhere"),
    ];

    /// The key of a write, with the keys' numbers of the writes that it depends on.
    pub(crate) fn key(self, person: usize, number: usize, needs: &[usize]) -> String {
        let (_, word) = Self::ALL[self as usize];
        let needs: Vec<String> = needs.iter().map(|number| format!(" {number}")).collect();
        format!("{person} {word} {number}{}", needs.concat())
    }

    /// The number of a key, and the numbers of the writes that it depends on.
    pub(crate) fn numbers(key: &str) -> (usize, Vec<usize>) {
        let mut numbers = key.split(' ').skip(2).map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.collect())
    }

    /// The person and the action of a key.
    pub(crate) fn of(key: &str) -> (usize, Self) {
        let mut words = key.split(' ');
        let person = words.next().unwrap().parse().unwrap();
        let word = words.next().unwrap();
        (person, Self::ALL.into_iter().find(|(_, known)| *known == word).unwrap().0)
    }
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) key: String,
    pub(crate) at: Instant,
    pub(crate) point: Point,
    /// Acknowledged only once it was in force on every replica.
    pub(crate) has_waited: bool,
    /// The time from which every replica has it, by the clock of the replica that acknowledged.
    pub(crate) effective_everywhere_after: DateTime<Utc>,
}

/// The other code of a person, as the number of a person.
pub(crate) fn other_code(person: usize) -> usize {
    person + 100
}

/// The number of a code, by its extension.
pub(crate) fn code(extension: &str) -> usize {
    extension.strip_prefix("person-").unwrap().parse().unwrap()
}

/// The person of a code, by the number of the code.
pub(crate) fn person_of(code: usize) -> usize {
    code % 100
}

/// A decision.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) replica: usize,
    /// The number of the code.
    pub(crate) person: usize,
    pub(crate) requested_at: Instant,
    pub(crate) requested_at_wall: DateTime<Utc>,
    pub(crate) answered_at: Instant,
    pub(crate) at_least: Option<Point>,
    pub(crate) point: Point,
    pub(crate) is_permit: bool,
}

/// A message of a watch stream.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) after: Point,
    pub(crate) checkpoint: Point,
    /// The numbers of their codes.
    pub(crate) people: Vec<usize>,
}

/// The stored changes before some were lost, or at the end.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The epoch that the store was in, and its ancestors, the nearest first. Each with the last revision of
    /// it that is proven to be one of these rows.
    pub(crate) lineage: Vec<Point>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Of an epoch, from the parent of each epoch and the revision through which it is continued.
    pub(crate) fn new(mut epoch: Epoch, parents: &[(Epoch, Point)], rows: Vec<Row>) -> Self {
        let mut through = Revision(u64::MAX);
        let mut lineage = vec![Point { epoch, revision: through }];
        while let Some((_, parent)) = parents.iter().find(|(child, _)| *child == epoch) {
            (epoch, through) = (parent.epoch, through.min(parent.revision));
            lineage.push(Point { epoch, revision: through });
        }
        Self { lineage, rows }
    }

    /// Whether it has the change of a point, for one who is in an epoch of it.
    pub(crate) fn contains(&self, epoch: Epoch, point: Point) -> bool {
        let from_there = self.lineage.iter().skip_while(|own| own.epoch != epoch);
        let mut entries = from_there.filter(|own| own.epoch == point.epoch);
        entries.any(|own| point.revision <= own.revision)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) revision: u64,
    /// The number of the code; `None` for a directory.
    pub(crate) code: Option<usize>,
    /// `None` for a directory, and for all rows of a link but the last.
    pub(crate) operation: Option<Operation>,
}

impl Row {
    pub(crate) fn key(&self) -> Option<&str> {
        Some(&self.operation.as_ref()?.key)
    }
}

/// What a write did.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) key: String,
    /// The declaration or link that was recorded or ended.
    pub(crate) declaration_id: String,
    /// The first of its rows, from which it is in force: a link has one for each code.
    pub(crate) first_revision: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) answered: Vec<Answered>,
    pub(crate) watched: Vec<Watched>,
    /// Keys of withdrawals whose declaration was not found.
    pub(crate) missed: Vec<String>,
    /// Number of errors by call and status code.
    pub(crate) refused: BTreeMap<(&'static str, String), usize>,
    /// Errors that no fault explains.
    pub(crate) unexpected: Vec<String>,
    /// Replicas that did not recover after the last fault.
    pub(crate) unrecovered: Vec<String>,
}

impl Log {
    /// Records an error. Only transient errors and tokens of an ended epoch are expected.
    pub(crate) fn refuse(&mut self, what: &'static str, status: &Status, at_least: Option<Point>) {
        let is_expected = match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => true,
            // From the transport, when a replica is gone.
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
            ("watched".to_owned(), self.watched.len()),
            ("unanswered".to_owned(), refused),
            ("permits".to_owned(), self.answered.iter().filter(|answered| answered.is_permit).count()),
        ]
    }
}

/// The point of a token. Only tests decode one: to callers it is opaque.
pub(crate) fn point(token: &str) -> Point {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    Point {
        epoch: Epoch(Uuid::from_slice(&bytes[1..17]).unwrap()),
        revision: Revision(u64::from_be_bytes(bytes[17..25].try_into().unwrap())),
    }
}
