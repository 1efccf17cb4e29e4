use std::path::PathBuf;

use clap::{Args, ValueEnum};
use futures::{Stream, StreamExt as _};
use gridcare_proto::report::v1::{ExportFormat, ExportNationalReportRequest, ExportReportRequest};
use tokio::{fs::File, io::AsyncWriteExt as _};

use super::asked::Asked;
use crate::{failure::Failure, output};

/// Save a report, one figure a row, as CSV or Parquet.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    asked: Asked,
    /// The file's format
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Where to write it
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For spreadsheets; no cell is ever taken for a formula
    Csv,
    /// For analysis, with types
    Parquet,
}

impl Export {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let format = match self.format {
            Format::Csv => ExportFormat::Csv,
            Format::Parquet => ExportFormat::Parquet,
        };
        let (period, format) = (Some(self.asked.period()), format.into());
        let failed = |status: tonic::Status| self.asked.failed(&status);
        if self.asked.gateway {
            let request = ExportNationalReportRequest { period, regions: self.asked.region.clone(), format };
            let stream = self.asked.nation()?.export_national_report(request).await.map_err(failed)?.into_inner();
            self.save(stream.map(|part| part.map(|part| part.chunk))).await
        } else {
            let request = ExportReportRequest { period, format };
            let stream = self.asked.node()?.export_report(request).await.map_err(failed)?.into_inner();
            self.save(stream.map(|part| part.map(|part| part.chunk))).await
        }
    }

    /// Under another name until it is whole, so that nobody takes a part for the report.
    async fn save(&self, parts: impl Stream<Item = Result<Vec<u8>, tonic::Status>>) -> Result<(), Failure> {
        let mut aside = self.out.clone().into_os_string();
        aside.push(".part");
        let failed = |error: std::io::Error| Failure::because(self.out.display(), &error);
        let mut file = File::create(&aside).await.map_err(failed)?;
        let mut bytes = 0;
        let mut parts = std::pin::pin!(parts);
        while let Some(part) = parts.next().await {
            let part = part.map_err(|status| self.asked.failed(&status))?;
            bytes += part.len();
            file.write_all(&part).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)?;
        tokio::fs::rename(&aside, &self.out).await.map_err(failed)?;
        output::tell(format_args!("{}: {bytes} bytes", self.out.display()));
        Ok(())
    }
}
