//! Every reply of the two tables comes out as they say.

use super::*;
use crate::wire::reply::Reply;

/// Provider, stage, reply, meaning in the collector's words, disposition, source.
const PROVIDER_REPLIES: &str = include_str!("../../../tests/data/provider-replies.tsv");

fn stage(name: &str) -> Stage {
    Stage::from_name(name).unwrap_or_else(|| panic!("stage {name}"))
}

/// What the collector's first word of a meaning may be called here.
fn may_be(collected: &str) -> &'static [Meaning] {
    use Meaning::*;
    let word = collected.split([':', ',', ';', ' ', '(']).next().unwrap_or_default();
    match word {
        "ok" => &[Delivered],
        "ip-blocked" => &[HostRefused],
        // "Try again later" gives no reason.
        "ip" => &[HostRefused, ServerTrouble],
        "rate-limit" => &[QuotaExceeded, TooManyLogins],
        "quota" | "too-many-recipients" => &[QuotaExceeded],
        "header-policy" | "policy/header" => &[HeaderMalformed],
        "from-mismatch" | "null-sender" => &[SenderNotAllowed],
        "auth-failed" => &[CredentialsRefused, AppPasswordNeeded],
        "auth-required" => &[CredentialsRefused],
        "auth-method" | "auth" => &[AppPasswordNeeded],
        "auth-mechanism" | "tls-required" | "temporary" => &[ServerTrouble],
        "policy" | "policy/config" => &[Policy, HostRefused],
        "size" => &[TooLarge],
        "content" | "content/attachment" => &[Spam, Policy],
        "account" | "account-suspended" => &[AccountLocked],
        other => panic!("meaning {other}"),
    }
}

#[test]
fn every_collected_reply_comes_out_right() {
    let mut wrong = Vec::new();
    for row in PROVIDER_REPLIES.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [provider, stage_name, reply, meaning, disposition, ..] = columns[..] else { panic!("{row}") };
        let seen = classify(Some(provider), stage(stage_name), &Reply::from_text(reply));
        if seen.disposition.name() != disposition || !may_be(meaning).contains(&seen.meaning) {
            wrong.push(format!(
                "{} {} instead of {disposition} ({meaning}): {provider} {stage_name} {reply}",
                seen.meaning,
                seen.disposition.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
