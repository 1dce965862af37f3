//! How many declarations each client has.

/// The declarations of each of the few clients with very many.
const OF_HEAVY: u64 = 10_000;

/// So many declarations of all for one client with very many.
const DECLARATIONS_PER_HEAVY: u64 = 2_000_000;

/// One client in so many has dozens.
const CLIENTS_PER_DOZENS: u64 = 500;
const DOZENS_MIN: u64 = 12;
const DOZENS_MAX: u64 = 60;

/// How all declarations are shared out among the clients.
///
/// Clients are ranked. The first few have 10,000 each, the next one in 500
/// have 12 to 60, and the rest share what is left: from one declaration, rising
/// evenly with the rank. The sum is what was asked for, to the one, because
/// each client has the difference of two points on one rising curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    clients: u64,
    heavy: u64,
    dozens: u64,
    /// Of all who are neither.
    left: u64,
}

/// What sort of client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Has denied very many service events.
    Heavy,
    /// Has changed their mind dozens of times.
    Dozens,
    /// Has few, and was informed.
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
            // So few that each has one or little more.
            None => shares = Self { clients, heavy: 0, dozens: 0, left: declarations },
        }
        shares
    }

    /// How many declarations the client of a rank has, and what sort it is.
    pub(super) fn of(&self, rank: u64) -> (u64, Sort) {
        if rank < self.heavy {
            return (OF_HEAVY, Sort::Heavy);
        }
        let rank = rank - self.heavy;
        if rank < self.dozens {
            let count = dozens_until(rank + 1, self.dozens) - dozens_until(rank, self.dozens);
            return (count, Sort::Dozens);
        }
        let rank = rank - self.dozens;
        let ordinary = self.clients - self.heavy - self.dozens;
        let count = self.ordinary_until(rank + 1, ordinary) - self.ordinary_until(rank, ordinary);
        // The clients who are not informed have the fewest.
        let sort = if rank < self.clients / 20 { Sort::Uninformed } else { Sort::Informed };
        (count, sort)
    }

    /// How many the first so many ordinary clients have: one each, and of the
    /// rest a share that grows with the square.
    fn ordinary_until(&self, rank: u64, ordinary: u64) -> u64 {
        let rest = u128::from(self.left.saturating_sub(ordinary));
        let square = u128::from(rank) * u128::from(rank);
        let all = (u128::from(ordinary) * u128::from(ordinary)).max(1);
        rank + u64::try_from(rest * square / all).unwrap_or_default()
    }
}

/// How many the first so many clients with dozens have.
fn dozens_until(rank: u64, dozens: u64) -> u64 {
    rank * DOZENS_MIN + rank * rank * (DOZENS_MAX - DOZENS_MIN) / (2 * dozens.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_what_was_asked_for() {
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
    fn there_is_a_long_tail() {
        let shares = Shares::new(1_400_000, 4_256_000);
        let sorts = (0..1_400_000).map(|rank| shares.of(rank));
        let heavy: Vec<u64> =
            sorts.clone().filter(|(_, sort)| *sort == Sort::Heavy).map(|one| one.0).collect();
        assert_eq!(heavy, [10_000, 10_000]);
        let few = sorts.filter(|(count, _)| *count <= 6).count();
        assert!(few > 1_390_000, "{few}");
    }
}
