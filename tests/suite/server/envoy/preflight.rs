//! A browser's preflight has no token: Envoy's first filter answers it
//! (`deploy/envoy/CORS.md`), and neither Lupa nor the service sees it.

use tempfile::TempDir;

use super::{Envoy, lupa, path_of};

const ORIGIN: &str = "origin: https://portal.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preflight_is_answered_before_the_filters_that_deny() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    for envoy in [Envoy::start(process.address()).await, Envoy::start_before_checks(process.address()).await]
    {
        let options = format!("OPTIONS {} HTTP/1.1\r\nhost: records", path_of("entry-2"));
        let asks = "access-control-request-method: GET";
        let preflight = envoy.send(&options, &[ORIGIN, asks]).await;
        assert_eq!(preflight.status, 200, "{}", preflight.text);
        for line in [
            "access-control-allow-origin: https://portal.example",
            "access-control-allow-methods: GET, HEAD",
            "access-control-allow-headers: authorization, x-lupa-token",
        ] {
            assert!(preflight.text.contains(line), "{line}: {}", preflight.text);
        }
        // Other origins, and calls that are no preflight, reach the filters that deny.
        for lines in [&["origin: https://other.example", asks][..], &[ORIGIN], &[]] {
            let answer = envoy.send(&options, lines).await;
            assert_eq!(answer.status, 401, "{lines:?}: {}", answer.text);
            assert!(!answer.text.contains("access-control-allow-methods"), "{lines:?}: {}", answer.text);
        }
        assert_eq!((envoy.reached().len(), envoy.upstream.lookups().len()), (0, 0));
        // The page may read all answers, denials too; this permits nothing.
        for (entry, status) in [("entry-1", 200), ("entry-2", 403)] {
            let answer = envoy.get(&path_of(entry), &[ORIGIN]).await;
            assert_eq!(answer.status, status, "{}", answer.text);
            assert!(
                answer.text.contains("access-control-allow-origin: https://portal.example"),
                "{}",
                answer.text
            );
        }
        let other = envoy.get(&path_of("entry-1"), &["origin: https://other.example"]).await;
        assert_eq!((other.status, other.text.contains("access-control-allow-origin")), (200, false));
    }
}

/// A page can distinguish an outage from a denial: it may read that answer too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_answer_is_readable_cross_origin() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    process.kill();
    let answer = envoy.get(&path_of("entry-1"), &[ORIGIN]).await;
    assert_eq!((answer.status, envoy.reached().len()), (503, 0), "{}", answer.text);
    assert!(answer.text.contains("access-control-allow-origin: https://portal.example"), "{}", answer.text);
}
