//! Links between the codes of one person: each rpc and each decision, under any of the codes.

mod command;
mod declaring;
mod recording;

use lupa::wire::v1;
use lupa::wire::v1::{Detail, Effect};
use tonic::Code;

use super::fixture::Fixture;
use super::watch::{next, watch};
use crate::fixtures::linking::{AINO_NEW, aino_new, linking, population_register, unlinking};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{
    AINO, CONSENT, DENIAL, INFORMATION, aino, entry, listing, my_kanta, person, question, recording,
    the_client,
};

/// Links these codes. The last one is the current one.
async fn link(fixture: &Fixture, codes: &[v1::ClientId], key: &str) -> v1::LinkClientsResponse {
    fixture.declarations().link_clients(linking(codes, key)).await.expect("linked").into_inner()
}

async fn unlink(fixture: &Fixture, client: v1::ClientId, link_id: &str) -> v1::UnlinkClientsResponse {
    let request = unlinking(client, link_id, &format!("end of {link_id}"));
    fixture.declarations().unlink_clients(request).await.expect("unlinked").into_inner()
}

async fn links(fixture: &Fixture, client: v1::ClientId) -> v1::ListLinksResponse {
    let request = v1::ListLinksRequest { client: Some(client) };
    fixture.declarations().list_links(request).await.expect("listed").into_inner()
}

fn asked(client: v1::ClientId, at_least: &str) -> v1::DecideRequest {
    let records = vec![entry("doc-1", "visit-1")];
    v1::DecideRequest { at_least: at_least.to_owned(), ..question(client, records) }
}

/// The verdict on the visit that is denied under one code: rule and detail.
async fn visit_1(fixture: &Fixture, client: v1::ClientId) -> (Effect, String, Detail) {
    let answer = fixture.decide(asked(client, "")).await;
    let verdict = &answer.verdicts[0];
    (verdict.effect(), verdict.details().rule.clone(), verdict.details().detail())
}

fn permitted() -> (Effect, String, Detail) {
    (Effect::Permit, "hc-consent".to_owned(), Detail::Unspecified)
}

fn denied() -> (Effect, String, Detail) {
    (Effect::Deny, "hc-denied".to_owned(), Detail::DenialServiceEvent)
}

fn no_basis(detail: Detail) -> (Effect, String, Detail) {
    (Effect::Deny, "hc-no-basis".to_owned(), detail)
}

