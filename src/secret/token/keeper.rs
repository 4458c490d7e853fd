//! Decides which token is used, and who asks for the next one.

use super::TokenError;
use super::age::{Freshness, believed, freshness, wall_clock};
use super::store::{Access, Lock, TokenStore, Tokens, Trouble, fingerprint};
use crate::metrics::{METRICS, TOKEN_REFRESHES};
use crate::secret::http::HttpClient;
use crate::secret::oauth::{Client, ClientSecrets, GrantKind, Granted, TokenRefusal, endpoint};
use crate::secret::sealed::Destination;
use crate::secret::vault::Vault;
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, Instant};

/// A token younger than this that the server refuses is not the token's fault.
const FRESH: i64 = 60;
/// How long one process waits for another's renewal: longer than a request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whose access token is wanted, and how it is got.
pub struct TokenRequest<'a> {
    /// The account's address, folded.
    pub account: &'a str,
    /// The authentication identity.
    pub login: &'a str,
    /// Where the access token may be sent.
    pub destination: Destination,
    /// The application's registration.
    pub client: &'a Client,
    /// How tokens are got.
    pub grant: GrantKind,
    /// Its secrets, fetched only when the endpoint is asked.
    pub secrets: &'a dyn ClientSecrets,
}

/// Keeps and renews access tokens.
pub struct TokenKeeper<'a> {
    /// Where they are kept.
    pub store: &'a dyn TokenStore,
    /// What seals them.
    pub vault: &'a Vault,
    /// The way to the token endpoints.
    pub http: &'a HttpClient,
    /// Seconds since 1970.
    pub clock: fn() -> i64,
}

