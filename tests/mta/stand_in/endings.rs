//! What each MTA, set up by `contrib/`, makes of the ways in which the command can end.

use super::{KEEP, MESSAGE};
use crate::support::exim::Exim;
use crate::support::lab::Lab;
use crate::support::mta::{Mta, Outcome};
use crate::support::postfix::Postfix;
use crate::support::sink::Sink;

const ANNA: &str = "anna@gmx.example";

/// Ends as the recipient's local-part says: `69-4.3.0` is exit status 69 after a line that begins with `4.3.0`.
const END: &str = r#"for to; do :; done
to=${RECIPIENT:-$to}; how=${to%@*}; status=${how%%-*}
cat >/dev/null
echo "${how#*-} as the provider put it"
case $status in
    kill) kill -9 $$ ;;
    sleep) exec sleep 60 ;;
    *) exit $status ;;
esac"#;

#[test]
fn postfix_takes_the_ends_of_a_command_as_documented() {
    let lab = Lab::new();
    lab.stand_in(END);
    let world = Sink::start();
    let mta = Postfix::with_contrib(&lab, &[ANNA], world.address());
    let table = [
        ("0-x", "sent"),
        ("75-x", "deferred"),
        ("69-x", "bounced"),
        ("71-x", "deferred"),
        ("73-x", "bounced"),
        ("64-x", "bounced"),
        ("70-x", "bounced"),
        ("74-x", "bounced"),
        ("77-x", "bounced"),
        ("78-x", "bounced"),
        ("2-x", "bounced"),
        ("101-x", "bounced"),
        ("127-x", "bounced"),
        ("kill-x", "deferred"),
        ("75-5.1.1", "bounced"),
        ("69-4.3.0", "deferred"),
    ];
    try_all(&mta, &table);
    let bounces: String = (1..=11).map(|number| world.wait_for(number).text()).collect();
    assert!(bounces.contains("Status: 5.1.1") && bounces.contains("as the provider put it"), "{bounces}");
}

#[test]
fn exim_bounces_on_69_alone() {
    let lab = Lab::new();
    lab.stand_in(END);
    lab.account(ANNA, "");
    let world = Sink::start();
    let mta = Exim::with_contrib(&lab, world.address());
    let mut table = vec![("0-x", "sent"), ("69-5.1.1", "bounced"), ("75-4.3.0", "deferred")];
    let others = ["1-x", "2-x", "64-x", "70-x", "71-x", "73-x", "74-x", "77-x", "78-x", "101-x", "127-x", "kill-x"];
    table.extend(others.map(|other| (other, "deferred")));
    try_all(&mta, &table);
    assert!(world.wait_for(1).text().contains("5.1.1 as the provider put it"), "{}", world.wait_for(1).text());
    mta.log().wait_for("the text of a deferral", |line| line.contains("4.3.0 as the provider put it"));
    mta.log().wait_for("a frozen message", |line| line.contains("Frozen"));
    assert_eq!(world.arrived().len(), 1);
}

#[test]
fn a_missing_binary_defers() {
    let lab = Lab::new();
    lab.account(ANNA, "");
    std::fs::remove_file(lab.path("sendvia")).expect("installed");
    let world = Sink::start();
    let postfix = Postfix::with_contrib(&lab, &[ANNA], world.address());
    let exim = Exim::with_contrib(&lab, world.address());
    try_all(&postfix, &[("bob", "deferred")]);
    try_all(&exim, &[("bob", "deferred")]);
    assert!(!exim.log().text().contains("Frozen"), "{}", exim.log().text());
}

#[test]
fn the_time_limit_bounces_in_postfix_and_defers_in_exim() {
    let lab = Lab::new();
    lab.stand_in(END);
    lab.account(ANNA, "");
    let world = Sink::start();
    let postfix = Postfix::with_contrib_and(&lab, &[ANNA], world.address(), "sendvia_time_limit = 1s");
    let exim = Exim::with_contrib_where(&lab, world.address(), &[("timeout = 30m", "timeout = 1s")]);
    try_all(&postfix, &[("sleep-x", "bounced")]);
    try_all(&exim, &[("sleep-x", "deferred")]);
}

