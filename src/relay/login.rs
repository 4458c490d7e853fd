//! A logged-in session by the best way that is open.

use super::breaker::{Breaker, Passage, closed, fingerprint};
use super::connection::{Trouble, no_secret, takes_token};
use super::limits::Room;
use super::memory::Memory;
use super::{Relay, outcomes, routes};
use crate::account::Account;
use crate::config::RouteConfig;
use crate::metrics::{LOGINS, METRICS, OTHER_PROVIDER, SESSIONS_REUSED};
use crate::secret::{ExposeSecret, SecretString};
use crate::state::{Closure, Subject};
use crate::submission::pool::Seat;
use crate::submission::{Authenticated, Failure, FailureKind};
use crate::verdict::{Outcome, Stage};
use sha2::{Digest, Sha256};
use std::time::Instant;
use tokio::time::timeout_at;

/// What a login asks before, and tells after.
pub(super) struct Login<'d, 'a> {
    pub(super) relay: &'a Relay,
    pub(super) account: &'a Account,
    /// The account in the state.
    pub(super) subject: &'d Subject,
    pub(super) deadline: Option<Instant>,
    pub(super) memory: &'d mut Memory<'a>,
    pub(super) breaker: &'d mut Breaker<'a>,
    pub(super) room: &'d Room<'d>,
    /// Where a session may have been left by an earlier delivery.
    pub(super) seat: Option<&'d Seat>,
}

/// A session, and by which way.
pub(super) struct LoggedIn {
    pub(super) session: Authenticated,
    pub(super) passage: Passage,
    /// By which the session is found again: other credentials or another way make another key.
    pub(super) key: String,
    /// Whether an earlier delivery left it.
    pub(super) is_reused: bool,
}

/// Why one way gave no session.
enum Stop {
    /// Another way may.
    TryNext(Outcome),
    /// The account or this host is in trouble, by whatever way.
    Here(Outcome),
}

impl Login<'_, '_> {
    /// Tries the ways in their order.
    ///
    /// # Errors
    /// The [`Outcome`]: what keeps all of them closed, or what ended the last try.
    pub(super) async fn run(&mut self) -> Result<LoggedIn, Outcome> {
        let ways = routes::in_order(self.relay, self.account, self.memory, self.breaker)?;
        let (mut failed, mut soonest): (Option<Outcome>, Option<Closure>) = (None, None);
        for way in &ways {
            let route = routes::subject(way, self.account);
            if let Err(closure) = self.breaker.enter(self.memory, &route, None) {
                soonest = Some(soonest.filter(|before| before.until <= closure.until).unwrap_or(closure));
                continue;
            }
            match self.by(way, route, ways.len() > 1).await {
                Ok(open) => return Ok(open),
                Err(Stop::Here(outcome)) => return Err(outcome),
                Err(Stop::TryNext(outcome)) => failed = Some(outcome),
            }
        }
        let nowhere = || Outcome::Local { problem: "there is no route to take".to_owned() };
        Err(failed.or_else(|| soonest.as_ref().map(closed)).unwrap_or_else(nowhere))
    }

