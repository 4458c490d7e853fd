//! `sendvia import` on the binary, from files; Postfix's and msmtp's own tools have their say in `tests/mta`.

use crate::keys::{sendvia, site_with_key};
use crate::site::{PASSWORD, Site};
use std::fs;

fn file(site: &Site, name: &str, text: &str) -> String {
    let path = site.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn accounts(site: &Site) -> Vec<String> {
    let names = fs::read_dir(site.path().join("accounts.d")).unwrap();
    let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_table_is_shown_first_and_written_when_that_is_wished() {
    let site = site_with_key();
    let table = file(
        &site,
        "t.csv",
        &format!(
            "address,password,host,users,aliases\nberta@gmx.de,{PASSWORD},,berta b,b@x.example\n\
             carla@firma.example,{PASSWORD},mail.firma.example,,\nanna@gmx.de,{PASSWORD},,,\n\
             dora@nowhere.example,{PASSWORD},,,\nshort,{PASSWORD}\n@,{PASSWORD},,,\nberta@gmx.de,{PASSWORD},,,\n\
             emil,{PASSWORD},mail.x.example,,\n"
        ),
    );
    let planned = sendvia(&site, &["import", "csv", &table], "");
    assert_eq!(planned.code, Some(64), "{planned:?}");
    assert!(planned.err.contains("hint: `--yes`"), "{planned:?}");
    planned.says(&["berta@gmx.de, b@x.example", "mail.firma.example:587", "berta,b", "sealed"]);
    planned.says(&[
        "t.csv:4: anna@gmx.de: there is such an account already; `--force` overwrites it",
        "t.csv:5: no provider is known for nowhere.example",
        "t.csv:6: expected 5 cells, but found 2",
        "t.csv:8: berta@gmx.de: stands there twice",
        "t.csv:9: emil has no domain",
    ]);
    assert_eq!(accounts(&site), ["anna@gmx.de.yaml"]);
    let written = sendvia(&site, &["import", "csv", &table, "--yes", "--users", "carla,unix:root"], "");
    assert_eq!(written.code, Some(65), "some rows were not taken: {written:?}");
    written.says(&["2 accounts written"]);
    let names = ["anna@gmx.de.yaml", "b@x.example.yaml", "berta@gmx.de.yaml", "carla@firma.example.yaml"];
    assert_eq!(accounts(&site), names);
    let text = fs::read_to_string(site.account_file("carla@firma.example")).unwrap();
    assert!(text.contains("secret: {sealed: ") && text.contains("users: [carla, \"unix:root\"]"), "{text}");
    assert!(text.starts_with(&format!("# from {table}:3\n")), "{text}");
    let checked = sendvia(&site, &["check"], "");
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn a_table_without_a_heading_is_refused_and_shows_nothing() {
    let site = site_with_key();
    let table = file(&site, "t.csv", &format!("berta@gmx.de,{PASSWORD}\n"));
    let refused = sendvia(&site, &["import", "csv", &table, "--yes"], "");
    assert_eq!(refused.code, Some(65), "{refused:?}");
    assert!(refused.err.contains("t.csv:1: the first line must name the columns"), "{refused:?}");
    assert!(refused.err.contains("known columns: address, password"), "{refused:?}");
    let table = file(&site, "u.csv", &format!("address,password,provider\nberta@gmx.de,{PASSWORD},gmxx\n"));
    sendvia(&site, &["import", "csv", &table, "--yes"], "").says(&["u.csv:2: unknown provider gmxx"]);
}

#[test]
fn what_is_there_is_overwritten_only_by_force() {
    let site = site_with_key();
    let table = format!("address,password\nanna@gmx.de,{PASSWORD}\n");
    let before = fs::read_to_string(site.account_file("anna@gmx.de")).unwrap();
    sendvia(&site, &["import", "csv", "-", "--yes"], &table);
    assert_eq!(fs::read_to_string(site.account_file("anna@gmx.de")).unwrap(), before);
    assert_eq!(sendvia(&site, &["import", "csv", "-", "--yes", "--force"], &table).code, Some(0));
    assert!(fs::read_to_string(site.account_file("anna@gmx.de")).unwrap().contains("sealed"));
}

#[test]
fn an_msmtp_configuration_is_taken_over() {
    let site = site_with_key();
    let config = file(
        &site,
        "msmtprc",
        &format!(
            "defaults\ntls on\nauth on\n\naccount gmx\nhost mail.gmx.net\nport 587\nfrom berta@gmx.de\n\
             user berta@gmx.de\npassword {PASSWORD}\n\naccount eval : gmx\nfrom *@firma.example\npassword\n\
             passwordeval \"echo x\"\n\naccount default : gmx\n"
        ),
    );
    let imported = sendvia(&site, &["import", "msmtp", &config, "--yes"], "");
    assert_eq!(imported.code, Some(0), "{imported:?}");
    imported.says(&["note: msmtp's default is berta@gmx.de", "2 accounts written", "nobody may use them yet"]);
    let text = fs::read_to_string(site.account_file("@firma.example")).unwrap();
    assert!(text.contains("login: berta@gmx.de\nsecret: {command: \"echo x\", shell: true}\n"), "{text}");
    assert_eq!(sendvia(&site, &["check"], "").code, Some(0));
}

#[test]
fn debians_passwd_client_is_taken_over() {
    let site = site_with_key();
    let file =
        file(&site, "passwd.client", &format!("# Debian\n\n*.gmx.net:berta@gmx.de:{PASSWORD}\n*:x:{PASSWORD}\n"));
    let imported = sendvia(&site, &["import", "exim", &file, "--yes", "--users", "*"], "");
    assert_eq!(imported.code, Some(65), "{imported:?}");
    imported.says(&["passwd.client:4: the login is no address", "1 accounts written"]);
    let text = fs::read_to_string(site.account_file("berta@gmx.de")).unwrap();
    assert!(text.contains("provider: gmx\nsecret: {sealed: ") && text.contains("users: [\"*\"]"), "{text}");
}
