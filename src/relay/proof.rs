//! A login without a message: whether an account's credentials are good, told before any mail depends on them.

use super::connection::credentials;
use super::login::is_before_login;
use super::{Relay, routes};
use crate::account::Account;
use crate::secret::SecretString;
use crate::secret::source::SecretError;
use crate::submission::{self, Failure};
use crate::verdict::Outcome;
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
    /// The way there.
    Route(Outcome),
    /// The session ended before it was logged in.
    Session(Box<Failure>),
}

impl Relay {
    /// Logs in at the account's provider by the ways that a delivery would take, and out again. `secret` stands for the
    /// account's own where that is not written yet. What is closed is tried all the same: a person asked for it. A login
    /// that works is open again.
    ///
    /// # Errors
    /// [`Unproven`], of the last way.
    pub async fn prove(&self, account: &Account, secret: Option<&SecretString>) -> Result<Proven, Unproven> {
        let secret = match secret {
            Some(secret) => secret.clone(),
            None => self.secret(account).await.map_err(Unproven::Secret)?,
        };
        let ways = routes::to_provider(self, account).map_err(Unproven::Route)?;
        let deadline = Some(Instant::now() + PATIENCE);
        let mut failed = None;
        for way in &ways {
            let dial = self.dial(account, routes::route(way).map_err(Unproven::Route)?, deadline);
            match submission::login(&dial, &credentials(account, &secret)).await {
                Ok(session) => {
                    let proven = Proven { mechanism: session.mechanism(), peer: session.peer() };
                    session.quit().await;
                    // Without a state nothing was closed.
                    let _ = self.ledger().lift(&routes::credentials(way, account));
                    return Ok(proven);
                }
                Err(failure) if is_before_login(failure.stage) => failed = Some(failure),
                Err(failure) => return Err(Unproven::Session(Box::new(failure))),
            }
        }
        let nowhere = || Unproven::Route(Outcome::Local { problem: "there is no route to take".to_owned() });
        Err(failed.map_or_else(nowhere, |failure| Unproven::Session(Box::new(failure))))
    }
}
