//! The policy core: it decides which record a requester may see, and why. Pure
//! values and functions: no I/O, no clock, no types of the wire or of stored
//! rows. A decision has no error: invalid input is rejected before.
//!
//! # Vocabulary
//!
//! A **client** has made **declarations**: *information* received, *consents*
//! and *denials*. A **requester**, the [register](directory::Register) on
//! whose behalf data is read, requests **records**, each held in a register,
//! the **holder**. Use inside one register is not sharing; between two
//! registers a [rule](rules::Rule) must permit it.
//!
//! # How a record is decided
//!
//! 1. [`World::question`] evaluates, once a request, which of the client's
//!    declarations are in force at the instant.
//! 2. [`Question::decide`] evaluates, for each record, the rules for everyone
//!    and then those between the two sectors. The first rule with a finding
//!    decides: the [`Verdict`](verdict::Verdict) has its public reason, the
//!    detail, the rule and the declarations.
//! 3. Each list ends in a rule that always decides, and denies.
//!
//! ```
//! use lupa_policy::calendar::Calendar;
//! use lupa_policy::client_id::{ClientId, IdentityCode};
//! use lupa_policy::day::{Day, Instant};
//! use lupa_policy::declaration::DataKind;
//! use lupa_policy::directory::{Directory, Organisation, OrganisationKind, Register, RegisterKind};
//! use lupa_policy::oid::{Oid, OpaqueId};
//! use lupa_policy::request::{Channel, Ground, Record, RecordKind, Situation};
//! use lupa_policy::verdict::{Effect, Reason};
//! use lupa_policy::World;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let county = Oid::parse("1.2.246.10.99999999.1.0")?;
//! let register = Oid::parse("1.2.246.10.99999999.1.1")?;
//! let directory = Directory::build(
//!     vec![Organisation {
//!         oid: county.clone(),
//!         name: "A county".into(),
//!         kind: OrganisationKind::WellbeingServicesCounty,
//!         uusimaa: false,
//!         operates_from: None,
//!         successor: None,
//!         main_responsibility: Vec::new(),
//!         carries_former_denials: false,
//!     }],
//!     vec![Register {
//!         oid: register.clone(),
//!         name: "Its healthcare".into(),
//!         controller: county,
//!         kind: RegisterKind::PublicHealthcare,
//!         joined_kanta_on: Some(Day::parse("2023-01-01")?),
//!         shares_within_sector_from: None,
//!         retrieves_across_sectors_from: None,
//!         retrieves_prescriptions_from: None,
//!         stores_declarations_from: None,
//!     }],
//!     Vec::new(),
//! )
//! .map_err(|faults| format!("{faults:?}"))?;
//! let situation = Situation {
//!     client: ClientId::National(IdentityCode::parse("010181-900C")?),
//!     requester: register.clone(),
//!     channel: Channel::Kanta,
//!     access_right: true,
//!     ground: Some(Ground::CareRelationship),
//!     claims: Default::default(),
//! };
//! let record = Record {
//!     id: OpaqueId::parse("document-1")?,
//!     register,
//!     service_event: Some(OpaqueId::parse("event-1")?),
//!     recorded_on: Day::parse("2024-05-06")?,
//!     kind: RecordKind::Patient(DataKind::ServiceEventEntry),
//!     service_tasks: Vec::new(),
//!     original_controller: None,
//!     outsourcing: None,
//! };
//! let now: Instant = "2024-06-01T09:00:00Z".parse()?;
//! let calendar = Calendar::published();
//! let question = World { directory: &directory, calendar: &calendar, now }.question(&situation, []);
//! let verdict = question.decide(&record);
//! assert_eq!((verdict.effect(), verdict.reason), (Effect::Permit, Reason::OwnRegister));
//! # Ok(())
//! # }
//! ```

// Small functions that other crates call for each record or declaration are
// `#[inline]`: a function that is not generic is otherwise inlined across crates
// only by link-time optimization, and a decision takes some 40 ns in all.

#![forbid(unsafe_code)]

pub mod oid;
pub mod day;
pub mod client_id;
pub mod calendar;
pub mod language;
pub mod directory;
pub mod declaration;
pub mod link;
pub mod history;
pub mod request;
pub mod verdict;
pub mod rules;
pub mod inline_list;
pub mod facts;
mod decide;
mod declared;
mod entitlement;
pub mod explain;
pub mod admit;
pub mod refusal;
pub mod information;
pub mod viewing;
mod words;
pub mod printout;
#[cfg(any(test, feature = "samples"))]
#[expect(clippy::expect_used, missing_docs, reason = "fixtures of tests: the names say what they build")]
pub mod samples;

pub use decide::{Question, World};
pub use declared::InForce;
