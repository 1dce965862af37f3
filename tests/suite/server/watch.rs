//! Watch: the clients whose declarations change, from a token on.

use lupa::wire::v1;
use tonic::{Code, Streaming};

use super::fixture::Fixture;
use crate::fixtures::patience::until;
use crate::fixtures::refused::{Refused, because, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, demo_directory, person, recording, withdrawal,
};

pub(super) async fn watch(fixture: &Fixture, after: &str) -> Streaming<v1::WatchDeclarationsResponse> {
    let request = v1::WatchDeclarationsRequest { after: after.to_owned() };
    fixture.declarations().watch_declarations(request).await.expect("a stream").into_inner()
}

/// The next message that is no heartbeat.
pub(super) async fn next(
    stream: &mut Streaming<v1::WatchDeclarationsResponse>,
) -> v1::WatchDeclarationsResponse {
    loop {
        let message = stream.message().await.expect("a message").expect("no end");
        if !message.changes.is_empty() || message.directory_replaced {
            return message;
        }
    }
}

/// At least this number of changes, and the last checkpoint.
async fn changes(
    stream: &mut Streaming<v1::WatchDeclarationsResponse>,
    count: usize,
) -> (Vec<v1::ClientChange>, String) {
    let mut received = Vec::new();
    loop {
        let message = next(stream).await;
        received.extend(message.changes);
        if received.len() >= count {
            return (received, message.checkpoint);
        }
    }
}

fn clients(changes: &[v1::ClientChange]) -> Vec<Option<v1::ClientId>> {
    changes.iter().map(|change| change.client.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_sends_changes_in_order_from_any_checkpoint() {
    let fixture = Fixture::start_with(&[("watch.changes_per_message_max", "2")]).await;
    let before = fixture.record(recording(aino(), "before", INFORMATION)).await;
    let mut live = watch(&fixture, "").await;
    // A heartbeat comes first, with a checkpoint to resume from.
    let first = live.message().await.expect("a message").expect("no end");
    assert_eq!((first.changes.len(), first.checkpoint == before.token), (0, true));
    let denied = fixture.record(recording(aino(), "1", DENIAL)).await;
    fixture.record(recording(person(1), "2", INFORMATION)).await;
    fixture.record(recording(person(2), "3", INFORMATION)).await;
    let last = fixture.withdraw(withdrawal(aino(), "4", &denied.declaration_id)).await;
    let (received, checkpoint) = changes(&mut live, 4).await;
    let expected = [aino(), person(1), person(2), aino()].map(Some);
    assert_eq!((clients(&received), &checkpoint), (expected.to_vec(), &last.token));
    // A client has one pseudonym, which does not contain its id.
    assert_eq!(received[0].client_pseudonym, received[3].client_pseudonym);
    assert_ne!(received[0].client_pseudonym, received[1].client_pseudonym);
    assert!(!received[0].client_pseudonym.contains("010"));

    let mut resumed = watch(&fixture, &denied.token).await;
    let (received, _) = changes(&mut resumed, 3).await;
    assert_eq!(clients(&received), expected[1..]);

    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    fixture.directories().replace_directory(replace).await.expect("replaced");
    for stream in [&mut live, &mut resumed] {
        let message = next(stream).await;
        assert_eq!((message.changes.len(), message.directory_replaced), (0, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_watch_stream_sends_heartbeats() {
    let fixture = Fixture::start_with(&[("watch.checkpoint_interval_ms", "50")]).await;
    let recorded = fixture.record(recording(aino(), "1", INFORMATION)).await;
    let mut stream = watch(&fixture, &recorded.token).await;
    for _ in 0..3 {
        let message = stream.message().await.expect("a message").expect("no end");
        let v1::WatchDeclarationsResponse { changes, directory_replaced, checkpoint } = message;
        assert_eq!((changes.len(), directory_replaced, checkpoint), (0, false, recorded.token.clone()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_watcher_receives_pseudonyms() {
    let fixture = Fixture::start().await;
    let before = fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let (known, _) = changes(&mut watch(&fixture, &before.token).await, 1).await;
    let fixture = fixture.restart_with(&[("access.loopback", "public")]).await;
    let (received, _) = changes(&mut watch(&fixture, &before.token).await, 1).await;
    assert_eq!(clients(&received), [None]);
    assert_eq!(received[0].client_pseudonym, known[0].client_pseudonym);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_checks_tokens_and_limits_streams() {
    let fixture = Fixture::start_with(&[("watch.streams_max", "1")]).await;
    let ask = |after: &str| {
        let (mut client, after) = (fixture.declarations(), after.to_owned());
        async move { client.watch_declarations(v1::WatchDeclarationsRequest { after }).await }
    };
    assert_eq!(refused(ask("forged").await).code, Code::InvalidArgument);
    let first = ask("").await.expect("a stream");
    let too_many = because(Code::ResourceExhausted, "TOO_MANY_WATCHERS");
    assert_eq!(refused(ask("").await), too_many);
    drop(first);
    // Its place is free once the server detects the end.
    until("a place for a watcher", async || ask("").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_watcher_is_disconnected_with_a_reason() {
    let one_change = ("watch.changes_per_message_max", "1");
    let settings = [one_change, ("watch.send_timeout_ms", "200"), ("watch.streams_max", "1")];
    let fixture = Fixture::start_with(&settings).await;
    let before = fixture.record(recording(aino(), "0", INFORMATION)).await;
    // A flow-control window for a few messages only.
    let narrow = fixture.endpoint().initial_stream_window_size(1_024).connect().await.expect("a connection");
    let mut client = v1::declaration_service_client::DeclarationServiceClient::new(narrow);
    let request = v1::WatchDeclarationsRequest { after: before.token };
    let mut stream = client.watch_declarations(request.clone()).await.expect("a stream").into_inner();
    for n in 1..=100 {
        fixture.record(recording(aino(), &n.to_string(), INFORMATION)).await;
    }
    // The stream has ended once another watcher gets its place.
    until("the slow stream ends", async || {
        fixture.declarations().watch_declarations(request.clone()).await.is_ok()
    })
    .await;
    let mut received = Vec::new();
    let mut checkpoint = String::new();
    let cut = loop {
        match stream.message().await {
            Ok(Some(message)) => {
                received.extend(message.changes);
                checkpoint = message.checkpoint;
            }
            Ok(None) => panic!("the stream ended as if it were complete"),
            Err(status) => break status,
        }
    };
    assert_eq!(Refused::of(&cut), because(Code::ResourceExhausted, "WATCHER_TOO_SLOW"));
    assert!(received.len() < 100, "nothing was too slow");
    // From its last checkpoint on it misses nothing.
    let fixture = fixture.restart_with(&[one_change]).await;
    let mut stream = watch(&fixture, &checkpoint).await;
    let (rest, _) = changes(&mut stream, 100 - received.len()).await;
    assert_eq!(received.len() + rest.len(), 100);
}
