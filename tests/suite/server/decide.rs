//! Decide: one verdict per record, in order. An invalid request is refused with every
//! invalid field; an invalid record is denied by itself.

use lupa::wire::v1;
use lupa::wire::v1::claim::Kind as Claimed;
use tonic::Code;

use super::fixture::Fixture;
use crate::fixtures::refused::{Refused, because, invalid, refused};
use crate::fixtures::requests::{
    CONSENT, DENIAL, HOLDING, INFORMATION, UNKNOWN, aino, entry, instant, message, question, recording,
};

/// A server on which Aino was informed, consents, and denies one visit; with the ids.
async fn with_aino() -> (Fixture, String, String) {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    let consent = fixture.record(recording(aino(), "2", CONSENT)).await.declaration_id;
    let denial = fixture.record(recording(aino(), "3", DENIAL)).await.declaration_id;
    (fixture, consent, denial)
}

fn permitted(consent: &str) -> v1::Verdict {
    message(&format!(
        "{{ effect: EFFECT_PERMIT, reason: REASON_CONSENT, details: {{ rule: hc-consent, declarations: [ {consent} ] }} }}"
    ))
}

fn denied(denial: &str) -> v1::Verdict {
    message(&format!(
        "{{ effect: EFFECT_DENY, reason: REASON_NOT_SHAREABLE, details: {{ detail: DETAIL_DENIAL_SERVICE_EVENT, \
         rule: hc-denied, declarations: [ {denial} ] }} }}"
    ))
}

fn claimed(claim: Claimed) -> v1::Claim {
    v1::Claim { kind: Some(claim) }
}

