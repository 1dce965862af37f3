//! A seeded permutation of the numbers below a size, without a table: a Feistel
//! network with cycle walking.

use super::random::mix;

/// Number of rounds, enough for an order without a visible pattern.
const ROUNDS: u64 = 4;

/// A bijection on the numbers below a size: a Feistel network on the pairs of
/// numbers below the root of the size, applied again while its result is outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    size: u64,
    /// The smallest number whose square is not below the size.
    root: u64,
    seed: u64,
}

impl Permutation {
    pub(super) fn new(size: u64, seed: u64) -> Self {
        let floor = size.isqrt();
        let root = if floor * floor < size { floor + 1 } else { floor };
        Self { size, root: root.max(1), seed: mix(seed) }
    }

    /// The image of a number below the size, which is below the size.
    pub(super) fn of(&self, number: u64) -> u64 {
        let mut walked = self.step(number);
        // Terminates: the cycle of a bijection that starts inside returns inside.
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
    fn it_is_a_permutation() {
        for size in [1, 2, 3, 16, 17, 100, 9_999] {
            let permutation = Permutation::new(size, 7);
            let mut places: Vec<u64> = (0..size).map(|number| permutation.of(number)).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..size), "{size}");
        }
    }

    #[test]
    fn the_seed_determines_the_order() {
        let order = |seed| -> Vec<u64> {
            let permutation = Permutation::new(1_000, seed);
            (0..1_000).map(|number| permutation.of(number)).collect()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
