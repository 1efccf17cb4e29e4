//! The hotline: calls out of Asterisk's `queue_log`, one line at a time.
//!
//! A line is `time|callid|queue|agent|event|parameters…`; lines of one call are interleaved with others'. The events are those of
//! <https://docs.asterisk.org/Operation/Logging/Queue-Logs/>. "Offered" here means that a call entered a queue: busy trunks and
//! calls that ended in the voice menu are not in this log.
//!
//! A bad line changes nothing: it is reported, and the call it would have moved stays where it was.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

/// Most calls held open, and most callers remembered after they left.
pub const MEMORY_LIMIT: usize = 100_000;

/// How long after leaving a caller may enter again and still be told from a first entry by a reader that resumes.
const REENTRY_US: i64 = 60 * 60 * 1_000_000;

/// Longest line in bytes; Asterisk's are shorter than 300.
const LINE_LIMIT: usize = 16 * 1_024;

/// Longest call id, queue, agent or caller in bytes.
const FIELD_LIMIT: usize = 256;

/// Most queues that one caller may go through.
const QUEUES_PER_CALLER: usize = 64;

/// Events that concern no call, or do not end one. AGENTDUMP and SYSCOMPAT are followed by the line that ends the call.
const PASSED_OVER: [&str; 24] = [
    "ADDMEMBER",
    "AGENTCALLBACKLOGIN",
    "AGENTCALLBACKLOGOFF",
    "AGENTDUMP",
    "AGENTLOGIN",
    "AGENTLOGOFF",
    "CONFIGRELOAD",
    "DID",
    "INFO",
    "JOINEMPTY",
    "MEMBERPENALTY",
    "PAUSE",
    "PAUSEALL",
    "PAUSEREASON",
    "PENALTY",
    "QUEUESTART",
    "REMOVEMEMBER",
    "RINGCANCELED",
    "RINGINUSE",
    "RINGNOANSWER",
    "RINGTIMEOUT",
    "SYSCOMPAT",
    "UNPAUSE",
    "UNPAUSEALL",
];

/// How a call left its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HotlineOutcome {
    /// An agent talked with the caller, also when the call was then transferred.
    Answered,
    /// The caller hung up while waiting.
    Abandoned,
    /// The queue let go of the caller: timeout, empty queue, key.
    Unanswered,
}

/// One visit of a caller to a queue, from entering to leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotlineCall {
    /// `callid/queue`; from the second visit of one caller to one queue on `callid/queue/2` and so forth.
    pub source_key: String,
    /// The queue.
    pub queue: String,
    /// When the caller entered the queue.
    pub arrived_at: Timestamp,
    /// When an agent answered.
    pub answered_at: Option<Timestamp>,
    /// When the caller left the queue or the talk ended.
    pub ended_at: Timestamp,
    /// How.
    pub outcome: HotlineOutcome,
    /// Milliseconds from arrival to answer, or to leaving.
    pub wait_ms: u64,
    /// Milliseconds from answer to end; none of a call that nobody answered.
    pub talk_ms: Option<u64>,
    /// The caller's number as the log has it; personal.
    pub caller: Option<String>,
    /// The agent as the log has it; personal.
    pub agent: Option<String>,
    /// Number of the line that ended it.
    pub line: u64,
}

/// A call that entered and was not seen to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedCall {
    /// The key that the call has, or would have had.
    pub source_key: String,
    /// The queue.
    pub queue: String,
    /// Number of its first line.
    pub line: u64,
    /// Offset in bytes of its first line.
    pub offset: u64,
    /// When the caller entered.
    pub arrived_at: Timestamp,
    /// When an agent answered.
    pub answered_at: Option<Timestamp>,
    /// The caller's number as the log has it; personal.
    pub caller: Option<String>,
    /// The agent as the log has it; personal.
    pub agent: Option<String>,
}

/// What a line gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A call ended.
    Call(HotlineCall),
    /// A call will not be waited for any longer: its caller entered the same queue anew, or too many are open. Calls that are
    /// open at the end of the log are told by [`QueueLog::unfinished`] instead.
    Unfinished(UnfinishedCall),
    /// A line that says nothing usable.
    BadLine {
        /// Its number.
        line: u64,
        /// Why, without repeating what may be personal.
        reason: String,
    },
}

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Offset in bytes from the start of the file.
    pub offset: u64,
    /// Number of the line, as the reader of the file counts.
    pub line: u64,
}

/// Reads a `queue_log` line by line and remembers the calls that are open.
///
/// Feed rotated files in their order through one `QueueLog`, or each through its own: a call that entered in one file and left in
/// the next is then reconstructed from the seconds that its last line gives, under the same key.
#[derive(Debug)]
pub struct QueueLog {
    limit: usize,
    /// What lies before this offset has been reported by an earlier reader.
    reported_to: u64,
    callers: HashMap<String, Caller>,
    /// Open visits by age, as (callid, queue).
    open: BTreeMap<u64, (String, String)>,
    /// Callers without an open visit, by when the last one closed.
    gone: BTreeMap<u64, String>,
    /// Grows by one with every visit and every departure; the order of ages.
    serial: u64,
    newest_us: i64,
    end: Position,
}

/// A callid, for as long as it is remembered.
#[derive(Debug)]
struct Caller {
    first: Position,
    last_us: i64,
    /// Its place in `gone`.
    gone: Option<u64>,
    queues: BTreeMap<String, Visits>,
}

