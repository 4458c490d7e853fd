//! A hard day of ten customers at GMX, by both MTAs: this host's address is refused and a real SOCKS5 proxy (microsocks)
//! is the way round, one customer's password is changed at the provider, the limit is used up, the proxy dies; then the
//! address is taken again and the password set right. Every message arrives once, nobody is locked out by our logins, and
//! each trouble is told once.
//!
//! 60 messages; `SENDVIA_MESSAGES=300` makes it a longer day.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::daemon::{Daemon, run, run_with_input};
use crate::support::exim::Exim;
use crate::support::lab::{Lab, user};
use crate::support::mta::Mta;
use crate::support::postfix::Postfix;
use crate::support::provider::Provider;
use crate::support::sandbox::SandboxProvider;
use crate::support::sink::Sink;
use crate::support::way::Kind;

const BOB: &str = "bob@example.org";
/// Who is told.
const ADMINISTRATOR: &str = "admin@firm.example";
/// By whose account.
const MESSENGER: &str = "post@gmx.example";

const CUSTOMERS: usize = 10;
/// The one whose password is changed.
const FORGETFUL: usize = 3;
/// Messages under way at once: two of each customer, and as many as pipe(8) has processes.
const BATCH: usize = 20;
/// How long what was refused stays closed that day.
const PAUSE: Duration = Duration::from_secs(5);

#[test]
fn a_hard_day_of_postfix() {
    hard_day(Kind::Postfix);
}

#[test]
fn a_hard_day_of_exim() {
    hard_day(Kind::Exim);
}

fn hard_day(kind: Kind) {
    let count = std::env::var("SENDVIA_MESSAGES").map_or(60, |count| count.parse().expect("a number"));
    let mut day = Day::new(kind);

    let began = Instant::now();
    day.provider.rules(&["block-list=127.0.0.1", &format!("quota={}", count / 3)]);
    day.provider.password(&customer(FORGETFUL), "changed at the provider");
    let ids = day.submit_all(count);
    let morning = day.so_far();
    let delivered = count / 3;
    assert!(morning.messages >= delivered as u64, "{morning:?}");
    assert!(morning.messages <= (delivered + BATCH) as u64, "those under way when the limit was reached: {morning:?}");
    assert!((1..=2).contains(&morning.refused_logins), "both of his that were under way at once, at most: {morning:?}");
    assert!(day.provider.kept().iter().all(|kept| !kept.peer.starts_with("127.0.0.1:")), "all came by the proxy");

    day.proxy = None;
    day.provider.rules(&["block-list=127.0.0.1"]);
    day.try_all(&ids);
    let noon = day.so_far();
    assert_eq!((noon.messages, noon.logins), (morning.messages, morning.logins), "there is no way to the provider");
    assert_eq!(noon.refused_logins, morning.refused_logins, "a password that is wrong is not tried again");
    let tries = noon.connections - noon.handshakes;
    let due = BATCH as u64 + began.elapsed().as_secs() / PAUSE.as_secs() + 1;
    assert!(tries <= due, "the refused address was tried {tries} times, which may be {due} times: {noon:?}");

    day.provider.rules(&["none"]);
    day.set_secret(FORGETFUL, "changed at the provider");
    day.drain(&ids);
    day.end(&ids, began.elapsed());
}

struct Day {
    mta: Box<dyn Mta>,
    provider: SandboxProvider,
    proxy: Option<Daemon>,
    world: Sink,
    lab: Lab,
}

