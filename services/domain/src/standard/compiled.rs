//! The compiled form of a bundle: what a node asks at every ticket.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{civil::Date, tz::TimeZone};

use super::{
    bundle::{Bundle, CalendarEntry, Category, DatedRule, Pause, Selector, Target, Template},
    escalation::Escalation,
    finding::{Finding, Path, has_errors},
    limit, lint,
    locality::Locality,
    notice_duty::NoticeDuty,
};
use crate::{
    calendar::{Calendar, CalendarSpec, Span},
    clock::{ClockKind, Rule, RuleBook, RuleKey},
    keyword::KeywordSet,
    ticket::Priority,
    topic::Topic,
};

/// A standard that a node works with.
#[derive(Debug)]
pub struct Standard {
    bundle: Bundle,
    version: String,
    zone: TimeZone,
    effective_us: i64,
    targets: Vec<Compiled>,
    /// Targets that name a category, by category, and those that name none under `None`; of each kind the most specific first.
    by_category: HashMap<Option<String>, Vec<usize>>,
    book: HashMap<RuleKey, Arc<Rule>>,
    escalations: Vec<Escalation>,
    notices: Vec<NoticeDuty>,
    feedback: Feedback,
}

/// A target with its rules.
#[derive(Debug)]
struct Compiled {
    kind: ClockKind,
    applies_to: Selector,
    rules: Vec<(DatedRule, Arc<Rule>)>,
}

/// How customers are asked afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// How long after closing.
    pub ask_after_us: i64,
    /// Another contact about the same within this time means that the first did not settle it.
    pub repeat_contact_window_us: i64,
    /// The template that asks.
    pub template: String,
}

/// What decides which rules apply to a request.
#[derive(Debug, Clone, Copy)]
pub struct RuleSubject<'a> {
    /// Code of its category.
    pub category: &'a str,
    /// How urgent it is.
    pub priority: Priority,
    /// Where its premise lies, when anybody noted it.
    pub locality: Option<Locality>,
    /// When it was opened: rules of that day apply, whenever the question is asked.
    pub opened_us: i64,
}

impl Standard {
    /// Compiles a bundle that has no errors; otherwise everything that is wrong, without lines.
    pub fn compile(bundle: Bundle) -> Result<Self, Vec<Finding>> {
        let version = bundle.version_id();
        Self::compile_as(bundle, version)
    }

    /// Compiles a bundle that was accepted once. Records name it, so it is compiled whatever a later lint says of it; only what
    /// cannot be compiled at all is wrong.
    pub fn compile_accepted(bundle: Bundle) -> Result<Self, Vec<Finding>> {
        let version = bundle.version_id();
        Self::build(bundle, version)
    }

    /// Compiles a bundle under the version that its records are stamped with.
    pub(super) fn compile_as(bundle: Bundle, version: String) -> Result<Self, Vec<Finding>> {
        let found = lint::bundle(&bundle);
        if has_errors(&found) {
            return Err(found);
        }
        Self::build(bundle, version)
    }

    /// The same with what was accepted changed, and nothing asked of it anew that was not asked then.
    pub(super) fn compile_changed(&self, bundle: Bundle, version: String) -> Result<Self, Vec<Finding>> {
        let named = |finding: &Finding| (finding.path.to_string(), finding.code);
        let known: BTreeSet<_> = lint::bundle(&self.bundle).iter().map(named).collect();
        let mut found = lint::bundle(&bundle);
        found.retain(|finding| !known.contains(&named(finding)));
        if has_errors(&found) {
            return Err(found);
        }
        Self::build(bundle, version)
    }

    fn build(bundle: Bundle, version: String) -> Result<Self, Vec<Finding>> {
        let zone = zone(&bundle.time_zone, "time_zone")?;
        let mut calendars = BTreeMap::new();
        for entry in &bundle.calendars {
            calendars.insert(entry.id.as_str(), Arc::new(calendar(entry, &zone)?));
        }
        let (mut targets, mut book) = (Vec::with_capacity(bundle.targets.len()), HashMap::new());
        for target in &bundle.targets {
            let hours = target.calendar.as_deref().and_then(|id| calendars.get(id).cloned());
            let compiled = compiled(target, hours.as_ref(), &version)?;
            book.extend(compiled.rules.iter().map(|(_, rule)| (rule.key.clone(), Arc::clone(rule))));
            targets.push(compiled);
        }
        let feedback = Feedback {
            ask_after_us: duration(&bundle.feedback.ask_after, "ask_after")?,
            repeat_contact_window_us: duration(&bundle.feedback.repeat_contact_window, "repeat_contact_window")?,
            template: bundle.feedback.template.clone(),
        };
        Ok(Self {
            effective_us: bundle.effective_at.as_microsecond(),
            by_category: by_category(&targets),
            escalations: bundle.escalations.iter().map(Escalation::compile).collect(),
            notices: NoticeDuty::of(&bundle)?,
            bundle,
            version,
            zone,
            targets,
            book,
            feedback,
        })
    }

