//! What an account logs in with, as the submission client needs it: open, and for one login.

use crate::secret::SecretString;
use crate::wire::sasl::Mechanism;

/// What an account logs in with. Its `Debug` shows the login, never the secret.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authentication identity.
    pub login: String,
    /// What proves it.
    pub proof: Proof,
    /// The mechanisms that the account allows; none stands for all but CRAM-MD5.
    pub mechanisms: Option<Vec<Mechanism>>,
}

/// What proves who logs in.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password, or an app password.
    Password(SecretString),
    /// An OAuth 2.0 access token.
    AccessToken(SecretString),
}

impl Credentials {
    /// Whether the account allows this mechanism and has what it takes. CRAM-MD5, whose hash any listener can try
    /// passwords on, is allowed only by name.
    pub fn allow(&self, mechanism: Mechanism) -> bool {
        let allowed = match &self.mechanisms {
            Some(pinned) => pinned.contains(&mechanism),
            None => mechanism != Mechanism::CramMd5,
        };
        allowed && mechanism.takes_token() == matches!(self.proof, Proof::AccessToken(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        for proof in [Proof::Password("geheim".into()), Proof::AccessToken("geheim".into())] {
            let credentials = Credentials { login: "anna@example.org".into(), proof, mechanisms: None };
            assert!(!format!("{credentials:?}").contains("geheim"));
        }
    }
}
