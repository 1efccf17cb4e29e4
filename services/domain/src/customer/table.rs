//! Customers in a table (CSV): one row per premises; the rows of one customer stand together.

use csv::StringRecord;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    contact::Channel,
    customer::{Consent, Draft, Language, Locality, PointDraft, PointKind, Premises, Purpose},
    refusal::Violation,
    text,
};

/// One column that a table may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// The same in Vietnamese; diacritics and case do not matter.
    pub name_vi: &'static str,
    /// Whether a table must have it.
    pub required: bool,
    /// What stands in it.
    pub help: &'static str,
}

macro_rules! columns {
    ($($name:ident $vi:literal $required:literal $help:literal;)+) => {
        /// Every column, in the order of the documentation.
        pub const COLUMNS: &[Column] = &[$(Column { name: stringify!($name), name_vi: $vi, required: $required, help: $help }),+];

        /// Where each column stands in a table.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        struct Places { $($name: Option<usize>),+ }

        impl Places {
            fn of(&mut self, name: &str) -> Option<&mut Option<usize>> {
                match name { $(stringify!($name) => Some(&mut self.$name),)+ _ => None }
            }
        }
    };
}

columns! {
    code "mã khách hàng" true "customer code: P, a letter, 11 letters or digits";
    name "tên khách hàng" true "name";
    name_plain "tên không dấu" false "name without diacritics; made from the name when empty";
    phone "điện thoại" false "telephone numbers, with / between several";
    email "thư điện tử" false "email addresses, with | between several";
    consent "đồng ý" false "what the customer agreed to be contacted for: outage_notice, billing, survey, marketing, with / between several; with - before it: refused";
    consent_date "ngày đồng ý" false "when: YYYY-MM-DD, or an instant such as 2013-05-22T08:00:00Z; needed with consent";
    consent_source "nguồn đồng ý" false "where that is on record, such as contract; needed with consent";
    preferred_channel "kênh ưu tiên" false "hotline, sms, web, office, email, app, social or letter";
    preferred_language "ngôn ngữ" false "vi or en; vi when empty";
    premises "mã điểm đo" false "code of the premises, unique within the customer; needed when there are several";
    address "địa chỉ" false "address of the premises";
    province "tỉnh" false "ISO 3166-2 code, such as VN-SG";
    district "huyện" false "name or code of the district";
    area "khu vực" false "code of the supply area, as notices name it";
    locality "địa bàn" false "town or rural";
    feeder "lộ" false "code of the feeder";
    transformer "trạm" false "code of the transformer";
    medical_equipment "thiết bị y tế" false "yes or no: somebody's health depends on the supply; sensitive";
    critical_service "phụ tải quan trọng" false "yes or no: a hospital, a waterworks or the like; sensitive";
}

/// The heading of a table, understood.
#[derive(Debug, Clone)]
pub struct Heading {
    places: Places,
    width: usize,
    zone: TimeZone,
}

/// What one row says: a customer with at most one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it says.
    pub draft: Draft,
}

