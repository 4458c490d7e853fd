//! What Exim's pipe transport passes by `contrib/exim`, and which senders its router takes.

use super::{KEEP, MESSAGE};
use crate::support::exim::Exim;
use crate::support::lab::Lab;
use crate::support::mta::Mta;
use crate::support::sink::Sink;

const ANNA: &str = "anna@gmx.example";
const BOB: &str = "bob@example.org";

#[test]
fn login_message_id_and_envelope_are_passed() {
    let (lab, mta, _) = set_up(&[ANNA]);
    let id = mta.submit("anna", ANNA, &[BOB], MESSAGE);
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    assert_eq!(lab.read("given/args"), "[relay][--bsmtp]");
    let environment = lab.read("given/env");
    for line in ["SENDVIA_USER=anna", &format!("MESSAGE_ID={id}"), &format!("SENDER={ANNA}")] {
        assert!(environment.lines().any(|found| found == line), "no {line} in {environment}");
    }
    let given = lab.read("given/message");
    let head = format!("MAIL FROM:<{ANNA}>\nRCPT TO:<{BOB}>\nDATA\nReceived: from [127.0.0.1]");
    assert!(given.starts_with(&head), "{given}");
    assert!(given.ends_with("\n\n..dot\nFrom here\n.\n"), "{given}");
}

#[test]
fn a_login_cannot_set_other_variables() {
    let (lab, mta, _) = set_up(&[ANNA]);
    for login in ["anna:LD_PRELOAD=/tmp/evil.so", "anna\nLD_PRELOAD=/tmp/evil.so", " <; anna;LD_PRELOAD=/tmp/evil.so"] {
        let id = mta.submit(login, ANNA, &[BOB], MESSAGE);
        assert_eq!(mta.outcome(&id, BOB).word(), "sent");
        let environment = lab.read("given/env");
        assert!(!environment.lines().any(|line| line.starts_with("LD_PRELOAD")), "{environment}");
        assert!(!environment.lines().any(|line| line == "SENDVIA_USER=anna"), "{environment}");
    }
}

#[test]
fn a_local_user_is_no_login() {
    let (lab, mta, _) = set_up(&[ANNA]);
    mta.sendmail(ANNA, BOB, MESSAGE);
    mta.log().wait_for("delivery", |line| line.contains("T=sendvia"));
    let environment = lab.read("given/env");
    assert!(environment.lines().any(|line| line == "SENDVIA_USER="), "{environment}");
}

#[test]
fn only_senders_with_an_account_are_taken() {
    let (lab, mta, world) = set_up(&[ANNA, "@example.net", "%2drf@gmx.example", "x%2fy%25@gmx.example"]);
    for sender in [
        "anna@gmx.example",
        "Anna@GMX.example",
        "anna+shop@gmx.example",
        "any/body@example.net",
        "-rf@gmx.example",
        "x/y%@gmx.example",
    ] {
        let id = mta.submit("anna", sender, &[BOB], MESSAGE);
        assert!(mta.outcome(&id, BOB).text().contains("T=sendvia"), "{sender} has an account");
    }
    let long = format!("{}@gmx.example", "x".repeat(240));
    let others = ["other@gmx.example", "", "../anna@gmx.example", "a/b@gmx.example", "@example.net@gmx.example", &long];
    for (number, sender) in others.iter().filter(|sender| !sender.starts_with('@')).enumerate() {
        let id = mta.submit("anna", sender, &[BOB], MESSAGE);
        assert!(mta.outcome(&id, BOB).text().contains("T=world"), "{sender} has no account");
        assert_eq!(world.wait_for(number + 1).sender, **sender);
    }
    drop(lab);
}

#[test]
fn every_recipient_has_a_command_of_its_own() {
    let (lab, mta, _) = set_up(&[ANNA]);
    lab.stand_in("printf '%s\\n' \"$RECIPIENT\" >>$GIVEN/args; cat >/dev/null");
    let id = mta.submit("anna", ANNA, &[BOB, "eve@example.org"], MESSAGE);
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    assert_eq!(mta.outcome(&id, "eve@example.org").word(), "sent");
    let text = lab.read("given/args");
    let mut calls: Vec<&str> = text.lines().collect();
    calls.sort_unstable();
    assert_eq!(calls, [BOB, "eve@example.org"]);
}

/// An Exim whose sendvia keeps what it is given, with the `accounts`.
fn set_up(accounts: &[&str]) -> (Lab, Exim, Sink) {
    let lab = Lab::new();
    lab.stand_in(KEEP);
    for account in accounts {
        lab.account(account, "");
    }
    let world = Sink::start();
    let mta = Exim::with_contrib(&lab, world.address());
    (lab, mta, world)
}
