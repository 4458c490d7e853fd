//! OAuth 2.0 (RFC 6749) for submission: how a token is asked for, never where it is kept (that is [`super::token`]).
//!
//! - [`provider`]: the endpoints of providers, as rows with their source.
//! - [`endpoint`]: one request to a token endpoint and what its answer means.
//! - [`device`]: a person without a browser here (RFC 8628).
//! - [`code`]: a person with a browser, on a loopback redirect or by pasting the URL (RFC 7636, RFC 8252).
//!
//! sendvia has no registration of its own at any provider: the site brings its `client_id`, because a provider may
//! suspend a registration, and everybody who shares it would stop with it.

pub mod code;
pub mod device;
pub mod endpoint;
pub mod provider;
mod source;

pub use endpoint::{Granted, TokenRefusal};
use secrecy::SecretString;
pub use source::{OAuthSecrets, OAuthSource};
use std::future::Future;
use std::pin::Pin;
use url::Url;

/// The grant by which access tokens are got without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GrantKind {
    /// RFC 6749 section 6: a person agreed once, and the refresh token stands for that.
    #[default]
    RefreshToken,
    /// RFC 6749 section 4.4: the application itself is let in, by its own secret.
    ClientCredentials,
}

/// How the client says who it is (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_id` and `client_secret` in the form.
    Form,
    /// HTTP Basic.
    Basic,
}

/// The application as it is registered at the provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// RFC 6749 section 2.2.
    pub id: String,
    /// What is asked for, separated by spaces.
    pub scope: String,
    /// RFC 6749 section 3.2.
    pub token_endpoint: Url,
    /// RFC 8628 section 3.1; not every provider has one.
    pub device_endpoint: Option<Url>,
    /// RFC 6749 section 3.1.
    pub authorization_endpoint: Option<Url>,
    /// How the client says who it is.
    pub auth: ClientAuth,
    /// Where the person's browser is sent in the end.
    pub redirect: Redirect,
    /// What the provider wants in an authorization request beside the standard's.
    pub authorization_extra: Vec<(String, String)>,
}

/// Where an authorization server sends the browser with the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// A listener of ours, on a port that the system chooses (RFC 8252 section 7.3): `127.0.0.1` or `localhost`.
    Loopback(String),
    /// The registered URL, which goes nowhere; the person pastes it.
    Fixed(Url),
}

/// A secret that is fetched only when it is needed; the error is a text without it.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Option<SecretString>, String>> + Send + 'a>>;

/// The secrets of a client, fetched only when a token endpoint is about to be asked: each may be a command to run.
pub trait ClientSecrets: Send + Sync {
    /// The application's own secret; a public client has none.
    fn client_secret(&self) -> Fetching<'_>;
    /// The refresh token that the account's file holds, if it does.
    fn refresh_token(&self) -> Fetching<'_>;
}