impl<'a> TokenKeeper<'a> {
    /// A keeper by the wall clock.
    pub fn new(store: &'a dyn TokenStore, vault: &'a Vault, http: &'a HttpClient) -> TokenKeeper<'a> {
        TokenKeeper { store, vault, http, clock: wall_clock }
    }

    /// An access token that is good for a login now.
    ///
    /// `refused` is the token that the mail server has just refused, though it should still be good: it is renewed,
    /// once, unless somebody already has.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn access_token(
        &self,
        request: &TokenRequest<'_>,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, TokenError> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            let kept = self.kept(request)?;
            if let Some((token, freshness)) = self.usable(&kept, refused).await {
                return self.use_or_renew(request, kept, token, freshness).await;
            }
            self.heed_trouble(request, &kept)?;
            if let Some(lock) = self.store.try_lock(request.account)? {
                return self.renew(request, refused, lock).await;
            }
            if begin.elapsed() > PATIENCE {
                return Err(TokenError::Busy { account: request.account.to_owned(), seconds: PATIENCE.as_secs() });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(250));
        }
    }

    /// Keeps what a person's login brought. `in_file` says whether the refresh token goes into the account's file, too.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn adopt(&self, request: &TokenRequest<'_>, granted: &Granted, in_file: bool) -> Result<(), TokenError> {
        let _lock = self.lock(request.account).await?;
        let origin = match in_file {
            true => granted.refresh.as_ref().map(origin_of),
            false => request.secrets.refresh_token().await.ok().flatten().as_ref().map(origin_of),
        };
        let tokens = Tokens { origin, ..self.blank(request) };
        self.keep(tokens, granted, (self.clock)()).await?;
        Ok(())
    }

    async fn lock(&self, account: &str) -> Result<Lock, TokenError> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(lock) = self.store.try_lock(account)? {
                return Ok(lock);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(TokenError::Busy { account: account.to_owned(), seconds: PATIENCE.as_secs() })
    }

    /// What is kept and was got with these very settings; else a blank.
    fn kept(&self, request: &TokenRequest<'_>) -> Result<Tokens, TokenError> {
        let blank = self.blank(request);
        let kept = self
            .store
            .load(request.account)?
            .filter(|kept| kept.client == blank.client && kept.account == blank.account);
        // The bindings are the account's of today, not what the file says.
        Ok(kept.map_or(blank.clone(), |kept| Tokens {
            login: blank.login,
            destination: blank.destination,
            token_endpoint: blank.token_endpoint,
            ..kept
        }))
    }

    fn blank(&self, request: &TokenRequest<'_>) -> Tokens {
        let client = request.client;
        let endpoint = client.token_endpoint.to_string();
        Tokens {
            account: request.account.to_owned(),
            login: request.login.to_owned(),
            destination: request.destination.clone(),
            client: fingerprint(&[
                &client.id,
                &client.scope,
                &endpoint,
                request.login,
                &format!("{:?}", request.grant),
            ]),
            token_endpoint: endpoint,
            refresh: None,
            origin: None,
            access: None,
            trouble: None,
        }
    }

    /// The kept access token, unless it has ended, was refused, or does not open for where it would go today.
    async fn usable(&self, kept: &Tokens, refused: Option<&SecretString>) -> Option<(SecretString, Freshness)> {
        let access = kept.access.as_ref()?;
        let freshness = freshness(access, (self.clock)());
        if freshness == Freshness::Ended {
            return None;
        }
        let token = self.vault.open(&kept.access_binding(), &access.token).await.ok()?;
        let is_refused = refused.is_some_and(|refused| refused.expose_secret() == token.expose_secret());
        (!is_refused).then_some((token, freshness))
    }

    /// A token that ends soon is renewed by whoever gets the lock; trouble with that is nobody's yet.
    async fn use_or_renew(
        &self,
        request: &TokenRequest<'_>,
        kept: Tokens,
        token: SecretString,
        freshness: Freshness,
    ) -> Result<SecretString, TokenError> {
        let is_paused = kept.trouble.as_ref().is_some_and(|trouble| trouble.is_on((self.clock)()));
        if freshness == Freshness::Good || is_paused {
            return Ok(token);
        }
        match self.store.try_lock(request.account) {
            Ok(Some(lock)) => Ok(self.renew(request, None, lock).await.unwrap_or(token)),
            Ok(None) | Err(_) => Ok(token),
        }
    }

    /// The endpoint in trouble is left alone by everybody. A closed account is looked at under the lock, because its
    /// refresh token may have changed.
    fn heed_trouble(&self, request: &TokenRequest<'_>, kept: &Tokens) -> Result<(), TokenError> {
        match &kept.trouble {
            Some(trouble) if !trouble.closed && trouble.is_on((self.clock)()) => Err(trouble.error(request.account)),
            Some(_) | None => Ok(()),
        }
    }

    /// Asks for the next token. Whoever held the lock before may already have.
    async fn renew(
        &self,
        request: &TokenRequest<'_>,
        refused: Option<&SecretString>,
        _lock: Lock,
    ) -> Result<SecretString, TokenError> {
        let kept = self.kept(request)?;
        if let Some((token, Freshness::Good)) = self.usable(&kept, refused).await {
            return Ok(token);
        }
        let now = (self.clock)();
        let is_fresh = kept.access.as_ref().is_some_and(|access| (0..FRESH).contains(&(now - access.obtained)));
        if refused.is_some() && is_fresh {
            return Err(TokenError::RefusedFresh { account: request.account.to_owned() });
        }
        self.heed_trouble(request, &kept)?;
        let (initial, secret) = match self.secrets(request).await {
            Ok(secrets) => secrets,
            Err(reason) => return Err(self.note(kept, None, false, reason)?),
        };
        let origin = initial.as_ref().map(origin_of);
        if let Some(trouble) = kept.trouble.as_ref().filter(|trouble| trouble.is_on(now) && trouble.origin == origin) {
            return Err(trouble.error(request.account));
        }
        let refresh = self.newest_refresh(&kept, &origin, initial).await?;
        let answer = self.ask(request, secret.as_ref(), refresh.as_ref()).await?;
        METRICS.count(&TOKEN_REFRESHES, &[if answer.is_ok() { "ok" } else { "failed" }]);
        match answer {
            Ok(granted) => {
                // Without a new refresh token the old one stays (RFC 6749 section 6).
                let refresh = kept.refresh.filter(|_| kept.origin == origin);
                self.keep(Tokens { origin, refresh, ..self.blank(request) }, &granted, now).await?;
                Ok(granted.access)
            }
            Err(refusal) => Err(self.note(kept, origin, refusal.needs_a_person(), refusal.to_string())?),
        }
    }

    /// The refresh token of the account's file and the application's own secret.
    async fn secrets(
        &self,
        request: &TokenRequest<'_>,
    ) -> Result<(Option<SecretString>, Option<SecretString>), String> {
        let initial = match request.grant {
            GrantKind::RefreshToken => request.secrets.refresh_token().await?,
            GrantKind::ClientCredentials => None,
        };
        Ok((initial, request.secrets.client_secret().await?))
    }

    /// The newest descendant of the refresh token in the account's file.
    async fn newest_refresh(
        &self,
        kept: &Tokens,
        origin: &Option<String>,
        initial: Option<SecretString>,
    ) -> Result<Option<SecretString>, TokenError> {
        let Some(sealed) = kept.refresh.as_ref().filter(|_| kept.origin == *origin) else {
            return Ok(initial);
        };
        match (self.vault.open(&kept.refresh_binding(), sealed).await, initial) {
            (Ok(refresh), _) => Ok(Some(refresh)),
            // The key is gone: the first one may still be good.
            (Err(_), Some(initial)) => Ok(Some(initial)),
            (Err(error), None) => Err(error.into()),
        }
    }

    async fn ask(
        &self,
        request: &TokenRequest<'_>,
        secret: Option<&SecretString>,
        refresh: Option<&SecretString>,
    ) -> Result<Result<Granted, TokenRefusal>, TokenError> {
        let mut form = Vec::new();
        match (request.grant, refresh) {
            (GrantKind::RefreshToken, None) => {
                return Err(TokenError::NotLoggedIn { account: request.account.to_owned() });
            }
            (GrantKind::RefreshToken, Some(refresh)) => {
                form.extend([("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())]);
            }
            (GrantKind::ClientCredentials, _) => form.push(("grant_type", "client_credentials")),
        }
        if !request.client.scope.is_empty() {
            form.push(("scope", &request.client.scope));
        }
        Ok(endpoint::request(self.http, request.client, secret, &form).await)
    }

    /// Puts what was granted into the store, sealed. `asked` is when it was asked for.
    async fn keep(&self, mut tokens: Tokens, granted: &Granted, asked: i64) -> Result<(), TokenError> {
        if let Some(refresh) = &granted.refresh {
            tokens.refresh = Some(self.vault.seal(&tokens.refresh_binding(), refresh).await?);
        }
        let token = self.vault.seal(&tokens.access_binding(), &granted.access).await?;
        tokens.access = Some(Access { token, obtained: asked, lifetime: believed(granted.lifetime) });
        tokens.trouble = None;
        Ok(self.store.store(&tokens)?)
    }

    /// Puts down why there is no token, so that the processes that wait need not find out one after the other.
    fn note(
        &self,
        kept: Tokens,
        origin: Option<String>,
        closed: bool,
        reason: String,
    ) -> Result<TokenError, TokenError> {
        let failures = kept.trouble.as_ref().filter(|trouble| trouble.closed == closed).map_or(0, |last| last.failures);
        let trouble = Trouble::new(closed, reason, origin, (self.clock)(), failures);
        let error = trouble.error(&kept.account);
        self.store.store(&Tokens { trouble: Some(trouble), ..kept })?;
        Ok(error)
    }
}

fn origin_of(token: &SecretString) -> String {
    fingerprint(&[token.expose_secret()])
}
