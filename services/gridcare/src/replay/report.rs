//! What a replay came to: asked of the nodes and the gateway, without ids, positions or addresses, so that the same facts give
//! the same report byte for byte.

use std::collections::BTreeMap;

use gridcare_domain::{notice::proof, province};
use gridcare_proto::{
    federation::v1::{
        GetNationalStatusRequest, GetNoticeProofRequest, ListNoticeTargetsRequest,
        national_notice_service_client::NationalNoticeServiceClient, national_service_client::NationalServiceClient,
    },
    notice::v1::{
        FirstReached, GetNoticeProgressRequest, NoticeChannel, RevisionProgress,
        notice_service_client::NoticeServiceClient,
    },
    outage::v1::{GetReliabilityRequest, ReliabilityIndices, reliability_service_client::ReliabilityServiceClient},
    report::v1::{
        GetNationalReportRequest, ReportPeriod, ReportStep, national_report_service_client::NationalReportServiceClient,
    },
};
use jiff::{SignedDuration, Timestamp, tz};
use serde_json::{Map, Value, json};

use super::{
    country::{Running, Seat},
    desk::Desks,
    grid::wire,
    incident::Story,
    prints::Printed,
    telling::{NATION, Telling},
};
use crate::{failure::Failure, status::json as status_json};

/// What is asked for: within so many minutes of the earliest claim.
const WITHIN_MIN: i64 = 30;
/// The curve ends after three hours.
const CURVE_MIN: i64 = 180;

/// What was measured, besides what the servers know.
pub(super) struct Played<'a> {
    pub(super) story: &'a Story,
    pub(super) running: &'a Running,
    pub(super) telling: &'a Telling,
    pub(super) desks: &'a Desks,
    pub(super) prints: &'a [Printed],
    pub(super) served: &'a BTreeMap<String, u64>,
}

/// The messages of one region's first notice.
struct Reach {
    recipients: i64,
    /// Cumulative, by the minute at whose end they count.
    accepted: Vec<(Timestamp, i64)>,
}

impl Reach {
    fn by(&self, at: Timestamp) -> i64 {
        self.accepted.iter().filter(|(until, _)| *until <= at).map(|(_, accepted)| *accepted).max().unwrap_or(0)
    }
}

/// How many are told so many seconds after publishing, as the curve of a plan says; between its minutes, evenly.
fn told_within(curve: &[i64], seconds: i64) -> i64 {
    let Ok(minute) = usize::try_from(seconds.max(0) / 60) else { return 0 };
    let last = curve.last().copied().unwrap_or(0);
    let by = |minute: usize| minute.checked_sub(1).map_or(0, |at| curve.get(at).copied().unwrap_or(last));
    by(minute) + (by(minute + 1) - by(minute)) * (seconds.max(0) % 60) / 60
}

