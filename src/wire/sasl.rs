//! The SASL mechanisms (RFC 4422) by name.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A SASL mechanism (RFC 4422) that sendvia speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 4616
    Plain,
    /// draft-murchison-sasl-login
    Login,
    /// RFC 2195; used only where an account asks for it.
    CramMd5,
    /// RFC 7677
    ScramSha256,
    /// RFC 7677, bound to the TLS session by `tls-exporter` (RFC 9266)
    ScramSha256Plus,
    /// Google's and Microsoft's XOAUTH2
    XOAuth2,
    /// RFC 7628
    OAuthBearer,
}

/// All mechanisms, the strongest first: what never shows the password, then what does.
pub const MECHANISMS: [Mechanism; 7] = [
    Mechanism::ScramSha256Plus,
    Mechanism::ScramSha256,
    Mechanism::OAuthBearer,
    Mechanism::XOAuth2,
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::CramMd5,
];

/// The name is of no mechanism that sendvia speaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no SASL mechanism known here")]
pub struct UnknownMechanism(pub String);

impl Mechanism {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// Whether it carries an access token rather than a password.
    pub fn takes_token(self) -> bool {
        matches!(self, Mechanism::XOAuth2 | Mechanism::OAuthBearer)
    }

    /// Whether there are any, and each carries an access token.
    pub fn all_take_tokens(mechanisms: &[Mechanism]) -> bool {
        !mechanisms.is_empty() && mechanisms.iter().all(|mechanism| mechanism.takes_token())
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Mechanism, UnknownMechanism> {
        let known = MECHANISMS.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| UnknownMechanism(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanism_is_found_by_its_name_in_any_case() {
        for mechanism in MECHANISMS {
            assert_eq!(mechanism.name().to_lowercase().parse(), Ok(mechanism));
        }
        assert_eq!("DIGEST-MD5".parse::<Mechanism>(), Err(UnknownMechanism("DIGEST-MD5".into())));
    }
}
