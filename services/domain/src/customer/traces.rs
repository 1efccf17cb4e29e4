//! What of a person stands in tickets and contacts, and what is left of those once the person is erased.

use jiff::Timestamp;

use crate::{
    customer::{Customer, PointKind, email, groupings, phone, spellings},
    customer_code::CustomerCode,
    text,
    ticket::Ticket,
};

/// What an erased ticket is about, beside its topic.
pub const ERASED_SUBJECT: &str = "Dữ liệu cá nhân đã xoá · Personal data erased";

/// By what a person is recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Folded: code, names, spellings of numbers, addresses.
    marks: Vec<String>,
    /// Spellings of numbers, each one word.
    numbers: Vec<String>,
    /// E.164 and addresses.
    points: Vec<String>,
}

impl Traces {
    /// What a customer is recognised by; of one who is not stored, the code alone.
    #[must_use]
    pub fn of(code: &CustomerCode, customer: Option<&Customer>) -> Self {
        let mut traces = Self { marks: vec![text::fold(code.as_str())], ..Self::default() };
        if let Some(customer) = customer {
            traces.name(&customer.name);
            traces.name(&customer.name_plain);
            for point in &customer.contact_points {
                traces.points.push(point.value.clone());
                if point.kind == PointKind::Phone {
                    traces.numbers.extend(spellings(&point.value).into_iter().filter(|s| !s.starts_with('+')));
                }
            }
        }
        traces.marks.extend(traces.numbers.iter().chain(&traces.points).map(|mark| text::fold(mark)));
        traces
    }

    /// A name under which the person stands somewhere.
    pub fn name(&mut self, name: &str) {
        let folded = text::fold(name);
        if !folded.is_empty() && !self.marks.contains(&folded) {
            self.marks.push(folded);
        }
    }

    /// Leaves out a contact point that others share: what came from there need not be this person's.
    pub fn shared(&mut self, point: &str) {
        self.points.retain(|own| own != point);
        let spellings = spellings(point);
        self.numbers.retain(|number| !spellings.contains(number));
    }

    /// Contact points in normal form.
    #[must_use]
    pub fn points(&self) -> &[String] {
        &self.points
    }

    /// Every usual way in which the contact points may stand in a row.
    #[must_use]
    pub fn point_spellings(&self) -> Vec<String> {
        let grouped = self.numbers.iter().flat_map(|number| groupings(number));
        let grouped = grouped.flat_map(|groups| [" ", ".", "-"].map(|between| groups.join(between)));
        self.numbers.iter().chain(&self.points).cloned().chain(grouped).collect()
    }

    /// Lists of words by which texts with the contact points are found; each list is one search.
    #[must_use]
    pub fn searches(&self) -> Vec<Vec<String>> {
        let mut searches: Vec<_> = self.numbers.iter().map(|number| vec![number.clone()]).collect();
        let grouped = self.numbers.iter().flat_map(|number| groupings(number));
        searches.extend(grouped.map(|groups| groups.into_iter().map(str::to_owned).collect()));
        searches.extend(self.points.iter().filter(|point| point.contains('@')).map(|point| text::query_words(point)));
        searches.retain(|words| !words.is_empty());
        searches
    }

    /// Whether a contact point or texts are this person's, by a number or an address that no other has.
    #[must_use]
    pub fn concerns(&self, point: Option<&str>, texts: &[&str]) -> bool {
        let own = |given: &str| {
            let normal = phone(given).ok().or_else(|| email(given).ok());
            normal.is_some_and(|normal| self.points.contains(&normal))
        };
        let spellings = self.point_spellings();
        let said = |given: &&str| {
            let folded = text::fold(given);
            spellings.iter().any(|spelling| stands_in(&folded, &text::fold(spelling)))
        };
        point.is_some_and(own) || texts.iter().any(said)
    }

    /// Whether an author's name is this person and not an agent.
    #[must_use]
    pub fn is_author(&self, author: &str) -> bool {
        let folded = text::fold(author.trim());
        let number = phone(author).is_ok_and(|number| self.points.contains(&number));
        number || self.marks.iter().any(|mark| mark == &folded || (mark.len() >= 8 && folded.contains(mark.as_str())))
    }
}

/// Whether a spelling stands in a text, and not as a part of a longer number or address.
fn stands_in(text: &str, spelling: &str) -> bool {
    text.match_indices(spelling).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + spelling.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// What is kept of a ticket whose customer is erased: codes, numbers and times, under a pseudonym.
#[must_use]
pub fn forget(ticket: &Ticket, pseudonym: &CustomerCode, now: Timestamp) -> Ticket {
    Ticket {
        version: ticket.version + 1,
        subject: ERASED_SUBJECT.to_owned(),
        description: String::new(),
        customer_code: Some(pseudonym.clone()),
        requester_name: None,
        requester_contact_point: None,
        updated_at: ticket.updated_at.max(now),
        ..ticket.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::{ContactPoint, Language};

    fn lan() -> Customer {
        let point = |kind, value: &str| ContactPoint { kind, value: value.into(), consents: vec![] };
        Customer {
            code: CustomerCode::parse("PE01000123456").unwrap(),
            name: "Nguyễn Thị Lan".into(),
            name_plain: "Nguyen Thi Lan".into(),
            contact_points: vec![point(PointKind::Phone, "+84323456789"), point(PointKind::Email, "lan@example.vn")],
            preferred_channel: None,
            preferred_language: Language::Vi,
            premises: vec![],
        }
    }

    #[test]
    fn a_person_is_recognised_by_every_spelling_of_a_number_and_by_the_address() {
        let customer = lan();
        let traces = Traces::of(&customer.code, Some(&customer));
        for point in ["0323 456 789", "+84323456789", "0162 345 6789", "LAN@example.vn"] {
            assert!(traces.concerns(Some(point), &[]), "{point}");
        }
        assert!(traces.concerns(None, &["xin gọi lại số 0323456789, cảm ơn"]));
        assert!(traces.concerns(None, &["thư tới Lan@Example.vn", ""]));
        assert!(traces.concerns(None, &["số 032.345.6789!"]));
        assert!(!traces.concerns(Some("0323456788"), &["Nguyễn Thị Lan", "10323456789"]), "many have this name");
    }

    #[test]
    fn what_others_share_is_no_trace() {
        let customer = lan();
        let mut traces = Traces::of(&customer.code, Some(&customer));
        traces.shared("+84323456789");
        assert!(!traces.concerns(Some("0323456789"), &["0323456789"]));
        assert_eq!(traces.searches(), [vec!["lan".to_owned(), "example".to_owned(), "vn".to_owned()]]);
    }

    #[test]
    fn an_author_is_the_person_and_not_the_agent_of_a_like_name() {
        let customer = lan();
        let traces = Traces::of(&customer.code, Some(&customer));
        for author in ["Nguyễn Thị Lan", "nguyen thi lan", "0323456789", "PE01000123456", "sms:+84323456789"] {
            assert!(traces.is_author(author), "{author}");
        }
        for author in ["lan", "Nguyễn Thị Hoa", "agent 7", ""] {
            assert!(!traces.is_author(author), "{author}");
        }
    }
}
