//! `sendvia account` on the binary: what an administrator changes.

use crate::keys::{sendvia, site_with_key};
use crate::site::{Ended, PASSWORD, Site};
use sendvia::sandbox::TlsMode;
use std::fs;

fn text(site: &Site, address: &str) -> String {
    fs::read_to_string(site.account_file(address)).unwrap()
}

#[track_caller]
fn ok(site: &Site, words: &[&str], stdin: &str) -> Ended {
    let ended = sendvia(site, words, stdin);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    ended
}

#[track_caller]
fn refused(site: &Site, words: &[&str], code: i32, says: &[&str]) {
    let ended = sendvia(site, words, "");
    assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
    says.iter().for_each(|word| assert!(ended.err.contains(word), "expected {word:?} in {ended:?}"));
}

/// The account's secret opens: `check` looks.
#[track_caller]
fn opens(site: &Site) {
    let checked = sendvia(site, &["check"], "");
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn a_secret_is_set_sealed_and_the_rest_of_the_file_stays() {
    let site = site_with_key();
    site.raw_account(
        "anna@gmx.de",
        format!("# Anna\n{}# end\n", site.account_text(TlsMode::StartTls, "users: [anna]\n")),
    );
    ok(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], &format!("{PASSWORD}\n"));
    let text = text(&site, "anna@gmx.de");
    assert!(text.starts_with("# Anna\nprovider: gmx\n") && text.ends_with("users: [anna]\n# end\n"), "{text}");
    assert!(text.contains("secret: {sealed: \"v1:") && !text.contains(PASSWORD), "{text}");
    opens(&site);
    let shown = ok(&site, &["account", "show", "anna@gmx.de", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(value["secret"], "sealed");
}

#[test]
fn without_a_key_one_is_made_where_none_is_configured() {
    let site = Site::new();
    let set = ok(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], PASSWORD);
    set.says(&["made key ", "which seals"]);
    site.config("key: {file: elsewhere}\n");
    refused(
        &site,
        &["account", "set-secret", "anna@gmx.de", "--secret-file", "/dev/null"],
        78,
        &["expected a regular"],
    );
    let set = sendvia(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], PASSWORD);
    assert_eq!(set.code, Some(78), "a key that is configured and gone is not replaced: {set:?}");
    assert!(set.err.contains("sendvia key new"), "{set:?}");
}

#[test]
fn without_a_terminal_nothing_asks() {
    let site = site_with_key();
    refused(&site, &["account", "set-secret", "anna@gmx.de"], 64, &["hint: `--secret-file FILE`"]);
    refused(&site, &["account", "remove", "anna@gmx.de"], 64, &["hint: `--yes`"]);
    refused(&site, &["account", "remove", "nobody@gmx.de", "--yes"], 67, &["there is no account nobody@gmx.de"]);
    refused(&site, &["account", "disable", "@"], 64, &["hint: an account is"]);
}

#[test]
fn an_account_is_switched_off_and_on_without_a_trace() {
    let site = Site::new();
    let before = text(&site, "anna@gmx.de");
    for _ in 0..2 {
        ok(&site, &["account", "disable", "anna@gmx.de"], "").says(&["disabled"]);
    }
    ok(&site, &["account", "list"], "").says(&["disabled"]);
    ok(&site, &["account", "enable", "anna@gmx.de"], "");
    assert_eq!(text(&site, "anna@gmx.de"), before);
}

