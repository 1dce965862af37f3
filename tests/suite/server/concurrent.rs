//! Read-your-writes under concurrency: every decision that starts after an
//! acknowledgement sees the declaration.

use lupa::wire::v1;
use lupa::wire::v1::Effect;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::fixture::Fixture;
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, entry, person, question, recording, withdrawal,
};

const TASKS: usize = 16;
/// Each ends in a decision that must see it; with all tasks, 10,000.
const CHANGES_PER_TASK: usize = 625;
/// Changes per client, which keep each history short.
const CHANGES_PER_CLIENT: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_acknowledgements_are_seen_by_the_next_decision() {
    let fixture = Fixture::start().await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        // Writes and reads use different connections.
        let declarations = DeclarationServiceClient::new(fixture.connect().await);
        let decisions = DecisionServiceClient::new(fixture.connect().await);
        tasks.spawn(change_and_decide(task, declarations, decisions));
    }
    let seen: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(seen, 10_000);
}

/// Denies and withdraws in turn, deciding after each, and counts the decisions that saw it.
async fn change_and_decide(
    task: usize,
    mut declarations: DeclarationServiceClient<Channel>,
    mut decisions: DecisionServiceClient<Channel>,
) -> usize {
    let mut seen = 0;
    let mut denial = None;
    let mut client = person(0);
    for change in 0..CHANGES_PER_TASK {
        let key = format!("{task} {change}");
        if change % CHANGES_PER_CLIENT == 0 {
            client = person(task * CHANGES_PER_TASK + change);
            denial = None;
            for (name, declaration) in [("informed", INFORMATION), ("consents", CONSENT)] {
                let request = recording(client.clone(), &format!("{key} {name}"), declaration);
                declarations.record_declaration(request).await.expect("recorded");
            }
        }
        let (acknowledged, expected) = match denial.take() {
            None => {
                let request = recording(client.clone(), &key, DENIAL);
                let recorded = declarations.record_declaration(request).await.expect("recorded").into_inner();
                denial = Some(recorded.declaration_id);
                (recorded.token, Effect::Deny)
            }
            Some(id) => {
                let request = withdrawal(client.clone(), &key, &id);
                (
                    declarations.withdraw_declaration(request).await.expect("withdrawn").into_inner().token,
                    Effect::Permit,
                )
            }
        };
        // With the token or without.
        let at_least = if change % 2 == 0 { acknowledged } else { String::new() };
        let request =
            v1::DecideRequest { at_least, ..question(client.clone(), vec![entry("doc-1", "visit-1")]) };
        let decided = decisions.decide(request).await.expect("decided").into_inner();
        assert_eq!(decided.verdicts[0].effect(), expected, "change {change} of task {task}");
        seen += 1;
    }
    seen
}
