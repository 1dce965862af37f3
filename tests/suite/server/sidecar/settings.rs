//! Invalid routes are reported before the start, all at once.

use std::process::Command;

use crate::fixtures::process::LUPA;

const ROUTES: &str = r#"
[[sidecar.routes]]
methods = ["GET"]
path = "/clients/{client}"
question.client.extension = { path = "klient" }
question.channel = { value = "KANTA" }
question.requester.registre = { header = "x" }
question.claims = { header = "c" }
question.records.id = { header = "r" }
question.records.kind = { value = "ENTRY" }

[[sidecar.routes]]
methods = []
path = "/a//b"
question.access_right = { header = "a" }
"#;

#[test]
fn every_fault_of_the_routes_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lupa.toml");
    std::fs::write(&path, ROUTES).unwrap();
    for command in ["config", "serve"] {
        let ended = Command::new(LUPA).arg(command).arg("--config").arg(&path).env_clear().output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        for fault in [
            "sidecar.routes[0].question.channel: value: write the full name",
            "sidecar.routes[0].question.records.kind: value: write the full name",
            "sidecar.routes[0].question.client.extension: path: write {klient} once",
            "sidecar.routes[0].question.requester.registre: no such part",
            "sidecar.routes[0].question.requester.register: required",
            "sidecar.routes[0].question.access_right: required",
            "sidecar.routes[1]: methods: name at least one",
            "sidecar.routes[1]: path: write a path",
        ] {
            assert!(said.contains(fault), "{fault}: {said}");
        }
    }
}

/// A valid route, to which one faulty line is added.
const ROUTE: &str = r#"
[[sidecar.routes]]
methods = ["GET"]
path = "/clients/{client}"
question.client.extension = { path = "client" }
question.requester.register = { jwt = "token.register" }
question.channel = { value = "CHANNEL_KANTA" }
question.access_right = { value = "true" }
question.records.register = { query = "register", several = true }
"#;

/// Each fault names the field and a valid value.
#[test]
fn a_fault_of_a_route_names_the_field_and_what_to_write() {
    let ids = r#"question.records.id = { query = "id", several = true }"#;
    let with = |line: &str| format!("{ROUTE}{ids}\n{line}\n");
    let path = |path: &str| format!("{ROUTE}{ids}\n").replace("/clients/{client}", path);
    let ground = |place: &str| with(&format!("question.ground = {place}"));
    for (routes, fault) in [
        (with("other_query = 'none'"), "other_query: write \"deny\", \"allow\" or a list"),
        (with("other_query = [1]"), "other_query: write \"deny\", \"allow\" or a list"),
        (with("other_query = ['']"), "other_query: write names that are not empty"),
        (with("permit_some = 'yes'"), "permit_some: write true or false"),
        (with("permits_some = true"), "permits_some: no such setting of a route; write methods"),
        (with("").replace("methods = [\"GET\"]", ""), "methods: write a list of HTTP methods"),
        (with("").replace("[\"GET\"]", "'GET'"), "methods: write a list of HTTP methods"),
        (with("").replace("GET", "get"), "methods: write HTTP methods in capital letters"),
        ("[[sidecar.routes]]\nmethods = ['GET']\n".to_owned(), "path: write the path of the calls"),
        ("[[sidecar.routes]]\nmethods = ['GET']\npath = '/a'\n".to_owned(), "question: write a table"),
        (path("/clients/{client}/records/{record}"), "path: no part of the question comes from {record}"),
        (path("/"), "path: write a path"),
        (ground("{ jwt = 'ground' }"), "question.ground: jwt: write payload_in_metadata"),
        (ground("{ jwt = 'token.' }"), "question.ground: jwt: write payload_in_metadata"),
        (ground("{ jwt = 'token..ground' }"), "question.ground: jwt: write payload_in_metadata"),
        (ground("{ jwt = ['token'] }"), "question.ground: jwt: write payload_in_metadata"),
        (ground("{ jwt = ['token', ''] }"), "question.ground: jwt: write payload_in_metadata"),
        (ground("{ jwt = ['token', 1] }"), "question.ground: jwt: write the path to the claim"),
        (ground("{ jwt = 'token.https://example.org/ground' }"), "question.ground: jwt: a name with a dot"),
        (ground("{ metadata = 'a.b' }"), "question.ground: metadata: write a list"),
        (ground("{ metadata = ['a'] }"), "question.ground: metadata: write the filter's namespace"),
        (ground("{ header = '' }"), "question.ground: header: write the name of a header"),
        (ground("{ header = 'x y' }"), "question.ground: header: write the name of a header"),
        (ground("{ header = ['x'] }"), "question.ground: header: write text"),
        (ground("{ query = '' }"), "question.ground: query: write the name of a parameter"),
        (ground("{ context_extension = '' }"), "question.ground: context_extension: write the name"),
        (ground("{ principal = 'x' }"), "question.ground: principal: write a name with {value}"),
        (ground("{ value = '' }"), "question.ground: value: write the full name"),
        (ground("{ header = 'a', query = 'b' }"), "question.ground: write one place"),
        (ground("{ header = 'a', optionl = true }"), "question.ground: write one place"),
        (ground("{ header = 'a', optional = 1 }"), "question.ground: optional: write true or false"),
        (ground("{ header = 'a', several = true }"), "question.ground: several: only parts of records"),
        (ground("{}"), "question.ground: write where it comes from"),
        (ground("'x'"), "question.ground: write where it comes from"),
        (
            with("question.records.kind = { value = 'RECORD_KIND_PRESCRIPTION', several = true }"),
            "question.records.kind: several: there is only one here",
        ),
        (
            format!("{ROUTE}question.records.id = {{ query = 'id' }}"),
            "question.records.register: several: write it at records.id too",
        ),
        (ROUTE.to_owned(), "question.records.id: a record is required"),
    ] {
        let said = refused(&routes);
        assert!(said.contains("sidecar.routes[0]"), "{routes}: {said}");
        assert!(said.contains(fault), "{routes}: {fault}: {said}");
    }
}

/// The output of `lupa config` for an invalid file.
fn refused(routes: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lupa.toml");
    std::fs::write(&path, routes).unwrap();
    let ended = Command::new(LUPA).arg("config").arg("--config").arg(&path).env_clear().output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{routes}: {said}");
    said
}
