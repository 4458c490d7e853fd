//! The sandbox as a provider: GMX's rules, to the letter.

use std::net::SocketAddr;
use std::time::Duration;

use sendvia::sandbox::{Counters, Listener, Options, Rule, Sandbox, TlsMode, Users};
use tokio::runtime::{Builder, Runtime};

use super::lab::Lab;
use super::provider::{ANNA, CARL, Provider, REFUSED, SECRET};
use super::sink::Arrived;

/// A sandbox that listens on the lab's address. Dropping it closes its port.
pub(crate) struct SandboxProvider {
    // Before the runtime that it runs on.
    sandbox: Sandbox,
    runtime: Runtime,
    authority: String,
}

impl SandboxProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        Self::start_at(lab, (lab.address(), 0).into())
    }

    /// The same at a port that is known.
    pub(crate) fn start_at(lab: &Lab, address: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let mut options = Options::gmx(&lab.directory("sandbox"));
        options.listeners = vec![Listener { address, tls: TlsMode::StartTls }];
        options.users = Users::only([ANNA, CARL].map(|login| (login.to_owned(), SECRET.to_owned())));
        options.rules.extend(rule(&format!("refuse-recipient={REFUSED}")));
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let authority = lab.write("sandbox-ca.pem", sandbox.ca_pem()).display().to_string();
        Self { sandbox, runtime, authority }
    }

    /// Replaces its rules.
    pub(crate) fn rules(&self, rules: &[&str]) {
        self.sandbox.set_rules(rules.iter().filter_map(|text| rule(text)).collect());
    }

    /// Changes a login's password, or lets one more login in.
    pub(crate) fn password(&self, login: &str, password: &str) {
        self.sandbox.users().set(login, password);
    }

    /// How often things happened.
    pub(crate) fn counters(&self) -> Counters {
        self.sandbox.counters()
    }

    /// The messages with what the server knows of each.
    pub(crate) fn kept(&self) -> Vec<sendvia::sandbox::Kept> {
        self.sandbox.messages()
    }

    /// Waits until all sessions have ended, and says how many messages broke off.
    pub(crate) fn cut(&self) -> u64 {
        self.wait_until("end of all sessions", |now| now.closed == now.connections);
        self.sandbox.counters().cut
    }

    /// Waits until it has taken so many messages.
    pub(crate) fn wait_until_taken(&self, messages: u64) {
        self.wait_until("messages", |now| now.messages >= messages);
    }

    fn wait_until(&self, what: &str, done: impl Fn(&Counters) -> bool) {
        let waiting = async { tokio::time::timeout(Duration::from_secs(30), self.sandbox.wait_until(done)).await };
        assert!(self.runtime.block_on(waiting).is_ok(), "no {what}: {:?}", self.sandbox.counters());
    }
}

impl Provider for SandboxProvider {
    fn address(&self) -> SocketAddr {
        self.sandbox.address(TlsMode::StartTls).expect("it listens")
    }

    fn tls(&self) -> &'static str {
        TlsMode::StartTls.name()
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn name(&self) -> String {
        "gmx".to_owned()
    }

    fn arrived(&self) -> Vec<Arrived> {
        let recipients = |kept: &sendvia::sandbox::Kept| {
            kept.recipients.iter().map(|recipient| recipient.address.clone()).collect::<Vec<_>>()
        };
        let arrived = |kept: sendvia::sandbox::Kept| Arrived {
            sender: kept.mail_from.clone(),
            recipients: recipients(&kept),
            message: kept.read().expect("kept"),
        };
        self.sandbox.messages().into_iter().map(arrived).collect()
    }

    fn wait_for(&self, message_id: &str) -> Arrived {
        let found = || self.arrived().into_iter().find(|arrived| arrived.text().contains(message_id));
        self.wait_until("message at the sandbox", |_| found().is_some());
        found().expect("just seen")
    }

    /// A client's connection is counted before it is greeted.
    fn connections(&self) -> Option<u64> {
        Some(self.sandbox.counters().connections)
    }

    fn turn_clients_away(&self) -> Option<SocketAddr> {
        self.rules(&["block-list"]);
        Some(self.address())
    }

    /// The greeting is the only reply that was given, and no TLS was begun.
    fn wait_for_client_turned_away(&self) {
        let before = self.sandbox.counters();
        self.wait_until("refusal", |now| now.refusals > 0 && now.closed == now.connections);
        let now = self.sandbox.counters();
        assert_eq!((now.handshakes, now.logins), (before.handshakes, before.logins));
    }
}

fn rule(text: &str) -> Option<Rule> {
    Rule::parse(text).expect("a rule")
}
