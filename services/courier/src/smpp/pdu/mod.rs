//! The protocol data units of SMPP 3.4: what both ends say to each other, octet by octet.
//!
//! Reading is liberal where real centres are careless (a missing last NUL, a truncated or unknown optional parameter), and
//! never leaves the bounds of the unit. Writing is strict.

mod frame;
mod message;
mod octets;
mod status;
#[cfg(test)]
mod tests;
mod tlv;

pub use self::{
    frame::{FrameError, Frames, HEADER},
    message::{Address, Message, esm_class, npi, ton},
    status::Status,
    tlv::{Tlv, tag},
};
pub(crate) use octets::latin;
use octets::{Body as Writer, Octets};

/// The version that this speaks: 3.4.
pub const VERSION: u8 = 0x34;

/// One protocol data unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// 0 in requests; the outcome in responses.
    pub status: Status,
    /// Pairs a response with its request.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
}

/// What a unit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The request before this one was not understood at all.
    GenericNack,
    /// An ESME wants in.
    Bind(Role, Bind),
    /// The answer to [`Body::Bind`].
    BindResp(Role, BindResp),
    /// A message to a phone.
    SubmitSm(Box<Message>),
    /// The answer to [`Body::SubmitSm`]: the centre's id of the message; empty when it was refused.
    SubmitSmResp(String),
    /// A message from a phone, or a receipt.
    DeliverSm(Box<Message>),
    /// The answer to [`Body::DeliverSm`].
    DeliverSmResp,
    /// The end of the session.
    Unbind,
    /// The answer to [`Body::Unbind`].
    UnbindResp,
    /// Is anybody there?
    EnquireLink,
    /// The answer to [`Body::EnquireLink`].
    EnquireLinkResp,
    /// A command that this does not speak, with its octets.
    Other {
        /// Its number.
        command: u32,
        /// Its body as it came.
        octets: Vec<u8>,
    },
}

/// Which way messages may go in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// From the centre to the ESME.
    Receiver,
    /// From the ESME to the centre.
    Transmitter,
    /// Both.
    Transceiver,
}

/// Who wants in.
#[derive(Clone, PartialEq, Eq)]
pub struct Bind {
    /// The account, at most 15 octets.
    pub system_id: String,
    /// Its password, at most 8 octets.
    pub password: String,
    /// What kind of system, at most 12 octets; mostly empty.
    pub system_type: String,
    /// What version it speaks.
    pub version: u8,
    /// Whose messages it wants; mostly empty.
    pub range: Address,
}

impl std::fmt::Debug for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password: this is what logs and failed tests print.
        f.debug_struct("Bind").field("system_id", &self.system_id).finish_non_exhaustive()
    }
}

/// The answer to a bind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindResp {
    /// The centre's name.
    pub system_id: String,
    /// Optional parameters.
    pub tlvs: Vec<Tlv>,
}

/// A body that does not hold what its command promises. The session goes on: its frame was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PDU ends within {field}")]
pub struct Malformed {
    /// The field that is cut.
    pub field: &'static str,
}

/// A unit that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Unwritable {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

const RESPONSE: u32 = 0x8000_0000;
const BINDS: [(Role, u32); 3] = [(Role::Receiver, 0x01), (Role::Transmitter, 0x02), (Role::Transceiver, 0x09)];
const SUBMIT: u32 = 0x04;
const DELIVER: u32 = 0x05;
const UNBIND: u32 = 0x06;
const ENQUIRE: u32 = 0x15;

impl Role {
    fn command(self) -> u32 {
        BINDS.iter().find(|(role, _)| *role == self).map_or(0, |(_, command)| *command)
    }

    fn of(command: u32) -> Option<Self> {
        BINDS.iter().find(|(_, known)| *known == command & !RESPONSE).map(|(role, _)| *role)
    }
}

impl Pdu {
    /// A request.
    #[must_use]
    pub const fn request(sequence: u32, body: Body) -> Self {
        Self { status: Status::OK, sequence, body }
    }

    /// A response.
    #[must_use]
    pub const fn response(sequence: u32, status: Status, body: Body) -> Self {
        Self { status, sequence, body }
    }

    /// The number of its command.
    #[must_use]
    pub fn command(&self) -> u32 {
        match &self.body {
            Body::GenericNack => RESPONSE,
            Body::Bind(role, _) => role.command(),
            Body::BindResp(role, _) => role.command() | RESPONSE,
            Body::SubmitSm(_) => SUBMIT,
            Body::SubmitSmResp(_) => SUBMIT | RESPONSE,
            Body::DeliverSm(_) => DELIVER,
            Body::DeliverSmResp => DELIVER | RESPONSE,
            Body::Unbind => UNBIND,
            Body::UnbindResp => UNBIND | RESPONSE,
            Body::EnquireLink => ENQUIRE,
            Body::EnquireLinkResp => ENQUIRE | RESPONSE,
            Body::Other { command, .. } => *command,
        }
    }

