//! What the package brings beside the program, read by the tools that will read it on an administrator's host.

use crate::support::daemon::{run, run_with_input};
use crate::support::lab::{Lab, repository, user};
use crate::support::service::Service;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::process::Command;

fn contrib(name: &str) -> String {
    format!("{}/contrib/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_purge_keeps_what_stood_in_the_mail_servers_files_until_it_is_taken_out() {
    let lab = Lab::new();
    // Accounts are there, so that no user of this host is removed.
    lab.directory("etc/sendvia");
    lab.write("etc/sendvia/sendvia.yaml", "accounts: accounts.d\n");
    for directory in ["var/lib/sendvia/setup", "run/sendvia"] {
        lab.directory(directory);
    }
    for file in ["var/lib/sendvia/state.db", "var/lib/sendvia/setup/postfix%2fetc%2fpostfix.json"] {
        lab.write(file, "{}");
    }
    let mut script = repository("contrib/debian/postrm");
    for place in ["/etc/sendvia", "/var/lib/sendvia", "/run/sendvia", "/var/spool/postfix/sendvia"] {
        script = script.replace(place, &lab.text(&place[1..]));
    }
    let purge = || Command::new("sh").args(["-c", &script, "postrm", "purge"]).output().expect("a shell");
    let told = String::from_utf8_lossy(&purge().stderr).into_owned();
    assert!(told.contains("sendvia unset postfix"), "{told}");
    let kept = "var/lib/sendvia/setup/postfix%2fetc%2fpostfix.json";
    assert!(lab.path(kept).exists() && !lab.path("var/lib/sendvia/state.db").exists(), "{told}");
    std::fs::remove_file(lab.path(kept)).expect("as `unset` does");
    assert!(purge().status.success());
    assert!(!lab.path("var/lib/sendvia").exists());
}

#[test]
fn systemd_rates_the_service_as_fenced_in() {
    let unit = contrib("systemd/sendvia.service");
    let told = run("systemd-analyze", &["security", "--offline=true", "--no-pager", "--threshold=20", &unit]);
    assert!(told.contains("Overall exposure level for sendvia.service"), "{told}");
}

#[test]
fn systemd_finds_nothing_to_complain_about_in_the_units() {
    let lab = Lab::new();
    let program = env!("CARGO_BIN_EXE_sendvia");
    for unit in ["sendvia.service", "sendvia.socket", "sendvia-submission.socket"] {
        lab.write(unit, repository(&format!("contrib/systemd/{unit}")).replace("/usr/bin/sendvia", program));
    }
    let units = ["sendvia.service", "sendvia.socket", "sendvia-submission.socket"].map(|unit| lab.text(unit));
    let arguments = ["verify", "--man=no", "--recursive-errors=no"].into_iter().chain(units.iter().map(String::as_str));
    let output = Command::new("systemd-analyze").args(arguments).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !told.contains("sendvia"), "{told}");
}

#[test]
fn prometheus_reads_the_alert_rules() {
    let told = run("promtool", &["check", "rules", &contrib("prometheus/sendvia.rules.yml")]);
    assert!(told.contains("SUCCESS"), "{told}");
}

#[test]
fn prometheus_finds_nothing_to_complain_about_in_the_page_of_the_service() {
    let lab = Lab::new();
    let (uid, gid) = user("sendvia");
    for directory in ["sockets", "etc/state"] {
        chown(lab.directory(directory), Some(uid), Some(gid)).expect("owner");
    }
    lab.write("etc/sendvia.yaml", format!("listen: {{metrics: 'unix:{}'}}\n", lab.text("sockets/metrics")));
    let _service = Service::start(&lab, &["sockets/metrics"]);
    let mut stream = UnixStream::connect(lab.path("sockets/metrics")).expect("the service");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answered");
    let (_, page) = reply.split_once("\r\n\r\n").expect("a page");
    assert!(page.contains("# TYPE "), "{page}");
    run_with_input("promtool", &["check", "metrics"], page.as_bytes());
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
