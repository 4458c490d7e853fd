//! A small authorization server that follows the RFCs: token endpoint (RFC 6749), device authorization (RFC 8628), PKCE
//! (RFC 7636) and introspection (RFC 7662), over plain HTTP on a loopback port that the system chooses.
//!
//! It rotates refresh tokens strictly: one that is used twice revokes everything that descends from its login, as
//! providers with reuse detection do. A test can make it fail, and reads what it was asked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};
use url::Url;

/// How the token endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// By the RFCs.
    Well,
    /// 503 to everything.
    Down,
    /// Connections are accepted and closed.
    Cut,
}

/// What the server knows and counts.
pub(crate) struct State {
    pub(crate) mood: Mood,
    /// Seconds that access tokens live.
    pub(crate) lifetime: u64,
    /// Time that each answer of the token endpoint takes.
    pub(crate) delay: Duration,
    /// Whether a refresh token is replaced when it is used.
    pub(crate) rotates: bool,
    /// `client_id` to `client_secret`; empty for a public client.
    pub(crate) clients: HashMap<String, String>,
    /// How often each grant type was asked for, refused ones included.
    pub(crate) asked: HashMap<String, usize>,
    /// How often tokens were given.
    pub(crate) granted: usize,
    /// How often a device is told `slow_down` before anything else.
    pub(crate) slow_downs: usize,
    /// Whether the person at the browser has entered the device code.
    pub(crate) device_approved: bool,
    /// The next access token, where a test must know it beforehand.
    pub(crate) next_access: Option<String>,
    /// Every form that came in, as text.
    pub(crate) forms: Vec<String>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, (String, Instant)>,
    codes: HashMap<String, (String, String, String)>,
    devices: HashMap<String, String>,
    serial: usize,
}

struct Refresh {
    user: String,
    family: usize,
    is_used: bool,
}

/// A running server; it ends with the test's process.
#[derive(Clone)]
pub(crate) struct OAuthServer {
    pub(crate) url: Url,
    state: Arc<Mutex<State>>,
}

impl OAuthServer {
    /// Starts it with one public client, `app`.
    pub(crate) fn start() -> OAuthServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("bound"))).expect("a URL");
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Well,
            lifetime: 3600,
            delay: Duration::ZERO,
            rotates: true,
            clients: HashMap::from([("app".to_owned(), String::new())]),
            asked: HashMap::new(),
            granted: 0,
            slow_downs: 0,
            device_approved: false,
            next_access: None,
            forms: Vec::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            codes: HashMap::new(),
            devices: HashMap::new(),
            serial: 0,
        }));
        let server = OAuthServer { url, state };
        let serving = server.clone();
        thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                let server = serving.clone();
                thread::spawn(move || server.serve(peer));
            }
        });
        server
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }

    pub(crate) fn endpoint(&self, name: &str) -> Url {
        self.url.join(name).expect("a URL")
    }

    /// A refresh token for `user`, as an earlier login would have brought.
    pub(crate) fn refresh_token(&self, user: &str) -> String {
        self.state().new_refresh(user, None)
    }

    /// Ends every login of `user`, as a changed password does.
    pub(crate) fn revoke(&self, user: &str) {
        self.state().refresh.retain(|_, token| token.user != user);
    }

    /// Whose access token this is, if it is good now.
    pub(crate) fn user_of(&self, access: &str) -> Option<String> {
        let state = self.state();
        state.access.get(access).filter(|(_, end)| Instant::now() < *end).map(|(user, _)| user.clone())
    }

    fn serve(&self, mut peer: TcpStream) {
        if self.state().mood == Mood::Cut {
            return;
        }
        let Some((method, target, body)) = read_request(&mut peer) else { return };
        let url = self.url.join(&target).unwrap_or_else(|_| self.url.clone());
        let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        if url.path() == "/token" {
            self.state().forms.push(body.clone());
            thread::sleep(self.state().delay);
        }
        let (status, location, answer) = match (method.as_str(), url.path()) {
            _ if self.state().mood == Mood::Down => (503, None, json!({"error": "temporarily_unavailable"})),
            ("POST", "/token") => without_location(self.state().token(&form)),
            ("POST", "/device") => without_location(self.state().device(&form, &self.url)),
            ("GET", "/authorize") => self.state().authorize(&url),
            (_, "/introspect") => (200, None, self.introspect(&url, &form)),
            _ => (404, None, json!({})),
        };
        let location = location.map(|url| format!("Location: {url}\r\n")).unwrap_or_default();
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n{location}Content-Length: {}\r\n\
             Connection: close\r\n\r\n",
            text.len()
        );
        // A client that is gone needs no answer.
        let _ = peer.write_all((head + &text).as_bytes());
    }

    /// RFC 7662; Dovecot sends the token as a parameter or as the end of the URL.
    fn introspect(&self, url: &Url, form: &HashMap<String, String>) -> Value {
        let in_url = url.query_pairs().find(|(key, _)| key == "token" || key == "access_token");
        let token = form.get("token").cloned().or(in_url.map(|(_, value)| value.into_owned())).unwrap_or_default();
        match self.user_of(&token) {
            Some(user) => json!({"active": true, "username": user, "email": user, "scope": "mail"}),
            None => json!({"active": false}),
        }
    }
}

impl State {
    fn random(&mut self, kind: &str) -> String {
        self.serial += 1;
        let octets: [u8; 24] = std::array::from_fn(|_| rand_octet());
        format!("{kind}-{}-{}", self.serial, URL_SAFE_NO_PAD.encode(octets))
    }

