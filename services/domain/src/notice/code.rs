use crate::contact::code::codes;

codes! {
    /// Where a revision of a notice stands.
    RevisionState {
        /// Being written.
        Draft = 1 "draft",
        /// Waiting for a second person.
        Submitted = 2 "submitted",
        /// A second person has agreed.
        Approved = 3 "approved",
        /// Told to everybody whom it concerns; never changed again.
        Published = 4 "published",
        /// Given up before it was published.
        Withdrawn = 5 "withdrawn",
    }
}

codes! {
    /// What a revision does to those before it.
    RevisionKind {
        /// The first.
        Initial = 1 "initial",
        /// More, or newer.
        Update = 2 "update",
        /// What was said was wrong.
        Correction = 3 "correction",
        /// What was said no longer holds; nothing of it is sent any more.
        Cancel = 4 "cancel",
        /// It is over.
        AllClear = 5 "all_clear",
    }
}

impl RevisionKind {
    /// Whether the notice ends with it.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(self, Self::Cancel | Self::AllClear)
    }

    /// Whether what was said before was wrong or is over: whoever has not heard of it need not hear of it any more.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::Correction | Self::Cancel | Self::AllClear)
    }
}

codes! {
    /// How pressing it is.
    Urgency {
        /// It can wait until the morning.
        Routine = 1 "routine",
        /// People may come to harm: quiet hours do not hold it back.
        Safety = 2 "safety",
        /// It goes out at once, with one person's word; a second looks at it afterwards.
        Emergency = 3 "emergency",
    }
}

codes! {
    /// By what a notice is told.
    NoticeChannel {
        /// The public page.
        Web = 1 "web",
        /// Text messages.
        Sms = 2 "sms",
        /// Electronic mail.
        Email = 3 "email",
        /// Calls of partners' systems.
        Webhook = 4 "webhook",
        /// Newspapers and agencies.
        Press = 5 "press",
        /// Broadcasting.
        Radio = 6 "radio",
        /// People's committees of the places concerned.
        LetterToLocalities = 7 "letter_to_localities",
        /// Power stations that feed in.
        LetterToGenerators = 8 "letter_to_generators",
    }
}

codes! {
    /// What a notice is about at this point of an incident. A recipient is told of each once.
    Phase {
        /// Supply is lost.
        First = 1 "first_notice",
        /// We are sorry.
        Apology = 2 "apology",
        /// What is being done.
        Progress = 3 "progress",
        /// Supply returns at another time than was said.
        EstimateChanged = 4 "estimate_changed",
        /// Supply is back for some.
        PartialRestoration = 5 "partial_restoration",
        /// Supply is back for all.
        AllClear = 6 "all_clear",
        /// Work is announced.
        Planned = 7 "planned",
        /// Announced work does not take place.
        Cancelled = 8 "cancelled",
    }
}
