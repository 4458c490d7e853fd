//! SMTP and LMTP replies as values (RFC 5321 section 4.2, RFC 2034, RFC 3463).

use super::text::one_line;
use std::fmt;

/// A reply with all its lines: what a server said, octet for octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code of the last line, 200 to 599; 0 where a person wrote down a text without one.
    pub code: u16,
    /// Each line's text without code, separator and line end; any octets.
    pub lines: Vec<Vec<u8>>,
}

/// The first digit of a reply code (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// 2yz
    Completed,
    /// 3yz
    Intermediate,
    /// 4yz
    Transient,
    /// 5yz
    Permanent,
}

/// An enhanced mail system status code (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedStatus(pub u8, pub u16, pub u16);

impl Reply {
    /// A reply of one line.
    pub fn new(code: u16, text: &str) -> Reply {
        Reply { code, lines: vec![text.as_bytes().to_vec()] }
    }

    /// A reply as a person writes it down: lines separated by line ends or by the two characters `\\n`, each with its
    /// code (`550-`, `550 `), or without. The last line that has a code decides; one that begins with an enhanced
    /// status code stands for its class (x50). Without any, the code is 0. What a bounce or a log line puts in front
    /// (`smtp; `, `host mx.example said: `) is left out.
    pub fn from_text(text: &str) -> Reply {
        let text = without_reporter(text);
        let lines: Vec<&str> = text
            .split('\n')
            .flat_map(|line| line.split("\\n"))
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let code = lines.iter().rev().find_map(|line| leading_code(line).map(|(code, _)| code));
        let implied = || lines.iter().find_map(|line| EnhancedStatus::at_start_of(line.as_bytes()));
        let texts = lines.iter().map(|line| leading_code(line).map_or(*line, |(_, rest)| rest).as_bytes().to_vec());
        Reply {
            code: code.or_else(|| implied().map(|status| u16::from(status.0) * 100 + 50)).unwrap_or(0),
            lines: texts.collect(),
        }
    }

    /// What the first digit says; digits outside 2 to 5 count as permanent, because no command can go on from there.
    pub fn class(&self) -> ReplyClass {
        match self.code / 100 {
            2 => ReplyClass::Completed,
            3 => ReplyClass::Intermediate,
            4 => ReplyClass::Transient,
            _ => ReplyClass::Permanent,
        }
    }

    /// Whether the command was carried out (2yz).
    pub fn is_positive(&self) -> bool {
        self.class() == ReplyClass::Completed
    }

    /// The enhanced status code, if a line begins with one whose class fits the reply code; the last such line
    /// decides. A code whose class contradicts the reply code is not believed.
    pub fn enhanced_status(&self) -> Option<EnhancedStatus> {
        let believable = |status: &EnhancedStatus| u16::from(status.0) == self.code / 100;
        self.lines.iter().rev().filter_map(|line| EnhancedStatus::at_start_of(line)).find(believable)
    }

    /// The lines' texts, joined by a space, as one printable line without reply codes.
    pub fn text(&self) -> String {
        one_line(&self.lines.join(&b' '), MAX_SHOWN)
    }

    /// The lines' octets as text, one a line, for rules that look at what was said.
    pub fn lines_lossy(&self) -> Vec<String> {
        self.lines.iter().map(|line| one_line(line, MAX_SHOWN)).collect()
    }
}

/// How many characters of a reply a log line or a bounce shows at most.
const MAX_SHOWN: usize = 900;

/// The reply on one printable line with its codes: `550-First line 550 Last line`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let last = index + 1 == self.lines.len();
            let lead = if index == 0 { "" } else { " " };
            shown.extend_from_slice(format!("{lead}{:03}{}", self.code, if last { ' ' } else { '-' }).as_bytes());
            shown.extend_from_slice(line);
        }
        f.write_str(&one_line(&shown, MAX_SHOWN))
    }
}

