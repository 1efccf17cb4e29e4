//! A customer writes, and is answered from what the node knows: by the keywords of the corporation's standard, or in free words.

mod asker;
pub(super) use asker::site;
mod consent;
mod figures;
mod outages;
mod rating;
mod report;
mod words;

use gridcare_chassis::{id::new_id, identity::Principal};
use gridcare_domain::{
    contact::{Channel, Contact, Direction, Outcome},
    customer::phone,
    customer_code::CustomerCode,
    keyword::{Answer as Asked, Grammar, KeywordSet, Limits, Missing, Month, Parsed, Silence, silence},
    refusal::{Refusal, RefusalKind},
    sms_text::SmsText,
    text,
    topic::Topic,
};
use gridcare_proto::{
    contact::v1 as wire,
    convert::code::{encoding_to_wire, silence_to_wire},
};
use gridcare_store::{StoreError, request::Request, sms::SmsArrival, writer::Answer};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use self::{asker::Asker, rating::Rating};
use crate::{Node, idempotency::request_of};

/// A message as it came in.
pub(crate) struct Message {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
    pub(crate) received_at: Timestamp,
    /// Whether it came in UCS-2.
    pub(crate) wide: bool,
}

/// The request that a message came by: everything that it causes is done once, under a request of its own.
pub(crate) struct Cause<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) body: &'a wire::AnswerSmsRequest,
}

impl Cause<'_> {
    fn of(&self, what: &str) -> Request {
        request_of(self.principal, &format!("AnswerSms{what}"), &self.body.request_id, self.body)
    }
}

/// How two-way SMS is set up.
pub(crate) struct Sms {
    pub(crate) hotline: String,
    pub(crate) own_numbers: Vec<String>,
    pub(crate) limits: Limits,
    /// Keys the hashes by which loops are found.
    pub(crate) key: [u8; 32],
}

/// What a message is told, in full words, and what it was about.
struct Told {
    text: String,
    keyword: &'static str,
    topic: Topic,
    customer: Option<CustomerCode>,
    ticket: Option<String>,
    /// Whether the answer was enough, or somebody has to act.
    outcome: Outcome,
}

/// Why a message gets no answer that it should have had.
enum Trouble {
    Store(StoreError),
    Refused(Refusal),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The answer of a step, as its message.
fn done<M: prost::Message + Default>(answer: Answer) -> Result<M, Trouble> {
    let bytes = answer?.map_err(Trouble::Refused)?;
    let corrupt = |e: prost::DecodeError| StoreError::Corrupt { table: "request", what: e.to_string() };
    M::decode(bytes.as_slice()).map_err(|e| Trouble::Store(corrupt(e)))
}

impl Node {
    /// The keywords by which this corporation's customers ask, when the standard gives it any.
    fn keyword_set(&self) -> Option<KeywordSet> {
        self.standards.current().keywords(&self.region).cloned()
    }

    /// A customer's message is answered, once.
    pub(crate) async fn answer_sms(&self, cause: &Cause<'_>, message: &Message) -> Answer {
        let request = cause.of("");
        if let Some(answered) = self.store.answered(request).await? {
            return Ok(answered);
        }
        match self.answer_new_sms(request, cause, message).await {
            Ok(answer) => answer,
            Err(Trouble::Store(error)) => Err(error),
            Err(Trouble::Refused(refusal)) => Ok(Err(refusal)),
        }
    }

    async fn answer_new_sms(&self, request: Request, cause: &Cause<'_>, message: &Message) -> Result<Answer, Trouble> {
        let set = self.keyword_set();
        let silent = self.judge_sms(request, set.as_ref(), message).await?;
        let grammar = self.grammar(set.as_ref());
        let parsed = grammar.parse(&message.text);
        let response = if let Some(silence) = silent {
            self.keep_silent(cause, message, &parsed, silence).await?
        } else {
            let told = self.tell(cause, message, &grammar, parsed).await?;
            self.reply(cause, message, told).await?
        };
        let silence = silent.map_or("none", Silence::code);
        metrics::counter!("gridcare_sms_answers_total", "keyword" => response.keyword.clone(), "silence" => silence)
            .increment(1);
        let reply = silent.is_none().then(|| self.text_key(&response.text));
        Ok(self.store.answer_sms(request, self.now_us(), reply, response.encode_to_vec()).await)
    }

