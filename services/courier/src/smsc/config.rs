//! How a sandbox centre behaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// In which form receipts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// As a text.
    #[default]
    Text,
    /// As optional parameters, with an empty text.
    Tlv,
    /// As both.
    Both,
    /// Never.
    None,
}

/// How ids are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ids {
    /// Decimal everywhere.
    #[default]
    Decimal,
    /// Hexadecimal everywhere.
    Hex,
    /// Hexadecimal in answers, decimal in receipts.
    HexThenDecimal,
    /// Decimal in answers, hexadecimal in receipts.
    DecimalThenHex,
}

/// How a sandbox centre behaves. It may change while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one habit of a centre, and any may go with any")]
pub struct SmscConfig {
    /// The account and the password that are let in; all are, without one.
    pub account: Option<(String, String)>,
    /// Parts a second that it takes from all sessions together; above it answers `ESME_RTHROTTLED`. 0 for any number.
    pub rate: u32,
    /// Parts that it keeps at once until their outcome; above it answers `ESME_RMSGQFUL`. 0 for any number.
    pub queue: usize,
    /// For how long it thinks about each part.
    pub latency: Duration,
    /// By how much longer at most, each part by its own.
    pub jitter: Duration,
    /// Share of parts that it refuses for good, from 0 to 1.
    pub refused: f64,
    /// Share of the accepted parts that do not arrive, from 0 to 1.
    pub undelivered: f64,
    /// How long a part takes from its acceptance to its receipt.
    pub delivery: Duration,
    /// In which form receipts come.
    pub receipts: ReceiptForm,
    /// How ids are written.
    pub ids: Ids,
    /// Whether a receipt comes before the answer that tells its id.
    pub early_receipts: bool,
    /// Whether it swallows submits: takes them, and never says so.
    pub silent: bool,
    /// Whether it leaves enquiries unanswered too.
    pub dead: bool,
    /// Messages and receipts that it sends to one session before it waits for answers.
    pub window: usize,
    /// Whether it gives `user_message_reference` back in receipts.
    pub echo_reference: bool,
    /// What the fate of each part is drawn from: the same parts have the same fate.
    pub seed: u64,
    /// Accepted parts that can be looked at; the oldest are forgotten first. Counts are of all.
    pub remembered: usize,
}

impl Default for SmscConfig {
    fn default() -> Self {
        Self {
            account: None,
            rate: 0,
            queue: 0,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            refused: 0.0,
            undelivered: 0.0,
            delivery: Duration::from_millis(500),
            receipts: ReceiptForm::Text,
            ids: Ids::Decimal,
            early_receipts: false,
            silent: false,
            dead: false,
            window: 10,
            echo_reference: true,
            seed: 0,
            remembered: 100_000,
        }
    }
}
