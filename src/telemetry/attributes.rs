//! The attributes of spans and metrics, each named once.
//!
//! This is the allow-list of what telemetry may reveal about a request. An
//! [`Attribute`] has a value from a closed set of the core, a number, or an id
//! that Lupa generated. No constructor takes text of a request, so a client, a
//! professional or a record cannot get onto a span.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use uuid::Uuid;

use crate::policy::declaration::Kind;
use crate::policy::directory::RegisterKind;
use crate::policy::request::Channel;
use crate::policy::verdict::{Detail, Effect, Reason, RuleId};
use crate::wire::catalogue::CatalogueVersion;
use crate::wire::name;

use super::rpc::Rpc;

/// A name and a value that reveal nothing about a person.
#[derive(Clone, Debug)]
pub struct Attribute(KeyValue);

/// The sector of a register in no sector: the citizen's own data.
const NO_SECTOR: &str = "NONE";

/// The sector of a register that is not in the directory.
const UNKNOWN: &str = "UNKNOWN";

/// The kind of a change that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// A declaration of a kind.
    Declaration(Kind),
    /// A withdrawal.
    Withdrawal,
    /// A link between the codes of a person.
    Link,
    /// The end of a link.
    Unlink,
}

impl Recorded {
    /// Its name in an attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Declaration(Kind::Information) => "information",
            Self::Declaration(Kind::Consent) => "consent",
            Self::Declaration(Kind::Denial) => "denial",
            Self::Withdrawal => "withdrawal",
            Self::Link => "link",
            Self::Unlink => "unlink",
        }
    }
}

impl Attribute {
    /// The id of a decision, as returned to the caller.
    #[must_use]
    pub fn decision_id(id: Uuid) -> Self {
        Self::text("lupa.decision.id", id.to_string())
    }

    /// The id of an error, as returned to the caller.
    #[must_use]
    pub fn error_id(id: Uuid) -> Self {
        Self::text("lupa.error.id", id.to_string())
    }

    /// Version of the rule catalogue that decided.
    #[must_use]
    pub fn catalogue_version(version: &CatalogueVersion) -> Self {
        Self::text("lupa.catalogue.version", StringValue::from(Arc::clone(version.text())))
    }

    /// Number of records requested.
    #[must_use]
    pub fn records(count: usize) -> Self {
        Self::number("lupa.records", count)
    }

    /// The class of that number.
    #[must_use]
    pub(super) fn records_class(class: &'static str) -> Self {
        Self::text("lupa.records.class", class)
    }

    /// Number of records with an effect.
    #[must_use]
    pub fn effect_count(effect: Effect, count: usize) -> Self {
        match effect {
            Effect::Permit => Self::number("lupa.decision.permitted", count),
            Effect::Deny => Self::number("lupa.decision.denied", count),
        }
    }

    /// Number of records with a reason.
    #[must_use]
    pub fn reason_count(reason: Reason, count: usize) -> Self {
        let name = match reason {
            Reason::OwnRegister => "lupa.decision.reason.own_register",
            Reason::Consent => "lupa.decision.reason.consent",
            Reason::UusimaaInformed => "lupa.decision.reason.uusimaa_informed",
            Reason::PrescriptionInformed => "lupa.decision.reason.prescription_informed",
            Reason::OutsourcedService => "lupa.decision.reason.outsourced_service",
            Reason::StatutoryRight => "lupa.decision.reason.statutory_right",
            Reason::JointService => "lupa.decision.reason.joint_service",
            Reason::ClientUnableToDecide => "lupa.decision.reason.client_unable_to_decide",
            Reason::LocalConsent => "lupa.decision.reason.local_consent",
            Reason::NotShareable => "lupa.decision.reason.not_shareable",
            Reason::NotOpen => "lupa.decision.reason.not_open",
            Reason::RelationshipMissing => "lupa.decision.reason.relationship_missing",
            Reason::AccessRightMissing => "lupa.decision.reason.access_right_missing",
            Reason::UnknownRegister => "lupa.decision.reason.unknown_register",
            Reason::InvalidRecord => "lupa.decision.reason.invalid_record",
        };
        Self::number(name, count)
    }

    /// An effect.
    #[must_use]
    pub fn effect(effect: Effect) -> Self {
        Self::text("lupa.effect", name::effect(effect))
    }

    /// A public reason.
    #[must_use]
    pub fn reason(reason: Reason) -> Self {
        Self::text("lupa.reason", name::reason(reason))
    }

    /// The detail of a reason: only where rules are traced.
    #[must_use]
    pub fn detail(detail: Detail) -> Self {
        Self::text("lupa.detail", name::detail(detail))
    }

    /// A rule: only where rules are traced.
    #[must_use]
    pub fn rule(rule: RuleId) -> Self {
        Self::text("lupa.rule", rule.as_str())
    }

    /// All rules that decided, each once: only where rules are traced.
    #[must_use]
    pub fn rules(rules: impl Iterator<Item = RuleId>) -> Self {
        let ids: BTreeSet<_> = rules.map(RuleId::as_str).collect();
        Self::texts("lupa.rules", ids.into_iter())
    }

    /// The channel over which the data is shared.
    #[must_use]
    pub fn channel(channel: Channel) -> Self {
        Self::text("lupa.channel", name::channel(channel))
    }

    /// The kind of the requester's register; none = not in the directory.
    #[must_use]
    pub fn requester_kind(kind: Option<RegisterKind>) -> Self {
        Self::text("lupa.requester.register_kind", kind_name(kind))
    }

