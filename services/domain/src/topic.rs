//! The closed list of what contacts and tickets are about. Codes leave a region; free text does not.

use crate::contact::code::codes;

codes! {
    /// What a contact or a ticket is about.
    Topic {
        /// Supply is lost.
        Outage = 1 "outage",
        /// Voltage or frequency is wrong, lights flicker.
        PowerQuality = 2 "power_quality",
        /// When and what was read from the meter.
        MeterReading = 3 "meter_reading",
        /// How a bill came about.
        Bill = 4 "bill",
        /// Paying, and what became of a payment.
        Payment = 5 "payment",
        /// What is owed, and disconnection for it.
        Debt = 6 "debt",
        /// A new connection.
        NewSupply = 7 "new_supply",
        /// Supply again after a disconnection.
        Reconnection = 8 "reconnection",
        /// Moving a meter or a line.
        Relocation = 9 "relocation",
        /// A meter is thought to be wrong or broken.
        MeterComplaint = 10 "meter_complaint",
        /// Conduct or quality of service.
        ServiceComplaint = 11 "service_complaint",
        /// An announced interruption.
        PlannedOutage = 12 "planned_outage",
        /// Danger to people: a fallen line, a fire, a shock.
        Safety = 13 "safety",
        /// The customer looked something up on the website.
        WebLookup = 14 "web_lookup",
        /// A question about anything else.
        Information = 15 "information",
        /// None of these.
        Other = 16 "other",
    }
}

impl Topic {
    /// The name in Vietnamese, in normal form C.
    #[must_use]
    pub const fn name_vi(self) -> &'static str {
        match self {
            Self::Outage => "Mất điện",
            Self::PowerQuality => "Chất lượng điện năng",
            Self::MeterReading => "Ghi chỉ số công tơ",
            Self::Bill => "Hóa đơn tiền điện",
            Self::Payment => "Thanh toán tiền điện",
            Self::Debt => "Nợ tiền điện",
            Self::NewSupply => "Cấp điện mới",
            Self::Reconnection => "Đóng điện trở lại",
            Self::Relocation => "Di dời công tơ, đường dây",
            Self::MeterComplaint => "Khiếu nại về công tơ",
            Self::ServiceComplaint => "Khiếu nại về dịch vụ",
            Self::PlannedOutage => "Lịch ngừng, giảm cung cấp điện",
            Self::Safety => "An toàn điện",
            Self::WebLookup => "Tra cứu trên trang web",
            Self::Information => "Hỏi thông tin",
            Self::Other => "Nội dung khác",
        }
    }

    /// The name in English.
    #[must_use]
    pub const fn name_en(self) -> &'static str {
        match self {
            Self::Outage => "Power outage",
            Self::PowerQuality => "Power quality",
            Self::MeterReading => "Meter reading",
            Self::Bill => "Electricity bill",
            Self::Payment => "Payment",
            Self::Debt => "Amount owed",
            Self::NewSupply => "New supply",
            Self::Reconnection => "Reconnection",
            Self::Relocation => "Relocation of a meter or line",
            Self::MeterComplaint => "Complaint about a meter",
            Self::ServiceComplaint => "Complaint about service",
            Self::PlannedOutage => "Planned outage",
            Self::Safety => "Electrical safety",
            Self::WebLookup => "Look-up on the website",
            Self::Information => "Information",
            Self::Other => "Something else",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::text::nfc;

    #[test]
    fn every_code_and_number_reads_back_and_no_other_does() {
        assert_eq!(Topic::ALL.len(), 16);
        for topic in Topic::ALL {
            assert_eq!(Topic::parse(topic.code()), Some(*topic));
            assert_eq!(Topic::from_number(topic.number()), Some(*topic));
        }
        assert_eq!(Topic::parse("Outage"), None);
        assert_eq!(Topic::parse(""), None);
        assert_eq!(Topic::from_number(0), None);
    }

    #[test]
    fn names_are_distinct_and_in_normal_form() {
        let names: BTreeSet<_> = Topic::ALL.iter().flat_map(|topic| [topic.name_vi(), topic.name_en()]).collect();
        assert_eq!(names.len(), 2 * Topic::ALL.len());
        assert!(names.iter().all(|name| nfc(name) == **name));
    }
}
