//! JSON, read strictly: a name that an object has twice is an error at every depth. Parsers differ in which of
//! the two they take, so that a signed text could mean one thing to its issuer and another here.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    /// A whole number that is not negative.
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(JsonObject),
    /// null, true, false, or any other number.
    Other,
}

/// The members of an object.
pub(super) type JsonObject = BTreeMap<String, Json>;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonFault {
    /// It is not JSON.
    Syntax,
    /// An object has a name twice.
    Duplicate,
    /// It is not an object.
    NotAnObject,
}

impl Json {
    /// Reads an object.
    pub(super) fn object(text: &[u8]) -> Result<JsonObject, JsonFault> {
        match serde_json::from_slice(text) {
            Ok(Self::Object(object)) => Ok(object),
            Ok(Self::Number(_) | Self::Text(_) | Self::List(_) | Self::Other) => Err(JsonFault::NotAnObject),
            Err(error) if error.is_data() => Err(JsonFault::Duplicate),
            Err(_) => Err(JsonFault::Syntax),
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Object(_) | Self::Other => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::List(_) | Self::Object(_) | Self::Other => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            Self::Number(_) | Self::Text(_) | Self::Object(_) | Self::Other => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&JsonObject> {
        match self {
            Self::Object(object) => Some(object),
            Self::Number(_) | Self::Text(_) | Self::List(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = JsonObject::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("an object has a name twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_accepted_once_at_every_depth() {
        let object =
            Json::object(br#"{"a": [1, -1, 1.5, null, true, {"b": "c"}], "\u0064": "e"}"#).expect("JSON");
        let items = object.get("a").and_then(Json::as_list).expect("a list");
        assert_eq!(items.first().and_then(Json::as_number), Some(1));
        assert_eq!(items.get(1..5), Some([const { Json::Other }; 4].as_slice()));
        assert_eq!(items.get(5).and_then(Json::as_object).map(JsonObject::len), Some(1));
        assert_eq!(object.get("d").and_then(Json::as_text), Some("e"));
        let deep = "[".repeat(10_000);
        for (text, fault) in [
            (r#"{"a": 1, "a": 1}"#, JsonFault::Duplicate),
            (r#"{"a": 1, "\u0061": 2}"#, JsonFault::Duplicate),
            (r#"{"a": [{"b": 1, "b": 1}]}"#, JsonFault::Duplicate),
            (r#"{"a": 1} x"#, JsonFault::Syntax),
            (r#"{"a": 1,}"#, JsonFault::Syntax),
            (&deep, JsonFault::Syntax),
            ("", JsonFault::Syntax),
            ("[]", JsonFault::NotAnObject),
            ("\"a\"", JsonFault::NotAnObject),
        ] {
            assert_eq!(Json::object(text.as_bytes()), Err(fault), "{text:.40}");
        }
    }
}
