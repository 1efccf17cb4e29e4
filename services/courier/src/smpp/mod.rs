//! Text messages by SMPP 3.4.

pub mod coding;
pub mod event;
pub mod inbound;
pub mod matching;
pub mod outgoing;
pub mod pace;
pub mod pdu;
pub mod piece;
pub mod receipt;
pub mod route;
pub mod session;
pub mod validity;

pub use self::{
    event::{Event, Taken},
    outgoing::{Dialect, Outgoing, Sender},
    route::Route,
    session::{Outcome, Session},
};
