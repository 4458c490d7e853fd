//! What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1), as a value.
//!
//! Servers are read kindly here: keywords in any case, any run of spaces and tabs, the spelling `AUTH=PLAIN` that
//! predates RFC 4954, several AUTH lines. What is unknown or unreadable is left out: an extension that was not
//! understood is one that is not used.

use super::reply::Reply;
use super::sasl::Mechanism;

/// What a server offers in its reply to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// RFC 2920
    pub pipelining: bool,
    /// BDAT (RFC 3030)
    pub chunking: bool,
    /// RFC 6152
    pub eight_bit_mime: bool,
    /// RFC 6531
    pub smtputf8: bool,
    /// RFC 3461
    pub dsn: bool,
    /// RFC 3207
    pub starttls: bool,
    /// RFC 2034
    pub enhanced_status_codes: bool,
    /// Whether MAIL takes SIZE= (RFC 1870).
    pub size_offered: bool,
    /// The largest message that the server takes, in octets; none if it does not say or says 0, which is no limit.
    pub size: Option<u64>,
    /// The names of the SASL mechanisms as offered (RFC 4954), in upper case, each once.
    pub auth: Vec<String>,
    /// The most transactions of one session (MAILMAX of LIMITS, RFC 9422); none where it does not say.
    pub mail_max: Option<u64>,
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is the greeting and offers nothing.
    ///
    /// ```text
    /// ehlo-line    = ehlo-keyword *( SP ehlo-param )
    /// ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
    /// ehlo-param   = 1*(%d33-126)
    /// ```
    pub fn parse(reply: &Reply) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for line in reply.lines.iter().skip(1) {
            capabilities.add(line);
        }
        capabilities
    }

    /// Whether the server offers this mechanism.
    pub fn offers_auth(&self, mechanism: Mechanism) -> bool {
        self.auth.iter().any(|name| name == mechanism.name())
    }

    fn add(&mut self, line: &[u8]) {
        let mut words = line.split(|octet| matches!(octet, b' ' | b'\t' | b'=')).filter(|word| !word.is_empty());
        let Some(keyword) = words.next().and_then(visible) else {
            return;
        };
        let mut words = words.filter_map(visible);
        match keyword.to_ascii_uppercase().as_str() {
            "PIPELINING" => self.pipelining = true,
            "CHUNKING" => self.chunking = true,
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "SIZE" => self.add_size(words.next()),
            "AUTH" => words.for_each(|name| self.add_mechanism(name)),
            "LIMITS" => self.add_limits(words),
            _ => {}
        }
    }

    fn add_size(&mut self, stated: Option<&str>) {
        self.size_offered = true;
        self.size = stated.and_then(number).filter(|size| *size > 0).or(self.size);
    }

    /// `name=value` pairs, their two halves in turn. What a server says of recipients (RCPTMAX, RCPTDOMAINMAX) it says again of
    /// each that is one too many, in its reply to RCPT.
    fn add_limits<'a>(&mut self, mut halves: impl Iterator<Item = &'a str>) {
        while let Some(name) = halves.next() {
            let value = halves.next();
            if name.eq_ignore_ascii_case("MAILMAX") {
                // RFC 9422 section 4: a limit is at least 1.
                self.mail_max = value.and_then(number).filter(|limit| *limit > 0).or(self.mail_max);
            }
        }
    }

    fn add_mechanism(&mut self, name: &str) {
        let name = name.to_ascii_uppercase();
        if !self.auth.contains(&name) {
            self.auth.push(name);
        }
    }
}

/// A word of visible ASCII; other words are of no extension known here.
fn visible(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok().filter(|_| word.iter().all(u8::is_ascii_graphic))
}

