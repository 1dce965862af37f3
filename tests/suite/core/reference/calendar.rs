//! Domain §1 and §5: days, dates and ages.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use chrono_tz::Europe::Helsinki;
use lupa::wire::v1::ClientId;
use pbjson_types::Timestamp;

/// What was given before version 1.0.
pub(crate) const EARLIER_LAW: &str = "earlier-law";

/// The root of the national identity code.
const IDENTITY_CODE_ROOT: &str = "1.2.246.21";

/// Domain §5's settings under api.md's names. `None`: no such day.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calendar {
    pub(crate) act_in_force: NaiveDate,
    pub(crate) counties_begin: NaiveDate,
    pub(crate) uusimaa_right_from: NaiveDate,
    pub(crate) uusimaa_right_until: Option<NaiveDate>,
    pub(crate) social_sharing_from: NaiveDate,
    pub(crate) consents_cover_all_channels_from: NaiveDate,
    pub(crate) cross_sector_from: NaiveDate,
    pub(crate) prescriptions_to_social_from: NaiveDate,
    pub(crate) wellbeing_from: NaiveDate,
    pub(crate) extensive_refusal_from: Option<NaiveDate>,
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
}

/// A version of the information.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) version: String,
    /// `None`: always.
    pub(crate) valid_from: Option<NaiveDate>,
    /// The first day on which it no longer is valid. `None`: it stays valid.
    pub(crate) valid_until: Option<NaiveDate>,
    /// `None`: as `valid_from`.
    pub(crate) newest_from: Option<NaiveDate>,
    pub(crate) opens_uusimaa: bool,
}

impl Calendar {
    pub(crate) fn defaults() -> Self {
        let version = |version: &str, valid_from, valid_until, opens_uusimaa| Version {
            version: version.to_owned(),
            valid_from,
            valid_until,
            newest_from: None,
            opens_uusimaa,
        };
        Self {
            act_in_force: ymd(2021, 11, 1),
            counties_begin: ymd(2023, 1, 1),
            uusimaa_right_from: ymd(2023, 1, 1),
            uusimaa_right_until: None,
            social_sharing_from: ymd(2024, 1, 1),
            consents_cover_all_channels_from: ymd(2024, 1, 1),
            cross_sector_from: ymd(2027, 3, 1),
            prescriptions_to_social_from: ymd(2027, 11, 1),
            wellbeing_from: ymd(2026, 1, 1),
            extensive_refusal_from: None,
            versions: vec![
                version(EARLIER_LAW, None, Some(ymd(2021, 11, 1)), false),
                version("1.0", Some(ymd(2021, 11, 1)), Some(ymd(2022, 11, 22)), false),
                version("1.1", Some(ymd(2022, 11, 22)), None, true),
                version("2.0", Some(ymd(2023, 11, 30)), None, true),
            ],
        }
    }
}

pub(crate) fn ymd(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// "A day is a day in Europe/Helsinki."
pub(crate) fn day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Helsinki).date_naive()
}

pub(crate) fn instant(timestamp: &Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).unwrap()).unwrap()
}

/// An ISO date written in full, `YYYY-MM-DD`.
pub(crate) fn iso_date(text: &str) -> Option<NaiveDate> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    if shape != "9999-99-99" {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// A date of a readable directory or allocation. `None`: unset.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    if text.is_empty() {
        return None;
    }
    Some(iso_date(text).unwrap())
}

/// `from` inclusive, `until` exclusive, an unset end is no bound.
pub(super) fn within(day: NaiveDate, from: &str, until: &str) -> bool {
    date(from).is_none_or(|from| from <= day) && date(until).is_none_or(|until| day < until)
}

/// A day of readiness has come; unset, it never does.
pub(super) fn reached(from: &str, today: NaiveDate) -> bool {
    date(from).is_some_and(|from| from <= today)
}

/// By the identity code. Who has none is neither known to be an adult nor a minor.
pub(super) fn is_adult(client: &ClientId, on: NaiveDate) -> bool {
    birthday(client).is_some_and(|birth| !is_under_18(birth, on))
}

pub(super) fn is_minor(client: &ClientId, on: NaiveDate) -> bool {
    birthday(client).is_some_and(|birth| is_under_18(birth, on))
}

/// Who was born on 29 February turns 18 on 1 March unless there is a 29th.
fn is_under_18(birth: NaiveDate, on: NaiveDate) -> bool {
    (on.year(), on.month(), on.day()) < (birth.year() + 18, birth.month(), birth.day())
}

/// "An identity code whose date of birth lies later than tomorrow."
pub(crate) fn is_unborn(client: &ClientId, today: NaiveDate) -> bool {
    birthday(client).is_some_and(|birth| birth > today + Days::new(1))
}

fn birthday(client: &ClientId) -> Option<NaiveDate> {
    if !client.root.is_empty() && client.root != IDENTITY_CODE_ROOT {
        return None;
    }
    let code: Vec<char> = client.extension.chars().collect();
    let digits = |from: usize| {
        let digits: String = code[from..from + 2].iter().collect();
        digits.parse::<u32>().unwrap()
    };
    let century = match code[6] {
        '+' => 1800,
        '-' | 'Y' | 'X' | 'W' | 'V' | 'U' => 1900,
        'A' | 'B' | 'C' | 'D' | 'E' | 'F' => 2000,
        sign => panic!("not a century sign: {sign}"),
    };
    let year = century + i32::try_from(digits(4)).unwrap();
    Some(ymd(year, digits(2), digits(0)))
}

#[test]
fn client_born_on_29_february_turns_18_on_1_march() {
    let client = ClientId { extension: "290204B903A".to_owned(), root: String::new() };
    assert!(is_minor(&client, ymd(2022, 2, 28)));
    assert!(is_adult(&client, ymd(2022, 3, 1)));
    let abroad = ClientId { extension: "A-1".to_owned(), root: "1.2.3".to_owned() };
    assert!(!is_minor(&abroad, ymd(2022, 3, 1)) && !is_adult(&abroad, ymd(2022, 3, 1)));
}

#[test]
fn client_born_tomorrow_is_valid() {
    let client = ClientId { extension: "290204B903A".to_owned(), root: String::new() };
    assert!(!is_unborn(&client, ymd(2004, 2, 29)) && !is_unborn(&client, ymd(2004, 2, 28)));
    assert!(is_unborn(&client, ymd(2004, 2, 27)));
}

#[test]
fn a_day_is_one_in_helsinki() {
    let last = DateTime::parse_from_rfc3339("2023-12-31T21:59:59.999999999Z").unwrap();
    let first = DateTime::parse_from_rfc3339("2023-12-31T22:00:00Z").unwrap();
    assert_eq!(day(last.to_utc()), ymd(2023, 12, 31));
    assert_eq!(day(first.to_utc()), ymd(2024, 1, 1));
}

#[test]
fn dates_are_written_in_full() {
    assert_eq!(iso_date("2024-02-29"), Some(ymd(2024, 2, 29)));
    for other in ["2023-02-29", "2024-2-9", "24-02-09", "+2024-02-09", "2024-02-09 "] {
        assert_eq!(iso_date(other), None, "{other}");
    }
}
