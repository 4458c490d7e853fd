//! The whole way of a message, each scenario by both MTAs to the sandbox and to real submission servers: what the MTA did
//! with it, what it told the sender, and what arrived.
//!
//! A way is started once and serves all scenarios, one after the other: starting two servers takes longer than all that
//! is asked of them. Each scenario has a message of its own, told by its Message-ID.

mod scenarios;

use crate::support::lab::Lab;
use crate::support::provider::{ANNA, Provider};
use crate::support::real::{DovecotProvider, PostfixProvider};
use crate::support::sandbox::SandboxProvider;
use crate::support::way::{Kind, Way};
use scenarios::{BOB, SCENARIOS, message};

#[test]
fn from_postfix_to_the_sandbox() {
    try_all(Kind::Postfix, SandboxProvider::start);
}

#[test]
fn from_postfix_to_postfix() {
    try_all(Kind::Postfix, PostfixProvider::start);
}

#[test]
fn from_postfix_to_dovecot() {
    try_all(Kind::Postfix, DovecotProvider::start);
}

#[test]
fn from_exim_to_the_sandbox() {
    try_all(Kind::Exim, SandboxProvider::start);
}

#[test]
fn from_exim_to_postfix() {
    try_all(Kind::Exim, PostfixProvider::start);
}

#[test]
fn from_exim_to_dovecot() {
    try_all(Kind::Exim, DovecotProvider::start);
}

fn try_all<P: Provider + 'static>(kind: Kind, start: fn(&Lab) -> P) {
    let mut way = Way::new(kind, &["@gmx.example"], start);
    for (name, scenario) in SCENARIOS {
        println!("{name}");
        way.configure("");
        way.account(ANNA, "");
        scenario(&mut way);
    }
}

/// Postfix hands mail of the null sender to sendvia where its map says so. GMX gets the account's address in its place, by
/// its preset.
#[test]
fn mail_of_the_null_sender_is_kept_until_the_configuration_names_an_account() {
    null_sender(&Way::new(Kind::Postfix, &["<>"], SandboxProvider::start), ANNA);
    null_sender(&Way::new(Kind::Postfix, &["<>"], PostfixProvider::start), "");
    null_sender(&Way::new(Kind::Postfix, &["<>"], DovecotProvider::start), "");
}

fn null_sender(way: &Way, sender_there: &str) {
    let message = message("null-sender", "anna@gmx.example");
    way.account(ANNA, "");
    let id = way.submit("anna", "", &[BOB], &message);
    way.is_kept(&id, BOB, "<null-sender@", "4.");
    way.configure(&format!("null_sender: {{via: {ANNA}}}\n"));
    let id = way.submit("anna", "", &[BOB], &message);
    way.has_arrived(&id, BOB, "<null-sender@gmx.example>", sender_there, &message);
}

/// Exim's router asks for the sender's account, which the null sender has not.
#[test]
fn exim_sends_mail_of_the_null_sender_the_usual_way() {
    let way = Way::new(Kind::Exim, &[], SandboxProvider::start);
    way.account(ANNA, "");
    way.configure(&format!("null_sender: {{via: {ANNA}}}\n"));
    let message = message("null-sender", ANNA);
    let id = way.submit("anna", "", &[BOB], &message);
    assert!(way.mta.outcome(&id, BOB).text().contains("T=world"));
    assert_eq!(way.world.wait_for(1).sender, "");
    way.has_not_arrived("<null-sender@");
}
