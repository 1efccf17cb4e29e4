//! Whatever a message centre may send: cut into units, read, written again, and understood.

use bytes::BytesMut;
use gridcare_courier::smpp::{
    coding,
    pdu::{Body, Frames, Pdu},
    piece::Piece,
    receipt::Receipt,
};

/// No unit takes more memory than has come, and what was read is written as it was meant.
pub(crate) fn run(octets: &[u8]) {
    let mut frames = Frames::up_to(8_192);
    frames.arrived().extend_from_slice(octets);
    while let Ok(Some(frame)) = frames.cut() {
        assert!(frame.len() <= octets.len());
        let Ok(pdu) = Pdu::read(&frame) else { continue };
        let mut written = BytesMut::new();
        if pdu.write(&mut written).is_ok() {
            assert_eq!(Pdu::read(&written).as_ref(), Ok(&pdu));
        }
        if let Body::DeliverSm(message) | Body::SubmitSm(message) = &pdu.body {
            let receipt = Receipt::of(message);
            assert!(receipt.is_none_or(|receipt| receipt.id.len() <= octets.len() * 2));
            let (_, text) = Piece::of(message);
            assert!(coding::decode(text, message.data_coding).len() <= octets.len() * 3);
        }
    }
}
