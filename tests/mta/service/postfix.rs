//! Postfix's LMTP client, policy delegation and socketmap, to `sendvia serve`; and the last two by spawn(8).

use super::{BOB, EVE, Site, message};
use crate::support::client::Submission;
use crate::support::daemon::run;
use crate::support::lab::contrib;
use crate::support::mta::{LOGINS, Mta, Outcome, password};
use crate::support::postfix::Postfix;
use crate::support::provider::{ANNA, CARL, Provider, REFUSED};
use crate::support::service::{Service, account};
use crate::support::way::is_the_message;
use sendvia::secret::login_field::{LoginClaim, LoginKey};
use sendvia::state::Clock;
use sendvia::wire::mailbox::ReversePath;
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

    /// With all other mail going to the world.
    fn to_world(&self, main: &str) -> String {
        let world = self.world.address();
        format!("{main}\ndefault_transport = smtp:[{}]:{}\n", world.ip(), world.port())
    }

    fn postfix(&self, main: &str, master: &str) -> Postfix {
        let main = self.to_world(main);
        let users: Vec<(&str, String)> = LOGINS.iter().map(|login| (*login, password(login))).collect();
        Postfix::start(&self.lab, "postfix", &main, master, &users, &[])
    }
}

/// Anna's account with more lines, in place of the site's.
fn account_of(site: &Site, more: &str) {
    let text = site.lab.read(&format!("etc/accounts.d/{ANNA}.yaml"));
    let kept: String =
        text.lines().filter(|line| !line.starts_with("users:")).map(|line| format!("{line}\n")).collect();
    site.lab.account(ANNA, &(kept + more));
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
    let site = site();
    account(&site.lab, CARL, &site.provider);
    let service = site.service();
    let mta = site.by_lmtp(ASKED);
    site.all_arrive_though_it_is_killed(&mta, service, || site.service(), "lost connection");
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

/// The same with LMTP by spawn(8) in place of the pipe, and the login in the field that the policy signed.
#[test]
fn without_a_service_spawn_runs_lmtp_with_a_result_for_each_recipient() {
    let site = site();
    let transport = site.lab.read("etc/sendvia.yaml").replace("unix:sendvia/lmtp", "unix:private/sendvia-lmtp");
    site.lab.write("etc/sendvia.yaml", transport);
    let sendvia = site.lab.text("sendvia");
    let of = |file: &str| contrib(file, &[("/usr/bin/sendvia", &sendvia)]);
    let main = ["policy", "map", "lmtp-spawn"].map(|part| contrib(&format!("postfix/{part}-main.cf"), &[])).concat();
    let master = ["policy", "map", "lmtp-spawn"].map(|part| of(&format!("postfix/{part}-master.cf"))).concat();
    let mta = site.postfix(&(main + ASKED), &master);
    let text = message("spawned", ANNA, "");
    let id = mta.submit("anna", ANNA, &[BOB, REFUSED, EVE], &text);
    is_sent(&mta, &id, BOB);
    is_sent(&mta, &id, EVE);
    let outcome = mta.outcome(&id, REFUSED);
    assert!(matches!(&outcome, Outcome::Bounced(text) if text.contains("RCPT: 550")), "{outcome:?}");
    let arrived = site.provider.wait_for("<spawned@gmx.example>");
    is_the_message(&arrived, &text);
    assert_eq!(arrived.recipients, [BOB, EVE], "one transaction for all of them");
}

/// Postfix's own load generator: 20 sessions at once, and no reply but the right one.
#[test]
fn smtp_source_is_served_in_20_sessions_and_nothing_is_left_of_them() {
    let site = site();
    let more = "sessions: {account: 20, waiting: 20, provider: 20, idle: 1s}\nauthorise: mta\n";
    site.lab.write("etc/sendvia.yaml", site.lab.read("etc/sendvia.yaml") + more);
    let service = site.service();
    let socket = format!("unix:{}", site.lab.text(SOCKETS[0]));
    let send = |messages: &str| {
        run("smtp-source", &["-L", "-s", "20", "-m", messages, "-f", ANNA, "-t", BOB, &socket]);
        // The sessions have been idle for long enough.
        site.provider.cut();
    };
    send("40");
    let before = service.descriptors();
    send("300");
    assert_eq!(site.provider.arrived().len(), 340);
    let end = Instant::now() + Duration::from_secs(60);
    while service.descriptors() > before {
        assert!(Instant::now() < end, "{} descriptors before, {} after", before, service.descriptors());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A sender without an account, by that of the login: the policy answers FILTER.
#[test]
fn mail_is_routed_by_the_login_where_the_site_says_so() {
    let site = site();
    let more = "policy: {filter: 'sendvia:unix:sendvia/lmtp'}\n";
    site.lab.write("etc/sendvia.yaml", site.lab.read("etc/sendvia.yaml") + more);
    site.provider.rules(&["none"]);
    account_of(&site, &format!("users: [\"{ANNA}\"]\nheader_from: accept\nenvelope_from: keep\n"));
    let _service = site.service();
    let main = contrib("postfix/lmtp-main.cf", &[]) + ASKED;
    let main = site.to_world(&main);
    let users = [(ANNA, password("anna"))];
    let mta = Postfix::start(&site.lab, "postfix", &main, &contrib("postfix/lmtp-master.cf", &[]), &users, &[]);
    let mut session = Submission::connect(mta.submission(), mta.log());
    session.login(ANNA, &password("anna"));
    let sender = "anna@firm.example";
    let id = session.send(sender, &[BOB], &message("filtered", sender, ""));
    is_sent(&mta, &id, BOB);
    assert_eq!(site.provider.wait_for("<filtered@gmx.example>").sender, sender);
}

#[test]
fn local_mail_goes_on_while_the_tables_are_down() {
    let site = site();
    let world = site.world.address();
    let local = format!(
        "mydestination = firm.example\nlocal_recipient_maps =\nlocal_transport = smtp:[{}]:{}\n",
        world.ip(),
        world.port()
    );
    let service = site.service();
    let mta = site.by_lmtp(&format!("{ASKED}{local}"));
    service.kill();
    let text = message("local", CARL, "");
    let id = mta.submit("carl", CARL, &["post@firm.example"], &text);
    is_sent(&mta, &id, "post@firm.example");
    // All other mail is to be handed in again, whosever it is: that is what the guide warns of.
    let mut session = Submission::connect(mta.submission(), mta.log());
    session.login("carl", &password("carl"));
    session.command(&format!("MAIL FROM:<{CARL}>"), "250");
    session.command(&format!("RCPT TO:<{BOB}>"), "451 4.3.0");
}
