//! Text messages: from an errand to its parts, and from what became of the parts to what became of it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use gridcare_domain::{
    customer,
    refusal::Refusal,
    sms_text::{Encoding, SmsText},
};
use gridcare_proto::delivery::v1::MessageText;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Carrier, Ending, Errand, Rest};
use crate::smpp::{
    Outcome, Outgoing, Route, Sender,
    matching::{normal, same_phone},
    receipt::Receipt,
    route::PartReport,
    session::NotSent,
};

/// Messages of which nobody knows whether they were taken, that are remembered in case somebody says so after all.
const REMEMBERED: usize = 10_000;

/// The delivery of a message, as sessions know it. Ids of the courier's own making never look like it.
pub(crate) fn delivery(number: i64) -> Uuid {
    Uuid::from_u128(u128::from(number.unsigned_abs()))
}

/// The number of a delivery; none when it is no message of the node.
pub(crate) fn number(delivery: Uuid) -> Option<i64> {
    i64::try_from(delivery.as_u128()).ok().filter(|number| *number > 0)
}

/// The sixteen bits of a number that travel with each part.
pub(crate) fn reference(number: i64) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or(0)
}

/// What a part is called at the node: the centre's ids are its own, and another centre may give the same.
pub(crate) fn part_id(centre: &str, id: &str) -> String {
    format!("{centre}/{}", normal(id))
}

/// A message whose outcome is not known.
#[derive(Debug)]
struct Open {
    epoch: i64,
    phone: String,
    parts: Vec<PartReport>,
}

/// What is known of messages whose outcome is not.
#[derive(Debug, Default)]
struct Unresolved {
    open: BTreeMap<i64, Open>,
    order: VecDeque<i64>,
    /// The highest number that was handed out: what a restarted courier is told of an earlier one's message is near below it.
    highest: i64,
}

/// What a receipt says of a message that this courier does not know by its id.
#[derive(Debug)]
pub(crate) enum Clue {
    /// Sixteen bits of its number.
    Echo(Echo),
    /// Its phone, E.164, and by when at the latest it was submitted, where the receipt says so.
    Phone { phone: String, submitted: Option<Timestamp> },
    /// Nothing.
    Nothing,
}

/// Sixteen bits of the number of a message that this courier does not know by its id.
#[derive(Debug)]
pub(crate) struct Echo {
    unresolved: Arc<Mutex<Unresolved>>,
    echoed: u16,
    phone: String,
}

impl Echo {
    /// The whole number, as far as it can be told by now: of an open message to that phone, else the nearest at or below the
    /// highest that was handed out, since an earlier courier was given it.
    pub(crate) fn number(&self) -> i64 {
        let unresolved = self.unresolved.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |(number, open): &(&i64, &Open)| reference(**number) == self.echoed && same_phone(&open.phone, &self.phone);
        if let Some((number, _)) = unresolved.open.iter().rev().find(fits) {
            return *number;
        }
        let below = unresolved.highest - i64::from(reference(unresolved.highest).wrapping_sub(self.echoed));
        if below > 0 { below } else { i64::from(self.echoed) }
    }
}

/// Sends text messages through centres; clones are the same one.
#[derive(Clone)]
pub(crate) struct SmsCarrier {
    route: Route,
    sender: Sender,
    window: usize,
    /// Which centre a session belongs to.
    centres: Arc<BTreeMap<String, String>>,
    unresolved: Arc<Mutex<Unresolved>>,
}

impl SmsCarrier {
    pub(crate) fn new(route: Route, sender: Sender, window: usize, centres: BTreeMap<String, String>) -> Self {
        Self { route, sender, window, centres: Arc::new(centres), unresolved: Arc::default() }
    }

