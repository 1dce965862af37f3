//! Record and Withdraw: an accepted declaration is visible at once, a repeated request
//! gets the same answer, and a refusal has a reason.

use chrono::{DateTime, Days, TimeDelta, Utc};
use lupa::wire::v1;
use lupa::wire::v1::Notice;
use tonic::Code;

use super::fixture::{Fixture, clock};
use crate::fixtures::refused::{because, invalid, refused};
use crate::fixtures::requests::{
    ASKING, CONSENT, DENIAL, INFORMATION, UNKNOWN, aino, entry, instant, listing, message, person,
    professional, question, recording, settled, timestamp, withdrawal,
};

/// The verdict on a visit: effect, rule and detail.
async fn visit_1(fixture: &Fixture, client: v1::ClientId) -> (v1::Effect, String, v1::Detail) {
    let answer = fixture.decide(question(client, vec![entry("doc-1", "visit-1")])).await;
    let verdict = &answer.verdicts[0];
    (verdict.effect(), verdict.details().rule.clone(), verdict.details().detail())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_declaration_is_seen_by_the_next_decision() {
    use v1::{Detail, Effect};
    let fixture = Fixture::start().await;
    let no_basis = |detail| (Effect::Deny, "hc-no-basis".to_owned(), detail);
    let permitted = (Effect::Permit, "hc-consent".to_owned(), Detail::Unspecified);
    assert_eq!(visit_1(&fixture, aino()).await, no_basis(Detail::InformationMissing));

    let early = fixture.record(recording(aino(), "early", DENIAL)).await;
    assert_eq!(early.notices().collect::<Vec<_>>(), [Notice::ProvideInformation]);
    let denied = (Effect::Deny, "hc-denied".to_owned(), Detail::DenialServiceEvent);
    assert_eq!(visit_1(&fixture, aino()).await, denied);
    let withdrawn = fixture.withdraw(withdrawal(aino(), "early-end", &early.declaration_id)).await;
    assert_eq!(withdrawn.notices().collect::<Vec<_>>(), [Notice::ProvideInformation]);
    assert_eq!(visit_1(&fixture, aino()).await, no_basis(Detail::InformationMissing));

    let informed = fixture.record(recording(aino(), "informed", INFORMATION)).await;
    assert_eq!((informed.notices.as_slice(), informed.replaced_declaration_id.as_str()), (&[][..], ""));
    assert_eq!(visit_1(&fixture, aino()).await, no_basis(Detail::ConsentMissing));

    let first = fixture.record(recording(aino(), "first", CONSENT)).await;
    assert_eq!(visit_1(&fixture, aino()).await, permitted);
    let second = fixture.record(recording(aino(), "second", CONSENT)).await;
    assert_eq!(second.notices().collect::<Vec<_>>(), [Notice::ConsentReplaced]);
    assert_eq!(second.replaced_declaration_id, first.declaration_id);
    assert_eq!(visit_1(&fixture, aino()).await, permitted);

    let replaced = fixture
        .declarations()
        .withdraw_declaration(withdrawal(aino(), "too-late", &first.declaration_id))
        .await;
    assert_eq!(refused(replaced), because(Code::FailedPrecondition, "ALREADY_WITHDRAWN"));
    fixture.withdraw(withdrawal(aino(), "second-end", &second.declaration_id)).await;
    assert_eq!(visit_1(&fixture, aino()).await, no_basis(Detail::ConsentWithdrawn));

    // No other client's data is affected.
    assert_eq!(visit_1(&fixture, person(1)).await, no_basis(Detail::InformationMissing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_answered_the_same_and_stored_once() {
    let mut fixture = Fixture::start().await;
    fixture.record(recording(aino(), "informed", INFORMATION)).await;
    let request = recording(aino(), "consent", CONSENT);
    let first = fixture.record(request.clone()).await;
    let replacing = fixture.record(recording(aino(), "again", CONSENT)).await;
    let ending = withdrawal(aino(), "end", &replacing.declaration_id);
    let ended = fixture.withdraw(ending.clone()).await;
    // Also after later changes, and after a restart.
    for _ in 0..2 {
        let again = fixture.record(request.clone()).await;
        let replacing_again = fixture.record(recording(aino(), "again", CONSENT)).await;
        let ended_again = fixture.withdraw(ending.clone()).await;
        // A repeated answer has a later time of effect everywhere.
        let everywhere = [
            (again.effective_everywhere_after, first.effective_everywhere_after),
            (replacing_again.effective_everywhere_after, replacing.effective_everywhere_after),
            (ended_again.effective_everywhere_after, ended.effective_everywhere_after),
        ];
        for (again, first) in everywhere {
            let seconds = |given: Option<pbjson_types::Timestamp>| given.expect("an instant").seconds;
            assert!(seconds(again) >= seconds(first));
        }
        assert_eq!(settled(again), settled(first.clone()));
        assert_eq!(settled(replacing_again), settled(replacing.clone()));
        let settled_withdrawal =
            |answer| v1::WithdrawDeclarationResponse { effective_everywhere_after: None, ..answer };
        assert_eq!(settled_withdrawal(ended_again), settled_withdrawal(ended.clone()));
        fixture = fixture.restart_with(&[]).await;
    }
    let stored = fixture
        .declarations()
        .list_declarations(listing(aino()))
        .await
        .expect("a list")
        .into_inner()
        .declarations;
    assert_eq!(stored.len(), 3);

    let reused = because(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED");
    for other in [
        recording(aino(), "consent", DENIAL),
        recording(person(1), "consent", CONSENT),
        recording(aino(), "end", CONSENT),
        v1::RecordDeclarationRequest { recorded_by: Some(professional()), ..request.clone() },
        v1::RecordDeclarationRequest { given_at: Some(timestamp(clock())), ..request.clone() },
    ] {
        assert_eq!(
            refused(fixture.declarations().record_declaration(other.clone()).await),
            reused,
            "{other:?}"
        );
    }
    let other = withdrawal(aino(), "consent", &first.declaration_id);
    assert_eq!(refused(fixture.declarations().withdraw_declaration(other).await), reused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgement_reports_and_awaits_effect_everywhere() {
    let fixture = Fixture::start_with(&[("index.max_staleness_ms", "3000")]).await;
    let instant = |given: Option<pbjson_types::Timestamp>| -> DateTime<Utc> {
        given.expect("an instant").try_into().expect("an instant")
    };
    let at_once = fixture.record(recording(aino(), "1", INFORMATION)).await;
    // Not before every freshness proof from before the commit has run out, with room for clock drift.
    let recorded_at = instant(at_once.recorded_at);
    assert!(instant(at_once.effective_everywhere_after) >= recorded_at + TimeDelta::milliseconds(3_030));

    let wait = v1::Wait::Everywhere.into();
    let began = std::time::Instant::now();
    let request = v1::RecordDeclarationRequest { wait, ..recording(aino(), "2", CONSENT) };
    let recorded = fixture.record(request.clone()).await;
    assert!(began.elapsed() >= std::time::Duration::from_millis(3_030), "{:?}", began.elapsed());
    // Whether the caller waits is not part of the payload.
    let again = fixture.record(v1::RecordDeclarationRequest { wait: 0, ..request }).await;
    assert_eq!(again.declaration_id, recorded.declaration_id);
    let began = std::time::Instant::now();
    let end = v1::WithdrawDeclarationRequest { wait, ..withdrawal(aino(), "3", &recorded.declaration_id) };
    fixture.withdraw(end).await;
    assert!(began.elapsed() >= std::time::Duration::from_millis(3_030), "{:?}", began.elapsed());

    let unknown = v1::RecordDeclarationRequest { wait: 77, ..recording(aino(), "4", CONSENT) };
    assert_eq!(refused(fixture.declarations().record_declaration(unknown).await).fields, ["wait"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_leaves_its_key_free() {
    let fixture = Fixture::start().await;
    let too_early = fixture.declarations().record_declaration(recording(aino(), "1", CONSENT)).await;
    assert_eq!(refused(too_early), because(Code::FailedPrecondition, "INFORMATION_REQUIRED"));
    fixture.record(recording(aino(), "2", INFORMATION)).await;
    fixture.record(recording(aino(), "1", CONSENT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_entry_is_accepted_and_flagged() {
    let fixture = Fixture::start().await;
    let given_at = clock().checked_sub_days(Days::new(10)).expect("an instant");
    let request = v1::RecordDeclarationRequest {
        given_at: Some(timestamp(given_at)),
        recorded_by: Some(professional()),
        ..recording(aino(), "1", INFORMATION)
    };
    let before = clock();
    let answer = fixture.record(request.clone()).await;
    assert_eq!(answer.notices().collect::<Vec<_>>(), [Notice::LateEntry]);
    let got = v1::GetDeclarationRequest {
        client: Some(aino()),
        declaration_id: answer.declaration_id.clone(),
        viewing_purpose: 0,
        viewer: None,
    };
    let got = fixture
        .declarations()
        .get_declaration(got)
        .await
        .expect("one")
        .into_inner()
        .declaration
        .expect("one");
    let recorded_at = instant(&got.recorded_at.expect("an instant"));
    // The store keeps microseconds.
    assert!(before - TimeDelta::microseconds(1) <= recorded_at && recorded_at <= clock());
    let expected = v1::StoredDeclaration {
        id: answer.declaration_id,
        declaration: request.declaration,
        given_at: Some(timestamp(
            given_at - TimeDelta::nanoseconds(i64::from(given_at.timestamp_subsec_nanos() % 1000)),
        )),
        recorded_at: answer.recorded_at,
        withdrawn_at: None,
        withdrawn_by: None,
        declarer: request.declarer,
        recorded_by: request.recorded_by,
        withdrawal_given_at: None,
        replaced_by: String::new(),
        covers: Vec::new(),
    };
    assert_eq!(got, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_has_its_reason() {
    let fixture = Fixture::start().await;
    fixture.record(recording(person(1), "informed", INFORMATION)).await;
    let record = |declaration| recording(person(1), "new", declaration);
    let by = |role| Some(v1::Declarer { role: v1::Role::into(role), name: String::new(), id: String::new() });
    let professional_of = |register, organisation| {
        let yaml = format!("professional: {{ register: {register}, organisation: {organisation} }}");
        Some(message::<v1::RecordedBy>(&yaml))
    };
    let turku = "1.2.246.10.99999999.5.0";
    for (request, reason) in [
        (
            v1::RecordDeclarationRequest {
                given_at: Some(timestamp(clock() + TimeDelta::hours(1))),
                ..record(CONSENT)
            },
            "GIVEN_IN_FUTURE",
        ),
        (
            v1::RecordDeclarationRequest { recorded_by: professional_of(UNKNOWN, turku), ..record(CONSENT) },
            "RECORDER_UNKNOWN",
        ),
        (
            v1::RecordDeclarationRequest { recorded_by: professional_of(ASKING, UNKNOWN), ..record(CONSENT) },
            "RECORDER_UNKNOWN",
        ),
        (
            v1::RecordDeclarationRequest {
                recorded_by: Some(professional()),
                ..record("consent: { kind: CONSENT_KIND_SOCIAL_WELFARE }")
            },
            "RECORDER_SECTOR_NOT_ALLOWED",
        ),
        (
            v1::RecordDeclarationRequest {
                recorded_by: professional_of("1.2.246.10.99999999.113.1", "1.2.246.10.99999999.113.0"),
                ..record(CONSENT)
            },
            "RECORDER_NOT_READY",
        ),
        (
            v1::RecordDeclarationRequest { declarer: by(v1::Role::Guardian), ..record(CONSENT) },
            "DECLARER_NOT_ALLOWED",
        ),
        (record("information: { version: '9.9' }"), "INFORMATION_VERSION_UNKNOWN"),
        (
            v1::RecordDeclarationRequest {
                given_at: Some(timestamp("2020-01-01T10:00:00Z".parse().expect("an instant"))),
                ..record("information: { version: '1.1' }")
            },
            "INFORMATION_VERSION_NOT_RELEASED",
        ),
        (recording(person(2), "new", CONSENT), "INFORMATION_REQUIRED"),
        (record("consent: { kind: CONSENT_KIND_VERBAL_PRESCRIPTION }"), "CONSENT_KIND_ENDED"),
        (
            record(
                "consent: { kind: CONSENT_KIND_HEALTHCARE, allocation: { recipients: [ { all_public: {} } ] } }",
            ),
            "CONSENT_ALLOCATION_NOT_ALLOWED",
        ),
        (
            record("denial: { sector: SECTOR_HEALTHCARE, register: 1.2.246.10.99999999.101.1 }"),
            "DENIAL_SCOPE_NOT_ALLOWED",
        ),
        (record("denial: { sector: SECTOR_BOTH, extensive: {} }"), "EXTENSIVE_REFUSAL_NOT_OPEN"),
    ] {
        let answer = fixture.declarations().record_declaration(request.clone()).await;
        assert_eq!(refused(answer), because(Code::FailedPrecondition, reason), "{request:?}");
    }
    let informed = fixture.record(recording(person(1), "informed", INFORMATION)).await.declaration_id;
    let withdraw = withdrawal(person(1), "end", &informed);
    for (request, code, reason) in [
        (withdraw.clone(), Code::FailedPrecondition, "INFORMATION_CANNOT_BE_WITHDRAWN"),
        (
            v1::WithdrawDeclarationRequest {
                declarer: by(v1::Role::LegalRepresentative),
                ..withdraw.clone()
            },
            Code::FailedPrecondition,
            "DECLARER_NOT_ALLOWED",
        ),
        (withdrawal(person(2), "end", &informed), Code::NotFound, "DECLARATION_UNKNOWN"),
        (withdrawal(person(1), "end", "no-such-id"), Code::NotFound, "DECLARATION_UNKNOWN"),
    ] {
        let answer = fixture.declarations().withdraw_declaration(request.clone()).await;
        assert_eq!(refused(answer), because(code, reason), "{request:?}");
    }
    // Nothing was stored.
    let stored = fixture
        .declarations()
        .list_declarations(listing(person(1)))
        .await
        .expect("a list")
        .into_inner()
        .declarations;
    assert_eq!(stored.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_request_names_every_field() {
    let fixture = Fixture::start().await;
    let good = recording(aino(), "1", DENIAL);
    let denial = |denial: v1::Denial| {
        Some(v1::Declaration { content: Some(v1::declaration::Content::Denial(denial)) })
    };
    let social = "denial: { sector: SECTOR_SOCIAL_WELFARE, service_transaction: t, against: [ AGAINST_OTHER_PROVIDERS ], \
                  allows_emergency: true }";
    for (request, fields) in [
        (
            message::<v1::RecordDeclarationRequest>("{}"),
            &["client", "declaration", "declarer", "recorded_by", "idempotency_key"][..],
        ),
        (
            v1::RecordDeclarationRequest {
                declaration: Some(v1::Declaration { content: None }),
                ..good.clone()
            },
            &["declaration"],
        ),
        (
            v1::RecordDeclarationRequest {
                declaration: denial(v1::Denial {
                    sector: 9,
                    scope: None,
                    against: vec![0, 8],
                    allows_emergency: false,
                    label: String::new(),
                }),
                ..good.clone()
            },
            &[
                "declaration.denial.sector",
                "declaration.denial.scope",
                "declaration.denial.against[0]",
                "declaration.denial.against[1]",
            ],
        ),
        (
            v1::RecordDeclarationRequest { declaration: Some(message(social)), ..good.clone() },
            &["declaration.denial.against", "declaration.denial.allows_emergency"],
        ),
        (
            v1::RecordDeclarationRequest {
                declaration: Some(message(
                    "consent: { kind: CONSENT_KIND_LOCAL_CROSS_SECTOR, controller: county }",
                )),
                given_at: Some(pbjson_types::Timestamp { seconds: 0, nanos: -1 }),
                declarer: Some(message("name: nobody")),
                recorded_by: Some(message("professional: { register: x, organisation: y }")),
                idempotency_key: "x".repeat(129),
                ..good.clone()
            },
            &[
                "declaration.consent.controller",
                "given_at",
                "declarer.role",
                "recorded_by.professional.register",
                "recorded_by.professional.organisation",
                "idempotency_key",
            ],
        ),
        (
            v1::RecordDeclarationRequest {
                declaration: Some(message(
                    "consent: { kind: CONSENT_KIND_CLIENT_DATA_TO_HEALTHCARE, allocation: { recipients: [ {}, { \
                     organisation: x } ], service_tasks: [ '' ], recorded_from: '2025-02-29', recorded_to: soon } }",
                )),
                ..good.clone()
            },
            &[
                "declaration.consent.allocation.recipients[0]",
                "declaration.consent.allocation.recipients[1].organisation",
                "declaration.consent.allocation.service_tasks[0]",
                "declaration.consent.allocation.recorded_from",
                "declaration.consent.allocation.recorded_to",
            ],
        ),
    ] {
        assert_eq!(
            refused(fixture.declarations().record_declaration(request.clone()).await),
            invalid(fields),
            "{request:?}"
        );
    }
    let withdraw =
        fixture.declarations().withdraw_declaration(message::<v1::WithdrawDeclarationRequest>("{}")).await;
    let fields = ["client", "declaration_id", "declarer", "recorded_by", "idempotency_key"];
    assert_eq!(refused(withdraw), invalid(&fields));
}
