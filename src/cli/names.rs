//! The names of the enum values of `proto/`: `CHANNEL_OUTSIDE_KANTA` is
//! `outside-kanta` on the command line and `OUTSIDE_KANTA` in tables.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::config::nearest;
use crate::wire::v1;

/// An enum of `proto/`.
pub trait Named: TryFrom<i32> + Clone + Send + Sync + 'static {
    /// The common prefix of its names.
    const PREFIX: &'static str;

    /// The name in the interface.
    fn wire_name(&self) -> &'static str;
}

macro_rules! named {
    ($($message:ident $prefix:literal),* $(,)?) => {
        $(impl Named for v1::$message {
            const PREFIX: &'static str = $prefix;

            fn wire_name(&self) -> &'static str {
                self.as_str_name()
            }
        })*
    };
}

named! {
    Against "AGAINST_",
    Cause "CAUSE_",
    Channel "CHANNEL_",
    ConsentKind "CONSENT_KIND_",
    DataKind "DATA_KIND_",
    Detail "DETAIL_",
    Document "DOCUMENT_",
    Effect "EFFECT_",
    Ground "GROUND_",
    Kind "KIND_",
    LinkReason "LINK_REASON_",
    Obligation "OBLIGATION_",
    Purpose "PURPOSE_",
    Reason "REASON_",
    RecordKind "RECORD_KIND_",
    RegisterKind "REGISTER_KIND_",
    Role "ROLE_",
    Sector "SECTOR_",
    ViewingPurpose "VIEWING_PURPOSE_",
    Way "WAY_",
}

/// The name in a table. A value that this version does not know is printed as its number.
#[must_use]
pub fn label<E: Named>(value: i32) -> String {
    E::try_from(value).map_or_else(|_| format!("unknown ({value})"), |value| short(&value).to_owned())
}

/// The name in a sentence, such as `outside Kanta`.
#[must_use]
pub fn phrase<E: Named>(value: i32) -> String {
    label::<E>(value)
        .to_ascii_lowercase()
        .replace('_', " ")
        .replace("kanta", "Kanta")
        .replace("uusimaa", "Uusimaa")
}

/// All names on the command line, in the order of `proto/`.
#[must_use]
pub fn words<E: Named>() -> Vec<String> {
    all::<E>().iter().map(word).collect()
}

/// Parses a name on the command line.
pub fn parse<E: Named>(text: &str) -> Result<E, String> {
    all::<E>().into_iter().find(|value| word(value) == text).ok_or_else(|| {
        let known = words::<E>();
        match nearest(text, known.iter().map(String::as_str)) {
            Some(near) => format!("`{text}` is unknown: did you mean {near}?"),
            None => format!("`{text}` is unknown: write one of {}", known.join(", ")),
        }
    })
}

/// A parser of arguments for clap.
#[must_use]
pub fn parser<E: Named>() -> impl TypedValueParser<Value = E> {
    PossibleValuesParser::new(words::<E>()).try_map(|text| parse::<E>(&text))
}

/// Every value except the unspecified one. Values are numbered without gaps, and 0 is unspecified.
pub(super) fn all<E: Named>() -> Vec<E> {
    (1..).map_while(|number| E::try_from(number).ok()).collect()
}

fn word<E: Named>(value: &E) -> String {
    short(value).to_ascii_lowercase().replace('_', "-")
}

fn short<E: Named>(value: &E) -> &'static str {
    value.wire_name().strip_prefix(E::PREFIX).unwrap_or_else(|| value.wire_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_prefix() {
        assert_eq!(words::<v1::Channel>(), ["kanta", "uusimaa-local-database", "outside-kanta"]);
        assert_eq!(parse("outside-kanta"), Ok(v1::Channel::OutsideKanta));
        assert_eq!(label::<v1::Reason>(v1::Reason::NotShareable.into()), "NOT_SHAREABLE");
        assert_eq!(label::<v1::Reason>(99), "unknown (99)");
        assert_eq!(
            parse::<v1::Channel>("outside-kata"),
            Err("`outside-kata` is unknown: did you mean outside-kanta?".to_owned())
        );
        assert!(parse::<v1::Role>("unspecified").expect_err("no word").contains("legal-representative"));
    }

    #[test]
    fn every_value_has_a_name() {
        assert_eq!(words::<v1::Reason>().len(), 15);
        assert_eq!(words::<v1::ConsentKind>().len(), 7);
        assert_eq!(words::<v1::RecordKind>().len(), 6);
    }
}
