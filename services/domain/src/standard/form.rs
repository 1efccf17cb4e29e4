//! The form of bundles and of overlays.

use super::{
    Locality, bundle, export,
    shape::{Field, Record, Shape},
    texts::{CODE, DATE, DIGITS, DURATION, FORMULA, HOURS, INSTANT, LIMIT, REGION, STANDARD, TEAM, ZONE},
};
use crate::{clock::ClockKind, contact::Channel, keyword::Answer, ticket::Priority, topic::Topic};

const fn must(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, required: true, shape, about }
}

const fn may(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, required: false, shape, about }
}

const fn some(of: &'static Shape, most: usize) -> Shape {
    Shape::List { of, least: 1, most }
}

const fn any(of: &'static Shape, most: usize) -> Shape {
    Shape::List { of, least: 0, most }
}

macro_rules! words {
    ($name:ident, $type:ty) => {
        static $name: Shape = Shape::OneOf(|| <$type>::ALL.iter().map(|word| word.code()).collect());
    };
}

words!(TOPIC, Topic);
words!(PRIORITY, Priority);
words!(LOCALITY, Locality);
words!(CHANNEL, Channel);
words!(KIND, ClockKind);
words!(ROLE, bundle::Role);
words!(ANSWER, Answer);

static CODE_SHAPE: Shape = A_CODE;
static HOURS_SHAPE: Shape = Shape::Text(&HOURS);
static FRACTION: Shape = Shape::Fraction;
static PAUSE: Shape = Shape::OneOf(|| vec!["customer", "third_party"]);
static PLACE: Shape =
    Shape::OneOf(|| Locality::ALL.iter().map(|word| word.code()).chain([bundle::UNKNOWN_LOCALITY]).collect());
static REQUIRABLE: Shape = Shape::OneOf(|| export::REQUIRABLE.to_vec());
static CONTENT: Shape = Shape::OneOf(|| vec!["place", "reason", "start", "expected_return", "advice", "hotline"]);
/// Which fields exist is a question of its own: what is beyond them is a wider export, not a slip of the finger.
static FIELD: Shape = Shape::Text(&CODE);

const NAME_VI: Field = must("name_vi", Shape::Free, "name in Vietnamese");
const NAME_EN: Field = must("name_en", Shape::Free, "name in English");

static BUNDLE: Record = Record {
    about: "a dated bundle of rules that all share",
    fields: &[
        must("standard", Shape::Text(&STANDARD), "which standard, such as evn-2013"),
        must(
            "version",
            Shape::Whole { least: 1, most: 1_000_000 },
            "which version of it, from 1; records are stamped `standard.version`",
        ),
        NAME_VI,
        NAME_EN,
        must("effective_at", Shape::Text(&INSTANT), "from when it is in force, with offset"),
        must("time_zone", Shape::Text(&ZONE), "IANA zone in which days begin"),
        must("calendars", some(&Shape::Record(&CALENDAR), 50), "when people work"),
        must("localities", some(&Shape::Record(&LOCALITY_ENTRY), 2), "kinds of places that limits distinguish"),
        must("priorities", some(&Shape::Record(&PRIORITY_ENTRY), 4), "degrees of urgency"),
        must(
            "categories",
            some(&Shape::Record(&CATEGORY), 200),
            "what requests are about; the first of a topic is its default",
        ),
        must("targets", some(&Shape::Record(&TARGET), 200), "what is promised"),
        may("escalations", any(&Shape::Record(&ESCALATION), 100), "what follows when a limit comes near or passes"),
        may("kpis", any(&Shape::Record(&KPI), 200), "figures, each with its one formula"),
        may("notices", any(&Shape::Record(&NOTICE), 50), "what notices to the public must say, and by when"),
        may("sms", any(&Shape::Record(&KEYWORDS), 50), "keywords of two-way text messages, by region"),
        must("feedback", Shape::Record(&FEEDBACK), "how customers are asked afterwards"),
        may("templates", any(&Shape::Record(&TEMPLATE), 200), "answers in both languages"),
        must("export", some(&FIELD, 100), "federated fields of a ticket that may leave a region"),
    ],
};

static CALENDAR: Record = Record {
    about: "when people work",
    fields: &[
        must("id", A_CODE, "by which targets name it"),
        NAME_VI,
        NAME_EN,
        may("time_zone", Shape::Text(&ZONE), "IANA zone of its hours; the bundle's when absent"),
        must("week", Shape::Record(&WEEK), "hours of each weekday"),
        may("holidays_known", any(&Shape::Record(&PERIOD), 50), "years whose holidays are listed"),
        may("holidays", any(&Shape::Record(&HOLIDAY), 2_000), "days without hours"),
        may("exceptions", any(&Shape::Record(&EXCEPTION), 2_000), "days with hours of their own, holidays or not"),
    ],
};
const A_CODE: Shape = Shape::Text(&CODE);