/// The visits of one caller to one queue.
#[derive(Debug)]
struct Visits {
    count: u32,
    last: Last,
}

/// What became of the last visit.
#[derive(Debug)]
enum Last {
    Open(Visit),
    /// Its end was reported.
    Left,
    /// It was given up; should its end come after all, it is reconstructed.
    GivenUp,
}

#[derive(Debug, Clone)]
struct Visit {
    serial: u64,
    first: Position,
    arrived_us: i64,
    answered_us: Option<i64>,
    caller: Option<String>,
    agent: Option<String>,
}

/// One line, taken apart.
struct Line<'a> {
    at: Position,
    us: i64,
    callid: &'a str,
    queue: &'a str,
    agent: &'a str,
    event: &'a str,
    parameters: Vec<&'a str>,
}

impl Default for QueueLog {
    fn default() -> Self {
        Self::new()
    }
}

impl QueueLog {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(MEMORY_LIMIT)
    }

    /// A reader that continues where an earlier one stopped: begin to feed at its [`Self::resume_offset`], and give its
    /// [`Self::end_offset`] here, so that what it reported is not reported again.
    #[must_use]
    pub fn resumed(reported_to: u64) -> Self {
        Self { reported_to, ..Self::new() }
    }

    /// A reader that holds at most `limit` calls open and remembers as many callers that left.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            reported_to: 0,
            callers: HashMap::new(),
            open: BTreeMap::new(),
            gone: BTreeMap::new(),
            serial: 0,
            newest_us: 0,
            end: Position::default(),
        }
    }

    /// Takes one line, with or without its line ending; `offset` is where it begins.
    ///
    /// Give whole lines only: at the end of a file that grows, what has no line ending yet is not yet a line.
    pub fn feed_line(&mut self, line_no: u64, offset: u64, bytes: &[u8]) -> Vec<Event> {
        let at = Position { offset, line: line_no };
        self.end = Position { offset: offset.saturating_add(bytes.len() as u64), line: line_no.saturating_add(1) };
        let mut events = Vec::new();
        if let Err(reason) =
            Line::read(at, bytes).and_then(|line| line.map_or(Ok(()), |line| self.take(&line, &mut events)))
        {
            events.push(Event::BadLine { line: line_no, reason });
        }
        if offset < self.reported_to {
            events.clear();
        }
        events
    }

    /// The calls that entered and have not left, by their first lines.
    #[must_use]
    pub fn unfinished(&self) -> Vec<UnfinishedCall> {
        let visit = |(callid, queue): &(String, String)| {
            let visits = self.callers.get(callid)?.queues.get(queue)?;
            let Last::Open(visit) = &visits.last else { return None };
            Some(unfinished(callid, queue, visits.count, visit))
        };
        let mut calls: Vec<_> = self.open.values().filter_map(visit).collect();
        calls.sort_by_key(|call| (call.offset, call.line));
        calls
    }

    /// From where to read on once the file has grown; nothing is lost by forgetting this reader.
    ///
    /// The first line of the earliest caller who is still in a queue or has left within the last hour of the log, and so may
    /// enter again and needs the next number in the key; the end if there is none.
    #[must_use]
    pub fn resume_offset(&self) -> u64 {
        self.resume_position().offset
    }

    /// [`Self::resume_offset`] with the number of its line.
    #[must_use]
    pub fn resume_position(&self) -> Position {
        let recent = self.newest_us.saturating_sub(REENTRY_US);
        let needed = self.callers.values().filter(|caller| caller.gone.is_none() || caller.last_us >= recent);
        needed.map(|caller| caller.first).min().map_or(self.end, |first| first.min(self.end))
    }

    /// Where the last line ended.
    #[must_use]
    pub fn end_offset(&self) -> u64 {
        self.end.offset
    }

    fn take(&mut self, line: &Line<'_>, events: &mut Vec<Event>) -> Result<(), String> {
        match line.event {
            "ENTERQUEUE" => self.enters(line, events)?,
            "CONNECT" => self.connects(line, events)?,
            "COMPLETEAGENT" | "COMPLETECALLER" => self.completes(line, 0, events)?,
            "TRANSFER" | "BLINDTRANSFER" | "ATTENDEDTRANSFER" => self.completes(line, 2, events)?,
            "ABANDON" => self.gives_up(line, HotlineOutcome::Abandoned, 2, events)?,
            "EXITWITHTIMEOUT" | "EXITEMPTY" => self.gives_up(line, HotlineOutcome::Unanswered, 2, events)?,
            "EXITWITHKEY" => self.gives_up(line, HotlineOutcome::Unanswered, 3, events)?,
            event if PASSED_OVER.contains(&event) => {}
            event if event.len() <= 32 && event.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') => {
                return Err(format!("unknown event {event}"));
            }
            _ => return Err("unknown event".to_owned()),
        }
        self.newest_us = self.newest_us.max(line.us);
        Ok(())
    }

    /// ENTERQUEUE(url|caller|position).
    fn enters(&mut self, line: &Line<'_>, events: &mut Vec<Event>) -> Result<(), String> {
        line.is_of_a_call()?;
        let caller = line.parameter(1).ok_or("too few fields: ENTERQUEUE needs the caller")?;
        if caller.len() > FIELD_LIMIT {
            return Err("the caller is too long".to_owned());
        }
        if self.open_visit(line).is_some_and(|visit| visit.arrived_us == line.us && visit.answered_us.is_none()) {
            return Err("the call entered this queue at this moment already".to_owned());
        }
        self.open(line, line.us, named(caller), events)
    }

    /// CONNECT(hold|bridged channel|ring time).
    fn connects(&mut self, line: &Line<'_>, events: &mut Vec<Event>) -> Result<(), String> {
        line.is_of_a_call()?;
        let hold = line.seconds(0, "hold time")?.ok_or("too few fields: CONNECT needs the hold time")?;
        match self.open_visit(line) {
            Some(visit) if visit.answered_us.is_some() => return Err("the call was answered already".to_owned()),
            Some(visit) if line.us < visit.arrived_us => return Err("answered before the call entered".to_owned()),
            Some(_) => {}
            None => self.reconstruct(line, hold, events)?,
        }
        if let Some(visit) = self.open_visit(line) {
            visit.answered_us = Some(line.us);
            visit.agent = named(line.agent);
        }
        Ok(())
    }

    /// COMPLETEAGENT and COMPLETECALLER(hold|talk|position), and the transfers, which have two parameters before these.
    fn completes(&mut self, line: &Line<'_>, skip: usize, events: &mut Vec<Event>) -> Result<(), String> {
        line.is_of_a_call()?;
        let times = line.seconds(skip, "hold time")?.zip(line.seconds(skip + 1, "talk time")?);
        let answered = self.open_visit(line).is_some_and(|visit| visit.answered_us.is_some());
        // Old transfers lack the times, and need none when the answer was seen.
        if times.is_none() && !(answered && skip > 0) {
            return Err(format!("too few fields: {} needs hold and talk time", line.event));
        }
        let (hold, talk) = times.unwrap_or_default();
        match self.open_visit(line) {
            Some(visit) if line.us < visit.answered_us.unwrap_or(visit.arrived_us) => {
                return Err("ended before the call entered or was answered".to_owned());
            }
            Some(_) => {}
            None => self.reconstruct(line, hold.saturating_add(talk), events)?,
        }
        if let Some(visit) = self.open_visit(line) {
            // Whole seconds may reach a little beyond the arrival.
            let answered_us = visit.answered_us.unwrap_or(line.us.saturating_sub(talk).max(visit.arrived_us));
            visit.answered_us = Some(answered_us);
            visit.agent = named(line.agent).or(visit.agent.take());
        }
        self.leaves(line, HotlineOutcome::Answered, events);
        Ok(())
    }

    /// ABANDON, EXITWITHTIMEOUT and EXITEMPTY(position|original position|wait), EXITWITHKEY(key|position|original position|wait).
    fn gives_up(
        &mut self,
        line: &Line<'_>,
        outcome: HotlineOutcome,
        at: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), String> {
        line.is_of_a_call()?;
        let wait = line.seconds(at, "wait time")?;
        match self.open_visit(line) {
            Some(visit) if visit.answered_us.is_some() => {
                return Err("left unanswered after it was answered".to_owned());
            }
            Some(visit) if line.us < visit.arrived_us => return Err("ended before the call entered".to_owned()),
            Some(_) => {}
            None => {
                // Old versions of some exits lack it, which matters only to a call whose entry was not seen.
                let wait = wait.ok_or_else(|| format!("too few fields: {} needs the wait time", line.event))?;
                self.reconstruct(line, wait, events)?;
            }
        }
        self.leaves(line, outcome, events);
        Ok(())
    }

    /// Opens a visit whose entry is in an earlier file, `since` microseconds ago.
    fn reconstruct(&mut self, line: &Line<'_>, since: i64, events: &mut Vec<Event>) -> Result<(), String> {
        let visits = self.callers.get(line.callid).and_then(|caller| caller.queues.get(line.queue));
        if visits.is_some_and(|visits| matches!(visits.last, Last::Left)) {
            return Err("the call has left this queue already".to_owned());
        }
        let arrived_us =
            line.us.checked_sub(since).filter(|us| *us >= 0).ok_or("the call would have begun before 1970")?;
        self.open(line, arrived_us, None, events)
    }

    fn open_visit(&mut self, line: &Line<'_>) -> Option<&mut Visit> {
        match &mut self.callers.get_mut(line.callid)?.queues.get_mut(line.queue)?.last {
            Last::Open(visit) => Some(visit),
            Last::Left | Last::GivenUp => None,
        }
    }

    fn open(
        &mut self,
        line: &Line<'_>,
        arrived_us: i64,
        number: Option<String>,
        events: &mut Vec<Event>,
    ) -> Result<(), String> {
        self.serial += 1;
        let caller = self.callers.entry(line.callid.to_owned()).or_insert_with(|| Caller {
            first: line.at,
            last_us: line.us,
            gone: None,
            queues: BTreeMap::new(),
        });
        if caller.queues.len() >= QUEUES_PER_CALLER && !caller.queues.contains_key(line.queue) {
            return Err("the caller went through too many queues".to_owned());
        }
        if let Some(serial) = caller.gone.take() {
            self.gone.remove(&serial);
        }
        let visits = caller.queues.entry(line.queue.to_owned()).or_insert(Visits { count: 0, last: Last::Left });
        let visit =
            Visit { serial: self.serial, first: line.at, arrived_us, answered_us: None, caller: number, agent: None };
        let reconstructed = line.event != "ENTERQUEUE";
        match std::mem::replace(&mut visits.last, Last::Open(visit)) {
            Last::Open(old) => {
                self.open.remove(&old.serial);
                events.push(Event::Unfinished(unfinished(line.callid, line.queue, visits.count, &old)));
                visits.count = visits.count.saturating_add(1);
            }
            // What was given up is the visit that goes on here.
            Last::GivenUp if reconstructed => {}
            Last::GivenUp | Last::Left => visits.count = visits.count.saturating_add(1),
        }
        self.open.insert(self.serial, (line.callid.to_owned(), line.queue.to_owned()));
        if self.open.len() > self.limit {
            self.forget_oldest(events);
        }
        Ok(())
    }

    /// Gives up the oldest open visit.
    fn forget_oldest(&mut self, events: &mut Vec<Event>) {
        let Some((_, (callid, queue))) = self.open.pop_first() else { return };
        let Some(caller) = self.callers.get_mut(&callid) else { return };
        if let Some(visits) = caller.queues.get_mut(&queue)
            && let Last::Open(visit) = std::mem::replace(&mut visits.last, Last::GivenUp)
        {
            events.push(Event::Unfinished(unfinished(&callid, &queue, visits.count, &visit)));
        }
        self.rest(&callid);
    }

    /// Reports the open visit as ended and closes it.
    fn leaves(&mut self, line: &Line<'_>, outcome: HotlineOutcome, events: &mut Vec<Event>) {
        let Some(caller) = self.callers.get_mut(line.callid) else { return };
        let Some(visits) = caller.queues.get_mut(line.queue) else { return };
        let Last::Open(visit) = std::mem::replace(&mut visits.last, Last::Left) else { return };
        let waited_until = visit.answered_us.unwrap_or(line.us);
        let ms = |from: i64, until: i64| until.saturating_sub(from).max(0).unsigned_abs() / 1_000;
        events.push(Event::Call(HotlineCall {
            source_key: source_key(line.callid, line.queue, visits.count),
            queue: line.queue.to_owned(),
            arrived_at: timestamp(visit.arrived_us),
            answered_at: visit.answered_us.map(timestamp),
            ended_at: timestamp(line.us),
            outcome,
            wait_ms: ms(visit.arrived_us, waited_until),
            talk_ms: visit.answered_us.map(|answered| ms(answered, line.us)),
            caller: visit.caller,
            agent: visit.agent,
            line: line.at.line,
        }));
        caller.last_us = line.us;
        self.open.remove(&visit.serial);
        self.rest(line.callid);
    }

    /// Remembers a caller who is in no queue any longer, and forgets the one longest gone when there are too many.
    fn rest(&mut self, callid: &str) {
        let Some(caller) = self.callers.get_mut(callid) else { return };
        if caller.queues.values().any(|visits| matches!(visits.last, Last::Open(_))) {
            return;
        }
        self.serial += 1;
        caller.gone = Some(self.serial);
        self.gone.insert(self.serial, callid.to_owned());
        if self.gone.len() > self.limit
            && let Some((_, callid)) = self.gone.pop_first()
        {
            self.callers.remove(&callid);
        }
    }
}

