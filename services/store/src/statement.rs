use std::sync::OnceLock;

use uuid::Uuid;

/// One SQL statement, written once for both engines. Tokens in braces are rendered by `db.rs`:
/// `{lock}` locks rows against everybody, `{change}` against who locks or changes them, `{keep}` against who locks them; `{free}`
/// locks those that nobody else has locked and leaves out the others. The rows of a bulk statement stand before its text, as `v`;
/// or, on Postgres, where the text says `{rows:a b}`, as a `v` of these columns alone.
pub struct Statement {
    /// Stable name, for traces, errors and tests.
    pub name: &'static str,
    /// The text.
    pub text: &'static str,
    /// Columns of `{rows}`, for bulk statements.
    pub columns: &'static [(&'static str, Type)],
    pub(crate) rendered: OnceLock<String>,
    pub(crate) rendered_sqlite: OnceLock<String>,
}

/// The type of a bulk column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 64-bit integer; times are microseconds since 1970.
    Int,
    /// UTF-8 text.
    Text,
    /// Native on Postgres, 16 bytes on `SQLite`.
    Uuid,
    /// Bytes.
    Blob,
}

impl Type {
    pub(crate) const fn on_postgres(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Text => "TEXT",
            Self::Uuid => "UUID",
            Self::Blob => "BYTEA",
        }
    }
}

impl Statement {
    /// A statement of this name and text.
    #[must_use]
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Self::bulk(name, &[], text)
    }

    /// A statement over many rows, which its text calls `v`.
    #[must_use]
    pub const fn bulk(name: &'static str, columns: &'static [(&'static str, Type)], text: &'static str) -> Self {
        Self { name, text, columns, rendered: OnceLock::new(), rendered_sqlite: OnceLock::new() }
    }
}

/// Declares statements, each once, and lists them for the contract suite.
macro_rules! statements {
    ($($name:ident $([$($column:ident $type:ident),* $(,)?])? = $text:expr;)+) => {
        $(pub(crate) static $name: $crate::statement::Statement = $crate::statement::Statement::bulk(
            stringify!($name),
            &[$($((stringify!($column), $crate::statement::Type::$type)),*)?],
            $text,
        );)+
        /// Every statement of this module.
        pub(crate) static STATEMENTS: &[&$crate::statement::Statement] = &[$(&$name),+];
    };
}
pub(crate) use statements;

/// A value bound to a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Integer or NULL.
    Int(Option<i64>),
    /// Text or NULL.
    Text(Option<String>),
    /// UUID or NULL.
    Uuid(Option<Uuid>),
    /// Bytes or NULL.
    Blob(Option<Vec<u8>>),
}

macro_rules! from {
    ($($from:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$from> for Value { fn from(value: $from) -> Self { Self::$variant(Some(value.into())) } }
        impl From<Option<$from>> for Value { fn from(value: Option<$from>) -> Self { Self::$variant(value.map(Into::into)) } }
    )+};
}
from!(i64 => Int, &str => Text, String => Text, Uuid => Uuid, Vec<u8> => Blob, &[u8] => Blob);

/// The values of a statement, in order.
macro_rules! values { ($($value:expr),* $(,)?) => { vec![$($crate::statement::Value::from($value)),*] }; }
pub(crate) use values;

/// The values of one row of a bulk statement, in order; made many times a second, so without a vector.
macro_rules! row { ($($value:expr),* $(,)?) => { [$($crate::statement::Value::from($value)),*] }; }
pub(crate) use row;

/// Rows of a bulk statement, column by column.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) len: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Uuid(Vec<Option<Uuid>>),
    Blob(Vec<Option<Vec<u8>>>),
}

