//! The log of viewings: each one is in it before anything is shown, and equal ones
//! fill no store.

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use super::fixture::Fixture;
use super::shares::{GREEDY, OTHER, caller_at};
use crate::fixtures::refused::{Refused, because};
use crate::fixtures::requests::{DENIAL, INFORMATION, aino, entry, listing, message, question, recording};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_equal_viewings_writes_a_few_rows_and_loses_none() {
    const TASKS: u64 = 20;
    const VIEWINGS_EACH: u64 = 500;
    let fixture = Fixture::start().await;
    for (key, declaration) in [("1", INFORMATION), ("2", DENIAL)] {
        fixture.record(recording(aino(), key, declaration)).await;
    }
    let explain = || v1::ExplainRequest { decide: Some(question(aino(), vec![entry("doc-1", "visit-1")])) };
    let answer = fixture.decisions().explain(explain()).await.expect("explained").into_inner();
    assert_eq!(answer.declarations.len(), 2);
    // Before it was shown.
    assert_eq!(fixture.viewings("explanation"), (1, 1));
    let flood = (0..TASKS).map(|_| {
        let mut client = fixture.decisions();
        tokio::spawn(async move {
            for _ in 0..VIEWINGS_EACH {
                // Beyond its share of reads the caller is refused, and asks again.
                while let Err(status) = client.explain(explain()).await {
                    let expected = because(Code::ResourceExhausted, "CALLER_SHARE_EXCEEDED");
                    assert_eq!(Refused::of(&status), expected);
                }
            }
        })
    });
    for one in flood.collect::<Vec<_>>() {
        one.await.expect("no panic");
    }
    // What was not written yet is written at the end.
    let fixture = fixture.restart_with(&[]).await;
    let (rows, times) = fixture.viewings("explanation");
    assert_eq!(times, TASKS * VIEWINGS_EACH + 1);
    // Two for each minute that it took.
    assert!(rows <= 100, "{rows} rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_views_too_many_different_things_is_refused_and_no_other() {
    let settings = [("limits.viewings_per_minute_per_caller_max", "3")];
    let fixture = Fixture::start_with(&settings).await;
    fixture.record(recording(aino(), "1", DENIAL)).await;
    let mut greedy = caller_at(&fixture, GREEDY).await;
    let mut other = caller_at(&fixture, OTHER).await;
    let list = async |client: &mut DeclarationServiceClient<Channel>, number: usize| {
        let viewer = format!(
            "professional: {{ register: 1.2.246.10.99999999.5.1, organisation: 1.2.246.10.99999999.5.0, \
             professional: doctor-{number} }}"
        );
        let request = v1::ListDeclarationsRequest { viewer: Some(message(&viewer)), ..listing(aino()) };
        client.list_declarations(request).await
    };
    let mut logged = 0;
    let refusal = loop {
        match list(&mut greedy, logged).await {
            Ok(_) => logged += 1,
            Err(refusal) => break refusal,
        }
        // Three in a minute; this many take longer than any machine.
        assert!(logged < 100);
    };
    assert!(logged >= 3);
    assert_eq!(Refused::of(&refusal), because(Code::ResourceExhausted, "CALLER_SHARE_EXCEEDED"));
    list(&mut other, logged).await.expect("another caller has a share of its own");
    let (rows, _) = fixture.viewings("list");
    assert_eq!(rows, logged as u64 + 1);
}
