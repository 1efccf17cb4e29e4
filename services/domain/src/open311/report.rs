use super::{Fault, Form};
use crate::outage::Position;

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the map.
    Position(Position),
    /// In words.
    Address(String),
}

/// What somebody asks for; personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// A category of the standard.
    pub service_code: String,
    /// Where; at least one of these, or a customer's code.
    pub places: Vec<Place>,
    /// Whose supply it is about.
    pub customer_code: Option<String>,
    /// ISO 3166-2 code.
    pub province: Option<String>,
    /// The event that it is about, as it was given.
    pub event_at: Option<String>,
    /// What is wrong.
    pub description: Option<String>,
    /// Who asks.
    pub name: Option<String>,
    /// How they are reached: the number, else the address for email.
    pub contact_point: Option<String>,
    /// A picture, kept elsewhere.
    pub media_url: Option<String>,
}

/// Longest address of a picture or of a place, in bytes.
const LONGEST: usize = 1_000;

impl Report {
    /// What a form asks for, or all that is wrong with it.
    pub fn read(form: &Form) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut no = |description: &str| faults.push(Fault::new(400, description));
        let attribute = |code: &str| form.get(&format!("attribute[{code}]")).map(str::to_owned);
        let service_code = form.get("service_code").unwrap_or_default().to_owned();
        if service_code.is_empty() {
            no("service_code was not provided; give one that services lists");
        }
        let mut places = Vec::new();
        match (form.get("lat"), form.get("long")) {
            (None, None) => {}
            (Some(latitude), Some(longitude)) => {
                let read = || Position::from_degrees(longitude.parse().ok()?, latitude.parse().ok()?);
                match read() {
                    Some(position) => places.push(Place::Position(position)),
                    None => no("lat and long: give degrees, from -90 to 90 and from -180 to 180"),
                }
            }
            _ => no("lat and long: give both, or neither"),
        }
        let address = [form.get("address_string"), form.get("address_id")].into_iter().flatten();
        places.extend(address.map(|address| Place::Address(address.to_owned())));
        let customer_code = attribute("customer_code");
        if places.is_empty() && customer_code.is_none() {
            no("give lat and long, address_string, or attribute[customer_code], so that we know where it is");
        }
        for (name, given) in [
            ("address_string", form.get("address_string")),
            ("address_id", form.get("address_id")),
            ("media_url", form.get("media_url")),
        ] {
            if given.is_some_and(|given| given.len() > LONGEST) {
                no(&format!("{name}: give at most {LONGEST} bytes"));
            }
        }
        let media_url = form.get("media_url");
        if media_url.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            no("media_url: give an address that begins with https://, or none");
        }
        let names: Vec<_> = [form.get("last_name"), form.get("first_name")].into_iter().flatten().collect();
        let contact_point = form.get("phone").or_else(|| form.get("email"));
        let report = Self {
            service_code,
            places,
            customer_code,
            province: attribute("province"),
            event_at: attribute("event_at"),
            description: form.get("description").map(str::to_owned),
            name: (!names.is_empty()).then(|| names.join(" ")),
            contact_point: contact_point.map(str::to_owned),
            media_url: media_url.map(str::to_owned),
        };
        if faults.is_empty() { Ok(report) } else { Err(faults) }
    }

    /// Where it is on the map, if that was told.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.places.iter().find_map(|place| if let Place::Position(position) = place { Some(*position) } else { None })
    }

    /// All that an agent has to know, in lines: what was written, where it is, and what was sent along.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.description.iter().cloned().collect();
        for place in &self.places {
            lines.push(match place {
                Place::Position(position) => {
                    let (longitude, latitude) = position.degrees();
                    format!("{latitude}, {longitude}")
                }
                Place::Address(address) => address.clone(),
            });
        }
        lines.extend(self.media_url.clone());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Report, Vec<Fault>> {
        Report::read(&Form::parse(form.as_bytes()).unwrap())
    }

    #[test]
    fn a_report_says_what_where_and_who() {
        let report = read(
            "service_code=outage&lat=10.7767&long=106.7031&address_string=1+L%C3%AA+L%E1%BB%A3i&first_name=Lan&last_name=Nguy%E1%BB%85n\
             &phone=0901234567&email=lan@example.vn&description=M%E1%BA%A5t+%C4%91i%E1%BB%87n&attribute[customer_code]=PE01000000001\
             &attribute%5Bprovince%5D=VN-SG&media_url=https://example.vn/a.jpg",
        )
        .unwrap();
        assert_eq!(report.text(), "Mất điện\n10.7767, 106.7031\n1 Lê Lợi\nhttps://example.vn/a.jpg");
        assert_eq!((report.name.as_deref(), report.contact_point.as_deref()), (Some("Nguyễn Lan"), Some("0901234567")));
        assert_eq!(
            (report.customer_code.as_deref(), report.province.as_deref()),
            (Some("PE01000000001"), Some("VN-SG"))
        );
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let faults = |form| read(form).unwrap_err().len();
        assert_eq!(faults(""), 2);
        assert_eq!(faults("lat=10&media_url=ftp://a"), 4);
        assert_eq!(faults("service_code=a&lat=100&long=106"), 2);
        assert_eq!(faults(&format!("service_code=a&address_string={}", "a".repeat(1_001))), 1);
    }
}
