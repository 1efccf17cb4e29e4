//! The table, redrawn once a second, as the national utility would keep it open.

use std::time::Duration;

use gridcare_chassis::{
    clock::{Clock as _, SystemClock},
    shutdown,
};
use gridcare_proto::federation::v1::GetNationalStatusResponse;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Gateway, reach,
    table::{self, View},
    texts::Texts,
};
use crate::{
    failure::{self, Failure},
    output,
    screen::Screen,
};

const INTERVAL: Duration = Duration::from_secs(1);

/// Shows the table until a signal. A gateway that goes away leaves the last table, its age, and why it cannot be asked.
pub(super) async fn run(gateway: &mut Gateway, address: &str, texts: &Texts, zone: &TimeZone) -> Result<(), Failure> {
    let stop = shutdown::on_signal().map_err(|error| Failure::because("signals cannot be caught", &error))?;
    let mut screen = Screen::open()?;
    let mut shown = Shown { last: None, lost: None };
    let mut beat = tokio::time::interval(INTERVAL);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = beat.tick() => {}
        }
        let answer = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            answer = gateway.ask() => answer,
        };
        let now = SystemClock.now();
        shown.hear(answer, now);
        screen.draw(&shown.text(&View { texts, zone, now, width: output::width() }, address))?;
    }
}

/// What is on the screen.
struct Shown {
    last: Option<(GetNationalStatusResponse, Timestamp)>,
    /// Since when the gateway cannot be asked, and why.
    lost: Option<(Timestamp, String)>,
}

impl Shown {
    fn hear(&mut self, answer: Result<GetNationalStatusResponse, tonic::Status>, now: Timestamp) {
        match answer {
            Ok(status) => (self.last, self.lost) = (Some((status, now)), None),
            Err(status) => {
                let since = self.lost.as_ref().map_or(now, |(since, _)| *since);
                self.lost = Some((since, failure::told(&status)));
            }
        }
    }

    fn text(&self, view: &View<'_>, address: &str) -> String {
        let mut text = String::new();
        if let Some((since, error)) = &self.lost {
            let since = reach::clock(*since, view);
            text = format!("{}\n", view.texts.with("lost", &[("since", &since), ("error", error)]));
            if let Some((_, at)) = &self.last {
                let (at, age) = (reach::clock(*at, view), reach::age(Some(*at), view));
                text = format!("{text}{}\n", view.texts.with("kept", &[("asof", &at), ("age", &age)]));
            }
            text.push('\n');
        }
        if let Some((status, _)) = &self.last {
            text.push_str(&table::render(status, view));
        }
        format!("{text}\n{}\n", view.texts.with("watching", &[("address", address)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::texts::Lang;

    #[test]
    fn a_lost_gateway_leaves_the_last_table_with_its_age_and_the_error() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (texts, zone) = (Texts::new(Lang::En), TimeZone::fixed(jiff::tz::offset(7)));
        let view = |now| View { texts: &texts, zone: &zone, now: at(now), width: 200 };
        let mut shown = Shown { last: None, lost: None };
        shown.hear(Ok(GetNationalStatusResponse::default()), at("2026-11-23T07:00:00Z"));
        assert!(shown.text(&view("2026-11-23T07:00:00Z"), "here").starts_with("Việt Nam"));
        shown.hear(Err(tonic::Status::unavailable("gone")), at("2026-11-23T07:00:01Z"));
        shown.hear(Err(tonic::Status::unavailable("gone")), at("2026-11-23T07:00:31Z"));
        let text = shown.text(&view("2026-11-23T07:00:31Z"), "here");
        let expected = "The gateway cannot be asked since 14:00:01: gone (Unavailable)\n\
                        The table below is of 14:00:00 (31 s ago).\n\nViệt Nam";
        assert!(text.starts_with(expected), "{text}");
        shown.hear(Ok(GetNationalStatusResponse::default()), at("2026-11-23T07:00:32Z"));
        assert!(shown.text(&view("2026-11-23T07:00:32Z"), "here").starts_with("Việt Nam"));
    }
}
