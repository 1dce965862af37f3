//! Deserializes a message from a tree, through the JSON mapping.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::ParseError;
use super::node::{Node, NodeContent, NodeField};
use super::path::PathStep;

/// Deserializes one part of a document.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'n>(pub(super) &'n Node);

impl<'de> Deserializer<'de> for NodeDeserializer<'de> {
    type Error = ParseError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        match &self.0.content {
            NodeContent::Nothing => visitor.visit_unit(),
            NodeContent::Flag(flag) => visitor.visit_bool(*flag),
            // The mapping accepts the number of an enum value in place of its
            // name. Where text is expected, a number keeps its spelling.
            NodeContent::Text(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => visitor.visit_i64(number),
                _ => visitor.visit_borrowed_str(text),
            },
            NodeContent::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            NodeContent::Fields(fields) => visitor.visit_map(Fields { fields: fields.iter(), field: None }),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        match &self.0.content {
            NodeContent::Text(text) => visitor.visit_borrowed_str(text),
            NodeContent::Nothing | NodeContent::Flag(_) | NodeContent::List(_) | NodeContent::Fields(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        match self.0.content {
            NodeContent::Nothing => visitor.visit_none(),
            NodeContent::Flag(_) | NodeContent::Text(_) | NodeContent::List(_) | NodeContent::Fields(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        match &self.0.content {
            NodeContent::Text(text) => {
                let text: StrDeserializer<'_, ParseError> = text.as_str().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            NodeContent::Nothing | NodeContent::Flag(_) | NodeContent::List(_) | NodeContent::Fields(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The remaining items of a list.
struct Items<I> {
    items: I,
}

impl<'de, I: Iterator<Item = (usize, &'de Node)>> SeqAccess<'de> for Items<I> {
    type Error = ParseError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ParseError> {
        let Some((place, item)) = self.items.find(|(_, item)| !item.dropped) else { return Ok(None) };
        seed.deserialize(NodeDeserializer(item))
            .map(Some)
            .map_err(|error| error.within(PathStep::Item(place)))
    }
}

/// The remaining fields.
struct Fields<'de, I> {
    fields: I,
    /// The field whose name was read last.
    field: Option<&'de NodeField>,
}

impl<'de, I: Iterator<Item = &'de NodeField>> MapAccess<'de> for Fields<'de, I> {
    type Error = ParseError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ParseError> {
        self.field = self.fields.find(|field| !field.value.dropped);
        let Some(field) = self.field else { return Ok(None) };
        let name: StrDeserializer<'_, ParseError> = field.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.within(PathStep::Field(field.name.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ParseError> {
        let Some(field) = self.field.take() else {
            return Err(serde::de::Error::custom("a value without a name"));
        };
        seed.deserialize(NodeDeserializer(&field.value))
            .map_err(|error| error.within(PathStep::Field(field.name.clone())))
    }
}
