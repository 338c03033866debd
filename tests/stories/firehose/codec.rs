//! Packets and payloads, whoever wrote them.

use endo::bus::engine_io::{Framing, Malformed, Packet, PacketType, read, write};
use proptest::collection::vec;
use proptest::prelude::*;

const TYPES: [PacketType; 7] = [
    PacketType::Open,
    PacketType::Close,
    PacketType::Ping,
    PacketType::Pong,
    PacketType::Message,
    PacketType::Upgrade,
    PacketType::Noop,
];

fn packet() -> impl Strategy<Value = Packet> {
    (0..TYPES.len(), "[ -~]{0,30}").prop_map(|(kind, text)| Packet::new(TYPES[kind], text))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(packets in vec(packet(), 1..8)) {
        for framing in [Framing::Text, Framing::Binary] {
            prop_assert_eq!(read(&write(&packets, framing), framing), Ok(packets.clone()));
        }
        for packet in packets {
            prop_assert_eq!(Packet::read(&packet.to_text()), Ok(packet));
        }
    }

    #[test]
    fn strangers_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), text in "\\PC{0,60}") {
        for framing in [Framing::Text, Framing::Binary] {
            let _ = read(&bytes, framing);
            let _ = read(text.as_bytes(), framing);
        }
        let _ = Packet::read(&text);
        let _ = Packet::read_binary(&bytes);
    }

    #[test]
    fn almost_payloads_are_read_or_refused(text in "([0-9b:]{0,3}[0-6]?[éß😀x]{0,3}:?){0,6}") {
        let _ = read(text.as_bytes(), Framing::Text);
    }
}

#[test]
fn lengths_count_the_units_that_javascript_counts() {
    let told = |text: &str| read(text.as_bytes(), Framing::Text);
    assert_eq!(told("3:4\u{1f600}1:2").unwrap()[0], Packet::new(PacketType::Message, "\u{1f600}"));
    assert_eq!(told("2:4\u{1f600}1:2"), Err(Malformed));
    // The text of old clients: UTF-8 once more encoded.
    assert_eq!(told("3:4\u{c3}\u{a9}1:2").unwrap().len(), 2);
}

#[test]
fn what_is_no_payload_is_refused() {
    for text in ["", ":", "0:", "1:", "1:7", "2:4", "a:2", "-1:2", "1 :2", "9999999999:2", "1:2x", "1:21"] {
        assert_eq!(read(text.as_bytes(), Framing::Text), Err(Malformed), "{text}");
    }
    for bytes in
        [&[][..], &[0], &[0, 255], &[0, 1, 255], &[0, 10, 255, b'2'], &[2, 1, 255, b'2'], &[1, 1, 255, 250]]
    {
        assert_eq!(read(bytes, Framing::Binary), Err(Malformed), "{bytes:?}");
    }
}

#[test]
fn characters_beyond_ascii_are_written_so_that_every_length_is_the_same() {
    let packet = Packet::new(PacketType::Message, "\"\u{e9}\u{1f600}\"");
    assert_eq!(write(&[packet], Framing::Text), b"21:4\"\\u00e9\\ud83d\\ude00\"");
}
