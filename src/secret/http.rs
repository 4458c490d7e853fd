//! One HTTPS request and its reply: for token endpoints and for providers' configuration files.
//!
//! Certificates and names are verified. Plain HTTP goes to loopback only. Redirects are not followed: a token endpoint
//! has none, and following one would carry a secret to where nobody said it may go. A proxy is taken from the
//! configuration or from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, and spoken to by CONNECT, so it sees no secret.
//! Every request has one time limit over all, and its reply a size limit.

use super::trust::{self, TrustError};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, connect::Connect};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use url::{Host, Url};
use zeroize::Zeroizing;

/// Time limit of a request, if the caller states none.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30);
/// Octets of a reply's body: tokens and configuration files have a few thousand.
const MAX_BODY: usize = 256 * 1024;

/// How requests leave this host.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Replaces the system's certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The proxy's URL; without one the environment is asked.
    pub proxy: Option<String>,
    /// The time limit of a whole request.
    pub limit: Duration,
}

impl Default for HttpOptions {
    fn default() -> HttpOptions {
        HttpOptions { ca_file: None, proxy: None, limit: DEFAULT_LIMIT }
    }
}

/// Makes requests; reads certificate authorities when the first one is made.
#[derive(Clone, Debug, Default)]
pub struct HttpClient {
    options: HttpOptions,
}

/// What a server answered.
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// The body, at most 256 KiB.
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URL is not one we would send a secret to.
    #[error("{url}: expected an https URL (http only for a loopback address)")]
    Insecure {
        /// The URL, without its query.
        url: String,
    },
    /// The proxy's URL can't be used.
    #[error("proxy: expected http://HOST:PORT, but found scheme {scheme:?}")]
    Proxy {
        /// What stands there; the rest may hold a password.
        scheme: String,
    },
    /// No certificate authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No connection, a broken one, or not HTTP.
    #[error("{host}: {detail}")]
    Exchange {
        /// Who was asked.
        host: String,
        /// What happened.
        detail: String,
    },
    /// The time limit passed.
    #[error("{host}: no answer within {seconds} s")]
    TimedOut {
        /// Who was asked.
        host: String,
        /// The limit.
        seconds: u64,
    },
}

impl HttpClient {
    /// A client; nothing is read or opened yet.
    pub fn new(options: HttpOptions) -> HttpClient {
        HttpClient { options }
    }

    /// Posts a form (`application/x-www-form-urlencoded`), with HTTP Basic credentials if there are any.
    ///
    /// # Errors
    /// [`HttpError`]; a status code, whichever, is an answer.
    pub async fn post_form(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        authorization: Option<&SecretString>,
    ) -> Result<HttpReply, HttpError> {
        let body = Zeroizing::new(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let mut request = request(Method::POST, url, Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(value) = authorization.and_then(|value| HeaderValue::from_str(value.expose_secret()).ok()) {
            let mut value = value;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.exchange(url, request).await
    }

    /// Gets a document.
    ///
    /// # Errors
    /// [`HttpError`]; a status code, whichever, is an answer.
    pub async fn get(&self, url: &Url) -> Result<HttpReply, HttpError> {
        let request = request(Method::GET, url, Full::default())?;
        self.exchange(url, request).await
    }

    async fn exchange(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<HttpReply, HttpError> {
        require_secure(url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let exchange = async {
            match self.proxy_for(request.uri())? {
                Some(proxy) => send(&self.through(&proxy)?, request, &host).await,
                None => send(&self.direct()?, request, &host).await,
            }
        };
        let limit = self.options.limit;
        let timed_out = HttpError::TimedOut { host: host.clone(), seconds: limit.as_secs() };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(timed_out))
    }

    fn proxy_for(&self, uri: &Uri) -> Result<Option<Intercept>, HttpError> {
        let matcher = match &self.options.proxy {
            Some(proxy) => Matcher::builder().all(proxy.clone()).no("localhost,127.0.0.0/8,::1").build(),
            None => Matcher::from_env(),
        };
        match matcher.intercept(uri) {
            Some(proxy) if proxy.uri().scheme_str() != Some("http") => {
                Err(HttpError::Proxy { scheme: proxy.uri().scheme_str().unwrap_or_default().to_owned() })
            }
            other => Ok(other),
        }
    }

    fn direct(&self) -> Result<HttpsConnector<HttpConnector>, HttpError> {
        self.secured(connector())
    }

    fn through(&self, proxy: &Intercept) -> Result<HttpsConnector<Tunnel<HttpConnector>>, HttpError> {
        let tunnel = Tunnel::new(proxy.uri().clone(), connector());
        self.secured(match proxy.basic_auth() {
            Some(authorization) => tunnel.with_auth(authorization.clone()),
            None => tunnel,
        })
    }

    fn secured<C>(&self, connector: C) -> Result<HttpsConnector<C>, HttpError> {
        let tls = trust::client_config(self.options.ca_file.as_deref())?;
        Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector))
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

fn request(method: Method, url: &Url, body: Full<Bytes>) -> Result<Request<Full<Bytes>>, HttpError> {
    Request::builder()
        .method(method)
        .uri(url.as_str())
        .header(USER_AGENT, concat!("sendvia/", env!("CARGO_PKG_VERSION")))
        .body(body)
        .map_err(|_| HttpError::Insecure { url: without_query(url) })
}

async fn send<C>(connector: &C, request: Request<Full<Bytes>>, host: &str) -> Result<HttpReply, HttpError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let fault = |detail: String| HttpError::Exchange { host: host.to_owned(), detail };
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector.clone());
    let reply = client.request(request).await.map_err(|error| fault(chain(&error)))?;
    let status = reply.status().as_u16();
    let body =
        Limited::new(reply.into_body(), MAX_BODY).collect().await.map_err(|error| fault(chain(error.as_ref())))?;
    Ok(HttpReply { status, body: Zeroizing::new(body.to_bytes().to_vec()) })
}

/// An error with its sources: hyper's own text is only "client error (Connect)".
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        source = inner.source();
    }
    texts.join(": ")
}

