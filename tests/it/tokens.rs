//! Access tokens against an authorization server that follows the RFCs.

use crate::support::oauth_server::{Mood, OAuthServer};
use sendvia::secret::http::{HttpClient, HttpOptions};
use sendvia::secret::key::KeyRing;
use sendvia::secret::oauth::{Client, ClientAuth, ClientSecrets, Fetching, GrantKind, Redirect, code, device};
use sendvia::secret::sealed::Destination;
use sendvia::secret::token::{TokenError, TokenFiles, TokenKeeper, TokenRequest, TokenStore, Tokens};
use sendvia::secret::vault::{KeySource, Vault};
use sendvia::secret::{ExposeSecret, SecretString};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const ANNA: &str = "anna@x.example";

/// A site: key, state, an account of Anna's, and the server that gives her tokens.
struct Site {
    directory: tempfile::TempDir,
    server: OAuthServer,
    client: Client,
    secrets: Secrets,
    vault: Vault,
    store: TokenFiles,
    http: HttpClient,
}

#[derive(Default)]
struct Secrets {
    refresh: Mutex<Option<String>>,
    client: Mutex<Option<String>>,
}

impl ClientSecrets for Secrets {
    fn client_secret(&self) -> Fetching<'_> {
        let secret = self.client.lock().expect("no panic").clone().map(SecretString::from);
        Box::pin(async move { Ok(secret) })
    }

    fn refresh_token(&self) -> Fetching<'_> {
        let token = self.refresh.lock().expect("no panic").clone().map(SecretString::from);
        Box::pin(async move { Ok(token) })
    }
}

impl Site {
    fn new() -> Site {
        let directory = tempfile::tempdir().expect("a directory");
        let key = directory.path().join("key");
        KeyRing::generate().expect("random octets").write(&key).expect("written");
        let server = OAuthServer::start();
        let client = Client {
            id: "app".to_owned(),
            scope: "send".to_owned(),
            token_endpoint: server.endpoint("token"),
            device_endpoint: Some(server.endpoint("device")),
            authorization_endpoint: Some(server.endpoint("authorize")),
            auth: ClientAuth::Form,
            redirect: Redirect::Loopback("127.0.0.1".to_owned()),
            authorization_extra: Vec::new(),
        };
        let secrets = Secrets { refresh: Mutex::new(Some(server.refresh_token(ANNA))), client: Mutex::new(None) };
        Site {
            vault: Vault::new(KeySource::File(key)),
            store: TokenFiles::below(directory.path()),
            http: HttpClient::new(HttpOptions { limit: Duration::from_secs(5), ..HttpOptions::default() }),
            directory,
            server,
            client,
            secrets,
        }
    }