fn invalid_record(field: &str) -> v1::Verdict {
    message(&format!(
        "{{ effect: EFFECT_DENY, reason: REASON_INVALID_RECORD, details: {{}}, invalid_field: {field} }}"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decision_reports_its_revision_and_instant() {
    let (fixture, consent, _) = with_aino().await;
    let before = super::fixture::clock();
    let request = v1::DecideRequest {
        request_id: "mine".to_owned(),
        ..question(aino(), vec![entry("doc-1", "visit-2")])
    };
    let answer = fixture.decide(request).await;
    let decided_at = instant(answer.decided_at.as_ref().expect("an instant"));
    assert!(before <= decided_at && decided_at <= super::fixture::clock());
    let rules = fixture.decisions().list_rules(v1::ListRulesRequest {}).await.expect("rules").into_inner();
    let directory =
        fixture.directories().get_directory(v1::GetDirectoryRequest {}).await.expect("a directory");
    let expected = v1::DecideResponse {
        verdicts: vec![permitted(&consent)],
        decision_id: answer.decision_id.clone(),
        token: directory.into_inner().token,
        decided_at: answer.decided_at,
        catalogue_version: rules.catalogue_version,
        request_id: "mine".to_owned(),
    };
    assert_eq!(answer, expected);
    assert_eq!(answer.decision_id.len(), 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_records_are_decided_in_order_and_one_more_is_refused() {
    let (fixture, consent, denial) = with_aino().await;
    let visit = |place: usize| if place.is_multiple_of(3) { "visit-1" } else { "visit-2" };
    let mut records: Vec<_> = (0..10_000).map(|place| entry(&format!("doc-{place}"), visit(place))).collect();
    let answer = fixture.decide(question(aino(), records.clone())).await;
    let expected: Vec<_> = (0..10_000)
        .map(|place| if visit(place) == "visit-1" { denied(&denial) } else { permitted(&consent) })
        .collect();
    assert!(answer.verdicts == expected, "{} verdicts", answer.verdicts.len());

    records.push(entry("one-more", "visit-2"));
    let one_more = fixture.decisions().decide(question(aino(), records)).await;
    let too_many = Refused {
        fields: vec!["records".to_owned()],
        // The same request can never succeed.
        retry: false,
        ..because(Code::ResourceExhausted, "TOO_MANY_RECORDS")
    };
    assert_eq!(refused(one_more), too_many);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_request_names_every_field() {
    let fixture = Fixture::start().await;
    let good = question(aino(), vec![entry("doc-1", "visit-1")]);
    let cases: [(v1::DecideRequest, &[&str]); 8] = [
        (v1::DecideRequest { records: Vec::new(), ..good.clone() }, &["records"]),
        (v1::DecideRequest { client: None, ..good.clone() }, &["client"]),
        (v1::DecideRequest { requester: None, ..good.clone() }, &["requester"]),
        (v1::DecideRequest { channel: 99, ..good.clone() }, &["channel"]),
        (v1::DecideRequest { ground: -1, ..good.clone() }, &["ground"]),
        (
            v1::DecideRequest { client: Some(message("{ extension: x, root: one.two }")), ..good.clone() },
            &["client.root"],
        ),
        (
            v1::DecideRequest {
                claims: vec![
                    v1::Claim { kind: None },
                    message("emergency: { client_cannot_be_asked: true }"),
                    claimed(Claimed::SocialWelfareAuthority(v1::SocialWelfareAuthority {
                        purpose: 99,
                        data_necessary: true,
                    })),
                    claimed(Claimed::ClientUnableToDecide(v1::ClientUnableToDecide {
                        cause: 77,
                        has_legal_representative: Some(false),
                        data_essential: true,
                    })),
                ],
                ..good.clone()
            },
            &[
                "claims[0]",
                "claims[2].social_welfare_authority.purpose",
                "claims[3].client_unable_to_decide.cause",
            ],
        ),
        (
            v1::DecideRequest {
                client: Some(v1::ClientId { extension: "010181-900D".to_owned(), root: String::new() }),
                requester: Some(message("{ register: 'not an oid' }")),
                channel: v1::Channel::Unspecified.into(),
                ground: 4,
                claims: vec![v1::Claim { kind: None }],
                records: Vec::new(),
                ..good.clone()
            },
            &["client.extension", "requester.register", "channel", "ground", "claims[0]", "records"],
        ),
    ];
    for (request, fields) in cases {
        let answer = fixture.decisions().decide(request.clone()).await;
        assert_eq!(refused(answer), invalid(fields), "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_record_is_denied_among_the_others() {
    let (fixture, consent, denial) = with_aino().await;
    let good = entry("doc-1", "visit-2");
    let long = "x".repeat(129);
    let cases = [
        (v1::Record { id: String::new(), ..good.clone() }, "id"),
        (v1::Record { id: long, ..good.clone() }, "id"),
        (v1::Record { id: "naïve".to_owned(), ..good.clone() }, "id"),
        (v1::Record { register: String::new(), ..good.clone() }, "register"),
        (v1::Record { register: "1.2.x".to_owned(), ..good.clone() }, "register"),
        (v1::Record { service_event: String::new(), ..good.clone() }, "service_event"),
        (v1::Record { recorded_on: String::new(), ..good.clone() }, "recorded_on"),
        (v1::Record { recorded_on: "2025-02-29".to_owned(), ..good.clone() }, "recorded_on"),
        (v1::Record { recorded_on: "18.3.2025".to_owned(), ..good.clone() }, "recorded_on"),
        (v1::Record { kind: 0, ..good.clone() }, "kind"),
        (v1::Record { kind: 99, ..good.clone() }, "kind"),
        (v1::Record { kind: v1::RecordKind::ClientDocument.into(), ..good.clone() }, "kind"),
        (v1::Record { service_tasks: vec![String::new()], ..good.clone() }, "service_tasks"),
        (v1::Record { original_controller: "county".to_owned(), ..good.clone() }, "original_controller"),
        (
            v1::Record { outsourcing: Some(message(&format!("producer: {HOLDING}"))), ..good.clone() },
            "outsourcing.organiser",
        ),
    ];
    let mut records = vec![good.clone()];
    let mut expected = vec![permitted(&consent)];
    for (record, field) in cases {
        records.extend([record, entry("doc-2", "visit-1")]);
        expected.extend([invalid_record(field), denied(&denial)]);
    }
    records.push(good);
    expected.push(permitted(&consent));
    assert_eq!(fixture.decide(question(aino(), records)).await.verdicts, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assertions_and_directory_are_checked_before_declarations() {
    let (fixture, _, _) = with_aino().await;
    let good = question(aino(), vec![entry("doc-1", "visit-2")]);
    let unknown: v1::Requester = message(&format!("register: {UNKNOWN}"));
    let unknown_record = v1::Record { register: UNKNOWN.to_owned(), ..entry("doc-1", "visit-2") };
    for (request, rule, reason) in [
        (
            v1::DecideRequest { requester: Some(unknown), ..good.clone() },
            "unknown-register",
            "UNKNOWN_REGISTER",
        ),
        (
            v1::DecideRequest { records: vec![unknown_record], ..good.clone() },
            "unknown-register",
            "UNKNOWN_REGISTER",
        ),
        (v1::DecideRequest { ground: 0, ..good.clone() }, "no-relationship", "RELATIONSHIP_MISSING"),
        (
            v1::DecideRequest { access_right: false, ..good.clone() },
            "no-access-right",
            "ACCESS_RIGHT_MISSING",
        ),
    ] {
        let expected: v1::Verdict = message(&format!(
            "{{ effect: EFFECT_DENY, reason: REASON_{reason}, details: {{ rule: {rule} }} }}"
        ));
        assert_eq!(fixture.decide(request).await.verdicts, [expected]);
    }
}
