//! `-N`, `-R`, `-V`, `-B`: the parameters of RFC 3461 and RFC 6152, as sendmail's options spell them.

use super::Trouble;
use crate::wire::envelope::{BodyType, Notify, Ret};
use crate::wire::smtp_command::{MailParameters, RcptParameters, is_xtext, xtext_encoded};

/// RFC 3461 section 4.4.
const LONGEST_ENVID: usize = 100;

/// `never`, or a list of `success`, `failure`, `delay`.
pub(super) fn notify(text: &str) -> Result<Notify, Trouble> {
    let parameters = parameter("NOTIFY", text).and_then(|parameter| RcptParameters::parse(&parameter).ok());
    parameters
        .and_then(|parameters| parameters.notify)
        .ok_or_else(|| wrong("-N", text, "`never`, or a list of `success`, `failure`, `delay`"))
}

/// `full` or `hdrs`.
pub(super) fn ret(text: &str) -> Result<Ret, Trouble> {
    let parameters = parameter("RET", text).and_then(|parameter| MailParameters::parse(&parameter).ok());
    parameters.and_then(|parameters| parameters.ret).ok_or_else(|| wrong("-R", text, "`full` or `hdrs`"))
}

/// The envelope id, as xtext: as it is where it is xtext already, else encoded.
pub(super) fn envid(text: &str) -> Result<String, Trouble> {
    let xtext = if is_xtext(text) { text.to_owned() } else { xtext_encoded(text) };
    match xtext.len() {
        1..=LONGEST_ENVID => Ok(xtext),
        _ => Err(wrong("-V", text, "1 to 100 characters")),
    }
}

/// `7BIT` or `8BITMIME`.
pub(super) fn body(text: &str) -> Result<BodyType, Trouble> {
    let parameters = parameter("BODY", text).and_then(|parameter| MailParameters::parse(&parameter).ok());
    parameters.and_then(|parameters| parameters.body).ok_or_else(|| wrong("-B", text, "`7BIT` or `8BITMIME`"))
}

/// `name=text` as it stands in a command; a blank would begin another parameter.
fn parameter(name: &str, text: &str) -> Option<Vec<u8>> {
    (!text.contains([' ', '\t'])).then(|| format!("{name}={text}").into_bytes())
}

fn wrong(option: &str, found: &str, expected: &str) -> Trouble {
    Trouble::usage(format!("{option}: expected {expected}, but found {found:?}"), "leave the option out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_in_any_case_and_nothing_else_passes() {
        assert_eq!(notify("never"), Ok(Notify::Never));
        assert_eq!(notify("success,delay"), Ok(Notify::On { success: true, failure: false, delay: true }));
        assert_eq!((ret("full"), ret("HDRS")), (Ok(Ret::Full), Ok(Ret::Headers)));
        assert_eq!((body("7bit"), body("8BITMIME")), (Ok(BodyType::SevenBit), Ok(BodyType::EightBitMime)));
        for text in ["", "sometimes", "never,success", "never ORCPT=rfc822;x", "success\r\nDATA"] {
            assert!(notify(text).is_err(), "{text:?}");
        }
        assert!(ret("half").is_err() && ret("FULL ENVID=x").is_err() && body("BINARYMIME").is_err());
    }

    #[test]
    fn an_envelope_id_becomes_xtext_once() {
        let rows =
            [("QQ314159", "QQ314159"), ("a b", "a+20b"), ("a+2Bb", "a+2Bb"), ("a+b", "a+2Bb"), ("a\r\nb", "a+0D+0Ab")];
        for (given, expected) in rows {
            assert_eq!(envid(given).as_deref(), Ok(expected));
        }
        assert!(envid("").is_err() && envid(&"x".repeat(101)).is_err());
    }
}
