use clap::Args;
use gridcare_proto::{
    convert::report::{Cell, Table},
    report::v1::{GetNationalReportRequest, GetReportRequest},
};
use serde_json::{Map, Value};

use super::{
    asked::Asked,
    text::{Shown, render},
};
use crate::{
    failure::Failure,
    output,
    status::texts::{Lang, Texts},
    time,
};

/// Show a report: what came in, what was done, how long it took, and whether the standards were kept.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    asked: Asked,
    /// Language of the tables
    #[arg(long, value_enum, default_value_t = Lang::En, env = "GRIDCARE_LANG")]
    lang: Lang,
    /// IANA zone of the times
    #[arg(long, value_name = "ZONE", default_value = "Asia/Ho_Chi_Minh")]
    time_zone: String,
    /// Print one JSON array, with one object for each figure
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let zone = time::zone(&self.time_zone)?;
        let period = self.asked.period();
        let failed = |status: tonic::Status| self.asked.failed(&status);
        let (table, shown) = if self.asked.gateway {
            let request = GetNationalReportRequest { period: Some(period.clone()), regions: self.asked.region.clone() };
            let report = self.asked.nation()?.get_national_report(request).await.map_err(failed)?.into_inner();
            (Table::of_national_report(&report), Shown::Country(report))
        } else {
            let request = GetReportRequest { period: Some(period.clone()) };
            let report = self.asked.node()?.get_report(request).await.map_err(failed)?.into_inner();
            (Table::of_report(&report), Shown::Node(report))
        };
        if self.json {
            output::line(json(&table))?;
        } else {
            output::raw(render(&shown, &period, &Texts::new(self.lang), &zone))?;
        }
        Ok(())
    }
}

/// The rows of an export as objects. What is not known is null.
fn json(table: &Table) -> Value {
    let value = |cell: &Cell| match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.as_str().into(),
        Cell::Count(count) => (*count).into(),
        Cell::Number(number) => (*number).into(),
        Cell::Flag(flag) => (*flag).into(),
    };
    let row = |row: &Vec<Cell>| {
        let cells = table.columns.iter().zip(row).map(|((name, _), cell)| ((*name).to_owned(), value(cell)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    table.rows.iter().map(row).collect()
}
