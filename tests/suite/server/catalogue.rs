//! The rule catalogue and its version.

use std::collections::BTreeSet;

use lupa::config::{SETTINGS, ValueKind};
use lupa::policy::calendar::Calendar;
use lupa::policy::rules::CATALOGUE;
use lupa::wire::catalogue::to_rules;
use lupa::wire::v1;

use super::fixture::Fixture;
use crate::fixtures::requests::{aino, entry, question};

async fn rules(fixture: &Fixture) -> v1::ListRulesResponse {
    fixture.decisions().list_rules(v1::ListRulesRequest {}).await.expect("rules").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_is_listed_in_the_order_of_the_catalogue() {
    let fixture = Fixture::start().await;
    let answer = rules(&fixture).await;
    let listed: Vec<_> = answer.rules.iter().map(|rule| (rule.list.as_str(), rule.id.as_str())).collect();
    let expected: Vec<_> =
        CATALOGUE.iter().flat_map(|list| list.rules.iter().map(|rule| (list.name, rule.id))).collect();
    assert_eq!(listed, expected);
    assert_eq!(answer.rules, to_rules(&Calendar::published()));
    for rule in &answer.rules {
        let is_told = !rule.title.is_empty() && !rule.sources.is_empty() && !rule.reasons.is_empty();
        assert!(is_told, "{rule:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_changes_with_every_date_and_with_nothing_else() {
    let mut fixture = Fixture::start().await;
    let published = rules(&fixture).await.catalogue_version;
    fixture = fixture.restart_with(&[("listing.page_size_max", "500")]).await;
    assert_eq!(rules(&fixture).await.catalogue_version, published);

    let mut versions = BTreeSet::from([published]);
    for date in SETTINGS.iter().filter(|setting| matches!(setting.kind, ValueKind::Date)) {
        fixture = fixture.restart_with(&[(date.name, "2031-02-03")]).await;
        let version = rules(&fixture).await.catalogue_version;
        let decided = fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await;
        assert_eq!(decided.catalogue_version, version);
        assert!(versions.insert(version), "{} does not change the version", date.name);
    }
    assert_eq!(versions.len(), 11);
}
