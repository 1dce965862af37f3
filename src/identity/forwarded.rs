//! The header `x-forwarded-client-cert`, with which a proxy passes on the name of its caller, in the form that
//! Envoy writes: `By=…;Hash=…;URI=…`. It is read only on the connection of a configured proxy.
//!
//! One element with one name is accepted. Envoy must replace the header that its own caller sent
//! (`forward_client_cert_details: SANITIZE_SET`); what a chain of proxies appends is refused.

use std::collections::HashMap;
use std::sync::Arc;

use super::caller::Caller;
use super::current::Thumbprint;
use super::names::{NameFault, NameKind};

/// Maximum length of the header, in bytes.
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// A proxy that may pass on names of callers.
#[derive(Debug)]
pub struct Proxy {
    /// The name in the callers file.
    pub name: Arc<str>,
    pub(super) callers_by: NameKind,
    /// The callers under the authority of its entry, by the names in their certificates.
    pub(super) callers: HashMap<String, Arc<Caller>>,
}

/// A caller whose name a proxy passed on.
#[derive(Clone, Debug)]
pub struct ForwardedCaller {
    /// The caller.
    pub caller: Arc<Caller>,
    /// SHA-256 of its certificate, as the proxy reported it. None: the proxy did not.
    pub thumbprint: Option<Thumbprint>,
}

/// Why the header names no caller. No text has a part of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardedRefusal {
    /// It is longer than the maximum.
    #[error("x-forwarded-client-cert is longer than {HEADER_BYTES_MAX} bytes")]
    TooLong,
    /// It is empty.
    #[error("x-forwarded-client-cert is empty")]
    Empty,
    /// It has several elements: a proxy appended to a header that its caller sent.
    #[error("x-forwarded-client-cert has several elements: set Envoy to SANITIZE_SET")]
    SeveralElements,
    /// It is not in the form that Envoy writes.
    #[error("x-forwarded-client-cert is not a list of Key=Value, as Envoy writes it")]
    Malformed,
    /// A backslash before a backslash before a quote: two readings are possible.
    #[error("x-forwarded-client-cert has a quoted value that can be read in two ways")]
    Ambiguous,
    /// A key is not one that Envoy writes.
    #[error("x-forwarded-client-cert has an unknown key")]
    UnknownKey,
    /// A key is there twice.
    #[error("x-forwarded-client-cert has a key twice")]
    DuplicateKey,
    /// It has no name of the kind that the proxy's entry says.
    #[error("x-forwarded-client-cert has no {0}: have the proxy set it (set_current_client_cert_details)")]
    NoName(NameKind),
    /// The name is invalid.
    #[error("x-forwarded-client-cert has an invalid name: {0}")]
    InvalidName(NameFault),
    /// No caller has this name under the authority of the proxy's entry.
    #[error("x-forwarded-client-cert names no caller under authority_of_callers")]
    NamesNoCaller,
}

/// The keys that Envoy writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ElementKey {
    By,
    Hash,
    Cert,
    Chain,
    Subject,
    Uri,
    Dns,
}

impl Proxy {
    /// The caller that the header names. The server refuses a request that has the header twice.
    pub fn caller(&self, header: &[u8]) -> Result<ForwardedCaller, ForwardedRefusal> {
        let pairs = pairs(header)?;
        let value = |key| pairs.iter().find(|(found, _)| *found == key).map(|(_, value)| value.as_slice());
        let key = match self.callers_by {
            NameKind::Dns => ElementKey::Dns,
            NameKind::Uri => ElementKey::Uri,
        };
        let name = value(key).ok_or(ForwardedRefusal::NoName(self.callers_by))?;
        let name = self.callers_by.parse(name).map_err(ForwardedRefusal::InvalidName)?;
        let thumbprint = value(ElementKey::Hash).map(thumbprint).transpose()?;
        let caller = self.callers.get(&name).ok_or(ForwardedRefusal::NamesNoCaller)?;
        Ok(ForwardedCaller { caller: Arc::clone(caller), thumbprint })
    }
}

impl ElementKey {
    fn of_name(name: &[u8]) -> Option<Self> {
        match name {
            b"By" => Some(Self::By),
            b"Hash" => Some(Self::Hash),
            b"Cert" => Some(Self::Cert),
            b"Chain" => Some(Self::Chain),
            b"Subject" => Some(Self::Subject),
            b"URI" => Some(Self::Uri),
            b"DNS" => Some(Self::Dns),
            _ => None,
        }
    }
}

/// The pairs of the one element.
fn pairs(header: &[u8]) -> Result<Vec<(ElementKey, Vec<u8>)>, ForwardedRefusal> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(ForwardedRefusal::TooLong);
    }
    if header.is_empty() {
        return Err(ForwardedRefusal::Empty);
    }
    let mut found: Vec<(ElementKey, Vec<u8>)> = Vec::new();
    let mut rest = header;
    loop {
        let equals = rest.iter().position(|byte| *byte == b'=').ok_or(ForwardedRefusal::Malformed)?;
        let (name, after) = rest.split_at_checked(equals).ok_or(ForwardedRefusal::Malformed)?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_alphanumeric) {
            return Err(ForwardedRefusal::Malformed);
        }
        let key = ElementKey::of_name(name).ok_or(ForwardedRefusal::UnknownKey)?;
        if found.iter().any(|(other, _)| *other == key) {
            return Err(ForwardedRefusal::DuplicateKey);
        }
        let after = after.get(1..).unwrap_or_default();
        let (value, after) = match after.strip_prefix(b"\"") {
            Some(quoted) => quoted_value(quoted)?,
            None => plain_value(after)?,
        };
        found.push((key, value));
        rest = match after {
            [] => return Ok(found),
            [b';', rest @ ..] => rest,
            [b',', ..] => return Err(ForwardedRefusal::SeveralElements),
            [..] => return Err(ForwardedRefusal::Malformed),
        };
    }
}

/// A value up to the next separator.
fn plain_value(text: &[u8]) -> Result<(Vec<u8>, &[u8]), ForwardedRefusal> {
    let end = text.iter().position(|byte| matches!(byte, b';' | b',')).unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end).ok_or(ForwardedRefusal::Malformed)?;
    if value.iter().any(|byte| matches!(byte, 0..=b' ' | 0x7f.. | b'"' | b'=' | b'\\')) {
        return Err(ForwardedRefusal::Malformed);
    }
    Ok((value.to_vec(), rest))
}

/// A value after its opening quote. Envoy writes a quote inside of it as `\"` and leaves backslashes alone, so that
/// `\\"` is an escaped quote after a backslash for Envoy, and the end of the value for other parsers.
fn quoted_value(text: &[u8]) -> Result<(Vec<u8>, &[u8]), ForwardedRefusal> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\\', b'\\', b'"', ..] => return Err(ForwardedRefusal::Ambiguous),
            [b'\\', b'"', after @ ..] => {
                value.push(b'"');
                after
            }
            [b'"', after @ ..] => return Ok((value, after)),
            [0..b' ' | 0x7f.., ..] | [] => return Err(ForwardedRefusal::Malformed),
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
        };
    }
}

/// A hash of 64 hexadecimal digits.
fn thumbprint(text: &[u8]) -> Result<Thumbprint, ForwardedRefusal> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; 32];
    if text.len() != bytes.len() * 2 {
        return Err(ForwardedRefusal::Malformed);
    }
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let &[high, low] = digits else { return Err(ForwardedRefusal::Malformed) };
        let (high, low) = digit(high).zip(digit(low)).ok_or(ForwardedRefusal::Malformed)?;
        *byte = (high << 4) | low;
    }
    Ok(Thumbprint(bytes))
}
