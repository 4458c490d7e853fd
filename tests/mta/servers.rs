//! The engine against the submission servers that providers run, each with what it really offers: Postfix, Exim, Dovecot
//! and aiosmtpd. None of them offers channel binding here: Debian's Exim has SCRAM of Cyrus SASL, as Postfix has, and
//! Dovecot 2.3 knows none. So GNU SASL does, behind OpenSSL.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use sendvia::message::{Intake, Limits, Message};
use sendvia::submission::{
    self, Authenticated, Credentials, Dial, Endpoint, Proof, Protection, RecipientOutcome, Recipients, Route, Timeouts,
    TlsTrust,
};
use sendvia::wire::capability::Capabilities;
use sendvia::wire::envelope::Envelope;
use sendvia::wire::mailbox::{Mailbox, ReversePath};

use crate::support::exim_provider::{EximProvider, PATIENCE};
use crate::support::lab::Lab;
use crate::support::provider::{ANNA, LIMIT, Provider, REFUSED, SECRET, on_the_wire};
use crate::support::python::{PythonProvider, aiosmtpd, gsasl, gsasl_behind_another, gsasl_weakened};
use crate::support::real::{DovecotProvider, PostfixProvider, access_token};

const BOB: &str = "bob@example.org";

/// A server in a world of its own, with an account for it.
struct Site {
    lab: Lab,
    provider: Box<dyn Provider>,
}

impl Site {
    fn new<P: Provider + 'static>(start: fn(&Lab) -> P) -> Site {
        let lab = Lab::new();
        let provider = Box::new(start(&lab));
        let (authority, state) = (provider.authority(), lab.text("state"));
        lab.write("etc/sendvia.yaml", format!("tls: {{ca_file: {authority}}}\nstate: {state}\nlog: {{to: none}}\n"));
        let site = Site { lab, provider };
        site.log_in_by("", SECRET);
        site
    }

    /// Pins the account to a mechanism, or to none.
    fn log_in_by(&self, mechanism: &str, secret: &str) {
        let (address, tls) = (self.provider.address(), self.provider.tls());
        let pinned = if mechanism.is_empty() { String::new() } else { format!("mechanisms: [{mechanism}]\n") };
        let server = format!("submission: {{host: {}, port: {}, tls: {tls}}}\n", address.ip(), address.port());
        self.lab.account(ANNA, &format!("{server}login: {ANNA}\nsecret: {{plain: {secret}}}\nusers: [anna]\n{pinned}"));
    }

    /// Hands a message over as an MTA's pipe does.
    fn relay(&self, arguments: &[&str], message: &[u8]) -> Output {
        let input = self.lab.write("message", message);
        let mut command = Command::new(self.lab.path("sendvia"));
        command.args(["relay", "--user", "anna"]).args(arguments);
        command.stdin(std::fs::File::open(input).expect("just written")).stderr(Stdio::inherit());
        command.output().expect("it starts")
    }

    #[track_caller]
    fn sends(&self, message_id: &str, message: &[u8]) {
        self.sends_to(BOB, message_id, message);
    }

    #[track_caller]
    fn sends_to(&self, recipient: &str, message_id: &str, message: &[u8]) {
        let output = self.relay(&["-f", ANNA, "--", recipient], message);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        let arrived = self.provider.wait_for(message_id);
        assert_eq!((arrived.sender.as_str(), arrived.recipients), (ANNA, vec![recipient.to_owned()]));
        // Not by assert_eq!: nobody wants to read megabytes.
        assert!(arrived.message.ends_with(&on_the_wire(message)), "{message_id} is not what was sent");
    }

    #[track_caller]
    fn refuses(&self, recipient: &str, message: &[u8], line: &str) {
        let output = self.relay(&["-f", ANNA, "--", recipient], message);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.starts_with(line), "expected {line:?}, but found {said:?}");
    }

    /// The same without the program, for what takes a session of several messages.
    async fn session(&self) -> Authenticated {
        let (address, is_implicit) = (self.provider.address(), self.provider.tls() == "implicit");
        let protection = if is_implicit { Protection::Implicit } else { Protection::StartTls };
        let dial = Dial {
            endpoint: Endpoint { host: address.ip().to_string(), port: address.port(), protection },
            route: Arc::new(Route::Direct),
            trust: Arc::new(TlsTrust::new(Some(Path::new(&self.provider.authority())))),
            ehlo_name: "client.example".to_owned(),
            timeouts: Timeouts::default(),
            deadline: None,
            danger_plaintext_auth: false,
            dialogue: None,
        };
        let credentials =
            Credentials { login: ANNA.to_owned(), proof: Proof::Password(SECRET.into()), mechanisms: None };
        submission::login(&dial, &credentials).await.expect("a session")
    }
}

fn message(id: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "Date: Tue, 24 Nov 2026 12:00:00 +0100\nMessage-ID: <{id}@gmx.example>\nFrom: {ANNA}\nTo: {BOB}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nSubject: hello\n\n"
    );
    [head.as_bytes(), body].concat()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Logs in by each mechanism, and by the strongest where none is pinned.
