//! What a person declares and withdraws under one code counts under the others.

use lupa::wire::v1;
use lupa::wire::v1::{Detail, Notice, Role};
use tonic::Code;

use super::{aino_new, denied, link, no_basis, permitted, unlink, visit_1};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, INFORMATION, aino, listing, my_kanta, professional, recording, withdrawal,
};
use crate::server::fixture::Fixture;

/// A child's code: born in 2016.
fn child() -> v1::ClientId {
    v1::ClientId { extension: "020516C903K".to_owned(), root: String::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn information_under_the_old_code_counts_for_a_consent_under_the_new_one() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    let consent = recording(aino_new(), "2", CONSENT);
    let too_early = fixture.declarations().record_declaration(consent.clone()).await;
    assert_eq!(refused(too_early), because(Code::FailedPrecondition, "INFORMATION_REQUIRED"));

    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    // A refusal is not remembered under its key.
    let consented = fixture.record(consent).await;
    assert!(consented.notices.is_empty());
    for client in [aino(), aino_new()] {
        assert_eq!(visit_1(&fixture, client).await, permitted());
    }
    // The consent of one code replaces that of another.
    let again = fixture.record(recording(aino(), "3", CONSENT)).await;
    assert_eq!(again.notices().collect::<Vec<_>>(), [Notice::ConsentReplaced]);
    assert_eq!(again.replaced_declaration_id, consented.declaration_id);

    unlink(&fixture, aino(), &linked.link_id).await;
    assert_eq!(visit_1(&fixture, aino()).await, permitted());
    // The consent stays with its code, the information with the other.
    assert_eq!(visit_1(&fixture, aino_new()).await, no_basis(Detail::InformationMissing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declaration_of_another_code_is_withdrawn_while_linked() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let denial = fixture.record(recording(aino(), "3", DENIAL)).await.declaration_id;
    let lift = |key: &str| withdrawal(aino_new(), key, &denial);
    let unknown = because(Code::NotFound, "DECLARATION_UNKNOWN");
    let alone = fixture.declarations().withdraw_declaration(lift("alone")).await;
    assert_eq!(refused(alone), unknown);

    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    let lifted = fixture.withdraw(lift("linked")).await;
    for client in [aino(), aino_new()] {
        assert_eq!(visit_1(&fixture, client.clone()).await, permitted());
        let listed = fixture.declarations().list_declarations(listing(client)).await.expect("a list");
        let stored = listed.into_inner().declarations.pop().expect("the denial");
        assert_eq!((stored.id, stored.withdrawn_at), (denial.clone(), lifted.recorded_at));
    }
    for client in [aino(), aino_new()] {
        let key = format!("again {}", client.extension);
        let again = fixture.declarations().withdraw_declaration(withdrawal(client, &key, &denial)).await;
        assert_eq!(refused(again), because(Code::FailedPrecondition, "ALREADY_WITHDRAWN"));
    }
    // The answer of before, also after a restart.
    let fixture = fixture.restart_with(&[]).await;
    assert_eq!(visit_1(&fixture, aino_new()).await, permitted());
    assert_eq!(fixture.withdraw(lift("linked")).await.token, lifted.token);

    // Somebody else's withdrawal has no effect any more.
    unlink(&fixture, aino_new(), &linked.link_id).await;
    assert_eq!(visit_1(&fixture, aino()).await, denied());
    let listed =
        fixture.declarations().list_declarations(listing(aino())).await.expect("a list").into_inner();
    assert_eq!(listed.declarations.last().map(|stored| stored.withdrawn_at), Some(None));
    // It has effect again if the codes turn out to be one person's after all.
    link(&fixture, &[aino_new(), aino()], "after all").await;
    assert_eq!(visit_1(&fixture, aino()).await, permitted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn age_goes_by_the_current_code() {
    let fixture = Fixture::start().await;
    let guardian = v1::Declarer { role: Role::Guardian.into(), name: String::new(), id: String::new() };
    let denies = |client: v1::ClientId, key: &str| v1::RecordDeclarationRequest {
        declarer: Some(guardian.clone()),
        recorded_by: Some(professional()),
        ..recording(client, key, DENIAL)
    };
    let print = |client: v1::ClientId| v1::PrintDeclarationsRequest {
        client: Some(client),
        sector: v1::Sector::Healthcare.into(),
        document: v1::Document::Consents.into(),
        language: "en".to_owned(),
        format: v1::Format::Text.into(),
        requested_by: Some(guardian.clone()),
        printed_by: Some(my_kanta()),
    };
    let not_allowed = because(Code::FailedPrecondition, "DECLARER_NOT_ALLOWED");
    let mut service = fixture.declarations();
    assert_eq!(refused(service.record_declaration(denies(aino(), "1")).await), not_allowed);
    assert_eq!(refused(service.print_declarations(print(aino())).await), not_allowed);

    // The code of an adult turns out to be a child's.
    link(&fixture, &[aino(), child()], "child").await;
    for (client, key) in [(aino(), "2"), (child(), "3")] {
        fixture.record(denies(client.clone(), key)).await;
        service.print_declarations(print(client)).await.expect("printed");
    }
    // And then the other way round.
    link(&fixture, &[child(), aino()], "adult").await;
    for (client, key) in [(aino(), "4"), (child(), "5")] {
        assert_eq!(refused(service.record_declaration(denies(client.clone(), key)).await), not_allowed);
        assert_eq!(refused(service.print_declarations(print(client)).await), not_allowed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declarations_under_own_code_meanwhile_stay_when_the_link_ends() {
    let fixture = Fixture::start().await;
    for (client, key) in [(aino(), "1"), (aino_new(), "2")] {
        fixture.record(recording(client.clone(), key, INFORMATION)).await;
        fixture.record(recording(client, &format!("{key} consents"), CONSENT)).await;
    }
    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    let denial = fixture.record(recording(aino_new(), "meanwhile", DENIAL)).await;
    let equal = fixture.record(recording(aino(), "equal", DENIAL)).await;
    assert_eq!(equal.notices().collect::<Vec<_>>(), [Notice::AlreadyDenied]);
    // One of two equal denials is lifted: the other is still in force.
    let lifted = fixture.withdraw(withdrawal(aino(), "lift", &denial.declaration_id)).await;
    assert_eq!(lifted.notices().collect::<Vec<_>>(), [Notice::StillDenied]);
    assert_eq!(visit_1(&fixture, aino_new()).await, denied());
    unlink(&fixture, aino(), &linked.link_id).await;
    // Under the new code the own denial is in force: it was lifted under the other code.
    for client in [aino(), aino_new()] {
        assert_eq!(visit_1(&fixture, client).await, denied());
    }
}