static WEEK: Record = Record {
    about: "hours of each weekday",
    fields: &[
        may("mon", any(&HOURS_SHAPE, 10), "hours of Mondays"),
        may("tue", any(&HOURS_SHAPE, 10), "hours of Tuesdays"),
        may("wed", any(&HOURS_SHAPE, 10), "hours of Wednesdays"),
        may("thu", any(&HOURS_SHAPE, 10), "hours of Thursdays"),
        may("fri", any(&HOURS_SHAPE, 10), "hours of Fridays"),
        may("sat", any(&HOURS_SHAPE, 10), "hours of Saturdays"),
        may("sun", any(&HOURS_SHAPE, 10), "hours of Sundays"),
    ],
};
static PERIOD: Record = Record {
    about: "local days, half-open",
    fields: &[
        must("from", Shape::Text(&DATE), "the first day"),
        must("until", Shape::Text(&DATE), "the day after the last"),
    ],
};
static HOLIDAY: Record =
    Record { about: "a day without hours", fields: &[must("date", Shape::Text(&DATE), "the day"), NAME_VI, NAME_EN] };
static EXCEPTION: Record = Record {
    about: "a day with hours of its own",
    fields: &[
        must("date", Shape::Text(&DATE), "the day"),
        must("spans", any(&HOURS_SHAPE, 10), "its hours; none for a day off"),
        NAME_VI,
        NAME_EN,
    ],
};
static LOCALITY_ENTRY: Record = Record {
    about: "a kind of place that limits distinguish",
    fields: &[must("code", Shape::OneOf(|| words_of(&LOCALITY)), "which"), NAME_VI, NAME_EN],
};
static PRIORITY_ENTRY: Record = Record {
    about: "a degree of urgency",
    fields: &[must("code", Shape::OneOf(|| words_of(&PRIORITY)), "which"), NAME_VI, NAME_EN],
};
static CATEGORY: Record = Record {
    about: "what a request is about, finer than its topic",
    fields: &[
        must("code", A_CODE, "by which targets and tickets name it"),
        must("topic", Shape::OneOf(|| words_of(&TOPIC)), "the topic that figures count it under"),
        NAME_VI,
        NAME_EN,
        may("required", any(&REQUIRABLE, 20), "fields of a ticket that such a request must have"),
        must(
            "default_priority",
            Shape::OneOf(|| words_of(&PRIORITY)),
            "how urgent it is unless somebody says otherwise",
        ),
    ],
};
static TARGET: Record = Record {
    about: "what is promised to whom",
    fields: &[
        must("id", A_CODE, "by which clocks, overlays and reports name it"),
        must("kind", Shape::OneOf(|| words_of(&KIND)), "what its clock waits for"),
        NAME_VI,
        NAME_EN,
        may(
            "applies_to",
            Shape::Record(&SELECTOR),
            "whom it concerns; everybody when absent. Of several targets of one kind, one that names categories beats one that does not, then localities, then priorities; every event target has a clock of its own",
        ),
        must(
            "clock",
            Shape::OneOf(|| vec!["elapsed", "working"]),
            "whether hours count as they pass, or working hours only",
        ),
        may("calendar", A_CODE, "whose hours, for working time"),
        may("pauses", any(&PAUSE, 2), "for whom the clock waits"),
        may(
            "warnings",
            any(&FRACTION, 8),
            "fractions of the limit at which to warn, ascending, with at most three decimals",
        ),
        may(
            "overlap",
            Shape::OneOf(|| vec!["stricter"]),
            "what to do when several rules hold on one day; an error when absent",
        ),
        must("rules", some(&Shape::Record(&RULE), 50), "its limits by date"),
    ],
};
static SELECTOR: Record = Record {
    about: "whom a target concerns; an absent list restricts nothing",
    fields: &[
        may("categories", any(&CODE_SHAPE, 200), "codes of categories"),
        may("priorities", any(&PRIORITY, 4), "priorities"),
        may("localities", any(&PLACE, 3), "localities; `unknown` for requests whose place nobody noted"),
    ],
};
static RULE: Record = Record {
    about: "a limit with its dates and its source",
    fields: &[
        must("limit", Shape::Text(&LIMIT), "such as `2 h`, `8 wh`, `3 wd`, `5 d before`, `12 h after`"),
        must("from", Shape::Text(&DATE), "the first day of opening that it holds for"),
        may("until", Shape::Text(&DATE), "the day after the last; for ever when absent"),
        must("source", Shape::Free, "who says so"),
        may("assumed", Shape::Flag, "the source does not say it, or not since when"),
    ],
};
static ESCALATION: Record = Record {
    about: "what follows when a limit comes near or passes",
    fields: &[
        must("id", A_CODE, "by which timelines name it"),
        must("when", Shape::OneOf(|| vec!["warned", "breached"]), "what sets it off"),
        may("at", Shape::Fraction, "the fraction of the limit, for warnings"),
        may("kinds", any(&KIND, 4), "only clocks of these kinds"),
        may("targets", any(&CODE_SHAPE, 200), "only these targets"),
        may("priorities", any(&PRIORITY, 4), "only tickets of these priorities"),
        may("raise_to", Shape::OneOf(|| words_of(&PRIORITY)), "the least priority that the ticket has afterwards"),
        may("notify", any(&ROLE, 10), "roles that are told"),
        may("reassign_to", Shape::Text(&TEAM), "the team that takes the ticket"),
    ],
};
static KPI: Record = Record {
    about: "a figure of the product, with its one formula",
    fields: &[
        must("id", A_CODE, "which figure"),
        NAME_VI,
        NAME_EN,
        must("formula", Shape::Text(&FORMULA), "how the product computes it"),
        may("denominator", A_CODE, "of what it is a share"),
        may("threshold", Shape::Text(&DURATION), "the time that it depends on, where it depends on one"),
        may("objective", Shape::Number, "what should be reached"),
        must(
            "merges_by",
            Shape::OneOf(|| vec!["adding", "sketch", "aligned_buckets", "at_home"]),
            "how figures of several regions become one",
        ),
        must("source", Shape::Free, "who says so"),
        may("assumed", Shape::Flag, "the source does not say it"),
    ],
};
static NOTICE: Record = Record {
    about: "what a notice to the public must say, and by when",
    fields: &[
        must("id", A_CODE, "what notices it is for: planned_outage, emergency_outage, or incident for all others"),
        NAME_VI,
        NAME_EN,
        must("content", some(&CONTENT, 10), "what it must say"),
        may("first_within", Shape::Text(&DURATION), "how soon after the onset of an outage the first must be out"),
        may("target", A_CODE, "the target whose limit it has"),
        must("channels", some(&CHANNEL, 8), "where it must appear"),
        must("source", Shape::Free, "who says so"),
    ],
};
static KEYWORDS: Record = Record {
    about: "keywords of one region",
    fields: &[
        must("region", Shape::Text(&REGION), "code of the region"),
        must("short_code", Shape::Text(&DIGITS), "the number that customers write to"),
        may("subscribe_short_code", Shape::Text(&DIGITS), "the number by which they subscribe to notices"),
        must("keywords", some(&Shape::Record(&KEYWORD), 100), "what they may write"),
    ],
};
static KEYWORD: Record = Record {
    about: "one thing that customers may write",
    fields: &[
        must("syntax", Shape::Free, "words, `<code>` for a customer code and `mm/yy` for a month"),
        must("answer", Shape::OneOf(|| words_of(&ANSWER)), "what it asks for"),
    ],
};
static FEEDBACK: Record = Record {
    about: "how customers are asked afterwards",
    fields: &[
        must("ask_after", Shape::Text(&DURATION), "how long after closing"),
        must(
            "repeat_contact_window",
            Shape::Text(&DURATION),
            "within which another contact about the same means that the first did not settle it",
        ),
        must("template", A_CODE, "the template that asks"),
    ],
};
static TEMPLATE: Record = Record {
    about: "an answer in both languages",
    fields: &[
        must("id", A_CODE, "by which agents choose it"),
        NAME_VI,
        NAME_EN,
        must("text_vi", Shape::Free, "the text in Vietnamese, with placeholders such as {reference}"),
        must("text_en", Shape::Free, "the text in English, with the same placeholders"),
    ],
};

