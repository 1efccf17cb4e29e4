//! What is planned, for calendars and for people; and what happened in a month, beside it.

use std::fmt::Write as _;

use gridcare_domain::{
    customer::Language,
    outage::{
        Area, Outage, OutageKind,
        icalendar::{CalendarEvent, calendar},
        supply,
    },
    province,
    reliability::{Event, Lost},
};
use gridcare_store::{StoreError, outage::OutageQuery};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{Node, texts::Texts};

/// Outages that are read at once.
const PAGE: usize = 1_000;

/// A bulletin, still without its form.
pub(crate) struct Bulletin {
    title: String,
    sections: Vec<(String, Vec<String>)>,
}

impl Bulletin {
    /// Plain text.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, "=".repeat(self.title.chars().count()));
        for (heading, lines) in &self.sections {
            let _ = write!(out, "\n{heading}\n{}\n", "-".repeat(heading.chars().count()));
            for line in lines {
                let _ = writeln!(out, "* {line}");
            }
        }
        out
    }

    /// A page of its own.
    pub(crate) fn html(&self, language: Language) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body>\n<h1>{title}</h1>\n"
        );
        for (heading, lines) in &self.sections {
            let _ = write!(out, "<h2>{}</h2>\n<ul>\n", escaped(heading));
            for line in lines {
                let _ = writeln!(out, "<li>{}</li>", escaped(line));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</body>\n</html>\n");
        out
    }
}