#[test]
fn a_renamed_account_keeps_login_secret_and_aliases() {
    let site = site_with_key();
    let server = site.account_text(TlsMode::StartTls, "").replace("login: anna@gmx.de\n", "");
    site.raw_account("anna@gmx.de", server);
    std::os::unix::fs::symlink("anna@gmx.de.yaml", site.account_file("alias@x.example")).unwrap();
    ok(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], PASSWORD);
    let renamed = ok(&site, &["account", "rename", "anna@gmx.de", "anna@firma.example"], "");
    renamed.says(&["it still logs in as anna@gmx.de"]);
    assert!(!site.account_file("anna@gmx.de").exists());
    assert!(text(&site, "anna@firma.example").contains("login: anna@gmx.de\n"));
    opens(&site);
    ok(&site, &["account", "show", "alias@x.example"], "").says(&["anna@firma.example"]);
    ok(&site, &["account", "rename", "alias@x.example", "other@x.example"], "");
    ok(&site, &["account", "show", "other@x.example"], "").says(&["anna@firma.example"]);
    site.account("berta@gmx.de", "");
    refused(&site, &["account", "rename", "berta@gmx.de", "anna@firma.example"], 78, &["exists already", "--force"]);
    let long = format!("{}@x.example", "l".repeat(300));
    ok(&site, &["account", "rename", "anna@firma.example", &long], "");
    opens(&site);
    ok(&site, &["account", "rename", &long, "@x.example"], "");
    opens(&site);
    ok(&site, &["account", "show", "@x.example"], "").says(&["@x.example", "anna@gmx.de"]);
}

#[test]
fn removing_an_account_removes_its_aliases_and_removing_an_alias_nothing_else() {
    let site = Site::new();
    for alias in ["a@x.example", "b@x.example"] {
        std::os::unix::fs::symlink("anna@gmx.de.yaml", site.account_file(alias)).unwrap();
    }
    ok(&site, &["account", "remove", "--yes", "a@x.example"], "");
    assert!(site.account_file("anna@gmx.de").exists());
    ok(&site, &["account", "remove", "--yes", "anna@gmx.de"], "").says(&["removed alias b@x.example"]);
    assert_eq!(fs::read_dir(site.path().join("accounts.d")).unwrap().count(), 0);
    site.raw_account("broken@gmx.de", "provider: [\n");
    ok(&site, &["account", "remove", "--yes", "broken@gmx.de"], "");
}

#[test]
fn an_edited_server_opens_no_sealed_secret_and_set_server_seals_it_again() {
    let site = site_with_key();
    ok(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], PASSWORD);
    let sealed = text(&site, "anna@gmx.de");
    site.raw_account("anna@gmx.de", sealed.replace("host: localhost", "host: evil.example"));
    assert_eq!(sendvia(&site, &["check"], "").code, Some(78));
    site.raw_account("anna@gmx.de", &sealed);
    let words =
        ["account", "set-server", "anna@gmx.de", "--provider", "gmx", "--host", "mail.example.org", "--port", "465"];
    ok(&site, &words, "").says(&["mail.example.org:465, tls implicit"]);
    opens(&site);
    ok(&site, &["account", "set-server", "anna@gmx.de", "--provider", "gmx"], "").says(&["mail.gmx.net:465"]);
    opens(&site);
    assert!(!text(&site, "anna@gmx.de").contains("submission"));
}

#[test]
fn everything_is_copied_into_the_other_store_and_back() {
    let site = site_with_key();
    std::os::unix::fs::symlink("anna@gmx.de.yaml", site.account_file("alias@x.example")).unwrap();
    ok(&site, &["account", "set-secret", "anna@gmx.de", "--secret-file", "-"], PASSWORD);
    fs::write(site.path().join("accounts.d/secret"), "x").unwrap();
    site.raw_account("file@gmx.de", "provider: gmx\nsecret: {file: secret}\n");
    site.raw_account(
        "oauth@gmx.de",
        "provider: gmx\nsecret:\n  oauth:\n    client_id: app\n    token_endpoint: https://login.example/t\n    \
         client_secret: {file: secret}  # theirs\n    refresh_token:\n      file: \"refresh\"\n",
    );
    site.private_file("accounts.d/refresh", "y");
    let (database, back) = (site.path().join("accounts.sqlite"), site.path().join("back"));
    let to = format!("sqlite:{}", database.display());
    for _ in 0..2 {
        ok(&site, &["account", "copy", "--to", &to], "").says(&["3 accounts, 1 aliases"]);
    }
    ok(&site, &["account", "copy", "--from", &to, "--to", back.to_str().unwrap()], "");
    assert_eq!(fs::read_to_string(back.join("anna@gmx.de.yaml")).unwrap(), text(&site, "anna@gmx.de"));
    assert_eq!(fs::read_link(back.join("alias@x.example.yaml")).unwrap().to_str(), Some("anna@gmx.de.yaml"));
    let secret = site.path().join("accounts.d/secret");
    assert!(fs::read_to_string(back.join("file@gmx.de.yaml")).unwrap().contains(secret.to_str().unwrap()));
    let copied = fs::read_to_string(back.join("oauth@gmx.de.yaml")).unwrap();
    let refresh = site.path().join("accounts.d/refresh");
    let expected = [
        format!("client_secret: {{file: {}}}  # theirs\n", secret.display()),
        format!("file: {}\n", refresh.display()),
    ];
    expected.iter().for_each(|text| assert!(copied.contains(text), "{text}: {copied}"));
    ok(&site, &["account", "disable", "anna@gmx.de"], "");
    refused(&site, &["account", "copy", "--to", &to], 78, &["not copied: ", "exists already"]);
    ok(&site, &["account", "copy", "--force", "--to", &to], "");
    site.config(&format!("key: {{file: key}}\naccounts: {to}\n"));
    ok(&site, &["account", "list"], "").says(&["anna@gmx.de", "disabled", "alias of anna@gmx.de"]);
    ok(&site, &["key", "rotate"], "").says(&["sealed again: 1"]);
    ok(&site, &["account", "rename", "anna@gmx.de", "anna@firma.example"], "");
    ok(&site, &["account", "remove", "--yes", "anna@firma.example"], "").says(&["removed alias alias@x.example"]);
}

