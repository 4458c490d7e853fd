//! `sendvia account copy`: every account and alias of one store into another. Nothing is opened: what is sealed is sealed
//! for the account, wherever that is kept.

use super::super::failure::Failure;
use super::super::output;
use super::super::progress::Progress;
use super::super::settings::Settings;
use super::change::existing;
use crate::account::{self, Account, AccountAddress, Existing, Place, Store};
use crate::config::Config;
use crate::secret::{SecretSource, memory, private};
use crate::verdict::ExitStatus;
use crate::yaml::{self, Item};
use clap::Args;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Where the accounts are: a directory, or sqlite:PATH; the configuration's place if not given
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Where they go
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// Overwrite accounts that stand there
    #[arg(long)]
    force: bool,
}

/// How many accounts are written at once: the disk promises to keep them all together.
const AT_ONCE: usize = 500;

/// What there is to copy.
#[derive(Default)]
struct Rows {
    accounts: Vec<AccountAddress>,
    /// Each with the account that it stands for.
    aliases: Vec<(AccountAddress, AccountAddress)>,
}

/// From one store into the other.
struct Copy<'c> {
    from: &'c dyn Store,
    to: &'c dyn Store,
    existing: Existing,
    progress: Progress,
    /// What could not be copied, and why.
    left: Vec<String>,
}

/// Copies.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let _ = memory::forbid_dumps();
    let config = arguments.settings.load()?;
    let place = |text: &String| Place::parse(text, Path::new(""));
    let (source, target) = (arguments.from.as_ref().map_or(config.accounts.clone(), place), place(&arguments.to));
    if source == target {
        return Err(Failure::usage("`--from` and `--to` name the same place", "name another one with `--to`"));
    }
    make(&target)?;
    let (from, to) = (open(&source, &config), open(&target, &config));
    let (rows, left) = rows(&*from)?;
    let progress = Progress::new("copying", rows.accounts.len() + rows.aliases.len());
    let mut copy = Copy { from: &*from, to: &*to, existing: existing(arguments.force), progress, left };
    let accounts: usize = rows.accounts.chunks(AT_ONCE).map(|addresses| copy.accounts(addresses)).sum();
    let aliases = rows.aliases.iter().filter(|(alias, target)| copy.alias(alias, target)).count();
    let left = copy.left;
    drop(copy.progress);
    output::say(format_args!("{target}: {accounts} accounts, {aliases} aliases"));
    left.iter().for_each(|line| output::fail(format_args!("not copied: {line}"), None));
    Ok(if left.is_empty() { ExitStatus::Ok } else { ExitStatus::Config })
}

fn open(place: &Place, config: &Config) -> Arc<dyn Store> {
    account::open(place, config.presets.clone())
}

/// A store that is not there is an empty one.
fn make(place: &Place) -> Result<(), Failure> {
    match place {
        Place::Directory(directory) => private::make_directory(directory)?,
        Place::Sqlite(file) if file.exists() => {}
        Place::Sqlite(file) => private::write(file, b"")?,
    }
    Ok(())
}

/// What there is to copy, and what can't be read.
fn rows(store: &dyn Store) -> Result<(Rows, Vec<String>), Failure> {
    let (mut rows, mut left) = (Rows::default(), Vec::new());
    store.survey(&mut |one| match (one.account, one.alias) {
        (None, _) => left.push(format!("{}: can't be read, see `sendvia check`", one.path.display())),
        (Some(account), None) => rows.accounts.push(account.address),
        (Some(account), Some(alias)) => rows.aliases.push((alias, account.address)),
    })?;
    Ok((rows, left))
}

impl Copy<'_> {
    /// How many of `addresses` stand there now.
    fn accounts(&mut self, addresses: &[AccountAddress]) -> usize {
        let mut texts = Vec::new();
        let mut done = 0;
        for address in addresses {
            match self.text(address) {
                Ok(Some(text)) => texts.push((address.clone(), text)),
                Ok(None) => done += 1,
                Err(failure) => self.left.push(failure.to_string()),
            }
        }
        for written in self.to.put_all(&texts, self.existing) {
            match written {
                Ok(()) => done += 1,
                Err(error) => self.left.push(Failure::from(error).to_string()),
            }
        }
        self.progress.steps(addresses.len());
        done
    }

    /// The text to write; `None` where it stands there, as in a copy that was interrupted and is repeated.
    fn text(&self, address: &AccountAddress) -> Result<Option<Zeroizing<String>>, Failure> {
        let (Some(account), Some(text)) = (self.from.load(address)?, self.from.text(address)?) else { return Ok(None) };
        let text = with_absolute_paths(&account, text)?;
        let is_there = self.to.text(address)?.is_some_and(|there| *there == *text);
        Ok((!is_there).then_some(text))
    }

    fn alias(&mut self, alias: &AccountAddress, target: &AccountAddress) -> bool {
        self.progress.step();
        let there =
            self.to.load(alias).map(|found| found.is_some_and(|found| found.address.folded() == target.folded()));
        let put = there.and_then(|there| if there { Ok(()) } else { self.to.put_alias(alias, target, self.existing) });
        put.map_err(|error| self.left.push(Failure::from(error).to_string())).is_ok()
    }
}

/// A secret's file is relative to where the account is, which changes.
fn with_absolute_paths(account: &Account, text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    match &account.secret {
        SecretSource::File(file) => {
            let absolute = std::path::absolute(file)?.display().to_string();
            if text.contains(&absolute) {
                return Ok(text);
            }
            Ok(yaml::set(&text, "secret", Some(&Item::Map(vec![("file", Item::text(absolute))])))?)
        }
        SecretSource::OAuth(oauth) => oauth.files().try_fold(text, |text, file| nested_absolute(account, &text, file)),
        _ => Ok(text),
    }
}

/// `text` with `file`, a value of its OAuth 2.0 settings, as an absolute path.
fn nested_absolute(account: &Account, text: &str, file: &Path) -> Result<Zeroizing<String>, Failure> {
    let absolute = std::path::absolute(file)?.display().to_string();
    if text.contains(&absolute) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let written: Option<String> =
        file.ancestors().skip(1).filter_map(|base| file.strip_prefix(base).ok()).find_map(|path| {
            let path = path.display().to_string();
            let ways = [format!("file: \"{path}\""), format!("file: '{path}'"), format!("file: {path}")];
            // The whole value, and not the beginning of a longer one.
            ways.into_iter().find(|way| {
                text.split_once(way.as_str())
                    .is_some_and(|(_, rest)| rest.trim_start_matches(' ').starts_with(['\n', '}', ',', '#']))
            })
        });
    let Some(written) = written else {
        let problem = format!("{}: the path of {absolute} can't be made absolute", account.address);
        return Err(Failure::new(problem).hint("write the path as an absolute one into the account"));
    };
    Ok(Zeroizing::new(text.replacen(&written, &format!("file: {}", Item::text(absolute)), 1)))
}
