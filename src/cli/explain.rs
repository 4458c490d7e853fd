//! `sendvia explain`: what a provider's reply means, what sendvia does with it, and what a person can do.

use crate::account::refusal::{self, Classification};
use crate::verdict::{Disposition, ExitStatus, Outcome, Stage, Verdict};
use crate::wire::reply::Reply;
use clap::{Args, ValueEnum, builder::PossibleValue};
use std::io::{self, Read, Write as _};

/// More than this of a reply is not read.
const LONGEST_REPLY: u64 = 1 << 20;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Who said it: a preset's name, a host or a domain; it may be unknown to sendvia
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Where in the dialogue it was said
    #[arg(long, value_name = "STAGE", ignore_case = true)]
    stage: StageName,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The reply, else standard input is read; `\n` or a line end stands between its lines
    #[arg(value_name = "REPLY", allow_hyphen_values = true)]
    reply: Option<String>,
}

/// A [`Stage`] by the name that a person types.
#[derive(Clone, Copy, Debug)]
struct StageName(Stage);

impl ValueEnum for StageName {
    fn value_variants<'a>() -> &'a [StageName] {
        &[
            StageName(Stage::Banner),
            StageName(Stage::Ehlo),
            StageName(Stage::StartTls),
            StageName(Stage::Auth),
            StageName(Stage::Mail),
            StageName(Stage::Rcpt),
            StageName(Stage::Data),
            StageName(Stage::Final),
            StageName(Stage::Unknown),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self.0 {
            Stage::Banner => ("banner", "the greeting"),
            Stage::Ehlo => ("ehlo", "EHLO or HELO"),
            Stage::StartTls => ("starttls", "STARTTLS"),
            Stage::Auth => ("auth", "AUTH and its challenges"),
            Stage::Mail => ("mail", "MAIL FROM"),
            Stage::Rcpt => ("rcpt", "RCPT TO"),
            Stage::Data => ("data", "the reply to DATA"),
            Stage::Final => ("final", "the reply to the whole message"),
            Stage::Unknown => ("unknown", "not known"),
            Stage::Connect | Stage::Tls => return None,
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Reads the reply, and says what it means.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let text = match &arguments.reply {
        Some(text) => text.clone(),
        None => match read_all(io::stdin()) {
            Ok(text) => text,
            Err(error) => return refuse(&format!("standard input: {error}")),
        },
    };
    let reply = Reply::from_text(&text);
    if reply.lines.is_empty() {
        return refuse("there is no reply to explain");
    }
    // A closed stdout leaves nobody to tell.
    let _ = io::stdout().write_all(explanation(arguments, &reply).as_bytes());
    ExitStatus::Ok
}

fn refuse(problem: &str) -> ExitStatus {
    let _ = writeln!(io::stderr(), "{problem}\nhint: give the reply as the last argument or on standard input");
    ExitStatus::Usage
}

fn read_all(from: impl Read) -> io::Result<String> {
    let mut octets = Vec::new();
    from.take(LONGEST_REPLY).read_to_end(&mut octets)?;
    // What is not UTF-8 is Latin-1 with the servers that still do so.
    Ok(String::from_utf8(octets)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|octet| char::from(*octet)).collect()))
}

fn explanation(arguments: &Arguments, reply: &Reply) -> String {
    let provider = arguments.provider.as_deref();
    let stage = arguments.stage.0;
    let found = refusal::classify(provider, stage, reply);
    let verdict = Verdict::from(&Outcome::Refused {
        provider: provider.unwrap_or_default().to_owned(),
        stage,
        reply: reply.clone(),
        meaning: found.meaning,
    });
    match arguments.json {
        true => json(provider, stage, reply, &found, &verdict),
        false => for_people(stage, reply, &found, &verdict),
    }
}

fn json(provider: Option<&str>, stage: Stage, reply: &Reply, found: &Classification, verdict: &Verdict) -> String {
    let value = serde_json::json!({
        "meaning": found.meaning.name(),
        "disposition": found.disposition.name(),
        "status": verdict.status.to_string(),
        "remedy": found.remedy,
        "provider": provider,
        "stage": stage.name(),
        "code": (reply.code != 0).then_some(reply.code),
        "reply": reply.text(),
        "page": found.page,
        "wait_seconds": found.until.map(|span| span.as_secs()),
        "source": (!found.source.is_empty()).then_some(found.source),
    });
    format!("{value:#}\n")
}

fn for_people(stage: Stage, reply: &Reply, found: &Classification, verdict: &Verdict) -> String {
    let does = match found.disposition {
        Disposition::Ok => "ok: goes on",
        Disposition::Defer => "defer: the MTA keeps the message and tries again",
        Disposition::Bounce => "bounce: the MTA gives the message back to its sender",
    };
    let mut lines = vec![
        ("reply", reply.text()),
        ("stage", stage.to_string()),
        ("meaning", format!("{}: {}", found.meaning, found.meaning.in_words())),
        ("sendvia", does.to_owned()),
        ("status", verdict.status.to_string()),
        ("remedy", found.remedy.to_owned()),
    ];
    lines.extend(found.until.map(|span| ("wait", format!("{} s, by the reply", span.as_secs()))));
    lines.extend(found.page.clone().map(|page| ("page", page)));
    if !found.source.is_empty() {
        lines.push(("source", found.source.to_owned()));
    }
    lines.iter().map(|(name, value)| format!("{:<9}{value}\n", format!("{name}:"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(provider: Option<&str>, stage: Stage, json: bool) -> Arguments {
        Arguments { provider: provider.map(str::to_owned), stage: StageName(stage), json, reply: None }
    }

    #[test]
    fn the_json_says_meaning_disposition_status_and_remedy() {
        let reply = Reply::from_text(
            "550-Requested action not taken: mailbox unavailable\\n550 Failure sending mail. Try again later",
        );
        let shown = explanation(&arguments(Some("gmx"), Stage::Rcpt, true), &reply);
        let value: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(value["meaning"], "quota-exceeded");
        assert_eq!(value["disposition"], "defer");
        assert_eq!(value["status"], "4.4.5");
        assert!(value["remedy"].as_str().is_some_and(|remedy| remedy.contains("half an hour")), "{shown}");
    }

    #[test]
    fn a_person_reads_it_line_by_line_with_the_page_that_the_reply_names() {
        let reply = Reply::from_text(
            "552 5.7.0 blocked for its content. Please visit https://support.google.com/mail/?p=BlockedMessage.",
        );
        let shown = explanation(&arguments(None, Stage::Final, false), &reply);
        assert!(shown.contains("sendvia: bounce: "), "{shown}");
        assert!(shown.contains("status:  5.7.0\n"), "{shown}");
        assert!(shown.contains("page:    https://support.google.com/mail/?p=BlockedMessage\n"), "{shown}");
    }

    #[test]
    fn every_stage_has_a_name_that_reads_back() {
        for stage in StageName::value_variants() {
            let name = stage.to_possible_value().expect("a name").get_name().to_owned();
            assert_eq!(Stage::from_name(&name), Some(stage.0));
        }
    }
}
