//! Secrets that commands print, although the service can start no program.

use super::{delivered, elsewhere, helper, is_gone, site};
use crate::serve::Serving;
use crate::site::PASSWORD;
use std::fs;
use std::time::{Duration, Instant};

/// Until it is so; a test that waits in vain fails.
fn wait(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain");
        std::thread::yield_now();
    }
}

#[test]
fn a_command_gives_a_secret_and_is_outside_of_the_fence() {
    let (_elsewhere, file) = elsewhere("");
    let site = site(&format!("{{command: 'echo {PASSWORD}; echo was here >>{file}', shell: true}}"));
    let _serving = Serving::start(&site);
    let reply = delivered(&site);
    assert!(reply.starts_with("250 "), "{reply}");
    assert_eq!(fs::read_to_string(file).unwrap(), "was here\n");
}

#[test]
fn a_command_that_fails_or_hangs_holds_the_message_back_and_is_told_as_ever() {
    for (secret, told) in [
        ("{command: [/bin/false]}", "secret command /bin/false: exit status 1"),
        ("{command: [/nonexistent/pass]}", "secret command /nonexistent/pass: No such file or directory"),
        ("{command: [sleep, '600'], timeout: 1s}", "secret command sleep: no answer within 1s"),
        ("{command: ['true']}", "secret command true holds no secret"),
    ] {
        let site = site(secret);
        let _serving = Serving::start(&site);
        let reply = delivered(&site);
        assert!(reply.starts_with("451 4.7.8 ") && reply.contains(told), "{reply}");
    }
}

#[test]
fn the_process_that_runs_commands_takes_no_signal_of_the_services_and_ends_with_it_alone() {
    let site = site(&format!("{{command: [echo, {PASSWORD}]}}"));
    let serving = Serving::start(&site);
    let helper = helper(&serving).expect("it was started");
    for signal in ["-TERM", "-INT", "-HUP"] {
        let id = helper.to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
    assert!(delivered(&site).starts_with("250 "));
    serving.signal("-KILL");
    assert_eq!(serving.end().0, None);
    wait(|| is_gone(helper));
}

#[test]
fn without_the_process_that_runs_commands_their_mail_waits_and_other_mail_goes() {
    let site = site(&format!("{{command: [echo, {PASSWORD}]}}"));
    let serving = Serving::start(&site);
    let helper = helper(&serving).expect("it was started");
    assert!(std::process::Command::new("kill").args(["-KILL", &helper.to_string()]).status().unwrap().success());
    wait(|| is_gone(helper));
    let reply = delivered(&site);
    assert!(reply.starts_with("451 4.7.8 ") && reply.contains("the process that runs it"), "{reply}");
    site.account("anna@gmx.de", "users: [anonymous]\n");
    assert!(delivered(&site).starts_with("250 "));
}
