//! Command lines of SMTP, LMTP and batch SMTP (RFC 5321 section 4.1.1, RFC 2033, RFC 3030, RFC 4954, Postfix's XFORWARD).
//!
//! One line in, one value out. What a server makes of the order of commands is not decided here. Keywords are read in
//! any case; spaces after `FROM:` and `TO:`, and paths without angle brackets, are accepted because clients send them.

mod error;
mod parameters;
mod path;

pub use error::CommandError;
pub use parameters::{MailParameters, RcptParameters, is_xtext, xtext_decoded, xtext_encoded};

use super::envelope::Recipient;
use super::mailbox::{Mailbox, ReversePath};
use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while, take_while1};
use nom::combinator::{all_consuming, map_res, opt, rest};
use nom::multi::many1;
use nom::sequence::{preceded, separated_pair};
use nom::{IResult, Parser};

/// The longest command line accepted, in octets without its line end. RFC 5321 demands 512, RFC 1870, 3461, 4954 and
/// 6531 add to it; an AUTH line may have 12,288.
pub const MAX_COMMAND_LINE: usize = 12_288;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `EHLO domain`
    Ehlo(String),
    /// `HELO domain`
    Helo(String),
    /// `LHLO domain` (RFC 2033 section 4.1)
    Lhlo(String),
    /// `MAIL FROM:<reverse-path> parameters`
    Mail(ReversePath, MailParameters),
    /// `RCPT TO:<forward-path> parameters`
    Rcpt(Recipient),
    /// `DATA`
    Data,
    /// `BDAT octets [LAST]` (RFC 3030)
    Bdat {
        /// How many octets follow the line.
        size: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// `RSET`
    Rset,
    /// `NOOP [anything]`
    Noop,
    /// `VRFY string` or `EXPN string`
    Vrfy,
    /// `HELP [anything]`
    Help,
    /// `QUIT`
    Quit,
    /// `STARTTLS` (RFC 3207)
    StartTls,
    /// `AUTH mechanism [initial-response]` (RFC 4954)
    Auth {
        /// In upper case.
        mechanism: String,
        /// Base64 as given; `=` stands for an empty one.
        initial_response: Option<String>,
    },
    /// `XFORWARD name=value ...`: what Postfix tells of the message's own client; values with their xtext undone,
    /// `None` for `[UNAVAILABLE]` and `[TEMPUNAVAIL]`. Names in upper case.
    Xforward(Vec<(String, Option<String>)>),
}

impl Command {
    /// Reads one line, given without its line end.
    ///
    /// # Errors
    /// [`CommandError`], which knows the reply that it deserves.
    pub fn parse(line: &[u8]) -> Result<Command, CommandError> {
        if line.len() > MAX_COMMAND_LINE {
            return Err(CommandError::LineTooLong);
        }
        if line.iter().any(|octet| octet.is_ascii_control() && *octet != b'\t') {
            return Err(CommandError::Control);
        }
        let line = line.trim_ascii_end();
        let (arguments, verb) = word(line).map_err(|_| CommandError::Unknown(String::new()))?;
        let verb = String::from_utf8_lossy(verb).to_ascii_uppercase();
        arguments_of(&verb, arguments.trim_ascii_start())
    }
}

fn arguments_of(verb: &str, arguments: &[u8]) -> Result<Command, CommandError> {
    match verb {
        "EHLO" => greeting(arguments).map(Command::Ehlo),
        "HELO" => greeting(arguments).map(Command::Helo),
        "LHLO" => greeting(arguments).map(Command::Lhlo),
        "MAIL" => mail(arguments),
        "RCPT" => rcpt(arguments),
        "BDAT" => {
            all_consuming(bdat).parse(arguments).map(|(_, command)| command).map_err(|_| syntax("BDAT octets [LAST]"))
        }
        "AUTH" => auth(arguments),
        "XFORWARD" => xforward(arguments),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "VRFY" | "EXPN" => Ok(Command::Vrfy),
        "DATA" => bare(Command::Data, arguments),
        "RSET" => bare(Command::Rset, arguments),
        "QUIT" => bare(Command::Quit, arguments),
        "STARTTLS" => bare(Command::StartTls, arguments),
        _ => Err(CommandError::Unknown(verb.to_owned())),
    }
}

const fn syntax(expected: &'static str) -> CommandError {
    CommandError::Syntax { expected }
}

fn bare(command: Command, arguments: &[u8]) -> Result<Command, CommandError> {
    if arguments.is_empty() { Ok(command) } else { Err(syntax("no argument")) }
}

fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet: u8| octet.is_ascii_alphanumeric()).parse(input)
}

fn space(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|octet| octet == b' ' || octet == b'\t').parse(input)
}

fn utf8(octets: &[u8]) -> Result<&str, std::str::Utf8Error> {
    std::str::from_utf8(octets)
}

/// ```abnf
/// ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
/// ```
/// The name is shown in a trace field at most, so whatever has no space is taken.
fn greeting(arguments: &[u8]) -> Result<String, CommandError> {
    match utf8(arguments) {
        Ok(name) if !name.is_empty() => Ok(name.chars().take(255).collect()),
        _ => Err(syntax("a host name")),
    }
}

/// ```abnf
/// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
/// ```
fn mail(arguments: &[u8]) -> Result<Command, CommandError> {
    let (parameters, path) = path::after("FROM:", arguments).map_err(|_| syntax("MAIL FROM:<address>"))?;
    let path = utf8(path).map_err(|_| CommandError::NotUtf8)?;
    let reverse_path = ReversePath::parse(path).map_err(CommandError::Sender)?;
    Ok(Command::Mail(reverse_path, MailParameters::parse(parameters)?))
}

/// ```abnf
/// rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
/// ```
fn rcpt(arguments: &[u8]) -> Result<Command, CommandError> {
    let (parameters, path) = path::after("TO:", arguments).map_err(|_| syntax("RCPT TO:<address>"))?;
    let path = utf8(path).map_err(|_| CommandError::NotUtf8)?;
    let mailbox = Mailbox::parse(path).map_err(CommandError::Recipient)?;
    let RcptParameters { notify, orcpt } = RcptParameters::parse(parameters)?;
    Ok(Command::Rcpt(Recipient { mailbox, notify, orcpt }))
}

/// ```abnf
/// bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF
/// chunk-size = 1*DIGIT
/// end-marker = "LAST"
/// ```
fn bdat(input: &[u8]) -> IResult<&[u8], Command> {
    let digits = take_while1(|octet: u8| octet.is_ascii_digit());
    let size = map_res(map_res(digits, utf8), str::parse::<u64>);
    let last = opt(preceded(space, tag_no_case("LAST")));
    (size, last).map(|(size, last)| Command::Bdat { size, last: last.is_some() }).parse(input)
}

/// ```abnf
/// auth-command = "AUTH" SP sasl-mech [SP initial-response] CRLF
/// initial-response = base64 / "="
/// ```
fn auth(arguments: &[u8]) -> Result<Command, CommandError> {
    let mechanism = map_res(take_while1(|octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)), utf8);
    let base64 = |octet: u8| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet);
    let response = opt(preceded(space, map_res(take_while1(base64), utf8)));
    let (_, (mechanism, response)) = all_consuming((mechanism, response))
        .parse(arguments)
        .map_err(|_| syntax("AUTH mechanism [initial-response]"))?;
    Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial_response: response.map(str::to_owned) })
}

/// ```abnf
/// xforward-command = "XFORWARD" 1*( SP attribute-name "=" attribute-value )
/// attribute-name = "NAME" / "ADDR" / "PORT" / "PROTO" / "HELO" / "IDENT" / "SOURCE"
/// attribute-value = "[UNAVAILABLE]" / "[TEMPUNAVAIL]" / xtext
/// ```
fn xforward(arguments: &[u8]) -> Result<Command, CommandError> {
    let value = take_while(|octet: u8| octet.is_ascii_graphic() || !octet.is_ascii());
    let attribute = separated_pair(map_res(word, utf8), tag_no_case("="), map_res(value, utf8));
    let mut attributes = all_consuming(many1(preceded(alt((space, tag_no_case(""))), attribute)));
    let (_, attributes) = attributes.parse(arguments).map_err(|_| syntax("XFORWARD name=value"))?;
    let known = |(name, value): (&str, &str)| {
        let value = match value {
            "[UNAVAILABLE]" | "[TEMPUNAVAIL]" => None,
            xtext => Some(xtext_decoded(xtext).ok_or(CommandError::Parameter { name: name.to_ascii_uppercase() })?),
        };
        Ok((name.to_ascii_uppercase(), value))
    };
    attributes.into_iter().map(known).collect::<Result<_, _>>().map(Command::Xforward)
}

/// The rest of a line after a path: nothing, or parameters behind a space.
fn remainder(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((preceded(space, rest), nom::combinator::eof)).parse(input)
}

#[cfg(test)]
mod tests;
