//! Accounts as files in a directory, `accounts.d`: an address's file is opened by its name, so that a look-up costs the
//! same among ten files and among a hundred thousand.

mod content;
mod survey;

use super::file::{self, Context};
use super::preset::Presets;
use super::store::{Found, Rule, Store, Surveyed, candidates};
use super::{Account, AccountAddress, AccountError, name};
use crate::wire::mailbox::Mailbox;
use crate::yaml::Problem;
use content::Content;
use std::path::{Path, PathBuf};

/// A directory of account files.
pub struct Directory {
    path: PathBuf,
    presets: Presets,
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
        Directory { path, presets }
    }

    /// The file of `address`, whether it is there or not.
    pub fn file_of(&self, address: &AccountAddress) -> PathBuf {
        self.path.join(name::of(address))
    }

    /// What the file of `address` holds; `None` where no file is.
    fn load_file(&self, address: &AccountAddress) -> Result<Option<Loaded>, AccountError> {
        let path = self.file_of(address);
        content::read(&path)?.map(|content| self.read(&path, Some(address), content)).transpose()
    }

    /// Makes an account of a file's content. `address` is what the file's name stands for.
    fn read(&self, path: &Path, address: Option<&AccountAddress>, content: Content) -> Result<Loaded, AccountError> {
        let origin =
            std::fs::canonicalize(path).map_err(|source| AccountError::Io { path: path.to_owned(), source })?;
        let own = own_address(path, &origin, address)?;
        let is_alias = own.as_ref().map(AccountAddress::folded) != address.map(AccountAddress::folded);
        // Problems are told of the path that a person knows, and edits.
        let shown = if is_alias { &origin } else { path };
        let context = Context { presets: &self.presets, address: own, owner_uid: Some(content.owner_uid) };
        let (account, warnings) = match file::read(shown, content.octets, context) {
            (Some(account), warnings) => (account, warnings),
            (None, problems) => return Err(AccountError::Malformed { problems }),
        };
        Ok(Loaded { account: self.placed(account, origin, address.filter(|_| is_alias)), is_alias, warnings })
    }

    /// The account with its place, and under which alias it was found: then both addresses are identities.
    fn placed(&self, mut account: Account, origin: PathBuf, alias: Option<&AccountAddress>) -> Account {
        if let Some(alias) = alias {
            account.identities.extend(alias.mailbox().cloned());
            account.identities.extend(account.address.mailbox().cloned());
        }
        Account { origin, aliases_in: Some(self.path.clone()), ..account }
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
        Ok(None)
    }

    fn load(&self, address: &AccountAddress) -> Result<Option<Account>, AccountError> {
        Ok(self.load_file(address)?.map(|loaded| loaded.account))
    }

    fn survey(&self, each: &mut dyn FnMut(Surveyed)) -> Result<(), AccountError> {
        self.survey_files(each)
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
    let no_account = || AccountError::Alias { path: path.to_owned(), target: origin.to_owned() };
    own.map(Some).ok_or_else(no_account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Authorise, Submitter};
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
    fn exact_beats_subaddress_beats_domain() {
        let domain = "provider: gmx\nlogin: all\nidentities: [a@example.org]\nsecret: {plain: x}\n";
        let accounts = Accounts::new(&[
            ("anna@example.org.yaml", PLAIN),
            ("anna+shop@example.org.yaml", PLAIN),
            ("@example.org.yaml", domain),
        ]);
        accounts.alias("a.nna@example.org.yaml", "anna@example.org.yaml");
        let rows = [
            ("anna@example.org", Some(("anna@example.org", Rule::Exact))),
            ("ANNA@Example.ORG", Some(("anna@example.org", Rule::Exact))),
            ("anna+tag@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("anna+a+b@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("anna+shop@example.org", Some(("anna+shop@example.org", Rule::Exact))),
            ("a.nna@example.org", Some(("anna@example.org", Rule::Alias))),
            ("a.nna+tag@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("berta@example.org", Some(("@example.org", Rule::Domain))),
            ("+tag@example.org", Some(("@example.org", Rule::Domain))),
            ("berta@sub.example.org", None),
            ("anna@example.com", None),
            ("\"@example.org\"", None),
            ("../anna@example.org", Some(("@example.org", Rule::Domain))),
        ];
        for (sender, expected) in rows {
            assert_eq!(accounts.found(sender), expected.map(|(at, rule)| (at.to_owned(), rule)), "{sender}");
        }
    }

    #[test]
    fn an_alias_is_its_target_and_both_addresses_are_identities() {
        let accounts = Accounts::new(&[("anna@gmx.de.yaml", "provider: gmx\nlogin: \"4711\"\nsecret: {plain: x}\n")]);
        accounts.alias("a@firma.example.yaml", "anna@gmx.de.yaml");
        for sender in ["a@firma.example", "anna@gmx.de"] {
            let account = accounts.find(sender).expect("readable").expect("there").account;
            assert_eq!((account.address.to_string().as_str(), account.login.as_str()), ("anna@gmx.de", "4711"));
            for (address, expected) in [("anna@gmx.de", true), ("A@Firma.example", true), ("b@gmx.de", false)] {
                let is_identity = account.is_identity(&Mailbox::parse(address).expect("an address"));
                assert_eq!(is_identity, expected, "{address} of the account of {sender}");
            }
        }
    }

    #[test]
    fn the_accounts_address_is_no_identity_where_the_login_is_another() {
        let file = "provider: gmx\nlogin: kunde@gmx.de\nsecret: {plain: x}\n";
        let accounts = Accounts::new(&[("anna@firma.example.yaml", file)]);
        let account = accounts.find("anna@firma.example").expect("readable").expect("there").account;
        assert_eq!(account.own_address().to_string(), "kunde@gmx.de");
        assert!(account.is_identity(&Mailbox::parse("kunde@gmx.de").expect("an address")));
        assert!(!account.is_identity(&Mailbox::parse("anna@firma.example").expect("an address")));
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
    fn only_who_is_listed_may_use_an_account_and_the_unix_user_who_owns_its_file() {
        let file = format!("{PLAIN}users: [anna, \"unix:berta\"]\n");
        let accounts = Accounts::new(&[("anna@gmx.de.yaml", &file)]);
        let account = accounts.find("anna@gmx.de").expect("readable").expect("there").account;
        let owner = account.owner_uid.expect("a file has an owner");
        let login = |login: &str| Submitter::Login(login.to_owned());
        let unix = |name: &str, uid| Submitter::UnixUser { name: name.to_owned(), uid };
        let rows = [
            (login("anna"), Authorise::Users, true),
            (login("berta"), Authorise::Users, false),
            (login("berta"), Authorise::Mta, true),
            (Submitter::Nobody, Authorise::Users, false),
            (Submitter::Nobody, Authorise::Mta, true),
            (unix("who", owner), Authorise::Users, true),
            (unix("berta", owner + 1), Authorise::Users, true),
            (unix("anna", owner + 1), Authorise::Users, false),
            (unix("anna", owner + 1), Authorise::Mta, false),
        ];
        for (submitter, authorise, expected) in rows {
            assert_eq!(account.admits(&submitter, authorise), expected, "{submitter:?} {authorise:?}");
        }
    }

    #[test]
    fn an_unreadable_directory_entry_is_trouble_and_not_a_missing_account() {
        let accounts = Accounts::new(&[]);
        std::fs::create_dir(accounts.directory.path().join("anna@gmx.de.yaml")).expect("a directory");
        assert!(accounts.find("anna@gmx.de").is_err());
    }
}