impl Day {
    fn new(kind: Kind) -> Self {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        let (proxy, way_round) = proxy(&lab);
        let (owner, group) = user("sendvia");
        for directory in ["state", "etc/accounts.d"] {
            chown(lab.directory(directory), Some(owner), Some(group)).expect("owner");
        }
        configure(&lab, &provider, way_round);
        let logins: Vec<String> = (0..CUSTOMERS).map(customer).chain([MESSENGER.to_owned()]).collect();
        for login in &logins {
            let (host, port) = (provider.address().ip(), provider.address().port());
            let text = format!(
                "provider: gmx\nsubmission: {{host: {host}, port: {port}, tls: starttls}}\n\
                 secret: {{plain: \"{}\"}}\nusers: [anna]\n",
                secret(login)
            );
            lab.account(login, &text);
            provider.password(login, &secret(login));
        }
        let world = Sink::start();
        let senders: Vec<&str> = logins.iter().map(String::as_str).collect();
        let mta: Box<dyn Mta> = match kind {
            Kind::Postfix => Box::new(Postfix::with_contrib(&lab, &senders, world.address())),
            Kind::Exim => Box::new(Exim::with_contrib(&lab, world.address())),
        };
        Self { mta, provider, proxy: Some(proxy), world, lab }
    }

    fn so_far(&self) -> sendvia::sandbox::Counters {
        self.provider.cut();
        self.provider.counters()
    }

    /// Every message's first try is over when this returns.
    fn submit_all(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let first = ids.len();
            for number in first..count.min(first + BATCH) {
                let sender = customer(number % CUSTOMERS);
                let message = format!(
                    "From: {sender}\r\nTo: {BOB}\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\
                     Message-ID: <{number}@day.example>\r\nSubject: {number}\r\n\r\nmessage {number}\r\n"
                );
                ids.push(self.mta.submit("anna", &sender, &[BOB], message.as_bytes()));
            }
            for id in &ids[first..] {
                let outcome = self.mta.outcome(id, BOB);
                assert_ne!(outcome.word(), "bounced", "{outcome:?}");
            }
        }
        ids
    }

    /// Has everything in the queue tried once more. One that was on its way back into the queue is not; that asks again.
    fn try_all(&self, ids: &[String]) {
        let queue = self.mta.queue();
        let waiting: Vec<&String> = ids.iter().filter(|id| queue.contains(id)).collect();
        let tries = |id: &str, lines: &str| lines.lines().filter(|line| is_try(line, id)).count();
        let before = self.mta.log().text();
        for _ in 0..20 {
            self.mta.flush();
            let is_tried = |id: &&&String| {
                let once_more = tries(id, &before) + 1;
                self.mta.log().within(Duration::from_secs(3), once_more, |line| is_try(line, id)).is_some()
            };
            if waiting.iter().all(|id| is_tried(&id)) {
                return;
            }
        }
        panic!("not all of {waiting:?} were tried:\n{}", self.mta.log().text());
    }

    /// Flushes until the queue is empty: what is still closed opens when its pause is over.
    fn drain(&self, ids: &[String]) {
        for _ in 0..60 {
            self.mta.flush();
            let gone = |line: &str| ids.iter().any(|id| is_end(line, id));
            if self.mta.log().within(Duration::from_secs(2), ids.len(), gone).is_some() {
                return;
            }
        }
        panic!("still in the queue: {:?}\n{}", self.mta.queue(), self.mta.log().text());
    }

    /// What the administrator does when his customer tells him the new password.
    fn set_secret(&self, number: usize, secret: &str) {
        let (sendvia, config) = (env!("CARGO_BIN_EXE_sendvia"), self.lab.text("etc/sendvia.yaml"));
        run(sendvia, &["key", "new", "--config", &config]);
        let (owner, group) = user("sendvia");
        chown(self.lab.path("etc/key"), Some(owner), Some(group)).expect("owner");
        let args = ["account", "set-secret", "--config", &config, "--secret-file", "-", &customer(number)];
        run_with_input(sendvia, &args, secret.as_bytes());
    }

    fn end(&self, ids: &[String], took: Duration) {
        let now = self.so_far();
        let mut copies: BTreeMap<String, usize> = BTreeMap::new();
        let mut notices: BTreeMap<String, usize> = BTreeMap::new();
        for arrived in self.provider.arrived() {
            let field = |name: &str| {
                let text = arrived.text();
                text.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned())).unwrap_or_default()
            };
            match arrived.recipients == [ADMINISTRATOR] {
                true => *notices.entry(field("Subject: ")).or_default() += 1,
                false => *copies.entry(field("Message-ID: ")).or_default() += 1,
            }
        }
        let expected: BTreeMap<String, usize> =
            (0..ids.len()).map(|number| (format!("<{number}@day.example>"), 1)).collect();
        assert_eq!(copies, expected, "each message arrives, once");
        assert!(self.mta.queue().is_empty() && self.world.arrived().is_empty(), "nothing is left, nothing given back");
        let told: Vec<(&str, usize)> = notices.iter().map(|(subject, times)| (subject.as_str(), *times)).collect();
        let (forgetful, host) = (customer(FORGETFUL), "gmx refuses the mail server mx.firm.example");
        let subjects = [
            format!("{forgetful} can't send at present"),
            host.to_owned(),
            format!("login of {forgetful} works again"),
            "route direct to gmx works again".to_owned(),
        ];
        let mut once: Vec<(&str, usize)> = subjects.iter().map(|subject| (subject.as_str(), 1)).collect();
        once.sort_unstable();
        assert_eq!(told, once, "each is told once");
        // Each login carried something, but for those that met the used-up limit: two of each customer, and one a pause.
        let useful = (ids.len() + once.len() + 1) as u64;
        let limit = useful + (CUSTOMERS as u64) * (2 + took.as_secs() / PAUSE.as_secs());
        println!("{} messages: {now:?}; {} logins, at most {limit}", ids.len(), now.logins);
        assert!(now.logins <= limit, "{} logins are more than {limit}", now.logins);
        assert!(now.refused_logins <= 2, "{now:?}");
        assert_eq!((now.faults, now.cut), (0, 0));
        let back = self.provider.kept().iter().filter(|kept| kept.peer.starts_with("127.0.0.1:")).count();
        assert!(back > 0, "the first way is taken again");
    }
}

