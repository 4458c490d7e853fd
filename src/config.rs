//! `sendvia.yaml`: where it is looked for, and every key of it as a typed value.
//!
//! Reading touches this one file and nothing that it names. What is wrong with it is told all at once.

mod fence;
mod mta;
mod read;
mod search;
mod sessions;

pub use crate::account::Authorise;
pub use crate::secret::vault::KeySource;
pub use fence::FenceConfig;
pub use mta::{LoginFieldConfig, MapConfig, PolicyConfig};
pub use sessions::Sessions;

use crate::account::Place;
use crate::account::preset::{Limits, Presets};
use crate::secret::custody::Custody;
use crate::secret::http::HttpOptions;
use crate::wire::mailbox::Mailbox;
use crate::yaml::{Problem, Severity};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; `None` where `accounts.d` alone stood at the place.
    pub file: Option<PathBuf>,
    /// Where accounts are kept.
    pub accounts: Place,
    /// The directory for what outlives a process.
    pub state: PathBuf,
    /// Certificates that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Who decides which login may use which account.
    pub authorise: Authorise,
    /// Built-in providers and the site's.
    pub presets: Presets,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Where log lines go.
    pub log: Log,
    /// What happens to mail of a sender without an account.
    pub unknown_sender: UnknownSender,
    /// What happens to mail with the null reverse-path.
    pub null_sender: NullSender,
    /// Where the key of sealed secrets is.
    pub key: Option<KeySource>,
    /// Ways to the providers, in the order in which they are tried; empty is `direct`.
    pub routes: Vec<RouteConfig>,
    /// Sockets of the resident service.
    pub listen: Listen,
    /// How many sessions the resident service keeps, and for how long.
    pub sessions: Sessions,
    /// What the resident service keeps itself from.
    pub fence: FenceConfig,
    /// What Postfix's policy service answers beside refusals.
    pub policy: PolicyConfig,
    /// What Postfix's look-up tables hold.
    pub map: MapConfig,
    /// How the login reaches us over LMTP; `None` where it never does.
    pub login_field: Option<LoginFieldConfig>,
    /// Limits for every account, before the provider's.
    pub limits: Limits,
    /// How long what was refused stays closed.
    pub breakers: Breakers,
    /// How sent messages are remembered.
    pub journal: Journal,
    /// Who is told when an account stops working.
    pub notify: Notify,
    /// The name we call ourselves in EHLO; the host's where nothing is said.
    pub ehlo_name: Option<String>,
}

/// Time limits, each where the configuration names one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// The whole delivery.
    pub deadline: Option<Duration>,
    /// TCP, for each address.
    pub connect: Option<Duration>,
    /// The greeting.
    pub greeting: Option<Duration>,
    /// EHLO and STARTTLS.
    pub ehlo: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// Each step of AUTH.
    pub auth: Option<Duration>,
    /// MAIL.
    pub mail: Option<Duration>,
    /// RCPT.
    pub rcpt: Option<Duration>,
    /// DATA's 354.
    pub data: Option<Duration>,
    /// The server taking the next block of the message.
    pub block: Option<Duration>,
    /// The reply to the whole message.
    pub final_reply: Option<Duration>,
}

/// Where log lines go when an MTA called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// syslog, facility mail.
    #[default]
    Syslog,
    /// journald's own protocol.
    Journald,
    /// The service's standard error, for containers; syslog where an MTA calls, whose standard error it is.
    StandardError,
    /// Nowhere.
    None,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What keeps the service from working.
    Error,
    /// And what will.
    Warning,
    /// And one line a delivery.
    #[default]
    Info,
    /// And the dialogue, secrets hidden.
    Debug,
}

/// `log: {to:, level:}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Where to.
    pub to: LogTarget,
    /// How much.
    pub level: LogLevel,
}

/// Mail of a sender without an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownSender {
    /// It stays in the MTA's queue.
    #[default]
    Defer,
    /// It is refused for good.
    Bounce,
}

