//! A list of bounded length that is stored in place, so that a verdict is
//! copied without an allocation. `arrayvec::ArrayVec` is not `Copy`.

/// At most `N` values, in the order in which they were added.
#[derive(Clone, Copy, Debug)]
pub struct InlineList<T, const N: usize>([Option<T>; N]);

impl<T: Copy, const N: usize> InlineList<T, N> {
    /// An empty list.
    #[inline]
    #[must_use]
    pub const fn none() -> Self {
        Self([None; N])
    }

    /// Appends a value. The capacity is a property of the type: to push to a
    /// full list is a mistake of the caller, and the value is dropped.
    #[inline]
    pub fn push(&mut self, value: T) {
        debug_assert!(self.0.iter().any(Option::is_none), "the list is full: it holds {N} values");
        self.push_if_free(value);
    }

    /// A list of one value.
    #[inline]
    #[must_use]
    pub fn one(value: T) -> Self {
        Self(std::array::from_fn(|place| (place == 0).then_some(value)))
    }

    /// Appends a value if the list is not full.
    #[inline]
    pub fn push_if_free(&mut self, value: T) {
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(value);
        }
    }

    /// The values in the order in which they were added.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + '_ {
        self.0.iter().map_while(|value| *value)
    }

    /// Whether the list is empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether the list has a value.
    #[inline]
    #[must_use]
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|one| one == *value)
    }
}

impl<T: Copy + PartialEq, const N: usize> PartialEq for InlineList<T, N> {
    /// Stops at the first empty place: most lists have none or one value.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + Eq, const N: usize> Eq for InlineList<T, N> {}

impl<T: Copy, const N: usize> FromIterator<T> for InlineList<T, N> {
    /// Keeps the first `N` values.
    #[inline]
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::none();
        values.into_iter().take(N).for_each(|value| list.push_if_free(value));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collecting_keeps_the_first_values_in_order() {
        let list: InlineList<u8, 3> = [3, 1, 2, 9].into_iter().collect();
        assert_eq!(list.iter().collect::<Vec<_>>(), [3, 1, 2]);
        assert!(list.contains(&2) && !list.contains(&9) && !list.is_empty());
        assert!(InlineList::<u8, 3>::none().is_empty());
    }

    #[test]
    #[should_panic(expected = "the list is full: it holds 1 values")]
    fn pushing_to_a_full_list_fails_in_debug_builds() {
        let mut list: InlineList<u8, 1> = [1].into_iter().collect();
        list.push(2);
    }
}
