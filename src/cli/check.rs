//! `sendvia check`: the configuration and every account, with all that is wrong at once.

mod named;

use super::progress::Waiting;
use super::settings::Settings;
use super::{output, runtime};
use crate::account::{self, Account, Surveyed};
use crate::config::{Config, KeySource, Listen, NullSender};
use crate::fence::{self, Reach};
use crate::mta::service::within;
use crate::secret::SecretSource;
use crate::secret::key::{KeyError, KeyRing};
use crate::secret::source::{self, SecretError};
use crate::verdict::ExitStatus;
use crate::yaml::{Problem, Severity};
use clap::Args;
use std::collections::HashSet;
use std::path::Path;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What each account is looked at by.
struct Site<'c> {
    ring: Option<KeyRing>,
    routes: HashSet<&'c str>,
    /// Where there is a service with one.
    reach: Option<Reach>,
}

/// What was found.
#[derive(Default)]
struct Report {
    accounts: usize,
    aliases: usize,
    /// Whether an account has something that only a key opens.
    is_sealed: bool,
    problems: Vec<Problem>,
}

/// The configuration as far as it can be read, and all that is wrong with it and with its accounts.
pub(super) fn problems(file: Option<&Path>) -> (Option<Config>, Vec<Problem>) {
    let (config, problems) = Config::inspect(file);
    let mut report = Report { problems, ..Report::default() };
    if let Some(config) = &config {
        report.look_at(config);
    }
    (config, report.problems)
}

/// Looks at everything, and answers 0, or 78 when there is an error.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let (config, problems) = Config::inspect(arguments.settings.config.as_deref());
    let mut report = Report { problems, ..Report::default() };
    let waiting = Waiting::new("looking at the accounts");
    if let Some(config) = &config {
        report.look_at(config);
    }
    drop(waiting);
    let sound = report.problems.iter().all(|problem| problem.severity == Severity::Warning);
    match arguments.json {
        true => output::json(&report.json(config.as_ref(), sound)),
        false => output::say(report.text(config.as_ref(), sound)),
    }
    if sound { ExitStatus::Ok } else { ExitStatus::Config }
}

impl Report {
    fn look_at(&mut self, config: &Config) {
        self.problems.extend(named::problems(config));
        let ring = self.key_ring(config);
        let store = account::open(&config.accounts, config.presets.clone());
        let routes: HashSet<&str> = config.routes.iter().map(|route| route.name.as_str()).chain(["direct"]).collect();
        self.look_at_routes(config, &routes);
        let site = Site { ring, routes, reach: reach_of(config) };
        let surveyed = store.survey(&mut |surveyed| self.take(&site, surveyed));
        if let Err(error) = surveyed {
            self.problems.extend(error.into_problems());
        }
        if let (None, true, KeySource::File(file)) = (&config.key, self.is_sealed, config.key_source())
            && !file.exists()
        {
            let missing = KeyRing::read(&file).err();
            self.problems.extend(missing.map(|error| of_key(config, &error)));
        }
        if let NullSender::Via(address) = &config.null_sender
            && matches!(store.find(address), Ok(None))
        {
            let file = config.file.clone().unwrap_or_default();
            let problem = Problem::of_file(file, format!("there is no account for {address}"))
                .with_hint(format!("sendvia account add {address}"));
            self.problems.push(Problem { field: "null_sender.via".into(), ..problem });
        }
    }

    /// The routes that the site's providers name.
    fn look_at_routes(&mut self, config: &Config, routes: &HashSet<&str>) {
        let presets = config.presets.all();
        let named = presets.iter().flat_map(|preset| preset.routes.iter().map(|route| (&preset.name, route)));
        for (provider, route) in named.filter(|(_, route)| !routes.contains(route.as_str())) {
            let file = config.file.clone().unwrap_or_default();
            let problem = Problem::of_file(file, format!("there is no route called {route}"))
                .with_hint("`routes:` in sendvia.yaml names them");
            self.problems.push(Problem { field: format!("providers.{provider}.routes"), ..problem });
        }
    }

    /// The key ring, where it can be had here; how a service gets its key can't be seen from a shell.
    fn key_ring(&mut self, config: &Config) -> Option<KeyRing> {
        let ring = match config.key_source() {
            // Without a key that is named none is missed before something is sealed.
            KeySource::File(file) if config.key.is_none() && !file.exists() => return None,
            KeySource::File(file) => KeyRing::read(&file),
            KeySource::Credential(_) if std::env::var_os("CREDENTIALS_DIRECTORY").is_none() => return None,
            source @ KeySource::Credential(_) => runtime::block_on(source.read()).ok()?,
            KeySource::Command(_) => return None,
        };
        ring.map_err(|error| self.problems.push(of_key(config, &error))).ok()
    }

