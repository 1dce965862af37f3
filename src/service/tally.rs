//! What the verdicts on a question came to: counted for metrics, and told on
//! the span of the request if it is traced.

use std::collections::BTreeSet;

use smallvec::SmallVec;
use uuid::Uuid;

use super::Core;
use crate::policy::Question;
use crate::policy::directory::RegisterKind;
use crate::policy::request::Channel;
use crate::policy::verdict::{self, Effect, Reason, RuleId, Verdict};
use crate::store::Revision;
use crate::telemetry::attributes::Attribute;
use crate::telemetry::span::ActiveSpan;

/// The event of a span for each thing that a rule found, or for each reason
/// where rules are not told.
const DECIDED: &str = "lupa.decided";

/// Counts verdicts, by where the record is held and the reason: there are few
/// of these in a question.
pub(super) struct Tally {
    requester: Option<RegisterKind>,
    counted: SmallVec<[Counted; 4]>,
    traced: Option<Traced>,
}

/// How many verdicts of one kind there were.
struct Counted {
    holder: Option<RegisterKind>,
    reason: Reason,
    count: usize,
}

/// For the span: what the rules found.
struct Traced {
    span: ActiveSpan,
    found: SmallVec<[Found; 8]>,
}

/// What a rule found, and how often; no rule for records that are invalid.
struct Found {
    rule: Option<RuleId>,
    reason: Reason,
    detail: Option<verdict::Detail>,
    count: usize,
}

/// What else a span tells of a decision.
pub(super) struct Decided {
    pub(super) id: Uuid,
    pub(super) channel: Channel,
    pub(super) revision: Revision,
}

impl Tally {
    pub(super) fn of(question: &Question<'_, '_>) -> Self {
        Self {
            requester: question.requester(),
            counted: SmallVec::new(),
            traced: ActiveSpan::sampled().map(|span| Traced { span, found: SmallVec::new() }),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, holder, .. } = *verdict;
        match self.counted.iter_mut().find(|same| same.reason == reason && same.holder == holder) {
            Some(counted) => counted.count += 1,
            None => self.counted.push(Counted { holder, reason, count: 1 }),
        }
        if let Some(traced) = &mut self.traced {
            traced.add(verdict);
        }
    }

    /// Tells the metrics and the span.
    pub(super) fn tell(&self, core: &Core, decided: &Decided) {
        for Counted { holder, reason, count } in &self.counted {
            core.telemetry.metrics.decided(self.requester, *holder, *reason, *count as u64);
        }
        if let Some(Traced { span, found }) = &self.traced {
            self.tell_span(span, found, core, decided);
        }
    }

    fn tell_span(&self, span: &ActiveSpan, found: &[Found], core: &Core, decided: &Decided) {
        let Decided { id, channel, revision } = *decided;
        let sum = |is_meant: &dyn Fn(Reason) -> bool| {
            let meant = self.counted.iter().filter(|counted| is_meant(counted.reason));
            meant.map(|counted| counted.count).sum::<usize>()
        };
        let reasons: BTreeSet<Reason> = self.counted.iter().map(|counted| counted.reason).collect();
        let holders = || self.counted.iter().map(|counted| counted.holder);
        span.set([
            Attribute::decision_id(id),
            Attribute::records(sum(&|_| true)),
            Attribute::effect_count(Effect::Permit, sum(&|reason| reason.effect() == Effect::Permit)),
            Attribute::effect_count(Effect::Deny, sum(&|reason| reason.effect() == Effect::Deny)),
            Attribute::channel(channel),
            Attribute::requester_sector(self.requester),
            Attribute::requester_kind(self.requester),
            Attribute::holder_sectors(holders()),
            Attribute::holder_kinds(holders()),
            Attribute::revision(revision.0),
            Attribute::catalogue_version(&core.catalogue_version),
        ]);
        span.set(core.index.age().map(Attribute::index_age));
        for reason in &reasons {
            span.set([Attribute::reason_count(*reason, sum(&|other| other == *reason))]);
        }
        if !core.telemetry.spans.name_rules() {
            // Two rules with one public reason must not be told apart.
            for reason in reasons {
                span.event(DECIDED, told(reason, sum(&|other| other == reason)));
            }
            return;
        }
        span.set([Attribute::rules(found.iter().filter_map(|found| found.rule))]);
        for Found { rule, reason, detail, count } in found {
            let (rule, detail) = (rule.map(Attribute::rule), detail.map(Attribute::detail));
            span.event(DECIDED, told(*reason, *count).into_iter().chain(rule).chain(detail));
        }
    }
}

impl Traced {
    fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, detail, rule, .. } = *verdict;
        let is_same =
            |found: &&mut Found| found.rule == rule && found.reason == reason && found.detail == detail;
        match self.found.iter_mut().find(is_same) {
            Some(found) => found.count += 1,
            None => self.found.push(Found { rule, reason, detail, count: 1 }),
        }
    }
}

fn told(reason: Reason, count: usize) -> [Attribute; 3] {
    [Attribute::effect(reason.effect()), Attribute::reason(reason), Attribute::records(count)]
}