impl Played<'_> {
    /// The whole report.
    pub(super) async fn report(&self) -> Result<Value, Failure> {
        let story = self.story;
        let (mut regions, mut reaches, mut predicted, mut allowed) = (Vec::new(), Vec::new(), 0, 0);
        let clocks = self.clocks().await?;
        let status = self.status().await?;
        let at_30 = story.onset() + SignedDuration::from_mins(WITHIN_MIN);
        for seat in self.running.dark() {
            let code = seat.region.code.as_str();
            let (revisions, first) = self.progress(seat).await?;
            let reach = reach(revisions.first());
            let calls = self.desks.calls.get(code).copied().unwrap_or_default();
            if let Some((published, plan)) = self.telling.plans.get(code) {
                let seconds = at_30.duration_since(*published).as_secs();
                predicted += told_within(&plan.curve, seconds);
                allowed += told_within(&plan.curve, seconds - story.lost_seconds(code, *published, at_30));
            }
            regions.push(json!({
                "code": code,
                "customers": self.served.get(code),
                "first_notice": {
                    "sms_minutes": self.first(code, &first, NoticeChannel::Sms),
                    "web_minutes": self.first(code, &first, NoticeChannel::Web),
                    "sms_provinces": reached(code, &first, NoticeChannel::Sms).flatten().count(),
                    "web_provinces": reached(code, &first, NoticeChannel::Web).flatten().count(),
                },
                "coverage": self.coverage(&reach),
                "deliveries": deliveries(&revisions),
                "contacts": status_json::channels(&status, Some(code)),
                "calls": {
                    "offered": calls.offered, "answered": calls.answered, "abandoned": calls.abandoned, "busy": calls.busy,
                },
                "reports": { "opened": calls.reports, "joined": calls.joined },
                "sms_questions": calls.written,
                "clocks": clocks.get(code),
                "centres": seat.centres.iter().map(|centre| {
                    let counts = centre.counts();
                    json!({ "accepted": counts.accepted, "throttled": counts.throttled, "duplicates": counts.duplicates })
                }).collect::<Vec<_>>(),
            }));
            reaches.push(reach);
        }
        let recipients: i64 = reaches.iter().map(|reach| reach.recipients).sum();
        let told: i64 = reaches.iter().map(|reach| reach.by(at_30)).sum();
        Ok(json!({
            "incident": { "title_vi": story.incident.title_vi, "title_en": story.incident.title_en },
            "scale": story.assumed.scale,
            "claims": story.incident.onset_claims.iter().map(|claim| json!({
                "at": local(claim.at), "source": claim.source,
            })).collect::<Vec<_>>(),
            "regions": regions,
            "predicted_share_at_30": share(predicted, recipients),
            "allowed_share_at_30": share(allowed, recipients),
            "share_at_30": share(told, recipients),
            "indices": self.indices().await?,
            "national": self.national().await?,
            "prints": self.prints.iter().map(Printed::json).collect::<Vec<_>>(),
            "proof": self.proof().await?,
        }))
    }

    async fn progress(&self, seat: &Seat) -> Result<(Vec<RevisionProgress>, Vec<FirstReached>), Failure> {
        let id = self.telling.notices.get(&seat.region.code).cloned().unwrap_or_default();
        let asked =
            NoticeServiceClient::new(seat.node.clone()).get_notice_progress(GetNoticeProgressRequest { id }).await;
        let asked = asked.map_err(|status| Failure::answered("the progress of a notice".to_owned(), &status))?;
        let progress = asked.into_inner().progress.into_iter().next().unwrap_or_default();
        Ok((progress.revisions, progress.first))
    }

    /// Minutes from each claim until every province of the region was reached; null while one of them was not.
    fn first(&self, region: &str, first: &[FirstReached], channel: NoticeChannel) -> Value {
        let all: Option<Vec<_>> = reached(region, first, channel).collect();
        let last = all.and_then(|moments| moments.into_iter().max());
        let claims = self.story.incident.onset_claims.iter();
        let minutes = |claim: Timestamp| last.map(|at| tenths(at.duration_since(claim)));
        Value::Object(claims.map(|claim| (local(claim.at), json!(minutes(claim.at)))).collect())
    }

    /// By each minute from the earliest claim on, until all whom it will reach are reached.
    fn coverage(&self, reach: &Reach) -> Value {
        let all = reach.accepted.last().map_or(0, |(_, accepted)| *accepted);
        let mut points = Vec::new();
        for minute in 1..=CURVE_MIN {
            let accepted = reach.by(self.story.onset() + SignedDuration::from_mins(minute));
            points.push(json!({ "minute": minute, "share": share(accepted, reach.recipients) }));
            if accepted >= all {
                break;
            }
        }
        points.into()
    }

    /// Indices of the day under each claim of the onset: of each region that lost supply, and of the country.
    async fn indices(&self) -> Result<Value, Failure> {
        let day = self.story.onset().to_zoned(zone()).date();
        let request = GetReliabilityRequest {
            from: day.to_string(),
            until: day.tomorrow().unwrap_or(day).to_string(),
            cemi_n: 0,
        };
        let served: u64 = self.served.values().sum();
        let mut claims: BTreeMap<String, (i128, i64, Map<String, Value>)> = BTreeMap::new();
        for seat in self.running.dark() {
            let asked = ReliabilityServiceClient::new(seat.node.clone()).get_reliability(request.clone()).await;
            let asked = asked.map_err(|status| Failure::answered("the indices".to_owned(), &status))?.into_inner();
            for claimed in asked.claimed {
                let (Some(onset), Some(indices)) = (instant(claimed.onset.as_ref()), claimed.indices) else { continue };
                let claim = claims.entry(local(onset)).or_default();
                claim.0 += indices.customer_time_us.parse::<i128>().unwrap_or_default();
                claim.1 += indices.interrupted;
                claim.2.insert(seat.region.code.clone(), of_region(&indices));
            }
        }
        let with_country = |(claim, (time_us, interrupted, mut regions)): (String, (i128, i64, Map<String, Value>))| {
            // Sums of numerators over the sum of all who are served, whether they lost supply or not.
            #[expect(clippy::cast_precision_loss, reason = "minutes of a day and customers of a country")]
            let (minutes, times) =
                (time_us as f64 / 60e6 / served.max(1) as f64, interrupted as f64 / served.max(1) as f64);
            regions.insert("country".to_owned(), json!({ "saidi": rounded(minutes), "saifi": rounded(times) }));
            (claim, Value::Object(regions))
        };
        Ok(Value::Object(claims.into_iter().map(with_country).collect()))
    }

    /// How long each revision of the national notice took to land.
    async fn national(&self) -> Result<Value, Failure> {
        let id = self.telling.notices.get(NATION).cloned().unwrap_or_default();
        let failed = |status: tonic::Status| Failure::answered("the national notice".to_owned(), &status);
        let mut client = NationalNoticeServiceClient::new(self.running.gateway.clone());
        let targets = client.list_notice_targets(ListNoticeTargetsRequest { id: id.clone() }).await.map_err(failed)?;
        let notice = NoticeServiceClient::new(self.running.gateway.clone())
            .get_notice(gridcare_proto::notice::v1::GetNoticeRequest { id })
            .await
            .map_err(failed)?;
        let notice = notice.into_inner().notice.unwrap_or_default();
        let targets = targets.into_inner().targets;
        let revision = |revision: &gridcare_proto::notice::v1::NoticeRevision| {
            let published = instant(revision.published_at.as_ref());
            let landed: Map<String, Value> = targets
                .iter()
                .filter(|target| target.revision == revision.number)
                .map(|target| {
                    let at = instant(target.state_since.as_ref());
                    let minutes = published.zip(at).map(|(published, at)| tenths(at.duration_since(published)));
                    let state = target.state().as_str_name().trim_start_matches("LANDING_STATE_").to_lowercase();
                    (target.region.clone(), json!({ "state": state, "minutes": minutes }))
                })
                .collect();
            json!({ "revision": revision.number, "published": published.map(local), "landed": landed })
        };
        Ok(json!({ "revisions": notice.revisions.iter().map(revision).collect::<Vec<_>>() }))
    }

    /// Every notice's proof, verified as anybody would.
    async fn proof(&self) -> Result<Value, Failure> {
        let (mut verified, mut entries) = (true, 0);
        for id in self.telling.notices.values() {
            let request = GetNoticeProofRequest { id: id.clone() };
            let asked = NationalNoticeServiceClient::new(self.running.gateway.clone()).get_notice_proof(request).await;
            let proof = asked.map_err(|status| Failure::answered("a proof".to_owned(), &status))?.into_inner().proof;
            match proof::verify(&proof, &self.running.trusted) {
                Ok(proven) => entries += proven.entries.len(),
                Err(error) => {
                    tracing::warn!(%error, "a proof proves nothing");
                    verified = false;
                }
            }
        }
        let notices = self.telling.notices.len();
        Ok(json!({ "verified": verified && notices > 0, "notices": notices, "entries": entries }))
    }

    /// Clocks of tickets, met and missed, by region.
    async fn clocks(&self) -> Result<BTreeMap<String, Value>, Failure> {
        let day = self.story.onset().to_zoned(zone()).date();
        let period = ReportPeriod {
            from: day.to_string(),
            until: day.tomorrow().unwrap_or(day).to_string(),
            step: ReportStep::Total.into(),
            ..ReportPeriod::default()
        };
        let request = GetNationalReportRequest { period: Some(period), regions: Vec::new() };
        let mut client =
            NationalReportServiceClient::new(self.running.gateway.clone()).max_decoding_message_size(64 << 20);
        let asked = client.get_national_report(request).await;
        let report = asked.map_err(|status| Failure::answered("the national report".to_owned(), &status))?.into_inner();
        let rows = report.rows.iter().filter(|row| !row.region.is_empty() && row.category.is_empty());
        let clocks = |row: &gridcare_proto::report::v1::ReportRow| {
            let sum = |count: fn(&gridcare_proto::report::v1::ComplianceRow) -> u64| {
                row.compliance.iter().map(count).sum::<u64>()
            };
            json!({ "met": sum(|row| row.met), "missed": sum(|row| row.breached) })
        };
        Ok(rows.map(|row| (row.region.clone(), clocks(row))).collect())
    }

    async fn status(&self) -> Result<gridcare_proto::federation::v1::GetNationalStatusResponse, Failure> {
        let day = self.story.onset().to_zoned(zone()).start_of_day();
        let day = day.map_err(|error| Failure::because("the day of the incident", &error))?.timestamp();
        let request = GetNationalStatusRequest { from: wire(day), until: wire(day + SignedDuration::from_hours(24)) };
        let asked = NationalServiceClient::new(self.running.gateway.clone()).get_national_status(request).await;
        asked
            .map(tonic::Response::into_inner)
            .map_err(|status| Failure::answered("the national table".to_owned(), &status))
    }
}

