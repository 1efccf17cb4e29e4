//! Notices: of each corporation to its customers, and of the national utility to all.

use std::collections::BTreeMap;

use gridcare_proto::notice::v1::{
    CreateNoticeRequest, GetNoticeRequest, MoveRevisionRequest, Notice, NoticeAudience, NoticeChannel, NoticeContent,
    Phase, PlanNoticeRequest, RegionPlan, RenderNoticeRequest, RevisionAct, RevisionKind, Urgency,
    WriteRevisionRequest, notice_service_client::NoticeServiceClient,
};
use jiff::{SignedDuration, Timestamp, tz};
use tonic::transport::Channel;

use super::{country::Running, grid::wire, incident::Story, script::Told};
use crate::failure::Failure;

/// Notices of this incident share it.
pub(super) const INCIDENT: &str = "500kv-2013-05-22";
/// The key of the national notice.
pub(super) const NATION: &str = "";
const AUTHOR: &str = "trực thông tin";
const SECOND: &str = "trưởng ban";
/// An honest range for whoever is told: from this long after the onset to that long.
const RANGE: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(90), SignedDuration::from_hours(9));

impl Told {
    /// The phase of a notice that tells it.
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::First => Phase::FirstNotice,
            Self::Apology => Phase::Apology,
            Self::Progress => Phase::Progress,
            Self::AllClear => Phase::AllClear,
        }
    }
}

/// What was told so far; by region, the nation's under the empty name.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) notices: BTreeMap<String, String>,
    /// Plans as they were shown before the first notice, and when it went out.
    pub(super) plans: BTreeMap<String, (Timestamp, RegionPlan)>,
    steps: u32,
}

/// Who tells it.
struct Teller<'a> {
    name: &'a str,
    channel: Channel,
    region_vi: &'a str,
    hotline: &'a str,
}

impl Telling {
    /// A corporation tells its customers.
    pub(super) async fn tell(
        &mut self,
        story: &Story,
        running: &Running,
        region: &str,
        told: Told,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let seat = running.seat(region)?;
        let teller = Teller {
            name: region,
            channel: seat.node.clone(),
            region_vi: &seat.region.name_vi,
            hotline: if region == "HCMC" { "1900 545454" } else { "1900 1006" },
        };
        let mut content = self.content(story, &teller, told).await?;
        content.audience = Some(NoticeAudience { regions: vec![region.to_owned()], ..NoticeAudience::default() });
        content.channels = vec![NoticeChannel::Web.into(), NoticeChannel::Sms.into()];
        content.urgency = if told == Told::First { Urgency::Emergency } else { Urgency::Safety }.into();
        if told == Told::First {
            // Shown before publishing; what came of it is compared in the end.
            let mut client = NoticeServiceClient::new(teller.channel.clone());
            let request = PlanNoticeRequest { content: Some(content.clone()), ..PlanNoticeRequest::default() };
            let asked = client.plan_notice(request).await;
            let plan = asked.map_err(|status| failed(region, &status))?.into_inner().regions.pop();
            self.plans.insert(region.to_owned(), (now, plan.unwrap_or_default()));
        }
        self.publish(&teller, content).await
    }

    /// The national utility tells all whose supply was lost.
    pub(super) async fn tell_all(&mut self, story: &Story, running: &Running, told: Told) -> Result<(), Failure> {
        let teller = Teller {
            name: NATION,
            channel: running.gateway.clone(),
            region_vi: "Tập đoàn Điện lực Việt Nam",
            hotline: "1900 1006",
        };
        let mut content = self.content(story, &teller, told).await?;
        content.audience =
            Some(NoticeAudience { regions: story.incident.regions.clone(), ..NoticeAudience::default() });
        content.channels = [
            NoticeChannel::Web,
            NoticeChannel::Press,
            NoticeChannel::Radio,
            NoticeChannel::LetterToLocalities,
            NoticeChannel::LetterToGenerators,
        ]
        .map(Into::into)
        .to_vec();
        content.urgency = if told == Told::First { Urgency::Emergency } else { Urgency::Safety }.into();
        self.publish(&teller, content).await
    }

    /// A second person looks at what went out in an emergency.
    pub(super) async fn review(&mut self, running: &Running, region: &str) -> Result<(), Failure> {
        let channel = if region == NATION { running.gateway.clone() } else { running.seat(region)?.node.clone() };
        let notice = self.get(region, &channel).await?;
        self.act(region, &channel, &notice, RevisionAct::Review, SECOND).await.map(drop)
    }