fn takes_mail_by(site: &Site, mechanisms: &[&str]) {
    for mechanism in mechanisms {
        let secret = if mechanism.contains("oauth") { access_token() } else { SECRET.to_owned() };
        site.log_in_by(mechanism, &secret);
        site.sends(&format!("<{mechanism}@gmx.example>"), &message(mechanism, b".\n..\n.dot\n\nend\n"));
    }
    site.log_in_by("", SECRET);
    let session = block_on(site.session());
    let strongest = if mechanisms.contains(&"scram-sha-256") { "SCRAM-SHA-256" } else { "PLAIN" };
    assert_eq!(session.mechanism().to_string(), strongest);
}

/// 4 MiB of 8-bit lines of every length up to 998 octets, many beginning with dots.
fn takes_four_mebibytes(site: &Site) {
    let mut body = Vec::with_capacity(4 << 20);
    let mut state = 1_u32;
    while body.len() < 4 << 20 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (state >> 16) as usize % 999;
        let line = (0..length).map(|at| match (state as usize + at * at) % 97 {
            0..=2 => b'.',
            3..=5 => b' ',
            6..=8 => 0x80 | (at % 0x7f) as u8,
            other => b'!' + (other % 94) as u8,
        });
        body.extend(std::iter::repeat_n(b'.', (state >> 8) as usize % 3 % (length + 1)).chain(line).take(998));
        body.push(b'\n');
    }
    site.sends("<large@gmx.example>", &message("large", &body));
}

/// Three messages and a refused recipient on one session.
fn takes_several_on_one_session(site: &Site) {
    block_on(async {
        let mut session = site.session().await;
        for (id, recipients) in [("first", vec![BOB]), ("second", vec![REFUSED]), ("third", vec![BOB, REFUSED])] {
            let mailboxes = recipients.iter().map(|one| Mailbox::parse(one).expect("a mailbox")).collect();
            let sender = ReversePath::Mailbox(Mailbox::parse(ANNA).expect("a mailbox"));
            let message = take(&message(id, b"text\n"));
            let envelope = Envelope::new(sender, mailboxes);
            let sent = session.send(&envelope, &message, Recipients::PerRecipient, &|| Ok(())).await;
            for (recipient, outcome) in recipients.iter().zip(sent.expect("outcomes")) {
                match *recipient {
                    REFUSED => assert!(matches!(outcome, RecipientOutcome::Refused { .. }), "{id}: {outcome:?}"),
                    _ => assert!(matches!(outcome, RecipientOutcome::Accepted(_)), "{id}: {outcome:?}"),
                }
            }
        }
        assert_eq!(session.transactions(), 3);
        session.quit().await;
    });
    for id in ["first", "third"] {
        let arrived = site.provider.wait_for(&format!("<{id}@gmx.example>"));
        assert_eq!(arrived.recipients, [BOB]);
    }
    assert_eq!(site.provider.arrived().len(), 2);
}

fn take(message: &[u8]) -> Message {
    let mut intake = Intake::new(Limits::default(), &std::env::temp_dir());
    intake.push(message).expect("room");
    intake.finish().expect("a message")
}

fn offers(site: &Site) -> Capabilities {
    block_on(async { site.session().await.capabilities().clone() })
}

#[test]
fn postfix_takes_mail_by_every_mechanism() {
    takes_mail_by(&Site::new(PostfixProvider::start), &["plain", "login", "scram-sha-256"]);
}

#[test]
fn exim_takes_mail_by_every_mechanism() {
    takes_mail_by(&Site::new(EximProvider::start), &["plain", "login", "scram-sha-256"]);
}

#[test]
fn dovecot_takes_mail_by_every_mechanism() {
    let mechanisms = ["plain", "login", "scram-sha-256", "oauthbearer", "xoauth2"];
    takes_mail_by(&Site::new(DovecotProvider::start), &mechanisms);
}

#[test]
fn aiosmtpd_takes_mail_by_every_mechanism() {
    takes_mail_by(&Site::new(aiosmtpd), &["plain", "login"]);
}

#[test]
fn a_login_is_bound_to_its_tls_session() {
    let site = Site::new(gsasl);
    site.sends("<bound@gmx.example>", &message("bound", b"text\n"));
    let log = site.provider.log().expect("GNU SASL's");
    log.wait_for("login", |line| line == "login by SCRAM-SHA-256-PLUS");
    site.log_in_by("scram-sha-256", SECRET);
    site.sends("<pinned@gmx.example>", &message("pinned", b"text\n"));
    log.wait_for("login", |line| line == "login by SCRAM-SHA-256");
}

