//! `sendvia probe` against the sandbox.

use crate::site::{PASSWORD, Site, run};
use sendvia::sandbox::TlsMode;
use serde_json::Value;
use std::process::Command;

fn probe(site: &Site, arguments: &[&str]) -> (Option<i32>, Value) {
    let ended = run(site.command("probe").arg("--json").args(arguments), b"");
    assert!(!ended.out.contains(PASSWORD), "{ended:?}");
    (ended.code, serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}")))
}

fn target(site: &Site, tls: TlsMode) -> String {
    format!("localhost:{}", site.port(tls))
}

#[test]
fn an_open_server_is_shown_with_its_capabilities_and_no_message_is_sent() {
    let site = Site::new();
    let (code, found) = probe(&site, &["--account", "anna@gmx.de", &target(&site, TlsMode::StartTls)]);
    assert_eq!(code, Some(0), "{found:#}");
    let look = found["looks"].as_array().unwrap().iter().find(|look| look["open"] == true).unwrap();
    assert_eq!(look["tls"]["verified"], true);
    assert!(look["auth"].as_array().unwrap().iter().any(|name| name == "PLAIN"), "{look:#}");
    assert_eq!(found["login"]["works"], true);
    assert_eq!(site.messages().len(), 0);
    assert_eq!(site.counters().logins, 1);
}

#[test]
fn without_a_configuration_an_unverified_certificate_is_told_and_ends_nothing() {
    let site = Site::new();
    for tls in [TlsMode::StartTls, TlsMode::Implicit] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sendvia"));
        command
            .current_dir("/")
            .env_remove("SENDVIA_CONFIG")
            .env("HOME", site.path())
            .env("XDG_CONFIG_HOME", site.path().join("none"));
        let ended = run(command.args(["probe", &target(&site, tls)]), b"");
        assert_eq!(ended.code, Some(69), "{ended:?}");
        for words in ["NOT VERIFIED for localhost", "AUTH:", "sends no password"] {
            assert!(ended.out.contains(words), "{words}: {ended:?}");
        }
    }
}

#[test]
fn a_refused_address_is_said_to_be_no_accounts_fault() {
    let site = Site::new();
    site.rules(&["reply=banner:554 5.7.1 Service unavailable; client [198.51.100.7] blocked using zen.spamhaus.org"]);
    let (code, found) = probe(&site, &[&target(&site, TlsMode::StartTls)]);
    assert_eq!(code, Some(69));
    let summary = found["summary"].as_str().unwrap();
    for words in ["refuses at banner", "198.51.100.7", "not an account", "zen.spamhaus.org"] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    assert_eq!(found["host"]["address"], "198.51.100.7");
    assert_eq!(found["looks"][0]["refused"]["meaning"], "host-refused");
}

#[test]
fn a_refused_login_is_said_to_be_the_accounts() {
    let site = Site::new();
    site.rules(&["wrong-password"]);
    let (code, found) = probe(&site, &["--account", "anna@gmx.de", &target(&site, TlsMode::StartTls)]);
    assert_eq!(code, Some(69));
    let summary = found["summary"].as_str().unwrap();
    for words in ["lets this host in", "refused at AUTH", "It is the account"] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
}

#[test]
fn each_route_is_looked_at_and_one_can_be_chosen() {
    let site = Site::new();
    site.config("routes: [{name: one, local: 127.0.0.1}, {name: two, local: 127.0.0.2}]\n");
    site.rules(&["block-list=127.0.0.1"]);
    let server = target(&site, TlsMode::StartTls);
    let (_, found) = probe(&site, &[&server]);
    let summary = found["summary"].as_str().unwrap();
    assert!(summary.contains("By route one, ") && summary.contains("By route two, "), "{summary}");
    let (code, found) = probe(&site, &["--route", "two", &server]);
    assert_eq!(code, Some(0), "{found:#}");
    let ended = run(site.command("probe").args(["--route", "three", &server]), b"");
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("no route called three"), "{ended:?}");
    let ended = run(site.command("probe").arg("gmxx"), b"");
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("did you mean `gmx`?"), "{ended:?}");
}
