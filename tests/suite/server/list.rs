//! Get, List and InformationStatus: what is shown for which purpose, and that each
//! viewing is logged.

use std::path::Path;

use lupa::wire::v1;
use lupa::wire::v1::{Kind, ViewingPurpose};
use rusqlite::Connection;
use tonic::Code;

use super::fixture::Fixture;
use crate::fixtures::refused::{because, invalid, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, listing, message, my_kanta, person, professional, recording,
    the_client, withdrawal,
};

/// Every viewing logged, as purpose, viewer and what was shown.
fn viewings(store: &Path) -> Vec<(Option<String>, Option<String>, String)> {
    let store = Connection::open(store).expect("the store");
    let mut rows =
        store.prepare("SELECT purpose, viewer, what FROM viewing ORDER BY number").expect("a table");
    let read = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    read.map(|row| row.expect("a row")).collect()
}

/// A client with information, two consents (one replaced) and two denials (one
/// withdrawn), and the ids in this order.
async fn with_history(fixture: &Fixture, client: v1::ClientId) -> Vec<String> {
    let mut ids = Vec::new();
    let other = "denial: { sector: SECTOR_HEALTHCARE, service_event: visit-2 }";
    for (place, declaration) in [INFORMATION, CONSENT, CONSENT, DENIAL, other].into_iter().enumerate() {
        let key = format!("{} {place}", client.extension);
        ids.push(fixture.record(recording(client.clone(), &key, declaration)).await.declaration_id);
    }
    fixture.withdraw(withdrawal(client.clone(), &format!("{} end", client.extension), &ids[3])).await;
    ids
}

async fn listed(fixture: &Fixture, request: v1::ListDeclarationsRequest) -> v1::ListDeclarationsResponse {
    fixture.declarations().list_declarations(request).await.expect("a list").into_inner()
}

