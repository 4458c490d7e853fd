//! Postfix's LMTP client, policy delegation and socketmap, to `sendvia serve`; and the last two by spawn(8).

use super::{BOB, EVE, Site, message};
use crate::support::client::Submission;
use crate::support::lab::contrib;
use crate::support::mta::{LOGINS, Mta, Outcome, password};
use crate::support::postfix::Postfix;
use crate::support::provider::{ANNA, CARL, Provider, REFUSED};
use crate::support::service::{Service, account};
use crate::support::way::is_the_message;
use sendvia::secret::login_field::{LoginClaim, LoginKey};
use sendvia::state::Clock;
use sendvia::wire::mailbox::ReversePath;
use std::collections::HashMap;
use std::time::{Duration, Instant};

const SOCKETS: [&str; 3] = ["postfix/queue/sendvia/lmtp", "postfix/queue/sendvia/policy", "postfix/queue/sendvia/map"];

/// Where the guide puts the question: in the submission service, which is the only one here.
const ASKED: &str = "smtpd_sender_restrictions = $sendvia_policy\nsmtpd_data_restrictions = $sendvia_policy\n";

fn site() -> Site {
    let (installed, sockets) = ("/var/spool/postfix/sendvia", "postfix/queue/sendvia");
    Site::new("postfix/service.yaml", installed, sockets, "postfix", "login.key")
}

impl Site {
    fn service(&self) -> Service {
        Service::start(&self.lab, &SOCKETS)
    }

    /// By `contrib/`'s files for LMTP.
    fn by_lmtp(&self, more: &str) -> Postfix {
        let main = contrib("postfix/lmtp-main.cf", &[]) + more;
        self.postfix(&main, &contrib("postfix/lmtp-master.cf", &[]))
    }

    fn postfix(&self, main: &str, master: &str) -> Postfix {
        let world = self.world.address();
        let main = format!("{main}\ndefault_transport = smtp:[{}]:{}\n", world.ip(), world.port());
        let users: Vec<(&str, String)> = LOGINS.iter().map(|login| (*login, password(login))).collect();
        Postfix::start(&self.lab, "postfix", &main, master, &users, &[])
    }
}

/// Refused while the mail program is connected: no queue id, no bounce.
fn is_refused_at_rcpt(mta: &Postfix, login: &str, sender: &str) {
    let mut session = Submission::connect(mta.submission(), mta.log());
    session.login(login, &password(login));
    session.command(&format!("MAIL FROM:<{sender}>"), "250");
    let reply = session.command(&format!("RCPT TO:<{BOB}>"), "55");
    assert!(
        reply.contains("5.7.1 ") && reply.contains(&format!("login {login} may not send as <{sender}>")),
        "{reply}"
    );
}

#[track_caller]
fn is_sent(mta: &Postfix, id: &str, recipient: &str) {
    let outcome = mta.outcome(id, recipient);
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}; {}", mta.log().text());
}

#[test]
fn each_recipient_has_his_own_result_and_a_foreign_login_is_refused_before_the_queue() {
    let site = site();
    let _service = site.service();
    let mta = site.by_lmtp(ASKED);
    let text = message("three", ANNA, "");
    let id = mta.submit("anna", ANNA, &[BOB, REFUSED, EVE], &text);
    is_sent(&mta, &id, BOB);
    is_sent(&mta, &id, EVE);
    let outcome = mta.outcome(&id, REFUSED);
    assert!(matches!(&outcome, Outcome::Bounced(text) if text.contains("RCPT: 550")), "{outcome:?}");
    let arrived = site.provider.wait_for("<three@gmx.example>");
    is_the_message(&arrived, &text);
    assert_eq!(arrived.recipients, [BOB, EVE], "one transaction for all of them");
    assert!(site.world.wait_for_text("<three@gmx.example>").text().contains(REFUSED), "a bounce");
    is_refused_at_rcpt(&mta, "carl", ANNA);
    assert!(mta.queue().is_empty());

    let id = mta.submit("carl", CARL, &[BOB], &message("before", CARL, ""));
    mta.wait_for_end(&id);
    assert!(site.world.wait_for_text("<before@gmx.example>").sender == CARL, "no account yet");
    account(&site.lab, CARL, &site.provider);
    let table = format!("socketmap:unix:{}:transport", site.lab.text(SOCKETS[2]));
    assert_eq!(mta.command("postmap", &["-q", CARL, &table]).trim(), "sendvia:unix:sendvia/lmtp");
    let text = message("after", CARL, "");
    // Postfix's queue manager remembers its last look-up for half a minute, if sender and recipient are the same.
    let id = mta.submit("carl", CARL, &[EVE], &text);
    is_sent(&mta, &id, EVE);
    is_the_message(&site.provider.wait_for("<after@gmx.example>"), &text);
}

/// The policy is not asked here, as when it is down: the delivery alone decides.
#[test]
fn a_login_that_a_customer_forged_or_a_recipient_replayed_is_refused() {
    let site = site();
    let _service = site.service();
    let mta = site.by_lmtp("");
    let key = LoginKey::read(&site.lab.path("etc/login.key")).expect("a key");
    let sender = ReversePath::parse(ANNA).expect("an address");
    let seen = key.sign(&LoginClaim { login: "anna", sender: &sender, queue_id: "4Xq1zY", at: Clock::System.now() });
    for (name, field) in [("forged", "anna".to_owned()), ("replayed", seen)] {
        let text = message(name, ANNA, &format!("X-Sendvia-Login: {field}\r\n"));
        let id = mta.submit("carl", ANNA, &[BOB], &text);
        let outcome = mta.outcome(&id, BOB);
        assert!(matches!(&outcome, Outcome::Bounced(text) if text.contains("5.7.1 no login may not")), "{outcome:?}");
    }
    assert!(site.provider.arrived().is_empty());
}

