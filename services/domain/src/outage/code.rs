use crate::contact::code::codes;

codes! {
    /// Whether somebody decided it beforehand.
    OutageKind {
        /// Announced work.
        Planned = 1 "planned",
        /// A fault.
        Unplanned = 2 "unplanned",
    }
}

codes! {
    /// Why supply is lost.
    Cause {
        /// Nobody knows yet.
        Unknown = 1 "unknown",
        /// Maintenance or repair of the grid.
        Maintenance = 2 "maintenance",
        /// New lines, substations or connections.
        Construction = 3 "construction",
        /// Something in the grid broke.
        Equipment = 4 "equipment",
        /// Wind, lightning, flood.
        Weather = 5 "weather",
        /// Trees and animals.
        Vegetation = 6 "vegetation",
        /// Somebody else's work, vehicle or crane.
        ThirdParty = 7 "third_party",
        /// More load than the grid carries.
        Overload = 8 "overload",
        /// The transmission grid.
        Transmission = 9 "transmission",
        /// Too little generation.
        LoadShedding = 10 "load_shedding",
        /// Fire, or another danger to people.
        Safety = 11 "safety",
        /// None of these.
        Other = 12 "other",
    }
}

impl Cause {
    /// Whether supply was lost to the distribution grid, which IEEE 1366 has reported apart.
    #[must_use]
    pub const fn is_loss_of_supply(self) -> bool {
        matches!(self, Self::Transmission | Self::LoadShedding)
    }
}

codes! {
    /// Who estimates when supply returns.
    EstimateSource {
        /// The plan of the work.
        Schedule = 1 "schedule",
        /// The control room.
        Dispatcher = 2 "dispatcher",
        /// Those who repair it.
        Crew = 3 "crew",
        /// Computed from outages like it.
        Statistics = 4 "statistics",
    }
}

codes! {
    /// How sure somebody is.
    Confidence {
        /// Hardly.
        Low = 1 "low",
        /// As usual.
        Medium = 2 "medium",
        /// Nearly certain.
        High = 3 "high",
    }
}

codes! {
    /// Where those who repair it are.
    CrewState {
        /// Nobody has been sent.
        None = 1 "none",
        /// Somebody is to go.
        Assigned = 2 "assigned",
        /// On their way.
        EnRoute = 3 "en_route",
        /// At work.
        OnSite = 4 "on_site",
        /// They have left.
        Done = 5 "done",
    }
}

codes! {
    /// What a step does to those whom it concerns.
    StepKind {
        /// They lose supply.
        Lost = 1 "lost",
        /// They have it again.
        Regained = 2 "regained",
    }
}

codes! {
    /// What somebody claims about an outage.
    FactKind {
        /// When it began.
        Onset = 1 "onset",
        /// Why.
        Cause = 2 "cause",
        /// How many lost supply in all.
        Customers = 3 "customers",
        /// When supply was back everywhere.
        Restoration = 4 "restoration",
    }
}
