//! Simulate: at another time, with other declarations, with another directory.

use lupa::wire::v1;

use super::fixture::Fixture;
use crate::fixtures::refused::{invalid, refused};
use crate::fixtures::requests::{
    CONSENT, HOLDING, INFORMATION, aino, demo_directory, entry, message, person, question, recording,
};

/// The simulated verdict of one record: its public reason, rule and detail.
async fn simulated(fixture: &Fixture, request: v1::SimulateRequest) -> (v1::Reason, String, v1::Detail) {
    let answer = fixture.decisions().simulate(request).await.expect("simulated").into_inner();
    assert!(answer.simulated);
    let decision = answer.decision.expect("a decision");
    let [verdict] = &decision.verdicts[..] else { panic!("one verdict: {decision:?}") };
    (verdict.reason(), verdict.details().rule.clone(), verdict.details().detail())
}

fn simulation(client: v1::ClientId) -> v1::SimulateRequest {
    v1::SimulateRequest {
        decide: Some(question(client, vec![entry("doc-1", "visit-1")])),
        at: None,
        directory: None,
        declarations: Vec::new(),
        ignore_stored: false,
    }
}

fn stored(yaml: &str) -> v1::StoredDeclaration {
    message(yaml)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulate_varies_directory_declarations_and_time() {
    let fixture = Fixture::start().await;
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    fixture.record(recording(aino(), "2", CONSENT)).await;
    let now = simulation(aino());
    let denial = stored(
        "{ id: what-if, recorded_at: '2026-11-20T10:00:00Z', declarer: { role: ROLE_CLIENT }, declaration: { denial: \
         { sector: SECTOR_HEALTHCARE, all_patient_data: {} } } }",
    );
    let informed = stored(
        "{ recorded_at: '2024-05-06T10:00:00Z', declarer: { role: ROLE_CLIENT }, declaration: { information: { \
         version: '1.1' } } }",
    );
    let consented = stored(
        "{ recorded_at: '2024-05-06T10:00:01Z', declarer: { role: ROLE_CLIENT }, declaration: { consent: { kind: \
         CONSENT_KIND_HEALTHCARE } } }",
    );
    let without_the_holder = {
        let mut directory = demo_directory();
        directory.registers.retain(|register| register.oid != HOLDING);
        directory.outsourcing.retain(|relation| relation.organiser_register != HOLDING);
        directory
    };
    let at = |yaml: &str| {
        Some(message::<v1::StoredDeclaration>(&format!("recorded_at: '{yaml}'")).recorded_at.unwrap())
    };
    use v1::{Detail, Reason};
    for (request, expected) in [
        (now.clone(), (Reason::Consent, "hc-consent", Detail::Unspecified)),
        (
            v1::SimulateRequest { at: at("2026-11-20T10:00:00Z"), ..now.clone() },
            (Reason::NotShareable, "hc-no-basis", Detail::InformationMissing),
        ),
        (
            v1::SimulateRequest { at: at("2028-01-01T10:00:00Z"), ..now.clone() },
            (Reason::Consent, "hc-consent", Detail::Unspecified),
        ),
        (
            v1::SimulateRequest { ignore_stored: true, ..now.clone() },
            (Reason::NotShareable, "hc-no-basis", Detail::InformationMissing),
        ),
        (
            v1::SimulateRequest { declarations: vec![denial.clone()], ..now.clone() },
            (Reason::NotShareable, "hc-denied", Detail::DenialAllPatientData),
        ),
        (
            v1::SimulateRequest {
                declarations: vec![informed, consented],
                ignore_stored: true,
                ..now.clone()
            },
            (Reason::Consent, "hc-consent", Detail::Unspecified),
        ),
        (
            v1::SimulateRequest { directory: Some(without_the_holder), ..now.clone() },
            (Reason::UnknownRegister, "unknown-register", Detail::Unspecified),
        ),
        (
            v1::SimulateRequest { declarations: vec![denial], ..simulation(person(1)) },
            (Reason::NotShareable, "hc-denied", Detail::DenialAllPatientData),
        ),
    ] {
        let (reason, rule, detail) = expected;
        assert_eq!(
            simulated(&fixture, request.clone()).await,
            (reason, rule.to_owned(), detail),
            "{request:?}"
        );
    }
    // None of it is stored.
    let after = fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await;
    assert_eq!(after.verdicts[0].effect(), v1::Effect::Permit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_simulation_is_refused_by_field() {
    let fixture = Fixture::start().await;
    let good = simulation(aino());
    let mut unknown_sector = stored("declaration: { denial: {} }");
    if let Some(v1::declaration::Content::Denial(denial)) =
        unknown_sector.declaration.as_mut().and_then(|content| content.content.as_mut())
    {
        denial.sector = 9;
    }
    let unknown_kind = v1::Register { oid: "x".to_owned(), kind: 77, ..message("{}") };
    for (request, fields) in [
        (v1::SimulateRequest { decide: None, ..good.clone() }, &["decide"][..]),
        (
            v1::SimulateRequest {
                decide: Some(v1::DecideRequest {
                    channel: 9,
                    requester: None,
                    ..question(aino(), Vec::new())
                }),
                ..good.clone()
            },
            &["decide.requester", "decide.channel", "decide.records"],
        ),
        (
            v1::SimulateRequest {
                at: Some(pbjson_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
                ..good.clone()
            },
            &["at"],
        ),
        (
            v1::SimulateRequest { declarations: vec![unknown_sector], ..good.clone() },
            &[
                "declarations[0].declaration.denial.sector",
                "declarations[0].declaration.denial.scope",
                "declarations[0].recorded_at",
            ],
        ),
        (
            v1::SimulateRequest {
                directory: Some(v1::Directory { registers: vec![unknown_kind], ..message("{}") }),
                ..good.clone()
            },
            &[
                "directory.registers[0].oid",
                "directory.registers[0].controller",
                "directory.registers[0].kind",
            ],
        ),
    ] {
        assert_eq!(refused(fixture.decisions().simulate(request).await), invalid(fields));
    }
}
