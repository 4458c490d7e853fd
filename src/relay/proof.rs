//! A login without a message: whether an account's credentials are good, told before any mail depends on them.

use super::Relay;
use super::connection::credentials;
use crate::account::Account;
use crate::secret::SecretString;
use crate::secret::source::SecretError;
use crate::submission::{self, Failure, Route};
use crate::wire::sasl::Mechanism;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a person is kept waiting.
const PATIENCE: Duration = Duration::from_secs(90);

/// A login that worked.
#[derive(Debug)]
pub struct Proven {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// Where.
    pub peer: SocketAddr,
}

/// Why there was none.
#[derive(Debug)]
pub enum Unproven {
    /// The secret can't be had.
    Secret(SecretError),
    /// The session ended before it was logged in.
    Session(Box<Failure>),
}

impl Relay {
    /// Logs in at the account's provider as a delivery would, and out again. `secret` stands for the account's own where
    /// that is not written yet.
    ///
    /// # Errors
    /// [`Unproven`].
    pub async fn prove(&self, account: &Account, secret: Option<&SecretString>) -> Result<Proven, Unproven> {
        let secret = match secret {
            Some(secret) => secret.clone(),
            None => self.secret(account).await.map_err(Unproven::Secret)?,
        };
        let dial = self.dial(account, Route::Direct, Some(Instant::now() + PATIENCE));
        let session = submission::login(&dial, &credentials(account, &secret)).await;
        let session = session.map_err(|failure| Unproven::Session(Box::new(failure)))?;
        let proven = Proven { mechanism: session.mechanism(), peer: session.peer() };
        session.quit().await;
        Ok(proven)
    }
}
