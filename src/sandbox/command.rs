//! Command lines of a submission session (RFC 5321 section 4.1.1), read strictly.

use crate::wire::mailbox::{Mailbox, ReversePath};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo(String),
    Helo(String),
    StartTls,
    Auth {
        mechanism: String,
        initial: Option<String>,
    },
    Mail {
        reverse_path: ReversePath,
        parameters: Vec<String>,
    },
    Rcpt {
        mailbox: Mailbox,
        parameters: Vec<String>,
    },
    Data,
    Bdat {
        size: u64,
        last: bool,
    },
    Rset,
    Noop,
    Quit,
    /// A verb that this server does not know.
    Unknown,
    /// A known verb with what does not belong behind it.
    Malformed(&'static str),
}

impl Command {
    pub(super) fn parse(line: &str) -> Command {
        let (verb, rest) = line.split_once(' ').map_or((line, None), |(verb, rest)| (verb, Some(rest)));
        let alone = |command| if rest.is_none() { command } else { Command::Malformed("no argument") };
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => name(rest).map_or(Command::Malformed("EHLO domain"), Command::Ehlo),
            "HELO" => name(rest).map_or(Command::Malformed("HELO domain"), Command::Helo),
            "STARTTLS" => alone(Command::StartTls),
            "AUTH" => auth(rest).unwrap_or(Command::Malformed("AUTH mechanism [initial-response]")),
            "MAIL" => mail(rest).unwrap_or(Command::Malformed("MAIL FROM:<reverse-path> [parameters]")),
            "RCPT" => rcpt(rest).unwrap_or(Command::Malformed("RCPT TO:<forward-path> [parameters]")),
            "DATA" => alone(Command::Data),
            "BDAT" => bdat(rest).unwrap_or(Command::Malformed("BDAT chunk-size [LAST]")),
            "RSET" => alone(Command::Rset),
            "NOOP" => Command::Noop,
            "QUIT" => alone(Command::Quit),
            _ => Command::Unknown,
        }
    }
}

fn name(rest: Option<&str>) -> Option<String> {
    rest.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace)).map(str::to_owned)
}

fn auth(rest: Option<&str>) -> Option<Command> {
    let mut words = rest?.split(' ');
    let mechanism = words.next().filter(|word| !word.is_empty())?.to_ascii_uppercase();
    let initial = words.next().map(str::to_owned);
    (words.next().is_none() && initial.as_deref() != Some("")).then_some(Command::Auth { mechanism, initial })
}

fn mail(rest: Option<&str>) -> Option<Command> {
    let (path, parameters) = path(keyword(rest?, "FROM:")?)?;
    Some(Command::Mail { reverse_path: ReversePath::parse(path).ok()?, parameters })
}

fn rcpt(rest: Option<&str>) -> Option<Command> {
    let (path, parameters) = path(keyword(rest?, "TO:")?)?;
    Some(Command::Rcpt { mailbox: Mailbox::parse(path).ok()?, parameters })
}

fn keyword<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let (found, behind) = rest.split_at_checked(keyword.len())?;
    found.eq_ignore_ascii_case(keyword).then_some(behind)
}

/// `<path>` with brackets, and the parameters behind it, each after one space.
fn path(rest: &str) -> Option<(&str, Vec<String>)> {
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.char_indices().find_map(|(index, character)| {
        let closes = character == '>' && !quoted;
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes.then_some(index)
    })?;
    let (path, behind) = rest.split_at(end + 1);
    if !path.starts_with('<') {
        return None;
    }
    let parameters: Vec<String> = match behind.strip_prefix(' ') {
        None if behind.is_empty() => Vec::new(),
        None => return None,
        Some(words) => words.split(' ').map(str::to_owned).collect(),
    };
    parameters.iter().all(|word| !word.is_empty()).then_some((path, parameters))
}

fn bdat(rest: Option<&str>) -> Option<Command> {
    let (size, last) = match rest?.split_once(' ') {
        None => (rest?, false),
        Some((size, word)) => (size, word.eq_ignore_ascii_case("LAST").then_some(true)?),
    };
    Some(Command::Bdat { size: size.parse().ok()?, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_read_strictly() {
        let mail = |path: &str, parameters: &[&str]| Command::Mail {
            reverse_path: ReversePath::parse(path).expect("a path"),
            parameters: parameters.iter().map(|word| (*word).to_owned()).collect(),
        };
        let malformed = |line: &str| matches!(Command::parse(line), Command::Malformed(_));
        assert_eq!(Command::parse("mail FROM:<>"), mail("", &[]));
        assert_eq!(Command::parse("MAIL FROM:<a@b> SIZE=1 BODY=8BITMIME"), mail("a@b", &["SIZE=1", "BODY=8BITMIME"]));
        assert_eq!(Command::parse("MAIL FROM:<\"a>b\"@c>"), mail("\"a>b\"@c", &[]));
        assert_eq!(Command::parse("BDAT 5 last"), Command::Bdat { size: 5, last: true });
        assert_eq!(Command::parse("VRFY x"), Command::Unknown);
        for line in
            ["MAIL FROM: <a@b>", "MAIL FROM:a@b", "MAIL FROM:<a@b>SIZE=1", "RCPT TO:<>", "DATA x", "EHLO", "BDAT x"]
        {
            assert!(malformed(line), "{line}");
        }
    }
}
