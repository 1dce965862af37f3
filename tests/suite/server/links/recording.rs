//! Requests to link and to unlink: repeated, refused and invalid ones.

use chrono::TimeDelta;
use lupa::wire::v1;
use lupa::wire::v1::LinkReason;
use tonic::Code;

use super::{aino_new, link, linking, links, unlink, unlinking};
use crate::fixtures::refused::{because, invalid, refused};
use crate::fixtures::requests::{
    ASKING, INFORMATION, UNKNOWN, aino, instant, message, person, recording, timestamp,
};
use crate::server::fixture::{Fixture, clock};

/// A code of the 900-series with a birth date in the future.
fn unborn() -> v1::ClientId {
    v1::ClientId { extension: "010199A9012".to_owned(), root: String::new() }
}

fn national(root: &str) -> v1::ClientId {
    v1::ClientId { root: root.to_owned(), ..aino() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_link_is_answered_the_same_and_stored_once() {
    let fixture = Fixture::start().await;
    let first = link(&fixture, &[aino(), aino_new()], "link").await;
    fixture.record(recording(aino(), "meanwhile", INFORMATION)).await;
    let settled = |answer| v1::LinkClientsResponse { effective_everywhere_after: None, ..answer };
    assert_eq!(settled(link(&fixture, &[aino(), aino_new()], "link").await), settled(first.clone()));
    let ended = unlink(&fixture, aino(), &first.link_id).await;
    let fixture = fixture.restart_with(&[]).await;
    // The answer of then, although the link has ended since.
    assert_eq!(settled(link(&fixture, &[aino(), aino_new()], "link").await), settled(first.clone()));
    let settled = |answer| v1::UnlinkClientsResponse { effective_everywhere_after: None, ..answer };
    assert_eq!(settled(unlink(&fixture, aino(), &first.link_id).await), settled(ended));
    let listed = links(&fixture, aino()).await;
    assert_eq!((listed.links.len(), listed.current), (1, None));

    let reused = because(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED");
    let same = || linking(&[aino(), aino_new()], "link");
    let mut service = fixture.declarations();
    for other in [
        linking(&[aino(), person(1)], "link"),
        linking(&[aino_new(), aino()], "link"),
        linking(&[aino(), aino_new()], "meanwhile"),
        v1::LinkClientsRequest { reason: LinkReason::DuplicateMerged.into(), ..same() },
        v1::LinkClientsRequest { recorded_by: Some(by_professional(ASKING)), ..same() },
        v1::LinkClientsRequest { given_at: Some(timestamp(clock())), ..same() },
    ] {
        assert_eq!(refused(service.link_clients(other.clone()).await), reused, "{other:?}");
    }
    let end = format!("end of {}", first.link_id);
    for (client, link_id, key) in [
        (aino_new(), first.link_id.as_str(), end.as_str()),
        (aino(), "other", &end),
        (aino(), &first.link_id, "link"),
    ] {
        let other = unlinking(client, link_id, key);
        assert_eq!(refused(service.unlink_clients(other.clone()).await), reused, "{other:?}");
    }
}

fn by_professional(register: &str) -> v1::LinkRecorder {
    message(&format!(
        "professional: {{ register: {register}, organisation: 1.2.246.10.99999999.5.0, professional: doctor-1 }}"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_have_their_reasons() {
    let fixture = Fixture::start().await;
    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    let mut service = fixture.declarations();
    let failed = |reason: &str| because(Code::FailedPrecondition, reason);
    let later = Some(timestamp(clock() + TimeDelta::hours(1)));
    let new = || linking(&[aino(), person(1)], "new");
    let chain: Vec<v1::ClientId> = (1..=15).map(person).collect();
    let crowd: Vec<v1::ClientId> = chain.iter().cloned().chain([aino()]).collect();
    for (request, reason) in [
        (v1::LinkClientsRequest { given_at: later, ..new() }, "GIVEN_IN_FUTURE"),
        (v1::LinkClientsRequest { recorded_by: Some(by_professional(UNKNOWN)), ..new() }, "RECORDER_UNKNOWN"),
        (linking(&crowd, "crowd"), "PERSON_TOO_LARGE"),
    ] {
        assert_eq!(refused(service.link_clients(request).await), failed(reason));
    }
    let unknown = because(Code::NotFound, "LINK_UNKNOWN");
    assert_eq!(refused(service.unlink_clients(unlinking(aino(), "no-such-link", "x")).await), unknown);
    let others = unlinking(person(1), &linked.link_id, "x");
    assert_eq!(refused(service.unlink_clients(others).await), unknown);
    unlink(&fixture, aino(), &linked.link_id).await;
    for client in [aino(), aino_new()] {
        let again = service.unlink_clients(unlinking(client, &linked.link_id, "again")).await;
        assert_eq!(refused(again), failed("ALREADY_UNLINKED"));
    }
    // None of it is stored; once the link has ended there is room for sixteen.
    assert_eq!(links(&fixture, aino()).await.links.len(), 1);
    assert!(link(&fixture, &crowd, "crowd").await.notices.is_empty());
    assert_eq!(links(&fixture, aino()).await.clients.len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_fields_are_named() {
    let fixture = Fixture::start().await;
    let mut service = fixture.declarations();
    let good = || linking(&[aino(), aino_new()], "key");
    let many: Vec<v1::ClientId> = (0..17).map(person).collect();
    let cases: Vec<(v1::LinkClientsRequest, &[&str])> = vec![
        (v1::LinkClientsRequest::default(), &["clients", "reason", "recorded_by", "idempotency_key"]),
        (linking(&[aino()], "key"), &["clients"]),
        (linking(&many, "key"), &["clients"]),
        (linking(&[aino(), aino_new(), aino()], "key"), &["clients"]),
        // The root of national codes may be left out.
        (linking(&[national("1.2.246.21"), aino()], "key"), &["clients"]),
        (linking(&[aino(), v1::ClientId::default()], "key"), &["clients[1].extension", "current.extension"]),
        (v1::LinkClientsRequest { current: None, ..good() }, &["current"]),
        (v1::LinkClientsRequest { current: Some(person(1)), ..good() }, &["current"]),
        (v1::LinkClientsRequest { reason: 0, ..good() }, &["reason"]),
        (v1::LinkClientsRequest { reason: 99, ..good() }, &["reason"]),
        (v1::LinkClientsRequest { recorded_by: None, ..good() }, &["recorded_by"]),
        (v1::LinkClientsRequest { recorded_by: Some(message("{}")), ..good() }, &["recorded_by"]),
        (
            v1::LinkClientsRequest { recorded_by: Some(message("professional: {}")), ..good() },
            &["recorded_by.professional.register", "recorded_by.professional.organisation"],
        ),
        (v1::LinkClientsRequest { idempotency_key: String::new(), ..good() }, &["idempotency_key"]),
        (v1::LinkClientsRequest { wait: 99, ..good() }, &["wait"]),
        (linking(&[aino(), unborn(), aino_new()], "key"), &["clients[1].extension"]),
    ];
    for (request, fields) in cases {
        assert_eq!(refused(service.link_clients(request.clone()).await), invalid(fields), "{request:?}");
    }
    let good = || unlinking(aino(), "link-1", "key");
    let cases: Vec<(v1::UnlinkClientsRequest, &[&str])> = vec![
        (v1::UnlinkClientsRequest::default(), &["client", "link_id", "recorded_by", "idempotency_key"]),
        (v1::UnlinkClientsRequest { link_id: "x".repeat(129), ..good() }, &["link_id"]),
        (v1::UnlinkClientsRequest { recorded_by: None, ..good() }, &["recorded_by"]),
        (v1::UnlinkClientsRequest { client: Some(unborn()), ..good() }, &["client.extension"]),
    ];
    for (request, fields) in cases {
        assert_eq!(refused(service.unlink_clients(request.clone()).await), invalid(fields), "{request:?}");
    }
    for (client, field) in [(None, "client"), (Some(unborn()), "client.extension")] {
        assert_eq!(refused(service.list_links(v1::ListLinksRequest { client }).await), invalid(&[field]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_the_caller_waits_is_no_part_of_the_payload() {
    let fixture = Fixture::start_with(&[("index.max_staleness_ms", "3000")]).await;
    let mut service = fixture.declarations();
    let everywhere = v1::Wait::Everywhere.into();
    let request = v1::LinkClientsRequest { wait: everywhere, ..linking(&[aino(), aino_new()], "link") };
    let linked = service.link_clients(request).await.expect("linked").into_inner();
    let at = |given: Option<pbjson_types::Timestamp>| instant(&given.expect("an instant"));
    assert!(at(linked.effective_everywhere_after) > at(linked.recorded_at));
    assert_eq!(link(&fixture, &[aino(), aino_new()], "link").await.link_id, linked.link_id);
    let request =
        v1::UnlinkClientsRequest { wait: everywhere, ..unlinking(aino(), &linked.link_id, "unlink") };
    let unlinked = service.unlink_clients(request).await.expect("unlinked").into_inner();
    let again = service.unlink_clients(unlinking(aino(), &linked.link_id, "unlink")).await.expect("unlinked");
    assert_eq!(again.into_inner().recorded_at, unlinked.recorded_at);
}
