//! The calendar day in Finland.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Europe::Helsinki;

/// A point in time.
pub type Instant = DateTime<Utc>;

/// A day in Europe/Helsinki. Every date of the rules is such a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

/// From 31 December of the year 0 to 1 January 1990.
const DAYS_TO_1990: i32 = 726_468;

/// Text that is not a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date: write an existing day as YYYY-MM-DD, such as `2024-02-29`")]
pub struct InvalidDay;

impl Day {
    /// The day it is in Finland at an instant.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        let utc = instant.naive_utc();
        let offset = Helsinki.offset_from_utc_datetime(&utc).fix();
        // At the very end of the calendar no offset can be added: the UTC day is
        // close enough.
        Self(utc.checked_add_offset(offset).unwrap_or(utc).date())
    }

    /// Parses an ISO date, `YYYY-MM-DD`.
    #[inline]
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = text.as_bytes() else { return Err(InvalidDay) };
        let digits = [y3, y2, y1, y0, m1, m0, d1, d0].map(|byte| byte.wrapping_sub(b'0'));
        if digits.iter().any(|digit| *digit > 9) {
            return Err(InvalidDay);
        }
        let [y3, y2, y1, y0, m1, m0, d1, d0] = digits.map(u32::from);
        let year = (y3 * 10 + y2) * 100 + y1 * 10 + y0;
        let year = i32::try_from(year).map_err(|_| InvalidDay)?;
        Self::from_ymd(year, m1 * 10 + m0, d1 * 10 + d0).ok_or(InvalidDay)
    }

    /// The day with these numbers, if there is one.
    #[inline]
    #[must_use]
    pub const fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        match NaiveDate::from_ymd_opt(year, month, day) {
            Some(date) => Some(Self(date)),
            None => None,
        }
    }

    /// The number of days since 1 January 1990; none if the day is before it or
    /// more than 65,535 days after it.
    #[inline]
    #[must_use]
    pub fn since_1990(self) -> Option<u16> {
        u16::try_from(self.0.num_days_from_ce() - DAYS_TO_1990).ok()
    }

    /// The day that is a number of days after 1 January 1990.
    #[inline]
    #[must_use]
    pub fn from_1990(days: u16) -> Option<Self> {
        NaiveDate::from_num_days_from_ce_opt(DAYS_TO_1990 + i32::from(days)).map(Self)
    }

    /// The instant at which the day starts in Finland.
    #[must_use]
    pub fn start(self) -> Instant {
        let midnight = self.0.and_time(NaiveTime::MIN);
        let start = Helsinki.from_local_datetime(&midnight).earliest();
        start.map_or(midnight.and_utc(), |start| start.to_utc())
    }

    /// The day after; none at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.succ_opt().map(Self)
    }

    /// The day on which a person born on this day turns this number of years.
    #[must_use]
    pub fn years_later(self, years: i32) -> Option<Self> {
        let year = self.0.year() + years;
        let same = Self::from_ymd(year, self.0.month(), self.0.day());
        // Born on 29 February, where the year has none.
        same.or_else(|| Self::from_ymd(year, 3, 1))
    }

    /// Full years from this day to a later one. A person born on 29 February
    /// turns a year older on 1 March if the year has no 29 February.
    #[must_use]
    pub fn years_until(self, later: Self) -> Option<u32> {
        let years = later.0.year() - self.0.year();
        let before_birthday = (later.0.month(), later.0.day()) < (self.0.month(), self.0.day());
        u32::try_from(years - i32::from(before_birthday)).ok()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The day on which the client gave a declaration that was recorded at an
/// instant. A given time after the recording is that of a clock that was ahead:
/// the declaration counts as given when it was recorded (domain rules §7).
#[must_use]
pub fn given_on(given_at: Instant, recorded_at: Instant) -> Day {
    Day::of(if recorded_at < given_at { recorded_at } else { given_at })
}

/// Whether a day is within bounds: from inclusive, until exclusive, unset = no bound.
pub(crate) fn within(day: Day, from: Option<Day>, until: Option<Day>) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day < until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn instant(text: &str) -> Instant {
        DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
    }

    #[test]
    fn a_day_starts_at_midnight_in_helsinki() {
        assert_eq!(Day::of(instant("2026-12-31T21:59:59Z")), day("2026-12-31"));
        assert_eq!(Day::of(instant("2026-12-31T22:00:00Z")), day("2027-01-01"));
        assert_eq!(Day::of(instant("2026-06-30T20:59:59Z")), day("2026-06-30"));
        assert_eq!(Day::of(instant("2026-06-30T21:00:00Z")), day("2026-07-01"));
    }

    #[test]
    fn the_start_of_a_day_is_its_first_instant() {
        for text in ["2026-06-30", "2026-12-31", "2026-03-29", "2026-10-25"] {
            let start = day(text).start();
            assert_eq!(Day::of(start), day(text));
            assert_eq!(Day::of(start - chrono::TimeDelta::microseconds(1)).next(), Some(day(text)));
        }
    }

    #[test]
    fn every_instant_is_on_a_day() {
        assert!(Day::of(Instant::MIN_UTC) < day("0001-01-01"));
        assert!(Day::of(Instant::MAX_UTC) > day("9999-12-31"));
    }

    #[test]
    fn days_that_do_not_exist_are_rejected() {
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-01",
            "24-01-01",
            "+024-01-01",
            "2024-01-01 ",
            "",
        ] {
            assert_eq!(Day::parse(text), Err(InvalidDay), "{text}");
        }
        assert_eq!(day("2024-02-29").to_string(), "2024-02-29");
    }

    #[test]
    fn days_are_counted_from_1990() {
        assert_eq!(day("1990-01-01").since_1990(), Some(0));
        assert_eq!(day("1989-12-31").since_1990(), None);
        for text in ["1990-01-01", "2026-11-21", "2079-09-18"] {
            assert_eq!(day(text).since_1990().and_then(Day::from_1990), Some(day(text)));
        }
    }

    #[test]
    fn years_are_full_years() {
        let born = day("2000-02-29");
        assert_eq!(born.years_until(day("2018-02-28")), Some(17));
        assert_eq!(born.years_until(day("2018-03-01")), Some(18));
        assert_eq!(born.years_until(day("2020-02-29")), Some(20));
        assert_eq!(born.years_until(day("1999-12-31")), None);
        assert_eq!(born.years_later(18), Some(day("2018-03-01")));
        assert_eq!(born.years_later(20), Some(day("2020-02-29")));
    }
}
