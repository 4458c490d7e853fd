//! Limits are kept to before the provider says so.

use super::Days;
use sendvia::state::{Caps, Ledger};
use sendvia::submission::Recipients;
use std::collections::{BTreeMap, BTreeSet};

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

#[test]
fn a_thousand_who_wait_do_not_come_back_in_the_same_second() {
    let days = Days::new();
    let state = days.state();
    let rows = [
        Caps { messages_per_minute: Some(1), ..Caps::default() },
        Caps { messages_per_hour: Some(100), ..Caps::default() },
        Caps { recipients_per_day: Some(500), ..Caps::default() },
    ];
    for (row, caps) in rows.iter().enumerate() {
        let account = format!("{row}@gmx.de");
        let wanted = if caps.recipients_per_day.is_some() { 500 } else { 1 };
        while state.reserve(&account, caps, wanted).unwrap().is_ok() {}
        let mut told: BTreeMap<i64, u64> = BTreeMap::new();
        for _ in 0..1000 {
            *told.entry(state.reserve(&account, caps, 1).unwrap().unwrap_err().room_at.0).or_default() += 1;
        }
        assert!(told.values().all(|count| *count <= 20), "{row}: {told:?}");
    }
    let lease = std::time::Duration::from_secs(600);
    state.enter_session("anna@gmx.de", 1, lease).unwrap().unwrap();
    let mut told = BTreeSet::new();
    for _ in 0..1000 {
        told.insert(state.enter_session("anna@gmx.de", 1, lease).unwrap().unwrap_err().room_at);
    }
    assert_eq!(told.len(), 1000);
}

#[test]
fn more_recipients_than_the_provider_takes_with_one_message_go_with_several() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {recipients_per_message: 2}\n");
    days.site.rules(&["recipient-limit=2"]);
    let five = ["a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"];
    let report = days.deliver("anna@gmx.de", "1", &five, Recipients::AllOrNone);
    let said = super::line(&report);
    let expected = "4.5.3 nothing was sent, because gmx takes 2 recipients with one message and this has 5: ";
    assert!(said.starts_with(expected) && said.ends_with("set the transport's recipient limit to 1"), "{said}");
    assert_eq!(days.site.counters().connections, 0);

    let report = days.deliver("anna@gmx.de", "1", &five, Recipients::PerRecipient);
    let sent = report.outcomes.iter().map(|outcome| sendvia::verdict::Verdict::from(outcome).status.to_string());
    assert!(sent.clone().all(|status| status.starts_with("2.")), "{report:?}");
    let parts: Vec<usize> = days.site.messages().iter().map(|kept| kept.recipients.len()).collect();
    assert_eq!((parts, sent.count()), (vec![2, 2, 1], 5));
    let today = days.state().today().unwrap();
    assert_eq!(today.iter().map(|today| (today.messages, today.recipients)).collect::<Vec<_>>(), [(3, 5)]);
}

#[test]
fn what_keeps_one_part_from_the_provider_keeps_the_ones_behind_it() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {recipients_per_message: 1, messages_per_hour: 2}\n");
    let three = ["a@x.example", "b@x.example", "c@x.example"];
    let report = days.deliver("anna@gmx.de", "1", &three, Recipients::PerRecipient);
    let lines: Vec<String> =
        report.outcomes.iter().map(|one| sendvia::verdict::Verdict::from(one).pipe_line()).collect();
    assert!(
        lines[0].starts_with("2.") && lines[1].starts_with("2.") && lines[2].contains("2 messages per hour"),
        "{lines:?}"
    );
    days.advance(3600);
    days.deliver("anna@gmx.de", "1", &three, Recipients::PerRecipient);
    assert_eq!(days.site.messages().len(), 3, "the first two are journalled");
}

#[test]
fn a_message_over_the_accounts_limit_of_octets_is_given_back_before_any_connection() {
    let days = Days::new();
    days.site.account("anna@gmx.de", "users: [anna]\nlimits: {message_octets: 50}\n");
    let line = days.annas("1");
    assert!(line.starts_with("5.3.4 gmx: the message has ") && line.ends_with("takes at most 50"), "{line}");
    assert_eq!(days.site.counters().connections, 0);
}
