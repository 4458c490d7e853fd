//! What was found, for people and for scripts.

use super::look::Sight;
use super::{Findings, summary};
use crate::cli::output;
use crate::submission::Protection;
use serde_json::{Value, json};

/// One block for each look, this host, and the paragraph.
pub(super) fn for_people(findings: &Findings) -> String {
    let mut blocks: Vec<String> = findings.sights.iter().map(block).collect();
    blocks.push(here(findings));
    blocks.push(summary::of(findings));
    blocks.join("\n\n")
}

fn block(sight: &Sight) -> String {
    let survey = &sight.survey;
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(survey.greeting.as_ref().map(|reply| ("banner", reply.to_string())));
    if let Some(tls) = &survey.tls {
        lines.push(("TLS", format!("{} {} ({})", tls.version, tls.cipher, how(sight))));
        let verdict = match &tls.certificate {
            Ok(()) => format!("verified for {}", sight.host),
            Err(problem) => format!("NOT VERIFIED for {}: {problem}", sight.host),
        };
        lines.push(("certificate", verdict));
    }
    let offers = survey.ehlo.as_ref().or(survey.clear.as_ref());
    let words = |reply: &crate::wire::reply::Reply| reply.lines_lossy().split_off(1).join(", ");
    lines.extend(offers.filter(|reply| reply.lines.len() > 1).map(|reply| ("offers", words(reply))));
    lines.extend(sight.capabilities().filter(|one| !one.auth.is_empty()).map(|one| ("AUTH", one.auth.join(" "))));
    match (sight.refusal(), sight.problem()) {
        (Some((stage, reply, found)), _) => {
            lines.push(("refused", format!("at {stage}: {reply} [{}]", found.meaning)));
        }
        (None, Some(problem)) => lines.push(("problem", problem)),
        (None, None) => (),
    }
    format!("{}\n{}", title(sight), indented(&output::pairs(&lines)))
}

fn title(sight: &Sight) -> String {
    match sight.host == sight.address {
        true => format!("{}, port {}, by route {}", sight.host, sight.port, sight.route),
        false => format!("{} [{}], port {}, by route {}", sight.host, sight.address, sight.port, sight.route),
    }
}

fn how(sight: &Sight) -> &'static str {
    match sight.protection {
        Protection::Implicit => "implicit",
        Protection::StartTls | Protection::None => "STARTTLS",
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn here(findings: &Findings) -> String {
    let here = &findings.here;
    let address = match (here.address, here.is_told) {
        (Some(address), true) => format!("{address}, as the server says"),
        (Some(address), false) => format!("{address}, as this host sees it; no server named another"),
        (None, _) => "unknown: there was no connection".to_owned(),
    };
    let name = match (&here.ptr, here.leads_back) {
        (Some(name), true) => format!("{name}, which leads back to it"),
        (Some(name), false) => format!("{name}, which does NOT lead back to it: many servers refuse that"),
        (None, _) => "none found".to_owned(),
    };
    format!("this host\n{}", indented(&output::pairs(&[("address", address), ("PTR", name)])))
}

/// The same as JSON.
pub(super) fn for_scripts(findings: &Findings) -> Value {
    let here = &findings.here;
    let login = findings
        .login
        .as_ref()
        .map(|login| json!({ "account": login.account, "works": login.refusal.is_none(), "problem": login.problem() }));
    json!({
        "target": findings.target.name,
        "page": findings.target.page,
        "looks": findings.sights.iter().map(sight).collect::<Vec<_>>(),
        "host": {
            "address": here.address.map(|address| address.to_string()),
            "told_by_server": here.is_told,
            "ptr": here.ptr,
            "ptr_leads_back": here.leads_back,
        },
        "login": login,
        "block_lists": summary::block_lists(findings),
        "good": summary::is_good(findings),
        "summary": summary::of(findings),
    })
}

fn sight(sight: &Sight) -> Value {
    let survey = &sight.survey;
    let refusal = sight.refusal().map(|(stage, reply, found)| {
        json!({
            "stage": stage.name(),
            "reply": reply.to_string(),
            "meaning": found.meaning.name(),
            "remedy": found.remedy,
            "page": found.page,
        })
    });
    let tls = survey.tls.as_ref().map(|tls| {
        json!({
            "version": tls.version,
            "cipher": tls.cipher,
            "how": how(sight),
            "verified": tls.certificate.is_ok(),
            "problem": tls.certificate.as_ref().err(),
        })
    });
    let offers = survey.ehlo.as_ref().or(survey.clear.as_ref()).map(|reply| reply.lines_lossy().split_off(1));
    json!({
        "route": sight.route,
        "host": sight.host,
        "address": sight.address,
        "port": sight.port,
        "banner": survey.greeting.as_ref().map(ToString::to_string),
        "tls": tls,
        "offers": offers,
        "auth": sight.capabilities().map(|one| one.auth),
        "refused": refusal,
        "problem": sight.problem(),
        "open": sight.is_open(),
    })
}
