//! The dates by which the rules change, and the versions of the "Information
//! about the Kanta Services". All of them are settings with the published
//! values as defaults.

use super::day::{Day, within};

/// Stands for any information received before version 1.0. It counts only for
/// consents recorded before the Act came into force.
pub const EARLIER_LAW: &str = "earlier-law";

/// A date of the calendar, by name, so that rules can carry dates as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarDate {
    /// The Client Data Act came into force (000).
    ActInForce,
    /// The wellbeing services counties began operations.
    CountiesBegin,
    /// The right of access within Uusimaa started (001, 002).
    UusimaaRightFrom,
    /// The right of access within Uusimaa ends.
    UusimaaRightUntil,
    /// Sharing of social-welfare data through Kanta started (003).
    SocialSharingFrom,
    /// Healthcare consents given from this day cover every channel.
    ConsentsCoverAllChannelsFrom,
    /// Sharing across sectors through Kanta starts (002, 004).
    CrossSectorFrom,
    /// Social welfare retrieves prescriptions through Kanta (004).
    PrescriptionsToSocialFrom,
    /// Wellbeing data is shared with professionals.
    WellbeingFrom,
    /// An extensive refusal can be recorded (000).
    ExtensiveRefusalFrom,
}

/// The configured dates and versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// See [`CalendarDate::ActInForce`].
    pub act_in_force: Day,
    /// See [`CalendarDate::CountiesBegin`].
    pub counties_begin: Day,
    /// See [`CalendarDate::UusimaaRightFrom`].
    pub uusimaa_right_from: Day,
    /// See [`CalendarDate::UusimaaRightUntil`]; none = no end.
    pub uusimaa_right_until: Option<Day>,
    /// See [`CalendarDate::SocialSharingFrom`].
    pub social_sharing_from: Day,
    /// See [`CalendarDate::ConsentsCoverAllChannelsFrom`].
    pub consents_cover_all_channels_from: Day,
    /// See [`CalendarDate::CrossSectorFrom`].
    pub cross_sector_from: Day,
    /// See [`CalendarDate::PrescriptionsToSocialFrom`].
    pub prescriptions_to_social_from: Day,
    /// See [`CalendarDate::WellbeingFrom`].
    pub wellbeing_from: Day,
    /// See [`CalendarDate::ExtensiveRefusalFrom`]; none = not yet.
    pub extensive_refusal_from: Option<Day>,
    /// From the oldest to the newest.
    pub versions: Vec<InformationVersion>,
}

/// A version of the "Information about the Kanta Services".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InformationVersion {
    /// Its name, such as `1.1`.
    pub version: Box<str>,
    /// The day of its release; none = before every date.
    pub valid_from: Option<Day>,
    /// First day on which it is no longer valid; none = no end (001).
    pub valid_until: Option<Day>,
    /// First day on which it is the newest version; none = from its release.
    pub newest_from: Option<Day>,
    /// Whether it describes the right of access within Uusimaa.
    pub opens_uusimaa: bool,
}

impl CalendarDate {
    /// Every date.
    pub const ALL: [Self; 10] = [
        Self::ActInForce,
        Self::CountiesBegin,
        Self::UusimaaRightFrom,
        Self::UusimaaRightUntil,
        Self::SocialSharingFrom,
        Self::ConsentsCoverAllChannelsFrom,
        Self::CrossSectorFrom,
        Self::PrescriptionsToSocialFrom,
        Self::WellbeingFrom,
        Self::ExtensiveRefusalFrom,
    ];

    /// The name of the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ActInForce => "act_in_force",
            Self::CountiesBegin => "counties_begin",
            Self::UusimaaRightFrom => "uusimaa_right_from",
            Self::UusimaaRightUntil => "uusimaa_right_until",
            Self::SocialSharingFrom => "social_sharing_from",
            Self::ConsentsCoverAllChannelsFrom => "consents_cover_all_channels_from",
            Self::CrossSectorFrom => "cross_sector_from",
            Self::PrescriptionsToSocialFrom => "prescriptions_to_social_from",
            Self::WellbeingFrom => "wellbeing_from",
            Self::ExtensiveRefusalFrom => "extensive_refusal_from",
        }
    }
}

