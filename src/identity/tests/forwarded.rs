//! `x-forwarded-client-cert`, good and bad.

use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::caller::Caller;
use crate::identity::forwarded::{ForwardedRefusal, Proxy};
use crate::identity::names::{NameFault, NameKind};

fn proxy(callers_by: NameKind) -> Proxy {
    let caller = Arc::new(Caller::unrestricted(false));
    let names = ["spiffe://county.fi/emr", "emr.county.fi"];
    let callers: HashMap<_, _> = names.map(|name| (name.to_owned(), Arc::clone(&caller))).into();
    Proxy { name: "mesh".into(), callers_by, callers }
}

const HASH: &str = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

#[test]
fn one_element_with_one_name_is_accepted() {
    let by_uri = proxy(NameKind::Uri);
    for header in [
        "URI=spiffe://county.fi/emr".to_owned(),
        "URI=\"spiffe://county.fi/emr\"".to_owned(),
        format!("By=spiffe://county.fi/proxy;Hash={HASH};URI=spiffe://county.fi/emr"),
        format!("Hash={HASH};Subject=\"CN=\\\"a;b\\\",O=c, d=\";URI=spiffe://county.fi/emr;DNS=other.fi"),
        "By=;URI=spiffe://county.fi/emr".to_owned(),
    ] {
        let found = by_uri.caller(header.as_bytes());
        let forwarded = found.unwrap_or_else(|refusal| panic!("{header}: {refusal}"));
        let thumbprint = forwarded.thumbprint.map(|one| one.to_string());
        assert_eq!(thumbprint.as_deref(), header.contains(HASH).then_some(HASH), "{header}");
    }
    assert!(proxy(NameKind::Dns).caller(b"DNS=EMR.county.fi;URI=").is_ok());
}

#[test]
fn other_headers_are_refused() {
    let long = format!("URI=spiffe://county.fi/emr;Cert={}", "a".repeat(8192));
    let rest = HASH.strip_prefix('4').expect("a digit");
    let short_hash = format!("Hash={rest};URI=spiffe://county.fi/emr");
    let bad_hash = format!("Hash=g{rest};URI=spiffe://county.fi/emr");
    let invalid = ForwardedRefusal::InvalidName;
    for (header, refusal) in [
        ("", ForwardedRefusal::Empty),
        (long.as_str(), ForwardedRefusal::TooLong),
        ("spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("=x", ForwardedRefusal::Malformed),
        (";URI=spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr;", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr; DNS=a", ForwardedRefusal::Malformed),
        (" URI=spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr ", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr=x", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr\0", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/ëmr", ForwardedRefusal::Malformed),
        ("URI=\"spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("URI=\"spiffe://county.fi/emr\"x", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/\"emr\"", ForwardedRefusal::Malformed),
        ("Subject=\"a\nb\";URI=spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("Subject=\"a\\\\\";URI=spiffe://county.fi/emr;DNS=\"", ForwardedRefusal::Ambiguous),
        ("Subject=\"a\\\";URI=spiffe://county.fi/emr", ForwardedRefusal::Malformed),
        ("URI=spiffe://county.fi/emr,URI=spiffe://county.fi/emr", ForwardedRefusal::SeveralElements),
        ("URI=spiffe://county.fi/emr,", ForwardedRefusal::SeveralElements),
        ("By=a,By=b;URI=spiffe://county.fi/emr", ForwardedRefusal::SeveralElements),
        ("URI=spiffe://county.fi/emr;URI=spiffe://county.fi/emr", ForwardedRefusal::DuplicateKey),
        ("DNS=a.fi;DNS=b.fi;URI=spiffe://county.fi/emr", ForwardedRefusal::DuplicateKey),
        ("uri=spiffe://county.fi/emr", ForwardedRefusal::UnknownKey),
        ("Email=a;URI=spiffe://county.fi/emr", ForwardedRefusal::UnknownKey),
        ("By=spiffe://county.fi/emr", ForwardedRefusal::NoName(NameKind::Uri)),
        ("DNS=emr.county.fi", ForwardedRefusal::NoName(NameKind::Uri)),
        ("Subject=\"URI=spiffe://county.fi/emr\"", ForwardedRefusal::NoName(NameKind::Uri)),
        ("URI=", invalid(NameFault::Empty)),
        ("URI=https://county.fi/emr", invalid(NameFault::Scheme)),
        ("URI=\"spiffe://county.fi/emr \"", invalid(NameFault::Control)),
        ("URI=spiffe://county.fi/*", invalid(NameFault::Wildcard)),
        ("URI=spiffe://county.fi/emr/..", invalid(NameFault::Path)),
        ("URI=spiffe://county.fi/emr2", ForwardedRefusal::NamesNoCaller),
        ("URI=spiffe://region.fi/emr", ForwardedRefusal::NamesNoCaller),
        (&short_hash, ForwardedRefusal::Malformed),
        (&bad_hash, ForwardedRefusal::Malformed),
    ] {
        let found = proxy(NameKind::Uri).caller(header.as_bytes()).map(drop);
        assert_eq!(found, Err(refusal), "{header:.80?}");
    }
}
