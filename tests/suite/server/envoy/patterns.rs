//! The two patterns of `deploy/envoy`: the lookup before the check, and the check by the
//! service. In both the service describes its records, and a caller cannot override that.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{AINO, Envoy, HOLDING, lupa, path_of};

/// Claims of a caller about the client and the register of an entry that is denied.
fn claims() -> Vec<String> {
    let denied = path_of("entry-2");
    let list = format!("/clients/{AINO}/registers/{HOLDING}/records");
    let facts = "recorded_on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY";
    vec![
        format!("{denied}?service_event=visit-1"),
        format!("{denied}?service_event=visit-1&{facts}"),
        format!("{denied}?service_event=visit-2&service_event=visit-1"),
        format!("{denied}?serviceEvent=visit-1"),
        format!("{denied}?records=W10"),
        format!("{list}?id=entry-2&service_event=visit-1&{facts}"),
        format!("{list}?id=entry-2"),
        // A record of another client, without consents; the service holds no such entry of Aino.
        denied.replace(AINO, "010190-901R").replace("entry-2", "entry-9"),
        denied.replace("entry-2", "entry-9"),
        denied.replace(HOLDING, "1.2.246.10.99999999.5.1"),
    ]
}

/// Headers by which a caller would claim it.
const MADE_UP: [&str; 5] = [
    "x-lupa-records: W10",
    "x-lupa-client: 010181-900C",
    "x-lupa-permitted-records: entry-1,entry-2,entry-9",
    "x-lupa-decision-id: forged",
    "x-token-payload: e30",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookup_provides_records_and_caller_cannot_override() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    for path in claims() {
        for lines in [&[][..], &MADE_UP] {
            let answer = envoy.get(&path, lines).await;
            assert_eq!((answer.status, envoy.reached().len()), (403, 0), "{path}: {}", answer.text);
        }
    }
    // A part of the query that the service reads and Lupa does not.
    for more in
        ["id=entry-2", "service_event=visit-1", "x", "=", "ID=entry-2", "%69d=entry-2", "id%5B%5D=entry-2"]
    {
        let answer = envoy.get(&format!("{}?{more}", path_of("entry-1")), &[]).await;
        assert_eq!((answer.status, envoy.reached().len()), (403, 0), "{more}: {}", answer.text);
    }
    let permitted = envoy.get(&path_of("entry-1"), &MADE_UP).await;
    assert_eq!((permitted.status, permitted.shown()), (200, vec!["entry-1"]), "{}", permitted.text);
    let [(path, headers)] = envoy.reached().try_into().unwrap();
    assert_eq!(path, path_of("entry-1"));
    assert_eq!(headers.get_all("x-lupa-permitted-records").iter().collect::<Vec<_>>(), ["entry-1"]);
    assert_ne!(headers["x-lupa-decision-id"], "forged");
    // The lookup used the path of the call.
    let lookups = envoy.upstream.lookups();
    assert_eq!(lookups.last().map(|(path, _)| path.clone()), Some(format!("/held{}", path_of("entry-1"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_shows_the_permitted_of_several_records() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let list = format!("/clients/{AINO}/registers/{HOLDING}/records");
    for envoy in [Envoy::start(process.address()).await, Envoy::start_before_checks(process.address()).await]
    {
        for (query, shown) in [
            ("", vec!["entry-1", "entry-3"]),
            ("?id=entry-1&id=entry-2", vec!["entry-1"]),
            ("?id=entry-3&id=entry-9", vec!["entry-3"]),
        ] {
            let answer = envoy.get(&format!("{list}{query}"), &[]).await;
            assert_eq!((answer.status, answer.shown()), (200, shown), "{query}: {}", answer.text);
        }
        for query in ["?id=entry-2", "?id=entry-9", "?id="] {
            assert_eq!(envoy.get(&format!("{list}{query}"), &[]).await.status, 403, "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_requests_decisions_before_sending() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start_before_checks(process.address()).await;
    for path in claims() {
        for lines in [&[][..], &MADE_UP] {
            let answer = envoy.get(&path, lines).await;
            assert_eq!((answer.status, answer.shown().len()), (403, 0), "{path}: {}", answer.text);
        }
    }
    let permitted = envoy.get(&path_of("entry-1"), &MADE_UP).await;
    assert_eq!((permitted.status, permitted.shown()), (200, vec!["entry-1"]), "{}", permitted.text);
    // The requester is the one that Envoy has verified, not the one that the caller claims.
    envoy.reached();
    let unknown = format!("GET {} HTTP/1.1\r\nhost: records", path_of("entry-1"));
    let unknown = envoy.send(&unknown, &["x-token-payload: e30"]).await;
    assert_eq!((unknown.status, envoy.reached().len()), (401, 0));
    let forged = envoy.get(&path_of("entry-1"), &["x-token-payload: e30"]).await;
    let [(_, headers)] = envoy.reached().try_into().unwrap();
    assert_eq!((forged.status, headers.get_all("x-token-payload").iter().count()), (200, 1));
    assert_ne!(headers["x-token-payload"], "e30");
    // Neither a permit nor a denial.
    process.kill();
    let answer = envoy.get(&path_of("entry-1"), &[]).await;
    assert_eq!((answer.status, answer.shown().len()), (503, 0), "{}", answer.text);
}

/// Without Envoy, and so without a decision, the service shows nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_shows_only_records_that_lupa_permits() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    for envoy in [Envoy::start(process.address()).await, Envoy::start_before_checks(process.address()).await]
    {
        let mut stream = TcpStream::connect(envoy.upstream.service_address()).await.unwrap();
        let head = format!("GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", path_of("entry-1"));
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
    }
}
