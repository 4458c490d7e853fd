//! `sendvia import` against the tools of those it imports from: Postfix's maps of every type, and msmtp's own reading.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const PASSWORD: &str = "kanarienvogel-7193";

/// An empty site, and a directory for the old set-up.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        for name in ["accounts.d", "postfix"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        fs::write(directory.path().join("sendvia.yaml"), "log: {to: none}\n").unwrap();
        Place { directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join("postfix").join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn import(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sendvia"));
        command.arg("import").args(words).arg("--config").arg(self.path().join("sendvia.yaml"));
        let output = command.output().unwrap();
        let told = [&output.stdout[..], &output.stderr].concat();
        assert!(!String::from_utf8_lossy(&told).contains(PASSWORD));
        output
    }

    fn account(&self, address: &str) -> String {
        let text = fs::read_to_string(self.path().join("accounts.d").join(format!("{address}.yaml")));
        text.unwrap_or_else(|error| panic!("{address}: {error}"))
    }
}

/// Lines of a map as `TYPE:PATH`, indexed where the type is.
fn map(place: &Place, kind: &str, name: &str, lines: &[(&str, &str)]) -> String {
    let plain: String = lines.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
    match kind {
        "inline" => {
            let pairs: Vec<String> = lines.iter().map(|(key, value)| format!("{{ {key} = {value} }}")).collect();
            format!("inline:{{ {} }}", pairs.join(", "))
        }
        "regexp" | "pcre" => {
            let rows = lines.iter().map(|(key, value)| {
                let escaped = key.replace(['[', ']', '.'], ".");
                format!("/^{escaped}$/ {value}\n")
            });
            format!("{kind}:{}", place.file(name, &rows.collect::<String>()))
        }
        "pipemap" | "unionmap" => format!("{kind}:{{texthash:{}}}", place.file(name, &plain)),
        _ => {
            let file = place.file(name, &plain);
            if kind != "texthash" {
                let made = Command::new("postmap").arg(format!("{kind}:{file}")).output().unwrap();
                assert!(made.status.success(), "{made:?}");
            }
            format!("{kind}:{file}")
        }
    }
}

#[test]
fn maps_of_every_type_that_postfix_has_here_give_the_same_accounts() {
    let known = Command::new("postconf").arg("-m").output().unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    let kinds = ["hash", "btree", "lmdb", "cdb", "texthash", "inline", "regexp", "pcre", "pipemap", "unionmap"];
    for kind in kinds.iter().filter(|kind| known.lines().any(|line| line == **kind)) {
        let place = Place::new();
        // Senders must be listed somewhere; passwords may be in any type.
        let relayhosts = map(
            &place,
            "texthash",
            "relay",
            &[("berta@gmx.de", "[mail.gmx.net]:587"), ("@firma.example", "[mail.firma.example]:465")],
        );
        let passwords = map(
            &place,
            kind,
            "passwd",
            &[
                ("berta@gmx.de", &format!("berta@gmx.de:{PASSWORD}")),
                ("[mail.firma.example]:465", &format!("firma:{PASSWORD}:with:colons")),
            ],
        );
        let main = format!(
            "compatibility_level = 3.6\nsender_dependent_relayhost_maps = {relayhosts}\n\
             smtp_sasl_password_maps = {passwords}\nsmtp_sender_dependent_authentication = yes\n\
             smtp_tls_security_level = encrypt\n"
        );
        place.file("main.cf", &main);
        let directory = place.path().join("postfix");
        let imported = place.import(&["postfix", "--config-dir", directory.to_str().unwrap(), "--yes", "--users", "b"]);
        let out = String::from_utf8_lossy(&imported.stdout).into_owned();
        assert!(out.contains("2 accounts written"), "{kind}: {imported:?}");
        assert!(place.account("berta@gmx.de").contains("provider: gmx\nsecret: {sealed: "), "{kind}");
        let firma = place.account("@firma.example");
        assert!(
            firma.contains("{host: mail.firma.example, port: 465, tls: implicit}\nlogin: firma\n"),
            "{kind}: {firma}"
        );
        assert!(out.contains("Postfix does not look at the certificate"), "{kind}: {out}");
    }
}

