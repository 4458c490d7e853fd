//! The resident service between real MTAs and a provider, by the files of `contrib/`: LMTP, the policy before the queue,
//! and the accounts as look-up tables.

mod exim;
mod postfix;

use crate::support::client::Submission;
use crate::support::lab::Lab;
use crate::support::mta::{Mta, password};
use crate::support::provider::{ANNA, CARL, Provider};
use crate::support::sandbox::SandboxProvider;
use crate::support::service::{Service, account, configure};
use crate::support::sink::Sink;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Messages under way when the service is killed.
const MESSAGES: usize = 200;

/// Messages of one session: Exim begins a delivery at once for the first ten.
const A_SESSION: usize = 10;

/// A host with a configuration of `contrib/` for the service, Anna's account, and the sandbox as her provider.
struct Site {
    lab: Lab,
    world: Sink,
    provider: SandboxProvider,
}

impl Site {
    /// `installed` is where `contrib/` has the sockets, `sockets` where they are in the lab; the rest as in [`configure`].
    fn new(yaml: &str, installed: &str, sockets: &str, group: &str, key: &str) -> Self {
        let lab = Lab::new();
        let provider = SandboxProvider::start(&lab);
        configure(&lab, yaml, &provider, installed, sockets, group, key);
        account(&lab, ANNA, &provider);
        Self { lab, world: Sink::start(), provider }
    }

    /// Anna's and Carl's messages are under way when the service is killed. Once it is there again all of them arrive, and
    /// twice only where the MTA's log says by `lost` that it did not get the last reply.
    fn all_arrive_though_it_is_killed(
        &self,
        mta: &impl Mta,
        service: Service,
        start_again: impl Fn() -> Service,
        lost: &str,
    ) {
        // Slow enough that most are under way when all are submitted.
        self.provider.rules(&["delay=final:300"]);
        let ids = submit_many(mta);
        self.provider.wait_until_taken(10);
        service.kill();
        self.provider.rules(&["none"]);
        assert!(!mta.queue().is_empty(), "it was killed too late");
        let _service = start_again();
        let end = Instant::now() + Duration::from_secs(150);
        while !mta.queue().is_empty() {
            assert!(Instant::now() < end, "{}", mta.log().text());
            mta.flush();
            std::thread::sleep(Duration::from_millis(500));
        }
        let copies = self.copies();
        let log = mta.log().text();
        for (name, id) in &ids {
            match copies.get(name) {
                Some(1) => {}
                Some(2) => {
                    let is_lost = |line: &str| line.contains(id) && line.contains(lost);
                    assert!(log.lines().any(is_lost), "{name} arrived twice, and the log does not say why: {log}");
                }
                other => panic!("{name} arrived {other:?} times"),
            }
        }
    }

    /// How often each message arrived, by its name.
    fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for one in self.provider.arrived() {
            let text = one.text();
            let name =
                text.split("Message-ID: <").nth(1).and_then(|rest| rest.split('@').next()).expect("a Message-ID");
            *copies.entry(name.to_owned()).or_default() += 1;
        }
        copies
    }
}

const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";

/// A message with lines that a careless hand on the way would change, and more header fields.
fn message(name: &str, from: &str, fields: &str) -> Vec<u8> {
    format!(
        "{fields}From: <{from}>\r\nTo: bob@example.org\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n\
         Message-ID: <{name}@gmx.example>\r\nSubject: =?utf-8?Q?gr=C3=BC=C3=9Fe?=\r\n\r\n\
         .dot\r\n..\r\n.\r\nFrom here\r\n trailing blanks  \r\n\r\n{}\r\n",
        "x".repeat(900)
    )
    .into_bytes()
}

/// Queue ids by the messages' names.
fn submit_many(mta: &impl Mta) -> HashMap<String, String> {
    let mut ids = HashMap::new();
    for session in 0..MESSAGES / A_SESSION {
        let (login, sender) = [("anna", ANNA), ("carl", CARL)][session % 2];
        let mut submission = Submission::connect(mta.submission(), mta.log());
        submission.login(login, &password(login));
        for number in 0..A_SESSION {
            let name = format!("{login}-{session}-{number}");
            let id = submission.send(sender, &[BOB], &message(&name, sender, ""));
            ids.insert(name, id);
        }
    }
    ids
}