/// Digits only: no sign.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| text.bytes().all(|octet| octet.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&[u8]]) -> Capabilities {
        let greeting: &[u8] = b"mail.example greets you";
        let lines = [greeting].iter().chain(lines).map(|line| line.to_vec()).collect();
        Capabilities::parse(&Reply { code: 250, lines })
    }

    #[test]
    fn every_extension_is_found_by_its_keyword_in_any_case() {
        let lines: [&[u8]; 8] = [
            b"PIPELINING",
            b"chunking",
            b"8bitmime",
            b"SmtpUTF8",
            b" DSN ",
            b"\tSTARTTLS\t",
            b"EnhancedStatusCodes",
            b"SIZE 1000",
        ];
        let expected = Capabilities {
            pipelining: true,
            chunking: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            starttls: true,
            enhanced_status_codes: true,
            size_offered: true,
            size: Some(1000),
            ..Capabilities::default()
        };
        assert_eq!(offered(&lines), expected);
    }

    #[test]
    fn what_is_unknown_or_unreadable_offers_nothing() {
        let rows: [&[&[u8]]; 7] = [
            &[],
            &[b""],
            &[b" \t "],
            &[b"XPIPELINING", b"PIPELININGX", b"X STARTTLS", b"X-AUTH PLAIN"],
            &[b"PIPEL\xcfNING", b"\xff\xfe", b"\xff STARTTLS", "\u{ff30}IPELINING".as_bytes()],
            &[b"STARTTLS\0", b"AUTH"],
            &[b"LIMITS", b"LIMITS RCPTMAX", b"LIMITS FOO=3"],
        ];
        for lines in rows {
            assert_eq!(offered(lines), Capabilities::default(), "{lines:?}");
        }
    }

    #[test]
    fn the_greeting_offers_nothing() {
        let reply = Reply { code: 250, lines: vec![b"STARTTLS".to_vec()] };
        assert_eq!(Capabilities::parse(&reply), Capabilities::default());
        assert_eq!(Capabilities::parse(&Reply { code: 250, lines: vec![] }), Capabilities::default());
    }

    #[test]
    fn a_size_without_a_number_and_a_size_of_nought_are_no_limit() {
        let rows: &[(&[&[u8]], Option<u64>)] = &[
            (&[b"SIZE"], None),
            (&[b"SIZE "], None),
            (&[b"SIZE 0"], None),
            (&[b"size 69920427"], Some(69_920_427)),
            (&[b"SIZE\t \t5"], Some(5)),
            (&[b"SIZE=5"], Some(5)),
            (&[b"SIZE +5"], None),
            (&[b"SIZE -5"], None),
            (&[b"SIZE 5k"], None),
            (&[b"SIZE 5 6"], Some(5)),
            (&[b"SIZE 18446744073709551616"], None),
            (&[b"SIZE 5", b"SIZE"], Some(5)),
        ];
        for (lines, size) in rows {
            let capabilities = offered(lines);
            assert!(capabilities.size_offered, "{lines:?}");
            assert_eq!(capabilities.size, *size, "{lines:?}");
        }
    }

    #[test]
    fn the_mechanisms_of_all_auth_lines_are_merged() {
        let rows: &[(&[&[u8]], &[&str])] = &[
            (&[b"AUTH PLAIN LOGIN"], &["PLAIN", "LOGIN"]),
            (&[b"AUTH=PLAIN LOGIN"], &["PLAIN", "LOGIN"]),
            (&[b"AUTH=LOGIN"], &["LOGIN"]),
            (&[b"auth plain xoauth2"], &["PLAIN", "XOAUTH2"]),
            (&[b"AUTH LOGIN PLAIN", b"AUTH=LOGIN PLAIN"], &["LOGIN", "PLAIN"]),
            (&[b"AUTH LOGIN", b"AUTH SCRAM-SHA-256-PLUS"], &["LOGIN", "SCRAM-SHA-256-PLUS"]),
            (&[b"AUTH \t LOGIN \t PLAIN \t"], &["LOGIN", "PLAIN"]),
            (&[b"AUTH\tLOGIN"], &["LOGIN"]),
            (&[b"AUTH = LOGIN"], &["LOGIN"]),
            (&[b"AUTH LOG\xefN PLAIN"], &["PLAIN"]),
            (&[b"AUTH X-UNKNOWN"], &["X-UNKNOWN"]),
            (&[b"AUTH"], &[]),
        ];
        for (lines, names) in rows {
            assert_eq!(offered(lines).auth, *names, "{lines:?}");
        }
    }

    #[test]
    fn a_mechanism_is_offered_by_its_whole_name_only() {
        let capabilities = offered(&[b"AUTH scram-sha-256 PLAIN-CLIENTTOKEN"]);
        assert!(capabilities.offers_auth(Mechanism::ScramSha256));
        assert!(!capabilities.offers_auth(Mechanism::ScramSha256Plus));
        assert!(!capabilities.offers_auth(Mechanism::Plain));
    }

    #[test]
    fn the_limit_of_transactions_is_read_by_name_and_is_at_least_one() {
        let rows: &[(&[u8], Option<u64>)] = &[
            (b"LIMITS MAILMAX=5 RCPTMAX=20 RCPTDOMAINMAX=1", Some(5)),
            (b"limits rcptmax=20 mailmax=7", Some(7)),
            (b"LIMITS MAILMAX=0", None),
            (b"LIMITS RCPTMAX=3 MAILMAX=x", None),
        ];
        for (line, expected) in rows {
            assert_eq!(offered(&[line]).mail_max, *expected, "{line:?}");
        }
    }
}
