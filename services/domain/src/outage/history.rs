use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Area, Claim, Estimate, Fact, NumberedStep, Outage,
    change::{By, Change, Draft, Entry},
    code::{Cause, Confidence, CrewState, EstimateSource, FactKind, OutageKind},
    plan::{Plan, Revision, in_time},
    rules,
};
use crate::refusal::{Refusal, RefusalKind};

/// Most entries of one history; a change may add a few beyond it.
const MOST_ENTRIES: usize = 10_000;

impl Outage {
    /// A new outage as a draft describes it, or every rule that it breaks.
    pub fn record(id: Uuid, draft: Draft, by: By<'_>, now: Timestamp, notice_us: i64) -> Result<Self, Refusal> {
        let found = rules::check_draft(&draft, "outage.");
        if !found.is_empty() {
            return Err(Refusal::invalid(found));
        }
        if let Some(plan) = &draft.plan {
            in_time(plan, None, now, notice_us)?;
        }
        let mut outage = Self::blank(id, draft.kind);
        outage.append(Change::Recorded(Box::new(draft)), by, now, 1);
        Ok(outage)
    }

    /// The outage after these changes, all or none, or every rule that they break.
    pub fn change(&self, changes: &[Change], by: By<'_>, now: Timestamp, notice_us: i64) -> Result<Self, Refusal> {
        if self.history.len() >= MOST_ENTRIES {
            let message = format!("this outage has {MOST_ENTRIES} entries; record a part of it as another one");
            return Err(Refusal::new(RefusalKind::Exhausted, "TOO_MANY_ENTRIES", message));
        }
        let mut next = self.clone();
        let mut found = Vec::new();
        let now = now.max(self.updated_at);
        let mut late = Ok(());
        for (i, change) in changes.iter().enumerate() {
            let at = format!("changes[{i}].");
            let before = found.len();
            rules::check_change(&next, change, by, &at, &mut found);
            if found.len() > before {
                continue;
            }
            let last = next.plan.last().map(|revision| &revision.plan);
            late = late.and(match (change, last) {
                (Change::Rescheduled(plan), last) => in_time(plan, last, now, notice_us),
                // Whoever it concerns from now on was told of nothing.
                (Change::Redrawn(areas), Some(plan)) if next.reaches_further(areas, now) => {
                    in_time(plan, None, now, notice_us)
                }
                _ => Ok(()),
            });
            next.append(change.clone(), by, now, self.version + 1);
        }
        // Of changes that are refused already, nobody wants to hear what they would come to.
        if found.is_empty() {
            rules::check_whole(&next, "changes", &mut found);
        }
        if !found.is_empty() {
            return Err(Refusal::invalid(found));
        }
        late.map(|()| next)
    }

    /// The outage that this history tells of; none when it does not begin as one does.
    #[must_use]
    pub fn of_history(id: Uuid, history: Vec<Entry>) -> Option<Self> {
        let Change::Recorded(draft) = &history.first()?.change else { return None };
        let mut outage = Self::blank(id, draft.kind);
        for entry in history {
            outage.apply(entry);
        }
        Some(outage)
    }

