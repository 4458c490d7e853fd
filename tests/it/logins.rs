//! `sendvia account add` and `account test` against the sandbox: what a person is told of a login.

use crate::keys::{sendvia, site_with_key};
use crate::site::{Ended, MESSAGE, PASSWORD, Site};
use crate::support::oauth_server::OAuthServer;
use sendvia::sandbox::{Mechanism, TlsMode};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// The sandbox as the site's own provider of `gmx.test`, without any account yet.
fn site() -> Site {
    let site = site_with_key();
    fs::remove_file(site.account_file("anna@gmx.de")).unwrap();
    configure(&site, "localhost", site.port(TlsMode::StartTls));
    site
}

fn configure(site: &Site, host: &str, port: u16) {
    let provider = format!(
        "providers:\n  lab: {{domains: [gmx.de], submission: {{host: {host}, port: {port}, tls: starttls}}, \
         page: \"https://lab.example/help\", note: \"switch mail programs on\"}}\n"
    );
    site.config(&format!("key: {{file: key}}\n{provider}"));
}

fn add(site: &Site, more: &[&str], password: &str) -> Ended {
    let words = [&["account", "add", "anna@gmx.de", "--secret-file", "-", "--users", "anna"], more].concat();
    sendvia(site, &words, password)
}

#[test]
fn an_account_is_found_proven_and_written_sealed() {
    let site = site();
    let added = add(&site, &[], PASSWORD);
    assert_eq!(added.code, Some(0), "{added:?}");
    added.says(&["anna@gmx.de: lab as anna@gmx.de (sendvia knows gmx.de)", "logged in at 127.0.0.1:", "is written to"]);
    let text = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    assert!(text.contains("provider: lab\nsecret: {sealed: ") && text.contains("users: [anna]"), "{text}");
    let tested = sendvia(&site, &["account", "test", "anna@gmx.de"], "");
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.out.starts_with("ok   anna@gmx.de: logged in at 127.0.0.1:"), "{tested:?}");
    let again = add(&site, &[], PASSWORD);
    assert_eq!(again.code, Some(78), "{again:?}");
    assert!(again.err.contains("--force"), "{again:?}");
    assert_eq!(add(&site, &["--force"], PASSWORD).code, Some(0));
}

#[test]
fn each_way_to_fail_is_told_apart_and_nothing_is_written() {
    let site = site();
    let wrong = add(&site, &[], "falsch");
    assert_eq!(wrong.code, Some(77), "{wrong:?}");
    let expected = ["wrong login or password", "lab: switch mail programs on", "See https://lab.example/help"];
    expected.iter().for_each(|words| assert!(wrong.err.contains(words), "{words}: {wrong:?}"));

    site.rules(&["block-list"]);
    let refused = add(&site, &[], PASSWORD);
    assert_eq!(refused.code, Some(69), "{refused:?}");
    assert!(refused.err.contains("this host's address is refused, whoever logs in"), "{refused:?}");
    site.rules(&[]);

    for (reply, kind) in [
        (
            "534 5.7.9 Application-specific password required",
            "an app password, OAuth 2.0 or the owner's consent is needed",
        ),
        (
            "535 POP3/IMAP/SMTP access is not enabled for this account",
            "an app password, OAuth 2.0 or the owner's consent is needed",
        ),
        ("535 5.7.8 Error: authentication failed: account locked", "the account is locked or suspended"),
    ] {
        site.rules(&[&format!("reply=auth:{reply}")]);
        let refused = add(&site, &[], PASSWORD);
        assert!(refused.code != Some(0) && refused.err.contains(kind), "{reply}: {refused:?}");
        assert!(refused.err.contains("hint: ") && refused.err.contains("https://"), "{reply}: {refused:?}");
    }
    site.rules(&[]);

    configure(&site, "localhost", 1);
    fs::remove_file(site.account_file("anna@gmx.de")).ok();
    let nobody = add(&site, &[], PASSWORD);
    assert_eq!(nobody.code, Some(75), "{nobody:?}");
    assert!(nobody.err.contains("no connection") && nobody.err.contains("firewall"), "{nobody:?}");
    assert!(!site.account_file("anna@gmx.de").exists());
}

