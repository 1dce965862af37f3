//! What the verdicts on a question came to: counted for metrics, and told on
//! the span of the request if it is traced.

use smallvec::SmallVec;
use uuid::Uuid;

use super::Core;
use crate::policy::Question;
use crate::policy::directory::RegisterKind;
use crate::policy::request::Channel;
use crate::policy::rules::Rule;
use crate::policy::verdict::{self, Effect, Reason, Verdict};
use crate::store::Revision;
use crate::telemetry::attributes::Attribute;
use crate::telemetry::span::Open;

/// How many kinds of registers there are, and one place for those not known.
const HOLDERS: usize = RegisterKind::WellbeingData as usize + 2;
const REASONS: usize = Reason::InvalidRecord as usize + 1;

/// The event of a span for each rule that decided, or for each reason where
/// rules are not told.
const DECIDED: &str = "lupa.decided";

/// Counts verdicts, by where the record is held and the reason.
pub(super) struct Tally {
    requester: Option<RegisterKind>,
    counts: [[Counted; REASONS]; HOLDERS],
    traced: Option<Traced>,
}

/// How many there were, and where the last one was held and why it was so.
#[derive(Clone, Copy)]
struct Counted {
    count: u32,
    holder: Option<RegisterKind>,
    reason: Reason,
}

/// For the span: what each rule decided.
struct Traced {
    span: Open,
    found: SmallVec<[Found; 8]>,
}

/// A rule, or none for records that are invalid, and how often it decided.
struct Found {
    rule: Option<&'static Rule>,
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
        const NONE: Counted = Counted { count: 0, holder: None, reason: Reason::InvalidRecord };
        Self {
            requester: question.requester(),
            counts: [[NONE; REASONS]; HOLDERS],
            traced: Open::recorded().map(|span| Traced { span, found: SmallVec::new() }),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, holder, .. } = *verdict;
        let place = holder.map_or(HOLDERS - 1, |kind| kind as usize);
        if let Some(counted) = self.counts.get_mut(place).and_then(|of| of.get_mut(reason as usize)) {
            *counted = Counted { count: counted.count.saturating_add(1), holder, reason };
        }
        if let Some(traced) = &mut self.traced {
            traced.add(verdict);
        }
    }

    /// Tells the metrics and the span.
    pub(super) fn tell(&self, core: &Core, decided: &Decided) {
        for Counted { count, holder, reason } in self.counted() {
            core.telemetry.metrics.decided(self.requester, holder, reason, count.into());
        }
        if let Some(Traced { span, found }) = &self.traced {
            self.tell_span(span, found, core, decided);
        }
    }

    fn tell_span(&self, span: &Open, found: &[Found], core: &Core, decided: &Decided) {
        let Decided { id, channel, revision } = *decided;
        let sum = |is_meant: &dyn Fn(Reason) -> bool| {
            let meant = self.counted().filter(|counted| is_meant(counted.reason));
            meant.map(|counted| counted.count as usize).sum::<usize>()
        };
        span.set([
            Attribute::decision_id(id),
            Attribute::records(sum(&|_| true)),
            Attribute::effect_count(Effect::Permit, sum(&|reason| reason.effect() == Effect::Permit)),
            Attribute::effect_count(Effect::Deny, sum(&|reason| reason.effect() == Effect::Deny)),
            Attribute::channel(channel),
            Attribute::requester_sector(self.requester),
            Attribute::requester_kind(self.requester),
            Attribute::holder_sectors(self.holders()),
            Attribute::holder_kinds(self.holders()),
            Attribute::revision(revision.0),
            Attribute::catalogue_version(&core.catalogue_version),
        ]);
        span.set(core.index.age().map(Attribute::index_age));
        let mut reasons: SmallVec<[Reason; 4]> = SmallVec::new();
        for Found { rule: _, reason, detail: _, count: _ } in found {
            if !reasons.contains(reason) {
                reasons.push(*reason);
                span.set([Attribute::reason_count(*reason, sum(&|other| other == *reason))]);
            }
        }
        if !core.telemetry.spans.tell_rules() {
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

    fn counted(&self) -> impl Iterator<Item = Counted> {
        self.counts.iter().flatten().copied().filter(|counted| counted.count > 0)
    }

    /// The kinds of the registers that hold the records, each once.
    fn holders(&self) -> impl Iterator<Item = Option<RegisterKind>> {
        self.counts.iter().filter_map(|of| Some(of.iter().find(|counted| counted.count > 0)?.holder))
    }
}

impl Traced {
    fn add(&mut self, verdict: &Verdict) {
        let Verdict { reason, detail, rule, .. } = *verdict;
        let is_same = |found: &&mut Found| {
            found.rule.map(|rule| rule.id) == rule.map(|rule| rule.id)
                && found.reason == reason
                && found.detail == detail
        };
        match self.found.iter_mut().find(is_same) {
            Some(found) => found.count += 1,
            None => self.found.push(Found { rule, reason, detail, count: 1 }),
        }
    }
}

fn told(reason: Reason, count: usize) -> [Attribute; 3] {
    [Attribute::effect(reason.effect()), Attribute::reason(reason), Attribute::records(count)]
}
