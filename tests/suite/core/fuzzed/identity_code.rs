//! An identity code, compared with the published rule.

use chrono::NaiveDate;
use lupa::policy::client_id::IdentityCode;

/// Returns 1 for a valid code, which is read back as it was written.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(bytes) else { return 0 };
    let read = IdentityCode::parse(text);
    assert_eq!(read.is_ok(), is_code(text), "{text:?}");
    let Ok(code) = read else { return 0 };
    assert_eq!(code.as_str(), text);
    assert!(code.born().is_some());
    1
}

/// DDMMYY, the sign of the century, three digits, and the check character.
fn is_code(text: &str) -> bool {
    let Some((date, sign, number, check)) = parts(text) else { return false };
    let century = match sign {
        '+' => 1800,
        '-' | 'U' | 'V' | 'W' | 'X' | 'Y' => 1900,
        'A' | 'B' | 'C' | 'D' | 'E' | 'F' => 2000,
        _ => return false,
    };
    let (day, month, year) = (date / 10_000, date / 100 % 100, date % 100);
    let remainder = (u64::from(date) * 1_000 + u64::from(number)) % 31;
    let is_day = NaiveDate::from_ymd_opt(century + year as i32, month, day).is_some();
    is_day && "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().nth(remainder as usize) == Some(check)
}

fn parts(text: &str) -> Option<(u32, char, u32, char)> {
    let letters: Vec<char> = text.chars().collect();
    let digits = |letters: &[char]| -> Option<u32> {
        letters.iter().try_fold(0, |number, letter| Some(number * 10 + letter.to_digit(10)?))
    };
    match letters.as_slice() {
        [date @ .., sign, a, b, c, check] if date.len() == 6 => {
            Some((digits(date)?, *sign, digits(&[*a, *b, *c])?, *check))
        }
        _ => None,
    }
}
