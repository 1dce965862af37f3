//! Tests of the repository itself: module dependencies, orphan files, file sizes, plain
//! words, fictional people. Each failure says what to do. Cargo holds the walls between
//! packages; these tests hold those between the modules of the root package.
//!
//! Needs Git, to list the files; without it, all files are read.
//! Run only this group: `cargo test --test suite architecture::`

mod code;
mod prose;
mod source_digest;
mod tree;

use std::collections::BTreeMap;

use lupa::policy::client_id::IdentityCode;

use code::Code;
use tree::{Source, reachable, rust_files, text_of, tracked_files};

/// The modules of the root package, each with those that it may name besides the core.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("store", &["clock"]),
    ("wire", &[]),
    ("index", &["store", "clock"]),
    ("config", &[]),
    ("telemetry", &["wire", "config"]),
    ("identity", &["config"]),
    ("limits", &[]),
    ("decide", &["wire"]),
    ("service", &["clock", "decide", "wire", "index", "store", "config", "identity", "limits", "telemetry"]),
    ("server", &["clock", "store", "wire", "index", "config", "telemetry", "identity", "limits", "service"]),
    (
        "cli",
        &[
            "clock",
            "decide",
            "store",
            "wire",
            "index",
            "config",
            "telemetry",
            "identity",
            "service",
            "server",
        ],
    ),
];

