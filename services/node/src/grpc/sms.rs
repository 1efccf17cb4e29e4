use gridcare_chassis::identity::principal_of;
use gridcare_domain::{
    contact::{NOTE_LIMIT, check_text},
    refusal::Violation,
    sms_text::Encoding,
    text,
};
use gridcare_proto::{
    contact::v1::{self as wire, sms_service_server::SmsService},
    convert::{code, time},
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::{Messages, answered, refuse_if};
use crate::{
    flows::sms_is_answered::{Cause, Message},
    idempotency::check_request_id,
};

/// 2200-01-01, seconds since 1970.
const LATEST_S: i64 = 7_258_118_400;

#[tonic::async_trait]
impl SmsService for Messages {
    async fn answer_sms(
        &self,
        request: Request<wire::AnswerSmsRequest>,
    ) -> Result<Response<wire::AnswerSmsResponse>, Status> {
        let principal = principal_of(&request);
        let body = request.into_inner();
        let mut found = Vec::new();
        check_request_id(&body.request_id, &mut found);
        if body.from.trim().is_empty() {
            found.push(Violation::new("from", "REQUIRED", "give the number or name of the sender"));
        }
        check_text("from", &body.from, 200, &mut found);
        check_text("to", &body.to, 200, &mut found);
        check_text("text", &body.text, NOTE_LIMIT, &mut found);
        let received_at = body.received_at.as_ref().and_then(time::instant);
        let received_at = received_at.filter(|at| (0..LATEST_S).contains(&at.as_second()));
        if received_at.is_none() {
            found.push(Violation::new("received_at", "REQUIRED", "give the time of arrival, from 1970 to 2199"));
        }
        let encoding = code::encoding_from_wire(body.encoding);
        if encoding.is_none() && body.encoding != 0 {
            found.push(Violation::new("encoding", "UNKNOWN_CODE", "give GSM7 or UCS2, or none"));
        }
        refuse_if(found)?;
        let message = Message {
            from: text::nfc(body.from.trim()),
            to: text::nfc(body.to.trim()),
            text: text::nfc(&body.text),
            received_at: received_at.unwrap_or(Timestamp::UNIX_EPOCH),
            wide: encoding == Some(Encoding::Ucs2),
        };
        answered(self.0.answer_sms(&Cause { principal: &principal, body: &body }, &message).await)
    }
}
