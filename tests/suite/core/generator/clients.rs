//! Clients: 900-series identity codes with their check characters.

use chrono::NaiveDate;
use lupa::wire::v1::ClientId;

use super::rng::Rng;
use crate::core::reference::ymd;

/// Day of birth, century sign and individual number.
const CLIENTS: [(i32, u32, u32, char, u32); 14] = [
    (1893, 4, 12, '+', 901),
    (1981, 1, 1, '-', 900),
    (1990, 1, 1, 'Y', 901),
    (1972, 8, 30, 'U', 987),
    (2000, 2, 29, 'A', 901),
    (2003, 11, 1, 'A', 902),
    (2004, 2, 29, 'B', 903),
    (2005, 1, 1, 'F', 911),
    (2006, 1, 1, 'E', 912),
    (2008, 2, 29, 'A', 904),
    (2009, 3, 1, 'D', 905),
    (2009, 11, 1, 'A', 906),
    (2016, 5, 2, 'C', 903),
    (2019, 12, 31, 'A', 999),
];

pub(super) fn client(rng: &mut Rng) -> (ClientId, NaiveDate) {
    let (year, month, day, sign, number) = rng.pick(&CLIENTS);
    let extension = identity_code(day, month, year, sign, number);
    let root = if rng.chance(20) { "1.2.246.21" } else { "" };
    let client = ClientId { extension, root: root.to_owned() };
    // On 1 March if there is no 29 February.
    let adult_from = NaiveDate::from_ymd_opt(year + 18, month, day);
    (client, adult_from.unwrap_or(ymd(year + 18, 3, 1)))
}

/// Another code with a date of birth of the same list, of those with this ordinal. At most six hundred ordinals
/// give different codes.
pub(super) fn numbered(rng: &mut Rng, ordinal: usize) -> ClientId {
    let (year, month, day, _, _) = rng.pick(&CLIENTS[1..]);
    let signs = if year < 2000 { ['-', 'Y', 'X', 'W', 'V', 'U'] } else { ['A', 'B', 'C', 'D', 'E', 'F'] };
    let number = 900 + u32::try_from(ordinal % 100).unwrap();
    let extension = identity_code(day, month, year, signs[ordinal / 100 % signs.len()], number);
    ClientId { extension, root: String::new() }
}

/// Every client with the day of birth.
pub(crate) fn births() -> impl Iterator<Item = (ClientId, NaiveDate)> {
    CLIENTS.into_iter().map(|(year, month, day, sign, number)| {
        let extension = identity_code(day, month, year, sign, number);
        (ClientId { extension, root: String::new() }, ymd(year, month, day))
    })
}

fn identity_code(day: u32, month: u32, year: i32, sign: char, number: u32) -> String {
    let year = year.rem_euclid(100);
    let digits = format!("{day:02}{month:02}{year:02}{number:03}");
    let remainder = digits.parse::<usize>().unwrap() % 31;
    let check = char::from(b"0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder]);
    format!("{day:02}{month:02}{year:02}{sign}{number:03}{check}")
}

#[test]
fn check_characters_are_those_of_the_examples() {
    let codes = [
        identity_code(1, 1, 1981, '-', 900),
        identity_code(2, 5, 2016, 'C', 903),
        identity_code(1, 1, 1990, '-', 901),
        identity_code(1, 1, 1990, 'Y', 901),
        identity_code(29, 2, 2000, 'A', 901),
    ];
    let examples = ["010181-900C", "020516C903K", "010190-901R", "010190Y901R", "290200A901C"];
    assert_eq!(codes, examples);
}
