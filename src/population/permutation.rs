//! A seeded order of the numbers below a size, without a list of them.

use super::random::mix;

/// Rounds enough for an order that shows no pattern.
const ROUNDS: u64 = 4;

/// A bijection on the numbers below a size: a Feistel network on the pairs of
/// numbers below the root of the size, walked again while it leads outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    size: u64,
    /// The least number whose square is not below the size.
    root: u64,
    seed: u64,
}

impl Permutation {
    pub(super) fn new(size: u64, seed: u64) -> Self {
        let floor = size.isqrt();
        let root = if floor * floor < size { floor + 1 } else { floor };
        Self { size, root: root.max(1), seed: mix(seed) }
    }

    /// Where a number goes; each below the size to another below the size.
    pub(super) fn of(&self, number: u64) -> u64 {
        let mut walked = self.step(number);
        // Ends: a walk from inside along a bijection comes back inside.
        while walked >= self.size.max(1) {
            walked = self.step(walked);
        }
        walked
    }

    fn step(&self, number: u64) -> u64 {
        let (mut left, mut right) = (number / self.root, number % self.root);
        for round in 0..ROUNDS {
            let turned = mix(self.seed ^ (right << 3 | round)) % self.root;
            (left, right) = (right, (left + turned) % self.root);
        }
        left * self.root + right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_place_of_its_own() {
        for size in [1, 2, 3, 16, 17, 100, 9_999] {
            let permutation = Permutation::new(size, 7);
            let mut places: Vec<u64> = (0..size).map(|number| permutation.of(number)).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn the_seed_gives_the_order() {
        let order = |seed| -> Vec<u64> {
            let permutation = Permutation::new(1_000, seed);
            (0..1_000).map(|number| permutation.of(number)).collect()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
