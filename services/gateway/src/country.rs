use gridcare_store::gateway::Seat;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::config::{GatewayConfig, MemberSeat};

/// The members as configured, and the zone of the country's tables.
#[derive(Debug, Clone)]
pub(crate) struct Country {
    pub(crate) zone: TimeZone,
    pub(crate) seats: Vec<Seat>,
}

impl Country {
    /// Reads it from a configuration that has been checked; the zone may still be unknown to this machine.
    pub(crate) fn of(config: &GatewayConfig) -> Result<Self, jiff::Error> {
        let zone = TimeZone::get(&config.gateway.time_zone)?;
        let seat = |member: &MemberSeat| {
            let midnight = |date: Date| date.to_zoned(zone.clone()).map(|at| at.timestamp().as_microsecond());
            Ok(Seat {
                node: member.node.clone(),
                region: member.region.clone(),
                endpoint: member.endpoint.clone(),
                expected_from_us: member.from.map(midnight).transpose()?.unwrap_or(i64::MIN),
            })
        };
        let seats = config.members.iter().map(seat).collect::<Result<_, jiff::Error>>()?;
        Ok(Self { zone, seats })
    }

    /// The members that an answer about a period until then is expected to cover.
    pub(crate) fn expected(&self, until: Timestamp) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(move |seat| seat.expected_from_us < until.as_microsecond())
    }

    /// Regions of these seats, each once, in the order of the configuration.
    pub(crate) fn regions<'a>(seats: impl IntoIterator<Item = &'a Seat>) -> Vec<&'a str> {
        let mut regions = Vec::new();
        for seat in seats {
            if !regions.contains(&seat.region.as_str()) {
                regions.push(seat.region.as_str());
            }
        }
        regions
    }
}