impl<'a> Line<'a> {
    /// None of an empty line.
    fn read(at: Position, bytes: &'a [u8]) -> Result<Option<Self>, String> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() > LINE_LIMIT {
            return Err(format!("longer than {LINE_LIMIT} bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
        if text.chars().any(char::is_control) {
            return Err("a control character".to_owned());
        }
        let mut fields = text.split('|');
        let mut next = || fields.next().ok_or("too few fields");
        let (time, callid, queue, agent, event) = (next()?, next()?, next()?, next()?, next()?);
        let us = microseconds(time, "time")?;
        Ok(Some(Self { at, us, callid, queue, agent, event, parameters: fields.collect() }))
    }

    fn is_of_a_call(&self) -> Result<(), String> {
        if matches!(self.callid, "" | "NONE" | "REALTIME") {
            return Err(format!("{} of no call", self.event));
        }
        if matches!(self.queue, "" | "NONE") {
            return Err(format!("{} in no queue", self.event));
        }
        if [self.callid, self.queue, self.agent].iter().any(|field| field.len() > FIELD_LIMIT) {
            return Err("the call id, the queue or the agent is too long".to_owned());
        }
        Ok(())
    }

    fn parameter(&self, at: usize) -> Option<&'a str> {
        self.parameters.get(at).copied()
    }

    /// A parameter in seconds, as microseconds; none when the line ends before it or it is empty.
    fn seconds(&self, at: usize, what: &str) -> Result<Option<i64>, String> {
        self.parameter(at).filter(|text| !text.is_empty()).map(|text| microseconds(text, what)).transpose()
    }
}

/// Seconds with an optional fraction, as microseconds: up to the year 2286, and never negative.
fn microseconds(text: &str, what: &str) -> Result<i64, String> {
    if text.starts_with('-') {
        return Err(format!("the {what} is negative"));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 10) || !digits(fraction, 9) {
        return Err(format!("the {what} is not a number of seconds"));
    }
    let micros = format!("{fraction:0<6}");
    match (whole.parse::<i64>(), micros[..6].parse::<i64>()) {
        (Ok(whole), Ok(micros)) => Ok(whole * 1_000_000 + micros),
        _ => Err(format!("the {what} is not a number of seconds")),
    }
}

/// [`microseconds`] lets nothing through that lies beyond what a timestamp holds.
fn timestamp(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// None of the words by which the log says nobody.
fn named(text: &str) -> Option<String> {
    (!matches!(text, "" | "NONE")).then(|| text.to_owned())
}

fn source_key(callid: &str, queue: &str, visit: u32) -> String {
    // A slash within a name would let two visits share a key.
    let (callid, queue) = (callid.replace('/', "%2F"), queue.replace('/', "%2F"));
    if visit > 1 { format!("{callid}/{queue}/{visit}") } else { format!("{callid}/{queue}") }
}

fn unfinished(callid: &str, queue: &str, count: u32, visit: &Visit) -> UnfinishedCall {
    UnfinishedCall {
        source_key: source_key(callid, queue, count),
        queue: queue.to_owned(),
        line: visit.first.line,
        offset: visit.first.offset,
        arrived_at: timestamp(visit.arrived_us),
        answered_at: visit.answered_us.map(timestamp),
        caller: visit.caller.clone(),
        agent: visit.agent.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn feed(log: &mut QueueLog, text: &str) -> Vec<Event> {
        let (mut offset, mut events) = (0, Vec::new());
        for (line, bytes) in (1..).zip(text.split_inclusive('\n')) {
            events.extend(log.feed_line(line, offset, bytes.as_bytes()));
            offset += bytes.len() as u64;
        }
        events
    }

    fn read(text: &str) -> (Vec<Event>, QueueLog) {
        let mut log = QueueLog::new();
        (feed(&mut log, text), log)
    }

    fn calls(events: &[Event]) -> Vec<&HotlineCall> {
        events.iter().filter_map(|event| if let Event::Call(call) = event { Some(call) } else { None }).collect()
    }

    fn only_call(text: &str) -> HotlineCall {
        let (events, _) = read(text);
        let [Event::Call(call)] = &events[..] else { panic!("{events:?}") };
        call.clone()
    }

    fn reasons(text: &str) -> Vec<String> {
        let reason = |event| if let Event::BadLine { reason, .. } = event { Some(reason) } else { None };
        read(text).0.into_iter().filter_map(reason).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_answered_call_has_its_wait_and_talk() {
        let call = only_call(
            "1369188000|1369188000.1|outage|NONE|ENTERQUEUE||0903123456|1\n\
             1369188005|1369188000.1|outage|SIP/12|RINGNOANSWER|5000\n\
             1369188020|1369188000.1|outage|SIP/14|CONNECT|20|1369188015.2|5\n\
             1369188200|1369188000.1|outage|SIP/14|COMPLETECALLER|20|180|1\n",
        );
        assert_eq!(call.source_key, "1369188000.1/outage");
        assert_eq!(call.outcome, HotlineOutcome::Answered);
        assert_eq!(call.arrived_at, at(1_369_188_000));
        assert_eq!(call.answered_at, Some(at(1_369_188_020)));
        assert_eq!(call.ended_at, at(1_369_188_200));
        assert_eq!((call.wait_ms, call.talk_ms), (20_000, Some(180_000)));
        assert_eq!((call.caller.as_deref(), call.agent.as_deref()), (Some("0903123456"), Some("SIP/14")));
        assert_eq!(call.line, 4);
    }

    #[test]
    fn fractions_of_seconds_count() {
        let call = only_call("100.25|c|q|NONE|ENTERQUEUE||x|1\r\n103.5|c|q|NONE|ABANDON|1|1|3\r\n");
        assert_eq!((call.outcome, call.wait_ms, call.talk_ms), (HotlineOutcome::Abandoned, 3_250, None));
    }

    #[test]
    fn every_exit_ends_a_call_in_its_own_way() {
        let enter = "100|c|q|NONE|ENTERQUEUE||x|1\n";
        for exit in
            ["EXITWITHTIMEOUT|1|1|9", "EXITWITHTIMEOUT|1", "EXITEMPTY|1|1|9", "EXITWITHKEY|5|1", "EXITWITHKEY|5|1|1|9"]
        {
            let call = only_call(&format!("{enter}109|c|q|NONE|{exit}\n"));
            assert_eq!((call.outcome, call.wait_ms, call.agent), (HotlineOutcome::Unanswered, 9_000, None), "{exit}");
        }
        let connect = "104|c|q|SIP/1|CONNECT|4|b|2\n";
        for exit in [
            "COMPLETEAGENT|4|5|1",
            "TRANSFER|22|inside|4|5|1",
            "TRANSFER|22|inside",
            "BLINDTRANSFER|22|inside|4|5|1",
            "ATTENDEDTRANSFER|BRIDGE|b|4|5|1",
        ] {
            let call = only_call(&format!("{enter}{connect}109|c|q|SIP/1|{exit}\n"));
            assert_eq!(
                (call.outcome, call.wait_ms, call.talk_ms),
                (HotlineOutcome::Answered, 4_000, Some(5_000)),
                "{exit}"
            );
        }
    }

    #[test]
    fn events_that_concern_no_call_are_passed_over() {
        let text = "1|NONE|NONE|NONE|QUEUESTART|\n2|NONE|q|SIP/1|ADDMEMBER|\n3|REALTIME|q|SIP/1|PAUSE|lunch\n\n\
                    4|NONE|NONE|NONE|CONFIGRELOAD\n5|c|q|SIP/1|RINGCANCELED|100\n";
        assert_eq!(read(text).0, []);
    }

    #[test]
    fn a_call_that_never_left_is_unfinished_and_where_to_resume() {
        let first = "100|a|q|NONE|ENTERQUEUE||1|1\n109|a|q|NONE|ABANDON|1|1|9\n";
        let text = format!("{first}9100|b|q|NONE|ENTERQUEUE||2|1\n9104|b|q|SIP/1|CONNECT|4|b|2\n");
        let (events, log) = read(&text);
        assert_eq!(calls(&events).len(), 1);
        let unfinished = log.unfinished();
        assert_eq!(unfinished.len(), 1);
        assert_eq!((unfinished[0].source_key.as_str(), unfinished[0].line), ("b/q", 3));
        assert_eq!(unfinished[0].offset, first.len() as u64);
        assert_eq!(unfinished[0].answered_at, Some(at(9_104)));
        assert_eq!(log.resume_position(), Position { offset: first.len() as u64, line: 3 });
        assert_eq!(log.end_offset(), text.len() as u64);
    }

    #[test]
    fn with_nobody_in_a_queue_for_an_hour_reading_resumes_at_the_end() {
        let text = "100|a|q|NONE|ENTERQUEUE||1|1\n109|a|q|NONE|ABANDON|1|1|9\n";
        assert_eq!(read(text).1.resume_offset(), 0, "a may enter again");
        let text = format!("{text}3710|NONE|NONE|NONE|CONFIGRELOAD\n");
        assert_eq!(read(&text).1.resume_offset(), text.len() as u64);
        assert_eq!(QueueLog::new().resume_offset(), 0);
    }

    #[test]
    fn a_caller_who_enters_again_gets_the_next_number() {
        let (events, _) = read(
            "100|c|q|NONE|ENTERQUEUE||1|1\n109|c|q|NONE|EXITWITHTIMEOUT|1|1|9\n\
             110|c|r|NONE|ENTERQUEUE||1|1\n119|c|r|NONE|EXITWITHTIMEOUT|1|1|9\n\
             120|c|q|NONE|ENTERQUEUE||1|1\n129|c|q|NONE|EXITWITHTIMEOUT|1|1|9\n\
             130|c|q|NONE|ENTERQUEUE||1|1\n139|c|q|NONE|ABANDON|1|1|9\n",
        );
        let keys: Vec<_> = calls(&events).into_iter().map(|call| call.source_key.as_str()).collect();
        assert_eq!(keys, ["c/q", "c/r", "c/q/2", "c/q/3"]);
    }

    #[test]
    fn entering_again_without_leaving_reports_the_lost_visit() {
        let (events, log) =
            read("100|c|q|NONE|ENTERQUEUE||1|1\n120|c|q|NONE|ENTERQUEUE||1|1\n129|c|q|NONE|ABANDON|1|1|9\n");
        let [Event::Unfinished(lost), Event::Call(call)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((lost.source_key.as_str(), lost.line), ("c/q", 1));
        assert_eq!((call.source_key.as_str(), call.wait_ms), ("c/q/2", 9_000));
        assert!(log.unfinished().is_empty());
    }

    #[test]
    fn a_call_that_entered_in_an_earlier_file_is_reconstructed_under_the_same_key() {
        let whole = "100|c|q|NONE|ENTERQUEUE||1|1\n104|c|q|SIP/1|CONNECT|4|b|2\n109|c|q|SIP/1|COMPLETEAGENT|4|5|1\n";
        let expected = HotlineCall { caller: None, ..only_call(whole) };
        let lines: Vec<_> = whole.split_inclusive('\n').collect();
        assert_eq!(only_call(&lines[1..].concat()), HotlineCall { line: 2, ..expected.clone() });
        assert_eq!(only_call(lines[2]), HotlineCall { line: 1, ..expected });
        let abandoned = only_call("109|c|q|NONE|ABANDON|1|1|9\n");
        assert_eq!((abandoned.source_key.as_str(), abandoned.arrived_at, abandoned.wait_ms), ("c/q", at(100), 9_000));
    }

    #[test]
    fn a_call_without_its_connect_is_answered_when_the_talk_began() {
        let call = only_call("100|c|q|NONE|ENTERQUEUE||1|1\n109|c|q|SIP/1|COMPLETEAGENT|4|5|1\n");
        assert_eq!((call.answered_at, call.talk_ms, call.caller), (Some(at(104)), Some(5_000), Some("1".to_owned())));
    }

    #[test]
    fn bad_lines_are_told_and_change_nothing() {
        let enter = "100|c|q|NONE|ENTERQUEUE||1|1\n";
        let connect = "104|c|q|SIP/1|CONNECT|4|b|2\n";
        let complete = "109|c|q|SIP/1|COMPLETEAGENT|4|5|1\n";
        for (bad, reason) in [
            ("101|c|q|NONE\n", "too few fields"),
            ("101|c|q|NONE|DANCE|1\n", "unknown event DANCE"),
            ("101|c|q|NONE|0903123456\n", "unknown event"),
            ("x|c|q|NONE|ABANDON|1|1|1\n", "the time is not a number of seconds"),
            ("|c|q|NONE|ABANDON|1|1|1\n", "the time is not a number of seconds"),
            ("-5|c|q|NONE|ABANDON|1|1|1\n", "the time is negative"),
            ("99999999999999|c|q|NONE|ABANDON|1|1|1\n", "the time is not a number of seconds"),
            ("101|c|q|NONE|ABANDON|1|1|-1\n", "the wait time is negative"),
            ("101|c|q|SIP/1|CONNECT|x|b|2\n", "the hold time is not a number of seconds"),
            ("101|c|q|SIP/1|COMPLETEAGENT|1|-1|1\n", "the talk time is negative"),
            ("101|c|q|SIP/1|COMPLETEAGENT|1\n", "too few fields: COMPLETEAGENT needs hold and talk time"),
            ("101|d|q|NONE|EXITWITHTIMEOUT|1\n", "too few fields: EXITWITHTIMEOUT needs the wait time"),
            ("101|d|q|NONE|ABANDON|1|1|102\n", "the call would have begun before 1970"),
            ("101|d|q|NONE|ENTERQUEUE|\n", "too few fields: ENTERQUEUE needs the caller"),
            ("99|c|q|NONE|ABANDON|1|1|1\n", "ended before the call entered"),
            ("99|c|q|SIP/1|CONNECT|1|b|2\n", "answered before the call entered"),
            ("100|c|q|NONE|ENTERQUEUE||1|1\n", "the call entered this queue at this moment already"),
            ("101|NONE|q|NONE|ENTERQUEUE||1|1\n", "ENTERQUEUE of no call"),
            ("101|c|NONE|NONE|ABANDON|1|1|1\n", "ABANDON in no queue"),
            ("101|c|q\u{0}|NONE|ABANDON|1|1|1\n", "a control character"),
        ] {
            let text = format!("{enter}{bad}{connect}{complete}");
            assert_eq!(reasons(&text), [reason], "{bad}");
            assert_eq!(calls(&read(&text).0).len(), 1, "{bad}");
        }
        for (bad, reason) in [
            (connect, "the call was answered already"),
            ("105|c|q|NONE|ABANDON|1|1|5\n", "left unanswered after it was answered"),
            ("103|c|q|SIP/1|COMPLETEAGENT|3|0|1\n", "ended before the call entered or was answered"),
        ] {
            assert_eq!(reasons(&format!("{enter}{connect}{bad}{complete}")), [reason], "{bad}");
        }
        for bad in [connect, complete, "110|c|q|NONE|ABANDON|1|1|1\n"] {
            assert_eq!(
                reasons(&format!("{enter}{connect}{complete}{bad}")),
                ["the call has left this queue already"],
                "{bad}"
            );
        }
        let mut log = QueueLog::new();
        assert!(
            matches!(&log.feed_line(7, 0, b"100|\xff|q\n")[..], [Event::BadLine { line: 7, reason }] if reason == "not UTF-8")
        );
        assert!(matches!(&log.feed_line(8, 9, &vec![b'|'; 1 << 20])[..], [Event::BadLine { line: 8, .. }]));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_reported() {
        let mut log = QueueLog::with_limit(10);
        let enter: Vec<_> = (0..25).map(|n| format!("{}|c{n}|q|NONE|ENTERQUEUE||1|1\n", 100 + n)).collect();
        let lost: Vec<_> = feed(&mut log, &enter.concat())
            .into_iter()
            .map(|event| if let Event::Unfinished(call) = event { call.source_key } else { panic!("{event:?}") })
            .collect();
        assert_eq!(lost, (0..15).map(|n| format!("c{n}/q")).collect::<Vec<_>>());
        assert_eq!(log.unfinished().len(), 10);
        // One given up, remembered or not, is reconstructed when it leaves after all.
        for n in [0, 14] {
            let events = log.feed_line(99, 9_999, format!("200|c{n}|q|NONE|ABANDON|1|1|{}\n", 100 - n).as_bytes());
            assert_eq!(calls(&events)[0].source_key, format!("c{n}/q"));
            assert_eq!(calls(&events)[0].arrived_at, at(100 + n));
        }
        let leave: Vec<_> = (0..500).map(|n| format!("300|d{n}|q|NONE|ABANDON|1|1|9\n")).collect();
        assert_eq!(calls(&feed(&mut log, &leave.concat())).len(), 500);
        assert!(log.callers.len() <= 20 && log.gone.len() <= 10 && log.open.len() <= 10);
    }

    /// How one visit goes: entered this long after the visit before, waited, and perhaps talked.
    type Plan = Vec<(u8, u32, u32, Option<u32>)>;

    /// The lines of one caller, each with its second.
    fn lines_of(callid: &str, mut second: u32, plan: &Plan) -> Vec<(u32, String)> {
        let mut lines = Vec::new();
        for (queue, pause, wait, talk) in plan {
            second += pause;
            let mut line =
                |second: u32, rest: String| lines.push((second, format!("{second}|{callid}|q{queue}|{rest}\n")));
            line(second, format!("NONE|ENTERQUEUE||090{callid}|1"));
            second += wait;
            if let Some(talk) = talk {
                line(second, format!("SIP/1|CONNECT|{wait}|b|1"));
                second += talk;
                line(second, format!("SIP/1|COMPLETEAGENT|{wait}|{talk}|1"));
            } else {
                line(second, format!("NONE|ABANDON|1|1|{wait}"));
            }
        }
        lines
    }

    /// Two days of callers, some of whom enter again within minutes, as one log in order of time.
    fn logs() -> impl Strategy<Value = (usize, Vec<String>)> {
        let visit = (0_u8..3, 1_u32..600, 0_u32..600, prop::option::of(0_u32..600));
        let caller = (1_000_u32..170_000, prop::collection::vec(visit, 1..4));
        prop::collection::vec(caller, 0..40).prop_map(|callers| {
            let visits = callers.iter().map(|(_, plan)| plan.len()).sum();
            let mut lines: Vec<_> = callers
                .iter()
                .enumerate()
                .flat_map(|(n, (start, plan))| lines_of(&n.to_string(), *start, plan))
                .collect();
            lines.sort_by_key(|(second, _)| *second);
            (visits, lines.into_iter().map(|(_, line)| line).collect())
        })
    }

    /// Calls by key, as a store keeps them: the first of a key stays. The caller's number and the line are not in every file.
    fn stored(events: impl IntoIterator<Item = Event>) -> BTreeMap<String, HotlineCall> {
        let mut stored = BTreeMap::new();
        for event in events {
            let Event::Call(call) = event else { panic!("{event:?}") };
            stored.entry(call.source_key.clone()).or_insert(HotlineCall { caller: None, line: 0, ..call });
        }
        stored
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_interleaving_yields_every_call_once((visits, lines) in logs()) {
            let (events, log) = read(&lines.concat());
            prop_assert_eq!(events.len(), visits);
            prop_assert_eq!(stored(events).len(), visits);
            prop_assert!(log.unfinished().is_empty());
        }

        #[test]
        fn a_grown_file_read_from_the_resume_offset_yields_the_same_calls((visits, lines) in logs(), cut in any::<prop::sample::Index>()) {
            let whole = lines.concat();
            let cut = if lines.is_empty() { 0 } else { cut.index(lines.len() + 1) };
            let (before, log) = read(&lines[..cut].concat());
            let from = usize::try_from(log.resume_offset()).unwrap();
            let line = log.resume_position().line.max(1);
            let read_on = |mut log: QueueLog| {
                let (mut offset, mut events) = (from as u64, Vec::new());
                for (line, bytes) in (line..).zip(whole[from..].split_inclusive('\n')) {
                    events.extend(log.feed_line(line, offset, bytes.as_bytes()));
                    offset += bytes.len() as u64;
                }
                events
            };
            let expected = stored(read(&whole).0);
            let forgetful = read_on(QueueLog::new());
            prop_assert_eq!(&stored(before.iter().cloned().chain(forgetful)), &expected);
            // Told what was reported, the second reader repeats nothing.
            let rest = read_on(QueueLog::resumed(log.end_offset()));
            prop_assert_eq!(before.len() + rest.len(), visits);
            prop_assert_eq!(&stored(before.into_iter().chain(rest)), &expected);
        }

        #[test]
        fn rotated_files_read_one_by_one_yield_calls_under_known_keys((_, lines) in logs(), cut in any::<prop::sample::Index>()) {
            let cut = if lines.is_empty() { 0 } else { cut.index(lines.len() + 1) };
            let expected = stored(read(&lines.concat()).0);
            let both = read(&lines[..cut].concat()).0.into_iter().chain(read(&lines[cut..].concat()).0);
            prop_assert!(stored(both).keys().all(|key| expected.contains_key(key)));
        }

        #[test]
        fn random_bytes_never_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let mut log = QueueLog::with_limit(4);
            for (line, bytes) in (1..).zip(&lines) {
                log.feed_line(line, u64::MAX - line, bytes);
            }
            prop_assert!(log.unfinished().len() <= 4 && log.resume_offset() <= log.end_offset());
        }

        #[test]
        fn random_fields_never_panic_nor_grow(lines in prop::collection::vec(
            "(1|2|9|9999999999|1.5|-1|x)\\|(a|b|c|d|e|f|NONE)\\|(q|r)\\|(NONE|SIP/1)\\|(ENTERQUEUE|CONNECT|COMPLETEAGENT|ABANDON|EXITWITHKEY|TRANSFER|FOO)(\\|(|0|1|5|-1|9999999999|x)){0,5}",
            0..200,
        )) {
            let mut log = QueueLog::with_limit(3);
            for (line, bytes) in (1..).zip(&lines) {
                for event in log.feed_line(line, line * 100, bytes.as_bytes()) {
                    if let Event::Call(call) = event {
                        prop_assert!(call.arrived_at <= call.answered_at.unwrap_or(call.ended_at));
                        prop_assert!(call.answered_at.unwrap_or(call.ended_at) <= call.ended_at);
                    }
                }
                let open = log.callers.values().flat_map(|caller| caller.queues.values());
                let open = open.filter(|visits| matches!(visits.last, Last::Open(_))).count();
                prop_assert_eq!(open, log.open.len());
                prop_assert_eq!(log.callers.values().filter(|caller| caller.gone.is_some()).count(), log.gone.len());
                prop_assert!(log.open.len() <= 3 && log.gone.len() <= 3 && log.callers.len() <= 6);
            }
        }
    }
}
