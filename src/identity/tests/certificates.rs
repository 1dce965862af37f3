//! Bad certificates, each refused for its own reason, beside good ones.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    NameConstraints, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::authorities::{REVOKED, TestAuthorities};
use super::issue::{
    DNS, EMAIL, IP, TestCa, URI, ca_params, client, common_name, key, nameless, names_extension,
    raw_names_extension,
};
use super::now;
use crate::identity::names::{NameFault, NameKind};
use crate::identity::{CertificateHolder, CertificateRefusal};

const GOOD: (u8, &[u8]) = (DNS, b"emr.county.fi");

/// A change of the parameters of a good certificate.
fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = client(&[GOOD]);
    change(&mut params);
    params
}

#[test]
fn good_certificates_name_their_callers() {
    let world = TestAuthorities::new();
    let TestAuthorities { county, region, mesh, listed, .. } = &world;
    let intermediate = county.intermediate(ca_params("intermediate"));
    let no_usage = changed(|params| params.extended_key_usages.clear());
    let both = changed(|params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth));
    for (case, chain, caller) in [
        ("a DNS name", vec![county.client(&[GOOD])], "emr"),
        ("in upper case", vec![county.client(&[(DNS, b"EMR.County.FI")])], "emr"),
        ("the same twice", vec![county.client(&[GOOD, GOOD])], "emr"),
        ("beside an unknown name", vec![county.client(&[(DNS, b"www.county.fi"), GOOD])], "emr"),
        ("beside an address", vec![county.client(&[(IP, &[192, 0, 2, 1]), GOOD])], "emr"),
        ("beside an e-mail address", vec![county.client(&[(EMAIL, b"it@county.fi"), GOOD])], "emr"),
        ("beside a URI", vec![county.client(&[(URI, b"spiffe://county.fi/emr"), GOOD])], "emr"),
        ("beside a name of another CA", vec![county.client(&[(DNS, b"emr.region.fi"), GOOD])], "emr"),
        ("another CA", vec![region.client(&[(DNS, b"emr.region.fi")])], "region-emr"),
        ("without usage", vec![county.issue(&no_usage)], "emr"),
        ("for clients and servers", vec![county.issue(&both)], "emr"),
        ("with an intermediate CA", vec![intermediate.client(&[GOOD]), intermediate.der()], "emr"),
        ("with its CA", vec![county.client(&[GOOD]), county.der()], "emr"),
        ("a SPIFFE id", vec![mesh.client(&[(URI, b"spiffe://county.fi/emr")])], "mesh-emr"),
        ("a proxy", vec![mesh.client(&[(URI, b"spiffe://county.fi/proxy")])], "mesh-proxy"),
        (
            "a SPIFFE id beside DNS names",
            vec![mesh.client(&[(DNS, b"a.fi"), (URI, b"spiffe://county.fi/emr"), (DNS, b"b.fi")])],
            "mesh-emr",
        ),
        ("not revoked", vec![listed.client(&[GOOD])], "listed-emr"),
    ] {
        assert_eq!(world.name(&chain).as_deref(), Ok(caller), "{case}");
    }
}

type Refused = (&'static str, Vec<CertificateDer<'static>>, CertificateRefusal);

