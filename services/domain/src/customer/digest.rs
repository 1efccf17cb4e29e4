use crate::{
    contact::Channel,
    customer::{Customer, Locality},
};

/// A hash of everything that is known of a customer: what has the same is the same, and need not be written again.
///
/// Every part is preceded by its length, so that no two customers give the same bytes.
#[must_use]
pub fn digest(customer: &Customer) -> [u8; 16] {
    let mut hash = Parts(blake3::Hasher::new());
    for text in [customer.code.as_str(), &customer.name, &customer.name_plain] {
        hash.text(text);
    }
    hash.number(customer.preferred_channel.map_or(0, Channel::number));
    hash.number(customer.preferred_language.number());
    hash.count(customer.contact_points.len());
    for point in &customer.contact_points {
        hash.number(point.kind.number());
        hash.text(&point.value);
        hash.count(point.consents.len());
        for consent in &point.consents {
            hash.number(consent.purpose.number());
            hash.number(i64::from(consent.granted));
            hash.number(consent.given_at.as_microsecond());
            hash.text(&consent.source);
        }
    }
    hash.count(customer.premises.len());
    for place in &customer.premises {
        for text in [&place.code, &place.address, &place.district, &place.area] {
            hash.text(text);
        }
        for text in [&place.province, &place.feeder, &place.transformer] {
            hash.text(text.as_deref().unwrap_or_default());
        }
        hash.number(place.locality.map_or(0, Locality::number));
        hash.number(i64::from(place.medical_equipment) | i64::from(place.critical_service) << 1);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.0.finalize().as_bytes()[..16]);
    short
}

struct Parts(blake3::Hasher);

impl Parts {
    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }
}
