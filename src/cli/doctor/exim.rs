//! Exim's part of the chain, as `exim -bP` tells it: the transport must be one of `contrib/exim`, by its driver.

use super::finding::Findings;
use super::postfix::one_account;
use super::queue;
use crate::config::Config;
use crate::setup::run_tool;

const PIPE: &str = include_str!("../../../contrib/exim/transport.conf");
const LMTP: &str = include_str!("../../../contrib/exim/lmtp-transport.conf");

/// An address at no host's own domain.
const ELSEWHERE: &str = "postmaster@example.org";

/// Lines of the pipe that a host may have otherwise.
const FREE: [&str; 6] = ["debug_print", "driver", "command", "user", "current_directory", "home_directory"];

/// Further ones of LMTP; the field that carries the login has its macros put in, and is looked at by its name.
const FREE_BY_LMTP: [&str; 3] = ["socket", "batch_max", "headers_add"];

/// The field that carries the login.
const LOGIN: &str = "headers_add = X-Sendvia-Login";

/// Looks at the host's Exim, and gives the transport's user.
pub(super) fn look(config: &Config, findings: &mut Findings) -> Option<String> {
    let told = match run_tool("exim4", &["-bP", "transport", "sendvia"]) {
        Ok(told) => told,
        Err(error) => {
            let why = "no mail comes to sendvia";
            findings.error(
                "exim.transport",
                format!("no transport `sendvia`: {error}"),
                why,
                "sendvia setup exim".into(),
            );
            return None;
        }
    };
    // `setup` puts in the pipe alone.
    let mend = match is_lmtp(&told) {
        true => "put in the pieces of docs/guide/exim.md, \"LMTP instead of the pipe\"".to_owned(),
        false => "sendvia unset exim && sendvia setup exim".to_owned(),
    };
    for line in missing(&told) {
        let why = "without it messages are lost, returned or sent in another name; docs/guide/exim.md tells which";
        findings.error("exim.option", format!("the transport has not `{line}`"), why, mend.clone());
    }
    if run_tool("exim4", &["-bP", "router", "sendvia"]).is_err() {
        let why = "no sender is routed to sendvia";
        findings.error("exim.router", "there is no router `sendvia`".to_owned(), why, mend);
    } else if let Some(sender) = one_account(config) {
        look_at_route(&sender, findings);
    }
    queue::look_at_exim(config, findings);
    told.lines().find_map(|line| line.strip_prefix("user = ")).map(str::to_owned)
}

/// Whether a message of this sender to another host comes to us; a router in front of ours may take it.
fn look_at_route(sender: &str, findings: &mut Findings) {
    let Ok(told) = run_tool("exim4", &["-bt", "-f", sender, ELSEWHERE]) else { return };
    if !told.contains("transport = sendvia") {
        let why = "its mail goes out without its account, and is refused or taken for forged";
        let mend = format!("exim4 -d-all+route -bt -f {sender} {ELSEWHERE}");
        findings.error("exim.route", format!("Exim does not route {sender} to sendvia"), why, mend);
    }
}

fn is_lmtp(told: &str) -> bool {
    told.lines().any(|line| plain(line) == "driver = lmtp")
}

/// The lines of our transport that `told` has not, or has otherwise.
fn missing(told: &str) -> Vec<&'static str> {
    let (ours, also_free) = if is_lmtp(told) { (LMTP, &FREE_BY_LMTP[..]) } else { (PIPE, &[][..]) };
    let is_free = |line: &str| FREE.iter().chain(also_free).any(|free| line.starts_with(free));
    let has_login = told.lines().any(|line| plain(line).replace('"', "").starts_with(LOGIN));
    let told: Vec<String> = told.lines().map(plain).collect();
    let ours = ours.lines().filter(|line| line.starts_with("  ")).map(str::trim);
    let lines = ours.filter(|line| !is_free(line) && !told.contains(&plain(line)));
    lines.chain((!also_free.is_empty() && !has_login).then_some(LOGIN)).collect()
}

/// Exim prints lists and environments as it keeps them; blanks do not count.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(transport: &str) -> String {
        transport.lines().map(|line| format!("{}\n", line.trim())).collect()
    }

    #[test]
    fn a_line_that_is_otherwise_is_missing() {
        let told = told(PIPE);
        assert!(missing(&told).is_empty());
        let wrong = told.replace("batch_max = 1", "batch_max = 50").replace("timeout_defer\n", "no_timeout_defer\n");
        assert_eq!(missing(&wrong), ["batch_max = 1", "timeout_defer"]);
    }

    #[test]
    fn by_lmtp_the_field_of_the_login_is_taken_off_and_put_on() {
        let told = told(LMTP);
        assert!(missing(&told).is_empty());
        let lines = told.lines().filter(|line| !line.starts_with("headers_"));
        let without: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(missing(&without), ["headers_remove = X-Sendvia-Login", LOGIN]);
    }
}
