//! Bills, as far as a care node asks for them: what a billing system answers, and a table that stands in for one.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{customer_code::CustomerCode, keyword::Month};

/// The bill of one customer for one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Which month.
    pub month: Month,
    /// Whole đồng, tax included.
    pub amount_vnd: i64,
    /// Whole kilowatt-hours.
    pub kwh: i64,
    /// Until when it is to be paid.
    pub due: Option<Date>,
    /// Whether it is.
    pub paid: bool,
}

/// What was read from a meter, and when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterReading {
    /// The month that the reading is for.
    pub month: Month,
    /// What the meter showed, in whole kilowatt-hours.
    pub reading_kwh: Option<i64>,
    /// The day of each month on which the meter is read; the last day where a month is shorter.
    pub day: Option<i8>,
}

impl MeterReading {
    /// The day on which the meter is read in this month.
    #[must_use]
    pub fn date_in(&self, month: Month) -> Option<Date> {
        let first = Date::new(month.year, month.month, 1).ok()?;
        Date::new(month.year, month.month, self.day?.min(first.days_in_month())).ok()
    }

    /// The next day on which the meter is read, today included.
    #[must_use]
    pub fn next_date(&self, today: Date) -> Option<Date> {
        let of = |date: Date| self.date_in(Month { year: date.year(), month: date.month() });
        let this = of(today)?;
        if this >= today { Some(this) } else { of(today.last_of_month().tomorrow().ok()?) }
    }
}

/// Bills and readings of a file: CSV with a line of headings, one line for each customer and month.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: BTreeMap<String, BTreeMap<Month, Row>>,
}

#[derive(Debug, Clone)]
struct Row {
    bill: Option<Bill>,
    reading: MeterReading,
}

/// Headings of the file. Those that a file lacks are taken for empty, save the first two.
pub const COLUMNS: [&str; 8] =
    ["customer_code", "month", "amount_vnd", "kwh", "due_date", "paid", "reading_day", "reading"];

/// Complaints that are told at most; a file with the wrong columns has one for each line.
const MOST_COMPLAINTS: usize = 20;

impl Table {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong, each with its line.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let headings = reader.headers().cloned().map_err(|e| vec![e.to_string()])?;
        let place = |name: &str| headings.iter().position(|heading| heading.trim_start_matches('\u{feff}') == name);
        let places = COLUMNS.map(place);
        let mut found: Vec<String> = COLUMNS[..2]
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(name, _)| format!("line 1: the column {name} is missing"))
            .collect();
        found.extend(
            headings
                .iter()
                .map(|heading| heading.trim_start_matches('\u{feff}'))
                .filter(|heading| !COLUMNS.contains(heading))
                .map(|heading| format!("line 1: the column {heading} is unknown; use {}", COLUMNS.join(", "))),
        );
        let mut table = Self::default();
        for record in reader.records() {
            if found.len() >= MOST_COMPLAINTS {
                break;
            }
            let read = record.map_err(|e| e.to_string()).and_then(|record| {
                let line = record.position().map_or(0, csv::Position::line);
                let cells = places.map(|place| place.and_then(|at| record.get(at)).unwrap_or_default());
                let (code, row) = row(cells).map_err(|wrong| format!("line {line}: {wrong}"))?;
                let month = row.reading.month;
                let twice = table.rows.entry(code).or_default().insert(month, row).is_some();
                if twice { Err(format!("line {line}: this customer and month stand twice; leave one")) } else { Ok(()) }
            });
            found.extend(read.err());
        }
        if found.is_empty() { Ok(table) } else { Err(found) }
    }

    /// The bill of a month, or the newest.
    #[must_use]
    pub fn bill(&self, code: &CustomerCode, month: Option<Month>) -> Option<&Bill> {
        let rows = self.rows.get(code.as_str())?;
        match month {
            Some(month) => rows.get(&month)?.bill.as_ref(),
            None => rows.values().rev().find_map(|row| row.bill.as_ref()),
        }
    }

    /// The unpaid bills, the oldest first; none when the customer is not known.
    #[must_use]
    pub fn owed(&self, code: &CustomerCode) -> Option<Vec<&Bill>> {
        let rows = self.rows.get(code.as_str())?;
        Some(rows.values().filter_map(|row| row.bill.as_ref()).filter(|bill| !bill.paid).collect())
    }

    /// The reading of a month, or the newest; its day is that of the newest row that names one.
    #[must_use]
    pub fn reading(&self, code: &CustomerCode, month: Option<Month>) -> Option<MeterReading> {
        let rows = self.rows.get(code.as_str())?;
        let day = rows.values().rev().find_map(|row| row.reading.day);
        let own = match month {
            Some(month) => {
                rows.get(&month).map_or(MeterReading { month, reading_kwh: None, day }, |row| row.reading.clone())
            }
            None => rows
                .values()
                .rev()
                .find(|row| row.reading.reading_kwh.is_some())
                .or(rows.values().next_back())?
                .reading
                .clone(),
        };
        Some(MeterReading { day: own.day.or(day), ..own })
    }

    /// How many customers are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The customer and the row of one line's cells, in the order of [`COLUMNS`].
