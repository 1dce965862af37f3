//! The disclosure level of a caller.
//!
//! There is no authentication yet. All that is known about a caller is its
//! network address, so the level depends on whether the address is loopback.

use std::net::SocketAddr;

/// The disclosure level of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// Decisions without details, and the rule catalogue.
    Public,
    /// Everything: details, explanations, simulations, declarations, the directory.
    Full,
}

/// The disclosure level of callers, by their network address.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Callers on this machine.
    pub loopback: Entitlement,
    /// All other callers.
    pub beyond_loopback: Entitlement,
}

impl Access {
    /// The disclosure level of a caller at an address. An unknown address counts as beyond loopback.
    #[must_use]
    pub fn of(&self, address: Option<SocketAddr>) -> Entitlement {
        if address.is_some_and(|address| address.ip().to_canonical().is_loopback()) {
            self.loopback
        } else {
            self.beyond_loopback
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_this_machine() {
        let access = Access { loopback: Entitlement::Full, beyond_loopback: Entitlement::Public };
        for (address, entitlement) in [
            (Some("127.0.0.1:1"), Entitlement::Full),
            (Some("[::1]:1"), Entitlement::Full),
            (Some("[::ffff:127.0.0.1]:1"), Entitlement::Full),
            (Some("192.0.2.1:1"), Entitlement::Public),
            (Some("[::ffff:192.0.2.1]:1"), Entitlement::Public),
            (None, Entitlement::Public),
        ] {
            let parsed = address.map(|text| text.parse().expect("an address"));
            assert_eq!(access.of(parsed), entitlement, "{address:?}");
        }
    }
}
