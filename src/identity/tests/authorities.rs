//! A callers file with several authorities, and their CAs.

use std::sync::Arc;

use rcgen::date_time_ymd;
use rustls::pki_types::CertificateDer;

use super::issue::{TestCa, ca_params};
use super::{CallersFolder, lines, now};
use crate::identity::{CertificateRefusal, Current};

const CALLERS: &str = r#"
[[authorities]]
name = "county"
certificates_file = "county.pem"
names = "dns"
[[authorities]]
name = "region"
certificates_file = "region.pem"
names = "dns"
[[authorities]]
name = "mesh"
certificates_file = "mesh.pem"
names = "uri"
[[authorities]]
name = "listed"
certificates_file = "listed.pem"
crls_file = "listed.crl"
names = "dns"
[[authorities]]
name = "stale"
certificates_file = "stale.pem"
crls_file = "stale.crl"
names = "dns"
[[authorities]]
name = "old"
certificates_file = "old.pem"
names = "dns"

[[proxies]]
name = "mesh-proxy"
authority = "mesh"
uri = "spiffe://county.fi/proxy"
callers_by = "uri"
authority_of_callers = "mesh"

[[callers]]
name = "emr"
authority = "county"
dns = "emr.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "lab"
authority = "county"
dns = "lab.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "region-emr"
authority = "region"
dns = "emr.region.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "mesh-emr"
authority = "mesh"
uri = "spiffe://county.fi/emr"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "listed-emr"
authority = "listed"
dns = "emr.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "stale-emr"
authority = "stale"
dns = "emr.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
[[callers]]
name = "old-emr"
authority = "old"
dns = "emr.county.fi"
organisations = "any"
registers = "any"
verbs = ["decide"]
"#;

/// The serial number that the CRL of `listed` has.
pub(super) const REVOKED: u64 = 0x4711;

/// A configuration with all its CAs.
pub(super) struct TestAuthorities {
    pub(super) current: Arc<Current>,
    pub(super) county: TestCa,
    pub(super) region: TestCa,
    pub(super) mesh: TestCa,
    pub(super) listed: TestCa,
    /// In the file of `listed`, without a CRL.
    pub(super) unlisted: TestCa,
    pub(super) stale: TestCa,
    pub(super) old: TestCa,
}

impl TestAuthorities {
    pub(super) fn new() -> Self {
        let folder = CallersFolder::new();
        let [county, region, mesh, listed, unlisted, stale] =
            ["county", "region", "mesh", "listed", "unlisted", "stale"].map(TestCa::new);
        let mut expired = ca_params("old");
        expired.not_after = date_time_ymd(2026, 11, 30);
        let old = TestCa::of(expired);
        for (name, ca) in [
            ("county.pem", &county),
            ("region.pem", &region),
            ("mesh.pem", &mesh),
            ("stale.pem", &stale),
            ("old.pem", &old),
        ] {
            folder.write(name, ca.pem());
        }
        folder.write("listed.pem", listed.pem() + &unlisted.pem());
        folder.write("listed.crl", listed.crl(&[REVOKED], false));
        folder.write("stale.crl", stale.crl(&[], true));
        folder.write("callers.toml", CALLERS);
        let (identities, warnings) = folder.open().unwrap_or_else(|faults| panic!("{}", lines(&faults)));
        let warnings = lines(&warnings);
        for part in [
            "old.pem: a CA expired",
            "stale.crl: a CRL expired",
            "listed.crl: a CA of certificates_file has no CRL",
        ] {
            assert!(warnings.contains(part), "{warnings}");
        }
        Self { current: identities.current(), county, region, mesh, listed, unlisted, stale, old }
    }

    pub(super) fn name(&self, chain: &[CertificateDer<'static>]) -> Result<String, CertificateRefusal> {
        self.current.of_certificates(chain, now()).map(|identity| identity.holder.name().to_owned())
    }
}
