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

/// One account or alias to copy.
enum Row {
    Account(AccountAddress),
    Alias { alias: AccountAddress, target: AccountAddress },
}

/// From one store into the other.
struct Copy<'c> {
    from: &'c dyn Store,
    to: &'c dyn Store,
    existing: Existing,
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
    let (rows, mut left) = rows(&*from)?;
    let copy = Copy { from: &*from, to: &*to, existing: existing(arguments.force) };
    let mut progress = Progress::new("copying", rows.len());
    let (mut accounts, mut aliases) = (0, 0);
    for row in &rows {
        progress.step();
        match copy.row(row) {
            Ok(()) => *if matches!(row, Row::Account(_)) { &mut accounts } else { &mut aliases } += 1,
            Err(failure) => left.push(failure.to_string()),
        }
    }
    drop(progress);
    output::say(format_args!("{target}: {accounts} accounts, {aliases} aliases"));
    left.iter().for_each(|line| output::fail(format_args!("not copied: {line}"), None));
    Ok(if left.is_empty() { ExitStatus::Ok } else { ExitStatus::Config })
}

fn open(place: &Place, config: &Config) -> Box<dyn Store> {
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

/// What there is to copy, accounts before aliases, and what can't be read.
fn rows(store: &dyn Store) -> Result<(Vec<Row>, Vec<String>), Failure> {
    let (mut accounts, mut aliases, mut left) = (Vec::new(), Vec::new(), Vec::new());
    store.survey(&mut |one| match (one.account, one.alias) {
        (None, _) => left.push(format!("{}: can't be read, see `sendvia check`", one.path.display())),
        (Some(account), None) => accounts.push(Row::Account(account.address)),
        (Some(account), Some(alias)) => aliases.push(Row::Alias { alias, target: account.address }),
    })?;
    accounts.extend(aliases);
    Ok((accounts, left))
}

impl Copy<'_> {
    fn row(&self, row: &Row) -> Result<(), Failure> {
        match row {
            Row::Account(address) => self.account(address),
            Row::Alias { alias, target } => {
                let there = self.to.load(alias)?.is_some_and(|found| found.address.folded() == target.folded());
                if there { Ok(()) } else { Ok(self.to.put_alias(alias, target, self.existing)?) }
            }
        }
    }

    fn account(&self, address: &AccountAddress) -> Result<(), Failure> {
        let (Some(account), Some(text)) = (self.from.load(address)?, self.from.text(address)?) else { return Ok(()) };
        let text = with_absolute_path(&account, text)?;
        // A copy that was interrupted is repeated.
        if self.to.text(address)?.is_some_and(|there| *there == *text) {
            return Ok(());
        }
        Ok(self.to.put(address, &text, self.existing)?)
    }
}

/// A secret's file is relative to where the account is, which changes. Those of OAuth 2.0 stand deeper in the account than
/// what is changed for a person.
fn with_absolute_path(account: &Account, text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    let (file, is_deeper) = match &account.secret {
        SecretSource::File(file) => (file, false),
        SecretSource::OAuth(oauth) => match oauth.files().find(|file| !names(&text, file)) {
            Some(file) => (file, true),
            None => return Ok(text),
        },
        _ => return Ok(text),
    };
    if names(&text, file) {
        return Ok(text);
    }
    let absolute = std::path::absolute(file)?.display().to_string();
    if is_deeper {
        let problem = format!("{}: a file of its tokens is named relative to the account", account.address);
        return Err(Failure::usage(problem, format!("write {absolute} in its place")));
    }
    Ok(yaml::set(&text, "secret", Some(&Item::Map(vec![("file", Item::text(absolute))])))?)
}

/// Whether the text names the file so that it is found from anywhere.
fn names(text: &str, file: &Path) -> bool {
    std::path::absolute(file).is_ok_and(|absolute| text.contains(&*absolute.to_string_lossy()))
}
