//! Explain: every rule in order, the one that decided, and the declarations.

use lupa::policy::rules::{EVERYONE, RuleList, WITHIN_HEALTHCARE};
use lupa::wire::v1;
use lupa::wire::v1::Finding;

use super::fixture::Fixture;
use crate::fixtures::refused::{invalid, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, UNKNOWN, aino, entry, listing, question, recording,
};

/// The rules of these lists, in order, with the finding of the one that decides.
fn walked(lists: &[&RuleList], deciding: &str) -> Vec<(String, Finding)> {
    let ids: Vec<&str> = lists.iter().flat_map(|list| list.rules.iter().map(|rule| rule.id)).collect();
    let decided = ids.iter().position(|id| *id == deciding).expect("one of these rules");
    let finding = |place: usize| match place.cmp(&decided) {
        std::cmp::Ordering::Less => Finding::Silent,
        std::cmp::Ordering::Equal => Finding::Decided,
        std::cmp::Ordering::Greater => Finding::NotReached,
    };
    ids.iter().enumerate().map(|(place, id)| ((*id).to_owned(), finding(place))).collect()
}

fn found(answer: &v1::ExplainResponse) -> Vec<(String, Finding)> {
    let step = |step: &v1::ExplainedRule| (step.rule.as_ref().expect("a rule").id.clone(), step.finding());
    answer.rules.iter().map(step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_is_shown_in_order_with_the_one_that_decided() {
    let fixture = Fixture::start().await;
    for (key, declaration) in [("1", INFORMATION), ("2", CONSENT), ("3", DENIAL)] {
        fixture.record(recording(aino(), key, declaration)).await;
    }
    let stored = fixture
        .declarations()
        .list_declarations(listing(aino()))
        .await
        .expect("a list")
        .into_inner()
        .declarations;
    let unknown = v1::Record { register: UNKNOWN.to_owned(), ..entry("doc-1", "visit-2") };
    let both: [&RuleList; 2] = [&EVERYONE, &WITHIN_HEALTHCARE];
    for (record, lists, deciding) in [
        (entry("doc-1", "visit-1"), &both[..], "hc-denied"),
        (entry("doc-1", "visit-2"), &both[..], "hc-consent"),
        (unknown, &both[..1], "unknown-register"),
    ] {
        let decide = question(aino(), vec![record]);
        let decided = fixture.decide(decide.clone()).await;
        let request = v1::ExplainRequest { decide: Some(decide) };
        let answer = fixture.decisions().explain(request).await.expect("explained").into_inner();
        assert_eq!(found(&answer), walked(lists, deciding));
        let silent_ones_say_why = answer.rules.iter().all(|step| !step.explanation.is_empty());
        assert!(silent_ones_say_why, "{answer:?}");
        let expected = v1::ExplainResponse {
            verdict: decided.verdicts.into_iter().next(),
            rules: answer.rules.clone(),
            declarations: stored.clone(),
            token: decided.token,
            decided_at: answer.decided_at,
            catalogue_version: decided.catalogue_version,
            decision_id: answer.decision_id.clone(),
            next: answer.next.clone(),
        };
        assert_eq!(answer, expected);
        assert_eq!(answer.verdict.expect("a verdict").details().rule, deciding);
    }
    // An explanation shows denials, so it is logged as a viewing.
    let fixture = fixture.restart_with(&[]).await;
    assert_eq!(fixture.viewings("explanation").1, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_record_is_explained_at_a_time() {
    let fixture = Fixture::start().await;
    let record = entry("doc-1", "visit-1");
    for records in [vec![record.clone(), record], Vec::new()] {
        let request = v1::ExplainRequest { decide: Some(question(aino(), records)) };
        assert_eq!(refused(fixture.decisions().explain(request).await), invalid(&["decide.records"]));
    }
    assert_eq!(
        refused(fixture.decisions().explain(v1::ExplainRequest { decide: None }).await),
        invalid(&["decide"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_record_is_explained_by_its_field() {
    let fixture = Fixture::start().await;
    let record = v1::Record { recorded_on: "2025-13-01".to_owned(), ..entry("doc-1", "visit-1") };
    let request = v1::ExplainRequest { decide: Some(question(aino(), vec![record])) };
    let answer = fixture.decisions().explain(request).await.expect("explained").into_inner();
    assert_eq!(
        (answer.rules.len(), answer.verdict.expect("a verdict").invalid_field.as_str()),
        (0, "recorded_on")
    );
}
