//! Accounts as files in a directory, `accounts.d`: an address's file is opened by its name, so that a look-up costs the
//! same among ten files and among a hundred thousand.

mod content;
mod known;
mod survey;
mod write;

use super::file::{self, Context};
use super::preset::Presets;
use super::store::{Found, Rule, Store, Surveyed, Written, candidates};
use super::{Account, AccountAddress, AccountError, Aliases, Existing, name};
use crate::wire::mailbox::Mailbox;
use crate::yaml::Problem;
use content::Content;
use known::{Known, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A directory of account files.
pub struct Directory {
    path: PathBuf,
    presets: Presets,
    known: Known,
}

/// An account as read from a file.
struct Loaded {
    account: Account,
    is_alias: bool,
    warnings: Vec<Problem>,
}

impl Directory {
    /// The directory at `path`; it is not looked at yet.
    pub fn new(path: PathBuf, presets: Presets) -> Directory {
        Directory { path, presets, known: Known::default() }
    }

    /// The file of `address`, whether it is there or not.
    pub fn file_of(&self, address: &AccountAddress) -> PathBuf {
        self.path.join(name::of(address))
    }

    /// What the file of `address` holds; `None` where no file is.
    fn load_file(&self, address: &AccountAddress) -> Result<Option<Read>, AccountError> {
        let name = name::of(address);
        let path = self.path.join(&name);
        let Some(opened) = content::open(&path)? else { return Ok(None) };
        let stamp = opened.stamp();
        if let Some(known) = self.known.recall(&name, &stamp) {
            return Ok(Some(known));
        }
        let Loaded { account, is_alias, .. } = self.read(&path, Some(address), opened.read(&path)?)?;
        let read = Read { account: Arc::new(account), is_alias };
        self.known.keep(&name, stamp, &read);
        Ok(Some(read))
    }

    /// Makes an account of a file's content. `address` is what the file's name stands for.
    fn read(&self, path: &Path, address: Option<&AccountAddress>, content: Content) -> Result<Loaded, AccountError> {
        let origin =
            std::fs::canonicalize(path).map_err(|source| AccountError::Io { path: path.to_owned(), source })?;
        let own = own_address(path, &origin, address)?;
        let is_alias = own.as_ref().map(AccountAddress::folded) != address.map(AccountAddress::folded);
        // Problems are told of the path that a person knows, and edits.
        let shown = if is_alias { &origin } else { path };
        let base = origin.parent().unwrap_or(Path::new(""));
        let context = Context { presets: &self.presets, address: own, base, owner_uid: Some(content.owner_uid) };
        let (account, warnings) = match file::read(shown, content.octets, context) {
            (Some(account), warnings) => (account, warnings),
            (None, problems) => return Err(AccountError::Malformed { problems }),
        };
        Ok(Loaded { account: self.placed(account, origin, address.filter(|_| is_alias)), is_alias, warnings })
    }

    /// A missing directory is not the same as a missing account.
    fn check_is_there(&self) -> Result<(), AccountError> {
        let trouble = |source| AccountError::Io { path: self.path.clone(), source };
        self.path.metadata().map(|_| ()).map_err(trouble)
    }

    /// The account with its place, and under which alias it was found: then both addresses are identities.
    fn placed(&self, mut account: Account, origin: PathBuf, alias: Option<&AccountAddress>) -> Account {
        if let Some(alias) = alias {
            account.identities.extend(alias.mailbox().cloned());
            account.identities.extend(account.address.mailbox().cloned());
        }
        Account { origin, aliases: Aliases::Symlinks(self.path.clone()), ..account }
    }
}

impl Store for Directory {
    fn find(&self, sender: &Mailbox) -> Result<Option<Found>, AccountError> {
        for (rule, address) in candidates(sender) {
            if let Some(loaded) = self.load_file(&address)? {
                let rule = if loaded.is_alias && rule == Rule::Exact { Rule::Alias } else { rule };
                return Ok(Some(Found { account: loaded.account, rule }));
            }
        }
        self.check_is_there()?;
        Ok(None)
    }

    fn load(&self, address: &AccountAddress) -> Result<Option<Arc<Account>>, AccountError> {
        Ok(self.load_file(address)?.map(|loaded| loaded.account))
    }

    fn survey(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError> {
        self.survey_files(each)
    }

    fn text(&self, address: &AccountAddress) -> Result<Option<Zeroizing<String>>, AccountError> {
        self.read_text(address)
    }

    fn put(&self, address: &AccountAddress, text: &str, existing: Existing) -> Result<(), AccountError> {
        self.write_text(address, text, existing)
    }

    fn put_all(&self, accounts: &[Written], existing: Existing) -> Vec<Result<(), AccountError>> {
        self.write_texts(accounts, existing)
    }

    fn put_alias(
        &self,
        alias: &AccountAddress,
        target: &AccountAddress,
        existing: Existing,
    ) -> Result<(), AccountError> {
        self.link(alias, target, existing)
    }

    fn aliases(&self, address: &AccountAddress) -> Result<Vec<AccountAddress>, AccountError> {
        self.links_to(address)
    }

    fn remove(&self, address: &AccountAddress) -> Result<bool, AccountError> {
        self.unlink(address)
    }
}

/// The address of the file that `path` leads to: of the target's name, if it stands for one. A target elsewhere under
/// the very same name (a mounted volume's way of replacing files) is no alias.
fn own_address(
    path: &Path,
    origin: &Path,
    address: Option<&AccountAddress>,
) -> Result<Option<AccountAddress>, AccountError> {
    let target = origin.file_name().unwrap_or_default();
    let own = target.to_str().and_then(name::address);
    if path.file_name() == Some(target) {
        return Ok(own.or_else(|| address.cloned()));
    }
    // Then the address stands in the file.
    if target.to_str().is_some_and(name::is_digest) {
        return Ok(None);
    }
    let no_account = || AccountError::Alias { path: path.to_owned(), target: origin.to_owned() };
    own.map(Some).ok_or_else(no_account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const PLAIN: &str = "provider: gmx\nsecret: {plain: hunter2}\n";

    struct Accounts {
        directory: tempfile::TempDir,
    }

    impl Accounts {
        fn new(files: &[(&str, &str)]) -> Accounts {
            let directory = tempfile::tempdir().expect("a directory");
            for (name, content) in files {
                std::fs::write(directory.path().join(name), content).expect("a file");
            }
            Accounts { directory }
        }

        fn alias(&self, name: &str, target: &str) {
            symlink(target, self.directory.path().join(name)).expect("a symlink");
        }

        fn find(&self, sender: &str) -> Result<Option<Found>, AccountError> {
            let store = Directory::new(self.directory.path().to_owned(), Presets::default());
            store.find(&Mailbox::parse(sender).expect("an address"))
        }

        fn found(&self, sender: &str) -> Option<(String, Rule)> {
            let found = self.find(sender).unwrap_or_else(|error| panic!("{sender}: {error}"));
            found.map(|found| (found.account.address.to_string(), found.rule))
        }
    }

    #[test]
    fn a_symlink_to_nothing_or_to_no_account_is_trouble_and_not_a_missing_account() {
        let accounts = Accounts::new(&[("README", "hello")]);
        accounts.alias("a@x.example.yaml", "gone@x.example.yaml");
        accounts.alias("b@x.example.yaml", "README");
        accounts.alias("c@x.example.yaml", "c@x.example.yaml");
        for sender in ["a@x.example", "b@x.example", "c@x.example"] {
            assert!(accounts.find(sender).is_err(), "{sender}");
        }
    }

    #[test]
    fn a_file_under_the_same_name_elsewhere_is_no_alias() {
        let elsewhere = Accounts::new(&[("anna@gmx.de.yaml", PLAIN)]);
        let accounts = Accounts::new(&[]);
        let target = elsewhere.directory.path().join("anna@gmx.de.yaml");
        accounts.alias("anna@gmx.de.yaml", target.to_str().expect("UTF-8"));
        assert_eq!(accounts.found("anna@gmx.de"), Some(("anna@gmx.de".to_owned(), Rule::Exact)));
    }

    #[test]
    fn an_unreadable_directory_entry_is_trouble_and_not_a_missing_account() {
        let accounts = Accounts::new(&[]);
        std::fs::create_dir(accounts.directory.path().join("anna@gmx.de.yaml")).expect("a directory");
        assert!(accounts.find("anna@gmx.de").is_err());
    }
}