#[test]
fn a_deferred_message_leaves_with_a_later_try() {
    let lab = Lab::new();
    lab.stand_in(END);
    lab.account(ANNA, "");
    let world = Sink::start();
    let postfix = Postfix::with_contrib(&lab, &[ANNA], world.address());
    let exim = Exim::with_contrib(&lab, world.address());
    let sent = "75-x@example.org";
    let ids = [&postfix as &dyn Mta, &exim].map(|mta| {
        let id = mta.submit("anna", ANNA, &[sent], MESSAGE);
        assert_eq!(mta.outcome(&id, sent).word(), "deferred");
        assert_eq!(mta.queue(), std::slice::from_ref(&id));
        id
    });
    lab.stand_in(KEEP);
    postfix.flush();
    postfix.log().wait_for("removal", |line| line.contains(&format!("{}: removed", ids[0])));
    exim.flush();
    exim.log().wait_for("completion", |line| line.contains(&format!("{} Completed", ids[1])));
    assert!(postfix.queue().is_empty() && exim.queue().is_empty());
}

#[test]
fn a_sender_whose_mail_is_deferred_does_not_hold_up_another() {
    let lab = Lab::new();
    lab.stand_in("case \"$* $SENDER\" in *anna@*) cat >/dev/null; echo later; exit 75;; esac; cat >/dev/null");
    let carl = "carl@gmx.example";
    for account in [ANNA, carl] {
        lab.account(account, "");
    }
    let world = Sink::start();
    let postfix = Postfix::with_contrib(&lab, &[ANNA, carl], world.address());
    let exim = Exim::with_contrib(&lab, world.address());
    let bob = "bob@example.org";
    for mta in [&postfix as &dyn Mta, &exim] {
        for _ in 0..12 {
            let id = mta.submit("anna", ANNA, &[bob], MESSAGE);
            assert_eq!(mta.outcome(&id, bob).word(), "deferred");
        }
        let id = mta.submit("carl", carl, &[bob], MESSAGE);
        assert_eq!(mta.outcome(&id, bob).word(), "sent", "{}", mta.log().text());
    }
}

#[test]
fn a_message_frozen_by_a_signal_is_thawed_and_tried_again() {
    let lab = Lab::new();
    lab.stand_in(END);
    lab.account(ANNA, "");
    let mta = Exim::with_contrib_where(&lab, Sink::start().address(), &[("auto_thaw = 1h", "auto_thaw = 1s")]);
    let id = mta.submit("anna", ANNA, &["kill-x@example.org"], MESSAGE);
    mta.log().wait_for("frozen message", |line| line.contains(&format!("{id} Frozen")));
    lab.stand_in(KEEP);
    while !mta.log().text().contains(&format!("{id} Completed")) {
        mta.run_queue();
    }
}

/// Sends one message for each row and compares what the MTA made of it.
fn try_all(mta: &dyn Mta, table: &[(&str, &str)]) {
    let rows: Vec<(String, String, &str)> = table
        .iter()
        .map(|(local_part, expected)| {
            let recipient = format!("{local_part}@example.org");
            (mta.submit("anna", ANNA, &[&recipient], MESSAGE), recipient, *expected)
        })
        .collect();
    let wrong: Vec<String> = rows
        .iter()
        .map(|(id, recipient, expected)| (mta.outcome(id, recipient), recipient, *expected))
        .filter(|(outcome, _, expected): &(Outcome, _, _)| outcome.word() != *expected)
        .map(|(outcome, recipient, expected)| format!("{recipient}: {outcome:?}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), mta.log().text());
}

/// Not what one would wish for, hence the advice in the guide: Exim's retry times belong to the recipient's address,
/// so a fresh message of one sender is given up because another's has failed for long enough.
#[test]
fn exim_counts_the_retry_time_of_a_recipient_over_all_senders() {
    let lab = Lab::new();
    lab.stand_in("cat >/dev/null; echo later; exit 75");
    let (carl, bob) = ("carl@gmx.example", "bob@example.org");
    for account in [ANNA, carl] {
        lab.account(account, "");
    }
    let short = [("* * F,2h,15m; G,16h,1h,1.5; F,4d,6h", "* * F,1s,1s")];
    let exim = Exim::with_contrib_where(&lab, Sink::start().address(), &short);
    let first = exim.submit("anna", ANNA, &[bob], MESSAGE);
    assert_eq!(exim.outcome(&first, bob).word(), "deferred");
    let gave_up = |line: &str| line.contains("retry timeout exceeded") && !line.contains(&first);
    while !exim.log().text().lines().any(gave_up) {
        let id = exim.submit("carl", carl, &[bob], MESSAGE);
        assert_eq!(exim.outcome(&id, bob).word(), "deferred");
    }
}