#[test]
fn mail_waits_for_a_service_that_is_down_and_other_mail_goes_on_where_the_table_is_a_file() {
    let site = site();
    let service = site.service();
    let exported = site.lab.text("senders");
    let mta = site.by_lmtp(&format!("{ASKED}sender_dependent_default_transport_maps = texthash:{exported}\n"));
    site.lab.write("senders", format!("{ANNA} sendvia:unix:sendvia/lmtp\n"));
    let text = message("waits", ANNA, "");
    let first = mta.submit("anna", ANNA, &[BOB], &message("first", ANNA, ""));
    is_sent(&mta, &first, BOB);
    // The policy has signed it by then.
    let mut session = Submission::connect(mta.submission(), mta.log());
    session.login("anna", &password("anna"));
    session.begin(ANNA, &[BOB]);
    service.kill();
    let id = session.finish(&text);
    let outcome = mta.outcome(&id, BOB);
    assert!(matches!(outcome, Outcome::Deferred(_)), "{outcome:?}");
    let other = mta.submit("carl", CARL, &[BOB], &message("other", CARL, ""));
    mta.wait_for_end(&other);
    let _service = site.service();
    mta.flush();
    mta.wait_for_end(&id);
    is_the_message(&site.provider.wait_for("<waits@gmx.example>"), &text);
}

#[test]
fn a_session_that_the_provider_closed_costs_no_message() {
    let site = site();
    let _service = site.service();
    let mta = site.by_lmtp(ASKED);
    for number in 0..4 {
        // Each session is closed behind its message, while it is idle.
        site.provider.rules(&["drop-after=final"]);
        let name = format!("idle{number}");
        let id = mta.submit("anna", ANNA, &[BOB], &message(&name, ANNA, ""));
        is_sent(&mta, &id, BOB);
    }
    let arrived = site.provider.arrived();
    assert_eq!(arrived.len(), 4, "each once");
}

#[test]
fn all_of_200_messages_arrive_though_the_service_was_killed_amid_them() {
    const MESSAGES: usize = 200;
    let site = site();
    account(&site.lab, CARL, &site.provider);
    let service = site.service();
    let mta = site.by_lmtp(ASKED);
    let mut ids = HashMap::new();
    // Slow enough that most are under way when all are submitted.
    site.provider.rules(&["delay=final:300"]);
    for (login, sender) in [("anna", ANNA), ("carl", CARL)] {
        let mut session = Submission::connect(mta.submission(), mta.log());
        session.login(login, &password(login));
        for number in 0..MESSAGES / 2 {
            let name = format!("{login}-{number}");
            let id = session.send(sender, &[BOB], &message(&name, sender, ""));
            ids.insert(name, id);
        }
    }
    site.provider.wait_until_taken(10);
    service.kill();
    site.provider.rules(&["none"]);
    assert!(!mta.queue().is_empty(), "it was killed too late");
    let _service = site.service();
    let end = Instant::now() + Duration::from_secs(150);
    while !mta.queue().is_empty() {
        assert!(Instant::now() < end, "{}", mta.log().text());
        mta.flush();
        std::thread::sleep(Duration::from_millis(500));
    }
    let mut copies: HashMap<String, usize> = HashMap::new();
    for one in site.provider.arrived() {
        let text = one.text();
        let name = text.split("Message-ID: <").nth(1).and_then(|rest| rest.split('@').next()).expect("a Message-ID");
        *copies.entry(name.to_owned()).or_default() += 1;
    }
    for (name, id) in &ids {
        match copies.get(name) {
            Some(1) => {}
            Some(2) => {
                let lost = |line: &str| line.contains(id) && line.contains("lost connection");
                assert!(mta.log().text().lines().any(lost), "{name} arrived twice, and the log does not say why");
            }
            other => panic!("{name} arrived {other:?} times"),
        }
    }
}

/// spawn(8) starts policy and tables, pipe(8) the delivery: no service at all.
#[test]
fn without_a_service_spawn_runs_policy_and_tables() {
    let site = site();
    site.lab
        .write("etc/sendvia.yaml", site.lab.read("etc/sendvia.yaml").replace("sendvia:unix:sendvia/lmtp", "sendvia:"));
    let sendvia = site.lab.text("sendvia");
    let of = |file: &str| contrib(file, &[("/usr/bin/sendvia", &sendvia)]);
    let main = contrib("postfix/policy-main.cf", &[])
        + &contrib("postfix/map-main.cf", &[])
        + "sendvia_destination_recipient_limit = 1\n"
        + ASKED;
    let master = of("postfix/policy-master.cf") + &of("postfix/map-master.cf") + &of("postfix/master.cf");
    let mta = site.postfix(&main, &master);
    let text = message("spawned", ANNA, "");
    let id = mta.submit("anna", ANNA, &[BOB], &text);
    is_sent(&mta, &id, BOB);
    assert!(site.provider.wait_for("<spawned@gmx.example>").text().contains("trailing blanks"));
    is_refused_at_rcpt(&mta, "carl", ANNA);
}
