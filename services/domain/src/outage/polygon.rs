use serde::{Deserialize, Serialize};

/// Most positions of a ring.
pub const MOST_POSITIONS: usize = 1_000;
/// Units of a degree: about a centimetre at the equator.
const UNITS: f64 = 1e7;
/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;

/// A place on the map, WGS 84, in ten-millionths of a degree: whole numbers, so that every machine decides alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// East of Greenwich.
    pub lon_e7: i32,
    /// North of the equator.
    pub lat_e7: i32,
}

impl Position {
    /// The position of these degrees; `None` outside −180…180 and −90…90.
    #[must_use]
    pub fn from_degrees(longitude: f64, latitude: f64) -> Option<Self> {
        let within = longitude.abs() <= 180.0 && latitude.abs() <= 90.0;
        #[expect(clippy::cast_possible_truncation, reason = "within the range that was checked")]
        let units = |degrees: f64| (degrees * UNITS).round() as i32;
        within.then(|| Self { lon_e7: units(longitude), lat_e7: units(latitude) })
    }

    /// Longitude and latitude in degrees.
    #[must_use]
    pub fn degrees(self) -> (f64, f64) {
        (f64::from(self.lon_e7) / UNITS, f64::from(self.lat_e7) / UNITS)
    }

    /// About how far apart two positions are, in metres: exact enough within a province, where the earth is flat.
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        let ((lon, lat), (other_lon, other_lat)) = (self.degrees(), other.degrees());
        let shrink = libm::cos(f64::midpoint(lat, other_lat).to_radians());
        libm::hypot((lon - other_lon) * shrink, lat - other_lat) * DEGREE_M
    }

    /// How far east and north of here another position lies, in metres, on a plane that touches the earth here.
    fn offset(self, other: Self) -> (f64, f64) {
        let ((lon, lat), (other_lon, other_lat)) = (self.degrees(), other.degrees());
        ((other_lon - lon) * libm::cos(lat.to_radians()) * DEGREE_M, (other_lat - lat) * DEGREE_M)
    }
}

/// How far an edge comes to the place from which its ends are measured.
fn nearest((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let squared = dx * dx + dy * dy;
    // A position that is given twice makes an edge of no length, which is no fault of a ring.
    let along = if squared > 0.0 { (-(ax * dx + ay * dy) / squared).clamp(0.0, 1.0) } else { 0.0 };
    libm::hypot(ax + along * dx, ay + along * dy)
}

/// What a closed ring encloses: the outer ring of an RFC 7946 polygon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polygon {
    /// At least four positions, the last equal to the first.
    pub ring: Vec<Position>,
}

