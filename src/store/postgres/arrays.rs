//! Rows as arrays, one array a column, for `INSERT … SELECT … FROM unnest(…)`: a batch of any size is
//! one statement with a constant number of parameters.

use tokio_postgres::types::{ToSql, Type};

use crate::store::table::{ColumnType, Value};

/// The values of one column.
pub(super) enum ColumnArray<'r> {
    Integers(Vec<i64>),
    Texts(Vec<Option<&'r str>>),
    Bytes(Vec<Option<&'r [u8]>>),
}

impl<'r> ColumnArray<'r> {
    fn new(column: ColumnType) -> Self {
        match column {
            ColumnType::Integer => Self::Integers(Vec::new()),
            ColumnType::Text => Self::Texts(Vec::new()),
            ColumnType::Bytes => Self::Bytes(Vec::new()),
        }
    }

    /// Adds a value. Values have the type of their column: both are of one definition.
    fn push(&mut self, value: Value<'r>) {
        match (self, value) {
            (Self::Integers(array), Value::Integer(integer)) => array.push(integer),
            (Self::Texts(array), Value::Text(text)) => array.push(text),
            (Self::Bytes(array), Value::Bytes(bytes)) => array.push(bytes),
            (Self::Integers(_) | Self::Texts(_) | Self::Bytes(_), _) => {
                debug_assert!(false, "a value of another type than its column");
            }
        }
    }

    /// The array as a parameter.
    pub(super) fn parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Integers(array) => (array, Type::INT8_ARRAY),
            Self::Texts(array) => (array, Type::TEXT_ARRAY),
            Self::Bytes(array) => (array, Type::BYTEA_ARRAY),
        }
    }
}

/// Transposes rows into arrays.
pub(super) fn arrays<'r>(
    columns: &[ColumnType],
    rows: impl Iterator<Item = impl Iterator<Item = Value<'r>>>,
) -> Vec<ColumnArray<'r>> {
    let mut arrays: Vec<_> = columns.iter().copied().map(ColumnArray::new).collect();
    for row in rows {
        arrays.iter_mut().zip(row).for_each(|(array, value)| array.push(value));
    }
    arrays
}

/// A value as a parameter.
pub(super) fn sql<'v>(value: &'v Value<'_>) -> &'v (dyn ToSql + Sync) {
    match value {
        Value::Integer(integer) => integer,
        Value::Text(text) => text,
        Value::Bytes(bytes) => bytes,
    }
}

/// The type of a column in SQL.
pub(super) fn sql_type(column: ColumnType) -> Type {
    match column {
        ColumnType::Integer => Type::INT8,
        ColumnType::Text => Type::TEXT,
        ColumnType::Bytes => Type::BYTEA,
    }
}
