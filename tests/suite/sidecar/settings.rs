//! Routes that make no sense are told before anything is begun, all at once.

use std::process::Command;

use crate::server::process::LUPA;

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
fn every_fault_of_the_routes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lupa.toml");
    std::fs::write(&path, ROUTES).unwrap();
    for command in ["config", "serve"] {
        let ended = Command::new(LUPA).arg(command).arg("--config").arg(&path).env_clear().output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        for fault in [
            "sidecar.routes[0].question.channel: value: write a name",
            "sidecar.routes[0].question.records.kind: value: write a name",
            "sidecar.routes[0].question.client.extension: path: write {klient} once",
            "sidecar.routes[0].question.requester.registre: no such part",
            "sidecar.routes[0].question.requester.register: there is no question without it",
            "sidecar.routes[0].question.access_right: there is no question without it",
            "sidecar.routes[1]: methods: name at least one",
            "sidecar.routes[1]: path: write a path",
        ] {
            assert!(said.contains(fault), "{fault}: {said}");
        }
    }
}