    fn new_refresh(&mut self, user: &str, family: Option<usize>) -> String {
        let token = self.random("refresh");
        let family = family.unwrap_or(self.serial);
        self.refresh.insert(token.clone(), Refresh { user: user.to_owned(), family, is_used: false });
        token
    }

    fn token(&mut self, form: &HashMap<String, String>) -> (u16, Value) {
        let text = |name: &str| form.get(name).cloned().unwrap_or_default();
        let grant = text("grant_type");
        *self.asked.entry(grant.clone()).or_default() += 1;
        match self.clients.get(&text("client_id")) {
            None => return refusal("unauthorized_client", "no such client"),
            Some(secret) if *secret != text("client_secret") => return (401, json!({"error": "invalid_client"})),
            Some(_) => {}
        }
        match grant.as_str() {
            "refresh_token" => self.by_refresh(&text("refresh_token")),
            "client_credentials" => self.grant("application", None),
            "authorization_code" => self.by_code(&text("code"), &text("redirect_uri"), &text("code_verifier")),
            "urn:ietf:params:oauth:grant-type:device_code" => self.by_device(&text("device_code")),
            _ => refusal("unsupported_grant_type", ""),
        }
    }

    fn by_refresh(&mut self, token: &str) -> (u16, Value) {
        let Some(found) = self.refresh.get_mut(token) else {
            return refusal("invalid_grant", &format!("the token {token} is unknown or revoked"));
        };
        let (user, family, was_used) = (found.user.clone(), found.family, found.is_used);
        if !self.rotates {
            return self.grant(&user, None);
        }
        if was_used {
            self.refresh.retain(|_, token| token.family != family);
            return refusal("invalid_grant", "the token was used twice");
        }
        found.is_used = true;
        let next = self.new_refresh(&user, Some(family));
        self.grant(&user, Some(next))
    }

    fn by_code(&mut self, code: &str, redirect: &str, verifier: &str) -> (u16, Value) {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        match self.codes.remove(code) {
            Some((user, known_redirect, known_challenge))
                if known_redirect == redirect && known_challenge == challenge =>
            {
                let refresh = self.new_refresh(&user, None);
                self.grant(&user, Some(refresh))
            }
            Some(_) | None => refusal("invalid_grant", "code, redirect or verifier"),
        }
    }

    fn by_device(&mut self, code: &str) -> (u16, Value) {
        let Some(user) = self.devices.get(code).cloned() else {
            return refusal("expired_token", "");
        };
        if self.slow_downs > 0 {
            self.slow_downs -= 1;
            return refusal("slow_down", "");
        }
        if !self.device_approved {
            return refusal("authorization_pending", "");
        }
        self.devices.remove(code);
        let refresh = self.new_refresh(&user, None);
        self.grant(&user, Some(refresh))
    }

    fn grant(&mut self, user: &str, refresh: Option<String>) -> (u16, Value) {
        let token = self.next_access.take().unwrap_or_else(|| self.random("access"));
        self.granted += 1;
        self.access.insert(token.clone(), (user.to_owned(), Instant::now() + Duration::from_secs(self.lifetime)));
        let mut answer = json!({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime});
        if let Some(refresh) = refresh {
            answer["refresh_token"] = json!(refresh);
        }
        (200, answer)
    }

    fn device(&mut self, form: &HashMap<String, String>, url: &Url) -> (u16, Value) {
        if !form.get("client_id").is_some_and(|id| self.clients.contains_key(id)) {
            return refusal("unauthorized_client", "no such client");
        }
        let code = self.random("device");
        self.devices.insert(code.clone(), "anna@x.example".to_owned());
        let answer = json!({
            "device_code": code, "user_code": "WDJB-MJHT", "verification_uri": format!("{url}device"),
            "expires_in": 60, "interval": 1,
        });
        (200, answer)
    }

    /// The person agrees at once: the browser is sent back with a code.
    fn authorize(&mut self, url: &Url) -> (u16, Option<Url>, Value) {
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let text = |name: &str| query.get(name).cloned().unwrap_or_default();
        let Ok(mut redirect) = Url::parse(&text("redirect_uri")) else {
            return (400, None, json!({"error": "invalid_request"}));
        };
        if text("response_type") != "code" || text("code_challenge_method") != "S256" {
            redirect.query_pairs_mut().append_pair("error", "invalid_request").append_pair("state", &text("state"));
            return (302, Some(redirect), json!({}));
        }
        let code = self.random("code");
        self.codes.insert(code.clone(), (text("login_hint"), text("redirect_uri"), text("code_challenge")));
        redirect.query_pairs_mut().append_pair("code", &code).append_pair("state", &text("state"));
        (302, Some(redirect), json!({}))
    }
}

fn refusal(code: &str, description: &str) -> (u16, Value) {
    (400, json!({"error": code, "error_description": description}))
}

fn without_location((status, answer): (u16, Value)) -> (u16, Option<Url>, Value) {
    (status, None, answer)
}

fn rand_octet() -> u8 {
    use std::hash::{BuildHasher, Hasher};
    // Seeded by the system for each of them: unguessable enough for a test.
    std::hash::RandomState::new().build_hasher().finish().to_le_bytes()[0]
}

fn read_request(peer: &mut TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(peer);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        if field.trim().is_empty() {
            break;
        }
        if let Some((name, value)) =
            field.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().unwrap_or_else(|_| panic!("{name}: {value}"));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((method, target, String::from_utf8(body).ok()?))
}
