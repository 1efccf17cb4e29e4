use std::sync::Arc;

use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};

use super::{Cell, Column, Table};

/// A table that cannot be encoded.
#[derive(Debug)]
pub struct MalformedTable(ParquetError);

impl std::fmt::Display for MalformedTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the table cannot be encoded as parquet")
    }
}

impl std::error::Error for MalformedTable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A table as Parquet: one row group, every column optional, uncompressed but for dictionaries.
///
/// # Errors
/// [`MalformedTable`] when the encoder fails, which only a fault could make it.
pub fn to_parquet(table: &Table) -> Result<Vec<u8>, MalformedTable> {
    encode(table).map_err(MalformedTable)
}

fn encode(table: &Table) -> Result<Vec<u8>, ParquetError> {
    let field = |(name, column): &(&str, Column)| {
        let physical = match column {
            Column::Text => Physical::BYTE_ARRAY,
            Column::Count => Physical::INT64,
            Column::Number => Physical::DOUBLE,
            Column::Flag => Physical::BOOLEAN,
        };
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        let logical = (*column == Column::Text).then_some(LogicalType::String);
        field.with_logical_type(logical).build().map(Arc::new)
    };
    let fields = table.columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("report").with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_created_by("gridcare".to_owned()).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    let mut group = writer.next_row_group()?;
    for (at, (_, column)) in table.columns.iter().enumerate() {
        let cells = || table.rows.iter().filter_map(|row| row.get(at));
        // An empty cell has no value, and the level 0 says so.
        let levels: Vec<i16> = cells().map(|cell| i16::from(!is_empty(cell))).collect();
        let levels = Some(levels.as_slice());
        let mut place = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
        match column {
            Column::Text => {
                let text = |cell: &Cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                    _ => None,
                };
                let values: Vec<_> = cells().filter_map(text).collect();
                place.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            }
            Column::Count => {
                let values: Vec<_> = cells()
                    .filter_map(|cell| if let Cell::Count(count) = cell { Some(*count) } else { None })
                    .collect();
                place.typed::<Int64Type>().write_batch(&values, levels, None)?;
            }
            Column::Number => {
                let values: Vec<_> = cells()
                    .filter_map(|cell| if let Cell::Number(number) = cell { Some(*number) } else { None })
                    .collect();
                place.typed::<DoubleType>().write_batch(&values, levels, None)?;
            }
            Column::Flag => {
                let values: Vec<_> =
                    cells().filter_map(|cell| if let Cell::Flag(flag) = cell { Some(*flag) } else { None }).collect();
                place.typed::<BoolType>().write_batch(&values, levels, None)?;
            }
        }
        place.close()?;
    }
    group.close()?;
    writer.into_inner()
}

const fn is_empty(cell: &Cell) -> bool {
    matches!(cell, Cell::Empty)
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::Field,
    };

    use super::*;

    #[test]
    fn a_table_is_read_back_with_what_is_missing() {
        const COLUMNS: &[(&str, Column)] =
            &[("text", Column::Text), ("count", Column::Count), ("value", Column::Number), ("flag", Column::Flag)];
        let rows = vec![
            vec![Cell::Text("=SUM(A1)".into()), Cell::Count(-5), Cell::Number(0.5), Cell::Flag(true)],
            vec![Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
            vec![Cell::Text("điện".into()), Cell::Count(0), Cell::Number(-1.0), Cell::Flag(false)],
        ];
        let file = to_parquet(&Table { columns: COLUMNS, rows }).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let read: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        // A file of columns is no spreadsheet: what a text says stays as it is.
        let expected = vec![
            vec![Field::Str("=SUM(A1)".into()), Field::Long(-5), Field::Double(0.5), Field::Bool(true)],
            vec![Field::Null, Field::Null, Field::Null, Field::Null],
            vec![Field::Str("điện".into()), Field::Long(0), Field::Double(-1.0), Field::Bool(false)],
        ];
        assert_eq!(read, expected);
        assert!(to_parquet(&Table { columns: COLUMNS, rows: vec![] }).is_ok());
    }
}
