use serde_json::{Value, json};

use super::{NoticeText, PublicNotice, PublicRevision};
use crate::outage::Area;

impl PublicNotice {
    /// The notice as data, the newest revision first: the same at a node and at a gateway. `corporation` is the code of whose it
    /// is; none for the nation's.
    #[must_use]
    pub fn data(&self, corporation: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "incident": self.incident,
            "national": corporation.is_none(),
            "region": corporation.unwrap_or_default(),
            "revisions": self.revisions.iter().rev().map(revision).collect::<Vec<_>>(),
        })
    }
}

fn revision(revision: &PublicRevision) -> Value {
    let text = |text: &NoticeText| json!({"title": text.title, "body": text.body});
    json!({
        "number": revision.number,
        "kind": revision.kind,
        "phase": revision.phase,
        "urgency": revision.urgency,
        "regions": revision.regions,
        "places": revision.places.iter().map(place).collect::<Vec<_>>(),
        "channels": revision.channels,
        "published_at": revision.published_at.to_string(),
        "expires_at": revision.expires_at.to_string(),
        "vi": text(&revision.vi),
        "en": text(&revision.en),
    })
}

fn place(area: &Area) -> Value {
    json!({
        "province": area.province,
        "district": area.district,
        "area_code": area.area_code,
        "feeder": area.feeder,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::notice::{NoticeChannel, Phase, RevisionKind, Urgency};

    #[test]
    fn a_notice_as_data_begins_with_what_holds_and_says_whose_it_is() {
        let text = |body: &str| NoticeText { title: "Mất điện".into(), body: body.into() };
        let said = |number, body| PublicRevision {
            number,
            kind: RevisionKind::Initial,
            phase: Phase::First,
            urgency: Urgency::Safety,
            regions: vec!["SPC".into()],
            places: vec![Area { province: Some("VN-57".into()), ..Area::default() }],
            everybody: false,
            channels: vec![NoticeChannel::Web, NoticeChannel::Sms],
            vi: text(body),
            en: text(body),
            published_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
        };
        let notice = PublicNotice {
            id: Uuid::nil(),
            incident: "i".into(),
            stopped: false,
            outage_areas: vec![],
            revisions: vec![said(1, "một"), said(2, "hai")],
        };
        let data = notice.data(Some("SPC"));
        assert_eq!(data["revisions"][0]["vi"]["body"], "hai");
        assert_eq!(data["revisions"][1]["places"][0]["province"], "VN-57");
        assert_eq!(data["revisions"][0]["channels"], json!(["web", "sms"]));
        assert_eq!((data["national"].as_bool(), &data["region"]), (Some(false), &json!("SPC")));
        assert_eq!(notice.data(None)["national"].as_bool(), Some(true));
    }
}
