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
