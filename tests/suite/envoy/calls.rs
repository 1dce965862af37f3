//! What passes and what does not.

use tempfile::TempDir;

use super::{AINO, Envoy, HOLDING, lupa, path_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_permitted_reaches_the_service() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;

    // Made up by the caller: gone when it gets there.
    let made_up =
        ["x-lupa-obligations: OBLIGATION_NONE", "x-lupa-permitted-records: entry-9", "x-lupa-reason: x"];
    let permitted = envoy.get(&path_of("visit-1"), &made_up).await;
    assert_eq!(permitted.status, 200, "{}", permitted.text);
    let [(path, headers)] = envoy.reached().try_into().unwrap();
    assert_eq!(path, path_of("visit-1"));
    assert_eq!(headers.get_all("x-lupa-reason").iter().collect::<Vec<_>>(), ["REASON_CONSENT"]);
    assert_eq!((headers.get("x-lupa-obligations"), headers.get("x-lupa-permitted-records")), (None, None));
    let token = headers["x-lupa-token"].to_str().unwrap().to_owned();

    let denied = envoy.get(&path_of("visit-2"), &[]).await;
    assert_eq!(denied.status, 403);
    assert!(denied.text.contains("application/problem+json"), "{}", denied.text);
    assert!(denied.text.contains(r#""reason":"REASON_NOT_SHAREABLE""#), "{}", denied.text);

    // The token of a decision is taken back, and a made-up one is not.
    let again = format!("x-lupa-token: {token}");
    assert_eq!(envoy.get(&path_of("visit-1"), &[&again]).await.status, 200);
    assert_eq!(envoy.get(&path_of("visit-1"), &["x-lupa-token: AAAA"]).await.status, 403);
    assert_eq!(envoy.get(&path_of("visit-1"), &[&again, &again]).await.status, 403);
    assert_eq!(envoy.reached().len(), 1);

    // Nobody knows who asks.
    let unknown = envoy.send(&format!("GET {} HTTP/1.1\r\nhost: records", path_of("visit-1")), &[]).await;
    assert_eq!((unknown.status, envoy.reached().len()), (401, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_the_service_is_told_the_permitted_ones() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    let one = |id: &str, event: &str| {
        format!("id={id}&service_event={event}&recorded_on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY")
    };
    let list = format!("/clients/{AINO}/registers/{HOLDING}/records");
    let both = format!("{list}?{}&{}", one("a", "visit-1"), one("b", "visit-2"));
    assert_eq!(envoy.get(&both, &[]).await.status, 200);
    let [(_, headers)] = envoy.reached().try_into().unwrap();
    assert_eq!(headers["x-lupa-permitted-records"], "a");
    let denied = format!("{list}?{}", one("b", "visit-2"));
    assert_eq!((envoy.get(&denied, &[]).await.status, envoy.reached().len()), (403, 0));
}

/// Ways to write the path of what is denied that another reader may take for
/// something else, and the other way round. Only what was decided about passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_of_writing_a_path_leads_to_what_was_not_decided() {
    let folder = TempDir::new().unwrap();
    let process = lupa(folder.path()).await;
    let envoy = Envoy::start(process.address()).await;
    let (permitted, denied) = (path_of("visit-1"), path_of("visit-2"));
    let base = format!("/clients/{AINO}/registers/{HOLDING}/records/");
    let facts = "recorded_on=2025-03-18&kind=RECORD_KIND_SERVICE_EVENT_ENTRY";
    let mut ways = vec![
        format!("{permitted}&service_event=visit-2"),
        format!("{permitted}&service_event="),
        format!("{permitted}&SERVICE_EVENT=visit-2")
            .replace("service_event=visit-1", "service_event=visit-2"),
        format!("{permitted}#{denied}"),
        format!("{permitted}%23{denied}"),
        format!("{permitted};service_event=visit-2"),
        permitted.replace('?', "%3f"),
        permitted.replace('?', ";"),
        permitted.replace("entry-1", "entry-1%00"),
        permitted.replace("entry-1", "entry-1%0d%0ax-lupa-reason:%20x"),
        permitted.replace("entry-1", "entry-1%2f..%2fentry-2"),
        permitted.replace("entry-1", "entry-1%252f..%252fentry-2"),
        permitted.replace("entry-1", "entry-1%5c..%5centry-2"),
        permitted.replace("entry-1", "entry-1;x=entry-2"),
        permitted.replace("entry-1", "entry-1%3bx=entry-2"),
        permitted.replace("/records/", "/records;x/"),
        permitted.replace("/clients/", "/CLIENTS/"),
        format!("{base}entry-1/?service_event=visit-1&{facts}"),
        format!("{base}entry-1/.?service_event=visit-1&{facts}"),
        format!("{base}entry-1/%2e?service_event=visit-1&{facts}"),
        format!("{base}entry-1%2f?service_event=visit-1&{facts}"),
        format!("{base}.?service_event=visit-1&{facts}"),
        format!("{base}%2e%2e?service_event=visit-1&{facts}"),
        format!("{base}\u{e4}?service_event=visit-1&{facts}"),
        format!("{base}%e4?service_event=visit-1&{facts}"),
        format!("{base}?service_event=visit-1&{facts}"),
        denied.clone(),
        denied.replace("visit-2", "%76isit-2"),
        denied.replace("service_event", "%73ervice_event"),
        denied.replace("/records/", "//records/"),
        denied.replace("/clients/", "/./clients/"),
        denied.replace("/clients/", "/x/../clients/"),
        format!("http://records{denied}"),
    ];
    ways.push(denied.replace(AINO, "010181%2D900C"));
    let mut passed = Vec::new();
    for way in &ways {
        let answer = envoy.get(way, &[]).await;
        let reached: Vec<_> = envoy.reached().into_iter().map(|(path, _)| path).collect();
        if !matches!(answer.status, 400 | 403) || !reached.is_empty() {
            passed.push((way, answer.status, reached));
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
    // What Envoy writes anew before it asks arrives as it was decided about.
    for (way, plain) in [
        (permitted.replace("/records/", "//records/"), &permitted),
        (permitted.replace("/clients/", "/x/../clients/"), &permitted),
        (permitted.replace("/clients/", "/clients/..;/clients/"), &permitted),
        (permitted.replace("/clients/", "/clients/./x/%2e%2e/"), &permitted),
        (permitted.replace("/clients/", "/%63lients/"), &permitted),
        (permitted.replace("entry-1", "entry-2\\..\\entry-1"), &permitted),
        (permitted.replace("entry-1", "entry-1\\..\\entry-2"), &permitted.replace("entry-1", "entry-2")),
    ] {
        assert_eq!(envoy.get(&way, &[]).await.status, 200, "{way}");
        let [(path, _)] = envoy.reached().try_into().unwrap();
        assert_eq!(path, *plain, "{way}");
    }
    // Other methods, and tunnels.
    for begin in [
        format!("DELETE {permitted} HTTP/1.1\r\nhost: records"),
        format!("POST {permitted} HTTP/1.1\r\nhost: records\r\ncontent-length: 0"),
        "CONNECT records:443 HTTP/1.1\r\nhost: records:443".to_owned(),
        "OPTIONS * HTTP/1.1\r\nhost: records".to_owned(),
    ] {
        let token = format!("authorization: Bearer {}", envoy.token);
        let answer = envoy.send(&begin, &[&token]).await;
        assert!(matches!(answer.status, 400 | 403 | 404), "{begin}: {}", answer.text);
        assert!(envoy.reached().is_empty(), "{begin}");
    }
    // More than Envoy takes.
    let long = format!("x-long: {}", "x".repeat(100_000));
    assert_eq!(envoy.get(&permitted, &[&long]).await.status, 431);
    assert!(envoy.reached().is_empty());
}
