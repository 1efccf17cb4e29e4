//! A billing adapter without a billing system: the bills and readings of a file, served as a node asks for them.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use gridcare_chassis::{
    config::{LogFormat, Telemetry, Tls},
    serve::{self, GrpcServer, Readiness, admin},
    shutdown, telemetry, tls,
};
use gridcare_node::billing::{BillingFile, FileService};
use gridcare_proto::billing::v1::billing_service_server::BillingServiceServer;
use tonic::{server::NamedService as _, service::Routes};

use crate::failure::Failure;

/// Serve bills and meter readings of a CSV file to a node's `billing.endpoint`
///
/// The file's first line names its columns: `customer_code`, month (05/2013 or 2013-05), `amount_vnd`, kwh, `due_date`
/// (2013-06-15), paid (yes or no), `reading_day` (1 to 31), reading. It is read again when it has changed. A corporation with a
/// billing system puts its own server of gridcare.billing.v1.BillingService in this place.
#[derive(Debug, Args)]
pub(crate) struct Billing {
    /// The file
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Address of the gRPC port; outside loopback it needs --cert, --key and --client-ca
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7500")]
    listen: SocketAddr,
    /// Address of the HTTP port for probes and metrics
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7580")]
    listen_http: SocketAddr,
    /// PEM file with the server's certificate chain
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// PEM file with the private key of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// PEM file with the authorities whose nodes are let in
    #[arg(long, value_name = "FILE", requires = "cert")]
    client_ca: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "pretty", value_parser = ["pretty", "json"])]
    log: String,
}

impl Billing {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let log = if self.log == "json" { LogFormat::Json } else { LogFormat::Pretty };
        let config = Telemetry { log, ..Telemetry::default() };
        let guard = telemetry::init(&config, "billing", "billing")
            .map_err(|error| Failure::because("telemetry cannot start", &error))?;
        let ended = self.serve().await;
        guard.shutdown().await;
        ended
    }

    async fn serve(self) -> Result<(), Failure> {
        let because = |attempt: &'static str| move |error: std::io::Error| Failure::because(attempt, &error);
        let file = BillingFile::open(&self.file)
            .await
            .map_err(|error| Failure::because("the file with bills is not usable", &error))?;
        let tls = tls::server(&Tls { cert: self.cert, key: self.key, client_ca: self.client_ca }, self.listen)?;
        let stop = shutdown::on_signal().map_err(|error| Failure::because("signals cannot be caught", &error))?;
        let grpc_port = serve::bind(self.listen).await?;
        let http_port = serve::bind(self.listen_http).await?;
        let grpc = grpc_port.local_addr().map_err(because("the gRPC port has no address"))?;
        let http = http_port.local_addr().map_err(because("the HTTP port has no address"))?;
        tracing::info!(customers = file.customers().await, grpc = %grpc, http = %http, "the billing adapter is up");
        let readiness = Readiness::new();
        let server = GrpcServer::new(
            Routes::new(BillingServiceServer::new(FileService(file))),
            gridcare_proto::DESCRIPTORS,
            &[BillingServiceServer::<FileService>::NAME],
        );
        let server = server.process("billing").tls(tls);
        let probes = admin::serve(http_port, readiness.clone(), axum::Router::new(), stop.clone());
        let (spoken, answered) = tokio::join!(server.serve(grpc_port, readiness, stop.clone()), probes);
        spoken.map_err(|error| Failure::because("serving ended", &error))?;
        answered.map_err(because("the HTTP port failed"))
    }
}
