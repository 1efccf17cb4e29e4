use std::fmt::Write as _;

use gridcare_proto::DESCRIPTORS;
use jiff::Timestamp;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, EnumDescriptor, Kind, MapKey, ReflectMessage as _};
use serde_json::{Map, Value};

/// Messages of the wire as JSON, by their descriptors: whatever fields the wire gains, an export has them.
pub struct OpenForm {
    pool: Option<DescriptorPool>,
}

impl OpenForm {
    /// Reads the descriptors.
    #[must_use]
    pub fn new() -> Self {
        Self { pool: DescriptorPool::decode(DESCRIPTORS).ok() }
    }

    /// A message of this full name with all of its fields that are set, under their names in the protos; times as RFC 3339.
    #[must_use]
    pub fn of(&self, name: &str, message: &impl Message) -> Value {
        let descriptor = self.pool.as_ref().and_then(|pool| pool.get_message_by_name(name));
        let read = descriptor.and_then(|d| DynamicMessage::decode(d, message.encode_to_vec().as_slice()).ok());
        read.map_or(Value::Null, |read| object(&read))
    }
}

impl Default for OpenForm {
    fn default() -> Self {
        Self::new()
    }
}

fn object(message: &DynamicMessage) -> Value {
    if message.descriptor().full_name() == "google.protobuf.Timestamp" {
        return instant(message).map_or(Value::Null, |at| Value::from(at.to_string()));
    }
    let mut fields = Map::new();
    for (field, value) in message.fields() {
        let kinds = if let Kind::Enum(kinds) = field.kind() { Some(kinds) } else { None };
        fields.insert(field.name().to_owned(), value_of(value, kinds.as_ref()));
    }
    Value::Object(fields)
}

fn value_of(value: &prost_reflect::Value, kinds: Option<&EnumDescriptor>) -> Value {
    use prost_reflect::Value as Wire;
    match value {
        Wire::Bool(v) => Value::from(*v),
        Wire::I32(v) => Value::from(*v),
        Wire::I64(v) => Value::from(*v),
        Wire::U32(v) => Value::from(*v),
        Wire::U64(v) => Value::from(*v),
        Wire::F32(v) => Value::from(*v),
        Wire::F64(v) => Value::from(*v),
        Wire::String(v) => Value::from(v.as_str()),
        Wire::Bytes(v) => Value::from(v.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })),
        Wire::EnumNumber(number) => {
            let name = kinds.and_then(|kinds| kinds.get_value(*number)).map(|value| value.name().to_owned());
            name.map_or_else(|| Value::from(*number), Value::from)
        }
        Wire::Message(message) => object(message),
        Wire::List(list) => list.iter().map(|one| value_of(one, kinds)).collect(),
        Wire::Map(map) => Value::Object(map.iter().map(|(key, one)| (key_of(key), value_of(one, kinds))).collect()),
    }
}

fn key_of(key: &MapKey) -> String {
    match key {
        MapKey::Bool(v) => v.to_string(),
        MapKey::I32(v) => v.to_string(),
        MapKey::I64(v) => v.to_string(),
        MapKey::U32(v) => v.to_string(),
        MapKey::U64(v) => v.to_string(),
        MapKey::String(v) => v.clone(),
    }
}

fn instant(message: &DynamicMessage) -> Option<Timestamp> {
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = message.get_field_by_name("nanos")?.as_i32()?;
    Timestamp::new(seconds, nanos).ok()
}

#[cfg(test)]
mod tests {
    use gridcare_proto::customer::v1 as wire;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_written_with_every_field_that_is_set() {
        let point = wire::ContactPoint {
            kind: wire::ContactPointKind::Phone.into(),
            value: "+84901234567".into(),
            consents: vec![wire::Consent {
                purpose: wire::ConsentPurpose::Billing.into(),
                granted: true,
                given_at: Some(prost_types::Timestamp { seconds: 1_369_180_800, nanos: 0 }),
                source: "contract".into(),
            }],
        };
        let place = wire::Premises { code: "1".into(), medical_equipment: true, ..Default::default() };
        let draft = wire::CustomerDraft {
            code: "PE01000123456".into(),
            name: "Lan".into(),
            contact_points: vec![point],
            premises: vec![place],
            ..Default::default()
        };
        let customer = wire::Customer { customer: Some(draft), etag: "v1".into(), ..Default::default() };
        let expected = json!({
            "customer": {
                "code": "PE01000123456",
                "name": "Lan",
                "contact_points": [{
                    "kind": "CONTACT_POINT_KIND_PHONE",
                    "value": "+84901234567",
                    "consents": [{
                        "purpose": "CONSENT_PURPOSE_BILLING",
                        "granted": true,
                        "given_at": "2013-05-22T00:00:00Z",
                        "source": "contract",
                    }],
                }],
                "premises": [{ "code": "1", "medical_equipment": true }],
            },
            "etag": "v1",
        });
        assert_eq!(OpenForm::new().of("gridcare.customer.v1.Customer", &customer), expected);
    }
}
