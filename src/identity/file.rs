//! The callers file: authorities, token issuers, proxies and callers, in TOML.
//!
//! All names are exact: there are no patterns. Unknown keys and duplicates are faults, and every fault of the
//! file is reported at once with its line. Paths are relative to the folder of the file.

mod callers;
mod entry;
mod references;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use self::entry::{FileFaults, TableEntry};
use super::caller::{OrganisationScope, RegisterScope};
use super::names::NameKind;
use super::verb::Verbs;
use crate::config::ConfigFault;

/// Maximum length of the name of an entry, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// Maximum of `lifetime_seconds_max`, in seconds: a day.
const LIFETIME_SECONDS_MAX: u32 = 86_400;

/// The content of a callers file without faults. References are positions in the lists.
#[derive(Debug, Default)]
pub(super) struct CallersFile {
    pub(super) authorities: Vec<AuthorityEntry>,
    pub(super) token_issuers: Vec<TokenIssuerEntry>,
    pub(super) proxies: Vec<ProxyEntry>,
    pub(super) callers: Vec<CallerEntry>,
}

/// A CA, or several, under which callers are known.
#[derive(Debug)]
pub(super) struct AuthorityEntry {
    pub(super) name: String,
    pub(super) certificates_file: PathBuf,
    pub(super) crls_file: Option<PathBuf>,
    pub(super) names: NameKind,
}

/// An issuer of bearer tokens.
#[derive(Debug)]
pub(super) struct TokenIssuerEntry {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) keys_file: PathBuf,
    pub(super) lifetime_seconds_max: u32,
}

/// A proxy that may pass on the name of a caller.
#[derive(Debug)]
pub(super) struct ProxyEntry {
    pub(super) name: String,
    pub(super) certificate: CertificateReference,
    pub(super) callers_by: NameKind,
    /// The authority under which the names that it passes on count.
    pub(super) authority_of_callers: usize,
}

/// A name in a certificate under an authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CertificateReference {
    pub(super) authority: usize,
    pub(super) name: String,
}

/// A caller.
#[derive(Debug)]
pub(super) struct CallerEntry {
    pub(super) name: String,
    pub(super) certificate: Option<CertificateReference>,
    pub(super) token: Option<TokenReference>,
    pub(super) local: Vec<LocalPeer>,
    pub(super) verbs: Verbs,
    pub(super) organisations: OrganisationScope,
    pub(super) registers: RegisterScope,
    pub(super) details: bool,
    pub(super) idempotency_space: String,
}

/// The subject of a caller's tokens.
#[derive(Debug)]
pub(super) struct TokenReference {
    pub(super) issuer: usize,
    pub(super) subject: String,
    pub(super) require_bound: bool,
}

/// A peer on this machine by which a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LocalPeer {
    /// A user, over the Unix socket.
    Uid(u32),
    /// A group, over the Unix socket. A caller with the user's id has precedence.
    Gid(u32),
    /// A plaintext connection from this machine.
    Loopback,
}

/// Reads the text of a callers file.
pub(super) fn parse(path: &Path, text: &str) -> Result<CallersFile, Vec<ConfigFault>> {
    let faults = FileFaults::default();
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        faults.add(offset, format!("not TOML: {}", error.message().replace('\n', ", ")));
    }
    if !errors.is_empty() {
        return Err(faults.in_file(path, text));
    }
    let known = ["authorities", "token_issuers", "proxies", "callers"];
    let root = TableEntry::of_table(document.get_ref(), 0, String::new(), &known, &faults);
    let folder = path.parent().unwrap_or(Path::new(""));
    let file = CallersFile::read(&root, folder, &faults);
    let faults = faults.in_file(path, text);
    if faults.is_empty() { Ok(file) } else { Err(faults) }
}

impl CallersFile {
    fn read(root: &TableEntry<'_>, folder: &Path, faults: &FileFaults) -> Self {
        let authorities = named(root, "authorities", AuthorityEntry::KEYS, faults);
        let issuers = named(root, "token_issuers", TokenIssuerEntry::KEYS, faults);
        let proxies = named(root, "proxies", ProxyEntry::KEYS, faults);
        let callers = named(root, "callers", CallerEntry::KEYS, faults);
        if callers.is_empty() {
            faults.add(0, "callers: missing: write a [[callers]] table for each caller".to_owned());
        }
        // Faulty entries are references all the same: a caller of an authority with a fault has no fault by that.
        let kinds = authorities.iter().map(|(entry, name)| (name.as_str(), entry.kind("names")));
        let known = references::Known {
            authorities: kinds.collect(),
            issuers: issuers.iter().map(|(_, name)| name.as_str()).collect(),
        };
        let file = Self {
            proxies: proxies
                .iter()
                .filter_map(|(entry, name)| ProxyEntry::read(entry, name, &known))
                .collect(),
            callers: callers
                .iter()
                .filter_map(|(entry, name)| CallerEntry::read(entry, name, &known))
                .collect(),
            authorities: authorities
                .iter()
                .filter_map(|(entry, name)| AuthorityEntry::read(entry, name, folder))
                .collect(),
            token_issuers: issuers
                .iter()
                .filter_map(|(entry, name)| TokenIssuerEntry::read(entry, name, folder))
                .collect(),
        };
        references::check_unique(&file, &issuers, &proxies, &callers);
        file
    }
}

