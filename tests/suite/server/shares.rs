//! Each caller has a share: who takes all of it keeps nobody else waiting.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lupa::wire::v1;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::fixture::Fixture;
use crate::fixtures::patience::until;
use crate::fixtures::refused::{Refused, because};
use crate::fixtures::requests::{DENIAL, INFORMATION, aino, listing, person, recording};

/// A caller at an address of its own, with a connection of its own.
pub(super) async fn caller_at(fixture: &Fixture, address: [u8; 4]) -> DeclarationServiceClient<Channel> {
    let endpoint = fixture.endpoint().local_address(Some(IpAddr::from(address)));
    DeclarationServiceClient::new(endpoint.connect().await.expect("a connection"))
}

pub(super) const GREEDY: [u8; 4] = [127, 0, 0, 2];
pub(super) const OTHER: [u8; 4] = [127, 0, 0, 3];

/// A client with a long history, and one with a short one.
async fn with_clients(fixture: &Fixture) {
    for number in 0..200 {
        fixture.record(recording(aino(), &number.to_string(), DENIAL)).await;
    }
    fixture.record(recording(person(1), "one", INFORMATION)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_all_its_streams_leaves_the_others_theirs() {
    let settings = [("watch.streams_max", "3"), ("watch.streams_per_caller_max", "2")];
    let fixture = Fixture::start_with(&settings).await;
    let greedy = caller_at(&fixture, GREEDY).await;
    // Another connection of the same caller has no share of its own.
    let again = caller_at(&fixture, GREEDY).await;
    let other = caller_at(&fixture, OTHER).await;
    let watch = async |client: &DeclarationServiceClient<Channel>| {
        let request = v1::WatchDeclarationsRequest { after: String::new() };
        client.clone().watch_declarations(request).await.map(tonic::Response::into_inner)
    };
    let refused = |answer: Result<_, Status>, whose: &str| {
        let status = answer.map(|_: tonic::Streaming<_>| ()).expect_err("it is refused");
        assert!(status.message().contains(whose), "{status:?}");
        assert_eq!(Refused::of(&status), because(Code::ResourceExhausted, "TOO_MANY_WATCHERS"));
    };
    let mut open = vec![watch(&greedy).await.expect("a stream"), watch(&again).await.expect("a stream")];
    refused(watch(&greedy).await, "watch.streams_per_caller_max");
    open.push(watch(&other).await.expect("a stream of another caller"));
    refused(watch(&other).await, "this server");
    open.remove(0);
    // Its place is free once the server detects the end.
    until("a place for the other", async || watch(&other).await.is_ok()).await;
}

/// Lists until it has to stop, and counts the refusals.
async fn flood(
    mut client: DeclarationServiceClient<Channel>,
    refusals: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
) {
    while !is_over.load(Ordering::Relaxed) {
        match client.list_declarations(listing(aino())).await {
            Ok(_) => {}
            Err(status) => {
                let expected = because(Code::ResourceExhausted, "CALLER_SHARE_EXCEEDED");
                assert_eq!(Refused::of(&status), expected);
                refusals.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_reads_all_it_may_keeps_no_other_from_reading() {
    let settings = [
        ("limits.reads_max", "8"),
        ("limits.reads_per_caller_max", "4"),
        ("store.read_connections_max", "2"),
    ];
    let fixture = Fixture::start_with(&settings).await;
    with_clients(&fixture).await;
    let greedy = caller_at(&fixture, GREEDY).await;
    let mut other = caller_at(&fixture, OTHER).await;
    let (refusals, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let flood = || tokio::spawn(flood(greedy.clone(), Arc::clone(&refusals), Arc::clone(&is_over)));
    let flooding: Vec<_> = (0..12).map(|_| flood()).collect();
    until("the share is full", async || refusals.load(Ordering::Relaxed) > 0).await;
    for _ in 0..30 {
        let seen = refusals.load(Ordering::Relaxed);
        let answer = other.list_declarations(listing(person(1))).await.expect("another caller is answered");
        assert_eq!(answer.into_inner().declarations.len(), 1);
        // It was answered beside a share that is full.
        until("the share is full again", async || refusals.load(Ordering::Relaxed) > seen).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for one in flooding {
        one.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_nobody_waits_for_gives_its_place_back() {
    let settings = [("limits.reads_max", "2"), ("limits.reads_per_caller_max", "2")];
    let fixture = Fixture::start_with(&settings).await;
    with_clients(&fixture).await;
    let mut client = fixture.declarations();
    for _ in 0..20 {
        let mut request = Request::new(listing(aino()));
        request.set_timeout(Duration::from_millis(1));
        drop(client.list_declarations(request).await);
    }
    until("both places are free", async || {
        let (mut one, mut other) = (client.clone(), client.clone());
        let both =
            tokio::join!(one.list_declarations(listing(aino())), other.list_declarations(listing(aino())));
        both.0.is_ok() && both.1.is_ok()
    })
    .await;
}