    async fn by(&mut self, way: &RouteConfig, route: Subject, is_one_of_many: bool) -> Result<LoggedIn, Stop> {
        let account = routes::account_by(way, self.account).map_err(Stop::TryNext)?;
        let by = routes::route(way).map_err(Stop::TryNext)?;
        let secret = self.relay.secret(&account).await.map_err(|error| Stop::Here(no_secret(&account, &error)))?;
        // A token changes by itself.
        let fingerprint = match takes_token(&account) {
            true => None,
            false => fingerprint(self.memory, &account.login, &secret),
        };
        let credentials = routes::credentials(way, self.account);
        self.breaker.enter(self.memory, &credentials, fingerprint).map_err(|closure| Stop::Here(closed(&closure)))?;
        let key = key(way, &account, &secret);
        let passage = Passage { account, route, credentials, fingerprint };
        if let Some(session) = self.left_over(&key).await.map_err(Stop::Here)? {
            METRICS.count(&SESSIONS_REUSED, &[]);
            return Ok(LoggedIn { session, passage, key, is_reused: true });
        }
        // The one whose session was waited for may have been refused.
        if self.seat.is_some() {
            let route = self.breaker.enter(self.memory, &passage.route, None);
            route.map_err(|closure| Stop::TryNext(closed(&closure)))?;
            for (subject, fingerprint) in [(self.subject, None), (&passage.credentials, passage.fingerprint)] {
                self.breaker
                    .enter(self.memory, subject, fingerprint)
                    .map_err(|closure| Stop::Here(closed(&closure)))?;
            }
        }
        self.room.log_in(self.memory).map_err(Stop::Here)?;
        let began = Instant::now();
        let dial = self.relay.dial(&passage.account, by, self.deadline);
        let logged_in = self.relay.authenticate(&dial, &passage.account, &secret).await;
        METRICS.count(&LOGINS, &[provider_label(&passage.account), result_of(&logged_in)]);
        match logged_in {
            Ok(session) => {
                self.breaker.logged_in(&passage);
                if let Some(seat) = self.seat {
                    seat.logged_in_within(began.elapsed());
                }
                Ok(LoggedIn { session, passage, key, is_reused: false })
            }
            Err(Trouble::Secret(outcome)) => Err(Stop::Here(outcome)),
            Err(Trouble::RefusedFresh(failure, outcome)) => {
                // It closes what any refused login closes; what to do about it is the token's matter.
                let _ = self.failed(failure, &passage, is_one_of_many);
                Err(Stop::Here(outcome))
            }
            Err(Trouble::Session(failure)) => {
                if is_before_login(failure.stage) {
                    self.room.did_not_log_in(self.memory);
                }
                Err(self.failed(failure, &passage, is_one_of_many))
            }
        }
    }

    /// A session that another delivery left, if there is one that may be used. Whoever waits for it until his deadline has
    /// an [`Outcome`], so that what was taken into account for his message is taken back.
    async fn left_over(&self, key: &str) -> Result<Option<Authenticated>, Outcome> {
        let Some(seat) = self.seat else { return Ok(None) };
        let began = Instant::now();
        let late = |_| Outcome::Deadline {
            seconds: began.elapsed().as_secs(),
            waiting_for: "a session at the provider".to_owned(),
        };
        let session = match self.deadline {
            None => seat.session(key).await,
            Some(deadline) => timeout_at(deadline.into(), seat.session(key)).await.map_err(late)?,
        };
        Ok(session.map(|mut session| {
            session.set_deadline(self.deadline);
            session
        }))
    }

    fn failed(&mut self, failure: Failure, at: &Passage, is_one_of_many: bool) -> Stop {
        let has_closed = match &failure.kind {
            FailureKind::Refused(reply) => self.breaker.refused(self.memory, self.subject, at, (failure.stage, reply)),
            _ => false,
        };
        let is_ours = matches!(failure.kind, FailureKind::Deadline | FailureKind::Trust(_));
        if is_ours || !is_before_login(failure.stage) {
            return Stop::Here(outcomes::of_failure(&at.account, failure));
        }
        if is_one_of_many && !has_closed {
            self.breaker.led_nowhere(self.memory, &at.route, failure.to_string());
        }
        Stop::TryNext(outcomes::of_failure(&at.account, failure))
    }
}

/// The provider where the site knows it by name.
pub(super) fn provider_label(account: &Account) -> &str {
    account.provider.as_deref().unwrap_or(OTHER_PROVIDER)
}

fn result_of(logged_in: &Result<Authenticated, Trouble>) -> &'static str {
    match logged_in {
        Ok(_) => "ok",
        Err(Trouble::RefusedFresh(..)) => "refused",
        Err(Trouble::Session(failure)) if matches!(failure.kind, FailureKind::Refused(_)) => "refused",
        Err(_) => "failed",
    }
}

/// Names way, server, login and secret, the secret by its digest.
fn key(way: &RouteConfig, account: &Account, secret: &SecretString) -> String {
    let digest = Sha256::digest(secret.expose_secret());
    let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{} {} {} {digest}", way.name, account.submission, account.login)
}

/// Nothing of the account or the message was risked yet.
pub(super) fn is_before_login(stage: Stage) -> bool {
    matches!(stage, Stage::Connect | Stage::Tls | Stage::Banner | Stage::Ehlo | Stage::StartTls)
}
