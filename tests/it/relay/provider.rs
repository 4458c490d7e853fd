//! What the provider does, and what the MTA hears of it.

use crate::site::{MESSAGE, Site};
use sendvia::sandbox::TlsMode;

/// Short, so that silence is told in a test's time.
const IMPATIENT: &str =
    "timeouts: {greeting: 1s, ehlo: 1s, tls: 1s, auth: 1s, mail: 1s, rcpt: 1s, data: 1s, final: 1s}\n";

#[test]
fn a_refusal_before_mail_is_about_us_or_the_account_and_never_bounces() {
    for stage in ["banner", "ehlo", "starttls", "auth"] {
        for reply in
            ["421 Go away", "450 4.7.1 Later", "454 Later", "500 What", "535 5.7.8 No", "550 5.1.1 No such user"]
        {
            let site = Site::new();
            site.rules(&[&format!("reply={stage}:{reply}")]);
            let ended = site.relay_annas(MESSAGE);
            ended.is(75, "4.").says(&["gmx"]);
            let counters = site.counters();
            assert_eq!(
                (counters.connections > 0, counters.logins, counters.transactions),
                (true, 0, 0),
                "{stage} {reply}"
            );
        }
    }
}

#[test]
fn gmx_refusing_this_hosts_address_keeps_the_message_and_shows_gmxs_words() {
    let site = Site::new();
    site.rules(&["block-list"]);
    site.relay_annas(MESSAGE).is(75, "4.7.1 gmx: banner: 554").says(&["IP address is block listed", "c=r0201"]);
}

#[test]
fn a_wrong_password_keeps_the_message() {
    let site = Site::new();
    site.sandbox().users().set("anna@gmx.de", "changed");
    site.relay_annas(MESSAGE).is(75, "4.7.8 gmx: AUTH: 535").says(&["Authentication credentials invalid"]);
    assert_eq!(site.counters().transactions, 0, "no MAIL after a failed AUTH");
    assert_eq!(site.sandbox().faults(), Vec::<String>::new());
}

#[test]
fn after_login_a_5yz_is_for_good_and_carries_the_providers_text() {
    let rows = [
        ("mail", "553 5.7.1 Not your address", "5.7.1 gmx: MAIL: 553"),
        ("rcpt", "550-Requested action not taken: mailbox unavailable\\n550 No such user", "5.1.1 gmx: RCPT: 550-Req"),
        ("rcpt", "550 4.1.1 contradiction", "5.0.0 gmx: RCPT: 550"),
        ("data", "554 5.6.0 No", "5.6.0 gmx: DATA: 554"),
        ("final", "554 5.7.1 Spam", "5.7.1 gmx: end of message: 554"),
    ];
    for (stage, reply, begins) in rows {
        let site = Site::new();
        site.rules(&[&format!("reply={stage}:{reply}")]);
        site.relay_annas(MESSAGE).is(69, begins);
        assert_eq!(site.messages().len(), 0);
    }
}

#[test]
fn after_login_a_4yz_and_our_own_protocol_faults_keep_the_message() {
    for stage in ["mail", "rcpt", "data", "final"] {
        for reply in
            ["421 Closing", "450 Later", "452 Too many", "500 What", "502 Not done", "503 Order", "504 No", "555 No"]
        {
            let site = Site::new();
            site.rules(&[&format!("reply={stage}:{reply}")]);
            site.relay_annas(MESSAGE).is(75, "4.");
        }
    }
}

#[test]
fn the_used_up_limit_of_gmx_keeps_the_message_whatever_its_code_says() {
    let site = Site::new();
    site.rules(&["quota"]);
    site.relay_annas(MESSAGE).is(75, "4.").says(&["Try again later"]);
}

#[test]
fn a_connection_that_ends_or_falls_silent_at_any_stage_keeps_the_message() {
    for what in ["drop-after", "drop-reply", "silent-at"] {
        for stage in ["connect", "tls", "banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "final"] {
            if (what, stage) == ("drop-after", "final") || (what != "drop-after" && stage == "connect") {
                continue;
            }
            let site = Site::new();
            site.config(IMPATIENT);
            site.rules(&[&format!("{what}={stage}")]);
            let ended = site.relay_annas(MESSAGE);
            assert_eq!(ended.code, Some(75), "{what} {stage}: {ended:?}");
            ended.is(75, "4.");
        }
    }
}