/// Text as it may stand in a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Node {
    /// The calendar of the work that is planned within local days, cancelled work included.
    pub(crate) async fn work_calendar(
        &self,
        from: Date,
        until: Date,
        language: Language,
    ) -> Result<String, StoreError> {
        let texts = Texts::of(language);
        let planned = self.outages_within(Some(OutageKind::Planned), from, until).await?;
        let events: Vec<_> = planned.iter().filter_map(|outage| self.calendar_event(outage, texts)).collect();
        Ok(calendar(&texts.say("calendar-name", &[("region", &self.region)]), &events))
    }

    fn calendar_event(&self, outage: &Outage, texts: &Texts) -> Option<CalendarEvent> {
        let revision = outage.plan.last()?;
        let cause = texts.say(&format!("cause-{}", outage.cause), &[]);
        let places = places(texts, &outage.areas);
        let mut description = texts.say("calendar-description", &[("cause", &cause), ("places", &places)]);
        if let Some(other) = &revision.plan.alternative {
            let (from, until) = (self.local(other.starts_at), self.local(other.ends_at));
            description.push('\n');
            description.push_str(&texts.say("bulletin-alternative", &[("from", &from), ("until", &until)]));
        }
        Some(CalendarEvent {
            uid: format!("{}@{}", outage.id, self.id),
            sequence: revision.number - 1,
            stamp: revision.at,
            starts_at: revision.plan.window.starts_at,
            ends_at: revision.plan.window.ends_at,
            summary: texts.say("calendar-summary", &[("cause", &cause)]),
            description,
            location: places,
            cancelled: revision.cancelled,
        })
    }

    /// The supply bulletin of a month: what is planned, and what happened.
    pub(crate) async fn bulletin(&self, month: Date, language: Language) -> Result<Bulletin, StoreError> {
        let texts = Texts::of(language);
        let until = month.last_of_month().tomorrow().unwrap_or(Date::MAX);
        let mut outages = self.outages_within(None, month, until).await?;
        outages.reverse();
        let (planned, faults): (Vec<_>, Vec<_>) = outages.iter().partition(|outage| outage.kind == OutageKind::Planned);
        let or_none = |lines: Vec<String>| {
            if lines.is_empty() { vec![texts.say("bulletin-none", &[])] } else { lines }
        };
        let named = month.strftime("%m/%Y").to_string();
        Ok(Bulletin {
            title: texts.say("bulletin-title", &[("month", &named), ("region", &self.region)]),
            sections: vec![
                (
                    texts.say("bulletin-planned", &[]),
                    or_none(planned.iter().map(|outage| self.planned_line(outage, texts)).collect()),
                ),
                (
                    texts.say("bulletin-faults", &[]),
                    or_none(faults.iter().map(|outage| self.fault_line(outage, texts)).collect()),
                ),
                (texts.say("bulletin-summary", &[]), vec![self.summary(&outages, month, until, texts)]),
            ],
        })
    }

    fn planned_line(&self, outage: &Outage, texts: &Texts) -> String {
        let Some(revision) = outage.plan.last() else { return String::new() };
        let window = &revision.plan.window;
        let values = [
            ("from", self.local(window.starts_at)),
            ("until", self.local(window.ends_at)),
            ("places", places(texts, &outage.areas)),
            ("cause", texts.say(&format!("cause-{}", outage.cause), &[])),
        ];
        let mut line = texts.say("bulletin-work", &values.each_ref().map(|(name, value)| (*name, value.as_str())));
        if revision.cancelled {
            line.push_str(&texts.say("bulletin-cancelled", &[]));
        } else if revision.number > 1 {
            line.push_str(&texts.say("bulletin-moved", &[("revision", &revision.number.to_string())]));
        }
        line
    }

    fn fault_line(&self, outage: &Outage, texts: &Texts) -> String {
        let lost = supply::most_without(&outage.course().deltas()).unwrap_or(0);
        let until = outage.ended_at.map_or_else(|| texts.say("bulletin-lasts", &[]), |at| self.local(at));
        let values = [
            ("from", self.local(outage.begins_at)),
            ("until", until),
            ("places", places(texts, &outage.areas)),
            ("cause", texts.say(&format!("cause-{}", outage.cause), &[])),
            ("customers", texts.number(lost)),
        ];
        let id = if lost > 0 { "bulletin-fault" } else { "bulletin-fault-uncounted" };
        texts.say(id, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    /// What the month's days had of outages, until now while it runs; counted as indices count them.
    fn summary(&self, outages: &[Outage], month: Date, until: Date, texts: &Texts) -> String {
        let events: Vec<_> = outages.iter().filter(|outage| !outage.is_cancelled()).map(Event::of).collect();
        let until = self.midnight(until).min(self.now());
        let lost = Lost::between(&events, self.midnight(month).as_microsecond(), until.as_microsecond());
        let hours = lost.customer_us / 3_600_000_000;
        let values = [
            ("outages", texts.number(i64::try_from(lost.outages).unwrap_or(i64::MAX))),
            ("hours", texts.number(i64::try_from(hours).unwrap_or(i64::MAX))),
        ];
        texts.say("bulletin-totals", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    /// All outages of local days, the latest beginning first.
    async fn outages_within(
        &self,
        kind: Option<OutageKind>,
        from: Date,
        until: Date,
    ) -> Result<Vec<Outage>, StoreError> {
        let (from, until, now) = (self.midnight(from), self.midnight(until), self.now());
        // Cancelled work ends when it was to begin, which is within the day.
        let query =
            OutageQuery { kind, from_us: Some(from.as_microsecond() - 1), until_us: Some(until.as_microsecond()) };
        let (mut found, mut after): (Vec<Outage>, Option<(i64, Uuid)>) = (Vec::new(), None);
        loop {
            let page = self.store.outages(&query, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some((last.begins_at.as_microsecond(), last.id));
            found.extend(page.into_iter().filter(|outage| outage.touches(from, until, now)));
        }
    }

    /// When a local day begins.
    fn midnight(&self, date: Date) -> Timestamp {
        date.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |at| at.timestamp())
    }

    /// A time as it is told: of the clock on the wall.
    pub(crate) fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M %d/%m/%Y").to_string()
    }
}

/// Areas in words of the reader's language.
fn places(texts: &Texts, areas: &[Area]) -> String {
    areas.iter().map(|area| place(texts, area)).collect::<Vec<_>>().join("; ")
}

/// An area in words of the reader's language.
pub(super) fn place(texts: &Texts, area: &Area) -> String {
    let named = |id: &str, code: &Option<String>| code.as_ref().map(|code| texts.say(id, &[("code", code)]));
    let province = area.province.as_deref().and_then(province::find).map(|province| province.name_vi.to_owned());
    let ring = area.polygon.as_ref().map(|_| texts.say("place-ring", &[]));
    let parts = [
        named("place-transformer", &area.transformer),
        named("place-feeder", &area.feeder),
        named("place-area", &area.area_code),
        area.district.clone(),
        province,
        ring,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