#[test]
fn nobody_in_between_gets_a_login_by_a_tls_session_of_his_own_or_by_a_weaker_offer() {
    let starts: [fn(&Lab) -> PythonProvider; 2] = [gsasl_behind_another, gsasl_weakened];
    for start in starts {
        let site = Site::new(start);
        let output = site.relay(&["-f", ANNA, "--", BOB], &message("between", b"text\n"));
        assert_eq!(output.status.code(), Some(75), "{}", String::from_utf8_lossy(&output.stdout));
        site.provider
            .log()
            .expect("GNU SASL's")
            .wait_for("refusal", |line| line.starts_with("refused by SCRAM-SHA-256"));
        assert!(site.provider.arrived().is_empty());
    }
}

#[test]
fn each_server_offers_what_the_tests_lean_on() {
    let flags = |offers: &Capabilities| [offers.pipelining, offers.chunking, offers.eight_bit_mime, offers.dsn];
    let postfix = offers(&Site::new(PostfixProvider::start));
    assert_eq!((flags(&postfix), postfix.smtputf8), ([true; 4], true), "Postfix");
    let exim = offers(&Site::new(EximProvider::start));
    assert_eq!((flags(&exim), exim.size), ([true, true, true, false], Some(LIMIT as u64)), "Exim");
    let dovecot = offers(&Site::new(DovecotProvider::start));
    assert_eq!((flags(&dovecot), dovecot.smtputf8), ([true, true, true, false], false), "Dovecot");
    let aiosmtpd = offers(&Site::new(aiosmtpd));
    assert_eq!((flags(&aiosmtpd), aiosmtpd.size), ([false, false, true, false], Some(LIMIT as u64)), "aiosmtpd");
}

#[test]
fn postfix_takes_four_mebibytes_octet_for_octet() {
    takes_four_mebibytes(&Site::new(PostfixProvider::start));
}

#[test]
fn exim_takes_four_mebibytes_octet_for_octet() {
    takes_four_mebibytes(&Site::new(EximProvider::start));
}

#[test]
fn dovecot_takes_four_mebibytes_octet_for_octet() {
    takes_four_mebibytes(&Site::new(DovecotProvider::start));
}

#[test]
fn aiosmtpd_takes_four_mebibytes_octet_for_octet() {
    takes_four_mebibytes(&Site::new(aiosmtpd));
}

#[test]
fn each_server_takes_several_transactions_on_one_session() {
    takes_several_on_one_session(&Site::new(PostfixProvider::start));
    takes_several_on_one_session(&Site::new(EximProvider::start));
    takes_several_on_one_session(&Site::new(DovecotProvider::start));
    takes_several_on_one_session(&Site::new(aiosmtpd));
}

#[test]
fn a_message_over_the_servers_size_is_refused_before_its_body_goes_out() {
    let body = b"a line of text\n".repeat((LIMIT + 4096) / 15);
    let exim = Site::new(EximProvider::start);
    exim.refuses(BOB, &message("large", &body), "5.3.4 ");
    let aiosmtpd = Site::new(aiosmtpd);
    aiosmtpd.refuses(BOB, &message("large", &body), "5.3.4 ");
    assert!(exim.provider.arrived().is_empty() && aiosmtpd.provider.arrived().is_empty());
}

#[test]
fn an_address_beyond_ascii_goes_where_smtputf8_is_offered_and_nowhere_else() {
    let jürgen = "jürgen@example.org";
    Site::new(PostfixProvider::start).sends_to(jürgen, "<utf8@gmx.example>", &message("utf8", "grüße\n".as_bytes()));
    Site::new(DovecotProvider::start).refuses(jürgen, &message("utf8", b"text\n"), "5.6.7 ");
}

#[test]
fn postfix_reports_what_the_dsn_parameters_asked_for() {
    let site = Site::new(PostfixProvider::start);
    let batch = format!(
        "MAIL FROM:<{ANNA}> RET=HDRS ENVID=invoice+2B7\nRCPT TO:<{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;robert@example.org\n\
         DATA\n{}.\nQUIT\n",
        String::from_utf8(message("dsn", b"text\n")).expect("text")
    );
    let output = site.relay(&["--bsmtp"], batch.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    site.provider.wait_for("<dsn@gmx.example>");
    let log = site.provider.log().expect("Postfix's");
    let reports = || site.provider.arrived().into_iter().find(|one| one.text().contains("Original-Envelope-Id"));
    let id = log.wait_for("report", |line| line.contains("sender delivery status notification: "));
    let (_, id) = id.rsplit_once(' ').expect("a queue id");
    log.wait_for("its delivery", |line| line.contains(&format!("{id}: removed")));
    let report = reports().expect("a report");
    assert!(report.text().contains("Original-Envelope-Id: invoice+7"), "{}", report.text());
    assert!(report.text().contains("Original-Recipient: rfc822;robert@example.org"), "{}", report.text());
    assert_eq!(report.recipients, [ANNA]);
}

#[test]
fn an_idle_session_that_the_server_gives_up_is_noticed() {
    let site = Site::new(EximProvider::start);
    block_on(async {
        let mut session = site.session().await;
        assert!(session.is_alive().await);
        let closed = tokio::time::timeout(PATIENCE * 10, session.closed()).await;
        assert!(closed.is_ok() && !session.is_usable());
    });
}
