//! Email by SMTP, and its bounces.

mod bounces;
pub mod dsn;
mod letter;
mod server;

pub(crate) use self::{
    bounces::Bounces,
    letter::Letters,
    server::{Handed, MailServer},
};
