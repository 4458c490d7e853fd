//! Why a login cannot be carried through, on our side or for what the server said. No message holds a secret.

use crate::wire::sasl::Mechanism;
use thiserror::Error;

/// Why a login cannot be carried through. What a server says by a reply (535) is none of these.
#[derive(Debug, Error)]
pub(in crate::submission) enum SaslError {
    /// The credentials cannot be written in this mechanism's form.
    #[error("the {what} cannot be sent: it {why}")]
    Unsendable { what: &'static str, why: &'static str },
    /// A mechanism was asked for that the credentials do not suit.
    #[error("{0} does not go with these credentials")]
    WrongProof(Mechanism),
    /// A -PLUS mechanism without a TLS session that it could be bound to.
    #[error("{0} needs a TLS 1.3 session to be bound to")]
    NoBinding(Mechanism),
    /// The system gave no random octets.
    #[error("the system's random generator failed")]
    Random(#[source] std::io::Error),
    /// The text after `334 ` is no base64.
    #[error("the server's challenge is not base64")]
    NotBase64,
    /// The server asks for more than the mechanism has to say.
    #[error("the server asks for more than {0} has to say")]
    Unexpected(Mechanism),
    /// A challenge that is not of the mechanism's form.
    #[error("the server's challenge is not {0}'s: {1}")]
    Malformed(Mechanism, &'static str),
    /// So few iterations would give the password away, so many would stop us.
    #[error("the server asks for {0} rounds of hashing")]
    Iterations(u32),
    /// The server said that the login is done, but did not prove that it knows the password.
    #[error("the server did not prove that it knows the password")]
    Unproven,
}

impl SaslError {
    /// What helps, if that is known.
    pub(in crate::submission) fn hint(&self) -> Option<&'static str> {
        match self {
            SaslError::Unsendable { .. } => Some("look at the account's login and secret; store the secret anew"),
            SaslError::WrongProof(_) => Some("let the account name mechanisms that suit its secret, or none"),
            SaslError::NoBinding(_) => Some("let the account allow SCRAM-SHA-256 too"),
            SaslError::Unproven => Some("somebody may stand between: look whether the server is the provider's"),
            SaslError::Iterations(_) | SaslError::Malformed(..) | SaslError::Unexpected(_) | SaslError::NotBase64 => {
                Some("let the account name another mechanism that the server offers")
            }
            SaslError::Random(_) => None,
        }
    }
}
