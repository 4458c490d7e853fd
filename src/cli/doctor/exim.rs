//! Exim's part of the chain, as `exim -bP` tells it: the transport must be the one of `contrib/exim`.

use super::finding::Findings;
use super::postfix::one_account;
use super::queue;
use crate::config::Config;
use crate::setup::run_tool;

const TRANSPORT: &str = include_str!("../../../contrib/exim/transport.conf");

/// An address at no host's own domain.
const ELSEWHERE: &str = "postmaster@example.org";

/// Lines of the transport that a host may have otherwise.
const FREE: [&str; 6] = ["debug_print", "driver", "command", "user", "current_directory", "home_directory"];

/// Looks at the host's Exim, and gives the transport's user.
pub(super) fn look(config: &Config, findings: &mut Findings) -> Option<String> {
    let mend = "sendvia unset exim && sendvia setup exim".to_owned();
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

/// The lines of our transport that `told` has not, or has otherwise.
fn missing(told: &str) -> impl Iterator<Item = &'static str> {
    let ours = TRANSPORT.lines().filter(|line| line.starts_with("  ")).map(str::trim);
    let told: Vec<String> = told.lines().map(plain).collect();
    ours.filter(|line| !FREE.iter().any(|free| line.starts_with(free))).filter(move |line| !told.contains(&plain(line)))
}

/// Exim prints lists and environments as it keeps them; blanks do not count.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_otherwise_is_missing() {
        let told: String = TRANSPORT.lines().map(|line| format!("{}\n", line.trim())).collect();
        assert_eq!(missing(&told).count(), 0);
        let wrong = told.replace("batch_max = 1", "batch_max = 50").replace("timeout_defer\n", "no_timeout_defer\n");
        assert_eq!(missing(&wrong).collect::<Vec<_>>(), ["batch_max = 1", "timeout_defer"]);
    }
}