impl Polygon {
    /// What is wrong with the ring, by the rules of RFC 7946 §3.1.6.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, String)> {
        match self.ring.as_slice() {
            ring if ring.len() < 4 || ring.len() > MOST_POSITIONS => {
                Some(("LENGTH", format!("give 4 to {MOST_POSITIONS} positions, the first again as the last")))
            }
            ring if ring.first() != ring.last() => {
                Some(("NOT_CLOSED", "give the first position again as the last".to_owned()))
            }
            ring if ring.iter().all(|position| position.lon_e7 == ring[0].lon_e7)
                || ring.iter().all(|position| position.lat_e7 == ring[0].lat_e7) =>
            {
                Some(("ENCLOSES_NOTHING", "give a ring that encloses a surface".to_owned()))
            }
            _ => None,
        }
    }

    /// The box around these positions and so much more on every side, in ten-millionths of a degree; none around nothing.
    #[must_use]
    pub fn around(positions: &[Position], margin: i32) -> Option<Self> {
        let span = |of: fn(&Position) -> i32, most: i32| {
            let (least, greatest) = (positions.iter().map(of).min()?, positions.iter().map(of).max()?);
            Some(((least - margin).max(-most), (greatest + margin).min(most)))
        };
        let (west, east) = span(|position| position.lon_e7, 1_800_000_000)?;
        let (south, north) = span(|position| position.lat_e7, 900_000_000)?;
        let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)];
        Some(Self { ring: corners.map(|(lon_e7, lat_e7)| Position { lon_e7, lat_e7 }).to_vec() })
    }

    /// Whether a position lies inside or on the ring.
    #[must_use]
    pub fn covers(&self, at: Position) -> bool {
        let (x, y) = (i64::from(at.lon_e7), i64::from(at.lat_e7));
        let mut inside = false;
        for pair in self.ring.windows(2) {
            let [(ax, ay), (bx, by)] = [pair[0], pair[1]].map(|p| (i64::from(p.lon_e7), i64::from(p.lat_e7)));
            // Twice the area of the triangle: its sign says on which side of the edge the position is.
            let side = i128::from(bx - ax) * i128::from(y - ay) - i128::from(by - ay) * i128::from(x - ax);
            let beside = (ax.min(bx)..=ax.max(bx)).contains(&x) && (ay.min(by)..=ay.max(by)).contains(&y);
            if side == 0 && beside {
                return true;
            }
            // A ray to the east crosses edges that begin at or below it and end above it, or the other way round.
            if (ay > y) != (by > y) && (side > 0) == (by > ay) {
                inside = !inside;
            }
        }
        inside
    }

    /// About how far outside the ring a position lies, in metres; zero inside and on it.
    #[must_use]
    pub fn metres_to(&self, at: Position) -> f64 {
        if self.covers(at) {
            return 0.0;
        }
        let corners: Vec<_> = self.ring.iter().map(|corner| at.offset(*corner)).collect();
        corners.windows(2).map(|pair| nearest(pair[0], pair[1])).fold(f64::INFINITY, f64::min)
    }

    /// Whether the box around the ring, so many metres larger on every side, holds a position: all that lies so near to the
    /// ring lies in it, and it is asked for less than the distance.
    #[must_use]
    pub fn box_reaches(&self, at: Position, metres: f64) -> bool {
        let Some((south_west, north_east)) = self.bounds() else { return false };
        let ((west, south), (east, north)) = (at.offset(south_west), at.offset(north_east));
        west <= metres && south <= metres && east >= -metres && north >= -metres
    }

    /// The corners of the box around it: the south-western and the north-eastern.
    fn bounds(&self) -> Option<(Position, Position)> {
        let span = |of: fn(&Position) -> i32| Some((self.ring.iter().map(of).min()?, self.ring.iter().map(of).max()?));
        let ((west, east), (south, north)) = (span(|p| p.lon_e7)?, span(|p| p.lat_e7)?);
        Some((Position { lon_e7: west, lat_e7: south }, Position { lon_e7: east, lat_e7: north }))
    }

    /// The ring counter-clockwise, as RFC 7946 §3.1.6 asks for: whatever is inside lies to the left.
    #[must_use]
    pub fn counter_clockwise(&self) -> Vec<Position> {
        let twice_the_area: i128 = self
            .ring
            .windows(2)
            .map(|pair| {
                let [(ax, ay), (bx, by)] = [pair[0], pair[1]].map(|p| (i128::from(p.lon_e7), i128::from(p.lat_e7)));
                ax * by - bx * ay
            })
            .sum();
        if twice_the_area < 0 { self.ring.iter().rev().copied().collect() } else { self.ring.clone() }
    }

    /// The middle of the box around it, which stands for it when distances are compared.
    #[must_use]
    pub fn middle(&self) -> Option<Position> {
        let (least, most) = self.bounds()?;
        Some(Position { lon_e7: least.lon_e7.midpoint(most.lon_e7), lat_e7: least.lat_e7.midpoint(most.lat_e7) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(points: &[(i32, i32)]) -> Polygon {
        Polygon { ring: points.iter().map(|(lon_e7, lat_e7)| Position { lon_e7: *lon_e7, lat_e7: *lat_e7 }).collect() }
    }

    fn at(lon_e7: i32, lat_e7: i32) -> Position {
        Position { lon_e7, lat_e7 }
    }

    #[test]
    fn a_ring_is_closed_bounded_and_encloses_something() {
        let reason = |polygon: Polygon| polygon.fault().map(|(reason, _)| reason);
        assert_eq!(reason(ring(&[(0, 0), (9, 0), (9, 9), (0, 0)])), None);
        assert_eq!(reason(ring(&[(0, 0), (9, 0), (0, 0)])), Some("LENGTH"));
        assert_eq!(reason(Polygon { ring: vec![at(0, 0); MOST_POSITIONS + 1] }), Some("LENGTH"));
        assert_eq!(reason(ring(&[(0, 0), (9, 0), (9, 9), (0, 1)])), Some("NOT_CLOSED"));
        assert_eq!(reason(ring(&[(0, 0), (9, 0), (5, 0), (0, 0)])), Some("ENCLOSES_NOTHING"));
        assert_eq!(Position::from_degrees(180.1, 0.0), None);
        assert_eq!(Position::from_degrees(f64::NAN, 0.0), None);
        assert_eq!(Position::from_degrees(106.7, 10.77), Some(at(1_067_000_000, 107_700_000)));
    }

    #[test]
    fn a_ring_covers_what_lies_in_it_and_on_it_also_where_it_is_not_convex() {
        let horseshoe = ring(&[(0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9), (0, 0)]);
        for inside in [at(1, 8), at(8, 8), at(5, 1), at(0, 0), at(9, 4), at(3, 3), at(4, 3)] {
            assert!(horseshoe.covers(inside), "{inside:?}");
        }
        for outside in [at(4, 8), at(5, 4), at(10, 0), at(-1, 3), at(4, 10)] {
            assert!(!horseshoe.covers(outside), "{outside:?}");
        }
    }

    #[test]
    fn distances_are_those_of_the_map() {
        // From the Saigon opera house to Tân Sơn Nhất airport, 6.6 km as the crow flies.
        let (opera, airport) = (at(1_067_031_000, 107_767_000), at(1_066_588_000, 108_188_000));
        assert!((opera.metres_to(airport) - 6_740.0).abs() < 150.0, "{}", opera.metres_to(airport));
    }

    #[test]
    fn a_ring_is_as_far_as_its_nearest_edge_and_its_box_is_no_farther() {
        // Two kilometres wide, so that the middle of a side is a kilometre from every corner.
        let square = ring(&[(0, 0), (180_000, 0), (180_000, 0), (180_000, 180_000), (0, 180_000), (0, 0)]);
        for (place, metres, in_reach) in [
            (at(90_000, 90_000), 0.0, true),
            (at(90_000, 180_000), 0.0, true),
            (at(90_000, 207_000), 300.2, true),
            (at(-27_000, 90_000), 300.2, true),
            (at(207_000, -27_000), 424.6, true),
            // Within reach of the box alone.
            (at(220_000, 220_000), 629.0, true),
            (at(226_000, 90_000), 511.5, false),
            (at(90_000, -46_000), 511.5, false),
        ] {
            let found = square.metres_to(place);
            assert!((found - metres).abs() < 1.0, "{place:?}: {found}");
            assert_eq!(square.box_reaches(place, 500.0), in_reach, "{place:?}");
        }
        let nothing = Polygon { ring: Vec::new() };
        assert!(!nothing.box_reaches(at(0, 0), 500.0) && nothing.metres_to(at(0, 0)) > 500.0);
    }

    proptest! {
        #[test]
        fn a_box_covers_exactly_what_lies_between_its_sides(
            (w, e) in (-90..0i32, 1..90i32), (s, n) in (-90..0i32, 1..90i32), x in -100..100i32, y in -100..100i32,
        ) {
            let polygon = ring(&[(w, s), (e, s), (e, n), (w, n), (w, s)]);
            prop_assert_eq!(polygon.covers(at(x, y)), (w..=e).contains(&x) && (s..=n).contains(&y));
            let backwards = Polygon { ring: polygon.ring.iter().rev().copied().collect() };
            prop_assert_eq!(polygon.counter_clockwise(), polygon.ring.clone());
            prop_assert_eq!(backwards.counter_clockwise(), polygon.ring.clone());
            prop_assert_eq!(backwards.covers(at(x, y)), polygon.covers(at(x, y)));
        }
    }
}
