//! Why a command ends without success: in words for whoever typed it, and a code for scripts.

use std::{error::Error, fmt, io, process::ExitCode};

use tonic_types::StatusExt;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not do its work; the text names the cause and, where there is one, the cure.
    Said(String),
    /// It did its work and the answer is no: a mismatch, a missed figure. It has said so already.
    No,
    /// Whoever read the output has gone, as `head` does; nobody is there to be told.
    Unheard,
}

impl Failure {
    /// A failure in words.
    pub(crate) fn said(text: impl fmt::Display) -> Self {
        Self::Said(text.to_string())
    }

    /// What was attempted, then the whole chain of causes.
    pub(crate) fn because(attempt: impl fmt::Display, error: &(dyn Error + 'static)) -> Self {
        Self::Said(format!("{attempt}: {}", chain(error)))
    }

    /// What was attempted at a server, then what it or the way to it answered.
    pub(crate) fn answered(attempt: impl fmt::Display, status: &tonic::Status) -> Self {
        Self::Said(format!("{attempt}: {}", told(status)))
    }

    /// Tells the failure on standard error and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        match self {
            Self::Said(text) => {
                crate::output::tell(format_args!("gridcare: {text}"));
                ExitCode::FAILURE
            }
            Self::No => ExitCode::FAILURE,
            Self::Unheard => ExitCode::SUCCESS,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Unheard } else { Self::Said(chain(&error)) }
    }
}

impl From<gridcare_chassis::tls::TlsError> for Failure {
    fn from(error: gridcare_chassis::tls::TlsError) -> Self {
        Self::Said(error.to_string())
    }
}

/// An error and its causes on one line. A cause that its effect already quotes is not said twice.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// A status as one line: the message, every violation, and the cause of a failed connection.
pub(crate) fn told(status: &tonic::Status) -> String {
    let mut text = match status.source() {
        // The way to the server failed; the status itself would only say "transport error".
        Some(cause) => chain(cause),
        None => format!("{} ({:?})", status.message(), status.code()),
    };
    if let Some(bad) = status.get_details_bad_request() {
        for violation in bad.field_violations {
            text = format!("{text}; {}: {}", violation.field, violation.description);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_with_every_violation() {
        let mut details = tonic_types::ErrorDetails::new();
        details
            .add_bad_request_violation("source", "give a name")
            .add_bad_request_violation("contacts", "at most 5000");
        let status = tonic::Status::with_error_details(tonic::Code::InvalidArgument, "2 fields are wrong", details);
        let text = told(&status);
        assert_eq!(text, "2 fields are wrong (InvalidArgument); source: give a name; contacts: at most 5000");
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert!(matches!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), Failure::Unheard));
    }
}