fn configure(lab: &Lab, provider: &SandboxProvider, way_round: SocketAddr) {
    let (authority, state, pause) = (provider.authority(), lab.text("state"), PAUSE.as_secs());
    let pause = format!("{{first: {pause}s, longest: {pause}s}}");
    let text = format!(
        "tls: {{ca_file: {authority}}}\nstate: {state}\nlog: {{to: none}}\nehlo_name: mx.firm.example\n\
         routes: [direct, {{name: office, socks5: '{way_round}'}}]\n\
         breakers: {{host: {pause}, quota: {pause}}}\n\
         notify: {{to: {ADMINISTRATOR}, via: {MESSENGER}}}\n"
    );
    lab.write("etc/sendvia.yaml", text);
}

/// A SOCKS5 proxy whose own address is not the one that is refused.
fn proxy(lab: &Lab) -> (Daemon, SocketAddr) {
    let (address, ip) = (lab.free_address(), lab.address().to_string());
    let port = address.port().to_string();
    // It writes a line about every connection.
    let command = format!("exec microsocks -i {ip} -p {port} -b {ip} 2>/dev/null");
    let daemon = Daemon::start("sh", &["-c", &command]);
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < end, "microsocks does not listen");
        // It does not say when it does.
        sleep(Duration::from_millis(20));
    }
    (daemon, address)
}

fn customer(number: usize) -> String {
    format!("customer{number}@gmx.example")
}

fn secret(login: &str) -> String {
    format!("s3cret of {login}")
}

/// Whether a line of either MTA's log tells the outcome of a try.
fn is_try(line: &str, id: &str) -> bool {
    line.contains(&format!(" {id}")) && [" status=", " == ", " => ", " ** "].iter().any(|mark| line.contains(mark))
}

fn is_end(line: &str, id: &str) -> bool {
    line.contains(&format!(" {id}: removed")) || line.contains(&format!(" {id} Completed"))
}