/// The tables of a list with their names, which are valid and unique, or empty after a fault.
fn named<'d>(
    root: &TableEntry<'d>,
    list: &str,
    known: &[&str],
    faults: &'d FileFaults,
) -> Vec<(TableEntry<'d>, String)> {
    let Some(value) = root.value(list) else { return Vec::new() };
    let Some(items) = root.list(list) else {
        faults.add(value.span().start, format!("{list}: write [[{list}]] tables"));
        return Vec::new();
    };
    let mut entries: Vec<(TableEntry<'d>, String)> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let name = item.get_ref().as_table().and_then(|keys| keys.get("name")).and_then(|name| {
            let name = name.get_ref().as_str()?;
            is_name(name).then(|| name.to_owned())
        });
        let place = name.as_ref().map_or_else(|| format!("{list}[{at}]"), |name| format!("{list}.{name}"));
        let Some(entry) = TableEntry::new(item, place, known, faults) else { continue };
        match (&name, entry.value("name")) {
            (Some(_), _) => {}
            (None, None) => entry.missing("name", "\"county-emr\""),
            (None, Some(_)) => entry.fault("name", "write 1 to 64 of a-z, 0-9 and -"),
        }
        let name = name.unwrap_or_default();
        if !name.is_empty() && entries.iter().any(|(_, other)| *other == name) {
            entry.fault("name", "another entry has this name: give each its own");
        }
        entries.push((entry, name));
    }
    entries
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARACTERS_MAX).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

impl AuthorityEntry {
    const KEYS: &'static [&'static str] = &["name", "certificates_file", "crls_file", "names"];

    fn read(entry: &TableEntry<'_>, name: &str, folder: &Path) -> Option<Self> {
        let kinds = NameKind::ALL.map(|kind| (kind.word(), kind));
        let names = entry.word("names", &kinds);
        let certificates_file = entry.required_text("certificates_file", "\"county-ca.pem\"");
        let crls_file = entry.text("crls_file").map(|file| folder.join(file));
        Some(Self {
            name: name.to_owned(),
            certificates_file: folder.join(certificates_file?),
            crls_file,
            names: names?,
        })
    }
}

impl TokenIssuerEntry {
    const KEYS: &'static [&'static str] =
        &["name", "issuer", "audience", "keys_file", "lifetime_seconds_max"];

    fn read(entry: &TableEntry<'_>, name: &str, folder: &Path) -> Option<Self> {
        let issuer = entry.required_text("issuer", "\"https://idp.county.fi\"");
        let audience = entry.required_text("audience", "\"lupa\"");
        let keys_file = entry.required_text("keys_file", "\"county.jwks\"");
        if entry.value("lifetime_seconds_max").is_none() {
            entry.missing("lifetime_seconds_max", "600");
        }
        let lifetime_seconds_max = entry.number("lifetime_seconds_max", 1, LIFETIME_SECONDS_MAX);
        Some(Self {
            name: name.to_owned(),
            issuer: issuer?.to_owned(),
            audience: audience?.to_owned(),
            keys_file: folder.join(keys_file?),
            lifetime_seconds_max: lifetime_seconds_max?,
        })
    }
}

impl ProxyEntry {
    const KEYS: &'static [&'static str] =
        &["name", "authority", "dns", "uri", "callers_by", "authority_of_callers"];

    fn read(entry: &TableEntry<'_>, name: &str, known: &references::Known<'_>) -> Option<Self> {
        let certificate = known.certificate(entry);
        if entry.value("authority").is_none() {
            entry.missing("authority", "\"county-ca\"");
        }
        let kinds = NameKind::ALL.map(|kind| (kind.word(), kind));
        let callers_by = entry.word("callers_by", &kinds);
        if entry.value("authority_of_callers").is_none() {
            entry.missing("authority_of_callers", "\"county-ca\"");
        }
        let (authority_of_callers, kind) = known.authority(entry, "authority_of_callers")?;
        if callers_by.zip(kind).is_some_and(|(by, kind)| by != kind) {
            entry.fault("callers_by", "differs from `names` of authority_of_callers: write the same kind");
        }
        Some(Self {
            name: name.to_owned(),
            certificate: certificate?,
            callers_by: callers_by?,
            authority_of_callers,
        })
    }
}

impl TableEntry<'_> {
    /// The kind of name of a key, without reporting a fault.
    fn kind(&self, key: &str) -> Option<NameKind> {
        let word = self.value(key)?.get_ref().as_str()?;
        NameKind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
