//! From a tree to a message, through its JSON mapping.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Content, Field, Node};
use super::path::Step;
use super::wrong::Wrong;

/// A part being read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'n>(pub(super) &'n Node);

impl<'de> Deserializer<'de> for Reading<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0.content {
            Content::Nothing => visitor.visit_unit(),
            Content::Flag(flag) => visitor.visit_bool(*flag),
            // The mapping takes the number of an enum value for its name; where
            // text is asked for, a number stays as it is written.
            Content::Text(text) => match text.parse::<i64>() {
                Ok(number) if number.to_string() == *text => visitor.visit_i64(number),
                _ => visitor.visit_borrowed_str(text),
            },
            Content::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Content::Fields(fields) => visitor.visit_map(Fields { fields: fields.iter(), field: None }),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.0.content {
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::Nothing | Content::Flag(_) | Content::List(_) | Content::Fields(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0.content {
            Content::Nothing => visitor.visit_none(),
            Content::Flag(_) | Content::Text(_) | Content::List(_) | Content::Fields(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.0.content {
            Content::Text(text) => {
                let text: StrDeserializer<'_, Wrong> = text.as_str().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            Content::Nothing | Content::Flag(_) | Content::List(_) | Content::Fields(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The items of a list that are left to read.
struct Items<I> {
    items: I,
}

impl<'de, I: Iterator<Item = (usize, &'de Node)>> SeqAccess<'de> for Items<I> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some((place, item)) = self.items.find(|(_, item)| !item.dropped) else { return Ok(None) };
        seed.deserialize(Reading(item)).map(Some).map_err(|wrong| wrong.within(Step::Item(place)))
    }
}

/// The fields that are left to read.
struct Fields<'de, I> {
    fields: I,
    /// The one whose name has been read.
    field: Option<&'de Field>,
}

impl<'de, I: Iterator<Item = &'de Field>> MapAccess<'de> for Fields<'de, I> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.field = self.fields.find(|field| !field.value.dropped);
        let Some(field) = self.field else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = field.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|wrong| wrong.within(Step::Field(field.name.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some(field) = self.field.take() else {
            return Err(serde::de::Error::custom("a value without a name"));
        };
        seed.deserialize(Reading(&field.value)).map_err(|wrong| wrong.within(Step::Field(field.name.clone())))
    }
}