impl Rows {
    /// No rows yet, for this statement's columns.
    #[must_use]
    pub fn of(statement: &Statement, capacity: usize) -> Self {
        let columns = statement.columns.iter().map(|(_, kind)| match kind {
            Type::Int => Column::Int(Vec::with_capacity(capacity)),
            Type::Text => Column::Text(Vec::with_capacity(capacity)),
            Type::Uuid => Column::Uuid(Vec::with_capacity(capacity)),
            Type::Blob => Column::Blob(Vec::with_capacity(capacity)),
        });
        Self { columns: columns.collect(), len: 0 }
    }

    /// Adds one row.
    ///
    /// # Panics
    /// When the values are not those of the statement's columns: a mistake in this crate, which its tests would meet.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let mut values = row.into_iter();
        for column in &mut self.columns {
            match (column, values.next()) {
                (Column::Int(c), Some(Value::Int(v))) => c.push(v),
                (Column::Text(c), Some(Value::Text(v))) => c.push(v),
                (Column::Uuid(c), Some(Value::Uuid(v))) => c.push(v),
                (Column::Blob(c), Some(Value::Blob(v))) => c.push(v),
                (column, value) => panic!("a row's value {value:?} does not fit its column {column:?}"),
            }
        }
        self.len += 1;
    }

    /// Gives the first column, an integer, the numbers from `first` on.
    pub(crate) fn number(&mut self, first: i64) {
        if let Some(Column::Int(numbers)) = self.columns.first_mut() {
            for (number, place) in (first..).zip(numbers) {
                *place = Some(number);
            }
        }
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Rows of a bulk statement whose texts and bytes stay where they are, for the hottest path: nothing is copied for them.
pub(crate) struct LentRows<'a> {
    pub(crate) columns: Vec<LentColumn<'a>>,
}

pub(crate) enum LentColumn<'a> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Uuid(Vec<Option<Uuid>>),
    Blob(Vec<Option<&'a [u8]>>),
}

/// A value of such a row.
#[derive(Debug)]
pub(crate) enum Lent<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Uuid(Option<Uuid>),
    Blob(Option<&'a [u8]>),
}

macro_rules! lend {
    ($($from:ty => $variant:ident),+ $(,)?) => {$(
        impl<'a> From<$from> for Lent<'a> { fn from(value: $from) -> Self { Self::$variant(Some(value)) } }
        impl<'a> From<Option<$from>> for Lent<'a> { fn from(value: Option<$from>) -> Self { Self::$variant(value) } }
    )+};
}
lend!(i64 => Int, &'a str => Text, Uuid => Uuid, &'a [u8] => Blob);

/// The values of one such row, in order.
macro_rules! lent { ($($value:expr),* $(,)?) => { [$($crate::statement::Lent::from($value)),*] }; }
pub(crate) use lent;

impl<'a> LentRows<'a> {
    /// No rows yet, for this statement's columns.
    pub(crate) fn of(statement: &Statement, capacity: usize) -> Self {
        let columns = statement.columns.iter().map(|(_, kind)| match kind {
            Type::Int => LentColumn::Int(Vec::with_capacity(capacity)),
            Type::Text => LentColumn::Text(Vec::with_capacity(capacity)),
            Type::Uuid => LentColumn::Uuid(Vec::with_capacity(capacity)),
            Type::Blob => LentColumn::Blob(Vec::with_capacity(capacity)),
        });
        Self { columns: columns.collect() }
    }

    /// Adds one row; panics as [`Rows::push`] does.
    pub(crate) fn push<const WIDTH: usize>(&mut self, row: [Lent<'a>; WIDTH]) {
        assert_eq!(WIDTH, self.columns.len(), "a row has the columns of its statement");
        for (column, value) in self.columns.iter_mut().zip(row) {
            match (column, value) {
                (LentColumn::Int(c), Lent::Int(v)) => c.push(v),
                (LentColumn::Text(c), Lent::Text(v)) => c.push(v),
                (LentColumn::Uuid(c), Lent::Uuid(v)) => c.push(v),
                (LentColumn::Blob(c), Lent::Blob(v)) => c.push(v),
                (_, value) => panic!("a row's value {value:?} does not fit its column"),
            }
        }
    }
}