    /// Whether it asks for an answer.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.command() & RESPONSE == 0
    }

    /// Reads a whole frame, as [`Frames`] cuts them.
    ///
    /// # Errors
    /// When the body ends within a field that its command must have; with the header, so that it can be answered.
    pub fn read(frame: &[u8]) -> Result<Self, (Head, Malformed)> {
        let head = Head::read(frame);
        let body = frame.get(HEADER..).unwrap_or_default();
        let body = Body::read(head, &mut Octets::new(body), body).map_err(|malformed| (head, malformed))?;
        Ok(Self { status: head.status, sequence: head.sequence, body })
    }

    /// Appends its octets.
    ///
    /// # Errors
    /// When a field is longer than the specification allows, or has a character that it cannot carry; then nothing is
    /// appended.
    pub fn write(&self, to: &mut impl bytes::BufMut) -> Result<(), Unwritable> {
        let mut writer = Writer { octets: Vec::with_capacity(64), refused: None };
        self.body.write(self.status, &mut writer);
        if let Some(refused) = writer.refused {
            return Err(refused);
        }
        let length = u32::try_from(HEADER + writer.octets.len())
            .map_err(|_| Unwritable { field: "command_length", reason: "too long" })?;
        for word in [length, self.command(), self.status.0, self.sequence] {
            to.put_u32(word);
        }
        to.put_slice(&writer.octets);
        Ok(())
    }
}

/// The header of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the command.
    pub command: u32,
    /// The outcome.
    pub status: Status,
    /// Pairs response and request.
    pub sequence: u32,
}

impl Head {
    fn read(frame: &[u8]) -> Self {
        let word = |at: usize| {
            let octets = frame.get(at..at + 4).and_then(|octets| <[u8; 4]>::try_from(octets).ok());
            octets.map_or(0, u32::from_be_bytes)
        };
        Self { command: word(4), status: Status(word(8)), sequence: word(12) }
    }
}

impl Body {
    fn read(head: Head, from: &mut Octets<'_>, whole: &[u8]) -> Result<Self, Malformed> {
        if let Some(role) = Role::of(head.command) {
            return Ok(match head.command & RESPONSE {
                0 => Self::Bind(role, Bind::read(from)?),
                _ => Self::BindResp(role, BindResp { system_id: from.last_text(), tlvs: from.tlvs() }),
            });
        }
        Ok(match head.command {
            RESPONSE => Self::GenericNack,
            SUBMIT => Self::SubmitSm(Box::new(Message::read(from)?)),
            DELIVER => Self::DeliverSm(Box::new(Message::read(from)?)),
            command if command == SUBMIT | RESPONSE => Self::SubmitSmResp(from.last_text()),
            command if command == DELIVER | RESPONSE => Self::DeliverSmResp,
            UNBIND => Self::Unbind,
            command if command == UNBIND | RESPONSE => Self::UnbindResp,
            ENQUIRE => Self::EnquireLink,
            command if command == ENQUIRE | RESPONSE => Self::EnquireLinkResp,
            command => Self::Other { command, octets: whole.to_vec() },
        })
    }

    fn write(&self, status: Status, to: &mut Writer) {
        match self {
            Self::Bind(_, bind) => bind.write(to),
            // A refusal has no body.
            Self::BindResp(..) | Self::SubmitSmResp(_) if status != Status::OK => {}
            Self::BindResp(_, response) => {
                to.text("system_id", &response.system_id, 15);
                to.tlvs(&response.tlvs);
            }
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.write(to),
            Self::SubmitSmResp(id) => to.text("message_id", id, 64),
            // The id in it is unused, and must be empty.
            Self::DeliverSmResp => to.octets(&[0]),
            Self::Other { octets, .. } => to.octets(octets),
            Self::GenericNack | Self::Unbind | Self::UnbindResp | Self::EnquireLink | Self::EnquireLinkResp => {}
        }
    }
}

impl Bind {
    fn read(from: &mut Octets<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            system_id: from.text("system_id")?,
            password: from.text("password")?,
            system_type: from.text("system_type")?,
            version: from.octet("interface_version")?,
            range: Address { ton: from.octet("addr_ton")?, npi: from.octet("addr_npi")?, digits: from.last_text() },
        })
    }

    fn write(&self, to: &mut Writer) {
        to.text("system_id", &self.system_id, 15);
        to.text("password", &self.password, 8);
        to.text("system_type", &self.system_type, 12);
        to.octets(&[self.version, self.range.ton, self.range.npi]);
        to.text("address_range", &self.range.digits, 40);
    }
}
