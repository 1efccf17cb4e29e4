use super::{ClockOutcome, ClockPhase, Repetition};
use crate::ticket::State;

/// What reports know of one ticket: codes, numbers and times, and nothing that tells who it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where it stands.
    pub state: State,
    /// Merged into another ticket.
    pub merged: bool,
    /// A code of the standard's categories, or empty.
    pub category: String,
    /// A word of the list of topics.
    pub topic: String,
    /// A word of the list of channels.
    pub channel: String,
    /// A code of the node's teams, or empty.
    pub team: String,
    /// When it was opened, microseconds since 1970, like all times here.
    pub opened_us: i64,
    /// When it last changed.
    pub updated_us: i64,
    /// The first public answer.
    pub first_response_us: Option<i64>,
    /// When it was resolved, unless reopened since.
    pub resolved_us: Option<i64>,
    /// When it was closed or cancelled.
    pub closed_us: Option<i64>,
    /// 1 to 5, and when it was given.
    pub rated: Option<(i64, i64)>,
    /// Whether the customer came back; `None` while nobody knows.
    pub repetition: Option<Repetition>,
    /// Its clocks.
    pub clocks: Vec<ClockFact>,
}

/// What reports know of one clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFact {
    /// Id of the target in the standard.
    pub target: String,
    /// The wire's number of the kind.
    pub kind: i64,
    /// The rule under which it was last decided: `<version of the standard>/<target>/<rule>`.
    pub rule: String,
    /// When it began to count.
    pub started_us: i64,
    /// When it runs out, or of a stopped clock, would have run out.
    pub deadline_us: Option<i64>,
    /// When it ended.
    pub stopped_us: Option<i64>,
    /// When its limit was passed.
    pub breached_us: Option<i64>,
    /// What it does.
    pub phase: ClockPhase,
}

impl ClockFact {
    /// What became of it. A clock that rests has ended, for as long as its ticket stays resolved.
    #[must_use]
    pub const fn outcome(&self) -> ClockOutcome {
        match (self.phase, self.breached_us.is_some()) {
            (ClockPhase::Void, _) => ClockOutcome::Void,
            (ClockPhase::Stopped | ClockPhase::Resting, false) => ClockOutcome::Met,
            (ClockPhase::Stopped | ClockPhase::Resting, true) => ClockOutcome::Missed,
            (ClockPhase::Running | ClockPhase::Paused, false) => ClockOutcome::Running,
            (ClockPhase::Running | ClockPhase::Paused, true) => ClockOutcome::Overdue,
        }
    }
}

impl Facts {
    /// When it stopped being open; `None` while it is open. A reopened ticket counts as open since its opening.
    #[must_use]
    pub fn ended_us(&self) -> Option<i64> {
        let ended = self.merged || matches!(self.state, State::Resolved | State::Closed | State::Cancelled);
        ended.then(|| self.resolved_us.or(self.closed_us).unwrap_or(self.updated_us))
    }

    /// When it was resolved, if it counts as resolved: neither cancelled nor merged, and not reopened.
    #[must_use]
    pub fn resolution_us(&self) -> Option<i64> {
        self.resolved_us.filter(|_| !self.merged && matches!(self.state, State::Resolved | State::Closed))
    }
}