impl Calendar {
    /// The published dates (domain rules §5, each with its source there).
    #[must_use]
    pub fn published() -> Self {
        Self {
            act_in_force: ACT_IN_FORCE,
            counties_begin: COUNTIES_BEGIN,
            uusimaa_right_from: COUNTIES_BEGIN,
            uusimaa_right_until: None,
            social_sharing_from: SOCIAL_SHARING_FROM,
            consents_cover_all_channels_from: CONSENTS_COVER_ALL_CHANNELS_FROM,
            cross_sector_from: CROSS_SECTOR_FROM,
            prescriptions_to_social_from: PRESCRIPTIONS_TO_SOCIAL_FROM,
            wellbeing_from: WELLBEING_FROM,
            extensive_refusal_from: None,
            versions: vec![
                version(EARLIER_LAW, None, Some(ACT_IN_FORCE), false),
                version("1.0", Some(ACT_IN_FORCE), Some(VERSION_1_1_RELEASED), false),
                version("1.1", Some(VERSION_1_1_RELEASED), None, true),
                version("2.0", Some(VERSION_2_0_RELEASED), None, true),
            ],
        }
    }

    /// The day of a date; none if it is not set.
    #[must_use]
    pub fn day(&self, date: CalendarDate) -> Option<Day> {
        match date {
            CalendarDate::ActInForce => Some(self.act_in_force),
            CalendarDate::CountiesBegin => Some(self.counties_begin),
            CalendarDate::UusimaaRightFrom => Some(self.uusimaa_right_from),
            CalendarDate::UusimaaRightUntil => self.uusimaa_right_until,
            CalendarDate::SocialSharingFrom => Some(self.social_sharing_from),
            CalendarDate::ConsentsCoverAllChannelsFrom => Some(self.consents_cover_all_channels_from),
            CalendarDate::CrossSectorFrom => Some(self.cross_sector_from),
            CalendarDate::PrescriptionsToSocialFrom => Some(self.prescriptions_to_social_from),
            CalendarDate::WellbeingFrom => Some(self.wellbeing_from),
            CalendarDate::ExtensiveRefusalFrom => self.extensive_refusal_from,
        }
    }

    /// A version by its name, with its index from the oldest.
    pub(crate) fn version(&self, name: &str) -> Option<(usize, &InformationVersion)> {
        self.versions.iter().enumerate().find(|(_, version)| &*version.version == name)
    }

    /// The newest version on a day, with its index from the oldest.
    pub(crate) fn newest_version(&self, today: Day) -> Option<(usize, &InformationVersion)> {
        self.versions
            .iter()
            .enumerate()
            .rfind(|(_, version)| version.newest_from.or(version.valid_from).is_none_or(|from| from <= today))
    }
}

impl InformationVersion {
    /// Whether it can have been received on a day: it was released and still valid (001).
    pub(crate) fn is_valid_on(&self, day: Day) -> bool {
        within(day, self.valid_from, self.valid_until)
    }

    /// Whether receiving it informs the client: version 1.0 or later does.
    pub(crate) fn informs(&self) -> bool {
        &*self.version != EARLIER_LAW
    }
}

const ACT_IN_FORCE: Day = day(2021, 11, 1);
const COUNTIES_BEGIN: Day = day(2023, 1, 1);
const SOCIAL_SHARING_FROM: Day = day(2024, 1, 1);
const CONSENTS_COVER_ALL_CHANNELS_FROM: Day = day(2024, 1, 1);
const CROSS_SECTOR_FROM: Day = day(2027, 3, 1);
const PRESCRIPTIONS_TO_SOCIAL_FROM: Day = day(2027, 11, 1);
const WELLBEING_FROM: Day = day(2026, 1, 1);
const VERSION_1_1_RELEASED: Day = day(2022, 11, 22);
const VERSION_2_0_RELEASED: Day = day(2023, 11, 30);

#[expect(clippy::panic, reason = "evaluated by the compiler only: every caller is a constant")]
const fn day(year: i32, month: u32, day: u32) -> Day {
    match Day::from_ymd(year, month, day) {
        Some(day) => day,
        None => panic!("a date of the calendar does not exist"),
    }
}

fn version(
    name: &str,
    valid_from: Option<Day>,
    valid_until: Option<Day>,
    opens_uusimaa: bool,
) -> InformationVersion {
    InformationVersion { version: name.into(), valid_from, valid_until, newest_from: None, opens_uusimaa }
}