    /// The kinds of the registers that hold the records, each once.
    #[must_use]
    pub fn holder_kinds(kinds: impl Iterator<Item = Option<RegisterKind>>) -> Self {
        let kinds: BTreeSet<_> = kinds.map(kind_name).collect();
        Self::texts("lupa.holder.register_kinds", kinds.into_iter())
    }

    /// The sector of the requester's register.
    #[must_use]
    pub fn requester_sector(kind: Option<RegisterKind>) -> Self {
        Self::text("lupa.requester.sector", sector_name(kind))
    }

    /// The sector of the register that holds a record.
    #[must_use]
    pub fn holder_sector(kind: Option<RegisterKind>) -> Self {
        Self::text("lupa.holder.sector", sector_name(kind))
    }

    /// The sectors of the registers that hold the records, each once.
    #[must_use]
    pub fn holder_sectors(kinds: impl Iterator<Item = Option<RegisterKind>>) -> Self {
        let sectors: BTreeSet<_> = kinds.map(sector_name).collect();
        Self::texts("lupa.holder.sectors", sectors.into_iter())
    }

    /// The revision of the snapshot that decided, or of the change recorded: it links
    /// the span of a declaration with those of later decisions.
    #[must_use]
    pub fn revision(revision: u64) -> Self {
        Self(KeyValue::new("lupa.revision", i64::try_from(revision).unwrap_or(i64::MAX)))
    }

    /// Time since the last freshness proof of the index.
    #[must_use]
    pub fn index_age(age: Duration) -> Self {
        Self(KeyValue::new("lupa.index.age_ms", age.as_secs_f64() * 1_000.0))
    }

    /// The kind of a change that was recorded.
    #[must_use]
    pub fn declaration_kind(kind: Recorded) -> Self {
        Self::text("lupa.declaration.kind", kind.name())
    }

    /// Whether the response repeats an earlier one, for the same idempotency key.
    #[must_use]
    pub fn is_replay(is_replay: bool) -> Self {
        Self(KeyValue::new("lupa.replay", is_replay))
    }

    /// The error reason of a request that was rejected. Only capitals and underscores
    /// pass: ids have digits or small letters.
    #[must_use]
    pub fn refusal(code: &str) -> Self {
        let is_code = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        Self::text("lupa.refusal", if is_code { code.to_owned() } else { "_OTHER".to_owned() })
    }

    /// An operation of the store.
    #[must_use]
    pub(super) fn store_operation(operation: &'static str) -> Self {
        Self::text("lupa.store.operation", operation)
    }

    /// `rpc.system.name` of the semantic conventions.
    #[must_use]
    pub(super) fn rpc_system() -> Self {
        Self::text("rpc.system.name", "grpc")
    }

    /// `rpc.method` of the semantic conventions.
    #[must_use]
    pub(super) fn rpc_method(rpc: Rpc) -> Self {
        Self::text("rpc.method", rpc.name())
    }

    /// `rpc.response.status_code` of the semantic conventions.
    #[must_use]
    pub(super) fn rpc_status(code: &'static str) -> Self {
        Self::text("rpc.response.status_code", code)
    }

    /// `error.type` of the semantic conventions.
    #[must_use]
    pub(super) fn error_type(kind: &'static str) -> Self {
        Self::text("error.type", kind)
    }

    /// A part of the packed base.
    #[must_use]
    pub fn part(part: &'static str) -> Self {
        Self::text("part", part)
    }

    /// Why a checkpoint of the index was refused.
    #[must_use]
    pub fn checkpoint_refusal(reason: &'static str) -> Self {
        Self::text("reason", reason)
    }

    /// A limit, by the name of its setting.
    #[must_use]
    pub(super) fn limit(name: &'static str) -> Self {
        Self::text("lupa.limit", name)
    }

    /// Why a caller is not known.
    #[must_use]
    pub(super) fn identity_refusal(why: &'static str) -> Self {
        Self::text("lupa.reason", why)
    }

    /// The kind of what expires.
    #[must_use]
    pub fn expires(kind: &'static str) -> Self {
        Self::text("lupa.kind", kind)
    }

    /// A certificate authority, by the operator's name for it.
    #[must_use]
    pub fn authority(name: &str) -> Self {
        Self::text("lupa.name", name.to_owned())
    }

    /// The version of Lupa.
    #[must_use]
    pub fn version() -> Self {
        Self::text("version", env!("CARGO_PKG_VERSION"))
    }

    /// The form that OpenTelemetry takes.
    #[must_use]
    pub fn into_key_value(self) -> KeyValue {
        self.0
    }

    fn text(name: &'static str, text: impl Into<StringValue>) -> Self {
        Self(KeyValue::new(name, text.into()))
    }

    fn texts(name: &'static str, texts: impl Iterator<Item = &'static str>) -> Self {
        let texts = texts.map(StringValue::from).collect();
        Self(KeyValue::new(name, Value::Array(Array::String(texts))))
    }

    fn number(name: &'static str, number: usize) -> Self {
        Self(KeyValue::new(name, i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

fn kind_name(kind: Option<RegisterKind>) -> &'static str {
    kind.map_or(UNKNOWN, name::register_kind)
}

fn sector_name(kind: Option<RegisterKind>) -> &'static str {
    match kind.map(RegisterKind::sector) {
        Some(Some(sector)) => name::sector(sector),
        Some(None) => NO_SECTOR,
        None => UNKNOWN,
    }
}