    /// The set's grammar. A set that does not compile has been refused with its standard; free words are understood always.
    fn grammar(&self, set: Option<&KeywordSet>) -> Grammar {
        let Some(set) = set else { return Grammar::default() };
        Grammar::compile(set).unwrap_or_else(|error| {
            tracing::error!(%error, region = self.region, "the keywords cannot be used; only free words are understood");
            Grammar::default()
        })
    }

    async fn judge_sms(
        &self,
        request: Request,
        set: Option<&KeywordSet>,
        message: &Message,
    ) -> Result<Option<Silence>, StoreError> {
        let codes = set.map(|set| [Some(set.short_code.clone()), set.subscribe_short_code.clone()]);
        let mut own: Vec<String> = codes.into_iter().flatten().flatten().collect();
        own.extend(self.sms.own_numbers.iter().cloned());
        // The hotline is ours too, and so is whatever number this was sent to.
        own.extend([&self.sms.hotline, &message.to].into_iter().filter(|number| !number.is_empty()).cloned());
        let sender = phone(&message.from).unwrap_or_else(|_| message.from.clone());
        let arrival = SmsArrival {
            id: request.key,
            sender: self.sms_hash(&sender),
            text: self.text_key(&message.text),
            at_us: self.now_us(),
        };
        let limits = self.sms.limits;
        self.store.judge_sms(&arrival, &|exchanged| silence(&message.from, &own, exchanged, &limits)).await
    }

