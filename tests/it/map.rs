//! `sendvia map` from outside: as spawn(8) of Postfix runs it, and as a script exports a table.

use crate::site::{Site, run};

#[test]
fn look_ups_are_answered_one_after_the_other() {
    let site = Site::new();
    site.config("map: {transport: 'smtp:[127.0.0.1]:2525'}\n");
    let ended = run(&mut site.command("map"), b"21:transport anna@gmx.de,18:transport b@gmx.de,17:login anna@gmx.de,");
    assert_eq!(ended.out, "24:OK smtp:[127.0.0.1]:2525,9:NOTFOUND ,7:OK anna,");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_broken_configuration_is_temporary_trouble() {
    let site = Site::new();
    site.config("nonsense: true\n");
    let ended = run(&mut site.command("map"), b"21:transport anna@gmx.de,");
    assert_eq!(ended.out, "42:TEMP sendvia's configuration can't be read,");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn what_is_no_netstring_gets_no_answer() {
    let site = Site::new();
    let ended = run(&mut site.command("map"), b"021:transport anna@gmx.de,");
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(75), "", ""));
}

#[test]
fn a_table_is_exported_for_a_map_file() {
    let site = Site::new();
    site.account("@firm.example", "users: ['*']\n");
    let ended = run(site.command("map").args(["--export", "transport"]), b"");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "@firm.example\tsendvia:\nanna@gmx.de\tsendvia:\n"));
    let ended = run(site.command("map").args(["--export", "login"]), b"");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "anna@gmx.de\tanna\n"));
    assert!(ended.err.starts_with("left out: @firm.example"), "{}", ended.err);
}

/// What Exim's `${run}` and scripts go by.
#[test]
fn a_look_up_by_hand_tells_by_its_exit_status() {
    let site = Site::new();
    site.raw_account("broken@gmx.de", "provider: [");
    let rows: &[(&[&str], i32)] = &[
        (&["anna@gmx.de"], 0),
        (&["Anna+list@GMX.de"], 0),
        (&["anna@gmx.de", "--user", "anna"], 0),
        (&["anna@gmx.de", "--user", "berta"], 1),
        (&["anna@gmx.de", "--user", ""], 1),
        (&["nobody@x.example"], 1),
        (&["no address"], 1),
        (&["<>"], 1),
        (&["broken@gmx.de"], 75),
    ];
    for (arguments, expected) in rows {
        assert_eq!(run(site.command("lookup").args(*arguments), b"").code, Some(*expected), "{arguments:?}");
    }
    site.config("nonsense: true\n");
    assert_eq!(run(site.command("lookup").arg("anna@gmx.de"), b"").code, Some(75), "a broken configuration");
}
