//! Envoy's check compared with Decide: the same facts give the same verdict.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use lupa::policy::client_id::ClientId;
use lupa::policy::day::Instant;
use lupa::policy::declaration::Declaration;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use lupa::wire::v1::{
    Channel as By, DecideRequest, Effect, Obligation, RecordKind, ReplaceDirectoryRequest, StoredDeclaration,
    Verdict,
};
use lupa::wire::{client, declaration};

use super::{Call, check};
use crate::core::evaluate::{cases, to_core};
use crate::core::generator::{Case, case};
use crate::core::reference::Calendar;
use crate::fixtures::importing::import_new;
use crate::fixtures::requests::person;
use crate::fixtures::running::Running;

/// Number of directories, with one client each.
const CASES: u64 = 1_300;

/// Minimum number of calls.
const CALLS: u64 = 10_000;

/// Each part comes from its own header.
const ROUTES: &str = r#"
[[sidecar.routes]]
methods = ["GET"]
path = "/records"
[sidecar.routes.question]
client.extension = { header = "client" }
client.root = { header = "client-root", optional = true }
requester.register = { header = "register" }
channel = { header = "channel" }
access_right = { header = "access-right" }
ground = { header = "ground", optional = true }
claims = { header = "claims", optional = true }
records = { header = "records" }
"#;

/// After every date of the cases.
fn clock() -> Instant {
    "2029-01-01T10:00:00Z".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_check_agrees_with_decide() {
    let published = Calendar::defaults();
    let mut kept = None;
    let running =
        Running::start_by(ROUTES, &to_core(&published), clock, async |store| kept = Some(store.clone()))
            .await;
    let store = kept.unwrap();
    let (mut calls, mut permits, mut denials) = (0, 0, 0);
    for seed in 0..cases(CASES) {
        let Case { directory, calendar: _, declarations, mut request, at: _ } = case(seed);
        // Another client for each case: their declarations stay apart.
        request.client = Some(person(seed as usize));
        // Not expressible in JSON: an unknown kind of record.
        request.records.retain(|record| RecordKind::try_from(record.kind).is_ok());
        import_new(&store, of_client(&request, declarations, seed)).await;
        let mut directories = DirectoryServiceClient::new(running.channel.clone());
        let directory = ReplaceDirectoryRequest { directory: Some(directory), ..Default::default() };
        directories.replace_directory(directory).await.unwrap();
        for question in variants(&request) {
            let mut decisions = DecisionServiceClient::new(running.channel.clone());
            let decided = decisions.decide(question.clone()).await;
            let mut envoy = AuthorizationClient::new(running.channel.clone());
            let (_, answer) = check(&mut envoy, as_call(&question).into_check_request()).await;
            calls += 1;
            let Ok(decided) = decided else {
                assert_eq!(answer.stopped(), (403, "INVALID_REQUEST"), "seed {seed}");
                continue;
            };
            let verdicts = decided.into_inner().verdicts;
            match verdicts.iter().find(|verdict| verdict.effect() == Effect::Deny) {
                None => {
                    permits += 1;
                    let passed = answer.passed();
                    assert_eq!(passed["x-lupa-reason"], verdicts[0].reason().as_str_name(), "seed {seed}");
                    let listed = passed.get("x-lupa-obligations").copied().unwrap_or_default();
                    assert_eq!(listed, obligations(&verdicts), "seed {seed}");
                }
                Some(verdict) => {
                    denials += 1;
                    assert_eq!(answer.stopped(), (403, verdict.reason().as_str_name()), "seed {seed}");
                }
            }
        }
    }
    drop(store);
    running.end().await;
    assert!(permits > calls / 20 && denials > calls / 20, "{permits} permits and {denials} denials");
    assert!(calls > cases(CALLS), "{calls} calls");
}

fn of_client(
    request: &DecideRequest,
    mut declarations: Vec<StoredDeclaration>,
    seed: u64,
) -> Vec<(ClientId, Declaration)> {
    for (number, stored) in declarations.iter_mut().enumerate() {
        stored.id = format!("{seed}-{number}");
    }
    let client = client::client_of(request.client.as_ref()).unwrap();
    let stored = declaration::stored_declarations("declarations", &declarations).unwrap();
    stored.into_iter().map(|one| (client.clone(), one)).collect()
}

/// The obligations of all verdicts, in the order of their numbers.
fn obligations(verdicts: &[Verdict]) -> String {
    let all: BTreeSet<i32> = verdicts.iter().flat_map(|verdict| verdict.obligations.clone()).collect();
    let names = all.into_iter().map(|number| Obligation::try_from(number).unwrap().as_str_name());
    names.collect::<Vec<_>>().join(",")
}

fn as_call(question: &DecideRequest) -> Call {
    let DecideRequest { client, requester, channel: _, access_right, ground: _, claims, records, .. } =
        question;
    let client = client.clone().unwrap();
    let list = |json: Result<String, serde_json::Error>| URL_SAFE_NO_PAD.encode(json.unwrap());
    Call::get("/records")
        .header("client", client.extension)
        .header("client-root", client.root)
        .header("register", &requester.as_ref().unwrap().register)
        .header("channel", question.channel().as_str_name())
        .header("access-right", access_right.to_string())
        .header("ground", question.ground().as_str_name())
        .header("claims", list(serde_json::to_string(claims)))
        .header("records", list(serde_json::to_string(records)))
}

/// The request, each of its records alone, and variants of it.
fn variants(request: &DecideRequest) -> Vec<DecideRequest> {
    let mut variants = vec![request.clone()];
    for record in &request.records {
        variants.push(DecideRequest { records: vec![record.clone()], ..request.clone() });
    }
    for channel in [By::Kanta, By::UusimaaLocalDatabase, By::OutsideKanta] {
        variants.push(DecideRequest { channel: channel.into(), ..request.clone() });
    }
    variants.push(DecideRequest { access_right: !request.access_right, ..request.clone() });
    variants.push(DecideRequest { claims: Vec::new(), ..request.clone() });
    variants
}
