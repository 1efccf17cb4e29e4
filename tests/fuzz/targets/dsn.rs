//! Whatever anybody may send to the address of bounces.

use gridcare_courier::smtp::dsn::Notification;

/// What is found is no more than what came.
pub(crate) fn run(octets: &[u8]) {
    if let Some(found) = Notification::read(octets) {
        assert!(found.recipients.len() <= octets.len() && found.to.len() <= octets.len());
        assert!(found.message_id.len() <= octets.len() * 3);
    }
}
