//! What carries messages to customers, and what comes back. It owns no database: what must last is told to its caller, and the
//! other end is answered only when the caller has said that it lasts.
//!
//! - [`smpp`]: text messages by SMPP 3.4, as an ESME.
//! - [`smsc`]: a centre to try it on.

pub mod smpp;
pub mod smsc;