/// Aino is informed and consents under both codes, and denies a visit under the old one.
/// Returns the ids of her declarations, the denial's last.
async fn declared_under_both(fixture: &Fixture) -> Vec<String> {
    let mut ids = Vec::new();
    for (client, key, declaration) in [
        (aino(), "1", INFORMATION),
        (aino(), "2", CONSENT),
        (aino_new(), "3", INFORMATION),
        (aino_new(), "4", CONSENT),
        (aino(), "5", DENIAL),
    ] {
        ids.push(fixture.record(recording(client, key, declaration)).await.declaration_id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denial_under_the_old_code_holds_under_the_new_one_while_linked() {
    let fixture = Fixture::start().await;
    let denial = declared_under_both(&fixture).await.pop().expect("the denial");
    assert_eq!(
        [visit_1(&fixture, aino()).await, visit_1(&fixture, aino_new()).await],
        [denied(), permitted()]
    );

    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    assert!(linked.notices.is_empty());
    for client in [aino(), aino_new()] {
        assert_eq!(visit_1(&fixture, client.clone()).await, denied());
        let answer = fixture.decide(asked(client.clone(), &linked.token)).await;
        assert_eq!(answer.token, linked.token);
        assert_eq!(answer.verdicts[0].details().declarations, [denial.as_str()]);
        // Nobody else's visit is denied.
        assert_eq!(visit_1(&fixture, person(1)).await, no_basis(Detail::InformationMissing));
    }

    let unlinked = unlink(&fixture, aino_new(), &linked.link_id).await;
    assert!(unlinked.notices.is_empty());
    assert_eq!(
        [visit_1(&fixture, aino()).await, visit_1(&fixture, aino_new()).await],
        [denied(), permitted()]
    );
    for client in [aino(), aino_new()] {
        assert_eq!(fixture.decide(asked(client, &unlinked.token)).await.token, unlinked.token);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_and_simulate_know_every_code() {
    let fixture = Fixture::start().await;
    let ids = declared_under_both(&fixture).await;
    link(&fixture, &[aino(), aino_new()], "link").await;
    for client in [aino(), aino_new()] {
        let decide = asked(client, "");
        let explained = v1::ExplainRequest { decide: Some(decide.clone()) };
        let explained = fixture.decisions().explain(explained).await.expect("explained").into_inner();
        let verdict = explained.verdict.expect("a verdict");
        assert_eq!((verdict.details().rule.as_str(), verdict.details().detail()), ("hc-denied", denied().2));
        let shown: Vec<&str> = explained.declarations.iter().map(|stored| stored.id.as_str()).collect();
        assert_eq!(shown, ids);

        let simulate = |ignore_stored| v1::SimulateRequest {
            decide: Some(decide.clone()),
            ignore_stored,
            ..Default::default()
        };
        for (ignore_stored, rule, declarations) in
            [(false, "hc-denied", &ids[4..]), (true, "hc-no-basis", &ids[..0])]
        {
            let simulated = fixture.decisions().simulate(simulate(ignore_stored)).await.expect("simulated");
            let decision = simulated.into_inner().decision.expect("a decision");
            let details = decision.verdicts[0].details();
            assert_eq!((details.rule.as_str(), details.declarations.as_slice()), (rule, declarations));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declarations_of_every_code_are_shown_under_each() {
    let fixture = Fixture::start().await;
    let ids = declared_under_both(&fixture).await;
    link(&fixture, &[aino(), aino_new()], "link").await;
    for client in [aino(), aino_new()] {
        let listed = fixture.declarations().list_declarations(listing(client.clone())).await.expect("a list");
        let listed = listed.into_inner().declarations;
        assert_eq!(
            listed.iter().map(|stored| &stored.id).collect::<Vec<_>>(),
            ids.iter().collect::<Vec<_>>()
        );
        for (id, listed) in ids.iter().zip(&listed) {
            let get = v1::GetDeclarationRequest {
                client: Some(client.clone()),
                declaration_id: id.clone(),
                viewing_purpose: v1::ViewingPurpose::ClientChangesDenials.into(),
                viewer: Some(my_kanta()),
            };
            let got = fixture.declarations().get_declaration(get).await.expect("one").into_inner();
            assert_eq!(got.declaration.as_ref(), Some(listed));
        }
        let status =
            v1::GetInformationStatusRequest { client: Some(client.clone()), asked_by: String::new() };
        let status =
            fixture.declarations().get_information_status(status).await.expect("a status").into_inner();
        assert_eq!((status.received.len(), status.must_inform), (2, false));
        for (document, expected) in [(v1::Document::Consents, &ids[3]), (v1::Document::Denials, &ids[4])] {
            let print = v1::PrintDeclarationsRequest {
                client: Some(client.clone()),
                sector: v1::Sector::Healthcare.into(),
                document: document.into(),
                language: "en".to_owned(),
                format: v1::Format::Text.into(),
                requested_by: Some(the_client()),
                printed_by: Some(my_kanta()),
            };
            let printed =
                fixture.declarations().print_declarations(print).await.expect("printed").into_inner();
            let printed: Vec<_> =
                printed.declarations.iter().filter_map(|one| one.declaration.as_ref()).collect();
            assert_eq!(printed.iter().map(|stored| &stored.id).collect::<Vec<_>>(), [expected]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_listed_under_every_code_with_the_one_in_use() {
    let fixture = Fixture::start().await;
    let alone = v1::ListLinksResponse { clients: vec![aino()], current: None, links: Vec::new() };
    assert_eq!(links(&fixture, aino()).await, alone);
    let first = link(&fixture, &[aino(), aino_new()], "first").await;
    let second = link(&fixture, &[person(1), aino()], "second").await;
    let third = link(&fixture, &[person(1), aino_new(), aino()], "third").await;
    let stored = |linked: &v1::LinkClientsResponse, clients: &[v1::ClientId]| v1::StoredLink {
        id: linked.link_id.clone(),
        clients: clients.to_vec(),
        current: clients.last().cloned(),
        reason: v1::LinkReason::IdentityCodeChanged.into(),
        given_at: linked.recorded_at,
        recorded_at: linked.recorded_at,
        recorded_by: Some(population_register()),
        end: None,
    };
    let mut expected = vec![
        stored(&first, &[aino(), aino_new()]),
        stored(&second, &[person(1), aino()]),
        stored(&third, &[person(1), aino_new(), aino()]),
    ];
    let everyone = [aino(), aino_new(), person(1)];
    for client in &everyone {
        let listed = links(&fixture, client.clone()).await;
        assert_eq!(listed.links, expected);
        assert_eq!((listed.clients.as_slice(), listed.current), (&everyone[..], Some(aino())));
    }
    assert_eq!(third.notices().collect::<Vec<_>>(), [v1::Notice::AlreadyLinked]);

    // What is left of the person, and the code that the latest of the remaining links has in use.
    let end = |unlinked: v1::UnlinkClientsResponse| v1::LinkEnd {
        given_at: unlinked.recorded_at,
        recorded_at: unlinked.recorded_at,
        recorded_by: Some(population_register()),
    };
    expected[2].end = Some(end(unlink(&fixture, aino(), &third.link_id).await));
    expected[1].end = Some(end(unlink(&fixture, person(1), &second.link_id).await));
    let listed = links(&fixture, aino_new()).await;
    assert_eq!((listed.clients.as_slice(), listed.current), (&everyone[..2], Some(aino_new())));
    assert_eq!(listed.links, expected);
    let listed = links(&fixture, person(1)).await;
    assert_eq!((listed.clients.as_slice(), listed.current), (&everyone[2..], None));
    assert_eq!(listed.links, expected[1..]);
    // A restart reads the same from the store.
    let fixture = fixture.restart_with(&[]).await;
    assert_eq!(links(&fixture, aino_new()).await.links, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_learn_of_every_code_of_the_person() {
    let fixture = Fixture::start().await;
    let mut stream = watch(&fixture, "").await;
    stream.message().await.expect("a message").expect("a heartbeat");
    let mut changed = async || {
        let changes = next(&mut stream).await.changes;
        let mut codes: Vec<String> =
            changes.into_iter().map(|change| change.client.expect("a client").extension).collect();
        codes.sort();
        codes
    };
    let both = [AINO, AINO_NEW];
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    assert_eq!(changed().await, [AINO]);
    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    assert_eq!(changed().await, both);
    for (client, key) in [(aino(), "2"), (aino_new(), "3")] {
        fixture.record(recording(client, key, CONSENT)).await;
        assert_eq!(changed().await, both);
    }
    unlink(&fixture, aino(), &linked.link_id).await;
    assert_eq!(changed().await, both);
    fixture.record(recording(aino_new(), "4", INFORMATION)).await;
    assert_eq!(changed().await, [AINO_NEW]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_callers_may_not_link_nor_list() {
    let fixture = Fixture::start().await;
    let linked = link(&fixture, &[aino(), aino_new()], "link").await;
    let fixture = fixture.restart_with(&[("access.loopback", "public")]).await;
    let mut service = fixture.declarations();
    let refusals = [
        refused(service.link_clients(linking(&[aino(), person(1)], "other")).await),
        refused(service.unlink_clients(unlinking(aino(), &linked.link_id, "end")).await),
        refused(service.list_links(v1::ListLinksRequest { client: Some(aino()) }).await),
    ];
    for refusal in refusals {
        assert_eq!(refusal, because(Code::PermissionDenied, "NOT_ENTITLED"));
    }
    // Nothing of it was done.
    assert_eq!(fixture.decide(asked(aino(), "")).await.token, linked.token);
}