fn ids(answer: &v1::ListDeclarationsResponse) -> Vec<&str> {
    answer.declarations.iter().map(|stored| stored.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_filters_by_kind_and_withdrawn() {
    let fixture = Fixture::start().await;
    let stored = with_history(&fixture, aino()).await;
    with_history(&fixture, person(1)).await;
    for (kinds, include_ended, expected) in [
        (&[][..], true, &[0, 1, 2, 3, 4][..]),
        (&[], false, &[0, 2, 4]),
        (&[Kind::Consent], true, &[1, 2]),
        (&[Kind::Consent], false, &[2]),
        (&[Kind::Denial], true, &[3, 4]),
        (&[Kind::Denial, Kind::Information], false, &[0, 4]),
    ] {
        let kinds = kinds.iter().map(|kind| i32::from(*kind)).collect();
        let answer =
            listed(&fixture, v1::ListDeclarationsRequest { kinds, include_ended, ..listing(aino()) }).await;
        let expected: Vec<&str> = expected.iter().map(|place: &usize| stored[*place].as_str()).collect();
        assert_eq!(ids(&answer), expected);
    }
    let everything = listed(&fixture, listing(aino())).await.declarations;
    let withdrawn: Vec<_> = everything
        .iter()
        .map(|stored| (stored.withdrawn_at.is_some(), stored.withdrawn_by.clone()))
        .collect();
    let by_the_client = (true, Some(the_client()));
    assert_eq!(withdrawn, [(false, None), (false, None), (false, None), by_the_client, (false, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_without_gaps() {
    let fixture =
        Fixture::start_with(&[("listing.page_size_default", "3"), ("listing.page_size_max", "4")]).await;
    let stored = with_history(&fixture, aino()).await;
    for (page_size, lengths) in [
        (0, &[3, 2][..]),
        (1, &[1, 1, 1, 1, 1]),
        (2, &[2, 2, 1]),
        (4, &[4, 1]),
        (5, &[4, 1]),
        (i32::MAX, &[4, 1]),
    ] {
        let mut seen = Vec::new();
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListDeclarationsRequest { page_size, page_token, ..listing(aino()) };
            let answer = listed(&fixture, request).await;
            seen.push(answer.declarations.len());
            found.extend(ids(&answer).into_iter().map(str::to_owned));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!((seen.as_slice(), &found), (lengths, &stored), "pages of {page_size}");
    }
    for (request, field) in [
        (v1::ListDeclarationsRequest { page_size: -1, ..listing(aino()) }, "page_size"),
        (v1::ListDeclarationsRequest { page_token: "next".to_owned(), ..listing(aino()) }, "page_token"),
        (v1::ListDeclarationsRequest { kinds: vec![0], ..listing(aino()) }, "kinds[0]"),
        (v1::ListDeclarationsRequest { viewing_purpose: 9, ..listing(aino()) }, "viewing_purpose"),
        (v1::ListDeclarationsRequest { client: None, ..listing(aino()) }, "client"),
    ] {
        assert_eq!(refused(fixture.declarations().list_declarations(request).await), invalid(&[field]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denials_are_shown_for_a_purpose_only_and_each_viewing_is_logged() {
    let fixture = Fixture::start().await;
    let stored = with_history(&fixture, aino()).await;
    let no_purpose = v1::ListDeclarationsRequest { viewing_purpose: 0, ..listing(aino()) };
    let without_denials = v1::ListDeclarationsRequest {
        kinds: vec![Kind::Consent.into(), Kind::Information.into()],
        viewer: None,
        ..no_purpose.clone()
    };
    let get = |place: usize, purpose: ViewingPurpose| v1::GetDeclarationRequest {
        client: Some(aino()),
        declaration_id: stored[place].clone(),
        viewing_purpose: purpose.into(),
        viewer: Some(professional()),
    };
    let required = because(Code::FailedPrecondition, "VIEWING_PURPOSE_REQUIRED");
    assert_eq!(refused(fixture.declarations().list_declarations(no_purpose.clone()).await), required);
    let only_denials = v1::ListDeclarationsRequest { kinds: vec![Kind::Denial.into()], ..no_purpose };
    assert_eq!(refused(fixture.declarations().list_declarations(only_denials).await), required);
    assert_eq!(
        refused(fixture.declarations().get_declaration(get(4, ViewingPurpose::Unspecified)).await),
        required
    );
    assert_eq!(ids(&listed(&fixture, without_denials).await).len(), 3);
    fixture
        .declarations()
        .get_declaration(get(0, ViewingPurpose::Unspecified))
        .await
        .expect("information needs no purpose");
    assert_eq!(viewings(fixture.store()), []);

    for purpose in [
        ViewingPurpose::ClientChangesDenials,
        ViewingPurpose::DisclosureOutsideKanta,
        ViewingPurpose::Investigation,
    ] {
        let request = v1::ListDeclarationsRequest { viewing_purpose: purpose.into(), ..listing(aino()) };
        assert_eq!(ids(&listed(&fixture, request).await), stored);
    }
    fixture.declarations().get_declaration(get(4, ViewingPurpose::Investigation)).await.expect("one");
    let logged = viewings(fixture.store());
    let reported: Vec<_> =
        logged.iter().map(|(purpose, _, what)| (purpose.as_deref(), what.as_str())).collect();
    let purposes: Vec<_> = reported.iter().filter_map(|(purpose, _)| *purpose).collect();
    assert_eq!(
        reported.iter().map(|(_, what)| *what).collect::<Vec<_>>(),
        ["list", "list", "list", "declaration"]
    );
    assert_eq!((purposes.len(), purposes[2]), (4, purposes[3]));
    assert!(
        purposes[0] != purposes[1] && purposes[1] != purposes[2] && purposes[0] != purposes[2],
        "{purposes:?}"
    );
    let viewer = logged[3].1.as_deref().expect("a viewer");
    assert!(viewer.contains("doctor-1") && viewer.contains("1.2.246.10.99999999.5.1"), "{viewer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denials_are_shown_to_a_known_viewer_of_their_sector() {
    let fixture = Fixture::start().await;
    let healthcare = fixture.record(recording(aino(), "1", DENIAL)).await.declaration_id;
    let social = "denial: { sector: SECTOR_SOCIAL_WELFARE, document: document-9 }";
    let social = fixture.record(recording(aino(), "2", social)).await.declaration_id;
    let viewed_by = |viewer| v1::ListDeclarationsRequest { viewer, ..listing(aino()) };
    let get = |id: &str, viewer| v1::GetDeclarationRequest {
        client: Some(aino()),
        declaration_id: id.to_owned(),
        viewing_purpose: ViewingPurpose::Investigation.into(),
        viewer,
    };
    assert_eq!(ids(&listed(&fixture, viewed_by(Some(professional()))).await), [healthcare.as_str()]);
    fixture
        .declarations()
        .get_declaration(get(&healthcare, Some(professional())))
        .await
        .expect("of the own sector");
    let of_the_other = fixture.declarations().get_declaration(get(&social, Some(professional()))).await;
    assert_eq!(refused(of_the_other), because(Code::NotFound, "DECLARATION_UNKNOWN"));
    assert_eq!(ids(&listed(&fixture, viewed_by(Some(my_kanta()))).await), [healthcare.as_str(), &social]);

    assert_eq!(
        refused(fixture.declarations().list_declarations(viewed_by(None)).await),
        invalid(&["viewer"])
    );
    assert_eq!(
        refused(fixture.declarations().get_declaration(get(&social, None)).await),
        invalid(&["viewer"])
    );
    let unknown = message(
        "professional: { register: 1.2.246.10.99999999.999.1, organisation: 1.2.246.10.99999999.5.0 }",
    );
    let unknown = fixture.declarations().list_declarations(viewed_by(Some(unknown))).await;
    assert_eq!(refused(unknown), because(Code::FailedPrecondition, "RECORDER_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn list_returns_only_the_clients_declarations() {
    let fixture = Fixture::start().await;
    let stored = with_history(&fixture, aino()).await;
    for (client, declaration_id) in [(person(1), stored[4].as_str()), (aino(), "no-such-id")] {
        let request = v1::GetDeclarationRequest {
            client: Some(client),
            declaration_id: declaration_id.to_owned(),
            viewing_purpose: ViewingPurpose::Investigation.into(),
            viewer: Some(my_kanta()),
        };
        let answer = refused(fixture.declarations().get_declaration(request).await);
        assert_eq!(answer, because(Code::NotFound, "DECLARATION_UNKNOWN"));
    }
    let get =
        fixture.declarations().get_declaration(message::<v1::GetDeclarationRequest>("viewer: {}")).await;
    assert_eq!(refused(get), invalid(&["client", "declaration_id", "viewer"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn information_status_reports_versions_and_missing_ones() {
    let fixture = Fixture::start().await;
    let status = async || {
        let request = v1::GetInformationStatusRequest { client: Some(aino()), asked_by: String::new() };
        fixture.declarations().get_information_status(request).await.expect("a status").into_inner()
    };
    let none = status().await;
    assert!(none.explanation.contains("2.0"), "{none:?}");
    let expected = v1::GetInformationStatusResponse {
        received: Vec::new(),
        current_version: "2.0".to_owned(),
        must_inform: true,
        explanation: none.explanation.clone(),
    };
    assert_eq!(none, expected);
    let representative =
        v1::Declarer { role: v1::Role::LegalRepresentative.into(), name: String::new(), id: String::new() };
    let mut received = Vec::new();
    for (key, declaration, declarer, on_behalf, must_inform) in [
        ("1", "information: { version: '1.1', way: WAY_PROFESSIONAL }", representative, true, true),
        ("2", "information: { version: '2.0', way: WAY_MY_KANTA }", the_client(), false, false),
    ] {
        let request =
            v1::RecordDeclarationRequest { declarer: Some(declarer), ..recording(aino(), key, declaration) };
        let recorded = fixture.record(request).await;
        let way = if on_behalf { v1::Way::Professional } else { v1::Way::MyKanta };
        received.push(v1::ReceivedInformation {
            version: if on_behalf { "1.1" } else { "2.0" }.to_owned(),
            received_at: recorded.recorded_at,
            way: way.into(),
            on_behalf,
            ignored: false,
        });
        let reported = status().await;
        assert_eq!((&reported.received, reported.must_inform), (&received, must_inform));
        assert_ne!(reported.explanation, if must_inform { "" } else { &none.explanation });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withdrawal_between_pages_hides_no_declaration() {
    let fixture = Fixture::start().await;
    let stored = with_history(&fixture, aino()).await;
    // In force: the information, a consent and a denial.
    let request = v1::ListDeclarationsRequest { page_size: 2, include_ended: false, ..listing(aino()) };
    let first = listed(&fixture, request.clone()).await;
    assert_eq!(ids(&first), [&stored[0], &stored[2]]);
    fixture.withdraw(withdrawal(aino(), "between", &stored[2])).await;
    let second =
        listed(&fixture, v1::ListDeclarationsRequest { page_token: first.next_page_token, ..request }).await;
    assert_eq!((ids(&second), second.next_page_token.as_str()), (vec![stored[4].as_str()], ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_before_the_response_is_too_large() {
    let fixture = Fixture::start_with(&[("server.response_bytes_max", "1024")]).await;
    let mut stored = with_history(&fixture, aino()).await;
    for number in 0..5 {
        let request = recording(aino(), &format!("more {number}"), DENIAL);
        stored.push(fixture.record(request).await.declaration_id);
    }
    let mut found = Vec::new();
    let mut pages = 0;
    let mut page_token = String::new();
    loop {
        let answer = listed(&fixture, v1::ListDeclarationsRequest { page_token, ..listing(aino()) }).await;
        found.extend(ids(&answer).into_iter().map(str::to_owned));
        pages += 1;
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, stored);
    assert!(pages > 1, "everything came on one page");
}
