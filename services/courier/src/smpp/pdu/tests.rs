use bytes::{BufMut as _, BytesMut};
use proptest::prelude::*;
use rusmpp_core::{
    command::owned::Command, decode::owned::DecodeWithLength as _, encode::Length as _, encode::owned::Encode as _,
};

use super::*;

fn text(longest: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(1..=127_u8, 0..=longest).prop_map(|octets| latin(&octets))
}

fn address() -> impl Strategy<Value = Address> {
    (0..=6_u8, prop_oneof![Just(0_u8), Just(1)], text(20)).prop_map(|(ton, npi, digits)| Address { ton, npi, digits })
}

fn tlvs() -> impl Strategy<Value = Vec<Tlv>> {
    let tlv =
        (0x1400..0x3fff_u16, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(tag, value)| Tlv { tag, value });
    prop::collection::vec(tlv, 0..5)
}

prop_compose! {
    fn message()(
        service_type in text(5), source in address(), destination in address(), classes in any::<[u8; 7]>(),
        timed in any::<bool>(), text in prop::collection::vec(any::<u8>(), 0..=255), tlvs in tlvs(),
    ) -> Message {
        let [esm_class, protocol_id, priority, registered_delivery, replace_if_present, data_coding, default_message] = classes;
        let validity = if timed { "130522074940000+".to_owned() } else { String::new() };
        Message {
            service_type, source, destination, esm_class, protocol_id, priority, schedule: String::new(), validity,
            registered_delivery, replace_if_present, data_coding, default_message, text, tlvs,
        }
    }
}

fn body() -> impl Strategy<Value = Body> {
    let role = prop_oneof![Just(Role::Receiver), Just(Role::Transmitter), Just(Role::Transceiver)];
    let bind = (text(15), text(8), text(12), any::<u8>(), address()).prop_map(
        |(system_id, password, system_type, version, range)| Bind { system_id, password, system_type, version, range },
    );
    let response = (text(15), tlvs()).prop_map(|(system_id, tlvs)| BindResp { system_id, tlvs });
    prop_oneof![
        (role.clone(), bind).prop_map(|(role, bind)| Body::Bind(role, bind)),
        (role, response).prop_map(|(role, response)| Body::BindResp(role, response)),
        message().prop_map(|message| Body::SubmitSm(Box::new(message))),
        message().prop_map(|message| Body::DeliverSm(Box::new(message))),
        text(64).prop_map(Body::SubmitSmResp),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(|octets| Body::Other { command: 0x103, octets }),
        Just(Body::DeliverSmResp),
        Just(Body::EnquireLink),
        Just(Body::EnquireLinkResp),
        Just(Body::Unbind),
        Just(Body::UnbindResp),
        Just(Body::GenericNack),
    ]
}

fn written(pdu: &Pdu) -> BytesMut {
    let mut octets = BytesMut::new();
    pdu.write(&mut octets).unwrap();
    octets
}

fn frames(octets: &[u8]) -> Frames {
    let mut frames = Frames::up_to(8_192);
    frames.arrived().put_slice(octets);
    frames
}