#[test]
fn a_login_is_tried_by_the_routes_of_a_delivery() {
    let site = site();
    let config = fs::read_to_string(site.config_file()).unwrap();
    fs::write(site.config_file(), format!("{config}routes: [{{socks5: '127.0.0.1:1'}}]\n")).unwrap();
    let nowhere = add(&site, &[], PASSWORD);
    assert!(nowhere.code == Some(75) && nowhere.err.contains("no connection"), "{nowhere:?}");
    assert_eq!(site.counters().connections, 0, "the direct way is not among the routes");
    fs::write(site.config_file(), format!("{config}routes: [{{socks5: '127.0.0.1:1'}}, direct]\n")).unwrap();
    assert_eq!(add(&site, &[], PASSWORD).code, Some(0));
}

#[test]
fn the_first_account_makes_the_place_for_all() {
    let site = site();
    fs::remove_dir_all(site.path().join("accounts.d")).unwrap();
    let added = add(&site, &["--no-verify"], PASSWORD);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert_eq!(fs::metadata(site.path().join("accounts.d")).unwrap().permissions().mode() & 0o007, 0);
}

#[test]
fn a_certificate_of_nobody_one_trusts_is_told() {
    let site = site();
    let text = fs::read_to_string(site.config_file()).unwrap();
    fs::write(site.config_file(), text.replace("tls: {ca_file: ca.pem}\n", "")).unwrap();
    let ended = add(&site, &[], PASSWORD);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.err.starts_with("TLS: ") && ended.err.contains("ca_file"), "{ended:?}");
}

#[test]
fn a_dry_run_and_a_missing_terminal_ask_for_nothing() {
    let site = site();
    let dry = sendvia(&site, &["account", "add", "anna@gmx.de", "--dry-run"], "");
    assert_eq!(dry.code, Some(0), "{dry:?}");
    dry.says(&["note: switch mail programs on", "nothing was written"]);
    let asked = sendvia(&site, &["account", "add", "anna@gmx.de"], "");
    assert_eq!(asked.code, Some(64), "{asked:?}");
    assert!(asked.err.contains("--secret-file FILE"), "{asked:?}");
    let domain = sendvia(&site, &["account", "add", "@gmx.de", "--secret-file", "-"], PASSWORD);
    assert_eq!(domain.code, Some(64), "{domain:?}");
    assert!(domain.err.contains("--login LOGIN"), "{domain:?}");
    let unknown = sendvia(&site, &["account", "add", "a@x.invalid", "--provider", "nowhere"], "");
    assert!(unknown.err.contains("known: lab, gmx"), "{unknown:?}");
    assert_eq!(site.counters().connections, 0);
}

#[test]
fn an_account_can_be_written_unproven() {
    let site = site();
    let added = add(&site, &["--no-verify"], "unproven");
    assert_eq!(added.code, Some(0), "{added:?}");
    assert_eq!(site.counters().connections, 0);
    let tested = sendvia(&site, &["account", "test", "--all", "--json"], "");
    assert_eq!(tested.code, Some(1), "{tested:?}");
    let value: serde_json::Value = serde_json::from_str(&tested.out).unwrap();
    assert_eq!(value[0]["kind"], "credentials-refused");
}

#[test]
fn all_accounts_are_tested_and_summed_up() {
    let site = site();
    add(&site, &[], PASSWORD);
    site.account("b@gmx.de", "");
    site.account("off@gmx.de", "disabled: true\n");
    site.raw_account("broken@gmx.de", "provider: [\n");
    let tested = sendvia(&site, &["account", "test", "--all"], "");
    assert_eq!(tested.code, Some(1), "{tested:?}");
    tested.says(&["ok   anna@gmx.de", "ok   b@gmx.de", "FAIL broken@gmx.de", "2 of 3 accounts log in"]);
    assert!(!tested.out.contains("off@gmx.de"));
}

