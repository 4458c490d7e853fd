//! The authorization code grant with PKCE (RFC 7636), for a person with a browser.
//!
//! The code comes back on a loopback listener (RFC 8252 section 7.3), or, where the browser runs on another machine,
//! the person pastes the URL that his browser could not open. Either way the `state` must be the one of this request,
//! and the code is of no use without the verifier, which never leaves this process but to the token endpoint.

use super::endpoint::{self, Granted, TokenRefusal};
use super::{Client, Redirect};
use crate::secret::http::HttpClient;
use crate::wire::text::one_line;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Octets of a request that are looked at: its first line is enough.
const MAX_REQUEST: usize = 8192;
/// A browser sends its request at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// An authorization request that a person's browser is to be sent with.
pub struct Authorization {
    /// What the person opens.
    pub url: Url,
    state: String,
    verifier: SecretString,
    redirect: Url,
    listener: Option<TcpListener>,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The provider has no authorization endpoint.
    #[error("no authorization endpoint is known")]
    NotOffered,
    /// No loopback listener, or no random octets.
    #[error("loopback redirect: {0}")]
    Local(#[from] io::Error),
    /// What was pasted is not the URL that this request ends with.
    #[error("expected the whole URL that the browser ended on, with `code=` and this request's `state=`")]
    NotTheRedirect,
    /// The person or the provider said no (RFC 6749 section 4.1.2.1).
    #[error("authorization was refused: {0}")]
    Denied(String),
    /// The token endpoint refused or is in trouble.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
}

/// Begins an authorization for the mailbox `login`.
///
/// # Errors
/// [`CodeError`].
pub async fn begin(client: &Client, login: &str) -> Result<Authorization, CodeError> {
    let mut url = client.authorization_endpoint.clone().ok_or(CodeError::NotOffered)?;
    let (listener, redirect) = match &client.redirect {
        Redirect::Fixed(redirect) => (None, redirect.clone()),
        Redirect::Loopback(host) => listen(host).await?,
    };
    let (state, verifier) = (random_text()?, random_text()?);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", redirect.as_str())
        .append_pair("scope", &client.scope)
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("login_hint", login)
        .extend_pairs(&client.authorization_extra);
    Ok(Authorization { url, state, verifier: SecretString::from(verifier), redirect, listener })
}

async fn listen(host: &str) -> Result<(Option<TcpListener>, Url), CodeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let redirect = Url::parse(&format!("http://{host}:{port}/")).map_err(|_| CodeError::NotOffered)?;
    Ok((Some(listener), redirect))
}

/// 256 random bits as RFC 7636 section 4.1 wants a verifier.
fn random_text() -> io::Result<String> {
    let mut octets = [0; 32];
    crate::secret::random(&mut octets)?;
    Ok(URL_SAFE_NO_PAD.encode(octets))
}

impl Authorization {
    /// Waits for the browser at the loopback listener; without one, for ever.
    ///
    /// Whatever else asks there is answered and not believed.
    ///
    /// # Errors
    /// [`CodeError::Denied`], [`CodeError::Local`].
    pub async fn arrival(&self) -> Result<SecretString, CodeError> {
        let Some(listener) = &self.listener else {
            return std::future::pending().await;
        };
        loop {
            let (peer, _) = listener.accept().await?;
            match tokio::time::timeout(REQUEST_LIMIT, self.serve(peer)).await {
                Ok(Ok(Some(code))) => return Ok(code),
                Ok(Err(CodeError::Denied(reason))) => return Err(CodeError::Denied(reason)),
                // A port scanner, a favicon, a broken connection: the browser may still come.
                Ok(Ok(None) | Err(_)) | Err(_) => {}
            }
        }
    }

