//! Limits are kept to before the provider says so.

use super::Days;
use sendvia::state::Ledger;
use std::collections::BTreeSet;

#[test]
fn over_the_limit_a_message_waits_without_a_connection_until_there_is_room() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {messages_per_hour: 2}\n");
    assert!(days.annas("1").starts_with("2."));
    assert!(days.annas("2").starts_with("2."));
    let third = days.annas("3");
    assert!(third.starts_with("4.7.0 account anna@gmx.de is closed until "), "{third}");
    assert!(third.ends_with("its limit of 2 messages per hour is reached"), "{third}");
    assert_eq!(days.site.counters().connections, 2);
    days.advance(3600);
    assert!(days.annas("3").starts_with("2."));
}

#[test]
fn those_who_wait_are_told_different_times() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {messages_per_hour: 1}\n");
    days.annas("0");
    let told: BTreeSet<String> = (1..=20).map(|id| days.annas(&id.to_string())).collect();
    assert!(told.len() > 1, "{told:?}");
}

#[test]
fn the_configurations_limits_stand_before_the_providers_and_the_accounts_before_both() {
    let days = Days::new();
    days.site.config("limits: {messages_per_hour: 1}\n");
    assert!(days.annas("1").starts_with("2."));
    assert!(days.annas("2").contains("1 messages per hour"));
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {messages_per_hour: 2}\n");
    assert!(days.annas("2").starts_with("2."));
}

#[test]
fn what_the_provider_did_not_take_is_not_counted() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {messages_per_hour: 1, sessions: 1}\n");
    days.site.rules(&["reply=final:451 4.3.0 not now"]);
    days.annas("1");
    days.annas("1");
    days.site.rules(&[]);
    assert!(days.annas("1").starts_with("2."));
    let today = days.state().today().unwrap();
    assert_eq!(today.iter().map(|today| (today.messages, today.logins)).collect::<Vec<_>>(), [(1, 3)]);
}

#[test]
fn one_login_too_many_within_a_minute_waits() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {logins_per_minute: 1}\n");
    assert!(days.annas("1").starts_with("2."));
    assert!(days.annas("2").contains("1 logins per minute"));
    assert_eq!(days.site.counters().connections, 1);
    days.advance(120);
    assert!(days.annas("2").starts_with("2."));
}