#[test]
fn a_token_is_printed_for_who_may_read_the_account_and_a_password_never() {
    let site = site_with_key();
    let refused = sendvia(&site, &["token", "anna@gmx.de"], "");
    assert_eq!(refused.code, Some(64), "{refused:?}");
    assert!(refused.err.contains("passwords are not printed"), "{refused:?}");
    let server = OAuthServer::start();
    let refresh = server.refresh_token("anna@gmx.de");
    let file = site.path().join("refresh");
    fs::write(&file, refresh).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let text = format!(
        "submission: {{host: localhost, port: {}, tls: starttls}}\nsecret:\n  oauth:\n    client_id: app\n    \
         token_endpoint: {}\n    refresh_token: {{file: {}}}\n",
        site.port(TlsMode::StartTls),
        server.endpoint("token"),
        file.display()
    );
    site.raw_account("anna@gmx.de", text);
    let printed = sendvia(&site, &["token", "anna@gmx.de"], "");
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.starts_with("access"), "{printed:?}");
    assert_eq!(sendvia(&site, &["token", "anna@gmx.de"], "").out, printed.out, "it is kept");
}

#[test]
fn consent_by_device_code_is_kept() {
    let site = site_with_key();
    let server = OAuthServer::start();
    server.state().device_approved = true;
    let text = format!(
        "submission: {{host: localhost, port: {}, tls: starttls}}\nsecret:\n  oauth:\n    client_id: app\n    \
         token_endpoint: {}\n    device_endpoint: {}\n",
        site.port(TlsMode::StartTls),
        server.endpoint("token"),
        server.endpoint("device")
    );
    site.raw_account("anna@gmx.de", text);
    let set = sendvia(&site, &["account", "set-secret", "--no-verify", "anna@gmx.de"], "");
    assert_eq!(set.code, Some(0), "{set:?}");
    set.says(&["enter the code WDJB-MJHT"]);
    assert_eq!(sendvia(&site, &["token", "anna@gmx.de"], "").code, Some(0));
}

#[test]
fn an_account_is_added_by_consent_and_delivers_with_the_tokens_of_its_issuer() {
    let site = Site::with(|options| options.mechanisms = vec![Mechanism::XOAuth2]);
    fs::remove_file(site.account_file("anna@gmx.de")).unwrap();
    let server = OAuthServer::start();
    let grant = |token: &str| {
        site.sandbox().users().set("anna@gmx.de", token);
        let mut state = server.state();
        (state.device_approved, state.next_access) = (true, Some(token.to_owned()));
    };
    let port = site.port(TlsMode::StartTls).to_string();
    let (token, device) = (server.endpoint("token").to_string(), server.endpoint("device").to_string());
    let place = ["account", "add", "anna@gmx.de", "--users", "anna", "--host", "localhost", "--port", &port];
    let bare = sendvia(&site, &[&place[..], &["--client-id", "app"]].concat(), "");
    assert!(bare.code == Some(64) && bare.err.contains("hint: `--token-endpoint URL`"), "{bare:?}");
    grant("access-of-the-consent");
    let endpoints = ["--client-id", "app", "--token-endpoint", &token, "--device-endpoint", &device, "--scope", "send"];
    let added = sendvia(&site, &[&place[..], &endpoints].concat(), "");
    assert_eq!(added.code, Some(0), "{added:?}");
    added.says(&["enter the code WDJB-MJHT", "logged in at 127.0.0.1:", "by XOAUTH2"]);
    let text = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    assert!(text.contains("refresh_token: {sealed: ") && !text.contains("refresh-"), "{text}");
    assert_eq!(site.relay_annas(MESSAGE).code, Some(0), "by the token that the consent brought");
    assert_eq!(server.state().asked.get("refresh_token"), None);
    // Refused before its time: the next one comes of the sealed refresh token.
    fs::remove_dir_all(site.path().join("state/tokens")).unwrap();
    grant("access-of-the-refresh-token");
    assert_eq!(site.relay_annas(MESSAGE.replace("<1@", "<2@")).code, Some(0));
    assert_eq!(server.state().asked["refresh_token"], 1);
}

