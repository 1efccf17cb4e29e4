//! What the demo makes: which contacts, how many, and what each node declares about its channels.

use gridcare_domain::contact::Channel;
use gridcare_node::config::Offer;
use jiff::civil::{Date, date};

/// The channels that existed before the period began did so since some unknown day; the first of the year stands for it.
const OPENED: Date = date(2013, 1, 1);
/// Ho Chi Minh City's customer-care site opened in April.
const WEB_OPENED: Date = date(2013, 4, 1);

/// The contacts of one channel of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) region: &'static str,
    pub(crate) channel: Channel,
    /// Contacts, of both directions.
    pub(crate) total: u32,
    /// The first day that has any.
    pub(crate) first: Date,
}

/// Every stream. The totals are those published; a mean that is published as a range is met by one figure within it.
pub(crate) const STREAMS: &[Stream] = &[
    Stream { region: "HANOI", channel: Channel::Hotline, total: 11_574, first: OPENED },
    Stream { region: "HCMC", channel: Channel::Hotline, total: 642_116, first: OPENED },
    // 159,500 a month: "nearly 160,000".
    Stream { region: "HCMC", channel: Channel::Sms, total: 797_500, first: OPENED },
    // 90,000 a month.
    Stream { region: "SPC", channel: Channel::Sms, total: 450_000, first: OPENED },
    Stream { region: "HCMC", channel: Channel::Web, total: 34_353, first: WEB_OPENED },
];

/// What the node of a region declares: a channel that is not listed is not offered.
pub(crate) fn offers(region: &str) -> Vec<Offer> {
    let offer = |channel: Channel, metric: &str, offered_from, reported_from| Offer {
        channel: channel.code().to_owned(),
        metric: metric.to_owned(),
        offered_from,
        reported_from,
        reported_through: None,
    };
    // The article gives answered calls of two corporations, and nothing else of any hotline or office.
    let answered = matches!(region, "HANOI" | "HCMC").then_some(OPENED);
    let mut offers = vec![
        offer(Channel::Hotline, "offered", OPENED, None),
        offer(Channel::Hotline, "answered", OPENED, answered),
        offer(Channel::Hotline, "abandoned", OPENED, None),
        offer(Channel::Hotline, "busy", OPENED, None),
        offer(Channel::Office, "visits", OPENED, None),
    ];
    if matches!(region, "HCMC" | "SPC") {
        offers.push(offer(Channel::Sms, "messages", OPENED, Some(OPENED)));
    }
    if region == "HCMC" {
        offers.push(offer(Channel::Web, "visits", WEB_OPENED, Some(WEB_OPENED)));
    }
    offers
}

/// Name of a stream's source at its node; it says that the contacts are not real.
pub(crate) fn source(channel: Channel) -> String {
    format!("synthetic-2013/{channel}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::facts::Published;

    #[test]
    fn the_plan_meets_every_published_figure() {
        let published = Published::read().unwrap();
        for fact in &published.figures {
            let stream = STREAMS.iter().find(|s| s.region == fact.region && s.channel.code() == fact.channel).unwrap();
            assert!(fact.expected(published.months()).unwrap().met_by(stream.total.into()), "{fact:?}");
        }
        assert_eq!(published.figures.len(), STREAMS.len());
    }

    #[test]
    fn what_the_article_does_not_say_is_offered_and_not_reported_or_not_offered() {
        let reported = |region: &str| -> Vec<String> {
            offers(region).into_iter().filter(|o| o.reported_from.is_some()).map(|o| o.metric).collect()
        };
        assert_eq!(reported("NPC"), Vec::<String>::new());
        assert_eq!(reported("HANOI"), ["answered"]);
        assert_eq!(reported("HCMC"), ["answered", "messages", "visits"]);
        assert_eq!(reported("SPC"), ["messages"]);
        assert!(offers("CPC").iter().all(|offer| offer.channel != "sms" && offer.channel != "web"));
    }
}
