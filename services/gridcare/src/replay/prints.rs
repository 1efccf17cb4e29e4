//! What is printed of the national notice, and that it was sent.

use gridcare_proto::{
    notice::v1::{
        GetNoticeRequest, NoticeChannel, NoticeContent, PrintFormat, PrintNoticeRequest, RecordPrintSentRequest,
        notice_service_client::NoticeServiceClient,
    },
    ticket::v1::Language,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::{grid::wire, script::Told};
use crate::failure::Failure;

/// What is printed once what was told, and to whom it is sent.
const OUTPUTS: [(Told, NoticeChannel, &str, &str); 4] = [
    (Told::First, NoticeChannel::Press, "press", "các báo, đài và thông tấn xã"),
    (
        Told::First,
        NoticeChannel::LetterToLocalities,
        "letter_to_localities",
        "ủy ban nhân dân các tỉnh, thành phố phía Nam",
    ),
    (Told::First, NoticeChannel::LetterToGenerators, "letter_to_generators", "các công ty phát điện"),
    (Told::Apology, NoticeChannel::Radio, "radio", "đài truyền thanh các quận, huyện"),
];

/// One printed output.
pub(super) struct Printed {
    output: &'static str,
    revision: i64,
    words: usize,
    pdf: bool,
    reading_seconds: i64,
}

impl Printed {
    pub(super) fn json(&self) -> Value {
        json!({
            "output": self.output, "revision": self.revision, "words": self.words, "pdf": self.pdf, "sent": true,
            "reading_seconds": (self.reading_seconds > 0).then_some(self.reading_seconds),
        })
    }
}

/// Prints in Vietnamese what goes out by hand of what was told, and records that it was sent.
pub(super) async fn print(gateway: &Channel, id: &str, told: Told, now: Timestamp) -> Result<Vec<Printed>, Failure> {
    let mut client = NoticeServiceClient::new(gateway.clone()).max_decoding_message_size(16 << 20);
    let failed =
        |status: tonic::Status| Failure::answered("what is printed of the national notice".to_owned(), &status);
    let notice = client.get_notice(GetNoticeRequest { id: id.to_owned() }).await.map_err(failed)?.into_inner().notice;
    let revisions = notice.unwrap_or_default().revisions;
    let of = |content: &NoticeContent| content.phase() == told.phase();
    let Some(revision) = revisions.iter().rfind(|revision| revision.content.as_ref().is_some_and(of)) else {
        return Err(Failure::said("what is printed of the national notice was not told yet"));
    };
    let revision = revision.number;
    let mut prints = Vec::new();
    for (_, channel, output, recipient) in OUTPUTS.into_iter().filter(|(of, ..)| *of == told) {
        let request = |format: PrintFormat| PrintNoticeRequest {
            id: id.to_owned(),
            revision,
            output: channel.into(),
            language: Language::Vi.into(),
            format: format.into(),
        };
        let text = client.print_notice(request(PrintFormat::Text)).await.map_err(failed)?.into_inner();
        let pdf = client.print_notice(request(PrintFormat::Pdf)).await.map_err(failed)?.into_inner();
        let sent = RecordPrintSentRequest {
            request_id: format!("replay/print/{output}"),
            id: id.to_owned(),
            revision,
            output: channel.into(),
            recipient: recipient.to_owned(),
            sent_at: wire(now),
            author: "văn thư".to_owned(),
        };
        client.record_print_sent(sent).await.map_err(failed)?;
        prints.push(Printed {
            output,
            revision,
            words: String::from_utf8_lossy(&text.document).split_whitespace().count(),
            pdf: pdf.document.starts_with(b"%PDF-"),
            reading_seconds: text.reading_seconds,
        });
    }
    Ok(prints)
}
