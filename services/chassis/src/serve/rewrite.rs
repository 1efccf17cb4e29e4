//! What tonic says about a request that it cannot read is put right: it is the caller's fault, not the server's.

use tonic::{Code, Status};

use crate::status;

/// What tonic's decoder says, with `INTERNAL`, about bytes that are no message.
const UNREADABLE: [&str; 5] = [
    "failed to decode Protobuf message",
    "Unexpected EOF decoding stream",
    "protocol error: received message with compressed-flag",
    "protocol error: received message with invalid compression flag",
    "Error decompressing:",
];
/// And, with other codes, about a message that is too large.
const TOO_LARGE: [&str; 2] = ["Error, decoded message length too large", "Error decompressing: size limit"];

/// The better status, if this one is tonic's.
pub(super) fn better(given: &Status) -> Option<Status> {
    // A status with details was made by somebody who knew more.
    if !given.details().is_empty() {
        return None;
    }
    let starts = |texts: &[&str]| texts.iter().any(|text| given.message().starts_with(text));
    match given.code() {
        Code::OutOfRange | Code::ResourceExhausted if starts(&TOO_LARGE) => {
            let message = given.message().trim_start_matches("Error, ");
            Some(status::reason(Code::InvalidArgument, "MESSAGE_TOO_LARGE", format!("{message}; send less at once")))
        }
        Code::Internal if starts(&UNREADABLE) => {
            let message = format!("the request is not a valid message: {}", given.message());
            Some(status::reason(Code::InvalidArgument, "MALFORMED_MESSAGE", message))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn only_what_tonic_said_is_rewritten() {
        let eof = better(&Status::internal("Unexpected EOF decoding stream.")).unwrap();
        assert_eq!(eof.code(), Code::InvalidArgument);
        assert_eq!(eof.get_error_details().error_info().unwrap().reason, "MALFORMED_MESSAGE");
        let large =
            Status::out_of_range("Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes");
        assert_eq!(better(&large).unwrap().get_error_details().error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
        assert!(better(&Status::internal("another")).is_none());
        assert!(better(&Status::out_of_range("a token of the future")).is_none());
        assert!(better(&status::internal("1")).is_none());
    }
}
