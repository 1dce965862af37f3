//! The names of core types as the interface has them: for spans and metrics.

use crate::policy::directory::{RegisterKind, Sector};
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Effect, Reason};

use super::directory::to_register_kind;
use super::v1;
use super::verdict::{to_detail, to_effect, to_reason};

/// Such as `EFFECT_PERMIT`.
#[must_use]
pub fn effect(effect: Effect) -> &'static str {
    to_effect(effect).as_str_name()
}

/// Such as `REASON_CONSENT`.
#[must_use]
pub fn reason(reason: Reason) -> &'static str {
    to_reason(reason).as_str_name()
}

/// Such as `DETAIL_CONSENT_MISSING`.
#[must_use]
pub fn detail(detail: Detail) -> &'static str {
    to_detail(detail).as_str_name()
}

/// Such as `REGISTER_KIND_PUBLIC_HEALTHCARE`.
#[must_use]
pub fn register_kind(kind: RegisterKind) -> &'static str {
    to_register_kind(kind).as_str_name()
}

/// Such as `SECTOR_HEALTHCARE`.
#[must_use]
pub fn sector(sector: Sector) -> &'static str {
    match sector {
        Sector::Healthcare => v1::Sector::Healthcare,
        Sector::SocialWelfare => v1::Sector::SocialWelfare,
    }
    .as_str_name()
}

/// Such as `CHANNEL_KANTA`.
#[must_use]
pub fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Kanta => v1::Channel::Kanta,
        Channel::UusimaaLocalDatabase => v1::Channel::UusimaaLocalDatabase,
        Channel::OutsideKanta => v1::Channel::OutsideKanta,
    }
    .as_str_name()
}