fn row(cells: [&str; 8]) -> Result<(String, Row), String> {
    let [code, month, amount, kwh, due, paid, day, reading] = cells;
    let code = CustomerCode::parse(code).map_err(|e| e.to_string())?;
    let month = Month::parse(month).ok_or("give the month as 05/2013 or 2013-05")?;
    let whole = |name: &str, text: &str| match text {
        "" => Ok(None),
        text => match text.parse::<i64>() {
            Ok(number) if number >= 0 => Ok(Some(number)),
            _ => Err(format!("{name}: give a whole number that is not negative, without separators")),
        },
    };
    let (amount, kwh, reading) = (whole("amount_vnd", amount)?, whole("kwh", kwh)?, whole("reading", reading)?);
    let due = match due {
        "" => None,
        text => Some(text.parse::<Date>().map_err(|_| "due_date: give a day such as 2013-06-15")?),
    };
    let paid = match paid.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => true,
        "" | "no" | "false" | "0" => false,
        _ => return Err("paid: give yes or no".to_owned()),
    };
    let day = match whole("reading_day", day)? {
        None => None,
        Some(day) => match i8::try_from(day) {
            Ok(day) if (1..=31).contains(&day) => Some(day),
            _ => return Err("reading_day: give a day of the month, 1 to 31".to_owned()),
        },
    };
    let bill = amount.map(|amount_vnd| Bill { month, amount_vnd, kwh: kwh.unwrap_or(0), due, paid });
    Ok((code.as_str().to_owned(), Row { bill, reading: MeterReading { month, reading_kwh: reading, day } }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "\
customer_code,month,amount_vnd,kwh,due_date,paid,reading_day,reading
PE01000123456,04/2013,350000,210,2013-05-15,yes,12,10210
pe01000123456,2013-05,512300,300,2013-06-15,no,12,10510
PE01000123456,06/2013,,,,,,
PE01000000001,5/13,90000,60,,no,31,
";

    fn code(text: &str) -> CustomerCode {
        CustomerCode::parse(text).unwrap()
    }

    fn month(month: u32) -> Month {
        Month::new(month, 2013).unwrap()
    }

    #[test]
    fn a_file_answers_like_a_billing_system() {
        let table = Table::read(FILE).unwrap();
        let lan = code("PE01000123456");
        assert_eq!(table.len(), 2);
        let may = table.bill(&lan, Some(month(5))).unwrap();
        assert_eq!((may.amount_vnd, may.kwh, may.paid), (512_300, 300, false));
        assert_eq!(table.bill(&lan, None), Some(may), "June has no bill yet");
        assert_eq!(table.bill(&lan, Some(month(6))), None);
        assert_eq!(table.owed(&lan), Some(vec![may]));
        let reading = table.reading(&lan, None).unwrap();
        assert_eq!((reading.month, reading.reading_kwh, reading.day), (month(5), Some(10_510), Some(12)));
        assert_eq!(table.reading(&lan, Some(month(7))).unwrap().day, Some(12));
        let nobody = code("PE09999999999");
        assert!(table.bill(&nobody, None).is_none() && table.owed(&nobody).is_none());
        assert!(table.reading(&nobody, None).is_none());
    }

    #[test]
    fn a_meter_is_read_on_the_last_day_of_a_short_month() {
        let reading = Table::read(FILE).unwrap().reading(&code("PE01000000001"), None).unwrap();
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(reading.date_in(month(2)), Some(day("2013-02-28")));
        assert_eq!(reading.next_date(day("2013-04-30")), Some(day("2013-04-30")));
        assert_eq!(reading.next_date(day("2013-05-01")), Some(day("2013-05-31")));
        let twelfth = MeterReading { day: Some(12), ..reading };
        assert_eq!(twelfth.next_date(day("2013-12-13")), Some(day("2014-01-12")));
        assert_eq!(MeterReading { day: None, ..twelfth }.next_date(day("2013-12-13")), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = "customer_code,month,paid,colour\nPE01,05/2013,no,\nPE01000123456,13/2013,no,\nPE01000123456,05/2013,perhaps,\n\
                     PE01000123456,05/2013,no,\nPE01000123456,05/13,no,\n";
        let found = Table::read(wrong).unwrap_err();
        let lines: Vec<_> = found.iter().map(|complaint| &complaint[..6]).collect();
        assert_eq!(lines, ["line 1", "line 2", "line 3", "line 4", "line 6"], "{found:?}");
        assert_eq!(Table::read("a\n").unwrap_err().len(), 3);
        assert!(Table::read("customer_code,month\n").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in "(customer_code,month,amount_vnd\n)?[\\PC\n]{0,200}") {
            let _ = Table::read(&text);
        }
    }
}
