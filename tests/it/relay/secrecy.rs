//! No output of any kind holds a secret.

use crate::site::{Ended, MESSAGE, PASSWORD, Site, run};

/// The password as it stands in the dialogue of PLAIN, at each of base64's three offsets, and of LOGIN.
fn disguises() -> Vec<String> {
    let encode = |octets: &[u8]| {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> = octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1)).collect();
        let sixes = bits.chunks_exact(6).map(|six| six.iter().fold(0, |value, bit| value << 1 | bit));
        sixes.map(|value: u8| char::from(ALPHABET[usize::from(value)])).collect::<String>()
    };
    let mut all = vec![PASSWORD.to_owned()];
    for offset in 0..3 {
        let shifted = [&b"\0\0\0"[..offset], PASSWORD.as_bytes()].concat();
        // The first characters depend on what stands before.
        all.push(encode(&shifted)[offset * 2..].chars().take(16).collect());
    }
    all
}

#[track_caller]
fn clean(what: &str, ended: &Ended) {
    for disguise in disguises() {
        assert!(!ended.out.contains(&disguise) && !ended.err.contains(&disguise), "{what} shows {disguise}: {ended:?}");
    }
}

#[test]
fn no_output_shows_the_password_in_any_form() {
    let site = Site::new();
    let envelope = ["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"];
    let debug = |site: &Site| run(site.command("relay").arg("--debug").args(envelope), MESSAGE.as_bytes());
    let delivered = debug(&site);
    assert_eq!(delivered.code, Some(0), "{delivered:?}");
    clean("a delivery at --debug", &delivered);
    site.rules(&["wrong-password"]);
    clean("a refused login at --debug", &debug(&site));
    site.rules(&[&format!("reply=auth:535 You said {PASSWORD}")]);
    clean("a refused login", &site.relay_annas(MESSAGE));
    let look = run(site.command("lookup").args(["anna@gmx.de", "--user", "anna"]), b"");
    assert_eq!(look.code, Some(0), "{look:?}");
    clean("lookup", &look);
    clean("lookup --json", &run(site.command("lookup").args(["anna@gmx.de", "--json"]), b""));
    clean("check", &run(&mut site.command("check"), b""));
    clean("check --json", &run(site.command("check").arg("--json"), b""));
}

#[test]
fn an_error_in_an_account_file_does_not_show_the_line_with_the_secret() {
    let site = Site::new();
    let texts = [
        format!("provider: gmx\nsecret: {{plain: {PASSWORD}\n"),
        format!("provider: gmx\nsecret: {PASSWORD}\n"),
        format!("provider: gmx\nsecret: {{plain: {PASSWORD}, plain: {PASSWORD}}}\n"),
        format!("provider: gmx\nsecret: {{plian: {PASSWORD}}}\n"),
        format!("provider: gmx\nsecret: {{plain: [{PASSWORD}]}}\n"),
        format!("provider: gmx\nsecret: {{plain: \"{PASSWORD}}}\n"),
        format!("provider: gmx\n{PASSWORD}\n"),
        format!("\tsecret: {{plain: {PASSWORD}}}\n"),
    ];
    for text in texts {
        site.raw_account("anna@gmx.de", &text);
        clean(&text, &site.relay_annas(MESSAGE));
        clean(&text, &run(&mut site.command("check"), b""));
        clean(&text, &run(site.command("check").arg("--json"), b""));
    }
}
