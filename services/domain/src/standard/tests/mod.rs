mod acceptance;
mod builtin;
mod changes;
mod choice;
mod findings;
mod schema;

use super::*;

/// A small bundle that lints clean but for topics without a category; tests change its lines.
const SMALL: &str = r#"standard: small
version: 1
name_vi: Nhỏ
name_en: Small
effective_at: 2030-01-01T00:00:00Z
time_zone: Asia/Ho_Chi_Minh
calendars:
  - id: office
    name_vi: Giờ hành chính
    name_en: Office hours
    week: { mon: ["07:30-11:30", "13:00-17:00"] }
    holidays_known: [{ from: 2013-01-01, until: 2014-01-01 }]
    holidays:
      - { date: 2013-01-01, name_vi: Tết Dương lịch, name_en: New Year }
localities:
  - { code: town, name_vi: Thành thị, name_en: Town }
priorities:
  - { code: normal, name_vi: Bình thường, name_en: Normal }
categories:
  - { code: outage, topic: outage, name_vi: Mất điện, name_en: Outage, default_priority: normal }
  - { code: bill, topic: bill, name_vi: Hóa đơn, name_en: Bill, default_priority: normal }
targets:
  - id: restore
    kind: resolution
    name_vi: Khôi phục
    name_en: Restored
    applies_to: { categories: [outage] }
    clock: elapsed
    warnings: [0.5, 0.8]
    rules:
      - { limit: 4 h, from: 2013-01-01, until: 2020-01-01, source: x, assumed: true }
      - { limit: 2 h, from: 2020-01-01, source: y }
  - id: settle
    kind: resolution
    name_vi: Giải quyết
    name_en: Settled
    clock: working
    calendar: office
    rules:
      - { limit: 3 wd, from: 2013-01-01, source: x }
escalations:
  - { id: late, when: breached, notify: [supervisor] }
kpis:
  - { id: compliance_of_ended, name_vi: Tỷ lệ, name_en: Share, formula: met / ended, denominator: ended, merges_by: adding, source: x }
feedback: { ask_after: PT1H, repeat_contact_window: P7D, template: ask }
templates:
  - { id: ask, name_vi: Hỏi, name_en: Ask, text_vi: "Yêu cầu {reference}?", text_en: "Request {reference}?" }
export: [id, reference, version, state, priority, opened_at, updated_at, province]
"#;

/// The small bundle with one text replaced.
fn with(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1, "{from} stands there once");
    SMALL.replacen(from, to, 1)
}

fn us(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn small() -> Standard {
    Standard::compile(read(SMALL).unwrap()).unwrap()
}

fn evn() -> Standard {
    Standard::compile(read(builtin()).unwrap()).unwrap()
}
