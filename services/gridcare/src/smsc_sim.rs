//! `gridcare smsc-sim`: a message centre to try a courier on, over real SMPP.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use gridcare_chassis::{
    clock::SystemClock,
    config::{LogFormat, Telemetry},
    shutdown, telemetry,
};
use gridcare_courier::smsc::{Ids, ReceiptForm, Smsc, SmscConfig, SmscCounts, acceptor};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{failure::Failure, output};

/// How often it says what it has done.
const EVERY: Duration = Duration::from_secs(5);

/// Run a sandbox message centre (SMSC) that speaks SMPP 3.4
///
/// It takes text messages as an operator's centre would, at the rate, with the delays and the failures that it is told, and
/// sends receipts; nothing reaches a phone. The same messages in the same order have the same fate under the same seed. Any
/// account is let in unless --system-id names one. What it took is told on standard error every few seconds, and as one JSON
/// object on standard output at its end.
#[derive(Debug, Args)]
pub(crate) struct SmscSim {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// PEM file with its certificate chain: it speaks TLS; together with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key of --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Parts a second that it takes from all sessions together; above it answers `ESME_RTHROTTLED`. 0 for any number
    #[arg(long, value_name = "N", default_value_t = 0)]
    rate: u32,
    /// Parts that wait for their outcome at once; above it answers `ESME_RMSGQFUL`. 0 for any number
    #[arg(long, value_name = "N", default_value_t = 0)]
    queue: usize,
    /// Milliseconds that it thinks about each part
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Milliseconds by which it thinks longer at most
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter: u64,
    /// Milliseconds from taking a part to its receipt
    #[arg(long, value_name = "MS", default_value_t = 500)]
    delivery: u64,
    /// Share of parts that it refuses for good, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    refused: f64,
    /// Share of parts that it takes and that do not arrive, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    undelivered: f64,
    /// Receipts that it sends to a session before it waits for answers
    #[arg(long, value_name = "N", default_value_t = 10)]
    window: usize,
    /// In which form receipts come
    #[arg(long, value_enum, default_value_t = Form::Text)]
    receipts: Form,
    /// How ids are written in answers and in receipts
    #[arg(long, value_enum, default_value_t = Written::Decimal)]
    ids: Written,
    /// Send receipts before the answers that tell their ids
    #[arg(long)]
    early_receipts: bool,
    /// Take submits and never answer them
    #[arg(long)]
    silent: bool,
    /// The account that is let in; together with --password
    #[arg(long, value_name = "NAME", requires = "password")]
    system_id: Option<String>,
    /// Its password, at most 8 characters
    #[arg(
        long,
        value_name = "PASSWORD",
        requires = "system_id",
        env = "GRIDCARE_SMSC_PASSWORD",
        hide_env_values = true
    )]
    password: Option<String>,
    /// What the fate of each part is drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Tlv,
    Both,
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Decimal,
    Hex,
    HexThenDecimal,
    DecimalThenHex,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "give a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("give a number from 0 to 1".to_owned()) }
}

impl SmscSim {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let config = Telemetry { log: LogFormat::Pretty, filter: "warn".to_owned(), otlp_endpoint: None };
        let guard = telemetry::init(&config, "smsc-sim", "smsc-sim")
            .map_err(|error| Failure::because("telemetry cannot start", &error))?;
        let stop = shutdown::on_signal().map_err(|error| Failure::because("signals cannot be caught", &error))?;
        let files = self.tls_cert.as_deref().zip(self.tls_key.as_deref());
        let tls = files.map(|(cert, key)| acceptor(cert, key)).transpose().map_err(|error| {
            Failure::because("TLS cannot be set up; choose other files for --tls-cert and --tls-key", &error)
        })?;
        let smsc = Smsc::new(self.config(), SystemClock::shared(), stop.clone());
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Failure::because(format!("cannot listen on {}; choose another --listen", self.listen), &error)
        })?;
        let address = listener.local_addr().unwrap_or(self.listen);
        output::tell(format_args!("gridcare smsc-sim: listening on {address}; end it with Ctrl-C"));
        let telling = async {
            let mut told = SmscCounts::default();
            loop {
                tokio::time::sleep(EVERY).await;
                let counts = smsc.counts();
                if counts != told {
                    let rate = (counts.accepted - told.accepted) / EVERY.as_secs();
                    output::tell(format_args!("{}, {rate} a second", text(&smsc)));
                }
                told = counts;
            }
        };
        let ended = tokio::select! {
            ended = smsc.serve(listener, tls) => ended,
            () = telling => Ok(()),
        };
        guard.shutdown().await;
        ended.map_err(|error| Failure::because("the centre ended", &error))?;
        let counts = smsc.counts();
        output::line(json!({
            "binds": counts.binds, "submits": counts.submits, "accepted": counts.accepted, "duplicates": counts.duplicates,
            "throttled": counts.throttled, "queue_full": counts.queue_full, "refused": counts.refused,
            "swallowed": counts.swallowed, "receipts": counts.receipts, "inbound": counts.inbound,
            "peak_window": counts.peak_window, "taking_ms": counts.taking.as_millis(),
            "settling_ms": counts.settling.as_millis(),
        }))?;
        Ok(())
    }

    fn config(&self) -> SmscConfig {
        SmscConfig {
            account: self.system_id.clone().zip(self.password.clone()),
            rate: self.rate,
            queue: self.queue,
            latency: Duration::from_millis(self.latency),
            jitter: Duration::from_millis(self.jitter),
            refused: self.refused,
            undelivered: self.undelivered,
            delivery: Duration::from_millis(self.delivery),
            window: self.window,
            receipts: match self.receipts {
                Form::Text => ReceiptForm::Text,
                Form::Tlv => ReceiptForm::Tlv,
                Form::Both => ReceiptForm::Both,
                Form::None => ReceiptForm::None,
            },
            ids: match self.ids {
                Written::Decimal => Ids::Decimal,
                Written::Hex => Ids::Hex,
                Written::HexThenDecimal => Ids::HexThenDecimal,
                Written::DecimalThenHex => Ids::DecimalThenHex,
            },
            early_receipts: self.early_receipts,
            silent: self.silent,
            seed: self.seed,
            ..SmscConfig::default()
        }
    }
}

/// What it has done so far, for a person.
fn text(smsc: &Smsc) -> String {
    let counts = smsc.counts();
    format!(
        "{} bound, {} parts taken, {} waiting, {} receipts; {} throttled, {} refused",
        smsc.bound(),
        counts.accepted,
        smsc.queue(),
        counts.receipts,
        counts.throttled,
        counts.refused
    )
}