/// Whether a secret may be sent to `url`: by TLS, or to this host itself.
///
/// # Errors
/// [`HttpError::Insecure`].
pub fn require_secure(url: &Url) -> Result<(), HttpError> {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err(HttpError::Insecure { url: without_query(url) }),
    }
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // URLs that can't have credentials have none to take off.
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    /// Answers one connection with `answer`, and gives back what it was sent.
    async fn server(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let task = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.expect("a peer");
            let mut heard = vec![0; 4096];
            let count = peer.read(&mut heard).await.expect("a request");
            peer.write_all(answer.as_bytes()).await.expect("sent");
            String::from_utf8_lossy(&heard[..count]).into_owned()
        });
        (port, task)
    }

    #[test]
    fn secrets_go_over_tls_or_to_this_host_only() {
        for good in ["https://login.example/token", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/x"] {
            assert!(require_secure(&url(good)).is_ok(), "{good}");
        }
        for bad in ["http://login.example/", "http://localhost.example/", "ftp://127.0.0.1/", "http://192.0.2.1/"] {
            assert!(require_secure(&url(bad)).is_err(), "{bad}");
        }
        let error = require_secure(&url("http://a:pw@login.example/?code=canary")).expect_err("plain HTTP");
        assert!(!error.to_string().contains("canary") && !error.to_string().contains("pw"), "{error}");
    }

    #[tokio::test]
    async fn a_form_is_posted_and_any_status_is_an_answer() {
        let (port, heard) = server("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}").await;
        let target = url(&format!("http://127.0.0.1:{port}/token"));
        let authorization = SecretString::from("Basic QQ==");
        let form = [("grant_type", "refresh_token"), ("refresh_token", "a b&c")];
        let client = HttpClient::default();
        let reply = client.post_form(&target, &form, Some(&authorization)).await.expect("an answer");
        assert_eq!((reply.status, reply.body.as_slice()), (400, b"{}".as_slice()));
        let heard = heard.await.expect("heard");
        assert!(heard.starts_with("POST /token HTTP/1.1\r\n"), "{heard}");
        assert!(heard.ends_with("grant_type=refresh_token&refresh_token=a+b%26c"), "{heard}");
        assert!(heard.to_lowercase().contains("authorization: basic qq=="), "{heard}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (port, _) = server(answer).await;
        let reply = HttpClient::default().get(&url(&format!("http://127.0.0.1:{port}/"))).await.expect("an answer");
        assert_eq!(reply.status, 302);
    }

    #[tokio::test]
    async fn a_silent_server_ends_at_the_time_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = url(&format!("http://{}/", listener.local_addr().expect("bound")));
        let client = HttpClient::new(HttpOptions { limit: Duration::from_millis(50), ..HttpOptions::default() });
        assert!(matches!(client.get(&target).await, Err(HttpError::TimedOut { .. })));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let (port, _) = server("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n").await;
        let error = HttpClient::default().get(&url(&format!("http://127.0.0.1:{port}/"))).await.err();
        assert!(matches!(error, Some(HttpError::Exchange { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_to_connect_and_sees_no_request() {
        let (port, heard) = server("HTTP/1.1 403 Forbidden\r\n\r\n").await;
        let proxy = Some(format!("http://user:pw@127.0.0.1:{port}"));
        let client = HttpClient::new(HttpOptions { proxy, ..HttpOptions::default() });
        let form = [("refresh_token", "canary")];
        let error = client.post_form(&url("https://login.example/token"), &form, None).await.err().expect("refused");
        let heard = heard.await.expect("heard");
        assert!(heard.starts_with("CONNECT login.example:443 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("Proxy-Authorization: Basic dXNlcjpwdw=="), "{heard}");
        assert!(!heard.contains("canary") && !error.to_string().contains("pw"), "{heard} {error}");
    }

    #[tokio::test]
    async fn an_unverified_certificate_ends_the_request() {
        let error = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
            let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .expect("a pair");
            let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
            tokio::spawn(async move {
                let (peer, _) = listener.accept().await.expect("a peer");
                let _ = acceptor.accept(peer).await;
            });
            HttpClient::default().get(&url(&format!("https://localhost:{port}/"))).await.err().expect("unverified")
        };
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
