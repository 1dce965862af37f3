//! What each caller may do.

use lupa::identity::Verb;
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::certificates::TestAuthority;
use super::{connect, start};
use crate::fixtures::refused::{because, refused};
use crate::fixtures::requests::{aino, demo_directory, entry, message, my_kanta, question, recording};
use crate::server::undecodable::send;

/// The rpcs, and the verbs; a caller needs one of them. docs/entitlements.md lists the same.
const RPCS: [(&str, &[&str]); 17] = [
    ("/lupa.v1.DecisionService/Decide", &["decide"]),
    ("/lupa.v1.DecisionService/Explain", &["explain"]),
    ("/lupa.v1.DecisionService/Simulate", &["simulate"]),
    ("/lupa.v1.DecisionService/ListRules", &["decide"]),
    ("/lupa.v1.DeclarationService/RecordDeclaration", &["record"]),
    ("/lupa.v1.DeclarationService/WithdrawDeclaration", &["withdraw"]),
    ("/lupa.v1.DeclarationService/GetDeclaration", LISTINGS),
    ("/lupa.v1.DeclarationService/ListDeclarations", LISTINGS),
    ("/lupa.v1.DeclarationService/GetInformationStatus", &["list"]),
    ("/lupa.v1.DeclarationService/PrintDeclarations", &["print"]),
    ("/lupa.v1.DeclarationService/WatchDeclarations", &["watch"]),
    ("/lupa.v1.DeclarationService/LinkClients", &["link"]),
    ("/lupa.v1.DeclarationService/UnlinkClients", &["link"]),
    ("/lupa.v1.DeclarationService/ListLinks", &["link"]),
    ("/lupa.v1.DirectoryService/ReplaceDirectory", &["import-directory"]),
    ("/lupa.v1.DirectoryService/GetDirectory", &["import-directory"]),
    ("/lupa.admin.v1alpha.IndexService/GetIndexStats", &["operate"]),
];

const LISTINGS: &[&str] =
    &["list", "list-client-changes-denials", "list-disclosure-outside-kanta", "list-investigation"];

