//! What is refused stays closed, costs no connection, and opens again.

use super::{Days, line};
use crate::site::{PASSWORD, Site};
use sendvia::sandbox::TlsMode;
use sendvia::state::{Kind, Ledger};
use sendvia::submission::Recipients;
use sendvia::verdict::Outcome;

const MINUTE: u64 = 60;

fn closed_kinds(days: &Days) -> Vec<(Kind, String)> {
    let closures = days.state().closures().unwrap();
    closures.into_iter().map(|closure| (closure.subject.kind, closure.meaning)).collect()
}

#[test]
fn a_refused_password_is_not_tried_again_until_it_changed() {
    let days = Days::new();
    let text = days.site.account_text(TlsMode::StartTls, "users: [anna]\n");
    days.site.raw_account("anna@gmx.de", text.replace(PASSWORD, "falsch-4711"));
    let first = days.annas("1");
    assert!(first.starts_with("4.7.") && first.contains("[credentials-refused]"), "{first}");
    for queue_id in ["2", "3", "4"] {
        let line = days.annas(queue_id);
        assert!(line.starts_with("4.7.0 login of anna@gmx.de is closed until 20"), "{line}");
        assert!(line.ends_with("[credentials-refused]"), "{line}");
    }
    assert_eq!(days.site.counters().connections, 1);
    days.site.raw_account("anna@gmx.de", text);
    assert!(days.annas("2").starts_with("2."));
    assert_eq!(closed_kinds(&days), []);
}

#[test]
fn the_pause_of_a_password_that_stays_wrong_doubles() {
    let days = Days::new();
    days.site.rules(&["wrong-password"]);
    for (wait, connections) in [(0, 1), (299, 1), (1, 2), (599, 2), (1, 3), (1200, 4)] {
        days.advance(wait);
        days.annas("1");
        assert_eq!(days.site.counters().connections, connections, "after {wait} s");
    }
    days.site.rules(&[]);
    days.advance(40 * MINUTE);
    assert!(days.annas("1").starts_with("2."));
    assert_eq!(closed_kinds(&days), []);
}

#[test]
fn a_refused_address_closes_the_route_for_all_accounts_of_the_provider() {
    let days = Days::new();
    days.site.account("berta@gmx.de", "users: [anna]\nheader_from: rewrite\n");
    days.site.rules(&["block-list"]);
    assert!(days.annas("1").contains("[host-refused]"));
    let bertas = days.deliver("berta@gmx.de", "2", &["b@x.example"], Recipients::AllOrNone);
    assert!(line(&bertas).starts_with("4.7.0 route direct to gmx is closed until "), "{bertas:?}");
    assert_eq!(days.site.counters().connections, 1);
    assert_eq!(closed_kinds(&days), [(Kind::Route, "host-refused".to_owned())]);
    days.site.rules(&[]);
    days.advance(5 * MINUTE);
    let bertas = days.deliver("berta@gmx.de", "2", &["b@x.example"], Recipients::AllOrNone);
    assert!(matches!(bertas.outcomes.as_slice(), [Outcome::Sent { .. }]), "{bertas:?}");
    assert_eq!(closed_kinds(&days), []);
}

#[test]
fn a_used_up_quota_closes_its_account_and_no_other() {
    let days = Days::new();
    days.site.account("berta@gmx.de", "users: [anna]\nheader_from: rewrite\n");
    days.site.rules(&["quota=0"]);
    assert!(days.annas("1").contains("[quota-exceeded]"));
    let second = days.annas("2");
    assert!(second.starts_with("4.7.0 account anna@gmx.de is closed until "), "{second}");
    assert_eq!(days.site.counters().connections, 1);
    days.site.rules(&[]);
    let bertas = days.deliver("berta@gmx.de", "3", &["b@x.example"], Recipients::AllOrNone);
    assert!(line(&bertas).starts_with("2."), "{bertas:?}");
    days.advance(10 * MINUTE);
    assert!(days.annas("1").starts_with("2."));
    assert_eq!(closed_kinds(&days), []);
}

#[test]
fn a_login_does_not_open_what_the_message_closes_again() {
    let days = Days::new();
    days.site.rules(&["quota=0"]);
    days.annas("1");
    days.advance(10 * MINUTE);
    days.annas("1");
    let closures = days.state().closures().unwrap();
    assert_eq!(closures.iter().map(|closure| closure.failures).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_probe_that_learned_nothing_leaves_it_to_the_next() {
    let mut days = Days::new();
    days.site.rules(&["wrong-password"]);
    days.annas("1");
    days.advance(5 * MINUTE);
    days.site.rules(&["drop-after=banner"]);
    let lost = days.annas("1");
    assert!(lost.starts_with("4.4.2"), "{lost}");
    days.site.rules(&[]);
    assert!(days.annas("1").starts_with("2."), "no pause follows from a lost connection");
    days.site.stop_provider();
    assert!(days.annas("2").starts_with("4.4.2"));
}

#[test]
fn what_is_about_one_message_closes_nothing() {
    let days = Days::new();
    let rows = [
        ("refuse-recipient=b@x.example", "5."),
        ("reply=final:554 5.7.1 message looks like spam", "5."),
        ("reply=final:550 5.7.26 This mail has been blocked because the sender is unauthenticated", "5."),
        ("reply=mail:451 4.3.0 try again later", "4."),
        ("reply=banner:421 too busy", "4."),
    ];
    for (index, (rule, status)) in rows.iter().enumerate() {
        days.site.rules(&[rule]);
        let line = days.annas(&index.to_string());
        assert!(line.starts_with(status), "{rule}: {line}");
        assert_eq!(closed_kinds(&days), [], "{rule}");
    }
}

#[test]
fn a_site_without_a_usable_state_tries_every_time() {
    let days = Days::at(Site::with(|options| options.rules.clear()));
    std::fs::write(days.site.path().join("state"), "").unwrap();
    days.site.rules(&["wrong-password"]);
    days.annas("1");
    days.annas("1");
    assert_eq!(days.site.counters().connections, 2);
}
