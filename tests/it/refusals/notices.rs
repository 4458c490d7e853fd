//! People are told once, by another account.

use super::Days;
use crate::site::{PASSWORD, field};
use sendvia::sandbox::TlsMode;
use sendvia::submission::Recipients;
use std::fs;

const NOTIFY: &str = "notify: {to: admin@haus.example, owner: true, via: mta@haus.example}\n";

/// The account that sends notices, with a login of its own.
fn with_messenger(days: &Days, notify: &str) {
    days.site.config(notify);
    let text = days.site.account_text(TlsMode::StartTls, "").replace("login: anna@gmx.de", "login: mta@haus.example");
    days.site.raw_account("mta@haus.example", text);
    days.site.sandbox().users().set("mta@haus.example", PASSWORD);
}

fn subjects(days: &Days) -> Vec<String> {
    days.site.messages().iter().flat_map(|kept| field(&kept.read().unwrap(), "Subject")).collect()
}

#[test]
fn a_refused_login_is_told_once_and_that_it_works_again_once() {
    let days = Days::new();
    with_messenger(&days, NOTIFY);
    days.site.rules(&["wrong-password=anna@gmx.de"]);
    for queue_id in ["1", "2", "3"] {
        assert!(days.annas(queue_id).starts_with("4."));
        days.advance(3600);
    }
    assert_eq!(subjects(&days), ["anna@gmx.de can't send at present"]);
    let kept = &days.site.messages()[0];
    assert_eq!(field(&kept.read().unwrap(), "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(field(&kept.read().unwrap(), "To"), ["admin@haus.example, anna@gmx.de"]);
    assert!(!String::from_utf8_lossy(&kept.read().unwrap()).contains(PASSWORD));
    days.site.rules(&[]);
    days.advance(6 * 3600);
    assert!(days.annas("1").starts_with("2."));
    let told = ["anna@gmx.de can't send at present", "Hello", "login of anna@gmx.de works again"];
    assert_eq!(subjects(&days), told);
    assert!(days.annas("2").starts_with("2."));
    assert_eq!(subjects(&days).len(), 4, "once");
}

#[test]
fn nobody_is_told_by_the_account_in_trouble() {
    let days = Days::new();
    days.site.config("notify: {to: admin@haus.example, via: anna@gmx.de}\n");
    days.site.rules(&["wrong-password"]);
    let report = days.deliver("anna@gmx.de", "1", &["b@x.example"], Recipients::AllOrNone);
    assert!(report.notes.iter().any(|note| note.ends_with("anna@gmx.de is the account in trouble")), "{report:?}");
    assert_eq!(days.site.counters().connections, 1);
}

#[test]
fn a_messenger_in_trouble_leads_to_no_notice_about_itself() {
    let days = Days::new();
    with_messenger(&days, NOTIFY);
    days.site.rules(&["wrong-password"]);
    let report = days.deliver("anna@gmx.de", "1", &["b@x.example"], Recipients::AllOrNone);
    assert!(
        report.notes.iter().any(|note| note.starts_with("no notice about login of anna@gmx.de: gmx: AUTH")),
        "{report:?}"
    );
    assert_eq!(days.site.counters().connections, 2);
}

#[test]
fn a_sites_own_text_in_german_is_used_and_a_quota_is_told_nobody() {
    let days = Days::new();
    with_messenger(&days, "notify: {owner: true, via: mta@haus.example, language: de, templates: texts}\n");
    let texts = days.site.path().join("texts");
    fs::create_dir(&texts).unwrap();
    fs::write(texts.join("login-refused.de.txt"), "Subject: Störung {account}\n\nGrüße, {host}\n").unwrap();
    days.site.rules(&["quota=0"]);
    days.annas("1");
    assert_eq!(days.site.messages().len(), 0);
    days.advance(3600);
    days.site.rules(&["wrong-password=anna@gmx.de"]);
    days.annas("1");
    let kept = days.site.messages();
    assert_eq!(field(&kept[0].read().unwrap(), "Subject").len(), 1);
    assert!(field(&kept[0].read().unwrap(), "Subject")[0].starts_with("=?utf-8?b?"), "{kept:?}");
    assert_eq!(field(&kept[0].read().unwrap(), "To"), ["anna@gmx.de"]);
}

#[test]
fn a_refused_host_is_told_the_administrator() {
    let days = Days::new();
    days.site.config(&format!("{NOTIFY}routes: [{{name: one, local: 127.0.0.1}}, {{name: two, local: 127.0.0.2}}]\n"));
    let text = days.site.account_text(TlsMode::StartTls, "").replace("login: anna@gmx.de", "login: mta@haus.example");
    days.site.raw_account("mta@haus.example", text);
    days.site.sandbox().users().set("mta@haus.example", PASSWORD);
    days.site.rules(&["block-list=127.0.0.1"]);
    assert!(days.annas("1").starts_with("2."));
    let subjects = subjects(&days);
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[1].starts_with("gmx refuses the mail server "), "{subjects:?}");
}
