//! The whole way of a message: an MTA set up by `contrib/`, sendvia behind it, and a provider.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::chown;
use std::time::Instant;

use super::client::Submission;
use super::exim::Exim;
use super::lab::{Lab, user};
use super::log::PATIENCE;
use super::mta::{Mta, Outcome, password};
use super::postfix::Postfix;
use super::provider::{ANNA, Provider, SECRET};
use super::sink::{Arrived, Sink};

/// Which MTA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Postfix,
    Exim,
}

/// A running way.
pub(crate) struct Way {
    pub(crate) mta: Box<dyn Mta>,
    pub(crate) world: Sink,
    provider: Option<Box<dyn Provider>>,
    lab: Lab,
}

impl Way {
    /// An MTA of this kind in front of the provider that `start` starts; mail from `senders` goes to sendvia (what an
    /// account says, in Exim's case).
    pub(crate) fn new<P: Provider + 'static>(kind: Kind, senders: &[&str], start: fn(&Lab) -> P) -> Self {
        let lab = Lab::new();
        let world = Sink::start();
        let provider = start(&lab);
        let mta: Box<dyn Mta> = match kind {
            Kind::Postfix => {
                Box::new(Postfix::with_contrib_and(&lab, senders, world.address(), "allow_min_user = yes"))
            }
            Kind::Exim => Box::new(Exim::with_contrib(&lab, world.address())),
        };
        let way = Self { mta, world, provider: Some(Box::new(provider)), lab };
        way.configure("");
        way
    }

    pub(crate) fn provider(&self) -> &dyn Provider {
        self.provider.as_deref().expect("it runs")
    }

    /// Stops the provider; its port is closed from now on. A server's children hold it until they notice.
    ///
    /// # Panics
    /// When it stays open.
    pub(crate) fn stop_provider(&mut self) {
        let address = self.provider().address();
        self.provider = None;
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_ok() {
            assert!(Instant::now() < end, "{address} is still open");
            std::thread::yield_now();
        }
    }

    /// Writes `sendvia.yaml` with `more` in it, and forgets what sendvia remembers.
    pub(crate) fn configure(&self, more: &str) {
        let state = self.lab.path("state");
        let _ = fs::remove_dir_all(&state);
        let (owner, group) = user("sendvia");
        chown(self.lab.directory("state"), Some(owner), Some(group)).expect("owner");
        let authority = self.provider().authority();
        let state = state.display();
        let text = format!("tls: {{ca_file: {authority}}}\nstate: {state}\nlog: {{to: none}}\n{more}");
        self.lab.write("etc/sendvia.yaml", text);
    }

    /// Writes an account in the file of this name that [`ANNA`]'s login at the firm may use.
    pub(crate) fn account(&self, file: &str, more: &str) {
        self.account_with(file, SECRET, self.provider().address(), more);
    }

    /// The same with another password or server.
    pub(crate) fn account_with(&self, file: &str, secret: &str, server: SocketAddr, more: &str) {
        let preset = if self.provider().name() == "gmx" { "provider: gmx\n" } else { "" };
        let (host, port, tls) = (server.ip(), server.port(), self.provider().tls());
        let text = format!(
            "{preset}submission: {{host: {host}, port: {port}, tls: {tls}}}\nlogin: {ANNA}\n\
             secret: {{plain: {secret}}}\nusers: [anna]\n{more}"
        );
        self.lab.account(file, &text);
    }

    /// Submits as the customer `login` with this envelope and returns the queue id.
    pub(crate) fn submit(&self, login: &str, sender: &str, recipients: &[&str], message: &[u8]) -> String {
        let mut session = Submission::connect(self.mta.submission(), self.mta.log());
        session.login(login, &password(login));
        session.send(sender, recipients, message)
    }

    /// Asserts that the MTA keeps the message for `recipient`, that sendvia's line begins with `line`, and that nothing
    /// of it arrived.
    #[track_caller]
    pub(crate) fn is_kept(&self, id: &str, recipient: &str, message_id: &str, line: &str) {
        let outcome = self.mta.outcome(id, recipient);
        assert!(matches!(outcome, Outcome::Deferred(_)), "{outcome:?}; {}", self.mta.log().text());
        let said = self.mta.said(id, recipient);
        assert!(said.starts_with(line), "expected {line:?}, but found {said:?}");
        assert!(self.mta.queue().contains(&id.to_owned()), "{id} is not in the queue: {:?}", self.mta.queue());
        self.has_not_arrived(message_id);
    }

    /// Asserts that the MTA gives the message back for `recipient`, in a bounce with sendvia's line, which begins with
    /// `line`, and returns that line.
    #[track_caller]
    pub(crate) fn is_given_back(&self, id: &str, recipient: &str, message_id: &str, line: &str) -> String {
        let outcome = self.mta.outcome(id, recipient);
        assert!(matches!(outcome, Outcome::Bounced(_)), "{outcome:?}; {}", self.mta.log().text());
        let said = self.mta.said(id, recipient);
        assert!(said.starts_with(line), "expected {line:?}, but found {said:?}");
        self.mta.wait_for_end(id);
        let bounce = self.world.wait_for_text(message_id);
        assert_eq!(bounce.sender, "", "a bounce has the null reverse-path");
        let text = said.split_once(' ').map_or("", |(_, text)| text);
        assert!(unfolded(&bounce.text()).contains(&unfolded(text)), "expected {text:?} in {}", bounce.text());
        assert!(unfolded(&bounce.text()).contains(recipient), "expected {recipient} in {}", bounce.text());
        said
    }

    /// Asserts that the MTA is rid of the message, which arrived from `sender` for `recipient`, with nothing but trace
    /// fields in front.
    #[track_caller]
    pub(crate) fn has_arrived(&self, id: &str, recipient: &str, message_id: &str, sender: &str, message: &[u8]) {
        let outcome = self.mta.outcome(id, recipient);
        assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}; {}", self.mta.log().text());
        let arrived = self.provider().wait_for(message_id);
        assert_eq!((arrived.sender.as_str(), arrived.recipients.as_slice()), (sender, &[recipient.to_owned()][..]));
        is_the_message(&arrived, message);
    }

    #[track_caller]
    pub(crate) fn has_not_arrived(&self, message_id: &str) {
        let arrived = self.provider().arrived();
        assert!(!arrived.iter().any(|one| one.text().contains(message_id)), "{message_id} arrived: {arrived:?}");
    }
}

/// Asserts that what arrived is `message`, octet for octet, behind trace fields: one Received from the MTA under test,
/// and what the provider itself adds.
#[track_caller]
pub(crate) fn is_the_message(arrived: &Arrived, message: &[u8]) {
    let Some(trace) = arrived.message.strip_suffix(message) else {
        panic!("{} octets arrived that do not end in the {} sent", arrived.message.len(), message.len());
    };
    let trace = String::from_utf8_lossy(trace);
    let known = ["Received: ", "Return-Path: ", "X-Original-To: ", "Delivered-To: ", " ", "\t"];
    for line in trace.split_terminator("\r\n") {
        assert!(known.iter().any(|name| line.starts_with(name)), "not a trace field: {line:?}");
    }
    assert_eq!(trace.matches("laptop.example").count(), 1, "{trace}");
}

/// With every run of blanks and line ends as one blank.
fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
