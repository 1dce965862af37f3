//! The identity of callers and their entitlements.
//!
//! The operator names every caller in one TOML file, the callers file. A caller is known by a name in its
//! certificate under one CA, by the subject of its bearer tokens, by its user on this machine, or by the name that
//! a configured proxy passes on.
//!
//! ```text
//!  certificate ──▶ tls, authority: chain, CRLs ──▶ names ──┐
//!  bearer token ─▶ token: keys, claims, binding ───────────┼──▶ Caller: verbs, organisations, registers
//!  proxy header ─▶ forwarded ──────────────────────────────┤
//!  Unix socket, loopback ──────────────────────────────────┘
//! ```
//!
//! [`Identities`] holds the whole configuration, the server certificate included, and replaces it while the server
//! runs. [`Current`] is one configuration; it never changes. A configuration with a fault is never in force.
//!
//! An identity is a name together with the entry of the callers file that certifies it: a name under one CA does
//! not count under another. Every refusal is an enum with a sentence for the operator, which repeats no bytes that
//! the caller chose.

mod address;
mod authority;
mod caller;
mod contents;
mod current;
mod expiry;
mod file;
mod forwarded;
mod json;
mod keys;
mod load;
mod names;
mod refusal;
mod reload;
mod tls;
mod token;
mod verb;

pub use self::address::{Access, Entitlement};
pub use self::caller::{Caller, OrganisationScope, RegisterScope};
pub use self::current::{
    CertificateHolder, CertificateIdentity, Current, LocalConnection, Thumbprint, VerifiedCertificate,
};
pub use self::expiry::{Expiry, ExpiryKind};
pub use self::forwarded::{ForwardedCaller, ForwardedRefusal, Proxy};
pub use self::load::{IdentityFiles, ServerCertificateFiles};
pub use self::names::{NameFault, NameKind};
pub use self::refusal::CertificateRefusal;
pub use self::reload::{Identities, Reloaded};
pub use self::tls::Alpn;
pub use self::token::{TokenIdentity, TokenRefusal};
pub use self::verb::{Verb, Verbs};

#[cfg(test)]
mod tests;
