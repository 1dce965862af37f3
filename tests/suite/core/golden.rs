//! Wire compatibility: messages as callers of earlier versions send and receive them
//! decode to the same content. Each message has a file of its bytes in hexadecimal and one
//! of its content in protobuf's JSON. They were written once and do not change.

use std::path::{Path, PathBuf};

use lupa::wire::v1;
use prost::Message;
use serde::de::DeserializeOwned;

fn path(name: &str, kind: &str) -> PathBuf {
    Path::new("tests/expected/golden").join(format!("{name}.{kind}"))
}

fn bytes(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path(name, "hex")).expect("bytes");
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The bytes decode to the content, and the content encodes to the bytes.
fn assert_same<M: Message + Default + PartialEq + DeserializeOwned>(name: &str) {
    let json = std::fs::read_to_string(path(name, "json")).expect("the content");
    let content: M = serde_json::from_str(&json).expect("a message");
    assert!(
        M::decode(bytes(name).as_slice()).expect("a message") == content,
        "{name} decodes to other content"
    );
    assert_eq!(content.encode_to_vec(), bytes(name), "{name}");
}

#[test]
fn messages_of_earlier_versions_decode_the_same() {
    assert_same::<v1::DecideRequest>("decide-request");
    assert_same::<v1::DecideResponse>("decide-response");
    assert_same::<v1::ExplainResponse>("explain-response");
    assert_same::<v1::SimulateRequest>("simulate-request");
    assert_same::<v1::RecordDeclarationRequest>("record-request");
    assert_same::<v1::RecordDeclarationResponse>("record-response");
    assert_same::<v1::WithdrawDeclarationRequest>("withdraw-request");
    assert_same::<v1::ListDeclarationsResponse>("list-response");
    assert_same::<v1::ReplaceDirectoryRequest>("replace-directory-request");
}