impl Heading {
    /// Understands a heading, or says everything that is wrong with it. `zone` is where dates without a time begin.
    ///
    /// # Errors
    /// Unknown columns with the nearest known one, columns that stand twice, and required ones that are missing.
    pub fn read(heading: &StringRecord, zone: TimeZone) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut places = Places::default();
        for (at, given) in heading.iter().enumerate() {
            let wanted = text::query_words(given).join("_");
            let known = COLUMNS.iter().find(|c| c.name == wanted || text::query_words(c.name_vi).join("_") == wanted);
            match known.and_then(|column| places.of(column.name)) {
                Some(Some(_)) => problems.push(format!("column {given:?} stands twice; leave one")),
                Some(place) => *place = Some(at),
                None => problems.push(unknown(given, &wanted)),
            }
        }
        for column in COLUMNS.iter().filter(|column| column.required) {
            if places.of(column.name).is_some_and(|place| place.is_none()) {
                problems.push(format!("column {:?} is missing: {}", column.name, column.help));
            }
        }
        if problems.is_empty() { Ok(Self { places, width: heading.len(), zone }) } else { Err(problems) }
    }

    /// Reads a row, or every cell that cannot be read. Rules of the whole customer come later, in `settle`.
    ///
    /// # Errors
    /// All violations, by column.
    pub fn row(&self, record: &StringRecord) -> Result<Row, Vec<Violation>> {
        if record.len() != self.width {
            let cure = format!(
                "{} cells where the heading has {}; quote cells that hold the delimiter",
                record.len(),
                self.width
            );
            return Err(vec![Violation::new("row", "WIDTH", cure)]);
        }
        let cell = |place: Option<usize>| place.and_then(|at| record.get(at)).unwrap_or_default().trim();
        let text = |place: Option<usize>| cell(place).to_owned();
        let filled = |place: Option<usize>| Some(text(place)).filter(|text| !text.is_empty());
        let p = &self.places;
        let mut found = Vec::new();
        let consents = self.consents(cell(p.consent), cell(p.consent_date), cell(p.consent_source), &mut found);
        let mut contact_points = Vec::new();
        for (kind, cell, between) in [
            (PointKind::Phone, cell(p.phone), &['/', '|', ',', ';'][..]),
            (PointKind::Email, cell(p.email), &['|', ',', ';'][..]),
        ] {
            let values = cell.split(between).map(str::trim).filter(|value| !value.is_empty());
            let point = |value: &str| PointDraft { kind, value: value.to_owned(), consents: consents.clone() };
            contact_points.extend(values.map(point));
        }
        let preferred_channel =
            word("preferred_channel", cell(p.preferred_channel), Channel::ALL, Channel::code, &mut found);
        let preferred_language =
            word("preferred_language", cell(p.preferred_language), Language::ALL, Language::code, &mut found);
        let place = Premises {
            code: text(p.premises),
            address: text(p.address),
            province: filled(p.province),
            district: text(p.district),
            area: text(p.area),
            locality: word("locality", cell(p.locality), Locality::ALL, Locality::code, &mut found),
            feeder: filled(p.feeder),
            transformer: filled(p.transformer),
            medical_equipment: yes("medical_equipment", cell(p.medical_equipment), &mut found),
            critical_service: yes("critical_service", cell(p.critical_service), &mut found),
        };
        let premises = if place == Premises::default() { Vec::new() } else { vec![place] };
        let (code, name, name_plain) = (text(p.code), text(p.name), text(p.name_plain));
        let draft = Draft { code, name, name_plain, contact_points, preferred_channel, preferred_language, premises };
        if found.is_empty() { Ok(Row { draft }) } else { Err(found) }
    }

    /// The code of a row that may not be readable otherwise, so that it is refused together with the rest of its customer.
    #[must_use]
    pub fn code(&self, record: &StringRecord) -> String {
        self.places.code.and_then(|at| record.get(at)).unwrap_or_default().trim().to_uppercase()
    }

    fn consents(&self, given: &str, date: &str, source: &str, found: &mut Vec<Violation>) -> Vec<Consent> {
        let words: Vec<_> = given.split(['/', '|', ',', ';']).map(str::trim).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Vec::new();
        }
        let midnight = |day: Date| self.zone.to_zoned(day.to_datetime(jiff::civil::Time::midnight())).ok();
        let at = date.parse::<Timestamp>().ok();
        let at = at.or_else(|| Some(midnight(date.parse().ok()?)?.timestamp()));
        if at.is_none() {
            let cure = "say when the customer said so, such as 2013-05-22";
            found.push(Violation::new("consent_date", if date.is_empty() { "REQUIRED" } else { "MALFORMED" }, cure));
        }
        if source.is_empty() {
            found.push(Violation::new("consent_source", "REQUIRED", "say where that is on record, such as contract"));
        }
        let mut consents = Vec::new();
        for given in words {
            let (granted, code) = given.strip_prefix('-').map_or((true, given), |code| (false, code));
            let purpose = word("consent", code, Purpose::ALL, Purpose::code, found);
            if let (Some(purpose), Some(given_at)) = (purpose, at) {
                consents.push(Consent { purpose, granted, given_at, source: source.to_owned() });
            }
        }
        consents
    }
}

/// Whether two texts say the same: an empty cell says nothing.
fn agrees<T: PartialEq + Default>(first: &T, other: &T) -> bool {
    *other == T::default() || first == other
}

/// The rows of one customer as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The customer, before the rules.
    pub draft: Draft,
    /// For each of its premises, the row that it came from.
    pub rows: Vec<usize>,
}

