use crate::contact::code::codes;

codes! {
    /// What is counted of tickets, each on a local day of its own. The day is said where the figure is: in
    /// [`super::REPORT_FIGURES`].
    Measure {
        /// Opened.
        Inflow = 1 "inflow",
        /// Not open any more: resolved, closed, cancelled or merged.
        Ended = 2 "ended",
        /// Resolved and not reopened since.
        Resolved = 3 "resolved",
        /// Closed for good.
        Closed = 4 "closed",
        /// Cancelled.
        Cancelled = 5 "cancelled",
        /// Merged into another ticket.
        Merged = 6 "merged",
        /// Open now.
        Open = 7 "open",
        /// From opening to the first public answer; the detail is a bin of a `DDSketch`.
        FirstResponse = 8 "first_response",
        /// From opening to the resolution; the detail is a bin of a `DDSketch`.
        Resolution = 9 "resolution",
        /// Clocks of the standard; the detail is outcome, kind, target and rule.
        Clock = 10 "clock",
        /// Ratings; the detail is the score.
        Satisfaction = 11 "satisfaction",
        /// Whether the customer came back; the detail is the repetition.
        FirstContact = 12 "first_contact",
        /// Opened, by team.
        TeamInflow = 13 "team_inflow",
        /// Resolved, by team.
        TeamResolved = 14 "team_resolved",
        /// Open now, by team.
        TeamOpen = 15 "team_open",
        /// Opened, by channel.
        Channel = 16 "channel",
        /// Opened, by topic.
        Topic = 17 "topic",
    }
}

codes! {
    /// What a clock of a ticket does, with the numbers of the wire.
    ClockPhase {
        /// It counts.
        Running = 1 "running",
        /// It waits for the customer or a third party.
        Paused = 2 "paused",
        /// The ticket is resolved; it goes on when the ticket is reopened.
        Resting = 3 "resting",
        /// It has ended.
        Stopped = 4 "stopped",
        /// No rule asks for it any more.
        Void = 5 "void",
    }
}

codes! {
    /// What became of a clock; every clock has exactly one.
    ClockOutcome {
        /// Neither ended nor passed.
        Running = 1 "running",
        /// Its limit was passed, and it goes on.
        Overdue = 2 "overdue",
        /// Ended within its limit.
        Met = 3 "met",
        /// Ended after its limit.
        Missed = 4 "missed",
        /// No rule asks for it any more: merged, cancelled or reclassified.
        Void = 5 "void",
    }
}

codes! {
    /// What became of first-contact resolution, with the numbers of the wire.
    Repetition {
        /// The customer did not come back about it within the window.
        None = 1 "none",
        /// The customer came back.
        Repeated = 2 "repeated",
    }
}
