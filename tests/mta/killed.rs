//! pipe(8), the real one, dies in the middle of handing a message over, 500 times: the provider never gets a cut message,
//! and every message is kept until it arrives.

use std::sync::Mutex;
use std::time::Duration;

use crate::support::killer::Killer;
use crate::support::lab::Lab;
use crate::support::mta::Mta;
use crate::support::postfix::Postfix;
use crate::support::provider::{ANNA, Provider, SECRET};
use crate::support::sandbox::SandboxProvider;
use crate::support::sink::Sink;
use crate::support::way::is_the_message;

const BOB: &str = "bob@example.org";

/// Kills in all.
const KILLS: usize = 500;

/// Messages under way at the same time, each by a transport of its own: Postfix gives one whose process died a rest of
/// a second. With many more, the lines that master and its children write about them make master and postlogd wait for
/// each other.
const LANES: usize = 12;

/// Octets of a message: several times what a pipe holds, so that sendvia must have read some of it for the end to be
/// written.
const OCTETS: usize = 384 * 1024;

#[test]
fn no_cut_message_reaches_the_provider() {
    let lanes = Lanes::new();
    let killer = Killer::start(&lanes.lab, OCTETS as u64);
    let mut ids: Vec<String> = (0..LANES).map(|lane| lanes.submit(lane)).collect();
    while killer.kills() < KILLS {
        lanes.wait_for_a_round();
        for (lane, id) in ids.iter_mut().enumerate() {
            // Some are handed over whole before they can be stopped.
            if lanes.is_gone(id) {
                *id = lanes.submit(lane);
            }
        }
        lanes.mta.flush();
    }
    killer.rest();
    lanes.mta.flush();
    ids.iter().for_each(|id| lanes.wait_for_removal(id));
    let kills = killer.end();
    let cut = lanes.provider.cut();
    lanes.every_message_arrived_whole();
    println!("{kills:?}, {cut} of them broke off at the provider");
}

/// An MTA whose transports lead to the sandbox.
struct Lanes {
    lab: Lab,
    mta: Postfix,
    provider: SandboxProvider,
    submitted: Mutex<Vec<(String, Vec<u8>)>>,
    /// How many tries were seen to end.
    rounds: Mutex<usize>,
}

impl Lanes {
    fn new() -> Self {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        provider.rules(&["none"]);
        let authority = provider.authority();
        lab.write("etc/sendvia.yaml", format!("tls: {{ca_file: {authority}}}\nlog: {{to: none}}\n"));
        let (host, port) = (provider.address().ip(), provider.address().port());
        lab.account(
            "@gmx.example",
            &format!(
                "submission: {{host: {host}, port: {port}, tls: starttls}}\nlogin: {ANNA}\nsecret: {{plain: {SECRET}}}\n\
                 users: [anna]\n"
            ),
        );
        let more = "service_throttle_time = 1s\ntransport_retry_time = 1s\n";
        let senders: Vec<String> = (0..LANES).map(sender).collect();
        let mta = Postfix::with_a_transport_each(&lab, &senders, Sink::start().address(), more);
        Self { lab, mta, provider, submitted: Mutex::default(), rounds: Mutex::default() }
    }

    fn submit(&self, lane: usize) -> String {
        let mut submitted = self.submitted.lock().expect("not poisoned");
        let (sender, message_id) = (sender(lane), format!("<{}@gmx.example>", submitted.len()));
        let mut message = format!(
            "From: {sender}\r\nTo: {BOB}\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\nMessage-ID: {message_id}\r\n\r\n"
        );
        while message.len() <= OCTETS {
            message += &format!("octet {} of {message_id}\r\n", message.len());
        }
        let message = message.into_bytes();
        let id = self.mta.submit("anna", &sender, &[BOB], &message);
        submitted.push((message_id, message));
        id
    }

    /// Waits until each lane's try has ended in one way or the other. A message that was on its way back into the queue
    /// while that was flushed is not tried, so this gives up after a while.
    fn wait_for_a_round(&self) {
        let ended = |line: &str| line.contains("socket: malformed response") || line.contains("status=sent");
        let mut rounds = self.rounds.lock().expect("not poisoned");
        self.mta.log().within(Duration::from_secs(3), *rounds + LANES, ended);
        *rounds = self.mta.log().text().lines().filter(|line| ended(line)).count();
    }

    fn wait_for_removal(&self, id: &str) {
        let removed = |line: &str| line.contains(&format!(" {id}: removed"));
        for _ in 0..20 {
            if self.mta.log().within(Duration::from_secs(2), 1, removed).is_some() {
                return;
            }
            self.mta.flush();
        }
        panic!("{id} does not leave:\n{}", self.mta.log().text());
    }

    fn is_gone(&self, id: &str) -> bool {
        let sent = |line: &str| line.contains(&format!(" {id}: to=<")) && line.contains("status=sent");
        self.mta.log().within(Duration::ZERO, 1, sent).is_some()
    }

    /// Some may have arrived twice: where pipe(8) was killed after its message was whole.
    fn every_message_arrived_whole(&self) {
        let arrived = self.provider.arrived();
        let submitted = self.submitted.lock().expect("not poisoned");
        for one in &arrived {
            let whose = |(id, _): &&(String, Vec<u8>)| one.text().contains(&format!("Message-ID: {id}\r\n"));
            let (_, message) = submitted.iter().find(whose).expect("a message of this test");
            is_the_message(one, message);
        }
        for (id, _) in submitted.iter() {
            let field = format!("Message-ID: {id}\r\n");
            assert!(arrived.iter().any(|one| one.text().contains(&field)), "{id} did not arrive");
        }
        assert!(self.mta.queue().is_empty());
    }
}

/// Its local-part says when pipe(8) is killed, see [`Killer`].
fn sender(lane: usize) -> String {
    let when = ["early", "start", "amid"][lane % 3];
    format!("{when}{lane}@gmx.example")
}
