//! The identifier of a client, and the client's age.

use std::fmt;

use super::day::Day;
use super::oid::{Oid, OpaqueId};

/// The root of the Finnish national identity code.
pub const NATIONAL_ROOT: &str = "1.2.246.21";

/// Full years from which a client is an adult.
const ADULT_YEARS_MIN: u32 = 18;

/// Characters by `n mod 31`, where `n` is the code's nine digits.
const CHECK_CHARACTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// The identifier of the person whose data it is.
///
/// It has no `Display`, and its `Debug` prints nothing of it, so that it does
/// not reach logs by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientId {
    /// A Finnish identity code.
    National(IdentityCode),
    /// An identifier of another system; the client's age is not known.
    Other {
        /// The OID of the system.
        root: Oid<'static>,
        /// The identifier in it.
        extension: OpaqueId<'static>,
    },
}

/// A Finnish identity code, checked. The century sign is part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityCode([u8; 11]);

/// Text that is not an identity code. The error names the fault and not the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentityCode {
    /// Not six digits, a sign, three digits and a check character.
    #[error("not an identity code: write six digits, a century sign, three digits and a check character")]
    Shape,
    /// The seventh character is no century sign.
    #[error("unknown century sign: it is one of + - Y X W V U A B C D E F")]
    CenturySign,
    /// There is no such day.
    #[error("the birth date of the identity code does not exist")]
    BirthDate,
    /// The last character does not match.
    #[error("the check character of the identity code does not match: check the code for a typing error")]
    CheckCharacter,
}

impl ClientId {
    /// Whether the client is a minor on a day; none if the age is not known.
    #[must_use]
    pub fn is_minor_on(&self, day: Day) -> Option<bool> {
        match self {
            Self::National(code) => Some(
                code.born()
                    .and_then(|born| born.years_until(day))
                    .is_none_or(|years| years < ADULT_YEARS_MIN),
            ),
            Self::Other { .. } => None,
        }
    }

    /// The day on which the client comes of age; none if the age is not known.
    #[must_use]
    pub fn comes_of_age_on(&self) -> Option<Day> {
        match self {
            Self::National(code) => {
                code.born().and_then(|born| born.years_later(i32::try_from(ADULT_YEARS_MIN).ok()?))
            }
            Self::Other { .. } => None,
        }
    }

    /// Whether the client is born by the day after `today`: a later date of
    /// birth is a wrong century sign (domain rules §7).
    #[must_use]
    pub fn is_born_by_tomorrow(&self, today: Day) -> bool {
        match self {
            Self::National(code) => {
                code.born().zip(today.next()).is_none_or(|(born, tomorrow)| born <= tomorrow)
            }
            Self::Other { .. } => true,
        }
    }

    /// The OID of the identifier system.
    #[inline]
    #[must_use]
    pub fn root(&self) -> &str {
        match self {
            Self::National(_) => NATIONAL_ROOT,
            Self::Other { root, .. } => root.as_str(),
        }
    }

    /// The identifier in its system.
    #[inline]
    #[must_use]
    pub fn extension(&self) -> &str {
        match self {
            Self::National(code) => code.as_str(),
            Self::Other { extension, .. } => extension.as_str(),
        }
    }
}

impl IdentityCode {
    /// Parses and checks an identity code.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentityCode> {
        let code: [u8; 11] = text.as_bytes().try_into().map_err(|_| InvalidIdentityCode::Shape)?;
        let [date @ .., sign, i, j, k, check] = code;
        let date: [u8; 6] = date;
        let digits = date.into_iter().chain([i, j, k]);
        let mut number: u32 = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(InvalidIdentityCode::Shape);
            }
            number = number * 10 + u32::from(digit - b'0');
        }
        century(sign).ok_or(InvalidIdentityCode::CenturySign)?;
        let parsed = Self(code);
        parsed.born().ok_or(InvalidIdentityCode::BirthDate)?;
        let expected = CHECK_CHARACTERS.get((number % 31) as usize);
        if expected == Some(&check) { Ok(parsed) } else { Err(InvalidIdentityCode::CheckCharacter) }
    }

    /// The code as text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// A number below 2^29 that no other identity code has.
    #[inline]
    #[must_use]
    pub fn number(&self) -> u32 {
        let [d1, d0, m1, m0, y1, y0, sign, i, j, k, _] = self.0.map(u32::from);
        let digits = |digits: &[u32]| digits.iter().fold(0, |number, digit| number * 10 + (digit & 0xf));
        let day = digits(&[d1, d0]).saturating_sub(1);
        let month = digits(&[m1, m0]).saturating_sub(1);
        let year = sign_number(sign) * 100 + digits(&[y1, y0]);
        (((year * 12 + month) * 31) + day) * 1_000 + digits(&[i, j, k])
    }

    /// The birth date.
    #[must_use]
    pub fn born(&self) -> Option<Day> {
        let [d1, d0, m1, m0, y1, y0, sign, ..] = self.0;
        let two =
            |tens: u8, ones: u8| u32::from(tens.wrapping_sub(b'0')) * 10 + u32::from(ones.wrapping_sub(b'0'));
        let year = century(sign)? + i32::try_from(two(y1, y0)).ok()?;
        Day::from_ymd(year, two(m1, m0), two(d1, d0))
    }
}