    /// What records are stamped with, for example `evn-2013.1`; with an overlay `evn-2013.1+hcmc-fast.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// From when it is in force.
    #[must_use]
    pub fn effective_us(&self) -> i64 {
        self.effective_us
    }

    /// What it was compiled from; limits of an overlay are in it.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The zone in which its days begin.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The category of this code.
    #[must_use]
    pub fn category(&self, code: &str) -> Option<&Category> {
        self.bundle.categories.iter().find(|category| category.code == code)
    }

    /// The default category of a topic: the first one listed.
    #[must_use]
    pub fn category_of_topic(&self, topic: Topic) -> Option<&Category> {
        self.bundle.categories.iter().find(|category| category.topic == topic)
    }

    /// The rules that apply to a request, also the one for next responses; at most one of each kind, but every event that
    /// concerns it has its own.
    ///
    /// Rules are those of the local day of opening. Of several targets of one kind the most specific one applies: one that
    /// names categories beats one that does not, then localities, then priorities. A target without a rule on that day
    /// competes for nothing. Where a target's rules overlap, the strictest holds.
    #[must_use]
    pub fn rules_for(&self, subject: &RuleSubject<'_>) -> Vec<Arc<Rule>> {
        let mut rules: Vec<(&Compiled, Arc<Rule>)> = Vec::new();
        self.candidates(subject, |target, rule| {
            let taken = |kind| rules.iter().any(|(target, _)| target.kind == kind);
            if target.kind == ClockKind::Event || !taken(target.kind) {
                rules.push((target, rule));
            }
            true
        });
        rules.into_iter().map(|(_, rule)| rule).collect()
    }

    /// The rule for answers to what the customer of such a request writes later.
    #[must_use]
    pub fn next_response_rule(&self, subject: &RuleSubject<'_>) -> Option<Arc<Rule>> {
        let mut found = None;
        self.candidates(subject, |target, rule| {
            if target.kind == ClockKind::NextResponse {
                found = Some(rule);
            }
            found.is_none()
        });
        found
    }

    /// Every target that selects the request and has a rule on its day, the most specific first, until `take` has enough.
    fn candidates<'s>(&'s self, subject: &RuleSubject<'_>, mut take: impl FnMut(&'s Compiled, Arc<Rule>) -> bool) {
        let day = self.local_day(subject.opened_us);
        let named = self.by_category.get(&Some(subject.category.to_owned()));
        // A target that names categories is more specific than any that does not.
        for at in named.into_iter().chain(self.by_category.get(&None)).flatten() {
            let target = &self.targets[*at];
            if target.applies_to.selects(subject.category, subject.priority, subject.locality)
                && let Some(rule) = target.on(day)
                && !take(target, rule)
            {
                return;
            }
        }
    }

    fn local_day(&self, at_us: i64) -> Date {
        let at = jiff::Timestamp::from_microsecond(at_us).unwrap_or(if at_us < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        self.zone.to_datetime(at).date()
    }

    /// What follows when limits come near or pass.
    #[must_use]
    pub fn escalations(&self) -> &[Escalation] {
        &self.escalations
    }

    /// What the rule of this id asks of notices; none when the standard has no such rule.
    #[must_use]
    pub fn notice_duty(&self, id: &str) -> Option<&NoticeDuty> {
        self.notices.iter().find(|duty| duty.id == id)
    }

    /// Whether a field of `FederatedTicket` may leave the region, for example `province`.
    #[must_use]
    pub fn exports(&self, field: &str) -> bool {
        self.bundle.export.iter().any(|name| name == field)
    }

    /// Whether everything that the product federates may leave.
    #[must_use]
    pub fn exports_all(&self) -> bool {
        super::FEDERATED.iter().all(|field| self.exports(field))
    }

    /// How customers are asked afterwards.
    #[must_use]
    pub fn feedback(&self) -> &Feedback {
        &self.feedback
    }

    /// The keywords of a region's text messages.
    #[must_use]
    pub fn keywords(&self, region: &str) -> Option<&KeywordSet> {
        self.bundle.sms.iter().find(|set| set.region == region)
    }

    /// Answers in both languages.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.bundle.templates
    }

    /// The answer of this id.
    #[must_use]
    pub fn template(&self, id: &str) -> Option<&Template> {
        self.bundle.templates.iter().find(|template| template.id == id)
    }
}

