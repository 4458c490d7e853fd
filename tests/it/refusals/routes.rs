//! Ways are tried in their order, and never two for one message.

use super::Days;
use crate::site::PASSWORD;
use sendvia::sandbox::TlsMode;
use sendvia::state::{Kind, Ledger};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

/// A port on which nobody listens.
fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_first(days: &Days) -> bool {
    days.site.counters().connections == 0
}

#[test]
fn a_dead_proxy_costs_one_try_and_is_left_for_last_until_its_pause_is_over() {
    let days = Days::new();
    let proxy = format!("127.0.0.1:{}", dead_port());
    days.site.config(&format!("routes: [{{name: proxy, socks5: '{proxy}'}}, direct]\n"));
    assert!(is_first(&days));
    assert!(days.annas("1").starts_with("2."));
    let closures = days.state().closures().unwrap();
    assert_eq!(closures.iter().map(|one| one.subject.kind).collect::<Vec<_>>(), [Kind::Unreachable]);
    assert_eq!(closures[0].subject.name, "proxy to gmx");
    assert!(days.annas("2").starts_with("2."));
    assert_eq!(days.state().closures().unwrap()[0].failures, 1, "it was not tried again");
    days.advance(300);
    assert!(days.annas("3").starts_with("2."));
    assert_eq!(days.state().closures().unwrap()[0].failures, 2);
}

#[test]
fn a_refused_address_moves_on_to_the_next_and_comes_back_when_it_opens() {
    let days = Days::new();
    days.site.config("routes: [{name: one, local: 127.0.0.1}, {name: two, local: 127.0.0.2}]\n");
    days.site.rules(&["block-list=127.0.0.1"]);
    assert!(days.annas("1").starts_with("2."));
    assert_eq!(days.site.counters().connections, 2);
    assert!(days.annas("2").starts_with("2."));
    assert_eq!(days.site.counters().connections, 3, "the closed way is not tried");
    days.site.rules(&["block-list=127.0.0.2"]);
    days.advance(300);
    assert!(days.annas("3").starts_with("2."), "the first way is back");
    assert_eq!(days.state().closures().unwrap(), []);
}

#[test]
fn behind_the_login_there_is_no_other_way() {
    let days = Days::new();
    days.site.config("routes: [{name: one, local: 127.0.0.1}, {name: two, local: 127.0.0.2}]\n");
    for rule in ["wrong-password", "reply=mail:421 not now", "drop-reply=final"] {
        days.site.rules(&[rule]);
        let before = days.site.counters().connections;
        let line = days.annas(rule);
        assert!(line.starts_with("4."), "{rule}: {line}");
        assert_eq!(days.site.counters().connections, before + 1, "{rule}");
        days.advance(3600);
    }
}

#[test]
fn an_account_names_its_own_routes() {
    let days = Days::new();
    let proxy = format!("127.0.0.1:{}", dead_port());
    days.site.config(&format!("routes: [direct, {{name: proxy, connect: '{proxy}'}}]\n"));
    days.site.account("anna@gmx.de", "users: [anna]\nroutes: [proxy]\n");
    assert!(days.annas("1").contains(&format!("proxy {proxy}")));
    days.site.account("anna@gmx.de", "users: [anna]\nroutes: [nowhere]\n");
    assert!(days.annas("1").contains("there is no route \"nowhere\""));
    assert!(is_first(&days));
}

#[test]
fn an_upstream_has_a_server_and_a_login_of_its_own() {
    let days = Days::new();
    let port = days.site.port(TlsMode::StartTls);
    let text = days.site.account_text(TlsMode::StartTls, "users: [anna]\n");
    days.site.raw_account("anna@gmx.de", text.replace(&format!("port: {port}"), &format!("port: {}", dead_port())));
    let login = days.site.path().join("upstream-login");
    fs::write(&login, format!("anna@gmx.de:{PASSWORD}\n")).unwrap();
    fs::set_permissions(&login, fs::Permissions::from_mode(0o600)).unwrap();
    let upstream = format!("{{name: smarthost, upstream: 'localhost:{port}', login_file: upstream-login}}");
    days.site.config(&format!("routes: [direct, {upstream}]\n"));
    let line = days.annas("1");
    assert!(line.starts_with("2."), "{line}");
    assert!(line.contains("localhost: "), "{line}");
    days.site.config(&format!("routes: [{{upstream: 'localhost:{port}'}}]\n"));
    assert!(days.annas("2").contains("an upstream needs a login"));
}

#[test]
fn a_provider_may_have_routes_of_its_own() {
    let days = Days::new();
    let proxy = format!("127.0.0.1:{}", dead_port());
    let routes = format!("routes: [direct, {{name: proxy, connect: '{proxy}'}}]\n");
    days.site.config(&format!("{routes}providers: {{gmx: {{routes: [proxy]}}}}\n"));
    assert!(days.annas("1").contains(&format!("proxy {proxy}")));
    days.site.account("anna@gmx.de", "users: [anna]\nroutes: [direct]\n");
    assert!(days.annas("1").starts_with("2."), "the account's stand before the provider's");
    days.site.account("anna@gmx.de", "users: [anna]\n");
    days.site.config(&format!("{routes}providers: {{gmx: {{routes: [nowhere]}}}}\n"));
    assert!(days.annas("2").contains("provider gmx: routes: there is no route \"nowhere\""));
}