/// Mail with the null reverse-path, which belongs to no account by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NullSender {
    /// It stays in the MTA's queue.
    #[default]
    Defer,
    /// It is refused for good.
    Bounce,
    /// It goes out by this account.
    Via(Mailbox),
}

/// A way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// The name by which accounts, providers and `status` speak of it.
    pub name: String,
    /// The way.
    pub way: Way,
}

/// The ways that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the system's routing.
    Direct,
    /// From this local address.
    Local(std::net::IpAddr),
    /// Through a SOCKS5 proxy, `[USER:PASSWORD@]HOST:PORT`.
    Socks5(ProxyConfig),
    /// Through an HTTP proxy's CONNECT.
    Connect(ProxyConfig),
    /// By another submission server or smarthost instead of the provider's.
    Upstream(ProxyConfig),
}

/// As the configuration writes it: a route's name where it has no other.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Direct => f.write_str("direct"),
            Way::Local(address) => write!(f, "local: {address}"),
            Way::Socks5(proxy) => write!(f, "socks5: {proxy}"),
            Way::Connect(proxy) => write!(f, "connect: {proxy}"),
            Way::Upstream(proxy) => write!(f, "upstream: {proxy}"),
        }
    }
}

/// `HOST:PORT`
impl fmt::Display for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Host and port of a proxy, with its own account file or login where it wants one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// A file that holds `USER:PASSWORD`.
    pub login_file: Option<PathBuf>,
}

/// Sockets of the resident service: `unix:PATH` or `ADDRESS:PORT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// LMTP
    pub lmtp: Vec<ListenAddress>,
    /// Postfix's policy delegation
    pub policy: Vec<ListenAddress>,
    /// Postfix's socketmap
    pub map: Vec<ListenAddress>,
    /// SMTP for the users of this host; Unix sockets alone
    pub submission: Vec<ListenAddress>,
    /// The page for Prometheus; loopback or Unix only
    pub metrics: Vec<ListenAddress>,
}

/// A socket's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A Unix socket's path.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(std::net::SocketAddr),
}

/// How long something stays closed: the first time, and at most after it has doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The first.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

/// How long what was refused stays closed: the first pause, which doubles up to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breakers {
    /// Login and password, until they change.
    pub credentials: Pause,
    /// A route to a provider that refuses this host's address.
    pub host: Pause,
    /// A locked account.
    pub account: Pause,
    /// A limit used up, where the provider names no time.
    pub quota: Pause,
    /// Too many logins.
    pub logins: Pause,
}

impl Default for Breakers {
    fn default() -> Breakers {
        let minutes = |first: u64, longest: u64| Pause {
            first: Duration::from_secs(first * 60),
            longest: Duration::from_secs(longest * 60),
        };
        Breakers {
            credentials: minutes(5, 360),
            host: minutes(5, 360),
            account: minutes(15, 720),
            quota: minutes(10, 360),
            logins: minutes(5, 60),
        }
    }
}

/// How sent messages are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Whether they are.
    pub mode: JournalMode,
    /// For how long.
    pub keep: Duration,
}

/// What the journal survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalMode {
    /// It is not kept.
    Off,
    /// The death of any process.
    #[default]
    Normal,
    /// Power loss too.
    Durable,
}

/// Who is told when an account stops working. Nobody, until an address or `owner` is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// The administrator's address.
    pub to: Option<Mailbox>,
    /// Whether the account's owner is told.
    pub owner: bool,
    /// The account that sends notices.
    pub via: Option<Mailbox>,
    /// `de` or `en`.
    pub language: Language,
    /// A directory with templates of the site.
    pub templates: Option<PathBuf>,
}

impl Notify {
    /// Whether anybody is to be told anything.
    pub fn is_wanted(&self) -> bool {
        self.to.is_some() || self.owner
    }
}

