//! Watching: whose declarations change, from a token on.

use lupa::wire::v1;
use tonic::{Code, Streaming};

use super::fixture::Fixture;
use crate::fixtures::patience::until;
use crate::fixtures::refused::{Refused, because, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, demo_directory, person, recording, withdrawal,
};

async fn watch(fixture: &Fixture, after: &str) -> Streaming<v1::WatchDeclarationsResponse> {
    let request = v1::WatchDeclarationsRequest { after: after.to_owned() };
    fixture.declarations().watch_declarations(request).await.expect("a stream").into_inner()
}

/// The next message that tells of something.
async fn next(stream: &mut Streaming<v1::WatchDeclarationsResponse>) -> v1::WatchDeclarationsResponse {
    loop {
        let message = stream.message().await.expect("a message").expect("no end");
        if !message.changes.is_empty() || message.directory_replaced {
            return message;
        }
    }
}

/// So many changes, and the last checkpoint.
async fn changes(
    stream: &mut Streaming<v1::WatchDeclarationsResponse>,
    count: usize,
) -> (Vec<v1::ClientChange>, String) {
    let mut told = Vec::new();
    loop {
        let message = next(stream).await;
        told.extend(message.changes);
        if told.len() >= count {
            return (told, message.checkpoint);
        }
    }
}

fn clients(changes: &[v1::ClientChange]) -> Vec<Option<v1::ClientId>> {
    changes.iter().map(|change| change.client.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_told_in_order_and_from_any_checkpoint_on() {
    let fixture = Fixture::start_with(&[("watch.changes_per_message_max", "2")]).await;
    let before = fixture.record(recording(aino(), "before", INFORMATION)).await;
    let mut live = watch(&fixture, "").await;
    // A sign of life comes first, so that there is something to go on from.
    let first = live.message().await.expect("a message").expect("no end");
    assert_eq!((first.changes.len(), first.checkpoint == before.token), (0, true));
    let denied = fixture.record(recording(aino(), "1", DENIAL)).await;
    fixture.record(recording(person(1), "2", INFORMATION)).await;
    fixture.record(recording(person(2), "3", INFORMATION)).await;
    let last = fixture.withdraw(withdrawal(aino(), "4", &denied.declaration_id)).await;
    let (told, checkpoint) = changes(&mut live, 4).await;
    let expected = [aino(), person(1), person(2), aino()].map(Some);
    assert_eq!((clients(&told), &checkpoint), (expected.to_vec(), &last.token));
    // One client has one name, and nothing by which it could be known.
    assert_eq!(told[0].client_pseudonym, told[3].client_pseudonym);
    assert_ne!(told[0].client_pseudonym, told[1].client_pseudonym);
    assert!(!told[0].client_pseudonym.contains("010"));

    let mut resumed = watch(&fixture, &denied.token).await;
    let (told, _) = changes(&mut resumed, 3).await;
    assert_eq!(clients(&told), expected[1..]);

    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()) };
    fixture.directories().replace_directory(replace).await.expect("replaced");
    for stream in [&mut live, &mut resumed] {
        let message = next(stream).await;
        assert_eq!((message.changes.len(), message.directory_replaced), (0, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_tells_that_nothing_has_changed() {
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
async fn who_may_not_know_clients_is_told_names_that_stand_for_them() {
    let fixture = Fixture::start().await;
    let before = fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let (known, _) = changes(&mut watch(&fixture, &before.token).await, 1).await;
    let fixture = fixture.restart_with(&[("access.loopback", "public")]).await;
    let (told, _) = changes(&mut watch(&fixture, &before.token).await, 1).await;
    assert_eq!(clients(&told), [None]);
    assert_eq!(told[0].client_pseudonym, known[0].client_pseudonym);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_read_as_for_decisions_and_streams_are_few() {
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
    // Its place is given back once the server notices.
    until("a place for a watcher", async || ask("").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_watcher_is_cut_off_and_told_so() {
    let one_change = ("watch.changes_per_message_max", "1");
    let settings = [one_change, ("watch.send_timeout_ms", "200"), ("watch.streams_max", "1")];
    let fixture = Fixture::start_with(&settings).await;
    let before = fixture.record(recording(aino(), "0", INFORMATION)).await;
    // Room for a few messages on the way, and no more.
    let narrow = fixture.endpoint().initial_stream_window_size(1_024).connect().await.expect("a connection");
    let mut client = v1::declaration_service_client::DeclarationServiceClient::new(narrow);
    let request = v1::WatchDeclarationsRequest { after: before.token };
    let mut stream = client.watch_declarations(request.clone()).await.expect("a stream").into_inner();
    for n in 1..=100 {
        fixture.record(recording(aino(), &n.to_string(), INFORMATION)).await;
    }
    // The server has cut it off once another watcher gets its place.
    until("the stream is cut off", async || {
        fixture.declarations().watch_declarations(request.clone()).await.is_ok()
    })
    .await;
    let mut told = Vec::new();
    let mut checkpoint = String::new();
    let cut = loop {
        match stream.message().await {
            Ok(Some(message)) => {
                told.extend(message.changes);
                checkpoint = message.checkpoint;
            }
            Ok(None) => panic!("the stream ended as if all were told"),
            Err(status) => break status,
        }
    };
    assert_eq!(Refused::of(&cut), because(Code::ResourceExhausted, "WATCHER_TOO_SLOW"));
    assert!(told.len() < 100, "nothing was too slow");
    // From its last checkpoint on it misses nothing.
    let fixture = fixture.restart_with(&[one_change]).await;
    let mut stream = watch(&fixture, &checkpoint).await;
    let (rest, _) = changes(&mut stream, 100 - told.len()).await;
    assert_eq!(told.len() + rest.len(), 100);
}