    fn keeper(&self) -> TokenKeeper<'_> {
        TokenKeeper::new(&self.store, &self.vault, &self.http)
    }

    fn at(&self, clock: fn() -> i64) -> TokenKeeper<'_> {
        TokenKeeper { clock, ..self.keeper() }
    }

    fn request(&self) -> TokenRequest<'_> {
        TokenRequest {
            account: ANNA,
            login: ANNA,
            destination: Destination::Provider("outlook".to_owned()),
            client: &self.client,
            grant: GrantKind::RefreshToken,
            secrets: &self.secrets,
        }
    }

    async fn token(&self) -> Result<String, TokenError> {
        self.keeper().access_token(&self.request(), None).await.map(|token| token.expose_secret().to_owned())
    }

    fn kept(&self) -> Tokens {
        self.store.load(ANNA).expect("readable").expect("kept")
    }

    fn asked(&self) -> usize {
        self.server.state().asked.get("refresh_token").copied().unwrap_or_default()
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn in_an_hour() -> i64 {
    now() + 3600
}

fn in_55_minutes() -> i64 {
    now() + 3320
}

fn yesterday() -> i64 {
    now() - 86400
}

#[tokio::test]
async fn a_token_is_got_once_and_used_until_it_ends() {
    let site = Site::new();
    let first = site.token().await.expect("a token");
    assert_eq!(site.server.user_of(&first).as_deref(), Some(ANNA));
    assert_eq!(site.token().await.expect("kept"), first);
    assert_eq!(site.asked(), 1);
    let later = site.at(in_an_hour).access_token(&site.request(), None).await.expect("another");
    assert_ne!(later.expose_secret(), first);
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn rotated_refresh_tokens_follow_each_other() {
    let site = Site::new();
    for round in 1..=5 {
        site.at(in_an_hour).access_token(&site.request(), None).await.expect("a token");
        site.at(yesterday).access_token(&site.request(), None).await.expect("a clock set back is no trouble");
        assert_eq!(site.asked(), 2 * round);
    }
}

#[tokio::test]
async fn nothing_in_the_state_directory_shows_a_token() {
    let site = Site::new();
    let access = site.token().await.expect("a token");
    let mut files = 0;
    for entry in std::fs::read_dir(site.directory.path().join("tokens")).expect("there") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        assert!(!text.contains(&access) && !text.contains("refresh-") && !text.contains("access-"), "{text}");
        files += 1;
    }
    assert_eq!(files, 2);
}

#[tokio::test]
async fn many_at_once_with_an_ended_token_make_one_request() {
    let site = Site::new();
    site.server.state().delay = Duration::from_millis(200);
    let keepers: Vec<_> = (0..200).map(|_| site.token()).collect();
    let mut tokens = Vec::new();
    let mut set = Vec::new();
    for keeper in keepers {
        set.push(Box::pin(keeper));
    }
    // Polled together on one thread, as many processes would be on their own.
    let all = futures_of(set).await;
    for token in all {
        tokens.push(token.expect("a token"));
    }
    tokens.dedup();
    assert_eq!((tokens.len(), site.asked()), (1, 1));
}

/// Waits for all of them at once.
async fn futures_of<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        let mut pending = false;
        for (future, slot) in futures.iter_mut().zip(&mut done) {
            if slot.is_none() {
                match std::pin::Pin::new(future).poll(context) {
                    std::task::Poll::Ready(output) => *slot = Some(output),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        match pending {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(done.iter_mut().filter_map(Option::take).collect()),
        }
    })
    .await
}

#[tokio::test]
async fn a_token_that_ends_soon_is_used_while_its_renewal_fails() {
    let site = Site::new();
    let first = site.token().await.expect("a token");
    site.server.state().mood = Mood::Down;
    let keeper = site.at(in_55_minutes);
    for _ in 0..3 {
        let token = keeper.access_token(&site.request(), None).await.expect("still good");
        assert_eq!(token.expose_secret(), first);
    }
    // The first that found it ending asked; the others heed the pause.
    assert_eq!(site.server.state().forms.len(), 2);
}

#[tokio::test]
async fn an_endpoint_in_trouble_defers_all_and_is_asked_once_a_pause() {
    for mood in [Mood::Down, Mood::Cut] {
        let site = Site::new();
        site.server.state().mood = mood;
        for _ in 0..3 {
            let error = site.token().await.expect_err("trouble");
            assert!(matches!(error, TokenError::Trouble { .. }), "{error}");
        }
        let trouble = site.kept().trouble.expect("noted");
        assert_eq!((trouble.failures, trouble.closed), (1, false));
        site.server.state().mood = Mood::Well;
        assert!(site.at(in_an_hour).access_token(&site.request(), None).await.is_ok());
        assert_eq!(site.kept().trouble, None);
    }
}

#[tokio::test]
async fn a_revoked_login_closes_the_account_until_its_refresh_token_is_another() {
    let site = Site::new();
    site.server.revoke(ANNA);
    let old = site.secrets.refresh.lock().expect("no panic").clone().expect("a token");
    for _ in 0..3 {
        let error = site.token().await.expect_err("revoked");
        assert!(matches!(&error, TokenError::Closed { reason, .. } if reason.contains("invalid_grant")), "{error}");
        assert!(!format!("{error} {error:?}").contains(&old), "{error}");
        assert_eq!(error.hint().as_deref(), Some("log in again: `sendvia account set-secret anna@x.example`"));
    }
    assert_eq!(site.asked(), 1);
    *site.secrets.refresh.lock().expect("no panic") = Some(site.server.refresh_token(ANNA));
    site.token().await.expect("a new login");
    assert_eq!(site.kept().trouble, None);
}

#[tokio::test]
async fn a_token_refused_by_the_mail_server_is_renewed_once() {
    let site = Site::new();
    let first = SecretString::from(site.token().await.expect("a token"));
    let again = site.keeper().access_token(&site.request(), Some(&first)).await.expect_err("it is new");
    assert!(matches!(again, TokenError::RefusedFresh { .. }), "{again}");
    let later = site.at(|| now() + 120);
    let second = later.access_token(&site.request(), Some(&first)).await.expect("renewed");
    assert_ne!(second.expose_secret(), first.expose_secret());
    let third = later.access_token(&site.request(), Some(&first)).await.expect("somebody renewed it already");
    assert_eq!(third.expose_secret(), second.expose_secret());
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn tokens_are_not_sent_to_a_server_they_were_not_got_for() {
    let site = Site::new();
    let first = site.token().await.expect("a token");
    let elsewhere = TokenRequest {
        destination: Destination::Server {
            host: "mail.evil.example".to_owned(),
            port: 587,
            tls: "starttls".to_owned(),
        },
        ..site.request()
    };
    let other = site.keeper().access_token(&elsewhere, None).await.expect("got anew, from the account's own secrets");
    assert_ne!(other.expose_secret(), first);
}

#[tokio::test]
async fn client_credentials_need_the_applications_secret() {
    let site = Site::new();
    site.server.state().clients.insert("daemon".to_owned(), "s3cr3t&=".to_owned());
    let client = Client { id: "daemon".to_owned(), ..site.client.clone() };
    let request = TokenRequest { client: &client, grant: GrantKind::ClientCredentials, ..site.request() };
    let error = site.keeper().access_token(&request, None).await.expect_err("no secret");
    assert!(error.to_string().contains("invalid_client"), "{error}");
    *site.secrets.client.lock().expect("no panic") = Some("s3cr3t&=".to_owned());
    let token = site.at(|| now() + 7 * 3600).access_token(&request, None).await.expect("a token");
    assert_eq!(site.server.user_of(token.expose_secret()).as_deref(), Some("application"));
}

#[tokio::test]
async fn a_lost_key_falls_back_on_the_accounts_own_refresh_token() {
    let site = Site::new();
    site.server.state().rotates = false;
    site.token().await.expect("a token");
    let other = site.directory.path().join("other-key");
    KeyRing::generate().expect("random octets").write(&other).expect("written");
    let vault = Vault::new(KeySource::File(other));
    let keeper = TokenKeeper { vault: &vault, ..site.keeper() };
    assert!(keeper.access_token(&site.request(), None).await.is_ok());
}

#[tokio::test]
async fn a_browser_login_by_loopback_brings_tokens_that_are_kept() {
    let site = Site::new();
    *site.secrets.refresh.lock().expect("no panic") = None;
    assert!(matches!(site.token().await, Err(TokenError::NotLoggedIn { .. })));
    let begun = code::begin(&site.client, ANNA).await.expect("begun");
    let browse = async {
        // What a browser does: it follows the redirect.
        let url = begun.url.clone();
        let target = tokio::task::spawn_blocking(move || location_of(&url)).await.expect("followed");
        tokio::task::spawn_blocking(move || fetch(&target)).await.expect("followed")
    };
    let (arrived, page) = tokio::join!(begun.arrival(), browse);
    assert!(page.contains("You can close this window"), "{page}");
    let granted = begun.redeem(&site.http, &site.client, None, &arrived.expect("a code")).await.expect("redeemed");
    site.keeper().adopt(&site.request(), &granted, false).await.expect("kept");
    let token = site.token().await.expect("kept");
    assert_eq!(token, granted.access.expose_secret());
    assert!(site.at(in_an_hour).access_token(&site.request(), None).await.is_ok(), "the refresh token was kept, too");
}

#[tokio::test]
async fn a_device_login_waits_for_the_person_as_slowly_as_it_is_told() {
    let site = Site::new();
    site.server.state().slow_downs = 1;
    site.server.state().device_approved = true;
    let begun = device::begin(&site.http, &site.client, None).await.expect("begun");
    assert_eq!(begun.user_code, "WDJB-MJHT");
    let begin = Instant::now();
    let granted = device::wait(&site.http, &site.client, None, &begun).await.expect("granted");
    assert_eq!(site.server.user_of(granted.access.expose_secret()).as_deref(), Some(ANNA));
    // The server's second, and then five more for its `slow_down` (RFC 8628 section 3.5).
    assert!(begin.elapsed() >= Duration::from_secs(1 + 6), "{:?}", begin.elapsed());
    assert_eq!(site.server.state().forms.len(), 2);
}

#[tokio::test]
async fn a_device_code_that_nobody_enters_is_waited_for() {
    let site = Site::new();
    let begun = device::begin(&site.http, &site.client, None).await.expect("begun");
    let person = async {
        while site.server.state().asked.is_empty() {
            tokio::task::yield_now().await;
        }
        site.server.state().device_approved = true;
    };
    let (granted, ()) = tokio::join!(device::wait(&site.http, &site.client, None, &begun), person);
    assert!(granted.is_ok());
    assert_eq!(site.server.state().forms.len(), 2);
}

fn fetch(url: &url::Url) -> String {
    use std::io::{Read, Write};
    let address = url.socket_addrs(|| None).expect("an address")[0];
    let mut peer = std::net::TcpStream::connect(address).expect("connected");
    let target = &url[url::Position::BeforePath..];
    peer.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    peer.read_to_string(&mut answer).expect("answered");
    answer
}

fn location_of(url: &url::Url) -> url::Url {
    let answer = fetch(url);
    let location =
        answer.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap_or_else(|| panic!("{answer}"));
    location.parse().expect("a URL")
}
