//! Receipts: what became of a message (SMPP 3.4, 5.2.28, appendix B, and what centres make of it).

mod text;

use jiff::{SignedDuration, civil::DateTime};

pub use self::text::Fields;
use super::{
    coding,
    pdu::{Message, esm_class, tag},
};

/// What a centre says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// On its way.
    Enroute,
    /// It arrived.
    Delivered,
    /// Its validity ended first.
    Expired,
    /// Somebody deleted it at the centre.
    Deleted,
    /// It cannot arrive.
    Undeliverable,
    /// Somebody read it for the customer, or the centre took it; what comes of it is not told.
    Accepted,
    /// The centre does not know.
    Unknown,
    /// The centre or the network refused it.
    Rejected,
}

/// How far a message has come. Receipts overtake each other; a later stage is never undone by an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The centre has it.
    Accepted,
    /// The phone was tried and could not be reached; the centre goes on.
    Buffered,
    /// Nothing more will come.
    Final,
}

/// By number in the optional parameter, the word of the text, and its first letters, by which a misspelt one is known.
const STATES: [(State, u8, &str, &str); 8] = [
    (State::Enroute, 1, "ENROUTE", "ENR"),
    (State::Delivered, 2, "DELIVRD", "DELIV"),
    (State::Expired, 3, "EXPIRED", "EXP"),
    (State::Deleted, 4, "DELETED", "DELET"),
    (State::Undeliverable, 5, "UNDELIV", "UNDEL"),
    (State::Accepted, 6, "ACCEPTD", "ACC"),
    (State::Unknown, 7, "UNKNOWN", "UNK"),
    (State::Rejected, 8, "REJECTD", "REJ"),
];

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
    ];

    /// The number in `message_state`.
    #[must_use]
    pub fn number(self) -> u8 {
        STATES.iter().find(|(state, ..)| *state == self).map_or(0, |(_, number, ..)| *number)
    }

    /// The word in a text.
    #[must_use]
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(state, ..)| *state == self).map_or("", |(.., word, _)| *word)
    }

    /// The state of a number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        STATES.iter().find(|(_, known, ..)| u64::from(*known) == number).map(|(state, ..)| *state)
    }

    /// The state of a word, in any case and somewhat misspelt (`DELIVERED`, `Expired`).
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_uppercase();
        STATES.iter().find(|(.., first)| word.starts_with(first)).map(|(state, ..)| *state)
    }

    /// How far it has come.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Enroute | Self::Accepted => Stage::Accepted,
            _ => Stage::Final,
        }
    }
}

/// A receipt, from whatever form it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The centre's id of the message, as the receipt writes it.
    pub id: String,
    /// What became of it; none when the word is of no known meaning.
    pub state: Option<State>,
    /// How far it has come.
    pub stage: Stage,
    /// When it was submitted, in the centre's own zone, which it does not name.
    pub submitted: Option<DateTime>,
    /// When the centre was done with it, in the same zone.
    pub done: Option<DateTime>,
    /// The network's error, as the centre writes it.
    pub error: Option<String>,
    /// Our own number of the message, where the centre gives it back.
    pub user_message_reference: Option<u16>,
}

impl Receipt {
    /// The receipt that a message is; none when it is none, or names no message.
    ///
    /// Optional parameters go before the text. A message that names a receipted id is a receipt whatever its class says.
    #[must_use]
    pub fn of(message: &Message) -> Option<Self> {
        let by_tlv = message.tlv(tag::RECEIPTED_MESSAGE_ID).map(super::pdu::Tlv::as_text).filter(|id| !id.is_empty());
        if !message.is_receipt() && by_tlv.is_none() {
            return None;
        }
        // A receipt is in ASCII, whatever the default alphabet is called: in GSM-7 an id would lose its `_`, `@` and `$`.
        let data_coding = if coding::is_ucs2(message.data_coding) { message.data_coding } else { coding::LATIN_1 };
        let fields = Fields::read(&coding::decode(message.payload(), data_coding));
        let state = message.tlv(tag::MESSAGE_STATE).and_then(super::pdu::Tlv::as_number).and_then(State::from_number);
        let said_buffered = fields.stat.to_ascii_uppercase().starts_with("BUF");
        let state = state.or_else(|| State::from_word(&fields.stat));
        let in_between = message.esm_class & esm_class::INTERMEDIATE != 0 || said_buffered;
        let network = message.tlv(tag::NETWORK_ERROR_CODE).and_then(|tlv| tlv.value.get(1..3));
        let network = network.map(|code| u16::from_be_bytes([code[0], code[1]]).to_string());
        Some(Self {
            id: by_tlv.or_else(|| Some(fields.id.clone()).filter(|id| !id.is_empty()))?,
            state,
            stage: match state.map(State::stage) {
                Some(Stage::Final) => Stage::Final,
                _ if in_between => Stage::Buffered,
                Some(reached) => reached,
                // A word that nobody knows is no reason to give a message up.
                None => Stage::Accepted,
            },
            submitted: fields.submitted(),
            done: fields.done(),
            error: Some(fields.err).filter(|err| !err.is_empty()).or(network),
            user_message_reference: message.user_message_reference(),
        })
    }

