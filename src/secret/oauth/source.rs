//! `secret: {oauth: ...}`: an application's registration and where its secrets come from.

use super::{Client, ClientSecrets, Fetching, GrantKind};
use crate::secret::sealed::{Binding, Destination};
use crate::secret::vault::Vault;
use crate::secret::{SecretSource, SecretString};
use std::path::PathBuf;

/// The names of these secrets where they are sealed.
const CLIENT_SECRET: &str = "client-secret";
const REFRESH_TOKEN: &str = "refresh-token";

/// What stands in an account's file.
#[derive(Clone, Debug)]
pub struct OAuthSource {
    /// The registration.
    pub client: Client,
    /// How tokens are got.
    pub grant: GrantKind,
    /// The application's own secret; a public client has none.
    pub client_secret: Option<SecretSource>,
    /// The first refresh token; those that follow are kept in the state, as are those that `sendvia account set-secret` brings.
    pub refresh_token: Option<SecretSource>,
}

/// An [`OAuthSource`] with what opens it.
pub struct OAuthSecrets<'a> {
    source: &'a OAuthSource,
    vault: &'a Vault,
    binding: &'a Binding,
}

impl OAuthSource {
    /// The files that its secrets are in.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.client_secret, &self.refresh_token].into_iter().flatten().filter_map(|source| match source {
            SecretSource::File(file) => Some(file),
            _ => None,
        })
    }

    /// The secrets, opened when they are asked for. `binding` is the account's for its password.
    pub fn secrets<'a>(&'a self, vault: &'a Vault, binding: &'a Binding) -> OAuthSecrets<'a> {
        OAuthSecrets { source: self, vault, binding }
    }

    /// Every sealed text in it, with what it is sealed for.
    pub fn sealed(&self, account: &Binding) -> Vec<(Binding, &str)> {
        let fields = [(CLIENT_SECRET, &self.client_secret), (REFRESH_TOKEN, &self.refresh_token)];
        let sealed = fields.into_iter().filter_map(|(field, source)| match source {
            Some(SecretSource::Sealed(text)) => Some((self.binding(account, field), text.as_str())),
            _ => None,
        });
        sealed.collect()
    }

    /// Its secret called `field`, as the binding of one names it.
    pub fn secret(&self, field: &str) -> Option<&SecretSource> {
        match field {
            CLIENT_SECRET => self.client_secret.as_ref(),
            REFRESH_TOKEN => self.refresh_token.as_ref(),
            _ => None,
        }
    }

    /// What a sealed client secret is sealed for.
    pub fn client_secret_binding(&self, account: &Binding) -> Binding {
        self.binding(account, CLIENT_SECRET)
    }

    /// What a sealed refresh token is sealed for.
    pub fn refresh_binding(&self, account: &Binding) -> Binding {
        self.binding(account, REFRESH_TOKEN)
    }

    /// These secrets go to the token endpoint, never to the mail server.
    fn binding(&self, account: &Binding, field: &str) -> Binding {
        let destination = Destination::TokenEndpoint(self.client.token_endpoint.to_string());
        Binding { field: field.to_owned(), destination, ..account.clone() }
    }
}

impl OAuthSecrets<'_> {
    async fn fetch(&self, source: Option<&SecretSource>, field: &str) -> Result<Option<SecretString>, String> {
        let binding = self.source.binding(self.binding, field);
        let secret = match source {
            None => return Ok(None),
            Some(SecretSource::Sealed(text)) => self.vault.open(&binding, text).await.map_err(Into::into),
            Some(other) => other.resolve(&binding, |_| Err(crate::secret::source::SecretError::NoKey)).await,
        };
        secret.map(Some).map_err(|error| format!("{field}: {error}"))
    }
}

impl ClientSecrets for OAuthSecrets<'_> {
    fn client_secret(&self) -> Fetching<'_> {
        Box::pin(self.fetch(self.source.client_secret.as_ref(), CLIENT_SECRET))
    }

    fn refresh_token(&self) -> Fetching<'_> {
        Box::pin(self.fetch(self.source.refresh_token.as_ref(), REFRESH_TOKEN))
    }
}
