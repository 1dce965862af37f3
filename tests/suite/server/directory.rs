//! The directory is replaced as a whole, or refused with every fault.

use lupa::wire::v1;
use lupa::wire::v1::OrganisationKind;
use tonic::Code;

use super::fixture::Fixture;
use crate::fixtures::refused::{Refused, because, invalid, refused};
use crate::fixtures::requests::{
    HOLDING, INFORMATION, UNKNOWN, aino, demo_directory, entry, message, question, recording,
};

async fn replace(
    fixture: &Fixture,
    directory: Option<v1::Directory>,
) -> Result<tonic::Response<v1::ReplaceDirectoryResponse>, tonic::Status> {
    fixture
        .directories()
        .replace_directory(v1::ReplaceDirectoryRequest { directory, ..Default::default() })
        .await
}

async fn shown(fixture: &Fixture) -> v1::GetDirectoryResponse {
    fixture.directories().get_directory(v1::GetDirectoryRequest {}).await.expect("a directory").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_directory_is_shown_as_it_was_given_and_replaced_at_once() {
    let fixture = Fixture::start().await;
    assert_eq!(shown(&fixture).await.directory, Some(demo_directory()));
    let rule = async || {
        let answer = fixture.decide(question(aino(), vec![entry("doc-1", "visit-1")])).await;
        (answer.verdicts[0].details().rule.clone(), answer.token)
    };
    assert_eq!(rule().await.0, "hc-no-basis");

    let mut smaller = demo_directory();
    smaller.registers.retain(|register| register.oid != HOLDING);
    smaller.outsourcing.retain(|relation| relation.organiser_register != HOLDING);
    let token = replace(&fixture, Some(smaller.clone())).await.expect("replaced").into_inner().token;
    assert_eq!(rule().await, ("unknown-register".to_owned(), token.clone()));
    assert_eq!(
        shown(&fixture).await,
        v1::GetDirectoryResponse { directory: Some(smaller), token: token.clone() }
    );
    let fixture = fixture.restart_with(&[]).await;
    assert_eq!(shown(&fixture).await.token, token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_replaced_only_if_it_is_the_expected_one() {
    let fixture = Fixture::start().await;
    let replace = async |expected_token: &str, validate_only| {
        let directory = Some(demo_directory());
        let request = v1::ReplaceDirectoryRequest {
            directory,
            expected_token: expected_token.to_owned(),
            validate_only,
        };
        fixture.directories().replace_directory(request).await
    };
    let expected = shown(&fixture).await.token;
    // Declarations after the token do not matter.
    fixture.record(recording(aino(), "1", INFORMATION)).await;
    let checked = replace(&expected, true).await.expect("valid").into_inner();
    assert_eq!(checked, v1::ReplaceDirectoryResponse::default());
    let replaced = replace(&expected, false).await.expect("replaced").into_inner().token;
    let changed = because(Code::Aborted, "DIRECTORY_CHANGED");
    assert_eq!(refused(replace(&expected, false).await), changed);
    assert_eq!(refused(replace(&expected, true).await), changed);
    let forged = because(Code::InvalidArgument, "TOKEN_FORGED");
    let of_field =
        |field: &str| Refused { fields: vec![field.to_owned()], ..because(forged.code, &forged.reason) };
    assert_eq!(refused(replace("made up", false).await), of_field("expected_token"));
    // The token of the answer is that of the new directory.
    let (one, other) = tokio::join!(replace(&replaced, false), replace(&replaced, false));
    assert_eq!([&one, &other].map(|answer| answer.is_ok()).iter().filter(|is_ok| **is_ok).count(), 1);
    replace("", false).await.expect("replaced whatever is in force");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_directory_is_refused_with_every_fault() {
    let fixture = Fixture::start().await;
    let before = shown(&fixture).await;
    let demo = demo_directory();
    let former: Vec<usize> = (0..demo.organisations.len())
        .filter(|place| demo.organisations[*place].kind() == OrganisationKind::FormerPublic)
        .collect();
    let [one, other, ..] = former[..] else { panic!("two former providers") };
    let mut faulty = demo.clone();
    // A cycle of two, an OID twice among organisations, one in registers that
    // an organisation has, and an unknown controller.
    faulty.organisations[one].successor = demo.organisations[other].oid.clone();
    faulty.organisations[other].successor = demo.organisations[one].oid.clone();
    faulty.organisations.push(demo.organisations[0].clone());
    faulty.registers[0].oid = demo.organisations[0].oid.clone();
    faulty.registers[1].controller = UNKNOWN.to_owned();
    faulty.registers[3].oid = demo.registers[2].oid.clone();
    let mut answer = refused(replace(&fixture, Some(faulty)).await);
    let mut expected = [
        format!("directory.organisations[{one}].successor"),
        format!("directory.organisations[{other}].successor"),
        format!("directory.organisations[{}].oid", demo.organisations.len()),
        "directory.registers[0].oid".to_owned(),
        "directory.registers[1].controller".to_owned(),
        "directory.registers[3].oid".to_owned(),
    ];
    expected.sort();
    answer.fields.sort();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(answer, invalid(&expected));

    let unreadable = v1::Directory {
        organisations: vec![message("{ oid: one, operates_from: '2023-02-30', successor: two }")],
        registers: vec![v1::Register { kind: 9, ..message("{ oid: 1.2.3, joined_kanta_on: soon }") }],
        outsourcing: vec![message("{ producer: 1.2.3, valid_until: '2023-1-1' }")],
    };
    let fields = [
        "directory.organisations[0].oid",
        "directory.organisations[0].kind",
        "directory.organisations[0].operates_from",
        "directory.organisations[0].successor",
        "directory.registers[0].controller",
        "directory.registers[0].kind",
        "directory.registers[0].joined_kanta_on",
        "directory.outsourcing[0].organiser_register",
        "directory.outsourcing[0].valid_until",
    ];
    let mut answer = refused(replace(&fixture, Some(unreadable)).await);
    answer.fields.sort();
    let mut sorted = fields;
    sorted.sort_unstable();
    assert_eq!(answer, invalid(&sorted));
    assert_eq!(refused(replace(&fixture, None).await), invalid(&["directory"]));
    assert_eq!(refused(replace(&fixture, Some(message("{}"))).await), invalid(&["directory.organisations"]));
    assert_eq!(shown(&fixture).await, before);
}
