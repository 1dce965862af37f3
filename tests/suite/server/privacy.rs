//! What callers without an entitlement see. Errors contain no personal data.

use lupa::wire::v1;
use prost::Message;
use tonic::{Code, Status};

use super::fixture::{Fixture, clock};
use crate::fixtures::linking::{aino_new, linking, unlinking};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{
    ASKING, CONSENT, DENIAL, HOLDING, INFORMATION, aino, demo_directory, entry, listing, message, person,
    question, recording, timestamp, withdrawal,
};

const PUBLIC: [(&str, &str); 1] = [("access.loopback", "public")];

/// The answer without the parts that differ in every answer.
fn anonymous(answer: v1::DecideResponse) -> Vec<u8> {
    let v1::DecideResponse { verdicts, decision_id, token, decided_at, catalogue_version, request_id } =
        answer;
    let blank = |text: String| "-".repeat(text.len());
    let decision_id = blank(decision_id);
    assert!(decided_at.is_some());
    v1::DecideResponse { verdicts, decision_id, token, decided_at: None, catalogue_version, request_id }
        .encode_to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_and_a_missing_consent_are_the_same_bytes_to_the_public() {
    let fixture = Fixture::start().await;
    // One denied everything, one denied the visit, one withdrew, one never consented.
    let all = "denial: { sector: SECTOR_HEALTHCARE, all_patient_data: {} }";
    for (number, declarations) in [
        &[INFORMATION, CONSENT, all][..],
        &[INFORMATION, CONSENT, DENIAL],
        &[INFORMATION, CONSENT],
        &[INFORMATION],
    ]
    .into_iter()
    .enumerate()
    {
        let mut last = String::new();
        for (place, declaration) in declarations.iter().enumerate() {
            last = fixture
                .record(recording(person(number), &format!("{number} {place}"), declaration))
                .await
                .declaration_id;
        }
        if number == 2 {
            fixture.withdraw(withdrawal(person(number), "end", &last)).await;
        }
    }
    let fixture = fixture.restart_with(&PUBLIC).await;
    let mut answers = Vec::new();
    for number in 0..4 {
        let answer = fixture.decide(question(person(number), vec![entry("doc-1", "visit-1")])).await;
        let expected: v1::Verdict = message("{ effect: EFFECT_DENY, reason: REASON_NOT_SHAREABLE }");
        assert_eq!(answer.verdicts, [expected]);
        answers.push(anonymous(answer));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_sees_verdicts_without_details() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let fixture = fixture.restart_with(&PUBLIC).await;
    let own = v1::Record { register: ASKING.to_owned(), ..entry("doc-2", "visit-2") };
    let invalid = v1::Record { recorded_on: String::new(), ..entry("doc-3", "visit-3") };
    let incomplete = message("client_unable_to_decide: { cause: CAUSE_DISABILITY }");
    let request = v1::DecideRequest {
        claims: vec![incomplete],
        ..question(aino(), vec![entry("doc-1", "visit-1"), own, invalid])
    };
    let expected: [v1::Verdict; 3] = [
        message("{ effect: EFFECT_PERMIT, reason: REASON_CONSENT }"),
        message("{ effect: EFFECT_PERMIT, reason: REASON_OWN_REGISTER }"),
        message("{ effect: EFFECT_DENY, reason: REASON_INVALID_RECORD, invalid_field: recorded_on }"),
    ];
    assert_eq!(fixture.decide(request).await.verdicts, expected);
    fixture.decisions().list_rules(v1::ListRulesRequest {}).await.expect("the rules are public");
}

/// Every method beyond Decide and ListRules, with a good request.
async fn beyond_decisions(fixture: &Fixture) -> Vec<(&'static str, Option<Status>)> {
    let decide = || Some(question(aino(), vec![entry("doc-1", "visit-1")]));
    let explain = v1::ExplainRequest { decide: decide() };
    let simulate = v1::SimulateRequest { decide: decide(), ..Default::default() };
    let get = v1::GetDeclarationRequest {
        client: Some(aino()),
        declaration_id: "x".to_owned(),
        ..Default::default()
    };
    let replace = v1::ReplaceDirectoryRequest { directory: Some(demo_directory()), ..Default::default() };
    let print = message::<v1::PrintDeclarationsRequest>(
        "{ client: { extension: 010181-900C }, sector: SECTOR_HEALTHCARE, document: DOCUMENT_DENIALS, requested_by: { \
         role: ROLE_CLIENT } }",
    );
    let status = v1::GetInformationStatusRequest { client: Some(aino()), asked_by: String::new() };
    let mut declarations = fixture.declarations();
    let mut directories = fixture.directories();
    vec![
        ("Explain", fixture.decisions().explain(explain).await.err()),
        ("Simulate", fixture.decisions().simulate(simulate).await.err()),
        ("Record", declarations.record_declaration(recording(aino(), "1", INFORMATION)).await.err()),
        ("Withdraw", declarations.withdraw_declaration(withdrawal(aino(), "2", "x")).await.err()),
        ("Get", declarations.get_declaration(get).await.err()),
        ("List", declarations.list_declarations(listing(aino())).await.err()),
        ("InformationStatus", declarations.get_information_status(status).await.err()),
        ("Print", declarations.print_declarations(print).await.err()),
        ("ReplaceDirectory", directories.replace_directory(replace).await.err()),
        ("GetDirectory", directories.get_directory(v1::GetDirectoryRequest {}).await.err()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_may_only_ask_for_decisions() {
    let fixture = Fixture::start().await;
    let head = fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await.token;
    let fixture = fixture.restart_with(&PUBLIC).await;
    for (method, refusal) in beyond_decisions(&fixture).await {
        let refusal: Result<tonic::Response<()>, Status> =
            Err(refusal.unwrap_or_else(|| panic!("{method} is answered")));
        assert_eq!(refused(refusal), because(Code::PermissionDenied, "NOT_ENTITLED"), "{method}");
    }
    // None of it was done.
    assert_eq!(fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await.token, head);
}

/// Marks that stand in every field of the requests below, and in no error.
const CANARIES: [&str; 6] =
    ["010181-900C", "010181900C", "Maija Kanarialintu", "kanaria-doc", "kanaria-visit", "kanaria-doctor"];

fn assert_no_person(method: &str, status: &Status) {
    let headers = format!("{:?}", status.metadata());
    let details = String::from_utf8_lossy(status.details());
    for canary in CANARIES {
        for text in [status.message(), &details, &headers] {
            let text = text.to_lowercase();
            assert!(!text.contains(&canary.to_lowercase()), "{method} leaks `{canary}`: {status:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_contain_no_personal_data() {
    let fixture = Fixture::start().await;
    let maija = v1::Declarer {
        role: v1::Role::Client.into(),
        name: "Maija Kanarialintu".to_owned(),
        id: "010181-900C".to_owned(),
    };
    let doctor = v1::RecordedBy {
        system: Some(v1::recorded_by::System::Professional(v1::Professional {
            register: ASKING.to_owned(),
            organisation: "1.2.246.10.99999999.5.0".to_owned(),
            professional: "kanaria-doctor".to_owned(),
        })),
    };
    let denial = "denial: { sector: SECTOR_HEALTHCARE, service_event: kanaria-visit }";
    let record = |key: &str, declaration: &str| v1::RecordDeclarationRequest {
        declarer: Some(maija.clone()),
        recorded_by: Some(doctor.clone()),
        ..recording(aino(), key, declaration)
    };
    let stored = fixture.record(record("kanaria-doc", denial)).await.declaration_id;
    let withdraw = v1::WithdrawDeclarationRequest {
        declarer: Some(maija.clone()),
        recorded_by: Some(doctor.clone()),
        ..withdrawal(aino(), "end", &stored)
    };
    let decide = question(aino(), vec![entry("kanaria-doc", "kanaria-visit")]);
    let bad_client =
        |extension: &str| Some(v1::ClientId { extension: extension.to_owned(), root: String::new() });
    let mut statuses: Vec<(&str, Option<Status>)> = Vec::new();

    let mut decisions = fixture.decisions();
    for request in [
        v1::DecideRequest { channel: 9, ..decide.clone() },
        v1::DecideRequest { client: bad_client("010181-900C "), ..decide.clone() },
        v1::DecideRequest { client: bad_client("010181900C"), ..decide.clone() },
        v1::DecideRequest { requester: Some(message("register: Maija Kanarialintu")), ..decide.clone() },
        v1::DecideRequest { at_least: "010181-900C".to_owned(), ..decide.clone() },
        v1::DecideRequest { records: vec![entry("kanaria-doc", "kanaria-visit"); 10_001], ..decide.clone() },
    ] {
        statuses.push(("Decide", decisions.decide(request.clone()).await.err()));
        let simulate = v1::SimulateRequest { decide: Some(request.clone()), ..Default::default() };
        statuses.push(("Simulate", decisions.simulate(simulate).await.err()));
        statuses
            .push(("Explain", decisions.explain(v1::ExplainRequest { decide: Some(request) }).await.err()));
    }
    let mut declarations = fixture.declarations();
    let later = Some(timestamp(clock() + chrono::TimeDelta::hours(1)));
    for request in [
        record("kanaria-doc", CONSENT),
        record("new", CONSENT),
        v1::RecordDeclarationRequest { given_at: later, ..record("new", denial) },
        record("new", "denial: { sector: SECTOR_HEALTHCARE, register: Maija Kanarialintu }"),
        record(
            "new",
            "denial: { sector: SECTOR_SOCIAL_WELFARE, service_event: kanaria-visit, allows_emergency: true }",
        ),
        record("new", "information: { version: kanaria-visit }"),
        record(&"Maija Kanarialintu".repeat(10), denial),
        v1::RecordDeclarationRequest { client: bad_client("010181-900C\n"), ..record("new", denial) },
    ] {
        statuses.push(("Record", declarations.record_declaration(request).await.err()));
    }
    for request in [
        v1::WithdrawDeclarationRequest { declaration_id: "kanaria-doc".to_owned(), ..withdraw.clone() },
        v1::WithdrawDeclarationRequest { idempotency_key: "kanaria-doc".to_owned(), ..withdraw.clone() },
        v1::WithdrawDeclarationRequest {
            declarer: Some(v1::Declarer { role: 2, ..maija.clone() }),
            ..withdraw
        },
    ] {
        statuses.push(("Withdraw", declarations.withdraw_declaration(request).await.err()));
    }
    let get = v1::GetDeclarationRequest {
        client: Some(aino()),
        declaration_id: stored,
        viewer: Some(doctor),
        ..Default::default()
    };
    statuses.push(("Get", declarations.get_declaration(get).await.err()));
    let link = linking(&[aino(), aino_new()], "kanaria-link");
    declarations.link_clients(link.clone()).await.expect("linked");
    for request in [
        v1::LinkClientsRequest { given_at: later, ..linking(&[aino(), person(1)], "new") },
        linking(&[aino(), aino()], "new"),
        linking(&[bad_client("010181-900C ").expect("a client"), aino()], "new"),
        v1::LinkClientsRequest { current: Some(person(1)), ..link },
        linking(&[aino(), person(1)], "kanaria-link"),
    ] {
        statuses.push(("Link", declarations.link_clients(request).await.err()));
    }
    statuses
        .push(("Unlink", declarations.unlink_clients(unlinking(aino(), "kanaria-doc", "new")).await.err()));
    let list = v1::ListLinksRequest { client: bad_client("010181900C") };
    statuses.push(("ListLinks", declarations.list_links(list).await.err()));
    let list = v1::ListDeclarationsRequest { page_token: "Maija Kanarialintu".to_owned(), ..listing(aino()) };
    statuses.push(("List", declarations.list_declarations(list).await.err()));
    let print = v1::PrintDeclarationsRequest {
        client: Some(aino()),
        language: "kanaria-doc".to_owned(),
        ..Default::default()
    };
    statuses.push(("Print", declarations.print_declarations(print).await.err()));
    let mut directory = demo_directory();
    directory.organisations[0].name = "Maija Kanarialintu".to_owned();
    directory.registers.retain(|register| register.oid != HOLDING);
    directory.registers[0].controller = "Maija Kanarialintu".to_owned();
    let replace = v1::ReplaceDirectoryRequest { directory: Some(directory), ..Default::default() };
    statuses.push(("ReplaceDirectory", fixture.directories().replace_directory(replace).await.err()));

    for (place, (method, status)) in statuses.iter().enumerate() {
        let status = status.as_ref().unwrap_or_else(|| panic!("{method} at {place} is answered"));
        assert_no_person(method, status);
    }
}
