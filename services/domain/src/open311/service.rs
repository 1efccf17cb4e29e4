use crate::{
    customer::Language,
    document::Value,
    province,
    standard::{Category, Standard},
};

pub(super) fn name(category: &Category, language: Language) -> &str {
    match language {
        Language::Vi => &category.name_vi,
        Language::En => &category.name_en,
    }
}

/// What can be asked for.
#[must_use]
pub fn services(standard: &Standard, language: Language) -> Value {
    let one = |category: &Category| {
        let topic = match language {
            Language::Vi => category.topic.name_vi(),
            Language::En => category.topic.name_en(),
        };
        Value::Object(vec![
            ("service_code", Value::text(&category.code)),
            ("service_name", Value::text(name(category, language))),
            ("description", Value::text(name(category, language))),
            ("metadata", Value::Flag(true)),
            ("type", Value::text("realtime")),
            ("keywords", Value::text(category.topic.code())),
            ("group", Value::text(topic)),
        ])
    };
    Value::List("service", standard.bundle().categories.iter().map(one).collect())
}

/// What a service asks for beside what every one does.
#[must_use]
pub fn definition(category: &Category, language: Language) -> Value {
    let say = |vi: &str, en: &str| Value::text(if language == Language::En { en } else { vi });
    let provinces = || {
        let one = |province: &province::Province| {
            let name = if language == Language::En { province.name_ascii } else { province.name_vi };
            Value::Object(vec![("key", Value::text(province.code)), ("name", Value::text(name))])
        };
        Value::List("value", province::all().iter().map(one).collect())
    };
    let known = [
        (
            "customer_code",
            "string",
            say("Mã khách hàng", "Customer code"),
            say("13 chữ số và chữ cái", "13 letters and digits"),
            Value::None,
        ),
        (
            "province",
            "singlevaluelist",
            say("Tỉnh, thành phố", "Province"),
            say("mã ISO 3166-2", "ISO 3166-2 code"),
            provinces(),
        ),
        (
            "event_at",
            "datetime",
            say("Thời điểm hẹn hoặc dự kiến", "Time of the appointment or event"),
            say("ISO 8601, có múi giờ", "ISO 8601 with an offset"),
            Value::None,
        ),
    ];
    let attributes = known.into_iter().zip(1..).map(|((code, datatype, description, hint, values), order)| {
        let mut fields = vec![
            ("variable", Value::Flag(true)),
            ("code", Value::text(code)),
            ("datatype", Value::text(datatype)),
            ("required", Value::Flag(category.required.iter().any(|field| field == code))),
            ("datatype_description", hint),
            ("order", Value::Number(order)),
            ("description", description),
        ];
        if values != Value::None {
            fields.push(("values", values));
        }
        Value::Object(fields)
    });
    Value::Object(vec![
        ("service_code", Value::text(&category.code)),
        ("attributes", Value::List("attribute", attributes.collect())),
    ])
}
