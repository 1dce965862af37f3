//! The known word that an unknown word was probably meant to be.

/// Maximum edit distance (Levenshtein) of a suggested word.
const EDIT_DISTANCE_MAX: usize = 3;

/// The known word with the smallest edit distance, if less than half of the longer word differs.
#[must_use]
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    known
        .into_iter()
        .map(|candidate| (strsim::levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= EDIT_DISTANCE_MAX && distance * 2 < word.len().max(candidate.len())
        })
        .min()
        .map(|(_, candidate)| candidate)
}
