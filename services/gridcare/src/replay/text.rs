//! The report in words.

use std::fmt::Write as _;

use serde_json::Value;

use crate::status::texts::Lang;

/// The report as people read it.
pub(super) fn text(report: &Value, lang: Lang) -> String {
    let say = |vi: &'static str, en: &'static str| if matches!(lang, Lang::Vi) { vi } else { en };
    let number = |path: &str| report.pointer(path).cloned().unwrap_or_default();
    let percent = |value: &Value| format!("{:.1} %", value.as_f64().unwrap_or_default() * 100.0);
    let mut text = String::new();
    let title = number(say("/incident/title_vi", "/incident/title_en"));
    let _ = writeln!(text, "{}, 1:{}\n", title.as_str().unwrap_or_default(), number("/scale"));
    let _ = writeln!(
        text,
        "{:<8}{:>12}{:>18}{:>18}{:>14}{:>12}{:>12}",
        say("Đơn vị", "Region"),
        say("khách hàng", "customers"),
        say("SMS đầu, phút", "first SMS, min"),
        say("trang web, phút", "web page, min"),
        say("cuộc gọi", "calls"),
        say("máy bận", "busy"),
        say("đã đến", "delivered")
    );
    let first_claim = number("/claims/0/at");
    let claim = first_claim.as_str().unwrap_or_default();
    for region in report["regions"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{:<8}{:>12}{:>18}{:>18}{:>14}{:>12}{:>12}",
            region["code"].as_str().unwrap_or_default(),
            region["customers"],
            region["first_notice"]["sms_minutes"][claim],
            region["first_notice"]["web_minutes"][claim],
            region["calls"]["offered"],
            region["calls"]["busy"],
            region["deliveries"]["delivered"]
        );
    }
    let _ = writeln!(
        text,
        "\n{}: {} ({} {})",
        say("Đã báo được trong 30 phút kể từ", "Told within 30 minutes of").to_owned() + " " + claim,
        percent(&number("/share_at_30")),
        say("dự báo", "predicted"),
        percent(&number("/predicted_share_at_30"))
    );
    for (claim, indices) in report["indices"].as_object().into_iter().flatten() {
        let country = &indices["country"];
        let _ = writeln!(
            text,
            "{} {claim}: SAIDI {} {}, SAIFI {}",
            say("Nếu mất điện từ", "If it began at"),
            country["saidi"],
            say("phút", "min"),
            country["saifi"]
        );
    }
    let proven = number("/proof/verified") == true;
    let _ = writeln!(
        text,
        "{}: {} ({} {})",
        say("Chứng cứ", "Proof"),
        if proven { say("đã kiểm chứng", "verified") } else { say("KHÔNG ĐÚNG", "DOES NOT HOLD") },
        number("/proof/entries"),
        say("mục", "entries")
    );
    text
}
