//! What is printed of the national notice, and that it was sent.

use gridcare_proto::{
    notice::v1::{
        NoticeChannel, PrintFormat, PrintNoticeRequest, RecordPrintSentRequest,
        notice_service_client::NoticeServiceClient,
    },
    ticket::v1::Language,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::grid::wire;
use crate::failure::Failure;

const OUTPUTS: [(NoticeChannel, &str, &str); 4] = [
    (NoticeChannel::Press, "press", "các báo, đài và thông tấn xã"),
    (NoticeChannel::Radio, "radio", "đài truyền thanh các quận, huyện"),
    (NoticeChannel::LetterToLocalities, "letter_to_localities", "ủy ban nhân dân các tỉnh, thành phố phía Nam"),
    (NoticeChannel::LetterToGenerators, "letter_to_generators", "các công ty phát điện"),
];

/// One printed output.
pub(super) struct Printed {
    output: &'static str,
    words: usize,
    pdf: bool,
    reading_seconds: i64,
}

impl Printed {
    pub(super) fn json(&self) -> Value {
        json!({
            "output": self.output, "words": self.words, "pdf": self.pdf, "sent": true,
            "reading_seconds": (self.reading_seconds > 0).then_some(self.reading_seconds),
        })
    }
}

/// Prints every output in Vietnamese, and records that it was sent.
pub(super) async fn print(gateway: &Channel, id: &str, now: Timestamp) -> Result<Vec<Printed>, Failure> {
    let mut client = NoticeServiceClient::new(gateway.clone()).max_decoding_message_size(16 << 20);
    let failed =
        |status: tonic::Status| Failure::answered("what is printed of the national notice".to_owned(), &status);
    let mut prints = Vec::new();
    for (channel, output, recipient) in OUTPUTS {
        let request = |format: PrintFormat| PrintNoticeRequest {
            id: id.to_owned(),
            revision: 0,
            output: channel.into(),
            language: Language::Vi.into(),
            format: format.into(),
        };
        let text = client.print_notice(request(PrintFormat::Text)).await.map_err(failed)?.into_inner();
        let pdf = client.print_notice(request(PrintFormat::Pdf)).await.map_err(failed)?.into_inner();
        let sent = RecordPrintSentRequest {
            request_id: format!("replay/print/{output}"),
            id: id.to_owned(),
            revision: 1,
            output: channel.into(),
            recipient: recipient.to_owned(),
            sent_at: wire(now),
            author: "văn thư".to_owned(),
        };
        client.record_print_sent(sent).await.map_err(failed)?;
        prints.push(Printed {
            output,
            words: String::from_utf8_lossy(&text.document).split_whitespace().count(),
            pdf: pdf.document.starts_with(b"%PDF-"),
            reading_seconds: text.reading_seconds,
        });
    }
    Ok(prints)
}
