//! The recipes as text: the guides show them as they are, and Exim and Postfix read them without a word of complaint.

use crate::support::exim::Exim;
use crate::support::lab::{Lab, contrib, repository};
use crate::support::mta::Mta;
use crate::support::postfix::Postfix;
use crate::support::sink::Sink;

const FILES: &[(&str, &str)] = &[
    ("docs/guide/postfix.md", "postfix/master.cf"),
    ("docs/guide/postfix.md", "postfix/main.cf"),
    ("docs/guide/exim.md", "exim/main.conf"),
    ("docs/guide/exim.md", "exim/router.conf"),
    ("docs/guide/exim.md", "exim/transport.conf"),
    ("docs/guide/exim.md", "exim/lmtp-main.conf"),
    ("docs/guide/exim.md", "exim/lmtp-transport.conf"),
    ("docs/guide/exim.md", "exim/lmtp-command-transport.conf"),
    ("docs/guide/exim.md", "exim/map-router.conf"),
    ("docs/guide/exim.md", "exim/service.yaml"),
    ("docs/guide/service.md", "postfix/policy-master.cf"),
    ("docs/guide/service.md", "postfix/policy-main.cf"),
    ("docs/guide/service.md", "postfix/map-master.cf"),
    ("docs/guide/service.md", "postfix/map-main.cf"),
    ("docs/guide/service.md", "postfix/lmtp-master.cf"),
    ("docs/guide/service.md", "postfix/lmtp-main.cf"),
    ("docs/guide/service.md", "postfix/lmtp-spawn-master.cf"),
    ("docs/guide/service.md", "postfix/lmtp-spawn-main.cf"),
    ("docs/guide/service.md", "postfix/service.yaml"),
    ("docs/guide/containers.md", "container/sendvia.yaml"),
];

#[test]
fn the_guides_show_the_files_as_they_are() {
    for (guide, file) in FILES {
        let block = format!("\n{}```\n", contrib(file, &[]));
        assert!(repository(guide).contains(&block), "{guide} does not show contrib/{file}");
    }
}

#[test]
fn the_installed_paths_are_those_of_the_guides() {
    let sendvia = contrib("postfix/master.cf", &[("/usr/bin/sendvia relay", "")]);
    assert!(sendvia.contains("${recipient}"));
    contrib("exim/main.conf", &[("= /usr/bin/sendvia\n", ""), ("= /etc/sendvia/accounts.d\n", "")]);
}

#[test]
fn postfix_finds_nothing_to_complain_about() {
    let lab = Lab::new();
    let mta = Postfix::with_contrib(&lab, &["anna@gmx.example"], Sink::start().address());
    let unused = mta.command("postconf", &["-n"]);
    assert!(!unused.contains("warning"), "{unused}");
    assert!(!mta.log().text().contains("warning"), "{}", mta.log().text());
}

#[test]
fn exim_tests_an_address_as_the_guide_says() {
    let lab = Lab::new();
    lab.account("anna@gmx.example", "");
    let mta = Exim::with_contrib(&lab, Sink::start().address());
    let tested = mta.command(&["-bt", "-f", "anna@gmx.example", "someone@example.org"]);
    assert!(tested.contains("router = sendvia, transport = sendvia"), "{tested}");
    let tested = mta.command(&["-bt", "-f", "other@gmx.example", "someone@example.org"]);
    assert!(tested.contains("router = world"), "{tested}");
}
