//! What pipe(8) passes by `contrib/postfix`.

use super::{KEEP, MESSAGE};
use crate::support::lab::Lab;
use crate::support::mta::Mta;
use crate::support::postfix::Postfix;
use crate::support::sink::Sink;

const ANNA: &str = "anna@gmx.example";
const BOB: &str = "bob@example.org";

#[test]
fn login_queue_id_and_envelope_are_passed() {
    let (lab, mta, id) = submitted("anna", ANNA, BOB);
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    let expected = format!("[relay][--user=anna][--queue-id={id}][-f][{ANNA}][--][{BOB}]");
    assert_eq!(lab.read("given/args"), expected);
    let message = lab.read("given/message");
    assert!(message.starts_with("Received: from laptop.example"), "{message}");
    assert!(message.ends_with("\n\n.dot\nFrom here\n"), "{message}");
}

#[test]
fn mail_without_a_login_has_an_empty_user() {
    let (lab, mta) = set_up(&[ANNA], "");
    mta.sendmail(ANNA, BOB, MESSAGE);
    mta.log().wait_for("delivery", |line| line.contains("status=sent"));
    assert!(lab.read("given/args").starts_with("[relay][--user=][--queue-id="), "{}", lab.read("given/args"));
}

#[test]
fn the_null_sender_is_an_empty_argument() {
    let (lab, mta) = set_up(&["<>"], "");
    let id = mta.submit("anna", "", &[BOB], MESSAGE);
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    assert!(lab.read("given/args").ends_with(&format!("[-f][][--][{BOB}]")), "{}", lab.read("given/args"));
}

#[test]
fn an_address_that_begins_with_a_hyphen_stays_an_address() {
    let (sender, recipient) = ("-oQ@gmx.example", "-rf@example.org");
    let (lab, mta) = set_up(&[sender], "allow_min_user = yes");
    let id = mta.submit("anna", sender, &[recipient], MESSAGE);
    assert_eq!(mta.outcome(&id, recipient).word(), "sent");
    assert!(
        lab.read("given/args").ends_with(&format!("[-f][{sender}][--][{recipient}]")),
        "{}",
        lab.read("given/args")
    );
}

#[test]
fn a_local_part_with_blanks_is_quoted() {
    let sender = "\"anna smith\"@gmx.example";
    let (lab, mta) = set_up(&["@gmx.example"], "");
    let id = mta.submit("anna", sender, &["\"b ob\"@example.org"], MESSAGE);
    mta.log().wait_for("delivery", |line| line.contains(&id) && line.contains("status=sent"));
    assert!(
        lab.read("given/args").ends_with(&format!("[-f][{sender}][--][\"b ob\"@example.org]")),
        "{}",
        lab.read("given/args")
    );
}

#[test]
fn every_recipient_has_a_command_of_its_own() {
    let (lab, mta) = set_up(&[ANNA], "");
    lab.stand_in("printf '%s\\n' \"$*\" >>$GIVEN/args; cat >/dev/null");
    let id = mta.submit("anna", ANNA, &[BOB, "eve@example.org"], MESSAGE);
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    assert_eq!(mta.outcome(&id, "eve@example.org").word(), "sent");
    let mut calls: Vec<String> =
        lab.read("given/args").lines().map(|line| line.rsplit(" -- ").next().unwrap_or("").to_owned()).collect();
    calls.sort();
    assert_eq!(calls, [BOB, "eve@example.org"]);
}

#[test]
fn a_sender_who_is_not_in_the_map_goes_the_usual_way() {
    let lab = Lab::new();
    lab.stand_in(KEEP);
    let world = Sink::start();
    let mta = Postfix::with_contrib(&lab, &[ANNA], world.address());
    let id = mta.submit("anna", "other@gmx.example", &[BOB], MESSAGE);
    assert_eq!(world.wait_for(1).sender, "other@gmx.example");
    assert_eq!(mta.outcome(&id, BOB).word(), "sent");
    assert!(!lab.path("given/args").exists());
}

#[test]
fn a_subaddress_of_a_sender_in_the_map_goes_the_usual_way() {
    let lab = Lab::new();
    lab.stand_in(KEEP);
    let world = Sink::start();
    let mta = Postfix::with_contrib(&lab, &[ANNA], world.address());
    mta.submit("anna", "anna+shop@gmx.example", &[BOB], MESSAGE);
    assert_eq!(world.wait_for(1).sender, "anna+shop@gmx.example");
}

/// Why `contrib/postfix` does without it.
#[test]
fn a_macro_that_postfix_does_not_know_defers() {
    let lab = Lab::new();
    lab.stand_in(KEEP);
    let known = "--queue-id=${queue_id}";
    let mta = Postfix::with_contrib_where(&lab, &[ANNA], Sink::start().address(), (known, "--envid=${envid}"));
    let id = mta.submit("anna", ANNA, &[BOB], MESSAGE);
    assert_eq!(mta.outcome(&id, BOB).word(), "deferred");
    assert!(mta.log().text().contains("unknown macro"), "{}", mta.log().text());
}

/// A Postfix whose sendvia keeps what it is given.
fn set_up(senders: &[&str], more: &str) -> (Lab, Postfix) {
    let lab = Lab::new();
    lab.stand_in(KEEP);
    let mta = Postfix::with_contrib_and(&lab, senders, Sink::start().address(), more);
    (lab, mta)
}

fn submitted(login: &str, sender: &str, recipient: &str) -> (Lab, Postfix, String) {
    let (lab, mta) = set_up(&[sender], "");
    let id = mta.submit(login, sender, &[recipient], MESSAGE);
    (lab, mta, id)
}