/// When each province of a region was first reached; none of those that were not.
fn reached(region: &str, first: &[FirstReached], channel: NoticeChannel) -> impl Iterator<Item = Option<Timestamp>> {
    province::all().iter().filter(move |province| province.region == region).map(move |province| {
        let one = first.iter().find(|one| one.channel() == channel && one.province == province.code);
        one.and_then(|one| instant(one.at.as_ref()))
    })
}

fn reach(first: Option<&RevisionProgress>) -> Reach {
    let Some(first) = first else { return Reach { recipients: 0, accepted: Vec::new() } };
    let sms = first.counts.iter().filter(|count| count.channel() == NoticeChannel::Sms);
    let accepted = first.accepted.iter();
    Reach {
        recipients: sms.map(|count| count.deliveries).sum(),
        accepted: accepted.filter_map(|one| Some((instant(one.minute.as_ref())?, one.accepted))).collect(),
    }
}

/// How many messages of all revisions stand so.
fn deliveries(revisions: &[RevisionProgress]) -> Value {
    let mut states: BTreeMap<&str, i64> = BTreeMap::new();
    let counts = revisions.iter().flat_map(|revision| &revision.counts);
    for count in counts.filter(|count| count.channel() == NoticeChannel::Sms) {
        *states.entry(count.state.as_str()).or_default() += count.deliveries;
    }
    json!(states)
}

