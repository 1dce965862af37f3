//! Identity codes of the 900-series, which is given to nobody: a bijection from
//! numbers to codes, without a table.

use chrono::{Datelike, Days, NaiveDate};

use super::permutation::Permutation;
use lupa::policy::client_id::IdentityCode;

/// The number of codes: a century of birth dates, the six signs of each
/// century, the individual numbers 900 to 999.
pub const CODES_MAX: u64 = BIRTH_DATES * SIGNS * NUMBERS;

/// The first birth date. The last one is before the first declaration, so that
/// nobody declares before birth.
const FIRST_BIRTH: Option<NaiveDate> = NaiveDate::from_ymd_opt(1922, 10, 1);

/// Number of birth dates, to the end of September 2022.
const BIRTH_DATES: u64 = 36_525;
const SIGNS: u64 = 6;
const NUMBERS: u64 = 100;
const SIGNS_OF_1900S: [u8; 6] = *b"-YXWVU";
const SIGNS_OF_2000S: [u8; 6] = *b"ABCDEF";
const CHECK_CHARACTERS: [u8; 31] = *b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// A different code for each number.
///
/// A number is split into birth date, sign and individual number, which is a
/// bijection; the check character is computed from them. The seeded
/// permutation before it spreads clients with neighbouring numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codes(Permutation);

impl Codes {
    pub(super) fn new(seed: u64) -> Self {
        Self(Permutation::new(CODES_MAX, seed))
    }

    /// The code of a number below [`CODES_MAX`].
    pub(super) fn of(&self, number: u64) -> Option<IdentityCode> {
        let place = self.0.of(number);
        let born = FIRST_BIRTH?.checked_add_days(Days::new(place / (SIGNS * NUMBERS)))?;
        let sign = usize::try_from(place / NUMBERS % SIGNS).ok()?;
        let signs = if born.year() < 2000 { SIGNS_OF_1900S } else { SIGNS_OF_2000S };
        let sign = char::from(*signs.get(sign)?);
        let year = u64::from(born.year().rem_euclid(100).unsigned_abs());
        let date = (u64::from(born.day()) * 100 + u64::from(born.month())) * 100 + year;
        let individual = 900 + place % NUMBERS;
        let check = usize::try_from((date * 1_000 + individual) % 31).ok()?;
        let check = char::from(*CHECK_CHARACTERS.get(check)?);
        IdentityCode::parse(&format!("{date:06}{sign}{individual}{check}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_parse_and_differ() {
        let codes = Codes::new(3);
        let step = 2_191;
        let all: HashSet<_> =
            (0..CODES_MAX).step_by(step).map(|number| codes.of(number).expect("a code")).collect();
        assert_eq!(all.len() as u64, CODES_MAX.div_ceil(step as u64));
        assert!(all.iter().all(|code| code.as_str().get(7..8) == Some("9")));
    }

    #[test]
    fn birth_dates_end_with_september_2022() {
        let first = FIRST_BIRTH.expect("a day");
        let last = first.checked_add_days(Days::new(BIRTH_DATES - 1)).expect("a day");
        assert_eq!(last.to_string(), "2022-09-30");
    }
}
