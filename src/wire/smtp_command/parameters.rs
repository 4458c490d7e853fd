//! Parameters of MAIL and RCPT (RFC 1870, 3030, 3461, 4954, 6152, 6531).

use super::error::CommandError;
use super::space;
use crate::wire::envelope::{BodyType, Notify, Ret};
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::{all_consuming, map_res, opt};
use nom::multi::separated_list0;
use nom::sequence::preceded;
use nom::{IResult, Parser};

/// What MAIL says beside the reverse-path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// SIZE (RFC 1870): octets, as the client estimates them.
    pub size: Option<u64>,
    /// BODY (RFC 6152, RFC 3030); BINARYMIME is refused, because it is not offered.
    pub body: Option<BodyType>,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// RET (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID (RFC 3461 section 4.4), xtext as given.
    pub envid: Option<String>,
    /// AUTH (RFC 4954 section 5): xtext or `<>`, as given; nobody believes it.
    pub auth: Option<String>,
}

/// What RCPT says beside the forward-path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// NOTIFY (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// ORCPT (RFC 3461 section 4.2), `addr-type;xtext` as given.
    pub orcpt: Option<String>,
}

impl MailParameters {
    /// Reads what stands behind the reverse-path.
    ///
    /// # Errors
    /// [`CommandError`] for a parameter that is unknown, malformed or given twice.
    pub fn parse(text: &[u8]) -> Result<MailParameters, CommandError> {
        let mut parameters = MailParameters::default();
        for (name, value) in list(text)? {
            match name.as_str() {
                "SIZE" => once(&mut parameters.size, value.parse().ok(), &name)?,
                "BODY" => once(&mut parameters.body, body_type(value), &name)?,
                "RET" => once(&mut parameters.ret, ret(value), &name)?,
                "ENVID" => once(&mut parameters.envid, is_xtext(value).then(|| value.to_owned()), &name)?,
                "AUTH" => once(&mut parameters.auth, Some(value.to_owned()), &name)?,
                "SMTPUTF8" if value.is_empty() && !parameters.smtputf8 => parameters.smtputf8 = true,
                "SMTPUTF8" => return Err(CommandError::Parameter { name }),
                _ => return Err(CommandError::UnknownParameter { name }),
            }
        }
        Ok(parameters)
    }
}

impl RcptParameters {
    /// Reads what stands behind the forward-path.
    ///
    /// # Errors
    /// [`CommandError`] for a parameter that is unknown, malformed or given twice.
    pub fn parse(text: &[u8]) -> Result<RcptParameters, CommandError> {
        let mut parameters = RcptParameters::default();
        for (name, value) in list(text)? {
            match name.as_str() {
                "NOTIFY" => once(&mut parameters.notify, notify(value), &name)?,
                "ORCPT" => once(&mut parameters.orcpt, orcpt(value), &name)?,
                _ => return Err(CommandError::UnknownParameter { name }),
            }
        }
        Ok(parameters)
    }
}

/// ```abnf
/// Mail-parameters = esmtp-param *(SP esmtp-param)
/// esmtp-param = esmtp-keyword ["=" esmtp-value]
/// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
/// esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)
/// ```
/// Answers keyword in upper case and value, empty where there is none. `=` inside a value is taken: AUTH and ENVID of
/// careless clients hold it.
fn list(text: &[u8]) -> Result<Vec<(String, &str)>, CommandError> {
    let malformed = |_| CommandError::Syntax { expected: "keyword=value parameters" };
    let (_, parameters) = all_consuming(separated_list0(space, parameter)).parse(text).map_err(malformed)?;
    Ok(parameters)
}

fn parameter(input: &[u8]) -> IResult<&[u8], (String, &str)> {
    let keyword = take_while1(|octet: u8| octet.is_ascii_alphanumeric() || octet == b'-');
    let value = take_while1(|octet: u8| octet.is_ascii_graphic() || !octet.is_ascii());
    let keyword = map_res(keyword, |octets: &[u8]| std::str::from_utf8(octets).map(str::to_ascii_uppercase));
    let value = opt(preceded(tag("="), map_res(value, std::str::from_utf8)));
    (keyword, value.map(Option::unwrap_or_default)).parse(input)
}

/// Fills `slot`; `value` is `None` where the text could not be read.
fn once<T>(slot: &mut Option<T>, value: Option<T>, name: &str) -> Result<(), CommandError> {
    match (slot.is_none(), value) {
        (true, Some(value)) => {
            *slot = Some(value);
            Ok(())
        }
        (false, _) | (true, None) => Err(CommandError::Parameter { name: name.to_owned() }),
    }
}

fn body_type(value: &str) -> Option<BodyType> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyType::SevenBit),
        "8BITMIME" => Some(BodyType::EightBitMime),
        _ => None,
    }
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

/// ```abnf
/// notify-esmtp-value = "NEVER" / 1#notify-list-element
/// notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
/// ```
fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for element in value.split(',') {
        match element.to_ascii_uppercase().as_str() {
            "SUCCESS" => success = true,
            "FAILURE" => failure = true,
            "DELAY" => delay = true,
            _ => return None,
        }
    }
    Some(Notify::On { success, failure, delay })
}

/// ```abnf
/// original-recipient-address = addr-type ";" xtext
/// addr-type = atom
/// ```
/// With `utf-8` as addr-type the address may hold UTF-8 (RFC 6533).
fn orcpt(value: &str) -> Option<String> {
    let (address_type, address) = value.split_once(';')?;
    let atom = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let readable = is_xtext(address) || address_type.eq_ignore_ascii_case("utf-8");
    (atom(address_type) && !address.is_empty() && readable).then(|| value.to_owned())
}

/// Whether `text` is xtext (RFC 3461 section 4).
///
/// ```abnf
/// xtext = *( xchar / hexchar )
/// xchar = %d33-42 / %d44-60 / %d62-126
/// hexchar = "+" 2HEXDIG
/// ```
pub fn is_xtext(text: &str) -> bool {
    !text.contains('=') && text.chars().all(|c| c.is_ascii_graphic()) && xtext_octets(text).is_some()
}

/// The value that `text` stands for; `None` when it is not xtext of UTF-8. An `=` is let through, as Postfix does.
pub fn xtext_decoded(text: &str) -> Option<String> {
    String::from_utf8(xtext_octets(text)?).ok()
}

/// `value` as xtext.
pub fn xtext_encoded(value: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_graphic() && octet != b'+' && octet != b'=';
    value
        .bytes()
        .map(|octet| if plain(octet) { char::from(octet).to_string() } else { format!("+{octet:02X}") })
        .collect()
}

fn xtext_octets(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'+' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        octets.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(octets)
}
