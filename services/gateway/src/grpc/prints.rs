//! What goes out by hand: printed, and noted down when somebody has sent it.

use gridcare_chassis::{id::new_id, paper, status::refuse};
use gridcare_domain::{
    contact::check_text,
    customer::Language,
    notice::{
        NoticeChannel, RevisionState,
        printed::{printed, reading_seconds},
    },
    refusal::{Refusal, RefusalKind, Violation},
};
use gridcare_proto::{
    convert::{code, time},
    notice::v1 as wire,
    ticket::v1 as ticket,
};
use gridcare_store::{StoreError, gateway::PrintSent, request::Request, writer::Answer};
use prost::Message as _;
use tonic::Status;

use super::{
    Parts, failed,
    notices::{author, find, notice_id},
    refuse_if,
};
use crate::{flows::notice_is_written::read, idempotency::check_request_id};

/// Longest name of whoever it was sent to, in bytes.
const RECIPIENT: usize = 200;

fn no_such_revision() -> Status {
    let message = "no revision of this number was published";
    refuse(&Refusal::new(RefusalKind::NotFound, "NO_SUCH_REVISION", message))
}

/// A printed output, or a violation.
fn output(number: i32, found: &mut Vec<Violation>) -> NoticeChannel {
    use NoticeChannel::{LetterToGenerators, LetterToLocalities, Press, Radio};
    let output = code::notice_channel_from_wire(number);
    let output = output.filter(|output| matches!(output, Press | Radio | LetterToLocalities | LetterToGenerators));
    if output.is_none() {
        let cure = "give PRESS, RADIO, LETTER_TO_LOCALITIES or LETTER_TO_GENERATORS";
        found.push(Violation::new("output", "UNKNOWN_CODE", cure));
    }
    output.unwrap_or(Press)
}

/// Prints a revision; the newest published one unless another is named.
pub(super) async fn print(parts: &Parts, body: &wire::PrintNoticeRequest) -> Result<wire::PrintNoticeResponse, Status> {
    let mut found = Vec::new();
    let id = notice_id(&body.id, &mut found);
    let output = output(body.output, &mut found);
    refuse_if(found)?;
    let notice = read(&find(parts, id).await?).map_err(|error| failed(&error))?;
    let revision = match body.revision {
        0 => notice.published(),
        number => notice.revisions.iter().find(|revision| revision.number == number),
    };
    let revision = revision.ok_or_else(no_such_revision)?;
    let language = if body.language() == ticket::Language::En { Language::En } else { Language::Vi };
    let zone = &parts.country.zone;
    let printed = printed(output, &notice.incident, revision, &parts.sender, language, zone);
    let printed = printed.ok_or_else(|| Status::internal("unreachable"))?;
    let document = match body.format() {
        wire::PrintFormat::Pdf => paper::pdf(&printed),
        wire::PrintFormat::Text | wire::PrintFormat::Unspecified => printed.text().into_bytes(),
    };
    Ok(wire::PrintNoticeResponse { document, reading_seconds: reading_seconds(&printed) })
}

/// Notes down that a print was sent.
pub(super) async fn record(parts: &Parts, key: Request, body: wire::RecordPrintSentRequest) -> Result<Answer, Status> {
    let now = parts.clock.now();
    let mut found = Vec::new();
    check_request_id(&body.request_id, &mut found);
    author(&body.author, &mut found);
    let id = notice_id(&body.id, &mut found);
    let output = output(body.output, &mut found);
    if body.recipient.trim().is_empty() {
        found.push(Violation::new("recipient", "REQUIRED", "say to whom it was sent"));
    }
    check_text("recipient", &body.recipient, RECIPIENT, &mut found);
    let sent_at = body.sent_at.as_ref().and_then(time::instant);
    if sent_at.is_none() {
        found.push(Violation::new("sent_at", "REQUIRED", "say when, between the years -9999 and 9999"));
    }
    refuse_if(found)?;
    let store = &parts.store;
    if let Some(answer) = store.answered(key).await.map_err(|error| failed(&error))? {
        return Ok(answer);
    }
    let notice = read(&find(parts, id).await?).map_err(|error| failed(&error))?;
    let published =
        |number| notice.revisions.iter().any(|known| known.number == number && known.state == RevisionState::Published);
    if !published(body.revision) {
        return Err(no_such_revision());
    }
    let sent = PrintSent {
        id: new_id(),
        revision: body.revision,
        output: output.number(),
        recipient: body.recipient.trim().to_owned(),
        sent_us: sent_at.unwrap_or(now).as_microsecond(),
        author: body.author,
    };
    let response = wire::RecordPrintSentResponse {}.encode_to_vec();
    match store.record_print(key, id, &sent, now.as_microsecond(), &response).await {
        // The first one's answer is there now.
        Err(StoreError::Raced) => {
            let answer = store.answered(key).await.map_err(|error| failed(&error))?;
            Ok(answer.unwrap_or(Err(StoreError::Raced)))
        }
        Err(error) => Err(failed(&error)),
        Ok(()) => Ok(Ok(Ok(response))),
    }
}

/// What was sent of a notice.
pub(super) async fn list(parts: &Parts, id: &str) -> Result<wire::ListPrintsSentResponse, Status> {
    let mut found = Vec::new();
    let id = notice_id(id, &mut found);
    refuse_if(found)?;
    find(parts, id).await?;
    let sent = parts.store.prints_sent(id).await.map_err(|error| failed(&error))?;
    let told = |sent: PrintSent| wire::PrintSent {
        revision: sent.revision,
        output: i32::try_from(sent.output).unwrap_or(0),
        recipient: sent.recipient,
        sent_at: Some(time::micros(sent.sent_us)),
        author: sent.author,
    };
    Ok(wire::ListPrintsSentResponse { sent: sent.into_iter().map(told).collect() })
}