/// Where in the rows a violation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Which row of the customer.
    pub row: usize,
    /// In words, with the name of the column.
    pub text: String,
}

/// Makes one customer of the rows of one code. Further rows may leave empty what the first has said, and must not differ.
///
/// # Errors
/// All violations, each with its row.
pub fn join(rows: Vec<Row>) -> Result<Joined, Vec<Explained>> {
    let mut found = Vec::new();
    let mut rows = rows.into_iter();
    let Some(Row { mut draft }) = rows.next() else {
        return Ok(Joined { draft: Draft::default(), rows: Vec::new() });
    };
    let mut origins = vec![0; draft.premises.len()];
    for (at, Row { draft: other }) in (1..).zip(rows) {
        let differs = [
            ("name", agrees(&draft.name, &other.name)),
            ("name_plain", agrees(&draft.name_plain, &other.name_plain)),
            ("phone, email or consent", agrees(&draft.contact_points, &other.contact_points)),
            ("preferred_channel", agrees(&draft.preferred_channel, &other.preferred_channel)),
            ("preferred_language", agrees(&draft.preferred_language, &other.preferred_language)),
        ];
        for (column, _) in differs.iter().filter(|(_, agrees)| !agrees) {
            let text =
                format!("{column}: differs from the first row of this customer; leave it empty or make them equal");
            found.push(Explained { row: at, text });
        }
        if other.premises.is_empty() {
            found.push(Explained {
                row: at,
                text: "premises: a further row of a customer names further premises".into(),
            });
        }
        origins.extend(other.premises.iter().map(|_| at));
        draft.premises.extend(other.premises);
    }
    if found.is_empty() { Ok(Joined { draft, rows: origins }) } else { Err(found) }
}

impl Joined {
    /// A violation that the rules have found, as columns and rows name it. `kinds` are those of the draft's contact points.
    #[must_use]
    pub fn explain(&self, violation: &Violation, kinds: &[PointKind]) -> Explained {
        let indexed = |list: &str| -> Option<(usize, &str)> {
            let (at, rest) = violation.field.strip_prefix(list)?.split_once(']')?;
            Some((at.parse().ok()?, rest.trim_start_matches('.')))
        };
        let told = |column: &str| format!("{column}: {}", violation.description);
        if let Some((at, field)) = indexed("premises[") {
            let column = if field == "code" { "premises" } else { field };
            return Explained { row: self.rows.get(at).copied().unwrap_or(0), text: told(column) };
        }
        if let Some((at, field)) = indexed("contact_points[") {
            let kind = kinds.get(at).map_or("phone or email", |kind| kind.code());
            return Explained { row: 0, text: told(if field == "value" { kind } else { "consent" }) };
        }
        Explained { row: 0, text: told(&violation.field) }
    }
}

fn word<T: Copy>(
    column: &str,
    cell: &str,
    all: &[T],
    code: impl Fn(T) -> &'static str,
    found: &mut Vec<Violation>,
) -> Option<T> {
    if cell.is_empty() {
        return None;
    }
    let wanted = cell.to_lowercase();
    let known = all.iter().copied().find(|one| code(*one) == wanted);
    if known.is_none() {
        let words: Vec<_> = all.iter().map(|one| code(*one)).collect();
        found.push(Violation::new(column, "UNKNOWN_CODE", format!("give one of {}", words.join(", "))));
    }
    known
}

fn yes(column: &str, cell: &str, found: &mut Vec<Violation>) -> bool {
    match text::fold(cell).as_str() {
        "" | "0" | "no" | "n" | "false" | "khong" | "k" => false,
        "1" | "yes" | "y" | "true" | "co" | "c" | "x" => true,
        _ => {
            found.push(Violation::new(column, "MALFORMED", "give yes or no"));
            false
        }
    }
}

fn unknown(given: &str, wanted: &str) -> String {
    let near = COLUMNS.iter().map(|column| (distance(wanted, column.name), column.name)).min();
    match near {
        Some((steps, name)) if steps <= 1 + name.len() / 4 => {
            format!("column {given:?} is unknown; did you mean {name}?")
        }
        _ => format!("column {given:?} is unknown; remove it, or see --help for all columns"),
    }
}

/// How many letters must change to turn one heading into the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let here = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = here;
        }
    }
    row[b.len()]
}
