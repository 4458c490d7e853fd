//! All that gets at an account's secret: the key ring, the kept tokens, the way to token endpoints.
//!
//! One per process. Nothing is read before the first secret is asked for.

use super::http::{HttpClient, HttpOptions};
use super::oauth::{ClientSecrets, Granted, OAuthSource};
use super::sealed::Binding;
use super::source::SecretError;
use super::token::{TokenError, TokenFiles, TokenKeeper, TokenRequest};
use super::vault::{KeySource, Vault, VaultError};
use super::{SecretSource, SecretString, memory};
use std::path::Path;

/// Gets at secrets.
pub struct Custody {
    vault: Vault,
    tokens: TokenFiles,
    http: HttpClient,
}

impl Custody {
    /// Custody by the key at `key`, with tokens below the directory `state`.
    pub fn new(key: KeySource, state: &Path, http: HttpOptions) -> Custody {
        Custody { vault: Vault::new(key), tokens: TokenFiles::below(state), http: HttpClient::new(http) }
    }

    /// What seals and opens.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where tokens are kept.
    pub fn tokens(&self) -> &TokenFiles {
        &self.tokens
    }

    /// The way to token endpoints.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Keeps and renews access tokens.
    pub fn keeper(&self) -> TokenKeeper<'_> {
        TokenKeeper::new(&self.tokens, &self.vault, &self.http)
    }

    /// The password or access token that `source` gives for the login of `binding`, the account's own for its password.
    ///
    /// # Errors
    /// [`SecretError`], all of them about this host or the account, and without a secret.
    pub async fn secret(&self, source: &SecretSource, binding: &Binding) -> Result<SecretString, SecretError> {
        // A limit that can't be lowered is no reason to hold mail back.
        let _ = memory::forbid_dumps();
        match source {
            SecretSource::OAuth(oauth) => self.access_token(oauth, binding, None).await,
            SecretSource::Sealed(text) => Ok(self.vault.open(binding, text).await?),
            other => other.resolve(binding, |_| Err(SecretError::NoKey)).await,
        }
    }

    /// Another access token, after the mail server refused `refused`; `None` where the secret is no OAuth 2.0 token.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn renewed(
        &self,
        source: &SecretSource,
        binding: &Binding,
        refused: &SecretString,
    ) -> Result<Option<SecretString>, SecretError> {
        match source {
            SecretSource::OAuth(oauth) => self.access_token(oauth, binding, Some(refused)).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn access_token(
        &self,
        oauth: &OAuthSource,
        binding: &Binding,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, SecretError> {
        let secrets = oauth.secrets(&self.vault, binding);
        Ok(self.keeper().access_token(&request(oauth, binding, &secrets), refused).await?)
    }

    /// Keeps what a person has just granted, `in_file` where the account's file holds the refresh token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn adopt(
        &self,
        oauth: &OAuthSource,
        binding: &Binding,
        granted: &Granted,
        in_file: bool,
    ) -> Result<(), TokenError> {
        let secrets = oauth.secrets(&self.vault, binding);
        self.keeper().adopt(&request(oauth, binding, &secrets), granted, in_file).await
    }
}

fn request<'a>(oauth: &'a OAuthSource, binding: &'a Binding, secrets: &'a dyn ClientSecrets) -> TokenRequest<'a> {
    TokenRequest {
        account: &binding.account,
        login: &binding.login,
        destination: binding.destination.clone(),
        client: &oauth.client,
        grant: oauth.grant,
        secrets,
    }
}

impl From<VaultError> for SecretError {
    fn from(error: VaultError) -> SecretError {
        match error {
            VaultError::Key(error) => SecretError::Key(error),
            VaultError::Seal(error) => SecretError::Sealed(error),
        }
    }
}

impl From<TokenError> for SecretError {
    fn from(error: TokenError) -> SecretError {
        SecretError::Token(Box::new(error))
    }
}