/// What only these modules may name.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
    ("saphyr_parser", &["cli"]),
    ("rusqlite", &["store"]),
    ("deadpool", &["store"]),
    ("memmap2", &["index"]),
    ("rcgen", &["cli", "identity"]),
    ("ring", &["identity"]),
    ("rustls", &["store", "identity", "server", "cli"]),
    ("rustls_native_certs", &["store"]),
    ("strsim", &["config"]),
    ("tokio_postgres", &["store"]),
    ("tokio_postgres_rustls", &["store"]),
    ("toml", &["config", "identity", "cli"]),
    ("rpds", &["index"]),
    ("arc_swap", &["index", "service", "identity", "server"]),
    ("hmac", &["store", "index", "service"]),
    ("tonic", &["wire", "service", "server", "cli"]),
    ("tonic_health", &["server", "cli"]),
    ("tonic_reflection", &["server"]),
    ("envoy_types", &["service", "server"]),
    ("percent_encoding", &["service", "store", "telemetry"]),
    ("pbjson", &["wire", "cli"]),
    ("pbjson_types", &["wire", "cli"]),
    ("tower", &["server", "cli"]),
    ("opentelemetry", &["telemetry", "server"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_appender_tracing", &["telemetry"]),
    ("prometheus_client", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("x509_parser", &["identity"]),
    ("include_proto", &["wire"]),
];

/// Files of more than 400 lines, each with the reason why it stays whole.
const LONG_FILES: &[(&str, &str)] =
    &[("src/config/settings.rs", "one table, in the order in which the settings are shown")];

/// More lines than this need a reason in [`LONG_FILES`].
const LINES_BEFORE_REASON: usize = 400;

/// No reason is good enough for more.
const LINES_MAX: usize = 500;

/// Names of modules in which everything lands.
const NAMES_THAT_SAY_NOTHING: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "types", "models", "model", "manager", "misc"];

#[test]
fn modules_know_only_whom_they_may() {
    let mut faults = Vec::new();
    for source in rust_files("src") {
        let Some(room) = source.room() else { continue };
        let Some((_, known)) = MAY_KNOW.iter().find(|(name, _)| *name == room) else {
            faults.push(format!("{source}: the module `{room}` is new: give it a row in MAY_KNOW"));
            continue;
        };
        for named in source.code().of_crate {
            let is_allowed = named == room || known.contains(&named.as_str());
            let is_module = MAY_KNOW.iter().any(|(name, _)| *name == named);
            if is_module && !is_allowed {
                faults.push(format!(
                    "{source}: `{room}` names `crate::{named}` and may name {known:?} and the core only: pass it a value \
                     of the core's types, or move the code to a module that may know both"
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn external_crates_stay_in_their_modules() {
    let mut faults = Vec::new();
    for source in rust_files("src") {
        let Some(room) = source.room() else { continue };
        let code = source.code();
        for (name, rooms) in ONLY_IN {
            if code.of_others.contains(*name) && !rooms.contains(&room.as_str()) {
                faults.push(format!("{source}: only {rooms:?} may name `{name}`: move this there"));
            }
        }
    }
    assert_none(&faults);
}

/// Cargo holds that the core depends on nothing of the wire or the store; the
/// standard library is open to it all the same.
#[test]
fn the_core_does_no_input_or_output() {
    let mut faults = Vec::new();
    for source in rust_files("crates/policy/src") {
        let code = source.code();
        for of_std in ["env", "fs", "io", "net", "process", "thread", "time"] {
            let path = format!("std::{of_std}");
            if code.paths.iter().any(|named| *named == path || named.starts_with(&format!("{path}::"))) {
                faults
                    .push(format!("{source}: `{path}` in the core: read it at the edge and pass the value"));
            }
        }
        if code.paths.contains("Utc::now") {
            faults.push(format!("{source}: the core reads a clock: pass it the instant"));
        }
    }
    assert_none(&faults);
}

#[test]
fn every_file_is_reachable_from_a_mod() {
    let mut faults = Vec::new();
    for directory in ["src", "tests", "crates/policy/src"] {
        let reached = reachable(directory);
        for source in rust_files(directory) {
            if !reached.contains(&source.path) {
                faults.push(format!("{source}: no `mod` leads here: add one, or remove the file"));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for source in ["src", "crates"].into_iter().flat_map(rust_files) {
        let lines = source.text().lines().count();
        let reason = LONG_FILES.iter().find(|(path, _)| *path == source.path);
        match reason {
            _ if lines > LINES_MAX => {
                faults.push(format!("{source}: {lines} lines and {LINES_MAX} is the limit: split it"));
            }
            None if lines > LINES_BEFORE_REASON => faults
                .push(format!("{source}: {lines} lines: split it, or say in LONG_FILES why it stays whole")),
            Some(_) if lines <= LINES_BEFORE_REASON => {
                faults.push(format!("{source}: {lines} lines: take it out of LONG_FILES"));
            }
            None | Some(_) => {}
        }
    }
    for (path, _) in LONG_FILES {
        if text_of(path).is_none() {
            faults.push(format!("{path}: is gone: take it out of LONG_FILES"));
        }
    }
    assert_none(&faults);
}

/// Rooms whose types have the names of those that they mirror, and are written with
/// the room before them: `row::Declaration`, `config::Route`.
const NAMED_WITH_ROOM: &[&str] = &["src/config", "src/store/row"];

#[test]
fn a_type_name_has_one_meaning() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in ["src", "crates/policy/src"].into_iter().flat_map(rust_files) {
        let is_left_out = NAMED_WITH_ROOM.iter().any(|room| source.path.starts_with(room));
        if !is_left_out && !source.path.ends_with("tests.rs") {
            for name in source.code().types {
                places.entry(name).or_default().push(source.path.clone());
            }
        }
    }
    let faults: Vec<String> = places
        .into_iter()
        .filter(|(_, paths)| paths.len() > 1)
        .map(|(name, paths)| {
            format!("`{name}` is defined in {}: name each for what it is", paths.join(" and "))
        })
        .collect();
    assert_none(&faults);
}

#[test]
fn modules_are_named_for_what_they_hold() {
    let mut faults = Vec::new();
    for source in ["src", "crates"].into_iter().flat_map(rust_files) {
        for name in source.code().submodules {
            if NAMES_THAT_SAY_NOTHING.contains(&name.as_str()) {
                faults.push(format!("{source}: `mod {name}` says nothing: name it for what it holds"));
            }
        }
    }
    assert_none(&faults);
}

/// Everyone in this repository is made up: identity codes are of the
/// 900-series, which is given to nobody.
#[test]
fn identity_codes_are_all_fictional() {
    let mut faults = Vec::new();
    for path in tracked_files() {
        let Some(text) = text_of(&path) else { continue };
        for (place, line) in text.lines().enumerate() {
            if let Some(column) = real_code(line) {
                faults.push(format!(
                    "{path}:{}:{}: an identity code outside the 900-series: it may be someone's; use 010181-900C",
                    place + 1,
                    column + 1
                ));
            }
        }
    }
    assert_none(&faults);
}

/// Where a line has an identity code that may be someone's.
fn real_code(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    (0..bytes.len()).find(|start| {
        let Some(text) = line.get(*start..start + 11) else { return false };
        let is_whole = !bytes[..*start].last().is_some_and(u8::is_ascii_alphanumeric)
            && !bytes.get(start + 11).is_some_and(u8::is_ascii_alphanumeric);
        is_whole && IdentityCode::parse(text).is_ok() && !text[7..].starts_with('9')
    })
}

#[test]
fn a_real_code_is_found_and_a_made_up_one_is_not() {
    // Put together here, so that the code itself stands nowhere.
    let real = |number: &str| {
        let digits: u32 = format!("010190{number}").parse().unwrap();
        let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[digits as usize % 31];
        format!("010190-{number}{}", char::from(check))
    };
    assert_eq!(real_code(&format!("client: {}", real("123"))), Some(8));
    assert_eq!(real_code(&format!("client: {}", real("901"))), None);
    assert_eq!(real_code(&format!("uuid 7{}", real("123"))), None);
}

#[test]
fn one_version_each_of_the_parts_that_must_agree() {
    let lock = text_of("Cargo.lock").expect("Cargo.lock");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("name = ") {
            versions.entry(name.trim_matches('"')).or_default().extend(lines.next());
        }
    }
    let of = |name: &str| versions.get(name).map_or(0, Vec::len);
    let counts: Vec<_> =
        ["tonic", "tonic-prost", "tonic-types", "prost", "prost-types", "hyper", "h2", "rusqlite"]
            .into_iter()
            .map(|name| (name, of(name)))
            .filter(|(_, count)| *count != 1)
            .collect();
    assert!(
        counts.is_empty(),
        "{counts:?}: run `cargo tree --duplicates` and bring them to one version each"
    );
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn names_are_read_from_tokens() {
    let text = "// crate::cli in a comment\nuse crate::policy::day::Day;\nuse crate::{store, wire::v1};\nuse std::{fs, \
                io::Read};\nconst A: &str = \"crate::server\";\nfn f() { crate::index::g(); \
                super::super::telemetry::h(); super::near(); Utc::now(); tonic::include_proto!(\"x\"); }\nmod inline { \
                fn g() { super::super::super::config::h(); super::super::nearer(); } }\nmod file;\npub(super) mod b;";
    let code = Code::read(text, 2);
    let of_crate: Vec<_> = code.of_crate.iter().map(String::as_str).collect();
    assert_eq!(of_crate, ["config", "index", "policy", "store", "telemetry", "wire"]);
    let of_others: Vec<_> = code.of_others.iter().map(String::as_str).collect();
    assert_eq!(of_others, ["Utc", "std", "tonic"]);
    assert!(["std::fs", "std::io::Read", "Utc::now"].iter().all(|path| code.paths.contains(*path)));
    assert_eq!(code.submodules, ["file", "b"]);
    let source = Source { path: "src/store/row/content.rs".to_owned() };
    assert_eq!((source.room().as_deref(), source.depth()), (Some("store"), 3));
}
