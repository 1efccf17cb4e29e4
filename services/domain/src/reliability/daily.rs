use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::family::{Family, families};
use crate::{
    outage::{Outage, supply::Course},
    report::day::{Days, local_day},
};

/// An interruption that lasts longer is sustained: five minutes (IEEE 1366-2012 §3.23), in microseconds.
pub const SUSTAINED_OVER_US: i64 = 5 * 60 * 1_000_000;

/// An outage, as far as indices ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The outage.
    pub id: Uuid,
    /// The one of which it is a part.
    pub parent: Option<Uuid>,
    /// Whether supply was lost to the distribution grid, which is reported apart.
    pub loss_of_supply: bool,
    /// Who was without supply when.
    pub course: Course,
}

impl Event {
    /// An outage as it stands.
    #[must_use]
    pub fn of(outage: &Outage) -> Self {
        Self {
            id: outage.id,
            parent: outage.parent,
            loss_of_supply: outage.cause.is_loss_of_supply(),
            course: outage.course(),
        }
    }
}

/// How many customers are served, from a local day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// The first day, in days since 1970.
    pub from: i32,
    /// How many.
    pub customers: i64,
}

/// What one local day comes to. All of it adds up over regions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySums {
    /// Customers served.
    pub served: i64,
    /// Customers times microseconds of sustained interruptions that began on this day.
    pub customer_us: i128,
    /// Customers in those.
    pub interrupted: i64,
    /// Customers in momentary interruptions that began on this day.
    pub momentary: i64,
    /// Of `customer_us`, what was lost to the distribution grid.
    pub loss_customer_us: i128,
    /// Of `interrupted`, what was lost to the distribution grid.
    pub loss_interrupted: i64,
}

impl DaySums {
    const fn add(&mut self, other: &Self) {
        self.served += other.served;
        self.customer_us += other.customer_us;
        self.interrupted += other.interrupted;
        self.momentary += other.momentary;
        self.loss_customer_us += other.loss_customer_us;
        self.loss_interrupted += other.loss_interrupted;
    }
}

/// Sums of local days, in days since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Daily(pub BTreeMap<i32, DaySums>);

impl Daily {
    /// The sums of one region's days: every day of the span, with or without outages.
    ///
    /// `served` says since when how many are served, ascending; days before the first have none. What still goes on counts until
    /// `now_us`. `onset` puts one outage's onset elsewhere, as another claim has it.
    #[must_use]
    pub fn of(
        events: &[Event],
        served: &[Served],
        span: Days,
        zone: &TimeZone,
        now_us: i64,
        onset: Option<(Uuid, i64)>,
    ) -> Self {
        let mut days = BTreeMap::new();
        for day in span.from..span.until {
            let customers = served.iter().rev().find(|known| known.from <= day).map_or(0, |known| known.customers);
            days.insert(day, DaySums { served: customers, ..DaySums::default() });
        }
        for Family { root, interruptions } in families(events, onset) {
            for one in interruptions {
                let lasted = one.until_us.unwrap_or(now_us.max(one.from_us)) - one.from_us;
                let Some(day) = days.get_mut(&local_day(one.from_us, zone)) else { continue };
                if lasted > SUSTAINED_OVER_US {
                    let customer_us = i128::from(lasted) * i128::from(one.customers);
                    day.customer_us += customer_us;
                    day.interrupted += one.customers;
                    if root.loss_of_supply {
                        day.loss_customer_us += customer_us;
                        day.loss_interrupted += one.customers;
                    }
                // What has not lasted five minutes yet may still become sustained.
                } else if one.until_us.is_some() && lasted > 0 {
                    day.momentary += one.customers;
                }
            }
        }
        Self(days)
    }

    /// Adds another region's days.
    pub fn merge(&mut self, other: &Self) {
        for (day, sums) in &other.0 {
            self.0.entry(*day).or_default().add(sums);
        }
    }
}
