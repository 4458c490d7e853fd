use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

/// Accounts of several kinds, and the tables of them.
fn site() -> (TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::beside(directory.path());
    fs::create_dir(directory.path().join("accounts.d")).unwrap();
    account(directory.path(), "anna@gmx.de", "users: [anna, 'anna@gmx.de', unix:anna, 'a b']\n");
    account(directory.path(), "@berta.example", "users: ['*']\n");
    account(directory.path(), "nobody@gmx.de", "");
    symlink("anna@gmx.de.yaml", directory.path().join("accounts.d/alias@gmx.de.yaml")).unwrap();
    (directory, config)
}

fn account(directory: &Path, address: &str, more: &str) {
    let file = directory.join(format!("accounts.d/{address}.yaml"));
    let server = "submission: {host: mail.gmx.net, port: 587, tls: starttls}";
    fs::write(&file, format!("{server}\nlogin: anna@gmx.de\nsecret: {{plain: kanarienvogel}}\n{more}")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn ask(exchange: &impl Exchange, request: &str) -> String {
    let wire = netstring::encode(request.as_bytes());
    match exchange.next(&wire) {
        Next::Reply { consumed, reply } => {
            assert_eq!(consumed, wire.len());
            let payload = Netstring::parse(&reply, MAX_SOCKETMAP).unwrap().unwrap().payload.to_vec();
            String::from_utf8(payload).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_table_answers_every_key_that_postfix_asks_for() {
    let (_directory, config) = site();
    let maps = Maps::new(&config);
    let rows = [
        ("transport anna@gmx.de", "OK sendvia:"),
        ("transport Anna+tag@GMX.de", "OK sendvia:"),
        ("transport alias@gmx.de", "OK sendvia:"),
        ("transport any@berta.example", "OK sendvia:"),
        ("transport @berta.example", "OK sendvia:"),
        ("transport @gmx.de", "NOTFOUND "),
        ("transport anna", "NOTFOUND "),
        ("transport <>", "NOTFOUND "),
        ("transport ", "NOTFOUND "),
        ("transport other@gmx.de", "NOTFOUND "),
        ("transport ../../etc/passwd@x", "NOTFOUND "),
        ("login anna@gmx.de", "OK anna,anna@gmx.de"),
        ("login any@berta.example", "NOTFOUND "),
        ("login nobody@gmx.de", "OK <nobody>"),
        ("relayhost anna@gmx.de", "OK [mail.gmx.net]:587"),
        ("aliases anna@gmx.de", "PERM no such table: there are transport, login and relayhost"),
        ("transport", "PERM expected a table's name, a blank and a key"),
    ];
    for (request, expected) in rows {
        assert_eq!(ask(&maps, request), expected, "{request}");
    }
}

#[test]
fn an_account_that_was_added_or_removed_counts_at_once() {
    let (directory, config) = site();
    let maps = Maps::new(&config);
    assert_eq!(ask(&maps, "transport new@gmx.de"), "NOTFOUND ");
    account(directory.path(), "new@gmx.de", "");
    assert_eq!(ask(&maps, "transport new@gmx.de"), "OK sendvia:");
    fs::remove_file(directory.path().join("accounts.d/new@gmx.de.yaml")).unwrap();
    assert_eq!(ask(&maps, "transport new@gmx.de"), "NOTFOUND ");
}

#[test]
fn trouble_is_temporary_and_never_an_answer() {
    let (directory, config) = site();
    account(directory.path(), "broken@gmx.de", "users: 7\n");
    let maps = Maps::new(&config);
    assert_eq!(ask(&maps, "transport broken@gmx.de"), "TEMP an account can't be read");
    assert!(ask(&NoMaps, "transport anna@gmx.de").starts_with("TEMP "));
    fs::remove_dir_all(directory.path().join("accounts.d")).unwrap();
    assert!(ask(&maps, "transport anna@gmx.de").starts_with("TEMP "), "accounts that are gone are not none");
}

#[test]
fn the_null_sender_has_an_account_where_one_is_named() {
    let (_directory, mut config) = site();
    config.null_sender = NullSender::Via(Mailbox::parse("anna@gmx.de").unwrap());
    config.map.transport = "lmtp:unix:sendvia/lmtp".to_owned();
    assert_eq!(ask(&Maps::new(&config), "transport <>"), "OK lmtp:unix:sendvia/lmtp");
}

#[test]
fn a_table_is_exported_as_it_answers() {
    let (directory, config) = site();
    account(directory.path(), "broken@gmx.de", "users: 7\n");
    let maps = Maps::new(&config);
    for (table, count, left) in [(Table::Transport, 4, 1), (Table::Login, 3, 2), (Table::Relayhost, 4, 1)] {
        let mut lines = Vec::new();
        let mut others = 0;
        maps.export(table, &mut |entry| match entry {
            Entry::Line(key, value) => lines.push((key, value)),
            Entry::Left(_) => others += 1,
        })
        .unwrap();
        assert_eq!((lines.len(), others), (count, left), "{table:?}: {lines:?}");
        for (key, value) in lines {
            assert_eq!(ask(&maps, &format!("{} {key}", table.name())), format!("OK {value}"));
        }
    }
}

#[test]
fn what_is_no_netstring_ends_the_connection() {
    let (_directory, config) = site();
    for wire in [&b"GET / HTTP/1.0"[..], b"100001:", b"05:hello,", b"1:ab"] {
        assert!(matches!(Maps::new(&config).next(wire), Next::Broken(_)), "{wire:?}");
    }
    assert_eq!(Maps::new(&config).next(b"21:transport anna"), Next::Incomplete);
}