impl EnhancedStatus {
    /// `X.Y.Z` followed by the end or a space, at the start of a reply line.
    ///
    /// ```abnf
    /// status-code = class "." subject "." detail   ; RFC 3463
    /// class = "2" / "4" / "5"
    /// subject = 1*3digit
    /// detail = 1*3digit
    /// ```
    pub fn at_start_of(line: &[u8]) -> Option<EnhancedStatus> {
        let word = line.split(|octet| !octet.is_ascii_digit() && *octet != b'.').next()?;
        let mut parts = std::str::from_utf8(word).ok()?.split('.');
        let class = parts.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        let subject = number(parts.next()?)?;
        let detail = number(parts.next()?)?;
        parts.next().is_none().then_some(EnhancedStatus(class, subject, detail))
    }
}

/// `text` without the diagnostic type of a delivery status notification and without Postfix's `host ... said:`.
fn without_reporter(text: &str) -> &str {
    let text = text.trim_start();
    let text = match text.get(..5) {
        Some(kind) if kind.eq_ignore_ascii_case("smtp;") => text[5..].trim_start(),
        _ => text,
    };
    text.starts_with("host ").then(|| text.split_once(" said: ")).flatten().map_or(text, |(_, said)| said)
}

/// A reply code with a separator or nothing behind it, and what follows.
fn leading_code(line: &str) -> Option<(u16, &str)> {
    let digits = line.get(..3).filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|code| (200..600).contains(code))?;
    match line[3..].chars().next() {
        None => Some((code, "")),
        Some(' ' | '-' | '\t') => Some((code, line[4..].trim_start())),
        Some(_) => None,
    }
}

fn number(digits: &str) -> Option<u16> {
    (1..=3).contains(&digits.len()).then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_status_code_is_read_only_where_its_class_fits_the_reply_code() {
        let rows: &[(u16, &[&str], Option<EnhancedStatus>)] = &[
            (550, &["5.1.1 no such user"], Some(EnhancedStatus(5, 1, 1))),
            (550, &["4.1.1 contradiction"], None),
            (550, &["5.7.1 first", "5.4.5 last decides"], Some(EnhancedStatus(5, 4, 5))),
            (550, &["5.7.0, Mail Sending denied."], Some(EnhancedStatus(5, 7, 0))),
            (550, &["5.7.139 detail of three digits"], Some(EnhancedStatus(5, 7, 139))),
            (550, &["5.7.1390 too long"], None),
            (550, &["127.0.0.1 is no status"], None),
            (250, &["2.0.0"], Some(EnhancedStatus(2, 0, 0))),
            (250, &[""], None),
        ];
        for (code, lines, expected) in rows {
            let reply = Reply { code: *code, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() };
            assert_eq!(reply.enhanced_status(), *expected, "{reply}");
        }
    }

    #[test]
    fn a_reply_that_a_person_wrote_down_is_read_with_or_without_codes() {
        let rows: &[(&str, u16, &[&str])] = &[
            ("550 5.1.1 no", 550, &["5.1.1 no"]),
            ("550-first\\n550 last", 550, &["first", "last"]),
            ("550-first\r\n550 last\r\n", 550, &["first", "last"]),
            ("550-first\nsecond without code", 550, &["first", "second without code"]),
            ("Sender address is not allowed", 0, &["Sender address is not allowed"]),
            ("5.7.1 refused", 550, &["5.7.1 refused"]),
            ("4.7.1 wait", 450, &["4.7.1 wait"]),
            ("250", 250, &[""]),
            ("1234 x", 0, &["1234 x"]),
            ("\u{fc}\u{fc} x", 0, &["\u{fc}\u{fc} x"]),
            ("", 0, &[]),
            ("smtp; 550 5.1.1 no", 550, &["5.1.1 no"]),
            ("host mx.example[192.0.2.1] said: 550 no", 550, &["no"]),
            ("host said no", 0, &["host said no"]),
        ];
        for (text, code, lines) in rows {
            let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
            assert_eq!(Reply::from_text(text), Reply { code: *code, lines }, "{text:?}");
        }
    }

    #[test]
    fn a_reply_is_shown_on_one_line_with_its_codes() {
        let reply = Reply { code: 550, lines: vec![b"Requested action not taken".to_vec(), b"Try\r\nagain".to_vec()] };
        assert_eq!(reply.to_string(), "550-Requested action not taken 550 Try again");
    }
}
