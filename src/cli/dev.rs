//! `lupa dev`: what a developer needs to try Lupa on one machine.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{Datelike, TimeDelta};
use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};

use super::exit::Exit;
use super::failure::CommandFailure;
use super::terminal::Terminal;
use crate::clock;
use crate::policy::day::Instant;

/// Mode of private keys: only the owner may read them.
const KEY_MODE: u32 = 0o600;

/// Mode of all other files.
const FILE_MODE: u32 = 0o644;

/// Validity of the certificates, in days.
const VALID_DAYS: i64 = 365;

/// Tolerance for clocks that are behind, in days.
const BEFORE_DAYS: i64 = 1;

/// The callers that are made: the file name, and the DNS name in the certificate.
const CALLERS: [(&str, &str); 2] = [("emr", "emr.lupa.example"), ("operator", "operator.lupa.example")];

const CALLERS_FILE: &str = r#"# Made by `lupa dev certs`, for development only.

[[authorities]]
name = "dev-ca"
certificates_file = "ca.pem"
names = "dns"

# An electronic medical record: it requests decisions and records declarations.
[[callers]]
name = "emr"
authority = "dev-ca"
dns = "emr.lupa.example"
organisations = "any"
registers = "any"
verbs = ["decide", "record", "withdraw", "list"]

# The operator of this server: every verb.
[[callers]]
name = "operator"
authority = "dev-ca"
dns = "operator.lupa.example"
organisations = "any"
registers = "any"
verbs = [
    "decide", "explain", "simulate", "record", "withdraw", "list", "list-client-changes-denials",
    "list-disclosure-outside-kanta", "list-investigation", "print", "watch", "link", "import-directory", "operate",
]
details = true
"#;

/// The commands of `lupa dev`.
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Make a development CA, certificates of a server and of two callers, and a callers file
    Certs(DevCertsArgs),
}

/// Arguments of `lupa dev certs`.
#[derive(Debug, Args)]
#[command(after_help = "\
The server certificate is for localhost, 127.0.0.1 and ::1. All certificates expire after a year. The key of
the CA is thrown away: to issue more, run the command again with --force.

Example:
  lupa dev certs certs")]
pub struct DevCertsArgs {
    /// The folder; it is made if it does not exist
    #[arg(default_value = "lupa-certs")]
    folder: PathBuf,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

pub(super) fn run(command: &DevCommand) -> Result<Exit, CommandFailure> {
    match command {
        DevCommand::Certs(args) => certs(args),
    }
}

/// A file to write.
struct DevFile {
    name: String,
    content: String,
    mode: u32,
}

fn certs(DevCertsArgs { folder, force }: &DevCertsArgs) -> Result<Exit, CommandFailure> {
    let files =
        files(clock::now()).map_err(|_| CommandFailure::Internal("the certificates cannot be made"))?;
    let existing = files.iter().find(|file| folder.join(&file.name).exists());
    if let Some(file) = existing.filter(|_| !force) {
        return Err(CommandFailure::Usage(format!(
            "{} exists: name another folder, or replace all files with --force",
            folder.join(&file.name).display()
        )));
    }
    let not_written = |path: &Path, error| CommandFailure::Written(path.display().to_string(), error);
    fs::create_dir_all(folder).map_err(|error| not_written(folder, error))?;
    for file in &files {
        let path = folder.join(&file.name);
        write(&path, file).map_err(|error| not_written(&path, error))?;
    }
    Terminal::detect().show(&next_steps(folder, files.len()))?;
    Ok(Exit::Success)
}

/// Writes a new file: one that exists is removed, since its mode would stay.
fn write(path: &Path, file: &DevFile) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut to = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(path)?;
    to.write_all(file.content.as_bytes())
}

fn files(now: Instant) -> Result<Vec<DevFile>, rcgen::Error> {
    let mut params = params(now, "Lupa development CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let file = |name: &str, content: String, mode| DevFile { name: name.to_owned(), content, mode };
    let mut files =
        vec![file("ca.pem", ca.pem(), FILE_MODE), file("callers.toml", CALLERS_FILE.to_owned(), FILE_MODE)];
    let server = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let callers =
        CALLERS.map(|(name, dns)| (name, vec![dns.to_owned()], ExtendedKeyUsagePurpose::ClientAuth));
    let leaves = [("server", server, ExtendedKeyUsagePurpose::ServerAuth)].into_iter().chain(callers);
    for (name, names, usage) in leaves {
        let mut params = self::params(now, &format!("Lupa development {name}"), names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &ca)?;
        files.push(file(&format!("{name}.pem"), certificate.pem(), FILE_MODE));
        files.push(file(&format!("{name}-key.pem"), key.serialize_pem(), KEY_MODE));
    }
    Ok(files)
}

fn params(now: Instant, common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name = distinguished_name;
    let day = |days| {
        let date = (now + TimeDelta::days(days)).date_naive();
        let [month, day] = [date.month(), date.day()].map(|part| u8::try_from(part).unwrap_or(1));
        rcgen::date_time_ymd(date.year(), month, day)
    };
    params.not_before = day(-BEFORE_DAYS);
    params.not_after = day(VALID_DAYS);
    Ok(params)
}

/// Three commands to try, ready to be pasted.
fn next_steps(folder: &Path, files: usize) -> String {
    let lupa = std::env::current_exe().map_or_else(|_| "lupa".to_owned(), |path| path.display().to_string());
    let folder = folder.display();
    format!(
        "Wrote {files} files to {folder}, for development only. Start a server that knows its callers, and in another \
         terminal show that it knows you:\n\n\
         LUPA_SERVER__TLS_CERTIFICATE_FILE={folder}/server.pem LUPA_SERVER__TLS_KEY_FILE={folder}/server-key.pem \
         LUPA_SERVER__CALLERS_FILE={folder}/callers.toml {lupa} serve\n\n\
         export LUPA_URL=https://localhost:7411 LUPA_TLS_CA={folder}/ca.pem \
         LUPA_TLS_CERTIFICATE={folder}/operator.pem LUPA_TLS_KEY={folder}/operator-key.pem\n\n\
         {lupa} index stats\n"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::identity::{Identities, IdentityFiles, ServerCertificateFiles, Verb, Verbs};

    #[test]
    fn the_certificates_serve_and_name_both_callers() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("certs");
        let make = |force| certs(&DevCertsArgs { folder: folder.clone(), force });
        assert_eq!(make(false).expect("made"), Exit::Success);
        assert!(make(false).expect_err("exists").message().contains("--force"));
        assert_eq!(make(true).expect("made again"), Exit::Success);
        for name in ["server-key.pem", "emr-key.pem", "operator-key.pem"] {
            let mode = fs::metadata(folder.join(name)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, KEY_MODE, "{name}");
        }
        let files = IdentityFiles {
            server: Some(ServerCertificateFiles {
                certificate: folder.join("server.pem"),
                key: folder.join("server-key.pem"),
            }),
            callers: folder.join("callers.toml"),
            is_certificate_optional: false,
        };
        let (identities, warnings) = Identities::open(files, clock::now()).expect("valid");
        assert_eq!(warnings, []);
        let current = identities.current();
        let operator = current.caller("operator").expect("the operator");
        assert_eq!(operator.verbs(), Verbs::all());
        assert!(!current.caller("emr").expect("the record").may(Verb::Explain));
    }
}
