//! What the package brings beside the program, read by the tools that will read it on an administrator's host.

use crate::support::daemon::run;
use crate::support::lab::Lab;

fn contrib(name: &str) -> String {
    format!("{}/contrib/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn systemd_rates_the_service_as_fenced_in() {
    let unit = contrib("systemd/sendvia.service");
    let told = run("systemd-analyze", &["security", "--offline=true", "--no-pager", "--threshold=20", &unit]);
    assert!(told.contains("Overall exposure level for sendvia.service"), "{told}");
}

#[test]
fn systemd_reads_user_and_directories() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path().display().to_string();
    std::fs::create_dir_all(format!("{root}/etc")).expect("a directory");
    let root = format!("--root={root}");
    run("systemd-sysusers", &[&root, &contrib("systemd/sysusers.conf")]);
    run("systemd-tmpfiles", &[&root, "--create", &contrib("systemd/tmpfiles.conf")]);
    let users = std::fs::read_to_string(format!("{}/etc/passwd", &root[7..])).expect("users");
    assert!(users.contains("sendvia:") && users.contains(":/nonexistent:/usr/sbin/nologin"), "{users}");
    assert!(std::path::Path::new(&format!("{}/var/lib/sendvia", &root[7..])).is_dir());
}

#[test]
fn apparmor_reads_its_profile() {
    run("apparmor_parser", &["--skip-kernel-load", "--skip-cache", &contrib("apparmor/usr.bin.sendvia")]);
}

#[test]
fn every_command_has_a_manual_page_and_so_has_the_configuration() {
    let lab = Lab::new();
    let pages = lab.text("man");
    run(env!("CARGO_BIN_EXE_sendvia"), &["man", &pages]);
    for page in ["sendvia.1", "sendvia-relay.1", "sendvia-serve.1", "sendvia-account-list.1", "sendvia.yaml.5"] {
        assert!(lab.read(&format!("man/{page}")).contains(".TH "), "{page}");
    }
    let yaml = lab.read("man/sendvia.yaml.5");
    for wanted in [".SH KEYS", ".TP\n\\fBunknown_sender\\fR", ".SS routes"] {
        assert!(yaml.contains(wanted), "{wanted} in {yaml}");
    }
}
