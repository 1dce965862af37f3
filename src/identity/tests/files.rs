//! Callers files, good and bad: every fault is reported with its line and what to do.

use super::issue::TestCa;
use super::{CallersFolder, lines, now};
use crate::identity::{Identities, LocalConnection, OrganisationScope, RegisterScope, Verb};
use crate::policy::oid::Oid;

const AUTHORITY: &str =
    "[[authorities]]\nname = \"county\"\ncertificates_file = \"county.pem\"\nnames = \"dns\"\n";

/// A caller with the lines that are given.
fn caller(name: &str, more: &str) -> String {
    format!(
        "[[callers]]\nname = \"{name}\"\norganisations = \"any\"\nregisters = \"any\"\nverbs = [\"decide\"]\n{more}\n"
    )
}

fn folder(callers: &str) -> CallersFolder {
    let folder = CallersFolder::new();
    folder.write("county.pem", TestCa::new("county").pem());
    folder.write("callers.toml", callers);
    folder
}

#[test]
fn a_file_with_everything_is_read() {
    let folder = folder(
        r#"
[[authorities]]
name = "county"
certificates_file = "county.pem"
names = "dns"

[[callers]]
name = "county-emr"
authority = "county"
dns = "emr.county.fi"
organisations = ["1.2.246.10.1", "1.2.246.10.2"]
registers = "by-controller"
verbs = ["decide", "list-investigation"]
details = true
idempotency_space = "county"

[[callers]]
name = "backup"
local = [{ uid = 1000 }, { gid = 0x64 }, "loopback"]
organisations = "any"
registers = ["1.2.246.10.3"]
verbs = ["operate"]
"#,
    );
    let current = folder.current();
    let emr = current.caller("county-emr").expect("a caller");
    assert!(emr.may(Verb::Decide) && emr.may(Verb::ListInvestigation) && !emr.may(Verb::List));
    assert!(emr.details && emr.registers() == &RegisterScope::ByController);
    assert_eq!((emr.id, &*emr.idempotency_space), (0, "county"));
    assert_eq!(current.known_by(emr), ["dns emr.county.fi under county"]);
    let backup = current.caller("backup").expect("a caller");
    assert_eq!((backup.id, &*backup.idempotency_space, backup.details), (1, "backup", false));
    assert_eq!(backup.organisations(), &OrganisationScope::Any);
    assert!(backup.may_ask_for_register(&Oid::parse("1.2.246.10.3").expect("an OID"), None));
    assert_eq!(current.known_by(backup), ["gid 100", "loopback", "uid 1000"]);
    let local = |connection| current.of_local(connection).map(|caller| &*caller.name);
    assert_eq!(local(LocalConnection::Socket { uid: 1000, gid: 1 }), Some("backup"));
    assert_eq!(local(LocalConnection::Socket { uid: 1, gid: 100 }), Some("backup"));
    assert_eq!(local(LocalConnection::Socket { uid: 1, gid: 1 }), None);
    assert_eq!(local(LocalConnection::Loopback), Some("backup"));
}