    async fn content(&self, story: &Story, teller: &Teller<'_>, told: Told) -> Result<NoticeContent, Failure> {
        let onset = story.onset();
        let local = |at: Timestamp| at.to_zoned(tz::TimeZone::fixed(tz::offset(7))).strftime("%H:%M %d/%m").to_string();
        let facts = [
            ("place", if teller.name == "HCMC" { "TP.HCM" } else { "khu vực phía Nam" }.to_owned()),
            ("since", local(onset)),
            ("return_from", local(onset + RANGE.0)),
            ("return_until", local(onset + RANGE.1)),
            ("cause", "sự cố đường dây 500 kV".to_owned()),
            ("hotline", teller.hotline.to_owned()),
            ("region_name", if teller.name == NATION { "EVN" } else { teller.region_vi }.to_owned()),
        ];
        let phase = told.phase();
        let kind = match told {
            Told::First => RevisionKind::Initial,
            Told::Apology | Told::Progress => RevisionKind::Update,
            Told::AllClear => RevisionKind::AllClear,
        };
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut client = NoticeServiceClient::new(teller.channel.clone());
        let text = client.render_notice(RenderNoticeRequest { phase: phase.into(), facts }).await;
        let text = text.map_err(|status| failed(teller.name, &status))?.into_inner();
        Ok(NoticeContent {
            kind: kind.into(),
            phase: phase.into(),
            vi: text.vi,
            en: text.en,
            expires_at: wire(story.assumed.end),
            ..NoticeContent::default()
        })
    }

    /// Writes a revision and sees it through to its publication.
    async fn publish(&mut self, teller: &Teller<'_>, content: NoticeContent) -> Result<(), Failure> {
        let emergency = content.urgency() == Urgency::Emergency;
        let mut client = NoticeServiceClient::new(teller.channel.clone());
        let written = if self.notices.contains_key(teller.name) {
            let notice = self.get(teller.name, &teller.channel).await?;
            let request = WriteRevisionRequest {
                request_id: self.request_id(),
                id: notice.id,
                etag: notice.etag,
                content: Some(content),
                author: AUTHOR.to_owned(),
            };
            client.write_revision(request).await.map(|answer| answer.into_inner().notice)
        } else {
            let request = CreateNoticeRequest {
                request_id: self.request_id(),
                incident: INCIDENT.to_owned(),
                outage_id: String::new(),
                content: Some(content),
                author: AUTHOR.to_owned(),
            };
            client.create_notice(request).await.map(|answer| answer.into_inner().notice)
        };
        let mut notice = written.map_err(|status| failed(teller.name, &status))?.unwrap_or_default();
        self.notices.insert(teller.name.to_owned(), notice.id.clone());
        let acts: &[_] = if emergency {
            &[(RevisionAct::Publish, AUTHOR)]
        } else {
            &[(RevisionAct::Submit, AUTHOR), (RevisionAct::Approve, SECOND), (RevisionAct::Publish, AUTHOR)]
        };
        for (act, who) in acts {
            notice = self.act(teller.name, &teller.channel, &notice, *act, who).await?;
        }
        Ok(())
    }

    async fn act(
        &mut self,
        name: &str,
        channel: &Channel,
        notice: &Notice,
        act: RevisionAct,
        who: &str,
    ) -> Result<Notice, Failure> {
        let request = MoveRevisionRequest {
            request_id: self.request_id(),
            id: notice.id.clone(),
            etag: notice.etag.clone(),
            act: act.into(),
            author: who.to_owned(),
        };
        let moved = NoticeServiceClient::new(channel.clone()).move_revision(request).await;
        Ok(moved.map_err(|status| failed(name, &status))?.into_inner().notice.unwrap_or_default())
    }

    async fn get(&self, name: &str, channel: &Channel) -> Result<Notice, Failure> {
        let Some(id) = self.notices.get(name).cloned() else {
            return Err(Failure::said(format!("{}: nothing was told yet", shown(name))));
        };
        let found = NoticeServiceClient::new(channel.clone()).get_notice(GetNoticeRequest { id }).await;
        Ok(found.map_err(|status| failed(name, &status))?.into_inner().notice.unwrap_or_default())
    }

    fn request_id(&mut self) -> String {
        self.steps += 1;
        format!("replay/notice/{}", self.steps)
    }
}

fn shown(name: &str) -> &str {
    if name == NATION { "the nation" } else { name }
}

fn failed(name: &str, status: &tonic::Status) -> Failure {
    Failure::answered(format!("the notice of {}", shown(name)), status)
}