#[test]
fn a_token_just_given_that_is_refused_closes_the_login_until_a_new_consent() {
    let site = Site::with(|options| options.mechanisms = vec![Mechanism::XOAuth2]);
    site.config("key: {file: key}\n");
    assert_eq!(sendvia(&site, &["key", "new"], "").code, Some(0));
    let server = OAuthServer::start();
    site.private_file("refresh", &server.refresh_token("anna@gmx.de"));
    let account = format!(
        "submission: {{host: localhost, port: {}, tls: starttls}}\nsecret:\n  oauth:\n    client_id: app\n    \
         token_endpoint: {}\n    device_endpoint: {}\n    refresh_token: {{file: {}}}\nusers: [anna]\n",
        site.port(TlsMode::StartTls),
        server.endpoint("token"),
        server.endpoint("device"),
        site.path().join("refresh").display()
    );
    site.raw_account("anna@gmx.de", account);
    site.sandbox().users().set("anna@gmx.de", "another-token");
    let refused = site.relay_annas(MESSAGE);
    refused.is(75, "").says(&["the mail server refuses a new access token", "SMTP AUTH must be allowed"]);
    site.relay_annas(MESSAGE).is(75, "").says(&["is closed until"]);
    assert_eq!(site.counters().connections, 1, "what is closed costs no connection");
    {
        let mut state = server.state();
        (state.device_approved, state.next_access) = (true, Some("another-token".to_owned()));
    }
    let agreed = sendvia(&site, &["account", "set-secret", "--no-verify", "anna@gmx.de"], "");
    assert_eq!(agreed.code, Some(0), "{agreed:?}");
    site.relay_annas(MESSAGE).is(0, "");
}

/// `SENDVIA_TEST_PIPES=500` for as many as a busy mail server may start.
#[test]
fn many_pipes_at_once_with_an_expired_token_make_one_refresh() {
    let count: usize = std::env::var("SENDVIA_TEST_PIPES").map_or(60, |count| count.parse().unwrap());
    let site = Site::with(|options| options.mechanisms = vec![Mechanism::XOAuth2]);
    site.config("key: {file: key}\n");
    assert_eq!(sendvia(&site, &["key", "new"], "").code, Some(0));
    let server = OAuthServer::start();
    let refresh = site.path().join("refresh");
    fs::write(&refresh, server.refresh_token("anna@gmx.de")).unwrap();
    fs::set_permissions(&refresh, PermissionsExt::from_mode(0o600)).unwrap();
    let account = format!(
        "submission: {{host: localhost, port: {}, tls: starttls}}\nsecret:\n  oauth:\n    client_id: app\n    \
         token_endpoint: {}\n    refresh_token: {{file: {}}}\nusers: [anna]\n",
        site.port(TlsMode::StartTls),
        server.endpoint("token"),
        refresh.display()
    );
    site.raw_account("anna@gmx.de", account);
    let grant = |token: &str, lifetime| {
        site.sandbox().users().set("anna@gmx.de", token);
        let mut state = server.state();
        (state.next_access, state.lifetime) = (Some(token.to_owned()), lifetime);
    };
    grant("access-that-ends-at-once", 0);
    assert_eq!(site.relay_annas(MESSAGE).code, Some(0));
    grant("access-of-all-pipes", 3600);
    // Long enough for all of them to find the old token and want a new one.
    server.state().delay = Duration::from_millis(500);
    let pipes: Vec<_> = (0..count).map(|_| site.begin_annas(MESSAGE)).collect();
    let codes: Vec<Option<i32>> =
        pipes.into_iter().map(|pipe| pipe.wait_with_output().unwrap().status.code()).collect();
    assert!(codes.iter().all(|code| *code == Some(0)), "{codes:?}");
    assert_eq!(server.state().asked["refresh_token"], 2, "one for the first message, and one for all others");
    assert_eq!(site.messages().len(), 1 + count);
}