#[test]
fn rows_that_make_no_account_are_told_with_their_reason() {
    let place = Place::new();
    let relayhosts = map(
        &place,
        "hash",
        "relay",
        &[
            ("berta@gmx.de", "[mail.gmx.net]:587"),
            ("carla@x.example", "DUNNO"),
            ("dora@gmx.de", "[mail.gmx.net]:nosuch"),
        ],
    );
    let passwords = map(
        &place,
        "hash",
        "passwd",
        &[("[other.example]", &format!("x:{PASSWORD}")), ("emil@web.de", &format!("emil:{PASSWORD}"))],
    );
    place.file(
        "main.cf",
        &format!(
            "compatibility_level = 3.6\nsender_dependent_relayhost_maps = {relayhosts}\n\
             smtp_sasl_password_maps = {passwords}\nsmtp_sender_dependent_authentication = yes\n"
        ),
    );
    let directory = place.path().join("postfix");
    let imported = place.import(&["postfix", "--config-dir", directory.to_str().unwrap(), "--yes"]);
    let out = String::from_utf8_lossy(&imported.stdout).into_owned();
    let expected = [
        "berta@gmx.de: no password for it or for [mail.gmx.net]:587",
        "carla@x.example: its mail goes to no relayhost",
        "dora@gmx.de: [mail.gmx.net]:nosuch is no server",
        "emil@web.de: its mail goes to no relayhost",
        "[other.example]: no sender's mail goes to this server",
    ];
    expected.iter().for_each(|line| assert!(out.contains(line), "expected {line:?} in {out}"));
    assert_eq!(imported.status.code(), Some(65));
}

#[test]
fn ten_thousand_rows_come_in_within_ten_seconds() {
    let place = Place::new();
    let lines: String = (0..10_000).map(|number| format!("a{number}@gmx.de a{number}@gmx.de:{PASSWORD}\n")).collect();
    let passwords = place.file("passwd", &lines);
    assert!(Command::new("postmap").arg(format!("hash:{passwords}")).status().unwrap().success());
    place.file(
        "main.cf",
        &format!(
            "compatibility_level = 3.6\nrelayhost = [mail.gmx.net]:587\nsmtp_sender_dependent_authentication = yes\n\
             smtp_sasl_password_maps = hash:{passwords}\nsmtp_tls_security_level = secure\n"
        ),
    );
    let begin = std::time::Instant::now();
    let directory = place.path().join("postfix");
    let imported = place.import(&["postfix", "--config-dir", directory.to_str().unwrap(), "--yes"]);
    assert!(String::from_utf8_lossy(&imported.stdout).contains("10000 accounts written"), "{imported:?}");
    // The build for tests is several times slower than the one for release.
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    eprintln!("10,000 rows: {:?}", begin.elapsed());
}

#[test]
fn msmtp_and_we_read_the_same_from_its_configuration() {
    let place = Place::new();
    let config = place.file(
        "msmtprc",
        &format!(
            "defaults\nauth on\ntls on\n\naccount one\nhost one.example\nport 587\nfrom a@one.example\nuser ua\n\
             password \"{PASSWORD}\"\n\naccount two : one\nhost two.example\ntls_starttls off\nport 465\n\
             from b@two.example\nuser \"u b\"\n\naccount default : two\n"
        ),
    );
    fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let imported = place.import(&["msmtp", &config, "--yes"]);
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    for address in ["a@one.example", "b@two.example"] {
        let theirs =
            Command::new("msmtp").args(["-C", &config, "--pretend", "--from", address, "x@x.example"]).output();
        let theirs = String::from_utf8(theirs.unwrap().stdout).unwrap();
        let value = |name: &str| theirs.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
        let ours = place.account(address);
        let tls = if value("tls_starttls") == "on" { "starttls" } else { "implicit" };
        let server = format!("{{host: {}, port: {}, tls: {tls}}}", value("host"), value("port"));
        let user = value("user");
        assert!(ours.contains(&server) && ours.contains(user), "msmtp: {theirs}\nsendvia: {ours}");
    }
}
