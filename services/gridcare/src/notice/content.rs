//! What a notice says and to whom, from a file, a template and flags; the later of these goes before the earlier.

use std::{collections::HashMap, fs, path::PathBuf};

use clap::Args;
use gridcare_domain::notice::{NoticeChannel, Phase, RevisionKind, Urgency};
use gridcare_proto::{convert::code, notice::v1 as wire};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{failed, service};
use crate::{connection::Connection, failure::Failure, time};

/// What the file says: YAML, of which JSON is a part.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    kind: Option<RevisionKind>,
    phase: Option<Phase>,
    urgency: Option<Urgency>,
    audience: Audience,
    channels: Vec<NoticeChannel>,
    vi: Option<Text>,
    en: Option<Text>,
    expires_at: Option<Timestamp>,
    diacritics: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Audience {
    regions: Vec<String>,
    places: Vec<Place>,
    customer_codes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Place {
    province: String,
    district: String,
    area_code: String,
    feeder: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    title: String,
    body: String,
}

/// What is said, to whom, and until when.
#[derive(Debug, Args)]
#[command(next_help_heading = "Content")]
pub(crate) struct Content {
    /// YAML or JSON with the content; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take the texts from the template of a phase, such as `first_notice`
    #[arg(long, value_name = "PHASE", value_parser = phase)]
    template: Option<Phase>,
    /// A fact of the template, such as place="22 tỉnh phía Nam"; any number of them
    #[arg(long = "fact", value_name = "NAME=TEXT", value_parser = fact, requires = "template")]
    facts: Vec<(String, String)>,
    /// What it does to the revisions before it: initial, update, correction, cancel or `all_clear`
    #[arg(long, value_parser = kind)]
    kind: Option<RevisionKind>,
    /// routine, safety or emergency
    #[arg(long, value_parser = urgency)]
    urgency: Option<Urgency>,
    /// Code of a corporation in the audience, such as SPC; any number of them
    #[arg(long = "region", value_name = "CODE")]
    regions: Vec<String>,
    /// ISO 3166-2 code of a province in the audience, such as VN-57; any number of them
    #[arg(long = "province", value_name = "CODE")]
    provinces: Vec<String>,
    /// By what it is told: web, sms, email, webhook, press, radio, `letter_to_localities`, `letter_to_generators`
    #[arg(long = "channel", value_name = "CHANNEL", value_delimiter = ',', value_parser = channel)]
    channels: Vec<NoticeChannel>,
    /// After this nobody is told any more, such as 2026-12-01T22:00:00+07:00
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// The same as so long from now, such as 6h
    #[arg(long, value_name = "DURATION", conflicts_with = "expires_at")]
    expires_in: Option<SignedDuration>,
    /// Send SMS with diacritics, in more parts
    #[arg(long)]
    diacritics: bool,
}

macro_rules! words {
    ($($name:ident $code:ty;)+) => {$(
        fn $name(word: &str) -> Result<$code, String> {
            let all = || <$code>::ALL.iter().map(|code| code.code()).collect::<Vec<_>>().join(", ");
            <$code>::parse(word).ok_or_else(|| format!("give one of {}", all()))
        }
    )+};
}
words! {
    phase Phase;
    kind RevisionKind;
    urgency Urgency;
    channel NoticeChannel;
}

fn fact(given: &str) -> Result<(String, String), String> {
    let (name, text) = given.split_once('=').ok_or("give NAME=TEXT, such as place=\"Dĩ An\"")?;
    Ok((name.trim().to_owned(), text.to_owned()))
}

impl Content {
    /// Reads it, and lets the server fill in the template.
    pub(super) async fn read(&self, connection: &Connection, now: Timestamp) -> Result<wire::NoticeContent, Failure> {
        let mut content = self.given(self.file()?, now);
        if let Some(phase) = self.template {
            let facts: HashMap<_, _> = self.facts.iter().cloned().collect();
            let request = wire::RenderNoticeRequest { phase: code::phase_to_wire(phase), facts };
            let answer = service(connection)?.render_notice(request).await;
            let rendered = answer.map_err(|status| failed(connection, "does not fill in the template", &status))?;
            let rendered = rendered.into_inner();
            (content.vi, content.en) = (rendered.vi, rendered.en);
        }
        Ok(content)
    }

    fn file(&self) -> Result<File, Failure> {
        let Some(path) = &self.file else { return Ok(File::default()) };
        let text =
            if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(path) };
        let text = text.map_err(|error| Failure::because(path.display(), &error))?;
        serde_yaml_ng::from_str(&text).map_err(|error| Failure::because(path.display(), &error))
    }

    fn given(&self, file: File, now: Timestamp) -> wire::NoticeContent {
        let place = |place: Place| wire::NoticePlace {
            province: place.province,
            district: place.district,
            area_code: place.area_code,
            feeder: place.feeder,
        };
        let province = |code: &String| wire::NoticePlace { province: code.clone(), ..Default::default() };
        let mut audience = wire::NoticeAudience {
            regions: file.audience.regions,
            places: file.audience.places.into_iter().map(place).collect(),
            customer_codes: file.audience.customer_codes,
        };
        if !self.regions.is_empty() {
            audience.regions.clone_from(&self.regions);
        }
        if !self.provinces.is_empty() {
            audience.places = self.provinces.iter().map(province).collect();
        }
        let channels = if self.channels.is_empty() { &file.channels } else { &self.channels };
        let text = |text: Option<Text>| text.map(|text| wire::NoticeText { title: text.title, body: text.body });
        let after = self.expires_in.and_then(|after| now.checked_add(after).ok());
        let expires_at = self.expires_at.or(after).or(file.expires_at);
        let kind = self.kind.or(file.kind).unwrap_or(RevisionKind::Initial);
        let phase = self.template.or(file.phase);
        wire::NoticeContent {
            kind: code::revision_kind_to_wire(kind),
            phase: phase.map_or(0, code::phase_to_wire),
            urgency: self.urgency.or(file.urgency).map_or(0, code::urgency_to_wire),
            audience: Some(audience),
            channels: channels.iter().map(|channel| code::notice_channel_to_wire(*channel)).collect(),
            vi: text(file.vi),
            en: text(file.en),
            expires_at: expires_at.map(time::to_wire),
            diacritics: self.diacritics || file.diacritics,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        content: Content,
    }

    const FILE: &str = "\
kind: initial
phase: first_notice
urgency: safety
audience:
  regions: [SPC, HCMC]
  places: [{province: VN-57, district: Dĩ An}]
channels: [web, sms]
vi: {title: Mất điện, body: 22 tỉnh}
en: {title: Power cut, body: 22 provinces}
expires_at: 2013-05-22T22:00:00+07:00
";

    fn given(flags: &[&str], file: &str) -> wire::NoticeContent {
        let line = Line::try_parse_from(std::iter::once(&"notice").chain(flags)).unwrap();
        line.content.given(serde_yaml_ng::from_str(file).unwrap(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_file_says_everything_and_flags_go_before_it() {
        let content = given(&[], FILE);
        assert_eq!((content.kind, content.phase, content.urgency), (1, 1, 2));
        assert_eq!((content.channels.as_slice(), content.expires_at.unwrap().seconds), (&[1, 2][..], 1_369_234_800));
        assert_eq!(content.audience.as_ref().unwrap().places[0].district, "Dĩ An");
        let flags = ["--kind", "update", "--region", "NPC", "--channel", "sms,press", "--expires-in", "1h"];
        let content = given(&flags, FILE);
        assert_eq!((content.kind, content.channels.as_slice()), (2, &[2, 5][..]));
        assert_eq!(content.audience.unwrap().regions, ["NPC"]);
        assert_eq!(content.expires_at.unwrap().seconds, 3_600);
        assert_eq!(content.vi.unwrap().title, "Mất điện");
    }

    #[test]
    fn what_no_notice_has_is_refused() {
        for wrong in ["titel: x", "urgency: soon", "vi: {title: x}"] {
            assert!(serde_yaml_ng::from_str::<File>(wrong).is_err(), "{wrong}");
        }
        assert!(Line::try_parse_from(["notice", "--fact", "place=x"]).is_err(), "facts are of a template");
        assert!(Line::try_parse_from(["notice", "--template", "first"]).is_err());
    }
}
