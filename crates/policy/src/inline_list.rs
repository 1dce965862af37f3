//! A few values, in the order in which they were added.

/// At most `N` values, kept in place: it is copied, never allocated.
#[derive(Clone, Copy, Debug)]
pub struct InlineList<T, const N: usize>([Option<T>; N]);

impl<T: Copy, const N: usize> InlineList<T, N> {
    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self([None; N])
    }

    /// Adds a value after the others; where there are as many as there may be,
    /// it is left out.
    pub fn push(&mut self, value: T) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(value);
        }
    }

    /// The values in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + '_ {
        self.0.iter().map_while(|value| *value)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether a value is among them.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|one| one == *value)
    }
}

impl<T: Copy + PartialEq, const N: usize> PartialEq for InlineList<T, N> {
    /// As far as there are values: mostly there are none or one.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + Eq, const N: usize> Eq for InlineList<T, N> {}

impl<T: Copy, const N: usize> FromIterator<T> for InlineList<T, N> {
    /// The first `N`.
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut few = Self::none();
        values.into_iter().take(N).for_each(|value| few.push(value));
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_kept_in_order() {
        let few: InlineList<u8, 3> = [3, 1, 2, 9].into_iter().collect();
        assert_eq!(few.iter().collect::<Vec<_>>(), [3, 1, 2]);
        assert!(few.contains(&2) && !few.contains(&9) && !few.is_empty());
        assert!(InlineList::<u8, 3>::none().is_empty());
    }
}
