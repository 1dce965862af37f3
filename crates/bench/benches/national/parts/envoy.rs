//! The latency that the authorization call to Lupa adds to a call through Envoy.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::google::rpc;
use lupa_bench::measure::caller::Call;
use lupa_bench::measure::load::Load;
use lupa_bench::measure::noise::{add_child, remove_child};
use lupa_bench::measure::repeats::{Repeats, interleaved};
use lupa_bench::measure::report::Section;
use lupa_bench::measure::repository;
use prost::Message;
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::child::Server;
use crate::empties::{Reads, Runs};
use crate::ports::free_port;
use crate::server::{answer_file, with_demo_directory_and};

/// Maximum time in which Envoy starts.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// A permitted record: an entry of the requester's own register.
const PATH: &str = "/clients/010181-900C/registers/1.2.246.10.99999999.5.1/records/entry-1\
                    ?service_event=visit-1&recorded_on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY";

/// The metrics of a repeat: answers per second, p50 and p99 in µs.
type Measured = [f64; 3];

/// Envoy as in `deploy/envoy`, which answers permitted calls itself. The process is
/// killed when this is dropped.
struct Envoy {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

pub(crate) fn measure(arguments: &Arguments) -> Section {
    let mut section = Section::default();
    let program = repository().join("target/tools/envoy/bin/envoy");
    if !program.exists() {
        section.text("Not measured: Envoy is not installed. `scripts/test` installs it.");
        return section;
    }
    let lupa = with_demo_directory_and(&[("LUPA_CONFIG", "deploy/envoy/lupa.toml")]);
    let permit = CheckResponse {
        status: Some(rpc::Status::default()),
        http_response: Some(HttpResponse::OkResponse(Default::default())),
        ..CheckResponse::default()
    };
    let file = answer_file(lupa.store.parent().expect("a folder"), &permit.encode_to_vec());
    let empty = Server::empty(Reads::Nothing, Runs::PerCore, &file);
    let mut contenders = [
        ("Envoy alone", Envoy::start(&program, None)),
        ("with an empty authorizer", Envoy::start(&program, Some(empty.address))),
        ("with Lupa", Envoy::start(&program, Some(lupa.server.address))),
    ];
    let token = Command::new("deploy/envoy/demo_token.py").output().expect("a token").stdout;
    let token: &'static str = String::from_utf8(token).expect("a token").trim().to_owned().leak();
    section.text(
        "Calls over HTTP/2 to Envoy with one worker, configured by `deploy/envoy/envoy.yaml`: it verifies a token, \
         calls the authorizer, and answers itself, so that no upstream is measured. The empty authorizer reads nothing \
         and permits everything.",
    );
    for (text, connections, in_flight) in
        [("One call at a time.", 1, 1), ("Saturated: 4 connections with 16 concurrent calls on each.", 4, 16)]
    {
        let load = Load { connections, in_flight, lasting: arguments.repeat, may_be_refused: false };
        let measured = interleaved(arguments.repeats, &mut contenders, |(_, envoy)| -> Measured {
            let loaded = load.run(envoy.address, Call::Page { path: PATH, token }, |_| Bytes::new());
            [loaded.rate(), loaded.micros(50.0), loaded.micros(99.0)]
        });
        section.text(text);
        table(&mut section, &contenders, &measured);
    }
    section
}

fn table(section: &mut Section, contenders: &[(&str, Envoy)], measured: &[Repeats<3>]) {
    let alone = measured.first().map_or(f64::NAN, |alone| alone.spread(1).median);
    let rows: Vec<_> = contenders
        .iter()
        .zip(measured)
        .map(|((name, _), repeats)| {
            let [rate, p50, p99] = [0, 1, 2].map(|metric| repeats.spread(metric));
            [
                (*name).to_owned(),
                rate.format(1.0, 0),
                p50.format(1.0, 0),
                format!("{:+.0}", p50.median - alone),
                p99.format(1.0, 0),
                repeats.noise(),
            ]
        })
        .collect();
    section.table(["", "calls/s", "p50 µs", "added to p50, µs", "p99 µs", "noisy repeats"], &rows);
}

impl Envoy {
    fn start(program: &Path, authorizer: Option<SocketAddr>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let address = free_port();
        let set_up = set_up(address, authorizer);
        let path: PathBuf = folder.path().join("envoy.yaml");
        std::fs::write(&path, set_up).expect("a file");
        let mut command = Command::new(program);
        command.arg("-c").arg(&path).args([
            "--log-level",
            "error",
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
        ]);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().expect("Envoy");
        add_child(child.id());
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < STARTED_WITHIN, "Envoy does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address, _folder: folder }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        remove_child(self.child.id());
        self.child.kill().expect("killed");
        self.child.wait().expect("an end");
    }
}

/// The configuration of `deploy/envoy` with other ports, with an answer in place of
/// the upstream, and without an authorizer if there is none.
fn set_up(address: SocketAddr, authorizer: Option<SocketAddr>) -> String {
    let deployed = std::fs::read_to_string("deploy/envoy/envoy.yaml").expect("the configuration");
    let mut set_up = deployed
        .replace("port_value: 7480 ", &format!("port_value: {} ", address.port()))
        .replace("route: { cluster: records, timeout: 5s }", "direct_response: { status: 200 }");
    match authorizer {
        Some(authorizer) => {
            set_up.replace("port_value: 7411 ", &format!("port_value: {} ", authorizer.port()))
        }
        None => {
            let from = set_up.find("          - name: envoy.filters.http.ext_authz").expect("the authorizer");
            let to = set_up.find("          - name: envoy.filters.http.router").expect("the router");
            set_up.replace_range(from..to, "");
            set_up
        }
    }
}
