//! Documents that others read: one value, written as JSON or as XML.

mod xml;

use jiff::{Timestamp, tz::TimeZone};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

pub use self::xml::Xml;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known, or not given: `null`, or an empty element.
    None,
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number with decimal places; finite.
    Decimal(f64),
    /// Yes or no.
    Flag(bool),
    /// Fields in the order in which they are written.
    Object(Vec<(&'static str, Value)>),
    /// Values of one kind, in XML each in an element of this name within that of the list.
    List(&'static str, Vec<Value>),
    /// Values of one kind, in XML each in an element of the field's own name.
    Each(Vec<Value>),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What may not be known.
    pub fn or_none<T>(given: Option<T>, value: impl FnOnce(T) -> Self) -> Self {
        given.map_or(Self::None, value)
    }

    /// An object of the fields that are known.
    #[must_use]
    pub fn known(fields: Vec<(&'static str, Self)>) -> Self {
        let hollow = |value: &Self| match value {
            Self::None => true,
            Self::Each(values) | Self::List(_, values) => values.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            _ => false,
        };
        Self::Object(fields.into_iter().filter(|(_, value)| !hollow(value)).collect())
    }

    /// The document as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // A value has only string keys and finite numbers, so that nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The document as XML, in an element of this name with these attributes.
    #[must_use]
    pub fn xml(&self, root: &'static str, attributes: &[(&str, &str)]) -> String {
        let mut xml = Xml::new();
        xml.element(root, attributes, |xml| self.fill(xml));
        xml.finish()
    }

    fn fill(&self, xml: &mut Xml) {
        match self {
            Self::None => {}
            Self::Text(text) => xml.text(text),
            Self::Number(number) => xml.text(&number.to_string()),
            Self::Decimal(number) => xml.text(&number.to_string()),
            Self::Flag(flag) => xml.text(if *flag { "true" } else { "false" }),
            Self::Object(fields) => fields.iter().for_each(|(name, value)| value.within(name, xml)),
            Self::List(name, values) => values.iter().for_each(|value| value.within(name, xml)),
            Self::Each(values) => values.iter().for_each(|value| value.within("item", xml)),
        }
    }

    fn within(&self, name: &str, xml: &mut Xml) {
        match self {
            Self::Each(values) => values.iter().for_each(|value| value.within(name, xml)),
            value => xml.element(name, &[], |xml| value.fill(xml)),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => to.serialize_none(),
            Self::Text(text) => to.serialize_str(text),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Decimal(number) => to.serialize_f64(*number),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Object(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
            Self::List(_, values) | Self::Each(values) => {
                let mut list = to.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
        }
    }
}

/// A time with the offset of a zone, as ISO 8601, RFC 3339 and CAP have it: never `Z`.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What another's reader finds in an element, as text.
    fn found(xml: &str, name: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
        let texts = document.descendants().filter(|node| node.has_tag_name(name));
        texts.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn one_value_is_json_and_xml() {
        let value = Value::Object(vec![
            ("code", Value::text("a<b>&\"c\"")),
            ("none", Value::None),
            ("values", Value::List("value", vec![Value::Number(-1), Value::Flag(true)])),
            ("name", Value::Each(vec![Value::text("x"), Value::Decimal(106.7)])),
        ]);
        assert_eq!(value.json(), r#"{"code":"a<b>&\"c\"","none":null,"values":[-1,true],"name":["x",106.7]}"#);
        assert_eq!(
            value.xml("root", &[("a", "<\">")]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root a=\"&lt;&quot;&gt;\"><code>a&lt;b&gt;&amp;\"c\"</code><none/>\
             <values><value>-1</value><value>true</value></values><name>x</name><name>106.7</name></root>\n"
        );
        let known = Value::known(vec![("a", Value::None), ("b", Value::Each(vec![])), ("c", Value::Number(0))]);
        assert_eq!(known, Value::Object(vec![("c", Value::Number(0))]));
    }

    #[test]
    fn a_time_has_an_offset_and_never_a_z() {
        let at: Timestamp = "2013-05-22T07:13:00Z".parse().unwrap();
        assert_eq!(local(at, &TimeZone::fixed(jiff::tz::offset(7))), "2013-05-22T14:13:00+07:00");
        assert_eq!(local(at, &TimeZone::UTC), "2013-05-22T07:13:00+00:00");
    }

    proptest! {
        #[test]
        fn any_text_survives_both_forms(text in "\\PC{0,40}|[\\x00-\\u{ffff}\u{10ffff}<&\">' \r\n\t]{0,40}") {
            let value = Value::Object(vec![("t", Value::text(text.clone())), ("u", Value::Each(vec![Value::text(text.clone())]))]);
            let json: serde_json::Value = serde_json::from_str(&value.json()).unwrap();
            prop_assert_eq!(json["t"].as_str(), Some(text.as_str()));
            // What no XML document may hold is replaced, and nothing else.
            let legal: String = text.chars().map(|c| match c {
                '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => c,
                _ => '\u{fffd}',
            }).collect();
            let xml = value.xml("r", &[("a", &text)]);
            prop_assert_eq!(found(&xml, "t"), vec![legal.clone()]);
            let document = roxmltree::Document::parse(&xml).unwrap();
            prop_assert_eq!(document.root_element().attribute("a"), Some(legal.as_str()));
        }
    }
}
