//! Permitted calls pass with the headers of the decision; all others are stopped.

use tempfile::TempDir;

use super::{AINO, Envoy, HOLDING, lupa, path_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_permitted_calls_reach_the_service() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;

    // Forged by the caller: removed before the service.
    let made_up =
        ["x-lupa-obligations: OBLIGATION_NONE", "x-lupa-permitted-records: entry-2", "x-lupa-reason: x"];
    let permitted = envoy.get(&path_of("entry-1"), &made_up).await;
    assert_eq!(permitted.status, 200, "{}", permitted.text);
    assert_eq!(permitted.shown(), ["entry-1"]);
    let [(path, headers)] = envoy.reached().try_into().unwrap();
    assert_eq!(path, path_of("entry-1"));
    assert_eq!(headers.get_all("x-lupa-reason").iter().collect::<Vec<_>>(), ["REASON_CONSENT"]);
    assert_eq!(headers.get_all("x-lupa-permitted-records").iter().collect::<Vec<_>>(), ["entry-1"]);
    assert_eq!(headers.get("x-lupa-obligations"), None);
    let token = headers["x-lupa-token"].to_str().unwrap().to_owned();

    let denied = envoy.get(&path_of("entry-2"), &[]).await;
    assert_eq!(denied.status, 403);
    assert!(denied.text.contains("application/problem+json"), "{}", denied.text);
    assert!(denied.text.contains(r#""reason":"REASON_NOT_SHAREABLE""#), "{}", denied.text);

    // The token of a decision is accepted, a forged one is not.
    let again = format!("x-lupa-token: {token}");
    assert_eq!(envoy.get(&path_of("entry-1"), &[&again]).await.status, 200);
    assert_eq!(envoy.get(&path_of("entry-1"), &["x-lupa-token: AAAA"]).await.status, 403);
    assert_eq!(envoy.get(&path_of("entry-1"), &[&again, &again]).await.status, 403);
    assert_eq!(envoy.reached().len(), 1);

    // Without a known requester nothing is looked up.
    envoy.upstream.lookups();
    let unknown = envoy.send(&format!("GET {} HTTP/1.1\r\nhost: records", path_of("entry-1")), &[]).await;
    assert_eq!((unknown.status, envoy.reached().len(), envoy.upstream.lookups().len()), (401, 0, 0));
}

/// Spellings of the path of a denied record that another parser may read as another
/// record, and the reverse. Only the record that was decided about passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_spelling_of_a_path_reaches_only_decided_records() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    let (permitted, denied) = (path_of("entry-1"), path_of("entry-2"));
    let mut passed = Vec::new();
    for way in ways(&permitted, &denied) {
        let answer = envoy.get(&way, &[]).await;
        let reached: Vec<_> = envoy.reached().into_iter().map(|(path, _)| path).collect();
        if !matches!(answer.status, 400 | 403) || !reached.is_empty() {
            passed.push((way, answer.status, reached));
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
    // A path that Envoy normalizes before the check reaches the service normalized.
    let other = path_of("entry-3");
    for (way, plain) in [
        (permitted.replace("/records/", "//records/"), &permitted),
        (permitted.replace("/clients/", "/x/../clients/"), &permitted),
        (permitted.replace("/clients/", "/clients/..;/clients/"), &permitted),
        (permitted.replace("/clients/", "/clients/./x/%2e%2e/"), &permitted),
        (permitted.replace("/clients/", "/%63lients/"), &permitted),
        (permitted.replace("entry-1", "entry-2\\..\\entry-1"), &permitted),
        (permitted.replace("entry-1", "entry-1\\..\\entry-3"), &other),
    ] {
        assert_eq!(envoy.get(&way, &[]).await.status, 200, "{way}");
        let [(path, _)] = envoy.reached().try_into().unwrap();
        assert_eq!(path, *plain, "{way}");
    }
    // Other methods, and tunnels.
    for start in [
        format!("DELETE {permitted} HTTP/1.1\r\nhost: records"),
        format!("POST {permitted} HTTP/1.1\r\nhost: records\r\ncontent-length: 0"),
        "CONNECT records:443 HTTP/1.1\r\nhost: records:443".to_owned(),
        "OPTIONS * HTTP/1.1\r\nhost: records".to_owned(),
        "GET / HTTP/1.1\r\nhost: records".to_owned(),
        // Only Envoy may send lookups.
        format!("GET /held{permitted} HTTP/1.1\r\nhost: records"),
    ] {
        let token = format!("authorization: Bearer {}", envoy.token);
        let answer = envoy.send(&start, &[&token]).await;
        assert!(matches!(answer.status, 400 | 403 | 404), "{start}: {}", answer.text);
        assert!(envoy.reached().is_empty(), "{start}");
    }
    // More than Envoy takes.
    let long = format!("x-long: {}", "x".repeat(100_000));
    assert_eq!(envoy.get(&permitted, &[&long]).await.status, 431);
    assert!(envoy.reached().is_empty());
}

fn ways(permitted: &str, denied: &str) -> Vec<String> {
    let base = format!("/clients/{AINO}/registers/{HOLDING}/records/");
    vec![
        format!("{permitted}#{denied}"),
        format!("{permitted}%23{denied}"),
        format!("{permitted};id=entry-2"),
        format!("{permitted}%3fid=entry-2"),
        permitted.replace("entry-1", "entry-1%00"),
        permitted.replace("entry-1", "entry-1%0d%0ax-lupa-reason:%20x"),
        permitted.replace("entry-1", "entry-1%2f..%2fentry-2"),
        permitted.replace("entry-1", "entry-1%252f..%252fentry-2"),
        permitted.replace("entry-1", "entry-1%5c..%5centry-2"),
        permitted.replace("entry-1", "entry-1;x=entry-2"),
        permitted.replace("entry-1", "entry-1%3bx=entry-2"),
        permitted.replace("entry-1", "entry-1,entry-2"),
        permitted.replace("/records/", "/records;x/"),
        permitted.replace("/clients/", "/CLIENTS/"),
        format!("{base}entry-1/"),
        format!("{base}entry-1/."),
        format!("{base}entry-1/%2e"),
        format!("{base}entry-1%2f"),
        format!("{base}."),
        format!("{base}%2e%2e"),
        format!("{base}\u{e4}"),
        format!("{base}%e4"),
        base.clone(),
        denied.to_owned(),
        denied.replace("entry-2", "%65ntry-2"),
        denied.replace("entry-2", "entry%2D2"),
        denied.replace("/records/", "//records/"),
        denied.replace("/clients/", "/./clients/"),
        denied.replace("/clients/", "/x/../clients/"),
        denied.replace(AINO, "010181%2D900C"),
        format!("http://records{denied}"),
        format!("{base}?id=entry-1"),
    ]
}
