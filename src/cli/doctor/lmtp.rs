//! Postfix's LMTP client: the words of its transport, and that the login reaches us.

use super::finding::Findings;
use super::postfix::{Postfix, seconds};
use crate::config::{Config, ListenAddress};
use crate::mta::lmtp::DEADLINE;
use crate::setup::definition;
use std::path::Path;

const DATA: &str = "smtpd_data_restrictions";

/// Looks at the transport with `lmtp`.
pub(super) fn look(postfix: &Postfix, config: &Config, findings: &mut Findings) {
    if !word(postfix, "sendvia/unix/lmtp_send_xforward_command").contains("yes") {
        let why = "without the queue id no login is believed, and every message counts as one without a login";
        let mend = postfix.set_of_service("sendvia/unix/lmtp_send_xforward_command", "yes");
        findings.error("postfix.xforward", "the transport does not pass the queue id".to_owned(), why, mend);
    }
    look_at_time(postfix, config, findings);
    if config.login_field.as_ref().is_some_and(|field| field.key_file.is_some()) {
        submission_services(postfix).iter().for_each(|service| look_at_login(postfix, service, config, findings));
    }
}

fn look_at_time(postfix: &Postfix, config: &Config, findings: &mut Findings) {
    let name = "lmtp_data_done_timeout";
    let own = word(postfix, &format!("sendvia/unix/{name}"));
    let given = if own.is_empty() { postfix.value(name) } else { own };
    let patience = config.timeouts.deadline.unwrap_or(DEADLINE).min(DEADLINE);
    if seconds(&given).is_some_and(|given| given <= patience) {
        let what = format!("{name} of the transport is {given}, and a delivery may take {} s", patience.as_secs());
        let why = "Postfix takes a delivery that is still under way for a failed one, and begins it again";
        findings.error(
            "postfix.lmtp-time-limit",
            what,
            why,
            postfix.set_of_service(&format!("sendvia/unix/{name}"), "600s"),
        );
    }
}

/// Whether the policy service is asked at DATA, where it signs who submitted.
fn look_at_login(postfix: &Postfix, service: &str, config: &Config, findings: &mut Findings) {
    let name = format!("{service}/inet/{DATA}");
    let own = word(postfix, &name);
    let asked = if own.is_empty() { raw(postfix, DATA) } else { own };
    let listens = |address: &ListenAddress| match address {
        ListenAddress::Unix(path) => asked.contains(&path.display().to_string()),
        ListenAddress::Tcp(address) => asked.contains(&address.to_string()),
    };
    if asked.contains("sendvia") || config.listen.policy.iter().any(listens) {
        return;
    }
    let what = format!("the service {service} does not ask the policy service in {DATA}");
    let why = "nobody signs who submitted, so mail of customers who have logged in waits in the queue";
    let mend = match (has_policy(postfix), asked.is_empty()) {
        (false, _) => format!("sendvia setup postfix -c {} --mode lmtp", postfix.directory),
        (true, true) => postfix.set_of_service(&name, "$sendvia_policy"),
        (true, false) => postfix.set_of_service(&name, &in_front(&asked)),
    };
    findings.error("postfix.data-policy", what, why, mend);
}

/// The policy service before what is asked already; `postconf -P` takes no blanks, and a comma serves as well.
fn in_front(asked: &str) -> String {
    let words = asked.split([' ', '\t', ',', '\n']).filter(|word| !word.is_empty());
    std::iter::once("$sendvia_policy").chain(words).collect::<Vec<_>>().join(",")
}

/// Whether main.cf names the policy service; `postconf` does not know a parameter that nothing refers to.
fn has_policy(postfix: &Postfix) -> bool {
    let main = std::fs::read_to_string(Path::new(&postfix.directory).join("main.cf")).unwrap_or_default();
    definition(&main, "sendvia_policy").is_some()
}

/// The services at which customers log in.
fn submission_services(postfix: &Postfix) -> Vec<String> {
    let entries = postfix.ask(&["-M"]).unwrap_or_default();
    let services = entries.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&"inet") && words.get(7) == Some(&"smtpd")).then(|| words[0].to_owned())
    });
    let by_default = postfix.value("smtpd_sasl_auth_enable");
    let takes_logins = |service: &String| {
        let own = word(postfix, &format!("{service}/inet/smtpd_sasl_auth_enable"));
        if own.is_empty() { by_default == "yes" } else { own == "yes" }
    };
    services.filter(takes_logins).collect()
}

/// What a service has under `-o`; nothing where it has not.
fn word(postfix: &Postfix, name: &str) -> String {
    let told = postfix.ask(&["-P", name]).unwrap_or_default();
    told.split_once('=').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// A parameter as it is written.
fn raw(postfix: &Postfix, name: &str) -> String {
    postfix.ask(&["-h", name]).unwrap_or_default().trim().to_owned()
}
