//! Which account a sender finds, and what stands in MAIL FROM.

use crate::site::{MESSAGE, Site, field};
use std::os::unix::fs::symlink;

fn message_from(header_from: &str) -> String {
    MESSAGE.replace("Anna <anna@gmx.de>", header_from)
}

fn relay_from(site: &Site, sender: &str, header_from: &str) -> crate::site::Ended {
    site.relay(&["--user", "anna", "-f", sender, "--", "b@x.example"], message_from(header_from))
}

#[test]
fn a_sender_without_account_waits_in_the_queue_unless_the_site_says_bounce() {
    let site = Site::new();
    relay_from(&site, "stranger@gmx.de", "stranger@gmx.de").is(75, "4.3.5 ").says(&["stranger@gmx.de"]);
    site.config("unknown_sender: bounce\n");
    relay_from(&site, "stranger@gmx.de", "stranger@gmx.de").is(69, "5.").says(&["stranger@gmx.de"]);
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn the_null_sender_waits_bounces_or_goes_by_the_account_named_for_it() {
    let site = Site::new();
    let notice = |site: &Site| site.relay(&["--user", "", "-f", "", "--", "b@x.example"], MESSAGE);
    notice(&site).is(75, "4.");
    site.config("null_sender: bounce\n");
    notice(&site).is(69, "5.");
    assert_eq!(site.counters().connections, 0);
    site.account("anna@gmx.de", "users: [anonymous]\n");
    site.config("null_sender: {via: anna@gmx.de}\n");
    notice(&site).is(0, "");
    assert_eq!(site.messages()[0].mail_from, "anna@gmx.de", "GMX's rule is envelope_from: rewrite");
    site.account("anna@gmx.de", "users: [anonymous]\nenvelope_from: keep\n");
    notice(&site).is(0, "");
    assert_eq!(site.messages()[1].mail_from, "");
}

#[test]
fn an_alias_is_its_target_in_everything_and_both_addresses_are_identities() {
    let site = Site::new();
    symlink("anna@gmx.de.yaml", site.account_file("anni@gmx.de")).unwrap();
    site.rules(&["sender-must-match"]);
    relay_from(&site, "anni@gmx.de", "Anni <anni@gmx.de>").is(0, "");
    relay_from(&site, "anni@gmx.de", "Anna <anna@gmx.de>").is(0, "");
    relay_from(&site, "anni@gmx.de", "Eve <eve@gmx.de>").is(69, "5.7.1 ");
    for kept in site.messages() {
        assert_eq!((kept.login.as_str(), kept.mail_from.as_str()), ("anna@gmx.de", "anna@gmx.de"));
    }
}

#[test]
fn a_tag_finds_the_address_without_it() {
    let site = Site::new();
    relay_from(&site, "anna+shop@gmx.de", "Anna <anna@gmx.de>").is(0, "");
    assert_eq!(site.messages()[0].mail_from, "anna@gmx.de");
}

#[test]
fn exact_beats_subaddress_beats_domain() {
    let site = Site::with(|options| options.users = sendvia::sandbox::Users::anyone());
    site.rules(&["none"]);
    let account = |address: &str, login: &str| {
        let text = site.account_text(
            sendvia::sandbox::TlsMode::StartTls,
            "users: [anna]\nheader_from: accept\nenvelope_from: keep\n",
        );
        site.raw_account(address, text.replace("login: anna@gmx.de", &format!("login: {login}")));
    };
    account("@example.org", "domain");
    account("bob@example.org", "base");
    account("bob+exact@example.org", "exact");
    let rows = [
        ("bob+exact@example.org", "exact"),
        ("bob+other@example.org", "base"),
        ("Bob@Example.ORG", "base"),
        ("carol@example.org", "domain"),
        ("carol+tag@example.org", "domain"),
    ];
    for (index, (sender, login)) in rows.iter().enumerate() {
        relay_from(&site, sender, sender).is(0, "");
        assert_eq!(site.messages()[index].login, *login, "{sender}");
    }
    relay_from(&site, "bob@sub.example.org", "x@y.example").is(75, "4.3.5 ");
}

#[test]
fn a_domain_account_has_the_whole_domain_as_identities() {
    let site = Site::new();
    site.rules(&["none"]);
    site.account("@example.org", "users: [anna]\nheader_from: require\nenvelope_from: keep\n");
    relay_from(&site, "carol@example.org", "Dave <dave@example.org>").is(0, "");
    relay_from(&site, "carol@example.org", "Dave <dave@example.net>").is(69, "5.7.1 ");
    assert_eq!(site.messages()[0].mail_from, "carol@example.org");
    assert_eq!(field(&site.messages()[0].read().unwrap(), "From"), ["Dave <dave@example.org>"]);
}

#[test]
fn an_address_that_begins_with_a_dash_is_never_an_option() {
    let site = Site::new();
    site.rules(&["none"]);
    site.account("%2df@gmx.de", "users: [anna]\nheader_from: accept\nenvelope_from: keep\n");
    site.account("%2d-debug@gmx.de", "users: [anna]\nheader_from: accept\nenvelope_from: keep\n");
    site.relay(&["--user=anna", "-f", "-f@gmx.de", "--", "-t@x.example"], MESSAGE).is(0, "");
    site.relay(&["--user=anna", "-f", "--debug@gmx.de", "--", "--config@x.example"], MESSAGE).is(0, "");
    site.relay(&["--user=--user", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(69, "5.7.1 ");
    let kept = site.messages();
    assert_eq!((kept[0].mail_from.as_str(), kept[0].recipients[0].address.as_str()), ("-f@gmx.de", "-t@x.example"));
    assert_eq!(kept[1].recipients[0].address, "--config@x.example");
}

#[test]
fn no_address_leads_out_of_the_directory_or_out_of_a_command() {
    let site = Site::new();
    std::fs::copy(site.account_file("anna@gmx.de"), site.path().join("outside@gmx.de.yaml")).unwrap();
    let senders =
        ["../outside@gmx.de", "../../etc/passwd", "a/../../outside@gmx.de", "anna@gmx.de\r\nRCPT TO:<c@x.example>"];
    for sender in senders {
        let ended = site.relay(&["--user", "anna", "-f", sender, "--", "b@x.example"], MESSAGE);
        assert_eq!(ended.code, Some(75), "{sender:?}: {ended:?}");
    }
    let recipient = "b@x.example\r\nRCPT TO:<c@x.example>";
    let ended = site.relay(&["--user", "anna", "-f", "anna@gmx.de", "--", recipient], MESSAGE);
    assert!(matches!(ended.code, Some(69 | 75)), "{ended:?}");
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn a_sender_without_account_goes_by_that_of_his_login_where_the_site_routes_by_login() {
    let site = Site::new();
    site.rules(&["none"]);
    site.account("anna@gmx.de", "users: [anna@gmx.de]\nheader_from: accept\nenvelope_from: keep\n");
    let from = |site: &Site, login: &str| {
        site.relay(&["--user", login, "-f", "anna@firm.example", "--", "b@x.example"], MESSAGE)
    };
    from(&site, "anna@gmx.de").is(75, "4.3.5 ");
    site.config("policy: {filter: \"sendvia:\"}\n");
    from(&site, "anna@gmx.de").is(0, "");
    let kept = &site.messages()[0];
    assert_eq!((kept.login.as_str(), kept.mail_from.as_str()), ("anna@gmx.de", "anna@firm.example"));
    from(&site, "berta@gmx.de").is(75, "4.3.5 ");
    from(&site, "anna").is(75, "4.3.5 ");
    from(&site, "").is(75, "4.3.5 ");
}