    async fn serve(&self, mut peer: TcpStream) -> Result<Option<SecretString>, CodeError> {
        let target = read_target(&mut peer).await?;
        let answer = match target.and_then(|target| self.redirect.join(&target).ok()) {
            Some(url) if url.origin() == self.redirect.origin() => self.answer(&url),
            Some(_) | None => Err(CodeError::NotTheRedirect),
        };
        let (status, text) = match &answer {
            Ok(_) => ("200 OK", "sendvia has what it needs. You can close this window."),
            Err(CodeError::Denied(_)) => ("200 OK", "Access was not granted. You can close this window."),
            Err(_) => ("404 Not Found", "Nothing here."),
        };
        let page = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        peer.write_all(page.as_bytes()).await?;
        peer.shutdown().await?;
        match answer {
            Ok(code) => Ok(Some(code)),
            Err(CodeError::NotTheRedirect) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the code from the URL that the person pasted.
    ///
    /// # Errors
    /// [`CodeError::NotTheRedirect`], [`CodeError::Denied`].
    pub fn pasted(&self, text: &str) -> Result<SecretString, CodeError> {
        let url = Url::parse(text.trim()).map_err(|_| CodeError::NotTheRedirect)?;
        self.answer(&url)
    }

    /// RFC 6749 section 4.1.2: `code` and `state`, or `error` and `state`.
    fn answer(&self, url: &Url) -> Result<SecretString, CodeError> {
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if value("state").as_deref() != Some(&self.state) {
            return Err(CodeError::NotTheRedirect);
        }
        if let Some(error) = value("error") {
            let text = format!("{error} {}", value("error_description").unwrap_or_default());
            return Err(CodeError::Denied(one_line(text.as_bytes(), 200)));
        }
        value("code").filter(|code| !code.is_empty()).map(SecretString::from).ok_or(CodeError::NotTheRedirect)
    }

    /// Turns the code into tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    ///
    /// # Errors
    /// [`CodeError::Refused`].
    pub async fn redeem(
        &self,
        http: &HttpClient,
        client: &Client,
        secret: Option<&SecretString>,
        code: &SecretString,
    ) -> Result<Granted, CodeError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", self.redirect.as_str()),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        Ok(endpoint::request(http, client, secret, &form).await?)
    }
}

/// The target of `GET target HTTP/1.1`; `None` for anything else.
async fn read_target(peer: &mut TcpStream) -> io::Result<Option<String>> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < MAX_REQUEST {
        if peer.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    Ok(match (words.next(), words.next()) {
        (Some("GET"), Some(target)) if target.starts_with('/') => Some(target.to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::ClientAuth;
    use super::*;

    fn client(redirect: Redirect) -> Client {
        Client {
            id: "app".to_owned(),
            scope: "send offline_access".to_owned(),
            token_endpoint: Url::parse("https://login.example/token").expect("a URL"),
            device_endpoint: None,
            authorization_endpoint: Url::parse("https://login.example/authorize?x=1").ok(),
            auth: ClientAuth::Form,
            redirect,
            authorization_extra: vec![("prompt".to_owned(), "consent".to_owned())],
        }
    }

    fn parameter(url: &Url, name: &str) -> String {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    async fn fetch(redirect: &str, target: &str) -> String {
        let address = Url::parse(redirect).expect("a URL").socket_addrs(|| None).expect("an address")[0];
        let mut peer = TcpStream::connect(address).await.expect("connected");
        peer.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        peer.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    #[tokio::test]
    async fn the_request_names_the_challenge_and_never_the_verifier() {
        let begun = begin(&client(Redirect::Loopback("127.0.0.1".to_owned())), "anna@x.example").await.expect("begun");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.expose_secret().as_bytes()));
        assert_eq!(parameter(&begun.url, "code_challenge"), challenge);
        assert_eq!(parameter(&begun.url, "code_challenge_method"), "S256");
        assert_eq!(parameter(&begun.url, "login_hint"), "anna@x.example");
        assert_eq!(parameter(&begun.url, "prompt"), "consent");
        assert_eq!(begun.verifier.expose_secret().len(), 43);
        assert!(!begun.url.as_str().contains(begun.verifier.expose_secret()));
    }

    #[tokio::test]
    async fn the_listener_believes_only_the_browser_that_brings_this_requests_state() {
        let begun = begin(&client(Redirect::Loopback("127.0.0.1".to_owned())), "anna").await.expect("begun");
        let redirect = parameter(&begun.url, "redirect_uri");
        let state = parameter(&begun.url, "state");
        let browser = async {
            assert!(fetch(&redirect, "/favicon.ico").await.starts_with("HTTP/1.1 404"));
            assert!(fetch(&redirect, "/?code=forged&state=guess").await.starts_with("HTTP/1.1 404"));
            assert!(fetch(&redirect, "//evil.example/?code=x&state=y").await.starts_with("HTTP/1.1 404"));
            let good = fetch(&redirect, &format!("/?code=real&state={state}")).await;
            assert!(good.starts_with("HTTP/1.1 200") && !good.contains("real"), "{good}");
        };
        let (code, ()) = tokio::join!(begun.arrival(), browser);
        assert_eq!(code.expect("a code").expose_secret(), "real");
    }

    #[tokio::test]
    async fn a_pasted_url_counts_with_its_state_and_a_refusal_says_why() {
        let fixed = Url::parse("https://localhost/done").expect("a URL");
        let begun = begin(&client(Redirect::Fixed(fixed)), "anna").await.expect("begun");
        let state = parameter(&begun.url, "state");
        let url = |query: &str| format!(" https://localhost/done?{query}\n");
        let code = begun.pasted(&url(&format!("code=a%2Bb&state={state}"))).expect("a code");
        assert_eq!(code.expose_secret(), "a+b");
        for query in ["code=a", "code=a&state=other", &format!("state={state}"), &format!("code=&state={state}")] {
            assert!(matches!(begun.pasted(&url(query)), Err(CodeError::NotTheRedirect)), "{query}");
        }
        assert!(matches!(begun.pasted("a-bare-code"), Err(CodeError::NotTheRedirect)));
        let denied = begun.pasted(&url(&format!("error=access_denied&error_description=no%0Away&state={state}")));
        assert_eq!(
            denied.err().map(|error| error.to_string()).as_deref(),
            Some("authorization was refused: access_denied no way")
        );
    }
}