/// A caller for each verb, which has only that.
fn one_caller_per_verb() -> String {
    let of = |verb: Verb| {
        let word = verb.word();
        format!(
            "[[callers]]\nname = \"{word}\"\nauthority = \"test-ca\"\ndns = \"{word}.example\"\n\
             organisations = \"any\"\nregisters = \"any\"\nverbs = [\"{word}\"]\n\n"
        )
    };
    Verb::ALL.into_iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rpc_needs_its_verb() {
    let authority = TestAuthority::new(&one_caller_per_verb());
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    for verb in Verb::ALL {
        let channel = connect(&authority, &process, &format!("{}.example", verb.word())).await;
        for (rpc, verbs) in RPCS {
            let answer = send(channel.clone(), rpc, with_forged_token(rpc)).await;
            let is_refused = answer.is_err_and(|status| status.code() == Code::PermissionDenied);
            assert_eq!(is_refused, !verbs.contains(&verb.word()), "{rpc} by {}", verb.word());
        }
    }
}

/// An empty message. A stream would not end, but for a token that is not one.
fn with_forged_token(rpc: &str) -> Vec<u8> {
    let is_stream = rpc.ends_with("WatchDeclarations");
    let after = if is_stream { "forged".to_owned() } else { String::new() };
    v1::WatchDeclarationsRequest { after }.encode_to_vec()
}

#[test]
fn the_page_lists_the_verb_of_each_rpc() {
    let page = include_str!("../../../../docs/entitlements.md");
    for (rpc, verbs) in RPCS {
        let method = rpc.rsplit('/').next().unwrap_or_default();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{method}` |"))).unwrap_or_default();
        for verb in verbs {
            assert!(row.contains(&format!("`{verb}`")), "{method}: {row}");
        }
    }
    for verb in Verb::ALL {
        assert!(page.contains(&format!("`{}`", verb.word())), "{}", verb.word());
    }
}

const COUNTY: &str = r#"
[[callers]]
name = "operator"
authority = "test-ca"
dns = "operator.example"
organisations = "any"
registers = "any"
verbs = ["import-directory", "record"]

[[callers]]
name = "listed"
authority = "test-ca"
dns = "listed.example"
organisations = ["1.2.246.10.99999999.5.0"]
registers = ["1.2.246.10.99999999.5.1"]
verbs = ["decide", "explain", "simulate", "record"]
details = true

[[callers]]
name = "controller"
authority = "test-ca"
dns = "controller.example"
organisations = ["1.2.246.10.99999999.5.0"]
registers = "by-controller"
verbs = ["decide"]
"#;

async fn with_directory(authority: &TestAuthority, process: &crate::fixtures::process::Process) {
    let operator = connect(authority, process, "operator.example").await;
    let request = v1::ReplaceDirectoryRequest {
        directory: Some(demo_directory()),
        ..v1::ReplaceDirectoryRequest::default()
    };
    DirectoryServiceClient::new(operator).replace_directory(request).await.expect("a directory");
}

/// A question for a register and an organisation.
fn asked(register: &str, organisation: &str) -> v1::DecideRequest {
    let mut asked = question(aino(), vec![entry("document-1", "visit-1")]);
    asked.requester = Some(v1::Requester {
        register: register.to_owned(),
        organisation: organisation.to_owned(),
        ..v1::Requester::default()
    });
    asked
}

async fn decide(channel: &Channel, asked: v1::DecideRequest) -> Result<v1::DecideResponse, Status> {
    DecisionServiceClient::new(channel.clone()).decide(asked).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_asks_for_its_own_registers_and_organisations() {
    let authority = TestAuthority::new(COUNTY);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    with_directory(&authority, &process).await;
    let (own, foreign) = ("1.2.246.10.99999999.5.1", "1.2.246.10.32213086.19.1");
    let organisation = "1.2.246.10.99999999.5.0";
    let register_refused = Some("REGISTER_NOT_OF_CALLER".to_owned());
    let organisation_refused = Some("ORGANISATION_NOT_OF_CALLER".to_owned());
    for name in ["listed.example", "controller.example"] {
        let channel = connect(&authority, &process, name).await;
        let why = async |register, organisation| {
            let answer = decide(&channel, asked(register, organisation)).await;
            answer
                .err()
                .and_then(|status| tonic_types::StatusExt::get_details_error_info(&status))
                .map(|info| info.reason)
        };
        assert_eq!(why(own, "").await, None, "{name}");
        assert_eq!(why(own, organisation).await, None, "{name}");
        assert_eq!(why(foreign, "").await, register_refused, "{name}");
        assert_eq!(why("1.2.246.10.1.2.3", "").await, register_refused, "{name}");
        assert_eq!(why(own, "1.2.246.10.32213086.10.0").await, organisation_refused, "{name}");
    }
    let channel = connect(&authority, &process, "listed.example").await;
    let mut decisions = DecisionServiceClient::new(channel.clone());
    let explained = decisions.explain(v1::ExplainRequest { decide: Some(asked(foreign, "")) }).await;
    assert_eq!(refused(explained), because(Code::PermissionDenied, "REGISTER_NOT_OF_CALLER"));
    let simulated =
        v1::SimulateRequest { decide: Some(asked(foreign, "")), ..v1::SimulateRequest::default() };
    let simulated = decisions.simulate(simulated).await;
    assert_eq!(refused(simulated), because(Code::PermissionDenied, "REGISTER_NOT_OF_CALLER"));

    // Another's professional, and the client's own service, which is no register's.
    let mut declarations = DeclarationServiceClient::new(channel);
    let theirs: v1::RecordedBy =
        message("professional: {register: 1.2.246.10.32213086.19.1, organisation: 1.2.246.10.32213086.10.0}");
    for recorded_by in [theirs, my_kanta()] {
        let request = v1::RecordDeclarationRequest {
            recorded_by: Some(recorded_by),
            ..recording(aino(), "key-1", "information: {version: '2.0'}")
        };
        let answer = declarations.record_declaration(request).await;
        assert_eq!(refused(answer).code, Code::PermissionDenied);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_sees_details_only_if_it_is_entitled_to_them() {
    let authority = TestAuthority::new(COUNTY);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    with_directory(&authority, &process).await;
    for (name, has_details) in [("listed.example", true), ("controller.example", false)] {
        let channel = connect(&authority, &process, name).await;
        let answer = decide(&channel, asked("1.2.246.10.99999999.5.1", "")).await.expect("an answer");
        let [verdict] = &*answer.verdicts else { panic!("{answer:?}") };
        assert_eq!(verdict.details.is_some(), has_details, "{name}");
    }
}

/// Two callers may use the same idempotency key for different requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotency_keys_are_each_callers_own() {
    let callers: String = ["one", "two"]
        .map(|name| {
            format!(
                "[[callers]]\nname = \"{name}\"\nauthority = \"test-ca\"\ndns = \"{name}.example\"\n\
                 organisations = \"any\"\nregisters = \"any\"\nverbs = [\"record\", \"import-directory\"]\n\n"
            )
        })
        .concat();
    let authority = TestAuthority::new(&callers);
    let store = tempfile::tempdir().expect("a folder");
    let process = start(&authority, store.path());
    let one = connect(&authority, &process, "one.example").await;
    let request = v1::ReplaceDirectoryRequest {
        directory: Some(demo_directory()),
        ..v1::ReplaceDirectoryRequest::default()
    };
    DirectoryServiceClient::new(one.clone()).replace_directory(request).await.expect("a directory");
    let two = connect(&authority, &process, "two.example").await;
    let (mut one, mut two) = (DeclarationServiceClient::new(one), DeclarationServiceClient::new(two));
    let information = || recording(aino(), "key-1", "information: {version: '2.0'}");
    let first = one.record_declaration(information()).await.expect("recorded").into_inner();
    let other = recording(crate::fixtures::requests::person(1), "key-1", "information: {version: '2.0'}");
    let second = two.record_declaration(other).await.expect("recorded").into_inner();
    assert_ne!(first.declaration_id, second.declaration_id);
    let again = one.record_declaration(information()).await.expect("recorded").into_inner();
    assert_eq!(again.declaration_id, first.declaration_id);
}
