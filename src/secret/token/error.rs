//! Why there is no access token.

use crate::secret::private::PrivateFileError;
use crate::secret::vault::VaultError;

/// Why there is no access token. All of it is about the account or this host: the message waits.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A person has to act.
    #[error("OAuth 2.0: {account}: {reason}")]
    Closed {
        /// The account.
        account: String,
        /// What the token endpoint said.
        reason: String,
        /// When it is asked again, in seconds since 1970, if nobody acts before.
        until: i64,
    },
    /// Nobody has logged in yet.
    #[error("OAuth 2.0: {account}: no refresh token")]
    NotLoggedIn {
        /// The account.
        account: String,
    },
    /// The token endpoint is down, or answers what is no answer.
    #[error("OAuth 2.0: {account}: {reason}")]
    Trouble {
        /// The account.
        account: String,
        /// What happened.
        reason: String,
        /// When it is asked again, in seconds since 1970.
        until: i64,
    },
    /// Another process has been renewing for too long.
    #[error("OAuth 2.0: {account}: another process has been renewing the token for {seconds} s")]
    Busy {
        /// The account.
        account: String,
        /// For how long this one waited.
        seconds: u64,
    },
    /// The mail server refused a token that the token endpoint has just given.
    #[error("OAuth 2.0: {account}: the mail server refuses a new access token")]
    RefusedFresh {
        /// The account.
        account: String,
    },
    /// A secret of the client can't be fetched.
    #[error("OAuth 2.0: {account}: {reason}")]
    Secret {
        /// The account.
        account: String,
        /// Why; no secret.
        reason: String,
    },
    /// The token file can't be read or written.
    #[error("OAuth 2.0: {0}")]
    Store(#[from] PrivateFileError),
    /// Tokens can't be sealed or opened.
    #[error("OAuth 2.0: {0}")]
    Vault(#[from] VaultError),
}

impl TokenError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            TokenError::Closed { account, .. } | TokenError::NotLoggedIn { account } => {
                Some(format!("log in again: `sendvia account set-secret {account}`"))
            }
            TokenError::RefusedFresh { account } => Some(format!(
                "SMTP AUTH must be allowed for the mailbox, and the scope must be the provider's for submission; then `sendvia account set-secret {account}`"
            )),
            TokenError::Store(error) => error.hint(),
            TokenError::Vault(error) => error.hint(),
            TokenError::Trouble { .. } | TokenError::Busy { .. } | TokenError::Secret { .. } => None,
        }
    }

    /// Until when the account is left alone, in seconds since 1970, where that is known.
    pub fn until(&self) -> Option<i64> {
        match self {
            TokenError::Closed { until, .. } | TokenError::Trouble { until, .. } => Some(*until),
            _ => None,
        }
    }
}
