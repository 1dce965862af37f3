//! Who is calling, and what it may ask.
//!
//! Until callers show certificates, all that is known of one is whether it is
//! on this machine.

use std::net::SocketAddr;

/// What a caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// Decisions without details, and the rule catalogue.
    Public,
    /// Everything: details, explanations, simulations, declarations, the directory.
    Full,
}

/// What callers may ask, by where they are.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Callers on this machine.
    pub loopback: Entitlement,
    /// All others.
    pub beyond_loopback: Entitlement,
}

impl Access {
    /// What a caller at an address may ask. An unknown address is not this machine's.
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
    fn only_this_machine_is_loopback() {
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
