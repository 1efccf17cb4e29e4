use gridcare_domain::completeness::Reach;
use gridcare_store::StoreError;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why a follower's session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The node's history is not ours any more, or no longer all there: take a snapshot.
    #[error("the node asks for a snapshot")]
    Rewritten,
    /// Entries are missing in the stream: ask again from the cursor.
    #[error("the stream has a gap")]
    Gap,
    /// The node cannot be reached, refuses us, or speaks otherwise.
    #[error("{what}")]
    Peer {
        /// How it counts.
        reach: Reach,
        /// In words.
        what: String,
    },
    /// Our own database failed, or the lease was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broken {
    pub(super) fn peer(reach: Reach, what: impl Into<String>) -> Self {
        Self::Peer { reach, what: what.into() }
    }

    /// It says nothing.
    pub(super) fn silent() -> Self {
        Self::peer(Reach::Timeout, "the node is silent")
    }

    /// It says what we do not understand.
    pub(super) fn skew(what: impl Into<String>) -> Self {
        Self::peer(Reach::VersionSkew, what)
    }
}

impl From<Status> for Broken {
    fn from(status: Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        if matches!(reason.as_str(), "HISTORY_REWRITTEN" | "BEHIND_HORIZON") {
            return Self::Rewritten;
        }
        let reach = match status.code() {
            Code::DeadlineExceeded => Reach::Timeout,
            Code::PermissionDenied | Code::Unauthenticated => Reach::Denied,
            // A node of another name answers at this endpoint.
            Code::OutOfRange if reason == "CURSOR_OF_ANOTHER_NODE" => Reach::Denied,
            Code::Unimplemented => Reach::VersionSkew,
            _ => Reach::Unreachable,
        };
        Self::peer(reach, format!("{:?}: {}", status.code(), status.message()))
    }
}

#[cfg(test)]
mod tests {
    use gridcare_chassis::status::refuse;
    use gridcare_domain::refusal::{Refusal, RefusalKind};

    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let reach = |status: Status| match Broken::from(status) {
            Broken::Peer { reach, .. } => reach,
            other => panic!("{other}"),
        };
        assert_eq!(reach(Status::unavailable("connection refused")), Reach::Unreachable);
        assert_eq!(reach(Status::unknown("transport error")), Reach::Unreachable);
        assert_eq!(reach(Status::deadline_exceeded("late")), Reach::Timeout);
        assert_eq!(reach(Status::permission_denied("no")), Reach::Denied);
        assert_eq!(reach(Status::unauthenticated("who")), Reach::Denied);
        assert_eq!(reach(Status::unimplemented("what")), Reach::VersionSkew);
        let other = Refusal::new(RefusalKind::OutOfRange, "CURSOR_OF_ANOTHER_NODE", "not mine");
        assert_eq!(reach(refuse(&other)), Reach::Denied);
        for reason in ["HISTORY_REWRITTEN", "BEHIND_HORIZON"] {
            let status = refuse(&Refusal::new(RefusalKind::Precondition, reason, "take a snapshot"));
            assert!(matches!(Broken::from(status), Broken::Rewritten));
        }
    }
}
