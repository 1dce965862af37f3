//! Counts the verdicts of a request, for the metrics and, if the request is
//! traced, for its span.

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

/// The span event for each finding of a rule, or for each public reason if
/// spans must not name rules.
const DECIDED: &str = "lupa.decided";

/// Counts the verdicts of a request by the kind of the holding register and the
/// reason: a request has few combinations of the two.
pub(super) struct Tally {
    requester: Option<RegisterKind>,
    counts: SmallVec<[VerdictCount; 4]>,
    traced: Option<TracedFindings>,
}

/// The number of verdicts with one holder and reason.
struct VerdictCount {
    holder: Option<RegisterKind>,
    reason: Reason,
    count: usize,
}

/// The findings of the rules, for the span.
struct TracedFindings {
    span: ActiveSpan,
    findings: SmallVec<[FindingCount; 8]>,
}

/// The number of records with one finding of a rule. An invalid record has no
/// rule.
struct FindingCount {
    rule: Option<RuleId>,
    reason: Reason,
    detail: Option<verdict::Detail>,
    count: usize,
}

/// What a span records of a decision besides its verdicts.
pub(super) struct DecisionContext {
    pub(super) id: Uuid,
    pub(super) channel: Channel,
    pub(super) revision: Revision,
}

impl Tally {
    pub(super) fn of(question: &Question<'_, '_>) -> Self {
        Self {
            requester: question.requester(),
            counts: SmallVec::new(),
            traced: ActiveSpan::sampled().map(|span| TracedFindings { span, findings: SmallVec::new() }),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, holder, .. } = *verdict;
        match self.counts.iter_mut().find(|same| same.reason == reason && same.holder == holder) {
            Some(same) => same.count += 1,
            None => self.counts.push(VerdictCount { holder, reason, count: 1 }),
        }
        if let Some(traced) = &mut self.traced {
            traced.add(verdict);
        }
    }

    /// Records the counts in the metrics and on the span.
    pub(super) fn record(&self, core: &Core, context: &DecisionContext) {
        for VerdictCount { holder, reason, count } in &self.counts {
            core.telemetry.metrics.decided(self.requester, *holder, *reason, *count as u64);
        }
        if let Some(traced) = &self.traced {
            self.record_on_span(traced, core, context);
        }
    }

    fn record_on_span(&self, traced: &TracedFindings, core: &Core, context: &DecisionContext) {
        let TracedFindings { span, findings } = traced;
        let DecisionContext { id, channel, revision } = *context;
        let sum = |is_counted: &dyn Fn(Reason) -> bool| {
            let counted = self.counts.iter().filter(|count| is_counted(count.reason));
            counted.map(|count| count.count).sum::<usize>()
        };
        let reasons: BTreeSet<Reason> = self.counts.iter().map(|count| count.reason).collect();
        let holders = || self.counts.iter().map(|count| count.holder);
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
            // Two rules with the same public reason must not be distinguishable.
            for reason in reasons {
                span.event(DECIDED, attributes(reason, sum(&|other| other == reason)));
            }
            return;
        }
        span.set([Attribute::rules(findings.iter().filter_map(|finding| finding.rule))]);
        for FindingCount { rule, reason, detail, count } in findings {
            let (rule, detail) = (rule.map(Attribute::rule), detail.map(Attribute::detail));
            span.event(DECIDED, attributes(*reason, *count).into_iter().chain(rule).chain(detail));
        }
    }
}

impl TracedFindings {
    fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, detail, rule, .. } = *verdict;
        let is_same = |finding: &&mut FindingCount| {
            finding.rule == rule && finding.reason == reason && finding.detail == detail
        };
        match self.findings.iter_mut().find(is_same) {
            Some(finding) => finding.count += 1,
            None => self.findings.push(FindingCount { rule, reason, detail, count: 1 }),
        }
    }
}

fn attributes(reason: Reason, count: usize) -> [Attribute; 3] {
    [Attribute::effect(reason.effect()), Attribute::reason(reason), Attribute::records(count)]
}
