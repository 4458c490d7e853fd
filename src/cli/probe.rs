//! `sendvia probe`: what a provider's servers say to this host, address by address and route by route, with one paragraph
//! at the end that can be sent to the provider's postmaster. No message is sent; a password only where `--account` asks
//! for a login, and only over a verified connection.

mod here;
mod look;
mod report;
mod summary;
mod target;

use super::output;
use super::progress::Waiting;
use super::settings::Settings;
use crate::account::{self, Account};
use crate::config::{Config, RouteConfig, Way};
use crate::relay::Relay;
use crate::verdict::{ExitStatus, Outcome, Verdict};
use crate::wire::mailbox::Mailbox;
use clap::Args;
use look::Sight;
use std::path::Path;
use std::sync::Arc;
use target::Target;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Log in by this account too, once, where its server is among those probed
    #[arg(long, value_name = "ADDRESS")]
    account: Option<String>,
    /// By this route only; else by every route of the configuration
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A provider's name, or a host
    #[arg(value_name = "PROVIDER|HOST[:PORT]")]
    target: String,
}

/// Everything that was found.
struct Findings {
    target: Target,
    sights: Vec<Sight>,
    login: Option<Login>,
    here: here::Here,
}

/// The one login.
struct Login {
    account: String,
    /// What the login ended with; nothing where it worked.
    refusal: Option<Outcome>,
}

/// Probes, and prints what was found.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    match prepare(arguments) {
        Ok((relay, target, routes, account)) => probe(arguments, &relay, target, &routes, account.as_deref()),
        Err(status) => status,
    }
}

type Plan = (Relay, Target, Vec<RouteConfig>, Option<Arc<Account>>);

fn prepare(arguments: &Arguments) -> Result<Plan, ExitStatus> {
    let config = configuration(arguments)?;
    if let Some(meant) = target::meant(&arguments.target, &config.presets) {
        let (name, hint) =
            (&arguments.target, format!("did you mean `{meant}`? a host is `{0}:587`", arguments.target));
        output::fail(format_args!("no provider is called {name}"), Some(&hint));
        return Err(ExitStatus::Usage);
    }
    let target = Target::parse(&arguments.target, &config.presets).map_err(|problem| usage(&problem))?;
    let routes = routes(&config, arguments.route.as_deref())?;
    let account = arguments.account.as_ref().map(|address| load(&config, address)).transpose()?;
    Ok((Relay::new(config), target, routes, account))
}

fn usage(problem: &str) -> ExitStatus {
    output::fail(problem, Some("`sendvia probe gmx`, `sendvia probe mail.example.org:587`"));
    ExitStatus::Usage
}

/// The configuration; every default where there is none and none was asked for.
fn configuration(arguments: &Arguments) -> Result<Config, ExitStatus> {
    let needs_one = arguments.settings.config.is_some() || arguments.account.is_some() || arguments.route.is_some();
    match Config::inspect(arguments.settings.config.as_deref()) {
        (None, _) if !needs_one => Ok(Config::beside(Path::new("/nonexistent"))),
        _ => arguments.settings.load(),
    }
}

/// The ways to the provider. An upstream leads elsewhere.
fn routes(config: &Config, only: Option<&str>) -> Result<Vec<RouteConfig>, ExitStatus> {
    let direct = RouteConfig { name: "direct".to_owned(), way: Way::Direct };
    let mut all: Vec<RouteConfig> = config.routes.clone();
    if all.is_empty() || only == Some("direct") && all.iter().all(|route| route.name != "direct") {
        all.push(direct);
    }
    all.retain(|route| !matches!(route.way, Way::Upstream(_)) && only.is_none_or(|name| route.name == name));
    match all.is_empty() {
        true => {
            let problem = match only {
                Some(name) => format!("there is no route called {name} to a provider"),
                None => "no route leads to a provider: each is an upstream".to_owned(),
            };
            output::fail(problem, Some("`routes:` in sendvia.yaml names them"));
            Err(ExitStatus::Usage)
        }
        false => Ok(all),
    }
}

fn load(config: &Config, address: &str) -> Result<Arc<Account>, ExitStatus> {
    let mailbox = Mailbox::parse(address).map_err(|error| usage(&format!("{address}: {error}")))?;
    let found = account::open(&config.accounts, config.presets.clone()).find(&mailbox);
    match found {
        Ok(Some(found)) => Ok(found.account),
        Ok(None) => {
            output::fail(format_args!("there is no account {address}"), Some("`sendvia account list` shows all"));
            Err(ExitStatus::NoUser)
        }
        Err(error) => {
            output::fail(&error, error.hint().as_deref());
            Err(ExitStatus::Config)
        }
    }
}

fn probe(
    arguments: &Arguments,
    relay: &Relay,
    target: Target,
    routes: &[RouteConfig],
    account: Option<&Account>,
) -> ExitStatus {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output::fail(error, None);
            return ExitStatus::TempFail;
        }
    };
    let waiting = Waiting::new("asking the servers");
    let findings = runtime.block_on(find(relay, target, routes, account));
    drop(waiting);
    match arguments.json {
        true => output::json(&report::for_scripts(&findings)),
        false => output::say(report::for_people(&findings)),
    }
    match summary::is_good(&findings) {
        true => ExitStatus::Ok,
        false => ExitStatus::Unavailable,
    }
}

async fn find(relay: &Relay, target: Target, routes: &[RouteConfig], account: Option<&Account>) -> Findings {
    let sights = look::at(relay, &target, routes).await;
    let login = match account {
        Some(account) => Some(log_in(relay, &target, routes, account).await),
        None => None,
    };
    let here = here::Here::of(&sights).await;
    Findings { target, sights, login, here }
}

/// One login by the first route: a second one could be one too many.
async fn log_in(relay: &Relay, target: &Target, routes: &[RouteConfig], account: &Account) -> Login {
    let address = account.address.to_string();
    let refusal = match (routes.first(), target.hosts.contains(&account.submission.host)) {
        (Some(route), true) => relay.try_login(account, route).await.err(),
        _ => Some(Outcome::Local { problem: format!("its server is {}, so no login was tried", account.submission) }),
    };
    Login { account: address, refusal }
}

impl Login {
    fn problem(&self) -> Option<String> {
        self.refusal.as_ref().map(|outcome| Verdict::from(outcome).text)
    }
}
