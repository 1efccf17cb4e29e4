//! What is asked of notices to the public.

use super::{
    bundle::{Bundle, NoticeRule},
    finding::{Finding, Path},
    limit,
};
use crate::{contact::Channel, notice::NoticeChannel};

/// What is asked of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeDuty {
    /// Id of the rule, such as `incident`.
    pub id: String,
    /// What it must say, in the words of the bundle.
    pub content: Vec<String>,
    /// How soon after the onset of its outage the first must be out.
    pub first_within_us: Option<i64>,
    /// By what it must be told, each once; doors by which no notice leaves are not among them.
    pub channels: Vec<NoticeChannel>,
    /// Who says so.
    pub source: String,
}

impl NoticeDuty {
    /// All that a bundle asks of notices.
    pub(super) fn of(bundle: &Bundle) -> Result<Vec<Self>, Vec<Finding>> {
        bundle.notices.iter().enumerate().map(|(at, rule)| Self::compile(at, rule)).collect()
    }

    fn compile(at: usize, rule: &NoticeRule) -> Result<Self, Vec<Finding>> {
        let malformed = || {
            let path = Path::default().item("notices", at).key("first_within");
            vec![Finding::error(&path, "MALFORMED_DURATION", "write a duration such as PT30M")]
        };
        let within = rule.first_within.as_deref().map(|text| limit::iso_us(text).ok_or_else(malformed));
        let mut channels: Vec<_> = rule.channels.iter().filter_map(|channel| told_by(*channel)).collect();
        channels.sort_unstable();
        channels.dedup();
        Ok(Self {
            id: rule.id.clone(),
            content: rule.content.clone(),
            first_within_us: within.transpose()?,
            channels,
            source: rule.source.clone(),
        })
    }
}

/// The channel of notices that is this door of contacts, if one is.
const fn told_by(door: Channel) -> Option<NoticeChannel> {
    match door {
        Channel::Web => Some(NoticeChannel::Web),
        Channel::Sms => Some(NoticeChannel::Sms),
        Channel::Email => Some(NoticeChannel::Email),
        Channel::Hotline | Channel::Office | Channel::App | Channel::Social | Channel::Letter => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard::{Standard, builtin, read};

    #[test]
    fn the_shipped_standard_asks_for_the_first_of_an_incident_within_thirty_minutes() {
        let evn = Standard::compile(read(builtin()).unwrap()).unwrap();
        let web_and_sms = [NoticeChannel::Web, NoticeChannel::Sms];
        for (id, minutes, source) in [
            ("planned_outage", None, "TT22/2020"),
            ("emergency_outage", None, "TT22/2020"),
            ("incident", Some(30), "EVN 2013"),
        ] {
            let duty = evn.notice_duty(id).unwrap();
            assert_eq!(duty.first_within_us, minutes.map(|minutes: i64| minutes * 60_000_000), "{id}");
            assert_eq!((duty.channels.as_slice(), duty.source.as_str()), (&web_and_sms[..], source), "{id}");
            assert_eq!(duty.content, ["place", "reason", "start", "expected_return"], "{id}");
        }
        assert_eq!(evn.notice_duty("all_clear"), None);
    }

    #[test]
    fn doors_that_no_notice_leaves_by_are_left_out_and_durations_are_read_whole() {
        let mut bundle = read(builtin()).unwrap();
        let rule = bundle.notices.iter_mut().find(|rule| rule.id == "incident").unwrap();
        rule.channels = vec![Channel::Office, Channel::Email, Channel::Web, Channel::Hotline, Channel::Web];
        let duties = NoticeDuty::of(&bundle).unwrap();
        assert_eq!(duties.last().unwrap().channels, [NoticeChannel::Web, NoticeChannel::Email]);
        bundle.notices.last_mut().unwrap().first_within = Some("30 min".into());
        let found = Standard::compile(bundle).unwrap_err();
        assert_eq!(found[0].path.to_string(), "notices[2].first_within");
    }
}