    /// For how long the centre had it, whatever its zone is.
    #[must_use]
    pub fn lasted(&self) -> Option<SignedDuration> {
        let lasted = self.done?.duration_since(self.submitted?);
        Some(lasted).filter(|lasted| !lasted.is_negative())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smpp::pdu::Tlv;

    fn receipt(text: &str, tlvs: Vec<Tlv>) -> Option<Receipt> {
        let text = text.as_bytes().to_vec();
        Receipt::of(&Message { esm_class: 0x04, text, tlvs, ..Message::default() })
    }

    #[test]
    fn optional_parameters_go_before_the_text_with_or_without_their_nul() {
        for id in [b"7f3\0".as_slice(), b"7f3"] {
            let tlvs = vec![Tlv::new(tag::RECEIPTED_MESSAGE_ID, id), Tlv::new(tag::MESSAGE_STATE, [5])];
            let found = receipt("id:1 stat:DELIVRD err:021", tlvs).unwrap();
            assert_eq!((found.id.as_str(), found.state), ("7f3", Some(State::Undeliverable)));
            assert_eq!((found.stage, found.error.as_deref()), (Stage::Final, Some("021")));
        }
        let bare = Message { tlvs: vec![Tlv::text(tag::RECEIPTED_MESSAGE_ID, "9")], ..Message::default() };
        assert_eq!(Receipt::of(&bare).unwrap().id, "9");
        assert_eq!(Receipt::of(&Message { text: b"mat dien".to_vec(), ..Message::default() }), None);
        assert_eq!(receipt("stat:DELIVRD", vec![]), None, "it names no message");
    }

    #[test]
    fn how_long_a_message_took_needs_no_zone() {
        let lasted = |dates: &str| receipt(&format!("id:1 {dates} stat:DELIVRD"), vec![]).unwrap().lasted();
        let took = lasted("submit date:1305221419 done date:1305221502");
        assert_eq!(took, Some(SignedDuration::from_mins(43)));
        for senseless in ["submit date:1305221502 done date:1305221419", "done date:1305221419", ""] {
            assert_eq!(lasted(senseless), None, "{senseless}");
        }
    }

    #[test]
    fn an_id_is_read_as_the_answer_to_its_submit_was() {
        for id in ["msg_17", "a@b$[17]", "{17}~^|"] {
            let found = receipt(&format!("id:{id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:_@$"), vec![]).unwrap();
            assert_eq!((found.id.as_str(), found.state), (id, Some(State::Delivered)));
        }
        let text = "id:msg_17 stat:EXPIRED".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let wide = Message { esm_class: 0x04, data_coding: coding::UCS_2, text, ..Message::default() };
        assert_eq!(Receipt::of(&wide).unwrap().id, "msg_17");
    }

    #[test]
    fn stages_only_go_forward() {
        let stage = |text: &str| receipt(text, vec![]).unwrap().stage;
        assert!(stage("id:1 stat:ENROUTE") < stage("id:1 stat:BUFFERED"));
        assert!(stage("id:1 stat:BUFFERED") < stage("id:1 stat:EXPIRED"));
        assert_eq!(stage("id:1 stat:QUEUED"), Stage::Accepted);
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
            assert_eq!(State::from_number(u64::from(state.number())), Some(state));
        }
        assert_eq!(State::from_word("undelivered"), Some(State::Undeliverable));
    }
}
