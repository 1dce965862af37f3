//! Cerbos. It stores no facts of clients, so each request carries them, once for
//! all its records, as attributes of the principal.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use lupa_bench::measure::caller::{Call, framed};
use prost::Message;
use prost_types::value::Kind;
use prost_types::{ListValue, Value};

use crate::facts::{DENIED_REGISTER, REQUESTER, Record, denied_event};
use crate::process::{Server, free_address};

pub(crate) const CHECK: Call = Call::Rpc("/cerbos.svc.v1.CerbosService/CheckResources");

/// Maximum number of resources in a request.
pub(crate) const RESOURCES_MAX: usize = 500;

const POLICY: &str = r#"apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: record
  version: default
  rules:
  - actions: [read]
    effect: EFFECT_ALLOW
    roles: [professional]
    condition:
      match:
        all:
          of:
          - expr: P.attr.relationship
          - any:
              of:
              - expr: R.attr.register == P.attr.register
              - all:
                  of:
                  - expr: P.attr.informed
                  - expr: P.attr.consent
                  - expr: "!(R.attr.register in P.attr.denied_registers)"
                  - expr: "!(R.attr.event in P.attr.denied_events)"
"#;

pub(crate) fn start(program: &Path, folder: &Path) -> Server {
    let policies = folder.join("policies");
    std::fs::create_dir_all(&policies).expect("a folder");
    std::fs::write(policies.join("record.yaml"), POLICY).expect("a policy");
    let (grpc, http) = (free_address(), free_address());
    let config = folder.join("cerbos.yaml");
    let text = format!(
        "server:\n  grpcListenAddr: \"{grpc}\"\n  httpListenAddr: \"{http}\"\n  requestLimits:\n    \
         maxResourcesPerRequest: {RESOURCES_MAX}\nstorage:\n  driver: disk\n  disk:\n    directory: {}\n    \
         watchForChanges: false\naudit:\n  enabled: false\ntelemetry:\n  disabled: true\n",
        policies.display()
    );
    std::fs::write(&config, text).expect("a configuration");
    let mut command = Command::new(program);
    command.arg("server").arg("--config").arg(&config).args(["--log-level", "error"]);
    Server::at(command, grpc)
}

pub(crate) fn question(records: &[Record]) -> Bytes {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let truth = Value { kind: Some(Kind::BoolValue(true)) };
    let list = |item: &str| {
        let values = vec![text(item)];
        Value { kind: Some(Kind::ListValue(ListValue { values })) }
    };
    let principal = Principal {
        id: REQUESTER.to_owned(),
        roles: vec!["professional".to_owned()],
        attr: BTreeMap::from([
            ("register".to_owned(), text(REQUESTER)),
            ("relationship".to_owned(), truth.clone()),
            ("informed".to_owned(), truth.clone()),
            ("consent".to_owned(), truth),
            ("denied_registers".to_owned(), list(DENIED_REGISTER)),
            ("denied_events".to_owned(), list(&denied_event())),
        ]),
    };
    let resources = records.iter().map(|record| ResourceEntry {
        actions: vec!["read".to_owned()],
        resource: Some(Resource {
            kind: "record".to_owned(),
            id: record.id.clone(),
            attr: BTreeMap::from([
                ("register".to_owned(), text(record.register)),
                ("event".to_owned(), text(&record.event)),
            ]),
        }),
    });
    framed(&CheckResourcesRequest { principal: Some(principal), resources: resources.collect() })
}

/// Whether each record is permitted.
pub(crate) fn read(answer: Bytes) -> Vec<bool> {
    const ALLOW: i32 = 1;
    let answer = CheckResourcesResponse::decode(answer).expect("an answer");
    answer.results.iter().map(|result| result.actions.get("read") == Some(&ALLOW)).collect()
}

/// The used fields of `cerbos.request.v1.CheckResourcesRequest`.
#[derive(Clone, PartialEq, Message)]
struct CheckResourcesRequest {
    #[prost(message, optional, tag = "3")]
    principal: Option<Principal>,
    #[prost(message, repeated, tag = "4")]
    resources: Vec<ResourceEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceEntry {
    #[prost(string, repeated, tag = "1")]
    actions: Vec<String>,
    #[prost(message, optional, tag = "2")]
    resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Message)]
struct Principal {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, repeated, tag = "3")]
    roles: Vec<String>,
    #[prost(btree_map = "string, message", tag = "4")]
    attr: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    id: String,
    #[prost(btree_map = "string, message", tag = "4")]
    attr: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckResourcesResponse {
    #[prost(message, repeated, tag = "2")]
    results: Vec<ResultEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct ResultEntry {
    #[prost(btree_map = "string, int32", tag = "2")]
    actions: BTreeMap<String, i32>,
}
