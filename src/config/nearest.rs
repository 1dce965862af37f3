//! Which known name was probably meant.

/// So many letters may differ.
const DISTANCE_MAX: usize = 3;

/// The known name that is written most like a name, if one is like it.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= DISTANCE_MAX)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut previous: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, other_letter) in
            previous.iter_mut().zip(std::iter::once(None).chain(other.chars().map(Some)))
        {
            let above = *cell;
            *cell = match other_letter {
                None => at + 1,
                Some(other_letter) => {
                    let changed = diagonal + usize::from(letter != other_letter);
                    changed.min(above + 1).min(left + 1)
                }
            };
            left = *cell;
            diagonal = above;
        }
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("a_b", "ab", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_what_is_alike_is_near() {
        let known = ["listing.page_size_max", "listing.page_size_default"];
        assert_eq!(nearest("listing.pagesize_max", known.into_iter()), Some("listing.page_size_max"));
        assert_eq!(nearest("log.colour", known.into_iter()), None);
    }
}