    fn with<R>(&self, look: impl FnOnce(&mut Unresolved) -> R) -> R {
        look(&mut self.unresolved.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a receipt from `phone`, which came at `at`, says of its message.
    pub(crate) fn clue(&self, receipt: &Receipt, phone: &str, at: Timestamp) -> Clue {
        if let Some(echoed) = receipt.user_message_reference {
            return Clue::Echo(Echo { unresolved: Arc::clone(&self.unresolved), echoed, phone: phone.to_owned() });
        }
        let Ok(phone) = customer::phone(phone) else { return Clue::Nothing };
        // Its centre was done when this came, or earlier.
        let submitted = receipt.lasted().and_then(|lasted| at.checked_sub(lasted).ok());
        Clue::Phone { phone, submitted }
    }

    /// A part was answered after it had been given up: the message's lease and number, and what it has come to, once all of its
    /// parts are known.
    pub(crate) fn late(&self, delivery: Uuid, part: u8, outcome: Outcome) -> Option<(i64, i64, Ending)> {
        let number = number(delivery)?;
        self.with(|unresolved| {
            let open = unresolved.open.get_mut(&number)?;
            open.parts.iter_mut().find(|report| report.key.number == part)?.outcome = outcome;
            let ending = ending(&open.parts, &self.centres);
            if ending.result == gridcare_proto::delivery::v1::SubmitResult::Unknown {
                return None;
            }
            let epoch = open.epoch;
            unresolved.open.remove(&number);
            Some((epoch, number, ending))
        })
    }

    /// Where an answer is asked for, the number at which it arrives: a name cannot be answered.
    fn sender_of(&self, text: &MessageText) -> Sender {
        let answered = Some(text.answered_at.as_str()).filter(|number| !number.is_empty());
        let number = answered.and_then(|number| {
            // A number without its country's code is none for another network.
            let parsed = Sender::parse(&customer::phone(number).unwrap_or_else(|_| number.to_owned()));
            parsed.inspect_err(|_| tracing::warn!(number, "no message can go out from this number")).ok()
        });
        number.unwrap_or_else(|| self.sender.clone())
    }

    fn outgoing(&self, errand: &Errand) -> Outgoing {
        let (_, body) = errand.wording();
        Outgoing {
            id: delivery(errand.number),
            from: self.sender_of(&errand.text),
            to: errand.address.clone(),
            text: body.to_owned(),
            encoding: encoding(body, errand.text.diacritics),
            reference: reference(errand.number),
            expires: errand.expires,
        }
    }

    async fn send(self, errand: Errand) -> Ending {
        self.with(|unresolved| unresolved.highest = unresolved.highest.max(errand.number));
        let outgoing = self.outgoing(&errand);
        let reports = match self.route.send(&outgoing).await {
            Ok(reports) => reports,
            Err(refusal) => return refused(errand.number, &refusal),
        };
        let ending = ending(&reports, &self.centres);
        if ending.result == gridcare_proto::delivery::v1::SubmitResult::Unknown {
            let open = Open { epoch: errand.epoch, phone: errand.address, parts: reports };
            self.with(|unresolved| {
                unresolved.open.insert(errand.number, open);
                unresolved.order.push_back(errand.number);
                while unresolved.order.len() > REMEMBERED
                    && let Some(oldest) = unresolved.order.pop_front()
                {
                    unresolved.open.remove(&oldest);
                }
            });
        }
        ending
    }
}

impl Carrier for SmsCarrier {
    fn window(&self) -> usize {
        self.window
    }

    fn carry(&self, errand: Errand) -> BoxFuture<'static, Ending> {
        Box::pin(self.clone().send(errand))
    }
}

/// In which encoding a text travels: what needs no diacritics goes the shorter way in any case.
fn encoding(text: &str, diacritics: bool) -> Encoding {
    SmsText::answering(text, "", diacritics).encoding
}

/// No centre could take such a message. One whose time is over goes back to the node, which says so.
fn refused(number: i64, refusal: &Refusal) -> Ending {
    if refusal.violations.iter().any(|violation| violation.reason == "EXPIRED") {
        return Ending::returned(Rest::Nobody);
    }
    let reasons: Vec<_> = refusal.violations.iter().map(|violation| violation.reason).collect();
    tracing::warn!(number, ?reasons, "a message that no centre could take");
    Ending::failed()
}

/// What a message comes to by its parts. With a part that may have been taken it is not sent again.
fn ending(parts: &[PartReport], centres: &BTreeMap<String, String>) -> Ending {
    let mut ids = Vec::new();
    let (mut unknown, mut accepted, mut refused, mut rest) = (false, 0, false, Rest::Nobody);
    for part in parts {
        match &part.outcome {
            Outcome::Accepted { message_id } => {
                accepted += 1;
                let session = part.session.as_deref().unwrap_or_default();
                let centre = centres.get(session).map_or(session, String::as_str);
                if !message_id.is_empty() {
                    ids.push(part_id(centre, message_id));
                }
            }
            Outcome::Unknown { .. } => unknown = true,
            Outcome::Refused { status } if status.asks_for_less() => rest = Rest::Channel,
            Outcome::Refused { status } if status.is_temporary() => {
                if rest == Rest::Nobody {
                    rest = Rest::Address;
                }
            }
            Outcome::Refused { .. } | Outcome::NotSent { reason: NotSent::Unwritable } => refused = true,
            Outcome::NotSent { reason: NotSent::Unbound } => rest = Rest::Channel,
            Outcome::NotSent { reason: NotSent::Expired } => {}
        }
    }
    if unknown {
        return Ending::unknown(ids);
    }
    if accepted == parts.len() {
        return Ending::sent(ids);
    }
    if refused || accepted > 0 {
        // A message of which a part is missing says something else, and its parts are not sent twice.
        return Ending::failed();
    }
    Ending::returned(rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gridcare_proto::delivery::v1::SubmitResult;
    use jiff::SignedDuration;

    use super::*;
    use crate::smpp::{
        matching::PartKey,
        pdu::{Message, Status, Tlv, esm_class, tag},
        route::Choice,
        session::Ended,
    };

    fn part(outcome: Outcome) -> PartReport {
        let key = PartKey { delivery: delivery(7), number: 1, total: 2 };
        PartReport { key, outcome, session: Some("smsc-2".into()) }
    }

    #[test]
    fn a_message_comes_to_what_its_parts_come_to() {
        let centres = BTreeMap::from([("smsc-2".to_owned(), "smsc".to_owned())]);
        let taken = || part(Outcome::Accepted { message_id: "00AF".into() });
        let lost = || part(Outcome::Unknown { reason: Ended::Silent });
        let busy = || part(Outcome::Refused { status: Status::THROTTLED });
        let wrong = || part(Outcome::Refused { status: Status::INVALID_DESTINATION });
        let down = || part(Outcome::NotSent { reason: NotSent::Unbound });
        let late = || part(Outcome::NotSent { reason: NotSent::Expired });
        let of = |parts: &[PartReport]| ending(parts, &centres);
        assert_eq!(of(&[taken(), taken()]), Ending::sent(vec!["smsc/af".into(), "smsc/af".into()]));
        assert_eq!(of(&[taken(), lost()]).result, SubmitResult::Unknown);
        assert_eq!(of(&[wrong(), lost()]).result, SubmitResult::Unknown, "the other may have been taken");
        assert_eq!(of(&[taken(), down()]).result, SubmitResult::Failed, "half a message is not sent again");
        assert_eq!(of(&[busy(), wrong()]).result, SubmitResult::Failed);
        assert_eq!(of(&[busy(), down()]), Ending::returned(Rest::Channel));
        assert_eq!(of(&[late(), late()]), Ending::returned(Rest::Nobody));
    }

    #[test]
    fn a_number_travels_in_an_id_and_in_sixteen_bits() {
        for of in [1, 65_535, 65_536, i64::MAX] {
            assert_eq!(number(delivery(of)), Some(of));
        }
        assert_eq!(number(gridcare_chassis::id::new_id()), None, "an answer is no message of the node");
        assert_eq!(reference(0x1_2345), 0x2345);
    }

    #[test]
    fn an_echo_is_of_an_open_message_or_of_the_nearest_number_below() {
        let open = |phone: &str| Open { epoch: 1, phone: phone.into(), parts: Vec::new() };
        let mut unresolved = Unresolved { highest: 200_005, ..Unresolved::default() };
        unresolved.open = BTreeMap::from([(70_000, open("+84901000001")), (135_536, open("+84901000002"))]);
        let unresolved = Arc::new(Mutex::new(unresolved));
        let number = |of: i64, phone: &str| {
            Echo { unresolved: Arc::clone(&unresolved), echoed: reference(of), phone: phone.into() }.number()
        };
        assert_eq!(reference(70_000), reference(135_536), "the same sixteen bits");
        assert_eq!(number(70_000, "0901000001"), 70_000);
        assert_eq!(number(70_000, "84901000002"), 135_536);
        assert_eq!(number(200_000, "84901000003"), 200_000);
        assert_eq!(number(200_006, "84901000003"), 200_006 - 65_536);
        unresolved.lock().unwrap().highest = 3;
        assert_eq!(number(9, "84901000003"), 9);
    }

    #[test]
    fn a_receipt_that_echoes_nothing_names_its_phone_and_the_latest_time_of_its_submission() {
        let route = Route::new(Vec::new(), Choice::Shared, Duration::ZERO);
        let carrier = SmsCarrier::new(route, Sender::parse("EVN").unwrap(), 1, BTreeMap::new());
        let at: Timestamp = "2013-05-22T15:02:30+07:00".parse().unwrap();
        let clue = |text: &str, phone: &str, tlvs: Vec<Tlv>| {
            let text = text.as_bytes().to_vec();
            let message = Message { esm_class: esm_class::RECEIPT, text, tlvs, ..Message::default() };
            carrier.clue(&Receipt::of(&message).unwrap(), phone, at)
        };
        let dated = "id:1 submit date:1305220719 done date:1305220802 stat:DELIVRD";
        let Clue::Phone { phone, submitted } = clue(dated, "84901000001", vec![]) else { panic!("a phone") };
        assert_eq!((phone.as_str(), submitted), ("+84901000001", Some(at - SignedDuration::from_mins(43))));
        assert!(matches!(clue("id:1", "0901000001", vec![]), Clue::Phone { submitted: None, .. }));
        assert!(matches!(clue(dated, "", vec![]), Clue::Nothing));
        let echoed = Tlv::new(tag::USER_MESSAGE_REFERENCE, [0, 9]);
        let Clue::Echo(echo) = clue(dated, "84901000001", vec![echoed]) else { panic!("an echo") };
        assert_eq!(echo.number(), 9);
    }

    #[test]
    fn what_needs_no_diacritics_goes_the_shorter_way() {
        assert_eq!(encoding("Đã có điện lại", true), Encoding::Ucs2);
        assert_eq!(encoding("Đã có điện lại", false), Encoding::Gsm7);
        assert_eq!(encoding("Power is back", true), Encoding::Gsm7);
    }
}