/// A number below 13 that no other century sign has.
fn sign_number(sign: u32) -> u32 {
    match u8::try_from(sign) {
        Ok(b'+') => 0,
        Ok(b'-') => 1,
        Ok(sign @ b'U'..=b'Y') => u32::from(sign - b'U') + 2,
        Ok(sign) => u32::from(sign.saturating_sub(b'A')).min(5) + 7,
        Err(_) => 0,
    }
}

/// The first year of the century that a sign stands for.
fn century(sign: u8) -> Option<i32> {
    match sign {
        b'+' => Some(1800),
        b'-' | b'Y' | b'X' | b'W' | b'V' | b'U' => Some(1900),
        b'A'..=b'F' => Some(2000),
        _ => None,
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientId(…)")
    }
}

impl fmt::Debug for IdentityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn born(text: &str) -> Option<String> {
        IdentityCode::parse(text).expect("a code").born().map(|day| day.to_string())
    }

    #[test]
    fn codes_of_the_900_series_are_parsed() {
        assert_eq!(born("010181-900C").as_deref(), Some("1981-01-01"));
        assert_eq!(born("020516C903K").as_deref(), Some("2016-05-02"));
        assert_eq!(born("010190-901R").as_deref(), Some("1990-01-01"));
        assert_eq!(born("010190Y901R").as_deref(), Some("1990-01-01"));
        assert_eq!(born("290200A901C").as_deref(), Some("2000-02-29"));
    }

    #[test]
    fn codes_that_differ_in_the_century_sign_differ() {
        assert_ne!(IdentityCode::parse("010190-901R"), IdentityCode::parse("010190Y901R"));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(IdentityCode::parse("010181-900"), Err(InvalidIdentityCode::Shape));
        assert_eq!(IdentityCode::parse("0101x1-900C"), Err(InvalidIdentityCode::Shape));
        assert_eq!(IdentityCode::parse("010181?900C"), Err(InvalidIdentityCode::CenturySign));
        assert_eq!(IdentityCode::parse("010181a900C"), Err(InvalidIdentityCode::CenturySign));
        assert_eq!(IdentityCode::parse("290200-901C"), Err(InvalidIdentityCode::BirthDate));
        assert_eq!(IdentityCode::parse("010181-900D"), Err(InvalidIdentityCode::CheckCharacter));
        assert_eq!(IdentityCode::parse("010181-900c"), Err(InvalidIdentityCode::CheckCharacter));
    }

    /// So no two codes share a number.
    #[test]
    fn the_numbers_of_codes_are_consecutive() {
        let two = |number: u8| [b'0' + number / 10, b'0' + number % 10];
        let mut next = 0;
        for sign in "+-UVWXYABCDEF".bytes() {
            for (year, month, day) in (0..100)
                .flat_map(|year| (1..=12).flat_map(move |month| (1..=31).map(move |day| (year, month, day))))
            {
                let ([y1, y0], [m1, m0], [d1, d0]) = (two(year), two(month), two(day));
                let number =
                    |[i, j, k]: [u8; 3]| IdentityCode([d1, d0, m1, m0, y1, y0, sign, i, j, k, b'0']).number();
                assert_eq!((number(*b"000"), number(*b"999")), (next, next + 999));
                next += 1000;
            }
        }
        assert!(next < 1 << 29);
    }

    #[test]
    fn debug_prints_no_personal_data() {
        let code = IdentityCode::parse("010181-900C").expect("a code");
        assert_eq!(format!("{:?} {code:?}", ClientId::National(code)), "ClientId(…) IdentityCode(…)");
    }

    #[test]
    fn a_client_id_is_a_system_and_an_identifier_in_it() {
        let code = IdentityCode::parse("010181-900C").expect("a code");
        let other = ClientId::Other {
            root: Oid::parse("1.2.246.10.99999999.30").expect("an OID"),
            extension: OpaqueId::parse("client-1").expect("an id"),
        };
        for (client, root, extension) in [
            (ClientId::National(code), "1.2.246.21", "010181-900C"),
            (other, "1.2.246.10.99999999.30", "client-1"),
        ] {
            assert_eq!((client.root(), client.extension()), (root, extension));
        }
    }
}
