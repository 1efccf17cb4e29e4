//! The facts that the demo must meet, from the files in `facts/`.

use jiff::civil::Date;
use serde::Deserialize;

use crate::failure::Failure;

const CHANNELS: &str = include_str!("../../facts/channels-2013.yaml");
const REGIONS: &str = include_str!("../../facts/regions.yaml");

/// The published figures and the period over which they were counted.
#[derive(Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) period: Period,
    pub(crate) figures: Vec<Fact>,
}

/// Local days, half-open.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Period {
    pub(crate) from: Date,
    pub(crate) until: Date,
}

/// One published figure.
#[derive(Debug, Deserialize)]
pub(crate) struct Fact {
    pub(crate) region: String,
    pub(crate) channel: String,
    metric: String,
    value: u64,
    precision: String,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// To the unit.
    Exactly(u64),
    /// No less.
    AtLeast(u64),
    /// Within both.
    Between(u64, u64),
}

/// One corporation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Region {
    pub(crate) code: String,
    pub(crate) name_vi: String,
    pub(crate) name_en: String,
    pub(crate) customer_code_prefixes: Vec<String>,
    pub(crate) customers: u32,
}

/// The country of the demo.
#[derive(Debug, Deserialize)]
pub(crate) struct Country {
    pub(crate) country: String,
    pub(crate) regions: Vec<Region>,
}

impl Published {
    pub(crate) fn read() -> Result<Self, Failure> {
        serde_yaml_ng::from_str(CHANNELS).map_err(|error| Failure::because("facts/channels-2013.yaml", &error))
    }

    /// Whole months in the period, for figures that are published as a monthly mean.
    pub(crate) fn months(&self) -> u64 {
        let (from, until) = (self.period.from, self.period.until);
        let months = i32::from(until.year() - from.year()) * 12 + i32::from(until.month()) - i32::from(from.month());
        u64::try_from(months).unwrap_or_default()
    }
}

impl Country {
    pub(crate) fn read() -> Result<Self, Failure> {
        serde_yaml_ng::from_str(REGIONS).map_err(|error| Failure::because("facts/regions.yaml", &error))
    }
}

impl Fact {
    /// The metric as the national table names it.
    pub(crate) fn metric(&self) -> &str {
        self.metric.strip_prefix("calls_").unwrap_or(&self.metric)
    }

    /// What the figure of the whole period must be.
    pub(crate) fn expected(&self, months: u64) -> Result<Expected, Failure> {
        match self.precision.as_str() {
            "exact" => return Ok(Expected::Exactly(self.value)),
            "at_least" => return Ok(Expected::AtLeast(self.value)),
            _ => {}
        }
        let numbers: Vec<u64> = self.precision.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [low, high] if self.precision.contains("a monthly mean from") => {
                Ok(Expected::Between(low * months, high * months))
            }
            _ => Err(Failure::said(format!(
                "facts/channels-2013.yaml: the precision {:?} is none of exact, at_least and a monthly mean from … to …",
                self.precision
            ))),
        }
    }
}

impl Expected {
    /// Whether a figure is good enough.
    pub(crate) const fn met_by(self, found: u64) -> bool {
        match self {
            Self::Exactly(value) => found == value,
            Self::AtLeast(value) => found >= value,
            Self::Between(low, high) => low <= found && found <= high,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(value) => write!(f, "{value}"),
            Self::AtLeast(value) => write!(f, "at least {value}"),
            Self::Between(low, high) => write!(f, "{low} to {high}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_figures_read_as_they_are_meant() {
        let published = Published::read().unwrap();
        let months = published.months();
        assert_eq!(months, 5);
        let read = |fact: &Fact| (fact.region.clone(), fact.metric().to_owned(), fact.expected(months).unwrap());
        let figures: Vec<_> = published.figures.iter().map(read).collect();
        let of = |region: &str, metric: &str, expected| (region.to_owned(), metric.to_owned(), expected);
        assert_eq!(
            figures,
            [
                of("HANOI", "answered", Expected::Exactly(11_574)),
                of("HCMC", "answered", Expected::Exactly(642_116)),
                of("HCMC", "messages", Expected::Between(790_000, 800_000)),
                of("SPC", "messages", Expected::Between(445_000, 455_000)),
                of("HCMC", "visits", Expected::AtLeast(34_353)),
            ]
        );
        assert!(!Expected::Exactly(11_574).met_by(11_573) && Expected::AtLeast(1).met_by(2));
        assert!(Expected::Between(1, 2).met_by(2) && !Expected::Between(1, 2).met_by(3));
    }

    #[test]
    fn there_are_five_corporations() {
        let country = Country::read().unwrap();
        let codes: Vec<_> = country.regions.iter().map(|region| region.code.as_str()).collect();
        assert_eq!(codes, ["NPC", "HANOI", "CPC", "HCMC", "SPC"]);
    }
}
