//! Decisions through gRPC on loopback, client and server in one process, each
//! client sending its next request when the last is answered. `cargo bench --bench grpc`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails by panicking, and prints what it measured"
)]

mod thousand;

use std::time::{Duration, Instant};

use lupa::cli::document::Document;
use lupa::policy::calendar::Calendar;
use lupa::server::{Server, clock};
use lupa::wire::v1;
use lupa::wire::v1::decision_service_client::DecisionServiceClient;
use lupa::wire::v1::declaration_service_client::DeclarationServiceClient;
use lupa::wire::v1::directory_service_client::DirectoryServiceClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::transport::Channel;

const REPEATS: usize = 9;
const REPEAT: Duration = Duration::from_secs(1);
const DECLARATIONS: usize = 3;

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.sqlite").into_os_string();
    let loaded = lupa::config::load(None, [("LUPA_STORE__PATH".into(), path)]).expect("a configuration");
    let server = Server::open(&loaded.config, Calendar::published(), clock::now).await.expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(listener, async { stopped.await.unwrap_or(()) }));

    set_up(connect(&address).await).await;
    println!("client      records/request   median ms/request   (least – most)      records/s");
    for clients in [1, 4] {
        for records in [1, 100, thousand::RECORDS] {
            measure(&address, clients, records).await;
        }
    }

    drop(stop);
    running.await.expect("the server's task").expect("an ordered end");
}

async fn connect(address: &str) -> Channel {
    Channel::from_shared(address.to_owned()).expect("an address").connect().await.expect("a connection")
}

/// Loads the demo directory and the client's declarations.
async fn set_up(channel: Channel) {
    let document = Document::read(include_str!("../deploy/demo/directory.yaml")).expect("YAML");
    let directory = Some(document.parse().expect("a directory"));
    let replace = v1::ReplaceDirectoryRequest { directory };
    let mut directories = DirectoryServiceClient::new(channel.clone());
    while let Err(status) = directories.replace_directory(replace.clone()).await {
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    }
    let mut declarations = DeclarationServiceClient::new(channel);
    for (place, declaration) in thousand::declarations(DECLARATIONS).into_iter().enumerate() {
        let request = v1::RecordRequest {
            client: Some(thousand::client()),
            declaration: Some(declaration),
            declarer: Some(v1::Declarer { role: v1::Role::Client.into(), ..Default::default() }),
            recorded_by: Some(v1::RecordedBy {
                recorded_by: Some(v1::recorded_by::RecordedBy::MyKanta(v1::MyKanta {})),
            }),
            idempotency_key: format!("bench-{place}"),
            ..Default::default()
        };
        declarations.record(request).await.expect("recorded");
    }
}

/// Some clients, each on a connection of its own; prints one line.
async fn measure(address: &str, clients: usize, records: usize) {
    let mut request = thousand::request();
    request.records.truncate(records);
    let mut channels = Vec::new();
    for _ in 0..clients {
        let mut client = DecisionServiceClient::new(connect(address).await);
        let answer = client.decide(request.clone()).await.expect("an answer").into_inner();
        assert_eq!(answer.verdicts.len(), records);
        channels.push(client);
    }
    let mut repeats = Vec::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        let asking = channels.iter().map(|client| tokio::spawn(ask(client.clone(), request.clone(), began)));
        let mut answered = 0;
        for task in asking.collect::<Vec<_>>() {
            answered += task.await.expect("a client");
        }
        repeats.push(began.elapsed().as_secs_f64() * 1_000.0 / f64::from(answered));
    }
    repeats.sort_by(f64::total_cmp);
    let (least, most) = (repeats.first().expect("one"), repeats.last().expect("one"));
    let median = repeats.get(REPEATS / 2).expect("one");
    // Of all clients together: they wait beside one another.
    let per_request = median * f64::from(u32::try_from(clients).expect("few"));
    let per_second = f64::from(u32::try_from(records).expect("few")) * 1_000.0 / median;
    let spread = f64::from(u32::try_from(clients).expect("few"));
    println!(
        "{clients:>6} {records:>20} {per_request:>19.3}   ({:.3} – {:.3}) {per_second:>14.0}",
        least * spread,
        most * spread
    );
}

/// Asks until the repeat is over; how many were answered.
async fn ask(mut client: DecisionServiceClient<Channel>, request: v1::DecideRequest, began: Instant) -> u32 {
    let mut answered = 0;
    while began.elapsed() < REPEAT {
        client.decide(request.clone()).await.expect("an answer");
        answered += 1;
    }
    answered
}
