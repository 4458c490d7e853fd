//! A logged-in session for an account.

use super::{Relay, outcomes};
use crate::account::{Account, Server, TlsMode};
use crate::secret::SecretString;
use crate::secret::source::{SecretError, SecretSource};
use crate::submission::{
    self, Authenticated, Credentials, Dial, Endpoint, Failure, FailureKind, Proof, Protection, Route,
};
use crate::verdict::{Outcome, Stage};
use std::sync::Arc;
use std::time::Instant;

/// The field of an account file that is sealed.
const PASSWORD: &str = "password";

impl Relay {
    /// Logs in at the account's provider.
    ///
    /// # Errors
    /// The [`Outcome`]: a secret that can't be had, or whatever ended the session.
    pub(super) async fn log_in(&self, account: &Account, deadline: Option<Instant>) -> Result<Authenticated, Outcome> {
        let secret = self.secret(account).await.map_err(|error| no_secret(account, &error))?;
        let dial = self.dial(account, deadline);
        let first = submission::login(&dial, &credentials(account, &secret)).await;
        let failure = match first {
            Ok(session) => return Ok(session),
            Err(failure) => failure,
        };
        // A token may have been revoked before its time; a fresh one is asked for once.
        let renewed = match is_refused_login(&failure) {
            true => self.custody().renewed(&account.secret, &account.binding(PASSWORD), &secret).await,
            false => Ok(None),
        };
        match renewed {
            Ok(Some(secret)) => {
                let second = submission::login(&dial, &credentials(account, &secret)).await;
                second.map_err(|failure| outcomes::of_failure(account, failure))
            }
            Ok(None) => Err(outcomes::of_failure(account, failure)),
            Err(error) => Err(no_secret(account, &error)),
        }
    }

    pub(super) async fn secret(&self, account: &Account) -> Result<SecretString, SecretError> {
        self.custody().secret(&account.secret, &account.binding(PASSWORD)).await
    }

    pub(super) fn dial(&self, account: &Account, deadline: Option<Instant>) -> Dial {
        Dial {
            endpoint: endpoint(&account.submission),
            route: Arc::new(Route::Direct),
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
    let proof = match account.secret {
        SecretSource::OAuth(_) => Proof::AccessToken(secret.clone()),
        _ if pins_tokens(account) => Proof::AccessToken(secret.clone()),
        _ => Proof::Password(secret.clone()),
    };
    Credentials { login: account.login.clone(), proof, mechanisms: account.mechanisms.clone() }
}

/// Whether the account says that its secret is a token that some other program keeps.
fn pins_tokens(account: &Account) -> bool {
    let pinned = account.mechanisms.as_ref();
    pinned.is_some_and(|mechanisms| !mechanisms.is_empty() && mechanisms.iter().all(|one| one.takes_token()))
}

fn no_secret(account: &Account, error: &SecretError) -> Outcome {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    Outcome::Credentials { account: account.address.to_string(), problem: format!("{error}{hint}") }
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
