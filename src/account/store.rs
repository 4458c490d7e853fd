//! Where accounts are kept, behind one trait.

use super::{Account, AccountAddress, AccountError, Directory, Sqlite};
use crate::wire::mailbox::Mailbox;
use crate::yaml::Problem;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Which kind of store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A directory of account files.
    Directory(PathBuf),
    /// One SQLite file.
    Sqlite(PathBuf),
}

/// What marks an SQLite file in `accounts:`.
const SQLITE: &str = "sqlite:";

impl Place {
    /// What `accounts:` says; a path is relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Place {
        match text.strip_prefix(SQLITE) {
            Some(path) => Place::Sqlite(base.join(path)),
            None => Place::Directory(base.join(text)),
        }
    }
}

/// As `accounts:` says it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) => path.display().fmt(f),
            Place::Sqlite(path) => write!(f, "{SQLITE}{}", path.display()),
        }
    }
}

/// By which rule an account serves a sender. Exact beats subaddress beats domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The account's own address.
    Exact,
    /// An alias of the account.
    Alias,
    /// `anna+tag@` by the account of `anna@`.
    Subaddress,
    /// Any address of a domain by the account of the domain.
    Domain,
    /// A sender without an account, by the account that the submitter's login is the address of.
    Login,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Exact => "exact",
            Rule::Alias => "alias",
            Rule::Subaddress => "subaddress",
            Rule::Domain => "domain",
            Rule::Login => "login",
        })
    }
}

/// An account and why it is the one.
#[derive(Clone, Debug)]
pub struct Found {
    /// The account, which the store may have lent to others as well.
    pub account: Arc<Account>,
    /// How it was found.
    pub rule: Rule,
}

/// A place where accounts are kept. A look-up touches what it needs and no more, however many accounts there are.
pub trait Store: Send + Sync {
    /// The account that serves `sender`, if one does.
    ///
    /// # Errors
    /// [`AccountError`], when there may be one but it can't be read: that is not the same as none.
    fn find(&self, sender: &Mailbox) -> Result<Option<Found>, AccountError>;

    /// The account at exactly this address, or that it is an alias of.
    ///
    /// # Errors
    /// [`AccountError`].
    fn load(&self, address: &AccountAddress) -> Result<Option<Arc<Account>>, AccountError>;

    /// Every account and alias in the order of their names, with all that is wrong; those that can't be used too.
    ///
    /// # Errors
    /// [`AccountError`], when the place as a whole can't be read.
    fn survey(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError>;

    /// The text of the account at exactly this address; `None` where there is none, or an alias.
    ///
    /// # Errors
    /// [`AccountError`].
    fn text(&self, address: &AccountAddress) -> Result<Option<Zeroizing<String>>, AccountError>;

    /// Writes the account at `address`, whole or not at all. A text that would not be an account is refused.
    ///
    /// # Errors
    /// [`AccountError`]; then everything stands as it was.
    fn put(&self, address: &AccountAddress, text: &str, existing: Existing) -> Result<(), AccountError>;

    /// Writes many accounts as [`put`](Store::put) writes one: each whole or not at all, and kept once this returns. The
    /// results are in the order of the accounts.
    fn put_all(&self, accounts: &[Written], existing: Existing) -> Vec<Result<(), AccountError>>;

    /// Makes `alias` another address of the account at `target`.
    ///
    /// # Errors
    /// [`AccountError`].
    fn put_alias(
        &self,
        alias: &AccountAddress,
        target: &AccountAddress,
        existing: Existing,
    ) -> Result<(), AccountError>;

    /// The aliases of the account at `address`.
    ///
    /// # Errors
    /// [`AccountError`].
    fn aliases(&self, address: &AccountAddress) -> Result<Vec<AccountAddress>, AccountError>;

    /// Removes the account or alias at `address`; `false` where there was none. Its aliases are the caller's to remove
    /// first.
    ///
    /// # Errors
    /// [`AccountError`].
    fn remove(&self, address: &AccountAddress) -> Result<bool, AccountError>;
}

/// An account's address and its text.
pub type Written = (AccountAddress, Zeroizing<String>);

/// What happens to an account that stands where one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// One account or alias as it stands in a store.
pub struct Surveyed {
    /// Its file, or its row as one would name it.
    pub path: PathBuf,
    /// What it holds, if it can be used.
    pub account: Option<Account>,
    /// The other address, where it is an alias.
    pub alias: Option<AccountAddress>,
    /// What is wrong with it, warnings included.
    pub problems: Vec<Problem>,
}

/// The store at `place`. Nothing is opened before the first look-up.
pub fn open(place: &Place, presets: super::preset::Presets) -> Arc<dyn Store> {
    match place {
        Place::Directory(path) => Arc::new(Directory::new(path.clone(), presets)),
        Place::Sqlite(path) => Arc::new(Sqlite::new(path.clone(), presets)),
    }
}

/// The addresses to try for `sender`, each with the rule it stands for, the best first.
pub(super) fn candidates(sender: &Mailbox) -> Vec<(Rule, AccountAddress)> {
    let mut candidates = vec![(Rule::Exact, AccountAddress::Mailbox(sender.clone()))];
    let local_part = sender.unquoted_local_part();
    if let Some((user, _)) = local_part.split_once('+').filter(|(user, _)| !user.is_empty()) {
        let text = if sender.domain().is_empty() { user.to_owned() } else { format!("{user}@{}", sender.domain()) };
        if let Ok(mailbox) = Mailbox::parse(&text) {
            candidates.push((Rule::Subaddress, AccountAddress::Mailbox(mailbox)));
        }
    }
    if !sender.domain().is_empty() {
        candidates.push((Rule::Domain, AccountAddress::domain_of(sender)));
    }
    candidates
}
