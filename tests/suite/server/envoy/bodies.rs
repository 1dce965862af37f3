//! Request smuggling: a second request in the body of a first one. A service that does
//! not read the body takes it for the next request of the connection, for which no check
//! was made.

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Envoy, lupa, path_of};
use crate::fixtures::patience::PATIENCE;

/// The second request, with the headers that only Envoy may set.
fn smuggled() -> String {
    format!(
        "GET {} HTTP/1.1\r\nhost: records\r\nx-lupa-permitted-records: entry-2\r\nx-token-payload: e30\r\n\r\n",
        path_of("entry-2")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_in_a_body_reaches_the_service() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    for envoy in [Envoy::start(process.address()).await, Envoy::start_before_checks(process.address()).await]
    {
        let (permitted, smuggled) = (path_of("entry-1"), smuggled());
        for method in ["GET", "HEAD", "DELETE"] {
            let head = format!(
                "{method} {permitted} HTTP/1.1\r\nhost: records\r\nauthorization: Bearer {}\r\nconnection: close",
                envoy.token
            );
            let (length, chunk) =
                (smuggled.len(), format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len()));
            for sent in [
                format!("{head}\r\ncontent-length: {length}\r\n\r\n{smuggled}"),
                format!("{head}\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"),
                format!("{head}\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n{smuggled}"),
                format!("{head}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"),
                format!("{head}\r\ncontent-length: 0\r\ncontent-length: {length}\r\n\r\n{smuggled}"),
            ] {
                let answer = envoy.send_as_it_is(&sent).await;
                let is_refused = answer.text.contains(" 403 ") || answer.text.contains(" 400 ");
                assert!(is_refused && !answer.text.contains(" 200 "), "{sent}: {}", answer.text);
                assert_eq!(envoy.reached().len(), 0, "{sent}: {}", answer.text);
            }
        }
        // An empty body is forwarded as no body.
        let token = format!("authorization: Bearer {}", envoy.token);
        let empty = format!(
            "GET {permitted} HTTP/1.1\r\nhost: records\r\n{token}\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        );
        assert!(matches!(envoy.send_as_it_is(&empty).await.status, 200 | 403));
        assert!(envoy.reached().iter().all(|(_, headers)| !headers.contains_key("transfer-encoding")));
        assert_eq!(envoy.get(&permitted, &["content-length: 0"]).await.status, 200);
        assert_eq!(envoy.reached().len(), 1);
        assert_eq!(envoy.get(&permitted, &["connection: upgrade", "upgrade: websocket"]).await.status, 403);
        assert_eq!(envoy.reached().len(), 0);
    }
}

/// Envoy does not wait for a missing body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_body_times_out() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    let head = format!("authorization: Bearer {}\r\ncontent-length: 5", envoy.token);
    let sent = format!("GET {} HTTP/1.1\r\nhost: records\r\n{head}\r\n\r\n", path_of("entry-1"));
    let timed_out = tokio::time::timeout(PATIENCE, envoy.send_as_it_is(&sent)).await.unwrap();
    assert_eq!((timed_out.status, envoy.reached().len()), (408, 0), "{}", timed_out.text);
}

/// In HTTP/2 a body may come without a length: Envoy reads it before the check.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_of_http2_without_a_length_reaches_the_service() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    for envoy in [Envoy::start(process.address()).await, Envoy::start_before_checks(process.address()).await]
    {
        for (body, expected) in [(None, 200), (Some(String::new()), 200), (Some(smuggled()), 403)] {
            let status = over_http2(&envoy, body.clone()).await;
            assert_eq!(status, expected, "{body:?}");
            assert_eq!(envoy.reached().len(), usize::from(expected == 200), "{body:?}");
        }
    }
}

async fn over_http2(envoy: &Envoy, body: Option<String>) -> u16 {
    let stream = TcpStream::connect(envoy.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("http://records{}", path_of("entry-1")))
        .header("authorization", format!("Bearer {}", envoy.token))
        .body(())
        .unwrap();
    let mut client = client.ready().await.unwrap();
    let (answer, mut stream) = client.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        stream.send_data(Bytes::from(body), true).unwrap();
    }
    let status = answer.await.unwrap().status().as_u16();
    connection.abort();
    status
}

/// The service must be safe without Envoy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_itself_reads_no_request_from_a_body() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    let smuggled = smuggled();
    for head in [format!("content-length: {}", smuggled.len()), "transfer-encoding: chunked".to_owned()] {
        let mut stream = TcpStream::connect(envoy.upstream.service_address()).await.unwrap();
        let sent = format!("GET {} HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{smuggled}", path_of("entry-1"));
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        drop(stream.read_to_end(&mut text).await);
        let text = String::from_utf8_lossy(&text);
        assert!(text.starts_with("HTTP/1.1 400 ") && text.matches("HTTP/1.1 ").count() == 1, "{text}");
    }
}
