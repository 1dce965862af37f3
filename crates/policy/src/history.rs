//! What is recorded of clients, in the form in which it moves from one system to
//! another (domain rules §7).

use super::client_id::ClientId;
use super::declaration::{Declaration, Kind, Withdrawal};
use super::link::RecordedLink;
use super::oid::OpaqueId;

/// An entry of the history of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEntry {
    /// A declaration of a client, with its withdrawal.
    Declaration(ClientId, Declaration),
    /// A link between the codes of a person, with its end.
    Link(RecordedLink),
    /// A withdrawal under one code of a declaration under another, of the same person.
    Withdrawal {
        /// The code under which it was made.
        client: ClientId,
        /// The kind of the declaration.
        kind: Kind,
        /// The declaration.
        declaration_id: OpaqueId<'static>,
        /// By whom and when.
        withdrawal: Withdrawal,
    },
}
