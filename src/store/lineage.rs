//! The lineage of an epoch: which earlier epochs it continues, and how far.

use std::collections::HashMap;

use super::change::{Epoch, Point, Revision};

/// An epoch and its ancestors. Two epochs name the same changes up to the last revision that is proven to
/// be common to both; above it, the same number may name another change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    epoch: Epoch,
    /// The nearest first. The revision is the last one that the ancestor has in common with `epoch`.
    ancestors: Box<[Point]>,
}

impl Lineage {
    /// Of an epoch, from the parent of each stored epoch that has one: the parent's epoch, and the
    /// revision through which it is continued.
    pub(super) fn of(epoch: Epoch, parents: impl IntoIterator<Item = (Epoch, Point)>) -> Self {
        let mut parents: HashMap<Epoch, Point> = parents.into_iter().collect();
        let mut ancestors = Vec::new();
        let (mut child, mut through) = (epoch, Revision(u64::MAX));
        // Removed, so that a circle, which only a damaged store has, ends.
        while let Some(parent) = parents.remove(&child) {
            through = through.min(parent.revision);
            ancestors.push(Point { epoch: parent.epoch, revision: through });
            child = parent.epoch;
        }
        Self { epoch, ancestors: ancestors.into() }
    }

    /// Of a new epoch that continues this one through a revision.
    pub(super) fn continued_by(&self, epoch: Epoch, through: Revision) -> Self {
        let ancestors =
            self.entries().map(|Point { epoch, revision }| Point { epoch, revision: revision.min(through) });
        Self { epoch, ancestors: ancestors.collect() }
    }

    /// The epoch itself.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether a point of this epoch or of an ancestor names the same change here.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        self.entries().any(|entry| entry.epoch == point.epoch && point.revision <= entry.revision)
    }

    /// How many revisions up to a point of an ancestor are not continued here: 0 if all are, or if the point
    /// is of an epoch that is not known here.
    #[must_use]
    pub fn lost_up_to(&self, point: Point) -> u64 {
        let ancestor = self.entries().find(|entry| entry.epoch == point.epoch);
        ancestor.map_or(0, |entry| point.revision.0.saturating_sub(entry.revision.0))
    }

    /// The last revision up to which both have the same changes: 0 if they are not related, and no limit
    /// for an epoch and itself.
    #[must_use]
    pub fn common(&self, other: &Self) -> Revision {
        let shared = |own: Point| {
            let same = other.entries().find(|entry| entry.epoch == own.epoch)?;
            Some(own.revision.min(same.revision))
        };
        // The nearest common ancestor: through a farther one, less is common.
        self.entries().find_map(shared).unwrap_or_default()
    }

    fn entries(&self) -> impl Iterator<Item = Point> {
        let own = Point { epoch: self.epoch, revision: Revision(u64::MAX) };
        std::iter::once(own).chain(self.ancestors.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn epoch(number: u128) -> Epoch {
        Epoch(Uuid::from_u128(number))
    }

    fn point(number: u128, revision: u64) -> Point {
        Point { epoch: epoch(number), revision: Revision(revision) }
    }

    /// Epoch 2 continues 1 through 10, 3 continues 2 through 8, and 4, of a backup, continues 1 through 5.
    fn of(number: u128) -> Lineage {
        Lineage::of(
            epoch(number),
            [(2, 1, 10), (3, 2, 8), (4, 1, 5)]
                .map(|(child, parent, through)| (epoch(child), point(parent, through))),
        )
    }

    #[test]
    fn a_point_of_an_ancestor_counts_through_the_revision_that_is_continued() {
        let tried = [(3, 99), (2, 8), (2, 9), (1, 8), (1, 9), (4, 1), (5, 0)];
        let found = tried.map(|(number, revision)| of(3).contains(point(number, revision)));
        assert_eq!(found, [true, true, false, true, false, false, false]);
    }

    #[test]
    fn what_is_above_the_continued_revision_is_lost() {
        let tried = [(3, 99), (2, 8), (2, 10), (1, 9), (4, 9)];
        let lost = tried.map(|(number, revision)| of(3).lost_up_to(point(number, revision)));
        assert_eq!(lost, [0, 0, 2, 1, 0]);
    }

    #[test]
    fn relatives_have_in_common_what_their_nearest_ancestor_gave_to_both() {
        let common = |one, other| (of(one).common(&of(other)).0, of(other).common(&of(one)).0);
        assert_eq!(common(1, 3), (8, 8));
        assert_eq!(common(3, 4), (5, 5));
        assert_eq!(common(2, 4), (5, 5));
        assert_eq!(common(3, 3), (u64::MAX, u64::MAX));
        assert_eq!(of(3).common(&Lineage::of(epoch(9), [])), Revision(0));
    }

    #[test]
    fn a_new_epoch_has_the_lineage_that_is_stored_with_it() {
        assert_eq!(of(2).continued_by(epoch(3), Revision(8)), of(3));
        assert_eq!(of(1).continued_by(epoch(2), Revision(10)), of(2));
    }

    #[test]
    fn a_circle_ends() {
        let circle = [(epoch(1), point(2, 3)), (epoch(2), point(1, 3))];
        assert!(Lineage::of(epoch(1), circle).contains(point(2, 3)));
    }
}
