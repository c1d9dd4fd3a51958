//! Expected bytes are written out from the RFCs, field by field.

use super::*;

fn ethernet() -> Device {
    Device {
        index: 2,
        name: "eth0".to_owned(),
        loopback: false,
        up: true,
        state: "UP",
        medium: Medium::Ethernet,
        mac: vec![2, 0, 0, 0, 0, 1],
        broadcast: vec![0xff; 6],
    }
}

fn infiniband() -> Device {
    let mut broadcast = vec![0, 0xff, 0xff, 0xff, 0xff, 0x12, 0x40, 0x1b, 0x80, 0x01];
    broadcast.extend([0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    Device {
        medium: Medium::Infiniband,
        mac: (0x80..0x94).collect(),
        broadcast,
        ..ethernet()
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_ascii_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn v4() -> IpAddr {
    "192.0.2.9".parse().unwrap()
}

fn v6() -> IpAddr {
    "2001:db8::12:3456".parse().unwrap()
}

/// The sum over pseudo-header and message, checksum included, is all ones (RFC 1071).
fn assert_checksum(packet: &[u8]) {
    let (from, to) = (&packet[8..24], &packet[24..40]);
    let mut sum = u32::from(packet[5]) + 58;
    for pair in [from, to, &packet[40..]].concat().chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair[1]);
    }
    assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
}

#[test]
fn gratuitous_arp_is_a_request_and_a_reply() {
    let frames = announcements(&ethernet(), v4());
    let head = "ffffffffffff 020000000001 0806 0001 0800 06 04";
    let request = format!("{head} 0001 020000000001 c0000209 000000000000 c0000209");
    let reply = format!("{head} 0002 020000000001 c0000209 020000000001 c0000209");
    assert_eq!(frames, [hex(&request), hex(&reply)]);
}

#[test]
fn an_arp_probe_claims_nothing() {
    let probe = probe(&ethernet(), v4()).unwrap();
    let text = "ffffffffffff 020000000001 0806 0001 0800 06 04 0001
                020000000001 00000000 000000000000 c0000209";
    assert_eq!(probe, hex(text));
}

#[test]
fn an_unsolicited_advertisement_overrides_and_tells_the_hardware_address() {
    let frame = announcements(&ethernet(), v6()).remove(0);
    let head = "333300000001 020000000001 86dd 60000000 0020 3a ff
                20010db8000000000000000000123456 ff020000000000000000000000000001 8800";
    assert_eq!(frame[..56], hex(head));
    let tail = "20000000 20010db8000000000000000000123456 02 01 020000000001";
    assert_eq!(frame[58..], hex(tail));
    assert_checksum(&frame[14..]);
}

#[test]
fn duplicate_address_detection_asks_the_solicited_node_from_nowhere() {
    let frame = probe(&ethernet(), v6()).unwrap();
    let head = "3333ff123456 020000000001 86dd 60000000 0018 3a ff
                00000000000000000000000000000000 ff0200000000000000000001ff123456 8700";
    assert_eq!(frame[..56], hex(head));
    assert_eq!(
        frame[58..],
        hex("00000000 20010db8000000000000000000123456")
    );
    assert_checksum(&frame[14..]);
}

#[test]
fn infiniband_has_addresses_of_twenty_bytes_and_a_head_of_its_own() {
    let device = infiniband();
    let request = announcements(&device, v4()).remove(0);
    let mac = "808182838485868788898a8b8c8d8e8f90919293";
    let text = format!(
        "00ffffffff12401b8001000000000000ffffffff 0806 0000 0020 0800 14 04 0001 {mac} c0000209 {} c0000209",
        "00".repeat(20)
    );
    assert_eq!(request, hex(&text));
    let advertisement = announcements(&device, v6()).remove(0);
    let group = "00ffffff ff12601b8001 00000000000000000001";
    assert_eq!(advertisement[..20], hex(group));
    let option = format!("02 03 0000 {mac}");
    assert!(advertisement.ends_with(&hex(&option)));
    assert_checksum(&advertisement[24..]);
}

#[test]
fn where_nobody_asks_nothing_is_said() {
    let lo = Device {
        medium: Medium::Silent,
        ..ethernet()
    };
    assert!(announcements(&lo, v4()).is_empty() && announcements(&lo, v6()).is_empty());
    assert_eq!(probe(&lo, v4()), None);
    assert_eq!(question(&lo, v4(), v4()), None);
}

#[test]
fn a_gateway_is_asked_on_behalf_of_the_address_and_told_alone() {
    let gateway = "192.0.2.1".parse().unwrap();
    let asked = question(&ethernet(), v4(), gateway).unwrap();
    assert_eq!(asked[28..], hex("c0000209 000000000000 c0000201"));
    let mac = [2, 0, 0, 0, 0, 7];
    let told = to_neighbour(&ethernet(), &mac, v4(), gateway).unwrap();
    let text = "020000000007 020000000001 0806 0001 0800 06 04 0002
                020000000001 c0000209 020000000007 c0000201";
    assert_eq!(told, hex(text));
    let asked = question(&ethernet(), v6(), "2001:db8::1".parse().unwrap()).unwrap();
    assert!(asked.ends_with(&hex("01 01 020000000001")));
}

#[test]
fn an_owner_and_a_prober_are_told_apart() {
    let device = ethernet();
    let told = |frame: Vec<u8>| speaker(&Heard::Arp(frame), Medium::Ethernet).unwrap();
    let reply = told(announcements(&device, v4()).remove(1));
    assert_eq!(
        (reply.ip, reply.owns, reply.mac),
        (v4(), true, device.mac.clone())
    );
    let probe = told(probe(&device, v4()).unwrap());
    assert_eq!((probe.ip, probe.owns), (v4(), false));
}

#[test]
fn an_advertisement_tells_its_owner() {
    let frame = announcements(&ethernet(), v6()).remove(0);
    let told = speaker(&Heard::Icmp(frame[54..].to_vec()), Medium::Ethernet).unwrap();
    assert_eq!((told.ip, told.owns), (v6(), true));
    assert_eq!(mac(&told.mac), "02:00:00:00:00:01");
    let question = probe(&ethernet(), v6()).unwrap();
    assert_eq!(
        speaker(&Heard::Icmp(question[54..].to_vec()), Medium::Ethernet),
        None
    );
}

#[test]
fn frames_that_are_cut_short_are_about_nothing() {
    let arp = announcements(&ethernet(), v4()).remove(0);
    for length in 0..arp.len() {
        let heard = Heard::Arp(arp[..length].to_vec());
        assert_eq!(speaker(&heard, Medium::Ethernet), None, "{length}");
    }
    assert_eq!(
        speaker(&Heard::Icmp(vec![136, 0, 0]), Medium::Ethernet),
        None
    );
}
