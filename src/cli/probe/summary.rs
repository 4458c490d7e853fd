//! The paragraph at the end: what is refused, where, why, by whom it is meant, and what can be done.

use super::look::Sight;
use super::{Findings, Login};
use crate::account::refusal::classify;
use crate::verdict::{Meaning, Outcome, Stage};
use std::collections::BTreeSet;

/// Parts of names of block lists.
const LISTS: [&str; 14] = [
    "spamhaus",
    "spamcop",
    "barracuda",
    "sorbs",
    "uceprotect",
    "abuseat",
    "manitu",
    "dnsbl",
    "rbl",
    "cloudmark",
    "invaluement",
    "mailspike",
    "psbl",
    "spamrats",
];

/// Whether a login could follow somewhere, and the one that was tried worked.
pub(super) fn is_good(findings: &Findings) -> bool {
    let is_open = findings.sights.iter().any(|sight| sight.port != 25 && sight.is_open());
    is_open && findings.login.as_ref().is_none_or(|login| login.refusal.is_none())
}

/// The paragraph.
pub(super) fn of(findings: &Findings) -> String {
    let name = &findings.target.name;
    let mut sentences = Vec::new();
    for route in routes(findings) {
        sentences.push(of_route(name, route, findings));
    }
    sentences.extend(findings.login.as_ref().map(of_login));
    let lists = block_lists(findings);
    if !lists.is_empty() {
        sentences.push(format!("Block lists named in the replies: {}.", lists.join(", ")));
    }
    if let Some(page) = &findings.target.page {
        sentences.push(format!("The provider's page: {page}."));
    }
    sentences.join(" ")
}

fn routes(findings: &Findings) -> Vec<&str> {
    let mut routes: Vec<&str> = findings.sights.iter().map(|sight| sight.route.as_str()).collect();
    routes.dedup();
    routes
}

fn of_route(name: &str, route: &str, findings: &Findings) -> String {
    let sights: Vec<&Sight> = findings.sights.iter().filter(|sight| sight.route == route).collect();
    // Port 25 is for mail servers, and closed to most hosts.
    let for_us: Vec<&&Sight> = sights.iter().filter(|sight| sight.port != 25 || sights.len() == 1).collect();
    let open: BTreeSet<u16> = for_us.iter().filter(|sight| sight.is_open()).map(|sight| sight.port).collect();
    let refused = for_us.iter().find_map(|sight| sight.refusal().map(|refusal| (sight, refusal)));
    let unverified =
        for_us.iter().find_map(|sight| Some((sight, sight.survey.tls.as_ref()?.certificate.as_ref().err()?)));
    if let Some((sight, (stage, reply, found))) = refused {
        let whom = who_is_meant(found.meaning, stage, findings);
        let also = if open.is_empty() { String::new() } else { format!(" Open are: {}.", ports(&open)) };
        return format!(
            "By route {route}, {name} ({}:{}) refuses at {stage}, before anyone can log in: \"{reply}\" - {}. {whom} {}{also}",
            sight.address,
            sight.port,
            found.meaning.in_words(),
            found.remedy,
        );
    }
    if !open.is_empty() {
        return format!(
            "By route {route}, {name} lets this host in at {}: nothing is refused before the login.",
            ports(&open)
        );
    }
    if let Some((sight, problem)) = unverified {
        return format!(
            "By route {route}, {}:{} answers, but its certificate is not verified ({problem}): sendvia sends no password \
             there. Either somebody stands in between, or `tls: {{ca_file: ...}}` has to name the server's authority.",
            sight.address, sight.port
        );
    }
    let problem = for_us.iter().find_map(|sight| sight.problem()).unwrap_or_else(|| "nothing was seen".to_owned());
    format!(
        "By route {route}, {name} is not reached at any port ({problem}): a firewall on the way, this host's network or the \
         route itself is the reason, not an account."
    )
}

fn who_is_meant(meaning: Meaning, stage: Stage, findings: &Findings) -> String {
    let address = findings.here.address.map(|address| format!(" {address}")).unwrap_or_default();
    match (meaning, stage) {
        (Meaning::ServerTrouble, _) => "Neither this host's address nor an account is meant.".to_owned(),
        _ => format!(
            "It is this host's address{address} that is refused, not an account: every account here is concerned."
        ),
    }
}

fn of_login(login: &Login) -> String {
    let account = &login.account;
    match &login.refusal {
        None => format!("The login of {account} works."),
        Some(Outcome::Refused { provider, stage: Stage::Auth, reply, meaning }) => {
            let whom = match meaning {
                Meaning::HostRefused => "It is this host's address that is refused, not the account.",
                Meaning::ServerTrouble => "It is the server's trouble, not the account's.",
                _ => "It is the account that is refused, not this host's address.",
            };
            let remedy = classify(Some(provider), Stage::Auth, reply).remedy;
            format!("The login of {account} is refused at AUTH: \"{reply}\" - {}. {whom} {remedy}", meaning.in_words())
        }
        Some(_) => format!("The login of {account}: {}.", login.problem().unwrap_or_default()),
    }
}

fn ports(ports: &BTreeSet<u16>) -> String {
    let names: Vec<String> = ports.iter().map(|port| format!("port {port}")).collect();
    names.join(" and ")
}

/// Names of block lists in what was said, each once.
pub(super) fn block_lists(findings: &Findings) -> Vec<String> {
    let texts = findings.sights.iter().flat_map(Sight::replies).map(|reply| reply.text());
    let found: BTreeSet<String> = texts.flat_map(|text| lists_in(&text)).collect();
    found.into_iter().collect()
}

fn lists_in(text: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let words = text.split(|c: char| !is_name(c)).map(|word| word.trim_matches('.').to_ascii_lowercase());
    words.filter(|word| LISTS.iter().any(|list| word.contains(list))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_lists_are_named_as_the_reply_names_them() {
        let rows = [
            ("554 5.7.1 198.51.100.7 blocked using zen.spamhaus.org; see https://check.spamhaus.org/q", 2),
            ("554 listed at SpamCop.", 1),
            ("554 No SMTP service", 0),
        ];
        for (text, count) in rows {
            assert_eq!(lists_in(text).len(), count, "{text}: {:?}", lists_in(text));
        }
    }
}
