//! The number of declarations of each client.

/// Declarations of each heavy client.
const OF_HEAVY: u64 = 10_000;

/// One client is heavy for this number of declarations of all clients.
const DECLARATIONS_PER_HEAVY: u64 = 2_000_000;

/// One client in this number has dozens of declarations.
const CLIENTS_PER_DOZENS: u64 = 500;
const DOZENS_MIN: u64 = 12;
const DOZENS_MAX: u64 = 60;

/// The distribution of all declarations among the clients.
///
/// Clients are ranked. The first few have 10,000 each, the next one in 500
/// have 12 to 60, and the rest share the remaining declarations: from one,
/// rising linearly with the rank. The sum is exactly the requested number,
/// because each client has the difference of two points on one rising curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    clients: u64,
    heavy: u64,
    dozens: u64,
    /// Declarations of the ordinary clients.
    left: u64,
}

/// A group of clients with similar declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Has denied thousands of service events.
    Heavy,
    /// Has dozens of declarations.
    Dozens,
    /// Has few declarations, and was informed.
    Informed,
    /// Has denied something without having been informed.
    Uninformed,
}

impl Shares {
    pub(super) fn new(clients: u64, declarations: u64) -> Self {
        let heavy = declarations / DECLARATIONS_PER_HEAVY;
        let dozens = clients / CLIENTS_PER_DOZENS;
        let mut shares = Self { clients, heavy, dozens, left: 0 };
        let taken = heavy * OF_HEAVY + dozens_until(dozens, dozens);
        let ordinary = clients.saturating_sub(heavy + dozens);
        match declarations.checked_sub(taken).filter(|left| *left >= ordinary) {
            Some(left) => shares.left = left,
            // Too few for the groups: each client has one or a little more.
            None => shares = Self { clients, heavy: 0, dozens: 0, left: declarations },
        }
        shares
    }

    /// The number of declarations of the client of a rank, and its group.
    pub(super) fn of(&self, rank: u64) -> (u64, Group) {
        if rank < self.heavy {
            return (OF_HEAVY, Group::Heavy);
        }
        let rank = rank - self.heavy;
        if rank < self.dozens {
            let count = dozens_until(rank + 1, self.dozens) - dozens_until(rank, self.dozens);
            return (count, Group::Dozens);
        }
        let rank = rank - self.dozens;
        let ordinary = self.clients - self.heavy - self.dozens;
        let count = self.ordinary_until(rank + 1, ordinary) - self.ordinary_until(rank, ordinary);
        // The clients who are not informed have the fewest.
        let group = if rank < self.clients / 20 { Group::Uninformed } else { Group::Informed };
        (count, group)
    }

    /// The declarations of the ordinary clients below a rank: one each, and of the
    /// rest a share that grows with the square of the rank.
    fn ordinary_until(&self, rank: u64, ordinary: u64) -> u64 {
        let rest = u128::from(self.left.saturating_sub(ordinary));
        let square = u128::from(rank) * u128::from(rank);
        let all = (u128::from(ordinary) * u128::from(ordinary)).max(1);
        rank + u64::try_from(rest * square / all).unwrap_or_default()
    }
}

/// The declarations of the clients with dozens below a rank.
fn dozens_until(rank: u64, dozens: u64) -> u64 {
    rank * DOZENS_MIN + rank * rank * (DOZENS_MAX - DOZENS_MIN) / (2 * dozens.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_requested_number() {
        for (clients, declarations) in
            [(1, 1), (1, 40), (10, 10), (999, 3_000), (10_000, 30_400), (1_000_000, 3_040_001), (10, 10_000)]
        {
            let shares = Shares::new(clients, declarations);
            let counts = (0..clients).map(|rank| shares.of(rank).0);
            assert_eq!(counts.clone().sum::<u64>(), declarations, "{clients} {declarations}");
            assert!(counts.min().is_some_and(|least| least > 0), "{clients} {declarations}");
        }
    }

    #[test]
    fn the_distribution_has_a_long_tail() {
        let shares = Shares::new(1_400_000, 4_256_000);
        let groups = (0..1_400_000).map(|rank| shares.of(rank));
        let heavy: Vec<u64> =
            groups.clone().filter(|(_, group)| *group == Group::Heavy).map(|one| one.0).collect();
        assert_eq!(heavy, [10_000, 10_000]);
        let few = groups.filter(|(count, _)| *count <= 6).count();
        assert!(few > 1_390_000, "{few}");
    }
}