proptest! {
    #[test]
    fn what_is_written_is_read(body in body(), sequence in 1..0x7fff_ffff_u32) {
        let pdu = Pdu::request(sequence, body);
        let octets = written(&pdu);
        let frame = frames(&octets).cut().unwrap().unwrap();
        prop_assert_eq!(Pdu::read(&frame).unwrap(), pdu);
    }

    #[test]
    fn another_codec_reads_what_we_write_and_writes_the_same(body in body(), sequence in 1..0x7fff_ffff_u32) {
        // It knows one optional parameter in the answer to a bind, and unknown commands are its own matter.
        let other_matter = match &body {
            Body::BindResp(_, response) => !response.tlvs.is_empty(),
            Body::Other { .. } => true,
            _ => false,
        };
        prop_assume!(!other_matter);
        let octets = written(&Pdu::request(sequence, body));
        let mut rest = octets.clone();
        let length = rest.len();
        let mut rest = rest.split_off(4);
        let (command, _) = Command::decode(&mut rest, length - 4).unwrap();
        prop_assert!(rest.is_empty() && command.sequence_number() == sequence);
        let mut again = BytesMut::new();
        again.put_u32(u32::try_from(4 + command.length()).unwrap());
        command.encode(&mut again);
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn any_octets_are_survived(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut frames = frames(&octets);
        while let Ok(Some(frame)) = frames.cut() {
            let _ = Pdu::read(&frame);
        }
    }

    #[test]
    fn any_body_behind_a_sound_header_is_survived(command in prop_oneof![Just(1_u32), Just(4), Just(5), Just(9), Just(0x8000_0004), Just(0x8000_0009)], octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut frame = BytesMut::new();
        for word in [16 + u32::try_from(octets.len()).unwrap(), command, 0, 1] {
            frame.put_u32(word);
        }
        frame.put_slice(&octets);
        if let Ok(pdu) = Pdu::read(&frame) {
            prop_assert_eq!(pdu.command(), command);
        }
    }

    #[test]
    fn units_are_cut_wherever_the_stream_breaks(bodies in prop::collection::vec(body(), 1..6), chunk in 1..50_usize) {
        let pdus: Vec<_> = bodies.into_iter().zip(1..).map(|(body, sequence)| Pdu::request(sequence, body)).collect();
        let stream: Vec<u8> = pdus.iter().flat_map(|pdu| written(pdu).to_vec()).collect();
        let (mut frames, mut found) = (Frames::up_to(8_192), Vec::new());
        for octets in stream.chunks(chunk) {
            frames.arrived().put_slice(octets);
            while let Some(frame) = frames.cut().unwrap() {
                found.push(Pdu::read(&frame).unwrap());
            }
        }
        prop_assert_eq!(found, pdus);
        prop_assert_eq!(frames.waiting(), 0);
    }
}

#[test]
fn an_impossible_length_ends_the_stream_before_anything_is_stored_for_it() {
    let mut long = frames(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5]);
    assert_eq!(long.cut(), Err(FrameError::TooLong { claimed: 0xffff_ffff, limit: 8_192 }));
    assert!(long.arrived().capacity() < 10_000);
    assert_eq!(frames(&[0, 0, 0, 15]).cut(), Err(FrameError::TooShort { claimed: 15 }));
    assert_eq!(frames(&[0, 0, 0]).cut(), Ok(None));
}

#[test]
fn a_careless_centre_is_understood() {
    let frame = |command: u32, body: &[u8]| {
        let mut frame = BytesMut::new();
        for word in [16 + u32::try_from(body.len()).unwrap(), command, 0, 7] {
            frame.put_u32(word);
        }
        frame.put_slice(body);
        Pdu::read(&frame)
    };
    assert_eq!(frame(0x8000_0004, b"id-42").unwrap().body, Body::SubmitSmResp("id-42".into()), "without NUL");
    assert_eq!(frame(0x8000_0005, b"").unwrap().body, Body::DeliverSmResp, "without its empty id");
    let long = "9".repeat(100);
    assert_eq!(frame(0x8000_0004, long.as_bytes()).unwrap().body, Body::SubmitSmResp(long.clone()));
    // An optional parameter that claims more than there is does not cost the receipt.
    let mut receipt = b"\0\x01\x0184901234567\0\x01\x0119001006\0\x04\0\0\0\0\0\0\0\0\x04id:7".to_vec();
    receipt.extend([0x04, 0x27, 0, 1, 2, 0x14, 0x00, 0x00, 0x10, 1]);
    let Body::DeliverSm(message) = frame(5, &receipt).unwrap().body else { panic!("a receipt") };
    assert_eq!((message.text.as_slice(), message.tlvs.len()), (&b"id:7"[..], 1));
    // A field that is missing does, and says which.
    assert_eq!(frame(5, b"\0\x01\x01849").unwrap_err().1, Malformed { field: "source_addr" });
    assert_eq!(frame(0x8000_0009, b"").unwrap().body, Body::BindResp(Role::Transceiver, BindResp::default()));
}

#[test]
fn what_the_specification_has_no_room_for_is_not_written() {
    let with = |change: fn(&mut Message)| {
        let mut message = Message::default();
        change(&mut message);
        let mut out = BytesMut::new();
        let refused = Pdu::request(1, Body::SubmitSm(Box::new(message))).write(&mut out);
        assert!(out.is_empty());
        refused.unwrap_err().field
    };
    assert_eq!(with(|message| message.destination.digits = "1".repeat(21)), "destination_addr");
    assert_eq!(with(|message| message.source.digits = "Điện".into()), "source_addr");
    assert_eq!(with(|message| message.service_type = "a\0b".into()), "service_type");
    assert_eq!(with(|message| message.text = vec![0; 256]), "short_message");
    assert!(
        !format!(
            "{:?}",
            Bind {
                system_id: "a".into(),
                password: "secret".into(),
                system_type: String::new(),
                version: 0x34,
                range: Address::default()
            }
        )
        .contains("secret")
    );
}