#[test]
fn a_fault_is_reported_with_its_line_and_what_to_do() {
    let dns = "authority = \"county\"\ndns = \"emr.county.fi\"";
    let two = caller("a", dns) + &caller("b", dns);
    let subject = "token = { issuer = \"idp\", subject = \"s\" }";
    for (text, part) in [
        ("x = ".to_owned(), "1: not TOML"),
        (String::new(), "write a [[callers]] table"),
        ("caller = []\n".to_owned() + &caller("a", dns), "1: `caller`: no such key; did you mean `callers`?"),
        ("callers = 1".to_owned(), "write [[callers]] tables"),
        ("callers = [1]".to_owned(), "callers[0]: write a table"),
        (caller("A", "local = { uid = 1 }"), "callers[0]: name: write 1 to 64 of a-z, 0-9 and -"),
        (caller("a", ""), "callers.a: authority: missing"),
        (
            caller("a", "local = { uid = 1 }\nverb = 1"),
            "7: callers.a: `verb`: no such key; did you mean `verbs`?",
        ),
        (caller("a", "local = { uid = 1 }\ndetails = 1"), "7: callers.a: details: write true or false"),
        (caller("a", "local = { uid = -1 }"), "local: uid: write a whole number from 0 to 4294967295"),
        (caller("a", "local = { uid = 1, gid = 1 }"), "callers.a: local: write { uid = … }, { gid = … }"),
        (caller("a", "local = \"anyone\""), "callers.a: local: write { uid = … }"),
        (caller("a", "local = { user = 1 }"), "`user`: no such key"),
        (caller("a", "dns = \"emr.county.fi\""), "dns: a name counts under one CA only"),
        (caller("a", "authority = \"county\""), "dns: missing"),
        (caller("a", &(dns.to_owned() + "\nuri = \"spiffe://a/b\"")), "uri: dns is given too"),
        (
            caller("a", &dns.replace("dns =", "uri =")),
            "uri: not a SPIFFE id: it does not start with spiffe://",
        ),
        (caller("a", "authority = \"county\"\nuri = \"spiffe://a/b\""), "by the other kind of name"),
        (caller("a", &dns.replace("emr", "EMR")), "dns: write it in lower case"),
        (
            caller("a", &dns.replace("emr", "*")),
            "dns: not a DNS name: it has a wildcard; names are compared as a whole",
        ),
        (
            caller("a", &dns.replace("\"county\"", "\"count\"")),
            "authority: no entry of [[authorities]] has this name; did you mean `county`?",
        ),
        (caller("a", subject), "token: issuer: no entry of [[token_issuers]] has this name"),
        (caller("a", &subject.replace("\"s\"", "\"s*\"")), "subject: it has a wildcard"),
        (caller("a", "token = { subject = \"s\" }"), "token: issuer: missing"),
        (two, "13: callers.b: authority: callers.a has the same"),
        (
            caller("a", dns) + &caller("a", "local = { uid = 1 }"),
            "callers.a: name: another entry has this name",
        ),
        (
            caller("a", "local = { uid = 1 }") + &caller("b", "local = { uid = 1 }"),
            "callers.b: local: callers.a has the same",
        ),
        (
            caller("a", dns).replace("[\"decide\"]", "[\"decid\"]"),
            "5: callers.a: verbs: no such verb; did you mean `decide`?",
        ),
        (caller("a", dns).replace("[\"decide\"]", "[\"decide\", \"decide\"]"), "`decide` is listed twice"),
        (caller("a", dns).replace("[\"decide\"]", "[]"), "verbs: write a list of verbs"),
        (caller("a", dns).replace("verbs = [\"decide\"]\n", ""), "callers.a: verbs: missing"),
        (caller("a", dns).replacen("\"any\"", "\"all\"", 1), "organisations: write \"any\""),
        (caller("a", dns).replacen("\"any\"", "[\"1.x\"]", 1), "organisations: not an OID"),
        (caller("a", dns).replacen("\"any\"", "[]", 1), "organisations: an empty list permits nothing"),
        (caller("a", dns).replacen("\"any\"", "[\"1.2\", \"1.2\"]", 1), "1.2 is listed twice"),
        (caller("a", &(dns.to_owned() + "\nidempotency_space = \"A\"")), "idempotency_space: write 1 to 64"),
    ] {
        let text = text + "\n" + AUTHORITY;
        let faults = folder(&text).open().map(drop).expect_err(part);
        let faults = lines(&faults);
        assert!(faults.contains("callers.toml") && faults.contains(part), "{part}\n{faults}{text}");
    }
}