    fn take(&mut self, site: &Site<'_>, surveyed: Surveyed) {
        self.problems.extend(surveyed.problems);
        let Some(account) = surveyed.account else { return };
        if surveyed.alias.is_some() {
            self.aliases += 1;
            return;
        }
        self.accounts += 1;
        self.is_sealed |= !account.sealed().is_empty();
        self.problems.extend(secret_problem(site.ring.as_ref(), &account, &surveyed.path));
        self.problems.extend(site.reach.as_ref().and_then(|reach| fenced(reach, &account, &surveyed.path)));
        for route in account.routes.iter().filter(|route| !site.routes.contains(route.as_str())) {
            let problem = Problem::of_file(&surveyed.path, format!("there is no route called {route}"))
                .with_hint("`routes:` in sendvia.yaml names them");
            self.problems.push(Problem { field: "routes".into(), ..problem });
        }
    }

    fn json(&self, config: Option<&Config>, sound: bool) -> serde_json::Value {
        serde_json::json!({
            "ok": sound,
            "config": config.and_then(|config| config.file.as_ref()).map(|file| file.display().to_string()),
            "accounts": self.accounts,
            "aliases": self.aliases,
            "problems": self.problems.iter().map(output::problem_json).collect::<Vec<_>>(),
        })
    }

    fn text(&self, config: Option<&Config>, sound: bool) -> String {
        let mut lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        let place = config.map(|config| config.accounts.to_string());
        let count = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        lines.push(match (sound, place) {
            (true, Some(place)) => {
                format!("{place}: {} accounts, {} aliases; warnings: {warnings}", self.accounts, self.aliases)
            }
            _ => format!("errors: {errors}, warnings: {warnings}"),
        });
        lines.join("\n")
    }
}

fn of_key(config: &Config, error: &KeyError) -> Problem {
    let text = error.to_string();
    // The field is named once.
    let text = text.strip_prefix("key: ").unwrap_or(&text);
    let problem = Problem::of_file(config.file.clone().unwrap_or_default(), text);
    Problem { field: "key".into(), hint: error.hint(), ..problem }
}

fn reach_of(config: &Config) -> Option<Reach> {
    (config.fence.is_wanted && config.listen != Listen::default()).then(|| within(config).reach())
}

/// What a delivery by pipe reads, and the service does not.
fn fenced(reach: &Reach, account: &Account, path: &Path) -> Option<Problem> {
    let files = [account.origin.as_path()].into_iter().chain(secret_files(account));
    let file = files.filter(|file| file.is_absolute()).find(|file| !reach.lets_read(file))?;
    let problem = Problem::of_file(path, format!("{}: {}", file.display(), fence::OUTSIDE));
    Some(Problem { severity: Severity::Warning, hint: Some(fence::remedy(file)), ..problem })
}

fn secret_files(account: &Account) -> Vec<&Path> {
    match &account.secret {
        SecretSource::File(file) => vec![file],
        SecretSource::OAuth(oauth) => oauth.files().map(|file| file.as_path()).collect(),
        _ => Vec::new(),
    }
}

/// A secret that can be looked at without running anything, and can't be used.
fn secret_problem(ring: Option<&KeyRing>, account: &Account, path: &Path) -> Option<Problem> {
    if let Some(program) = account.secret.command().map(|command| command.line.program().to_owned())
        && Path::new(&program).is_absolute()
        && !Path::new(&program).exists()
    {
        let problem = Problem::of_file(path, format!("{program}: there is no such program"));
        return Some(Problem {
            field: "secret.command".into(),
            hint: Some("correct the path, or install it".into()),
            ..problem
        });
    }
    let unreadable = secret_files(account).into_iter().find_map(|file| source::first_line(file).err());
    let sealed = account.sealed();
    let closed = || ring.and_then(|ring| sealed.iter().find_map(|(binding, text)| ring.open(binding, text).err()));
    let error = unreadable.or_else(|| closed().map(SecretError::from))?;
    let problem = Problem { field: "secret".into(), ..Problem::of_file(path, error.to_string()) };
    Some(Problem { hint: error.hint(), ..problem })
}
