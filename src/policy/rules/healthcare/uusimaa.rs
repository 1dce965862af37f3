//! The right of access within public healthcare in Uusimaa (001, 002).

use super::super::{Find, Finding, InForce, Rule, Sharing};
use crate::policy::calendar::CalendarDate;
use crate::policy::verdict::Reason;

pub(super) static HC_UUSIMAA: Rule = Rule {
    id: "hc-uusimaa",
    title: "Public healthcare in Uusimaa, the client informed of it",
    silent: "not both registers are public healthcare in Uusimaa, or the client has not been informed of the right",
    sources: &["001", "002"],
    in_force: InForce {
        from: Some(CalendarDate::UusimaaRightFrom),
        until: Some(CalendarDate::UusimaaRightUntil),
    },
    dates: &[],
    reasons: &[Reason::UusimaaInformed],
    find: Find::BySharing(find),
};

fn find(sharing: &Sharing<'_, '_>) -> Option<Finding> {
    (sharing.is_within_uusimaa() && sharing.declared.opens_uusimaa)
        .then(|| Finding::plain(Reason::UusimaaInformed))
}