fn assert_refused(world: &TestAuthorities, cases: Vec<Refused>) {
    let mut wrong = Vec::new();
    for (case, chain, refusal) in cases {
        let found = world.name(&chain);
        if found.as_ref() != Err(&refusal) {
            wrong.push(format!("{case}: {found:?}, expected {refusal:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn certificates_with_bad_names_are_refused() {
    let world = TestAuthorities::new();
    let TestAuthorities { county, region, mesh, .. } = &world;
    let none = |authority: &str| CertificateRefusal::NamesNoCaller(authority.into());
    let invalid = CertificateRefusal::InvalidName;
    let dns = |name: &[u8]| vec![county.client(&[(DNS, name)])];
    let beside = |tag, name: &[u8]| vec![county.client(&[GOOD, (tag, name)])];
    let uri = |name: &[u8]| vec![mesh.client(&[(URI, name)])];
    let label = "a".repeat(64) + ".county.fi";
    let long = "a.".repeat(150) + "fi";
    let many: Vec<String> = (0..300).map(|number| format!("n{number}.county.fi")).collect();
    let many: Vec<(u8, &[u8])> = many.iter().map(|name| (DNS, name.as_bytes())).collect();
    let twice = changed(|params| params.custom_extensions.push(names_extension(&[(DNS, b"lab.county.fi")])));
    let raw = |content: &[u8]| {
        let mut params = nameless();
        params.custom_extensions.push(raw_names_extension(content.to_vec()));
        vec![county.issue(&params)]
    };
    let emr: (u8, &[u8]) = (URI, b"spiffe://county.fi/emr");
    assert_refused(
        &world,
        vec![
            ("common name only", vec![county.issue(&nameless())], CertificateRefusal::NoNames),
            ("no names in the extension", raw(&[0x30, 0]), CertificateRefusal::NoNames),
            ("extension is not a sequence", raw(b"emr.county.fi"), CertificateRefusal::UnreadableNames),
            ("extension is cut off", raw(&[0x30, 9, 0x82, 1, b'a']), CertificateRefusal::UnreadableNames),
            ("extension twice", vec![county.issue(&twice)], CertificateRefusal::DuplicateNames),
            ("not UTF-8", dns(b"emr\xff.county.fi"), CertificateRefusal::UnreadableNames),
            ("unknown kind beside", beside(9, b"x"), CertificateRefusal::UnreadableNames),
            ("300 names", vec![county.client(&many)], CertificateRefusal::TooLarge),
            (
                "address only",
                vec![county.client(&[(IP, &[192, 0, 2, 1])])],
                CertificateRefusal::NoNameOfKind(NameKind::Dns),
            ),
            (
                "e-mail only",
                vec![county.client(&[(EMAIL, b"emr@county.fi")])],
                CertificateRefusal::NoNameOfKind(NameKind::Dns),
            ),
            (
                "URI under a CA of DNS names",
                vec![county.client(&[emr])],
                CertificateRefusal::NoNameOfKind(NameKind::Dns),
            ),
            (
                "DNS name under a CA of URIs",
                vec![mesh.client(&[GOOD])],
                CertificateRefusal::NoNameOfKind(NameKind::Uri),
            ),
            ("NUL", dns(b"emr.county.fi\0.evil.fi"), invalid(NameFault::Control)),
            ("NUL at the end", dns(b"emr.county.fi\0"), invalid(NameFault::Control)),
            ("line feed", dns(b"emr.county.fi\n"), invalid(NameFault::Control)),
            ("space", dns(b" emr.county.fi"), invalid(NameFault::Control)),
            ("not ASCII", dns("ëmr.county.fi".as_bytes()), invalid(NameFault::NotAscii)),
            ("empty name", dns(b""), invalid(NameFault::Empty)),
            ("trailing dot", dns(b"emr.county.fi."), invalid(NameFault::TrailingDot)),
            ("wildcard", dns(b"*.county.fi"), invalid(NameFault::Wildcard)),
            ("wildcard beside", beside(DNS, b"*.county.fi"), invalid(NameFault::Wildcard)),
            ("NUL in an e-mail address beside", beside(EMAIL, b"a\0@county.fi"), invalid(NameFault::Control)),
            ("NUL in a URI beside", beside(URI, b"spiffe://a/b\0"), invalid(NameFault::Control)),
            ("address as a DNS name", dns(b"192.0.2.1"), invalid(NameFault::IpAddress)),
            ("empty label", dns(b"emr..county.fi"), invalid(NameFault::Label)),
            ("underscore", dns(b"emr_1.county.fi"), invalid(NameFault::Label)),
            ("long label", dns(label.as_bytes()), invalid(NameFault::Label)),
            ("long name", dns(long.as_bytes()), invalid(NameFault::TooLong)),
            ("unknown name", dns(b"his.county.fi"), none("county")),
            ("name with a prefix", dns(b"evil-emr.county.fi"), none("county")),
            ("subdomain", dns(b"evil.emr.county.fi"), none("county")),
            ("name with a suffix", dns(b"emr.county.fi.evil.fi"), none("county")),
            ("prefix of a name", dns(b"emr.county.f"), none("county")),
            ("domain", dns(b"county.fi"), none("county")),
            ("name of another CA", dns(b"emr.region.fi"), none("county")),
            ("good name under another CA", vec![region.client(&[GOOD])], none("region")),
            ("two callers", beside(DNS, b"lab.county.fi"), CertificateRefusal::NamesTwoCallers),
            (
                "two URIs",
                vec![mesh.client(&[emr, (URI, b"spiffe://county.fi/x")])],
                CertificateRefusal::SeveralUris,
            ),
            ("the same URI twice", vec![mesh.client(&[emr, emr])], CertificateRefusal::SeveralUris),
            (
                "two URIs beside a DNS name",
                vec![county.client(&[emr, emr, GOOD])],
                CertificateRefusal::SeveralUris,
            ),
            (
                "caller and proxy in two URIs",
                vec![mesh.client(&[emr, (URI, b"spiffe://county.fi/proxy")])],
                CertificateRefusal::SeveralUris,
            ),
            ("wrong trust domain", uri(b"spiffe://region.fi/emr"), none("mesh")),
            ("longer path", uri(b"spiffe://county.fi/emr/x"), none("mesh")),
            ("path in upper case", uri(b"spiffe://county.fi/EMR"), none("mesh")),
            ("trust domain in upper case", uri(b"spiffe://County.fi/emr"), invalid(NameFault::TrustDomain)),
            ("other scheme", uri(b"https://county.fi/emr"), invalid(NameFault::Scheme)),
            ("query", uri(b"spiffe://county.fi/emr?"), invalid(NameFault::Path)),
            ("path that climbs", uri(b"spiffe://county.fi/x/../emr"), invalid(NameFault::Path)),
            ("NUL in the path", uri(b"spiffe://county.fi/emr\0"), invalid(NameFault::Control)),
        ],
    );
}

#[test]
fn certificates_with_bad_chains_are_refused() {
    let world = TestAuthorities::new();
    let TestAuthorities { county, listed, unlisted, stale, old, .. } = &world;
    let good = county.client(&[GOOD]);
    let evil = TestCa::new("evil");
    let namesake = TestCa::new("county");
    let self_signed = client(&[GOOD]).self_signed(&key()).expect("a certificate").der().clone();
    let expired = changed(|params| params.not_after = date_time_ymd(2026, 12, 1));
    let future = changed(|params| params.not_before = date_time_ymd(2026, 12, 2));
    let for_servers =
        changed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let for_code = changed(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]);
    let as_ca = changed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let huge = changed(|params| {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![4; 20_000]));
    });
    let critical = changed(|params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let revoked = changed(|params| params.serial_number = Some(SerialNumber::from(REVOKED)));
    let mut flipped = good.to_vec();
    *flipped.last_mut().expect("a byte") ^= 1;
    let trailing = [good.as_ref(), &[0]].concat();
    let cut = good[..good.len() / 2].to_vec();
    let intermediate = county.intermediate(ca_params("intermediate"));
    let mut no_ca = ca_params("no CA");
    no_ca.is_ca = IsCa::NoCa;
    let no_ca = county.intermediate(no_ca);
    let mut short = ca_params("short");
    short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = county.intermediate(short);
    let below_short = short.intermediate(ca_params("below"));
    let mut only_region = ca_params("only region");
    only_region.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("region.fi".to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let only_region = county.intermediate(only_region);
    let mut old_intermediate = ca_params("old intermediate");
    old_intermediate.not_after = date_time_ymd(2026, 11, 1);
    let old_intermediate = county.intermediate(old_intermediate);
    let under_listed = listed.intermediate(ca_params("under listed"));
    let seconds =
        |date: &str| u64::try_from(date.parse::<crate::policy::day::Instant>().expect("a date").timestamp());
    let seconds = |date: &str| seconds(date).expect("after 1970");
    let invalid = |why: &str| CertificateRefusal::ChainInvalid(why.into());
    let chain_of_11 = std::iter::once(good.clone()).chain((0..10).map(|_| county.der())).collect();
    assert_refused(
        &world,
        vec![
            ("no certificate", vec![], CertificateRefusal::NoCertificate),
            ("no DER", vec![b"emr.county.fi".to_vec().into()], CertificateRefusal::Unreadable),
            ("cut off", vec![cut.into()], CertificateRefusal::Unreadable),
            ("trailing byte", vec![trailing.into()], CertificateRefusal::Unreadable),
            ("too large", vec![county.issue(&huge)], CertificateRefusal::TooLarge),
            ("chain too long", chain_of_11, CertificateRefusal::TooLarge),
            ("self-signed", vec![self_signed], CertificateRefusal::UnknownIssuer),
            ("other CA", vec![evil.client(&[GOOD])], CertificateRefusal::UnknownIssuer),
            ("other CA, sent too", vec![evil.client(&[GOOD]), evil.der()], CertificateRefusal::UnknownIssuer),
            ("other CA of the same name", vec![namesake.client(&[GOOD])], CertificateRefusal::BadSignature),
            ("wrong signature", vec![flipped.into()], CertificateRefusal::BadSignature),
            (
                "expired",
                vec![county.issue(&expired)],
                CertificateRefusal::Expired(seconds("2026-12-01T00:00:00Z")),
            ),
            (
                "not yet valid",
                vec![county.issue(&future)],
                CertificateRefusal::NotYetValid(seconds("2026-12-02T00:00:00Z")),
            ),
            ("for servers only", vec![county.issue(&for_servers)], CertificateRefusal::NotForClients),
            ("for code only", vec![county.issue(&for_code)], CertificateRefusal::NotForClients),
            ("a CA", vec![county.issue(&as_ca)], CertificateRefusal::NotOfCaller),
            (
                "unknown critical extension",
                vec![county.issue(&critical)],
                invalid("UnsupportedCriticalExtension"),
            ),
            ("intermediate not sent", vec![intermediate.client(&[GOOD])], CertificateRefusal::UnknownIssuer),
            ("intermediate is no CA", vec![no_ca.client(&[GOOD]), no_ca.der()], invalid("EndEntityUsedAsCa")),
            (
                "intermediate below one that may have none",
                vec![below_short.client(&[GOOD]), below_short.der(), short.der()],
                invalid("PathLenConstraintViolated"),
            ),
            (
                "intermediate of other names",
                vec![only_region.client(&[GOOD]), only_region.der()],
                invalid("NameConstraintViolation"),
            ),
            (
                "intermediate expired",
                vec![old_intermediate.client(&[GOOD]), old_intermediate.der()],
                CertificateRefusal::Expired(seconds("2026-11-01T00:00:00Z")),
            ),
            ("CA expired", vec![old.client(&[GOOD])], CertificateRefusal::IssuerExpired),
            ("revoked", vec![listed.issue(&revoked)], CertificateRefusal::Revoked),
            ("CRL expired", vec![stale.client(&[GOOD])], CertificateRefusal::RevocationListExpired),
            ("CA without CRL", vec![unlisted.client(&[GOOD])], CertificateRefusal::RevocationUnknown),
            (
                "intermediate without CRL",
                vec![under_listed.client(&[GOOD]), under_listed.der()],
                CertificateRefusal::RevocationUnknown,
            ),
        ],
    );
}

#[test]
fn a_refusal_is_a_sentence_without_bytes_of_the_certificate() {
    let world = TestAuthorities::new();
    let refusal = world.name(&[world.county.client(&[(DNS, b"secret\nname")])]).expect_err("refused");
    assert_eq!(
        refusal.to_string(),
        "the certificate has an invalid name: it has a control character or a space"
    );
    let refusal = world.name(&[world.county.client(&[(DNS, b"secret.fi")])]).expect_err("refused");
    assert_eq!(refusal.to_string(), "the certificate names no caller under the authority `county`");
}

#[test]
fn an_identity_has_what_connections_and_logs_need() {
    let world = TestAuthorities::new();
    let mut params = client(&[GOOD]);
    params.serial_number = Some(SerialNumber::from(vec![1, 0xab]));
    params.not_after = date_time_ymd(2027, 3, 1);
    let certificate = world.county.issue(&params);
    let identity =
        world.current.of_certificates(std::slice::from_ref(&certificate), now()).expect("a caller");
    assert_eq!(identity.certificate.serial, "01ab");
    assert_eq!(identity.certificate.issuer, "CN=county");
    assert_eq!(identity.certificate.not_after.to_rfc3339(), "2027-03-01T00:00:00+00:00");
    assert_eq!(identity.certificate.thumbprint, crate::identity::Thumbprint::of(&certificate));
    assert_eq!(&*identity.authority, "county");
    assert!(matches!(&identity.holder, CertificateHolder::Caller(caller) if &*caller.name == "emr"));
    assert_eq!(common_name("county"), ca_params("county").distinguished_name);
}