fn of_region(indices: &ReliabilityIndices) -> Value {
    json!({ "saidi": rounded(indices.saidi), "saifi": rounded(indices.saifi), "caidi": indices.caidi.map(rounded) })
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    at.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok())
}

fn zone() -> tz::TimeZone {
    tz::TimeZone::fixed(tz::offset(7))
}

fn local(at: Timestamp) -> String {
    at.to_zoned(zone()).strftime("%H:%M").to_string()
}

/// Minutes, to a tenth.
fn tenths(duration: SignedDuration) -> f64 {
    (duration.as_secs_f64() / 6.0).round() / 10.0
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn share(part: i64, all: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "customers of a country are far below 2^52")]
    let share = if all == 0 { 0.0 } else { part as f64 / all as f64 };
    rounded(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_province_that_was_never_told_is_missed() {
        let (sms, web) = (NoticeChannel::Sms, NoticeChannel::Web);
        let at = |province: &str, channel: NoticeChannel| FirstReached {
            province: province.to_owned(),
            channel: channel.into(),
            at: wire(Timestamp::UNIX_EPOCH),
        };
        let south: Vec<_> = province::all().iter().filter(|province| province.region == "SPC").collect();
        let mut first: Vec<_> = south.iter().map(|province| at(province.code, sms)).collect();
        first.extend([at("VN-HN", sms), at(south[0].code, web)]);
        assert_eq!(reached("SPC", &first, sms).flatten().count(), 21);
        assert_eq!(reached("SPC", &first, web).flatten().count(), 1);
        assert!(reached("SPC", &first, sms).all(|at| at == Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(reached("SPC", &first[1..], sms).next(), Some(None));
    }

    #[test]
    fn a_curve_is_read_between_its_minutes_too() {
        let curve = [10, 20, 26];
        let read = [-5, 0, 30, 60, 90, 150, 180, 4_000].map(|seconds| told_within(&curve, seconds));
        assert_eq!(read, [0, 0, 5, 10, 15, 23, 26, 26]);
        assert_eq!(told_within(&[], 100), 0);
    }
}