impl RuleBook for Standard {
    fn rule(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.book.get(key).cloned()
    }
}

impl Compiled {
    /// The strictest rule that holds on that day; of equals the first one.
    fn on(&self, day: Date) -> Option<Arc<Rule>> {
        let holding = self.rules.iter().filter(|(dated, _)| dated.holds(day)).map(|(_, rule)| rule);
        let stricter =
            |one: &Arc<Rule>, other: &Arc<Rule>| limit::compare(&one.limit, &other.limit).unwrap_or(Ordering::Equal);
        holding.min_by(|one, other| stricter(one, other)).cloned()
    }
}

fn by_category(targets: &[Compiled]) -> HashMap<Option<String>, Vec<usize>> {
    let mut by_category: HashMap<Option<String>, Vec<usize>> = HashMap::new();
    for (at, target) in targets.iter().enumerate() {
        if target.applies_to.categories.is_empty() {
            by_category.entry(None).or_default().push(at);
        }
        for category in &target.applies_to.categories {
            by_category.entry(Some(category.clone())).or_default().push(at);
        }
    }
    for list in by_category.values_mut() {
        list.sort_by_key(|at| (targets[*at].kind, Reverse(targets[*at].applies_to.specificity()), *at));
        list.dedup();
    }
    by_category
}

fn compiled(target: &Target, hours: Option<&Arc<Calendar>>, version: &str) -> Result<Compiled, Vec<Finding>> {
    let mut warnings: Vec<_> = target.warnings.iter().filter_map(|fraction| lint::permille(*fraction)).collect();
    warnings.sort_unstable();
    let mut rules = Vec::with_capacity(target.rules.len());
    for (at, dated) in target.rules.iter().enumerate() {
        let path = Path::default().key("targets").key(&target.id).item("rules", at).key("limit");
        let limit =
            limit::read(&dated.limit).map_err(|cure| vec![Finding::error(&path, "MALFORMED_DURATION", cure)])?;
        let rule = Rule {
            key: RuleKey(format!("{version}/{}/{at}", target.id)),
            target: target.id.clone(),
            kind: target.kind,
            limit,
            calendar: hours.cloned(),
            pauses_customer: target.pauses.contains(&Pause::Customer),
            pauses_third_party: target.pauses.contains(&Pause::ThirdParty),
            warnings: warnings.clone(),
            source: dated.source.clone(),
            assumed: dated.assumed,
        };
        rules.push((dated.clone(), Arc::new(rule)));
    }
    Ok(Compiled { kind: target.kind, applies_to: target.applies_to.clone(), rules })
}

fn calendar(entry: &CalendarEntry, zone_of_bundle: &TimeZone) -> Result<Calendar, Vec<Finding>> {
    let spans = |spans: &[String]| -> Vec<Span> {
        let hours = spans.iter().filter_map(|span| limit::hours(span));
        hours.map(|(from_minute, until_minute)| Span { from_minute, until_minute }).collect()
    };
    Ok(Calendar::new(CalendarSpec {
        id: entry.id.clone(),
        zone: match &entry.time_zone {
            Some(name) => zone(name, &entry.id)?,
            None => zone_of_bundle.clone(),
        },
        week: entry.week.days().map(|(_, hours)| spans(hours)),
        holidays: entry.holidays.iter().map(|day| day.date).collect(),
        exceptions: entry.exceptions.iter().map(|day| (day.date, spans(&day.spans))).collect(),
    }))
}

fn zone(name: &str, key: &str) -> Result<TimeZone, Vec<Finding>> {
    let unknown = |_| vec![Finding::error(&Path::default().key(key), "UNKNOWN_ZONE", "write an IANA time zone")];
    TimeZone::get(name).map_err(unknown)
}

fn duration(text: &str, key: &str) -> Result<i64, Vec<Finding>> {
    let path = Path::default().key("feedback").key(key);
    limit::iso_us(text).ok_or_else(|| vec![Finding::error(&path, "MALFORMED_DURATION", "write a duration such as P7D")])
}
