//! The two tables of the store, `change` and `viewing`, as rows whose bodies are not decoded. Each
//! list of columns stands here once; SQL, digests and copies of both backends are derived from it.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::change::Revision;
use super::stored_change::StoredChange;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    Integer,
    Text,
    Bytes,
}

/// A value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'r> {
    Integer(i64),
    Text(Option<&'r str>),
    Bytes(Option<&'r [u8]>),
}

/// Reads the columns of a row, by index, from a driver's row.
pub(super) trait ReadColumns {
    type Error;

    fn integer(&self, at: usize) -> Result<i64, Self::Error>;
    fn text(&self, at: usize) -> Result<Cow<'static, str>, Self::Error>;
    fn nullable_text(&self, at: usize) -> Result<Option<Cow<'static, str>>, Self::Error>;
    fn nullable_bytes(&self, at: usize) -> Result<Option<Cow<'static, [u8]>>, Self::Error>;
}

/// A list of columns in SQL.
macro_rules! column_list {
    ($first:ident $(, $other:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($other))*) };
}

macro_rules! field_type {
    ($row:lifetime, integer) => { i64 };
    ($row:lifetime, text) => { Cow<$row, str> };
    ($row:lifetime, nullable_text) => { Option<Cow<$row, str>> };
    ($row:lifetime, nullable_bytes) => { Option<Cow<$row, [u8]>> };
}

macro_rules! column_type {
    (integer) => {
        ColumnType::Integer
    };
    (text) => {
        ColumnType::Text
    };
    (nullable_text) => {
        ColumnType::Text
    };
    (nullable_bytes) => {
        ColumnType::Bytes
    };
}

macro_rules! value {
    (integer, $field:expr) => {
        Value::Integer($field)
    };
    (text, $field:expr) => {
        Value::Text(Some(&$field))
    };
    (nullable_text, $field:expr) => {
        Value::Text($field.as_deref())
    };
    (nullable_bytes, $field:expr) => {
        Value::Bytes($field.as_deref())
    };
}

/// Defines the row of a table from the list of its columns.
macro_rules! define_row {
    ($(#[$doc:meta])* $row:ident, $columns:ident: $($column:ident: $type:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) struct $row<'r> {
            $(pub(super) $column: field_type!('r, $type),)+
        }

        impl<'r> $row<'r> {
            /// The types of the columns, in order.
            pub(super) const TYPES: &'static [ColumnType] = &[$(column_type!($type)),+];

            /// The values of the columns, in order.
            pub(super) fn values(&self) -> impl Iterator<Item = Value<'_>> {
                [$(value!($type, self.$column)),+].into_iter()
            }

            /// Reads a row that was selected with all columns, in order.
            pub(super) fn read<R: ReadColumns>(row: &R) -> Result<Self, R::Error> {
                let mut indices = 0..;
                let mut next = || indices.next().unwrap_or_default();
                Ok(Self { $($column: row.$type(next())?,)+ })
            }
        }

        macro_rules! $columns {
            () => { $crate::store::table::column_list!($($column),+) };
        }
    };
}

define_row!(
    /// A row of the table `change`.
    ChangeRow, change_columns:
    revision: integer,
    recorded_at: integer,
    what: text,
    kind: nullable_text,
    client_root: nullable_text,
    client_extension: nullable_text,
    declaration_id: nullable_text,
    body: text,
    idempotency_key: nullable_text,
    payload_digest: nullable_bytes,
    notices: nullable_text,
    replaced_id: nullable_text,
);

define_row!(
    /// A row of the table `viewing`. The database assigns `number`; it is 0 in a new row.
    ViewingRow, viewing_columns:
    number: integer,
    at: integer,
    client_root: text,
    client_extension: text,
    viewer: nullable_text,
    purpose: text,
    what: text,
    times: integer,
);

/// The columns of `change` that a decoder needs, see [`StoredChange`]: the first ones.
macro_rules! stored_columns {
    () => {
        $crate::store::table::column_list!(
            revision,
            recorded_at,
            what,
            kind,
            client_root,
            client_extension,
            declaration_id,
            body
        )
    };
}

/// The columns of `viewing` that the writer sets: all but the first.
macro_rules! new_viewing_columns {
    () => {
        $crate::store::table::column_list!(at, client_root, client_extension, viewer, purpose, what, times)
    };
}

pub(super) use {change_columns, column_list, new_viewing_columns, stored_columns, viewing_columns};

/// Number of columns that the writer of a viewing leaves to the database.
pub(super) const ASSIGNED_VIEWING_COLUMNS: usize = 1;

/// Rows of a store that is being copied, in order.
pub(super) enum Rows {
    Changes(Vec<ChangeRow<'static>>),
    Viewings(Vec<ViewingRow<'static>>),
    End,
}

impl ChangeRow<'_> {
    pub(super) fn revision(&self) -> Revision {
        Revision(self.revision.cast_unsigned())
    }

    /// The columns that a decoder needs.
    pub(super) fn stored(&self) -> StoredChange<'_> {
        StoredChange {
            revision: self.revision(),
            recorded_at: self.recorded_at,
            what: &self.what,
            kind: self.kind.as_deref(),
            client: self.client_root.as_deref().zip(self.client_extension.as_deref()),
            declaration_id: self.declaration_id.as_deref(),
            body: self.body.as_bytes(),
        }
    }
}

/// SHA-256 over all changes, in order: equal for a store and its copy. Operators compare digests of
/// different versions, so what is hashed never changes: the integers and texts of a row in the order
/// of the columns, then its bytes.
#[derive(Clone, Default)]
pub(super) struct HistoryDigest(Sha256);

impl HistoryDigest {
    pub(super) fn add(&mut self, change: &ChangeRow<'_>) {
        for value in change.values() {
            match value {
                Value::Integer(integer) => self.0.update(integer.to_be_bytes()),
                Value::Text(text) => self.part(text.map(str::as_bytes)),
                Value::Bytes(_) => {}
            }
        }
        for value in change.values() {
            if let Value::Bytes(bytes) = value {
                self.part(bytes);
            }
        }
    }

    /// Preceded by its length, so that different rows never hash the same bytes.
    fn part(&mut self, part: Option<&[u8]>) {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(length.to_be_bytes());
        self.0.update(part.unwrap_or_default());
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ChangeRow<'static> {
        ChangeRow {
            revision: 1,
            recorded_at: 2,
            what: "declaration".into(),
            kind: Some("consent".into()),
            client_root: Some("1.2".into()),
            client_extension: Some("x".into()),
            declaration_id: None,
            body: "{}".into(),
            idempotency_key: Some("key".into()),
            payload_digest: Some(vec![7; 32].into()),
            notices: Some("[]".into()),
            replaced_id: None,
        }
    }

    #[test]
    fn the_shorter_lists_of_columns_are_parts_of_the_whole_ones() {
        assert!(change_columns!().starts_with(concat!(stored_columns!(), ", ")));
        assert!(viewing_columns!().ends_with(concat!("number, ", new_viewing_columns!())));
        assert_eq!(ViewingRow::TYPES.len() - ASSIGNED_VIEWING_COLUMNS, 7);
    }

    #[test]
    fn the_digest_of_a_row_is_what_it_always_was() {
        let mut digest = HistoryDigest::default();
        digest.add(&row());
        let hex: String = digest.finish().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "19362bb96c30621963afaf6b67e60b178c8b805eb0d07b6028a3b831a9ec0ffd");
    }
}
