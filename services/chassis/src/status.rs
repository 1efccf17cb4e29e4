//! From a refusal or a fault to what a caller is told, in `google.rpc` details.

use std::{collections::HashMap, error::Error};

use gridcare_domain::refusal::{Refusal, RefusalKind};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{id, telemetry::propagation};

/// The `domain` of every `ErrorInfo` that Gridcare sends.
pub const DOMAIN: &str = "gridcare";

/// How many bytes of violations a status carries. Details travel in a header, and common clients drop a response whose
/// headers exceed 8 KiB: better a cut list than an unreadable answer.
const VIOLATION_BYTES: usize = 3_072;
const MESSAGE_BYTES: usize = 512;

/// An expected no: `ErrorInfo` with its stable reason, every violation at once in `BadRequest`, and when to come again.
///
/// Beyond 3 KiB the list of violations is cut, and the metadata `violations_total` says how many there are.
#[must_use]
pub fn refuse(refusal: &Refusal) -> Status {
    let mut metadata: HashMap<String, String> =
        refusal.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut room = VIOLATION_BYTES;
    let shown = refusal.violations.iter().take_while(|violation| {
        let size = violation.field.len() + violation.reason.len() + violation.description.len() + 8;
        room.checked_sub(size).is_some_and(|left| {
            room = left;
            true
        })
    });
    let shown: Vec<_> = shown
        .map(|violation| FieldViolation {
            field: violation.field.clone(),
            description: violation.description.clone(),
            reason: violation.reason.to_owned(),
            localized_message: None,
        })
        .collect();
    if shown.len() < refusal.violations.len() {
        metadata.insert("violations_total".to_owned(), refusal.violations.len().to_string());
    }
    let mut details = ErrorDetails::with_error_info(refusal.reason, DOMAIN, metadata);
    if !shown.is_empty() {
        details.set_bad_request(shown);
    }
    if let Some(after) = refusal.retry_after {
        details.set_retry_info(Some(after));
    }
    let mut message = refusal.message.clone();
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push('…');
    }
    Status::with_error_details(code(refusal.kind), message, details)
}

/// An unexpected failure: the caller gets an id to quote, and the log gets the chain of causes under the same id.
///
/// The id is the trace's, so that one search finds the request everywhere; without a trace it is a new one.
#[must_use]
pub fn fault(error: &(dyn Error + 'static)) -> Status {
    let id = propagation::trace_id(&tracing::Span::current()).unwrap_or_else(|| id::new_id().simple().to_string());
    tracing::error!(error_id = %id, error = %Chain(error), "a request failed");
    internal(&id)
}

/// `INTERNAL` with nothing but an id in it.
pub(crate) fn internal(id: &str) -> Status {
    let metadata = HashMap::from([("error_id".to_owned(), id.to_owned())]);
    let details = ErrorDetails::with_error_info("INTERNAL", DOMAIN, metadata);
    Status::with_error_details(Code::Internal, format!("an internal error; quote {id} to the operator"), details)
}

/// A refusal that the chassis itself makes.
pub(crate) fn reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new()))
}

/// A refusal that the chassis itself makes, and that may pass if tried again after a while.
pub(crate) fn later(code: Code, reason: &str, message: &str, after: std::time::Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(after));
    Status::with_error_details(code, message, details)
}

fn code(kind: RefusalKind) -> Code {
    match kind {
        RefusalKind::Invalid => Code::InvalidArgument,
        RefusalKind::NotFound => Code::NotFound,
        RefusalKind::Conflict => Code::Aborted,
        RefusalKind::Precondition => Code::FailedPrecondition,
        RefusalKind::OutOfRange => Code::OutOfRange,
        RefusalKind::AlreadyExists => Code::AlreadyExists,
        RefusalKind::Denied => Code::PermissionDenied,
        RefusalKind::Unauthenticated => Code::Unauthenticated,
        RefusalKind::Unavailable => Code::Unavailable,
        RefusalKind::Exhausted => Code::ResourceExhausted,
    }
}

/// An error and its causes on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use gridcare_domain::refusal::Violation;

    use super::*;

    #[test]
    fn a_refusal_names_every_violation_and_a_huge_one_still_fits_a_header() {
        let violation = |number| Violation::new(format!("contacts[{number}].zone"), "UNKNOWN_ZONE", "no such zone");
        let status = refuse(&Refusal::invalid((0..3).map(violation).collect()).with("limit", "3"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), 3);
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_FIELDS", "gridcare"));
        assert_eq!(info.metadata["limit"], "3");

        let huge = refuse(&Refusal::invalid((0..5_000).map(violation).collect()));
        assert!(huge.details().len() * 4 / 3 + huge.message().len() < 8_000);
        assert_eq!(huge.get_error_details().error_info().unwrap().metadata["violations_total"], "5000");
    }

    #[test]
    fn a_fault_shows_an_id_and_nothing_else() {
        let status = fault(&std::io::Error::other("password=hunter2"));
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("hunter2"));
        let info = status.get_error_details().error_info().unwrap().clone();
        assert!(status.message().contains(&info.metadata["error_id"]));
    }
}
