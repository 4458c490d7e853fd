//! Every reply of the two tables comes out as they say.

use super::*;
use crate::wire::reply::Reply;

/// Provider, stage, reply, meaning in the collector's words, disposition, source.
const PROVIDER_REPLIES: &str = include_str!("../../../tests/data/provider-replies.tsv");

/// The same of further replies; the meaning by its name here, several where the text leaves it open.
const FURTHER_REPLIES: &str = include_str!("../../../tests/data/further-replies.tsv");

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

#[test]
fn every_further_reply_comes_out_right() {
    let mut wrong = Vec::new();
    for row in FURTHER_REPLIES.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [provider, stage_name, reply, meanings, disposition, _source] = columns[..] else { panic!("{row}") };
        let seen = classify(Some(provider), stage(stage_name), &Reply::from_text(reply));
        if seen.disposition.name() != disposition || !meanings.split('|').any(|meaning| meaning == seen.meaning.name())
        {
            wrong.push(format!(
                "{} {} instead of {meanings} {disposition}: {provider} {stage_name} {reply}",
                seen.meaning,
                seen.disposition.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_known_of_a_reply_does_not_depend_on_knowing_its_provider() {
    // Only Yahoo's answer to a wrong From can't be told from an unknown recipient without its name.
    let mut differs = Vec::new();
    for row in PROVIDER_REPLIES.lines().chain(FURTHER_REPLIES.lines()).filter(|row| !row.starts_with("provider\t")) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (stage, reply) = (stage(columns[1]), Reply::from_text(columns[2]));
        if classify(None, stage, &reply).disposition.name() != columns[4] {
            differs.push(row);
        }
    }
    assert!(differs.is_empty(), "{differs:#?}");
}

#[test]
fn a_refusal_before_mail_and_a_4yz_never_bounce_whatever_they_say() {
    for row in PROVIDER_REPLIES.lines().chain(FURTHER_REPLIES.lines()).filter(|row| !row.starts_with("provider\t")) {
        let columns: Vec<&str> = row.split('\t').collect();
        let mut reply = Reply::from_text(columns[2]);
        for stage in [Stage::Banner, Stage::Auth] {
            assert_ne!(classify(Some(columns[0]), stage, &reply).disposition, Disposition::Bounce, "{stage} {row}");
        }
        reply.code = 451;
        for stage in [Stage::Rcpt, Stage::Unknown] {
            assert_ne!(classify(Some(columns[0]), stage, &reply).disposition, Disposition::Bounce, "{stage} {row}");
        }
    }
}

#[test]
fn any_octets_are_classified_without_a_panic() {
    let hostile = [
        vec![],
        vec![0u8; 300],
        vec![0xff; 70_000],
        b"@@@@ .. | _ * #".to_vec(),
        "e-\u{301}mail ß".repeat(9_000).into_bytes(),
    ];
    for line in hostile {
        for code in [0, 199, 250, 354, 421, 554, 599, 999] {
            let reply = Reply { code, lines: vec![line.clone(), line.clone()] };
            classify(None, Stage::Final, &reply);
        }
    }
    classify(None, Stage::Unknown, &Reply { code: 550, lines: vec![] });
}

#[test]
fn the_documentation_states_the_number_of_rules() {
    let page = include_str!("../../../docs/concepts/refusals.md");
    assert!(page.contains(&format!("**{} rules**", number_of_rules())), "there are {} rules", number_of_rules());
}

#[test]
fn only_what_other_messages_would_meet_too_closes_anything() {
    let rows = [
        (
            Stage::Rcpt,
            "550-Requested action not taken: mailbox unavailable\\n550 Failure sending mail. Try again later",
            true,
        ),
        (Stage::Final, "550 5.4.5 Daily user sending quota exceeded.", true),
        (Stage::Rcpt, "452 Too many recipients received this hour", true),
        (Stage::Rcpt, "452 4.5.3 Your message has too many recipients.", false),
        (Stage::Rcpt, "450 4.2.1 The user you are trying to contact is receiving mail too quickly.", false),
        (Stage::Rcpt, "451 4.5.1 The recipient <a@b> has exceeded their message rate limit. Try again later.", false),
        (Stage::Rcpt, "450 4.5.3 odd words", false),
        (Stage::Banner, "554 No SMTP service", true),
        (Stage::Final, "554 5.7.1 your IP address is blocked", false),
        (Stage::Auth, "535 5.7.8 Authentication credentials invalid", true),
        (Stage::Rcpt, "554 5.7.1 <a@b>: Relay access denied", false),
        (Stage::Auth, "454 4.7.0 Temporary authentication failure", false),
        (Stage::Final, "554 5.7.1 Spam message rejected", false),
    ];
    for (stage, text, lasting) in rows {
        let found = classify(None, stage, &Reply::from_text(text));
        assert_eq!(found.lasting, lasting, "{} {text}", found.meaning);
    }
}

#[test]
fn a_lock_is_no_wrong_password_and_an_unauthenticated_sender_no_missing_login() {
    let rows = [
        (Stage::Auth, "454 4.7.0 Account temporarily locked", Meaning::AccountLocked),
        (Stage::Auth, "535 5.7.8 Authentication failed: account temporarily locked", Meaning::AccountLocked),
        (Stage::Auth, "454 4.7.0 Temporarily locked, try again later", Meaning::AccountLocked),
        (Stage::Auth, "535 Konto vor\u{fc}bergehend gesperrt", Meaning::AccountLocked),
        (Stage::Auth, "454 4.7.0 Login temporarily blocked", Meaning::AccountLocked),
        (Stage::Auth, "454 4.7.0 Temporary authentication failure", Meaning::ServerTrouble),
        (Stage::Final, "550 5.7.26 This mail has been blocked because the sender is unauthenticated", Meaning::Policy),
        (Stage::Final, "550 5.7.26 The sender is unauthenticated.", Meaning::Policy),
        (Stage::Final, "550-5.7.26 This message was blocked:\\n550 5.7.26 unauthenticated sender", Meaning::Policy),
        (Stage::Mail, "530 5.7.57 Client not authenticated to send mail", Meaning::CredentialsRefused),
        (Stage::Mail, "550 5.7.1 Unauthenticated senders not allowed", Meaning::CredentialsRefused),
    ];
    for (stage, text, meaning) in rows {
        assert_eq!(classify(None, stage, &Reply::from_text(text)).meaning, meaning, "{stage} {text}");
    }
}