#[test]
fn proxies_and_issuers_are_checked_too() {
    let proxy = "[[proxies]]\nname = \"mesh\"\nauthority = \"county\"\ndns = \"proxy.county.fi\"\ncallers_by = \"dns\"\n\
                 authority_of_callers = \"county\"\n";
    let issuer = "[[token_issuers]]\nname = \"idp\"\nissuer = \"https://idp\"\naudience = \"lupa\"\n\
                  keys_file = \"missing.jwks\"\nlifetime_seconds_max = 600\n";
    let other_issuer = issuer.replace("\"idp\"", "\"idp2\"");
    let dns = "authority = \"county\"\ndns = \"proxy.county.fi\"";
    for (text, part) in [
        (proxy.replace("callers_by = \"dns\"", "callers_by = \"uri\""), "callers_by: differs from `names`"),
        (proxy.replace("callers_by = \"dns\"\n", ""), "proxies.mesh: callers_by: missing"),
        (proxy.replace("authority_of_callers = \"county\"", ""), "authority_of_callers: missing"),
        (proxy.replace("authority = \"county\"\n", ""), "proxies.mesh: authority: missing"),
        (proxy.to_owned() + &caller("b", dns), "callers.b: authority: proxies.mesh has the same"),
        (issuer.to_owned() + &other_issuer, "issuer: token_issuers.idp has the same"),
        (issuer.replace("600", "86401"), "lifetime_seconds_max: write a whole number from 1 to 86400"),
        (issuer.replace("lifetime_seconds_max = 600", ""), "lifetime_seconds_max: missing"),
        (issuer.to_owned(), "missing.jwks: cannot be read"),
    ] {
        let text = text + AUTHORITY + &caller("a", "authority = \"county\"\ndns = \"emr.county.fi\"");
        let faults = lines(&folder(&text).open().map(drop).expect_err(part));
        assert!(faults.contains(part), "{part}\n{faults}{text}");
    }
}

#[test]
fn all_faults_are_reported_at_once_in_the_order_of_their_lines() {
    let text = caller("a", "details = 1\nverb = 2") + &caller("b", "dns = 3");
    let faults = folder(&text).open().map(drop).expect_err("faults");
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let places = ["callers.a: authority", "callers.a: details", "callers.a: `verb`", "callers.b: dns"];
    for (place, line) in places.iter().zip(&lines) {
        assert!(line.contains(place), "{lines:?}");
    }
}

#[test]
fn files_of_authorities_are_checked_whole() {
    let ca = TestCa::new("county");
    let other = TestCa::new("other");
    let callers = AUTHORITY.to_owned()
        + "crls_file = \"county.crl\"\n"
        + &caller("a", "authority = \"county\"\ndns = \"emr.county.fi\"");
    let leaf = super::issue::pem("CERTIFICATE", &ca.client(&[(super::issue::DNS, b"a.fi")]));
    for (certificates, crls, part) in [
        (String::new(), ca.crl(&[], false), "county.pem: has no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_owned(),
            ca.crl(&[], false),
            "not valid PEM",
        ),
        (super::issue::pem("CERTIFICATE", b"x"), ca.crl(&[], false), "a certificate cannot be read"),
        (leaf, ca.crl(&[], false), "county.pem: a certificate is not a CA's"),
        (ca.pem(), String::new(), "county.crl: has no CRL"),
        (ca.pem(), super::issue::pem("X509 CRL", b"x"), "a CRL cannot be read"),
        (ca.pem(), other.crl(&[], false), "county.crl: a CRL is not signed by a CA of certificates_file"),
        (ca.pem(), TestCa::new("county").crl(&[], false), "a CRL is not signed by a CA of certificates_file"),
    ] {
        let folder = folder(&callers);
        folder.write("county.pem", certificates);
        folder.write("county.crl", crls);
        let faults = lines(&folder.open().map(drop).expect_err(part));
        assert!(faults.contains(part), "{part}: {faults}");
    }
    let folder = folder(&callers);
    folder.write("county.pem", ca.pem());
    let faults = lines(&folder.open().map(drop).expect_err("no CRL"));
    assert!(faults.contains("county.crl: cannot be read"), "{faults}");
    folder.write("county.crl", ca.crl(&[], false));
    let (identities, warnings) = Identities::open(folder.files(), now()).expect("valid");
    assert_eq!((warnings, identities.expiries().len()), (vec![], 2));
    assert_eq!(identities.paths().len(), 3);
}