/// The language of texts that customers see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// `en`
    #[default]
    English,
    /// `de`
    German,
}

/// All that is wrong with a configuration.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// The first problem, for one line of log; a person is shown all of them.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.problems.first().map_or_else(|| "no configuration".to_owned(), Problem::headline);
        match self.problems.len() {
            0 | 1 => f.write_str(&first),
            count => write!(f, "{first} (and {} more)", count - 1),
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Finds and reads the configuration; `given` is what `--config` named.
    ///
    /// # Errors
    /// [`ConfigErrors`]: no configuration anywhere, or all that is wrong with it.
    pub fn load(given: Option<&Path>) -> Result<Config, ConfigErrors> {
        match Config::inspect(given) {
            (Some(config), problems) if problems.iter().all(|one| one.severity == Severity::Warning) => Ok(config),
            (_, problems) => Err(ConfigErrors { problems }),
        }
    }

    /// The configuration as far as it can be read, so that its accounts can be looked at as well, and all that is wrong
    /// with it, warnings included. Only for showing: what has errors is not in force.
    pub fn inspect(given: Option<&Path>) -> (Option<Config>, Vec<Problem>) {
        match search::find(given) {
            Ok(search::Place::File(file)) => read::file(&file),
            Ok(search::Place::Directory(directory)) => (Some(Config::beside(&directory)), Vec::new()),
            Err(errors) => (None, errors.problems),
        }
    }

    /// Every default, for a directory that holds `accounts.d` and no file.
    pub fn beside(directory: &Path) -> Config {
        Config {
            file: None,
            accounts: Place::Directory(directory.join(ACCOUNTS)),
            state: default_state(directory),
            ca_file: None,
            authorise: Authorise::default(),
            presets: Presets::default(),
            timeouts: Timeouts::default(),
            log: Log::default(),
            unknown_sender: UnknownSender::default(),
            null_sender: NullSender::default(),
            key: None,
            routes: Vec::new(),
            listen: Listen::default(),
            policy: PolicyConfig::default(),
            map: MapConfig::default(),
            login_field: None,
            limits: Limits::default(),
            sessions: Sessions::default(),
            fence: FenceConfig::default(),
            breakers: Breakers::default(),
            journal: Journal { mode: JournalMode::default(), keep: Duration::from_secs(5 * 24 * 3600) },
            notify: Notify::default(),
            ehlo_name: None,
        }
    }

    /// Where the key ring is: what `key` says, else the file `key` beside the configuration.
    pub fn key_source(&self) -> KeySource {
        self.key.clone().unwrap_or_else(|| {
            let directory = match (&self.file, &self.accounts) {
                (Some(file), _) => search::directory_of(file),
                (None, Place::Directory(accounts) | Place::Sqlite(accounts)) => {
                    accounts.parent().unwrap_or(Path::new("."))
                }
            };
            KeySource::File(directory.join("key"))
        })
    }

    /// What gets at the accounts' secrets; nothing is read yet.
    pub fn custody(&self) -> Custody {
        let http = HttpOptions { ca_file: self.ca_file.clone(), ..HttpOptions::default() };
        Custody::new(self.key_source(), &self.state, http)
    }

    /// Providers by name that the site has routes for.
    pub fn routes_by_name(&self) -> BTreeMap<&str, &RouteConfig> {
        self.routes.iter().map(|route| (route.name.as_str(), route)).collect()
    }
}

/// The directory of accounts where nothing is said.
const ACCOUNTS: &str = "accounts.d";

/// `/var/lib/sendvia` for the system's configuration; for a person's, his own state directory; else beside the file.
fn default_state(directory: &Path) -> PathBuf {
    if directory == Path::new(search::SYSTEM) {
        return PathBuf::from("/var/lib/sendvia");
    }
    match search::personal_directory() {
        Some(personal) if personal == directory => search::personal_state(),
        _ => directory.join("state"),
    }
}
