//! Until when a call is worth answering.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use crate::status;

/// The moment after which nobody waits for the answer. A handler finds it by [`deadline_of`]; calls made on its behalf
/// through [`crate::client::Caller`] inherit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

tokio::task_local! {
    static CURRENT: Deadline;
}

impl Deadline {
    /// How much is left; nothing if it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The deadline of the call that this task works for.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|deadline| *deadline).ok()
    }

    pub(super) async fn scope<F: Future>(deadline: Option<Self>, work: F) -> F::Output {
        match deadline {
            Some(deadline) => CURRENT.scope(deadline, work).await,
            None => work.await,
        }
    }
}

/// The deadline of a request, from its `grpc-timeout` and the server's own maximum. A stream may have none.
pub fn deadline_of<T>(request: &Request<T>) -> Option<Deadline> {
    request.extensions().get().copied()
}

/// tonic has a timer of its own for `grpc-timeout`, which says `CANCELLED`; ours says `DEADLINE_EXCEEDED` a hair earlier.
const HAIR: Duration = Duration::from_millis(3);

pub(super) fn of(headers: &HeaderMap, maximum: Option<Duration>) -> Option<Deadline> {
    let asked = headers.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    let asked = asked.map(|timeout| timeout.saturating_sub(HAIR.min(timeout / 4)));
    let timeout = match (asked, maximum) {
        (Some(asked), Some(maximum)) => asked.min(maximum),
        (asked, maximum) => asked.or(maximum)?,
    };
    Instant::now().checked_add(timeout).map(Deadline)
}

pub(super) fn exceeded() -> Status {
    status::reason(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline of the call has passed")
}

/// At most 8 digits and a unit, as gRPC over HTTP/2 defines it.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_defines_them() {
        for (text, expected) in [
            ("5S", Some(Duration::from_secs(5))),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1é", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_one_counts() {
        let mut headers = HeaderMap::new();
        let maximum = Some(Duration::from_secs(30));
        assert_eq!(of(&headers, maximum).unwrap().remaining(), Duration::from_secs(30));
        assert_eq!(of(&headers, None), None);
        headers.insert("grpc-timeout", "5S".parse().unwrap());
        assert_eq!(of(&headers, maximum).unwrap().remaining(), Duration::from_millis(4_997));
        headers.insert("grpc-timeout", "5M".parse().unwrap());
        assert_eq!(of(&headers, maximum).unwrap().remaining(), Duration::from_secs(30));
    }
}
