//! A logged-in session for an account.

use super::{Relay, outcomes, routes};
use crate::account::{Account, Server, TlsMode};
use crate::config::RouteConfig;
use crate::secret::SecretString;
use crate::secret::source::{SecretError, SecretSource};
use crate::submission::{
    self, Authenticated, Credentials, Dial, Endpoint, Failure, FailureKind, Proof, Protection, Route,
};
use crate::verdict::{Outcome, Stage};
use crate::wire::sasl::Mechanism;
use crate::wire::text::with_hint;
use std::sync::Arc;
use std::time::Instant;

/// The field of an account file that is sealed.
const PASSWORD: &str = "password";

/// Why there is no session.
pub(super) enum Trouble {
    /// The provider or the way to it.
    Session(Failure),
    /// A fresh access token could not be had.
    Secret(Outcome),
    /// The provider refuses a fresh access token, too: the refusal, and what a person is told.
    RefusedFresh(Failure, Outcome),
}

impl Relay {
    /// Logs in at the account's provider.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(super) async fn authenticate(
        &self,
        dial: &Dial,
        account: &Account,
        secret: &SecretString,
    ) -> Result<Authenticated, Trouble> {
        let first = submission::login(dial, &credentials(account, secret)).await;
        let failure = match first {
            Ok(session) => return Ok(session),
            Err(failure) => failure,
        };
        // A token may have been revoked before its time; a fresh one is asked for once.
        let renewed = match is_refused_login(&failure) {
            true => self.custody().renewed(&account.secret, &account.binding(PASSWORD), secret).await,
            false => Ok(None),
        };
        match renewed {
            Ok(Some(secret)) => submission::login(dial, &credentials(account, &secret)).await.map_err(Trouble::Session),
            Ok(None) => Err(Trouble::Session(failure)),
            Err(error) if error.is_refused_fresh() => Err(Trouble::RefusedFresh(failure, no_secret(account, &error))),
            Err(error) => Err(Trouble::Secret(no_secret(account, &error))),
        }
    }

    /// Logs in by `way`, and out again, whatever is closed: a person asked for it. A login that works is open again.
    ///
    /// # Errors
    /// The [`Outcome`].
    pub async fn try_login(&self, account: &Account, way: &RouteConfig) -> Result<(), Outcome> {
        let account = routes::account_by(way, account)?;
        let secret = self.secret(&account).await.map_err(|error| no_secret(&account, &error))?;
        let dial = self.dial(&account, routes::route(way)?, None);
        match self.authenticate(&dial, &account, &secret).await {
            Ok(session) => {
                session.quit().await;
                // Without a state nothing was closed.
                let _ = self.ledger().lift(&routes::credentials(way, &account));
                Ok(())
            }
            Err(Trouble::Session(failure)) => Err(outcomes::of_failure(&account, failure)),
            Err(Trouble::Secret(outcome) | Trouble::RefusedFresh(_, outcome)) => Err(outcome),
        }
    }

    pub(super) async fn secret(&self, account: &Account) -> Result<SecretString, SecretError> {
        self.custody().secret(&account.secret, &account.binding(PASSWORD)).await
    }

    pub(super) fn dial(&self, account: &Account, route: Route, deadline: Option<Instant>) -> Dial {
        Dial {
            endpoint: endpoint(&account.submission),
            route: Arc::new(route),
            trust: Arc::clone(&self.trust),
            ehlo_name: self.ehlo_name.clone(),
            timeouts: timeouts(self.config().timeouts),
            deadline,
            danger_plaintext_auth: account.danger_plaintext_auth,
            dialogue: None,
        }
    }
}

pub(super) fn credentials(account: &Account, secret: &SecretString) -> Credentials {
    let proof = match takes_token(account) {
        true => Proof::AccessToken(secret.clone()),
        false => Proof::Password(secret.clone()),
    };
    Credentials { login: account.login.clone(), proof, mechanisms: account.mechanisms.clone() }
}

/// Whether the secret is an access token: ours, or one that the account says some other program keeps.
pub(super) fn takes_token(account: &Account) -> bool {
    if matches!(account.secret, SecretSource::OAuth(_)) {
        return true;
    }
    account.mechanisms.as_ref().is_some_and(|mechanisms| Mechanism::all_take_tokens(mechanisms))
}

pub(super) fn no_secret(account: &Account, error: &SecretError) -> Outcome {
    Outcome::Credentials { account: account.address.to_string(), problem: with_hint(error, error.hint()) }
}

fn is_refused_login(failure: &Failure) -> bool {
    failure.stage == Stage::Auth && matches!(failure.kind, FailureKind::Refused(_))
}

fn endpoint(server: &Server) -> Endpoint {
    let protection = match server.tls {
        TlsMode::Implicit => Protection::Implicit,
        TlsMode::StartTls => Protection::StartTls,
        TlsMode::None => Protection::None,
    };
    Endpoint { host: server.host.clone(), port: server.port, protection }
}

fn timeouts(configured: crate::config::Timeouts) -> submission::Timeouts {
    let usual = submission::Timeouts::default();
    submission::Timeouts {
        connect: configured.connect.unwrap_or(usual.connect),
        greeting: configured.greeting.unwrap_or(usual.greeting),
        ehlo: configured.ehlo.unwrap_or(usual.ehlo),
        tls: configured.tls.unwrap_or(usual.tls),
        auth: configured.auth.unwrap_or(usual.auth),
        mail: configured.mail.unwrap_or(usual.mail),
        rcpt: configured.rcpt.unwrap_or(usual.rcpt),
        data: configured.data.unwrap_or(usual.data),
        block: configured.block.unwrap_or(usual.block),
        final_reply: configured.final_reply.unwrap_or(usual.final_reply),
    }
}

/// This host's name for EHLO. RFC 5321 section 4.1.3 has an address literal where it is no domain name; which of its
/// addresses that is concerns nobody.
pub(super) fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    if name.contains('.') && name.split('.').all(is_label) { name } else { "[127.0.0.1]".to_owned() }
}
