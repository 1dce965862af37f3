//! A client's denials in force. A few are scanned for each record; many are found
//! by hash, so that a record costs the same however many denials the client has.

mod lookup;
mod table;

use smallvec::SmallVec;

use crate::declaration::Denial;
use crate::directory::Directory;

pub(crate) use lookup::{DenialGroup, Lookup, merge};

/// Maximum number of denials that are scanned one by one.
const SCANNED_MAX: usize = 8;

/// A denial in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DenialInForce<'a> {
    /// The place of the declaration.
    pub(crate) place: u32,
    /// The denial.
    pub(crate) denial: &'a Denial,
}

/// A client's denials in force, in revision order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials<'a> {
    all: SmallVec<[DenialInForce<'a>; 4]>,
    /// None: there are at most [`SCANNED_MAX`].
    lookup: Option<Box<Lookup<'a>>>,
}

impl<'a> Denials<'a> {
    /// Adds the next one in revision order.
    #[inline]
    pub(crate) fn push(&mut self, denial: DenialInForce<'a>) {
        self.all.push(denial);
    }

    /// Whether the client has no denials, which is true of most clients.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Builds the lookup of many denials; to be called after the last `push`.
    #[inline]
    pub(crate) fn index(&mut self, directory: &Directory) {
        if self.all.len() > SCANNED_MAX {
            self.lookup = Some(Box::new(Lookup::of(&self.all, directory)));
        }
    }

    /// The lookup of many denials; none if they are few, and are to be scanned.
    #[inline]
    pub(crate) fn lookup(&self) -> Option<&Lookup<'a>> {
        self.lookup.as_deref()
    }

    /// Every denial, in revision order.
    #[inline]
    pub(crate) fn each(&self) -> impl Iterator<Item = DenialInForce<'a>> + Clone {
        self.all.iter().copied()
    }
}