#[test]
fn only_what_writes_an_account_offers_to_do_so_unproven() {
    let mut site = site_with_key();
    site.stop_provider();
    let tested = sendvia(&site, &["account", "test", "anna@gmx.de"], "");
    assert!(tested.out.contains("no connection") && !tested.out.contains("--no-verify"), "{tested:?}");
    let set = sendvia(&site, &["account", "set-secret", "--secret-file", "-", "anna@gmx.de"], "other\n");
    assert!(set.err.contains("`--no-verify` writes the account all the same"), "{set:?}");
}

#[test]
fn check_reads_what_the_configuration_and_accounts_name() {
    let site = Site::new();
    site.private_file("plain", "no certificate\n");
    site.private_file("nothing", "no login\n");
    let anna = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    let rows: [(&str, &str); 7] = [
        ("tls: {ca_file: plain}\n", "tls.ca_file: "),
        ("routes: [{name: a, socks5: 'p.example:1080', login_file: gone}]\n", "routes[0].login_file: "),
        ("routes: [direct, {name: a, socks5: 'p.example:1080', login_file: nothing}]\n", "expected USER:PASSWORD"),
        ("routes: [{name: a, upstream: 'p.example:465'}]\n", "an upstream needs a login"),
        ("login_field: {key_file: gone, exim_key_file: plain}\n", "login_field.exim_key_file: "),
        ("null_sender: {via: nobody@gmx.de}\n", "hint: sendvia account add nobody@gmx.de"),
        ("key: {file: plain}\n", "sendvia.yaml: key: line 1"),
    ];
    let check = |says: &str| {
        let checked = sendvia(&site, &["check"], "");
        assert_eq!(checked.code, Some(78), "{says}: {checked:?}");
        assert!(checked.out.contains(says), "{says}: {checked:?}");
    };
    for (text, says) in rows {
        fs::write(site.config_file(), format!("state: state\n{text}")).unwrap();
        check(says);
    }
    fs::write(site.config_file(), "state: state\n").unwrap();
    let by = |secret: &str| anna.replace(&format!("secret: {{plain: {PASSWORD}}}"), secret);
    site.raw_account("anna@gmx.de", by("secret: {command: [/nonexistent/pass, show]}"));
    check("/nonexistent/pass: there is no such program");
    site.raw_account("anna@gmx.de", &anna);
    let wrong = site.account_file("anna@gmx.de").with_extension("yml");
    fs::rename(site.account_file("anna@gmx.de"), &wrong).unwrap();
    check(&format!("hint: mv {} {}", wrong.display(), site.account_file("anna@gmx.de").display()));
    fs::remove_file(wrong).unwrap();
    fs::write(site.config_file(), "accounts: nowhere\n").unwrap();
    check("hint: correct `accounts` of sendvia.yaml");
}