    fn sms_hash(&self, text: &str) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::keyed_hash(&self.sms.key, text.as_bytes()).as_bytes()[..16]);
        Uuid::from_bytes(bytes)
    }

    /// Texts that differ in case, diacritics or punctuation alone are one: networks and phones change those.
    fn text_key(&self, text: &str) -> Uuid {
        self.sms_hash(&text::query_words(text).join(" "))
    }

    /// What a message is told, after what it asks for has been done.
    async fn tell(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        grammar: &Grammar,
        parsed: Parsed,
    ) -> Result<Told, Trouble> {
        let code = match &parsed {
            Parsed::Recognised { code, .. } | Parsed::Incomplete { code, .. } => code.clone(),
            Parsed::Stop | Parsed::Start | Parsed::Unknown => None,
        };
        let asker = self.asker(&message.from, code).await?;
        let (wanted, month) = match parsed {
            Parsed::Stop => return self.stop_notices(cause, message, &asker).await,
            Parsed::Start => return self.start_notices(cause, message, &asker).await,
            Parsed::Unknown => match self.rating(cause, message, &asker).await? {
                Rating::Told(told) => return Ok(*told),
                // With a code it would count as coming back about the matter that it is about.
                Rating::Unread => {
                    let told = Told::answer(self.help(&asker, grammar), Asked::Help, &asker);
                    return Ok(Told { customer: None, ..told });
                }
                Rating::Not => (Asked::Help, None),
            },
            Parsed::Recognised { answer, month, .. } => (answer, month),
            Parsed::Incomplete { answer, missing, .. } => match answer {
                // Whose number it is tells the code.
                Some(answer) if missing == [Missing::Code] && asker.code.is_some() => (answer, None),
                _ => return Ok(self.lacking(&asker, grammar, answer, missing[0])),
            },
        };
        self.tell_what_is_asked(cause, message, grammar, &asker, wanted, month).await
    }

    async fn tell_what_is_asked(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        grammar: &Grammar,
        asker: &Asker,
        wanted: Asked,
        month: Option<Month>,
    ) -> Result<Told, Trouble> {
        let text = match (wanted, &asker.code) {
            (Asked::Help, _) => self.help(asker, grammar),
            (Asked::ReportOutage, _) => return self.report_outage(cause, message, asker).await,
            (_, None) => return Ok(self.lacking(asker, grammar, Some(wanted), Missing::Code)),
            (wanted, Some(_)) if wanted.is_private() && !asker.may_be_told_amounts() => self.private(asker),
            (Asked::Bill, Some(code)) => self.bill(asker, code, month).await,
            (Asked::AmountOwed, Some(code)) => self.amount_owed(asker, code).await,
            (Asked::MeterReading, Some(code)) => self.meter_reading(asker, code, month).await,
            (Asked::ReadingDay, Some(code)) => self.reading_day(asker, code, month).await,
            (Asked::PlannedOutages, Some(_)) => self.planned_outages(asker).await?,
            (Asked::PresentOutage, Some(_)) => self.present_outage(asker).await?,
        };
        Ok(Told::answer(text, wanted, asker))
    }

    /// The answer in the sender's encoding, with both contacts recorded.
    async fn reply(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        told: Told,
    ) -> Result<wire::AnswerSmsResponse, Trouble> {
        let sms = SmsText::answering(&told.text, &message.text, message.wide);
        let inbound = Contact {
            topic: Some(told.topic),
            customer_code: told.customer.clone(),
            ticket: told.ticket.clone(),
            outcome: Some(told.outcome),
            ..self.contact(cause, message, Direction::Inbound, &message.text)
        };
        let outbound = Contact {
            topic: Some(told.topic),
            customer_code: told.customer,
            ticket: told.ticket.clone(),
            ..self.contact(cause, message, Direction::Outbound, &sms.text)
        };
        let inbound_contact_id = self.recorded(cause.of("/in"), inbound).await?;
        let outbound_contact_id = self.recorded(cause.of("/out"), outbound).await?;
        Ok(wire::AnswerSmsResponse {
            text: sms.text,
            encoding: encoding_to_wire(sms.encoding),
            parts: sms.parts,
            keyword: told.keyword.to_owned(),
            ticket: told.ticket.unwrap_or_default(),
            suppressed: false,
            silence: 0,
            inbound_contact_id,
            outbound_contact_id,
        })
    }

    /// A message that stays without an answer is recorded all the same.
    async fn keep_silent(
        &self,
        cause: &Cause<'_>,
        message: &Message,
        parsed: &Parsed,
        silence: Silence,
    ) -> Result<wire::AnswerSmsResponse, Trouble> {
        let contact = self.contact(cause, message, Direction::Inbound, &message.text);
        let contact = Contact { answered_at: None, outcome: Some(Outcome::Unanswered), ..contact };
        let inbound_contact_id = self.recorded(cause.of("/in"), contact).await?;
        Ok(wire::AnswerSmsResponse {
            keyword: keyword(parsed).to_owned(),
            suppressed: true,
            silence: silence_to_wire(silence),
            inbound_contact_id,
            ..wire::AnswerSmsResponse::default()
        })
    }

    fn contact(&self, cause: &Cause<'_>, message: &Message, direction: Direction, note: &str) -> Contact {
        let now = self.now().max(message.received_at);
        let arrived_at = if direction == Direction::Inbound { message.received_at } else { now };
        Contact {
            id: new_id(),
            source: "sms".to_owned(),
            source_key: format!("{}/{direction}", cause.of("").key),
            channel: Channel::Sms,
            direction,
            arrived_at,
            answered_at: Some(now),
            ended_at: Some(now),
            outcome: Some(Outcome::Answered),
            wait_ms: None,
            talk_ms: None,
            hold_ms: None,
            wrap_ms: None,
            topic: None,
            customer_code: None,
            contact_point: Some(phone(&message.from).unwrap_or_else(|_| message.from.clone())),
            agent: None,
            ticket: None,
            note: (!note.is_empty()).then(|| note.to_owned()),
        }
    }

    /// Records a contact; its id, whichever attempt recorded it first.
    async fn recorded(&self, request: Request, contact: Contact) -> Result<String, Trouble> {
        let recorded: wire::RecordContactResponse = done(self.record_contact(request, contact).await)?;
        let missing = || Refusal::new(RefusalKind::Unavailable, "CONTACT_LOST", "try again with the same request_id");
        recorded.contact.map(|contact| contact.id).ok_or_else(|| Trouble::Refused(missing()))
    }
}

impl Told {
    fn answer(text: String, wanted: Asked, asker: &Asker) -> Self {
        Self {
            text,
            keyword: wanted.code(),
            topic: wanted.topic(),
            customer: asker.code.clone(),
            ticket: None,
            outcome: Outcome::SelfServed,
        }
    }
}

/// The word for what a message asks, for figures and callers; empty when nobody could tell.
fn keyword(parsed: &Parsed) -> &'static str {
    match parsed {
        Parsed::Recognised { answer, .. } => answer.code(),
        Parsed::Incomplete { answer, .. } => answer.map_or("", Asked::code),
        Parsed::Stop => "stop",
        Parsed::Start => "start",
        Parsed::Unknown => "",
    }
}
