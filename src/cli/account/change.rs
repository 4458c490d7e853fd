//! Changing accounts: the file's text is edited key by key, what is sealed is sealed again for where it now belongs, and
//! the whole is written or nothing.

use super::super::failure::Failure;
use super::super::settings::Settings;
use super::super::{key, output, runtime};
use crate::account::preset::Preset;
use crate::account::{self, Account, AccountAddress, AccountError, Context, Existing, Place, Store};
use crate::config::Config;
use crate::secret::key::KeyRing;
use crate::secret::sealed::Binding;
use crate::secret::{SecretString, memory};
use crate::verdict::ExitStatus;
use crate::yaml::{self, Item};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The configuration with its store.
pub(in crate::cli) struct Site {
    pub(in crate::cli) config: Config,
    pub(in crate::cli) store: Arc<dyn Store>,
}

/// An account as it stands, and its text.
pub(in crate::cli) struct Standing {
    pub(in crate::cli) account: Account,
    pub(in crate::cli) text: Zeroizing<String>,
}

impl Site {
    /// Reads the configuration. From here on this process holds secrets.
    pub(in crate::cli) fn open(settings: &Settings) -> Result<Site, Failure> {
        // A limit that can't be lowered is no reason to stop.
        let _ = memory::forbid_dumps();
        let config = settings.load()?;
        let store = account::open(&config.accounts, config.presets.clone());
        Ok(Site { config, store })
    }

    /// The account at `address` or of that alias.
    pub(in crate::cli) fn standing(&self, address: &AccountAddress) -> Result<Standing, Failure> {
        let account = self.store.load(address)?.ok_or_else(|| no_account(address))?;
        let text = self.store.text(&account.address)?.ok_or_else(|| no_account(address))?;
        Ok(Standing { account: Arc::unwrap_or_clone(account), text })
    }

    /// What is known of the provider called `name`.
    pub(in crate::cli) fn preset(&self, name: Option<&str>) -> Option<Preset> {
        self.config.presets.find(name?)
    }

    /// The key ring.
    pub(in crate::cli) fn ring(&self) -> Result<KeyRing, Failure> {
        Ok(runtime::block_on(self.config.key_source().read())??)
    }

    /// The key ring to seal with. Where no key is configured and none is there, one is made, and that is said.
    pub(in crate::cli) fn ring_for_sealing(&self) -> Result<KeyRing, Failure> {
        let source = self.config.key_source();
        if let (None, Some(file)) = (&self.config.key, source.file())
            && file.symlink_metadata().is_err()
        {
            let id = key::make_key(file)?;
            output::say(format_args!("made key {id} in {}, which seals what accounts hold", file.display()));
        }
        self.ring()
    }

    /// What `text` would be as the account of `address`.
    pub(in crate::cli) fn read(&self, address: &AccountAddress, text: &str) -> Result<Account, Failure> {
        let base = match &self.config.accounts {
            Place::Directory(directory) => directory.as_path(),
            Place::Sqlite(file) => file.parent().unwrap_or(Path::new("")),
        };
        let context = Context { presets: &self.config.presets, address: Some(address.clone()), base, owner_uid: None };
        let path = account::file_name(address);
        match account::read_file(Path::new(&path), text.as_bytes().to_vec(), context) {
            (Some(account), _) => Ok(account),
            (None, problems) => {
                output::complain(&problems);
                Err(ExitStatus::Config.into())
            }
        }
    }

    /// `text`, whose sealed secrets are those of `old`, with them sealed for what `text` makes of the account.
    pub(in crate::cli) fn sealed_again(
        &self,
        old: &Account,
        address: &AccountAddress,
        text: Zeroizing<String>,
    ) -> Result<Zeroizing<String>, Failure> {
        let new = self.read(address, &text)?;
        let pairs: Vec<_> = old.sealed().into_iter().zip(new.sealed()).filter(|(old, new)| old.0 != new.0).collect();
        if pairs.is_empty() {
            return Ok(text);
        }
        let ring = self.ring()?;
        let mut text = text;
        for ((from, sealed), (to, _)) in pairs {
            let fresh = ring.seal(&to, &ring.open(&from, sealed)?)?;
            text = Zeroizing::new(text.replace(sealed, &fresh));
        }
        Ok(text)
    }

    /// Writes an account.
    pub(in crate::cli) fn put(&self, address: &AccountAddress, text: &str, existing: Existing) -> Result<(), Failure> {
        match self.store.put(address, text, existing) {
            Err(AccountError::Malformed { problems }) => {
                output::complain(&problems);
                Err(ExitStatus::Config.into())
            }
            written => Ok(written?),
        }
    }
}

/// `text` with its secret sealed for `binding`.
pub(in crate::cli) fn with_sealed(
    text: &str,
    ring: &KeyRing,
    binding: &Binding,
    secret: &SecretString,
) -> Result<Zeroizing<String>, Failure> {
    let sealed = ring.seal(binding, secret)?;
    Ok(yaml::set(text, "secret", Some(&Item::Map(vec![("sealed", Item::text(sealed))])))?)
}

/// An address as a person types it.
pub(in crate::cli) fn address(text: &str) -> Result<AccountAddress, Failure> {
    Ok(AccountAddress::parse(text)?)
}

/// The same for an account that is to be made.
pub(in crate::cli) fn new_address(text: &str) -> Result<AccountAddress, Failure> {
    let address = address(text)?;
    if address.is_whole() {
        return Ok(address);
    }
    let hint = format!("an account is {address}@gmx.de, or @example.org for a whole domain");
    Err(Failure::usage(format_args!("{address} has no domain"), hint))
}

/// What may stand where an account is written.
pub(in crate::cli) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

fn no_account(address: &AccountAddress) -> Failure {
    let failure = Failure::new(format_args!("there is no account {address}")).status(ExitStatus::NoUser);
    failure.hint("`sendvia account list` shows all")
}
