//! A DNS server for one test: what it is told and nothing else, over UDP and TCP on port 53 of the lab's own address.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// What a name has.
#[derive(Default)]
struct Zone {
    records: HashMap<(String, RecordType), Vec<RData>>,
    asked: Vec<String>,
}

/// A running server; it ends with the test's process.
#[derive(Clone)]
pub(crate) struct Dns {
    zone: Arc<Mutex<Zone>>,
}

impl Dns {
    pub(crate) fn start(address: Ipv4Addr) -> Dns {
        let dns = Dns { zone: Arc::default() };
        let socket = UdpSocket::bind((address, 53)).expect("port 53");
        let listener = TcpListener::bind((address, 53)).expect("port 53");
        let (by_udp, by_tcp) = (dns.clone(), dns.clone());
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok((length, peer)) = socket.recv_from(&mut octets) {
                let _ = by_udp.answer(&octets[..length]).map(|answer| socket.send_to(&answer, peer));
            }
        });
        std::thread::spawn(move || {
            for mut peer in listener.incoming().flatten() {
                let mut length = [0; 2];
                while peer.read_exact(&mut length).is_ok() {
                    let mut octets = vec![0; u16::from_be_bytes(length).into()];
                    let Some(answer) = peer.read_exact(&mut octets).ok().and_then(|()| by_tcp.answer(&octets)) else {
                        break;
                    };
                    let framed = [&(answer.len() as u16).to_be_bytes()[..], &answer].concat();
                    if peer.write_all(&framed).is_err() {
                        break;
                    }
                }
            }
        });
        dns
    }

    pub(crate) fn a(&self, name: &str, address: Ipv4Addr) {
        self.add(name, RecordType::A, RData::A(A(address)));
    }

    pub(crate) fn srv(&self, name: &str, priority: u16, port: u16, target: &str) {
        self.add(name, RecordType::SRV, RData::SRV(SRV::new(priority, 0, port, of(target))));
    }

    pub(crate) fn mx(&self, name: &str, preference: u16, host: &str) {
        self.add(name, RecordType::MX, RData::MX(MX::new(preference, of(host))));
    }

    /// The names asked for, without those of addresses.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.zone.lock().expect("no panic").asked.clone()
    }

    fn add(&self, name: &str, kind: RecordType, data: RData) {
        let key = (of(name).to_string().to_lowercase(), kind);
        self.zone.lock().expect("no panic").records.entry(key).or_default().push(data);
    }

    fn answer(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(octets).ok()?;
        let query = question.queries.first()?.clone();
        let mut zone = self.zone.lock().expect("no panic");
        if !matches!(query.query_type(), RecordType::A | RecordType::AAAA) {
            zone.asked.push(format!("{} {}", query.name(), query.query_type()));
        }
        let name = query.name().to_string().to_lowercase();
        let found = zone.records.get(&(name.clone(), query.query_type()));
        let is_known = zone.records.keys().any(|(known, _)| *known == name);
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_available = true;
        answer.metadata.recursion_desired = true;
        answer.metadata.response_code = if is_known { ResponseCode::NoError } else { ResponseCode::NXDomain };
        for data in found.into_iter().flatten() {
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, data.clone()));
        }
        answer.add_query(query);
        answer.to_vec().ok()
    }
}

fn of(name: &str) -> Name {
    Name::from_utf8(format!("{}.", name.trim_end_matches('.'))).expect("a name")
}