    const fn blank(id: Uuid, kind: OutageKind) -> Self {
        Self {
            id,
            version: 0,
            kind,
            cause: Cause::Unknown,
            areas: Vec::new(),
            begins_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            customers: None,
            estimate: None,
            crew: CrewState::None,
            parent: None,
            plan: Vec::new(),
            steps: Vec::new(),
            claims: Vec::new(),
            history: Vec::new(),
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn append(&mut self, change: Change, by: By<'_>, at: Timestamp, version: i64) {
        let (author, reason) = (by.author.to_owned(), by.reason.to_owned());
        self.apply(Entry { version, at, author, reason, change });
    }

    fn apply(&mut self, entry: Entry) {
        self.version = entry.version;
        self.updated_at = entry.at;
        match &entry.change {
            Change::Recorded(draft) => self.begin(draft, &entry),
            Change::Stepped(step) => {
                let no = 1 + last_step(&self.history);
                self.steps.push(NumberedStep { no, step: step.clone() });
            }
            Change::StepCorrected { no, step } => {
                let place = self.steps.iter().position(|known| known.no == *no);
                match (place, step) {
                    (Some(place), Some(step)) => self.steps[place].step = step.clone(),
                    (Some(place), None) => drop(self.steps.remove(place)),
                    (None, _) => {}
                }
            }
            Change::Estimated(estimate) => self.estimate = *estimate,
            Change::CrewMoved(crew) => self.crew = *crew,
            Change::Claimed { fact, source, choose } => self.claim(*fact, source, *choose, &entry),
            Change::Chosen { no } => self.choose(*no, &entry.reason),
            Change::Redrawn(areas) => {
                let further = self.reaches_further(areas, entry.at);
                self.areas.clone_from(areas);
                if further && let Some(last) = self.plan.last() {
                    self.revise(last.plan.clone(), false, entry.at);
                }
            }
            Change::Nested(parent) => self.parent = *parent,
            Change::Rescheduled(plan) => self.revise(plan.clone(), false, entry.at),
            Change::Cancelled => {
                if let Some(last) = self.plan.last() {
                    self.revise(last.plan.clone(), true, entry.at);
                }
            }
        }
        self.history.push(entry);
        self.believe();
    }

    fn begin(&mut self, draft: &Draft, entry: &Entry) {
        self.areas.clone_from(&draft.areas);
        self.parent = draft.parent;
        if let Some(plan) = &draft.plan {
            self.revise(plan.clone(), false, entry.at);
        }
        self.estimate = draft.estimate.or(self.estimate);
        let cause = Some(draft.cause).filter(|cause| *cause != Cause::Unknown);
        let facts = [
            draft.begins_at.map(Fact::Onset),
            cause.map(Fact::Cause),
            draft.customers.map(Fact::Customers),
            draft.ended_at.map(|at| Fact::Restoration(Some(at))),
        ];
        for fact in facts.into_iter().flatten() {
            self.claim(fact, &draft.source, false, entry);
        }
    }

    /// Whether planned work that has not begun would concern somebody there whom it does not concern yet.
    fn reaches_further(&self, areas: &[Area], at: Timestamp) -> bool {
        let known = |area: &Area| self.areas.iter().any(|known| known == area || known.covers(&area.site()));
        !self.plan.is_empty() && !self.is_cancelled() && self.begins_at > at && !areas.iter().all(known)
    }

    fn revise(&mut self, plan: Plan, cancelled: bool, at: Timestamp) {
        let number = self.plan.last().map_or(0, |last| last.number) + 1;
        // An estimate that somebody made stays until they make another.
        if self.estimate.is_none_or(|estimate| estimate.source == EstimateSource::Schedule) {
            let ends = plan.window.ends_at;
            let source = EstimateSource::Schedule;
            self.estimate = Some(Estimate { earliest: ends, latest: ends, source, confidence: Confidence::Medium });
        }
        self.plan.push(Revision { number, plan, areas: self.areas.clone(), cancelled, at });
    }

    fn claim(&mut self, fact: Fact, source: &str, choose: bool, entry: &Entry) {
        let no = self.claims.last().map_or(0, |claim| claim.no) + 1;
        let first = !self.claims.iter().any(|claim| claim.fact.kind() == fact.kind());
        self.claims.push(Claim {
            no,
            fact,
            source: source.to_owned(),
            recorded_at: entry.at,
            author: entry.author.clone(),
            chosen: first,
            reason: String::new(),
        });
        if choose {
            self.choose(no, &entry.reason);
        }
    }

    fn choose(&mut self, no: i64, reason: &str) {
        let Some(kind) = self.claims.iter().find(|claim| claim.no == no).map(|claim| claim.fact.kind()) else { return };
        for claim in self.claims.iter_mut().filter(|claim| claim.fact.kind() == kind) {
            claim.chosen = claim.no == no;
            if claim.chosen {
                reason.clone_into(&mut claim.reason);
            }
        }
    }

    /// What is believed of each fact.
    fn believe(&mut self) {
        let believed = |kind: FactKind| {
            self.claims.iter().find(|claim| claim.chosen && claim.fact.kind() == kind).map(|claim| claim.fact)
        };
        let cause = believed(FactKind::Cause);
        let onset = believed(FactKind::Onset);
        let (customers, restoration) = (believed(FactKind::Customers), believed(FactKind::Restoration));
        self.cause = if let Some(Fact::Cause(cause)) = cause { cause } else { Cause::Unknown };
        self.customers = if let Some(Fact::Customers(customers)) = customers { Some(customers) } else { None };
        self.ended_at = if let Some(Fact::Restoration(at)) = restoration { at } else { None };
        let planned = self.plan.last().map(|revision| revision.plan.window.starts_at);
        let first = self.steps.iter().map(|numbered| numbered.step.at).min();
        let begun = if let Some(Fact::Onset(at)) = onset { Some(at) } else { first };
        self.begins_at = begun.or(planned).unwrap_or(self.begins_at);
    }
}

/// The number of the last step that was ever recorded; those that were taken back keep theirs.
fn last_step(history: &[Entry]) -> i64 {
    let steps = history.iter().filter(|entry| matches!(entry.change, Change::Stepped(_)));
    i64::try_from(steps.count()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