static OVERLAY: Record = Record {
    about: "what one region promises beyond the standard",
    fields: &[
        must("overlay", Shape::Text(&STANDARD), "which overlay, such as hcmc-fast"),
        must("version", Shape::Whole { least: 1, most: 1_000_000 }, "which version of it, from 1"),
        must("region", Shape::Text(&REGION), "whose"),
        must("standard", Shape::Text(&STANDARD), "over which standard"),
        may(
            "standard_version",
            Shape::Whole { least: 1, most: 1_000_000 },
            "over which version alone; any when absent",
        ),
        may("targets", any(&Shape::Record(&LOWERED), 200), "limits that are lower here"),
        may("export", some(&FIELD, 100), "fields that may leave, of those that the standard lets go"),
    ],
};
static LOWERED: Record = Record {
    about: "a lower limit",
    fields: &[
        must("id", A_CODE, "the target"),
        must("limit", Shape::Text(&LIMIT), "counted as the standard counts"),
        must("from", Shape::Text(&DATE), "the first day of opening that it holds for"),
        must("source", Shape::Free, "who says so"),
    ],
};

fn words_of(shape: &'static Shape) -> Vec<&'static str> {
    match shape {
        Shape::OneOf(words) => words(),
        _ => Vec::new(),
    }
}

/// The form of a bundle.
pub(super) static BUNDLE_SHAPE: Shape = Shape::Record(&BUNDLE);
/// The form of an overlay.
pub(super) static OVERLAY_SHAPE: Shape = Shape::Record(&OVERLAY);

/// The JSON Schema (draft 2020-12) of a bundle.
#[must_use]
pub fn schema() -> serde_json::Value {
    BUNDLE.schema("urn:gridcare:schema:standard:1", "Gridcare standard")
}

/// The JSON Schema (draft 2020-12) of an overlay.
#[must_use]
pub fn overlay_schema() -> serde_json::Value {
    OVERLAY.schema("urn:gridcare:schema:overlay:1", "Gridcare overlay of a standard")
}