#[test]
fn a_reply_that_gets_lost_after_the_message_is_unknown_and_kept() {
    let site = Site::new();
    site.rules(&["drop-reply=final"]);
    site.relay_annas(MESSAGE).is(75, "4.4.2 ");
    assert_eq!(site.messages().len(), 1, "the provider has it: this is the one case of a possible double");
}

#[test]
fn a_delivered_message_stays_delivered_when_the_provider_goes_at_once() {
    let site = Site::new();
    site.rules(&["drop-after=final"]);
    site.relay_annas(MESSAGE).is(0, "");
}

#[test]
fn a_provider_that_is_down_keeps_the_message() {
    let mut site = Site::new();
    site.stop_provider();
    site.relay_annas(MESSAGE).is(75, "4.4.").says(&["gmx"]);
}

#[test]
fn no_password_goes_out_unless_tls_is_there_and_verified() {
    let site = Site::new();
    let login = |site: &Site| site.relay_annas(MESSAGE);
    site.rules(&["no-starttls"]);
    login(&site).is(75, "4.7.");
    site.rules(&["starttls-injection"]);
    login(&site).is(75, "4.");
    site.rules(&["none"]);
    std::fs::write(site.path().join("ca.pem"), other_ca()).unwrap();
    login(&site).is(75, "4.7.5 ");
    std::fs::write(site.path().join("ca.pem"), site.sandbox().ca_pem()).unwrap();
    let text = site.account_text(TlsMode::StartTls, "users: [anna]\n");
    // The certificate is good for 127.0.0.1 and localhost, not for 127.0.0.2.
    site.raw_account("anna@gmx.de", text.replace("localhost", "localhost.localdomain"));
    assert_eq!(login(&site).code, Some(75));
    let counters = site.counters();
    assert_eq!((counters.logins, counters.refused_logins), (0, 0));
    assert_eq!(site.sandbox().faults(), Vec::<String>::new(), "AUTH without TLS is a fault");
}

fn other_ca() -> String {
    Site::new().sandbox().ca_pem().to_owned()
}

#[test]
fn implicit_tls_works_as_starttls_does() {
    let site = Site::new();
    site.raw_account("anna@gmx.de", site.account_text(TlsMode::Implicit, "users: [anna]\n"));
    site.relay_annas(MESSAGE).is(0, "");
    assert!(site.messages()[0].tls.as_deref().is_some_and(|version| version.starts_with("TLSv1")));
}

#[test]
fn several_recipients_of_one_call_get_the_message_together_or_not_at_all() {
    let site = Site::new();
    let arguments = ["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example", "c@x.example"];
    site.relay(&arguments, MESSAGE).is(0, "");
    let recipients: Vec<_> = site.messages()[0].recipients.iter().map(|to| to.address.clone()).collect();
    assert_eq!(recipients, ["b@x.example", "c@x.example"]);
    site.rules(&["refuse-recipient=c@x.example"]);
    site.relay(&arguments, MESSAGE).is(75, "4.5.3 ").says(&["c@x.example", "limit"]);
    assert_eq!(site.messages().len(), 1, "nothing goes out to the others");
    site.rules(&["reply=rcpt:550 No such user"]);
    let none = site.relay(&arguments, MESSAGE);
    assert!(matches!(none.code, Some(69 | 75)), "{none:?}");
    assert_eq!(site.messages().len(), 1);
}

#[test]
fn a_message_over_the_servers_size_fails_before_its_body_is_sent() {
    let site = Site::new();
    site.rules(&["size=1000"]);
    let ended = site.relay_annas(format!("{MESSAGE}{}", "x\n".repeat(2000)));
    ended.is(69, "5.3.4 ");
    assert_eq!(site.counters().transactions, 0);
}
