//! Who may use an account.

use crate::site::{MESSAGE, Site, on_the_wire, run};

#[test]
fn a_message_of_a_listed_login_goes_out_as_it_came() {
    let site = Site::new();
    site.relay_annas(MESSAGE).is(0, "");
    let kept = &site.messages()[0];
    assert_eq!(kept.read().unwrap(), on_the_wire(MESSAGE));
    assert_eq!((kept.login.as_str(), kept.mail_from.as_str()), ("anna@gmx.de", "anna@gmx.de"));
    assert_eq!(kept.recipients[0].address, "b@x.example");
    assert_eq!(site.sandbox().faults(), Vec::<String>::new());
}

#[test]
fn nobody_may_use_an_account_unless_it_lists_him() {
    let rows: &[(&str, &[&str])] = &[
        ("", &["--user", "anna"]),
        ("users: []\n", &["--user", "anna"]),
        ("users: [bob]\n", &["--user", "anna"]),
        ("users: [anna]\n", &["--user", "ANNA2"]),
        ("users: [anna]\n", &["--user", ""]),
        ("users: [anna]\n", &[]),
        ("users: [\"*\"]\n", &["--user", ""]),
        ("users: [\"*\"]\n", &[]),
        ("users: [anonymous]\n", &["--user", "anna"]),
        // A SASL login of that spelling is not the Unix user.
        ("users: [\"unix:anna\"]\n", &["--user", "unix:anna"]),
        ("users: [\"unix:anna\"]\n", &["--user", "anna"]),
        ("users: [\"*\"]\n", &["--user", "anonymous"]),
    ];
    let site = Site::new();
    for (users, who) in rows {
        // The last row's login is one like any other.
        let expected = if who == &["--user", "anonymous"] { (0, "") } else { (69, "5.7.1 ") };
        site.account("anna@gmx.de", users);
        let before = site.counters().connections;
        let ended = site.relay(&[who, &["-f", "anna@gmx.de", "--", "b@x.example"][..]].concat(), MESSAGE);
        ended.is(expected.0, expected.1);
        if expected.0 == 69 {
            ended.says(&["anna@gmx.de"]);
            assert_eq!(site.counters().connections, before, "{users} {who:?} made a connection");
        }
    }
}

#[test]
fn a_star_means_any_login_and_anonymous_means_none() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [\"*\"]\n");
    site.relay(&["--user", "whoever", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(0, "");
    site.account("anna@gmx.de", "users: [anonymous]\n");
    site.relay(&["--user", "", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(0, "");
    site.relay(&["-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(0, "");
}

#[test]
fn the_refusal_names_sender_and_login() {
    let site = Site::new();
    let ended = site.relay(&["--user", "mallory", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE);
    ended.is(69, "5.7.1 ").says(&["anna@gmx.de", "mallory"]);
}

#[test]
fn the_variable_names_the_login_only_where_no_option_does() {
    let site = Site::new();
    let envelope = ["-f", "anna@gmx.de", "--", "b@x.example"];
    let by = |variable: &str, options: &[&str]| {
        let mut command = site.command("relay");
        run(command.env("SENDVIA_USER", variable).args(options).args(envelope), MESSAGE.as_bytes())
    };
    by("anna", &[]).is(0, "");
    by("anna", &["--user", ""]).is(69, "5.7.1 ");
    by("anna", &["--user="]).is(69, "5.7.1 ");
    by("anna", &["--user", "mallory"]).is(69, "5.7.1 ");
    by("", &[]).is(69, "5.7.1 ");
    by("mallory", &["--user=anna"]).is(0, "");
}

#[test]
fn with_authorise_mta_the_mta_has_checked_already() {
    let site = Site::new();
    site.config("authorise: mta\n");
    site.relay(&["--user", "whoever", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(0, "");
    site.relay(&["--user", "", "-f", "anna@gmx.de", "--", "b@x.example"], MESSAGE).is(0, "");
}
