//! The core: who may see which record, and why.

pub mod admit;
pub mod calendar;
pub mod client_id;
pub mod day;
mod decide;
pub mod declaration;
mod declared;
pub mod directory;
mod entitlement;
pub mod oid;
pub mod refusal;
pub mod request;
pub mod rules;
pub mod verdict;

pub use decide::Question;
