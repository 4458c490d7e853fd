//! `sendvia key rotate`: a new key in front of the ring, everything sealed again with it, then the old keys taken off.
//!
//! Old keys stay until nothing needs them, so it can be killed anywhere and run again: a ring of several keys is an
//! earlier rotation that is to be finished, and gets no further key.

use super::super::failure::Failure;
use super::super::output;
use super::super::progress::Progress;
use super::super::settings::Settings;
use super::{KeyLock, reseal, writable};
use crate::account::{self, Store};
use crate::config::Config;
use crate::secret::key::KeyRing;
use crate::secret::memory;
use crate::secret::token::{TokenFiles, TokenStore};
use crate::secret::vault::KeySource;
use crate::verdict::ExitStatus;
use clap::Args;
use std::path::Path;

/// What was typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Take the old keys off even though there are accounts that could not be sealed again: nothing will open those
    #[arg(long)]
    force: bool,
}

/// What a rotation works on.
struct Site<'s> {
    /// The ring's file, if sendvia writes it.
    file: Option<&'s Path>,
    store: &'s dyn Store,
    tokens: &'s dyn TokenStore,
    force: bool,
}

/// What is about to be written. Between any two of these the process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    NewKey,
    Accounts(usize),
    Account,
    Tokens,
    OldKeysOff,
}

/// How a rotation ended.
struct Done {
    ring: KeyRing,
    accounts: usize,
    tokens: usize,
    /// Why old keys are still in the ring.
    left: Vec<String>,
}

/// Rotates.
pub(super) fn run(arguments: &Arguments) -> Result<ExitStatus, Failure> {
    let _ = memory::forbid_dumps();
    let config = arguments.settings.load()?;
    let source = config.key_source();
    let file = writable(&source);
    let _lock = file.as_deref().map(KeyLock::of).transpose()?;
    let ring = super::super::runtime::block_on(source.read())??;
    let store = account::open(&config.accounts, config.presets.clone());
    let tokens = TokenFiles::below(&config.state);
    let site = Site { file: file.as_deref(), store: &*store, tokens: &tokens, force: arguments.force };
    let mut progress = None;
    let done = site.rotate(ring, &mut |step| {
        match step {
            Step::Accounts(count) => progress = Some(Progress::new("sealing", count)),
            Step::Account => progress.iter_mut().for_each(Progress::step),
            Step::NewKey | Step::Tokens | Step::OldKeysOff => {}
        }
        Ok(())
    })?;
    drop(progress);
    tell(&config, &source, &done)
}

impl Site<'_> {
    /// `before` is told each step before it is taken; its failure stops everything there.
    fn rotate(&self, ring: KeyRing, before: &mut dyn FnMut(Step) -> Result<(), Failure>) -> Result<Done, Failure> {
        let ring = self.with_new_key(ring, before)?;
        let mut done = Done { accounts: 0, tokens: 0, left: Vec::new(), ring };
        self.reseal(&mut done, before)?;
        // Once more: an account may have been written with the old key meanwhile.
        let late = reseal::survey(self.store, &done.ring)?;
        let is_news = |one: &&crate::account::AccountAddress| {
            let begin = format!("{one}: ");
            !done.left.iter().any(|left| left.starts_with(&begin))
        };
        let missed: Vec<String> = late
            .accounts
            .iter()
            .filter(is_news)
            .map(|one| format!("{one}: sealed with an old key meanwhile"))
            .collect();
        done.left.extend(missed);
        if let (Some(file), true) = (self.file, done.left.is_empty() || self.force)
            && done.ring.ids().len() > 1
        {
            before(Step::OldKeysOff)?;
            done.ring = done.ring.without_old_keys();
            done.ring.write(file)?;
        }
        Ok(done)
    }

    /// A ring with several keys has its new key already.
    fn with_new_key(
        &self,
        ring: KeyRing,
        before: &mut dyn FnMut(Step) -> Result<(), Failure>,
    ) -> Result<KeyRing, Failure> {
        match (ring.ids().len(), self.file) {
            (1, Some(file)) => {
                before(Step::NewKey)?;
                let ring = ring.with_new_key()?;
                ring.write(file)?;
                Ok(ring)
            }
            (1, None) => Err(Failure::usage(
                "sendvia does not write the key ring, and the ring has one key only",
                "put the line that `sendvia key new --print` prints in front of the ring, then run this again",
            )),
            _ => Ok(ring),
        }
    }

    fn reseal(&self, done: &mut Done, before: &mut dyn FnMut(Step) -> Result<(), Failure>) -> Result<(), Failure> {
        let survey = reseal::survey(self.store, &done.ring)?;
        done.left = survey.unreadable;
        before(Step::Accounts(survey.accounts.len()))?;
        for address in &survey.accounts {
            before(Step::Account)?;
            match reseal::account(self.store, &done.ring, address) {
                Ok(()) => done.accounts += 1,
                Err(failure) => done.left.push(format!("{address}: {failure}")),
            }
        }
        for account in self.tokens.accounts()? {
            before(Step::Tokens)?;
            reseal::tokens(self.tokens, &done.ring, &account)?;
            done.tokens += 1;
        }
        Ok(())
    }
}

fn tell(config: &Config, source: &KeySource, done: &Done) -> Result<ExitStatus, Failure> {
    let (id, accounts, tokens) = (done.ring.sealing().id(), done.accounts, done.tokens);
    output::say(format_args!("key {id}: accounts sealed again: {accounts}, with tokens: {tokens}"));
    let old: Vec<String> = done.ring.ids().iter().skip(1).map(ToString::to_string).collect();
    for line in &done.left {
        output::fail(format_args!("not sealed again: {line}"), None);
    }
    if !done.left.is_empty() && !old.is_empty() {
        let problem = format!("old keys stay in the ring: {}", old.join(", "));
        return Err(Failure::new(problem).hint(format!(
            "mend or remove these accounts in {}, then run this again; `--force` gives them up",
            config.accounts
        )));
    }
    match (source, old.is_empty()) {
        (_, true) => output::say("the old key is off the ring; keep a new copy: `sendvia key export`"),
        _ => output::say(format_args!("nothing needs these keys any longer, take them off: {}", old.join(", "))),
    }
    Ok(ExitStatus::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::preset::Presets;
    use crate::account::{AccountAddress, Directory, Existing};
    use crate::secret::sealed::{Destination, sealed_with};
    use crate::secret::token::{Access, Tokens};
    use crate::secret::{ExposeSecret, SecretSource, SecretString};
    use tempfile::TempDir;

    const ACCOUNTS: [&str; 3] = ["anna@gmx.de", "berta@gmx.de", "@x.example"];

    /// Three accounts, one of them written in braces, and tokens of one.
    struct Place {
        directory: TempDir,
        store: Directory,
        tokens: TokenFiles,
    }

    impl Place {
        fn new() -> Place {
            let directory = tempfile::tempdir().unwrap();
            let accounts = directory.path().join("accounts.d");
            std::fs::create_dir(&accounts).unwrap();
            let store = Directory::new(accounts, Presets::default());
            let tokens = TokenFiles::below(directory.path());
            let place = Place { store, tokens, directory };
            let ring = KeyRing::generate().unwrap();
            ring.write(&place.key()).unwrap();
            for at in ACCOUNTS {
                place.put(&ring, at);
            }
            let mut tokens = Tokens {
                account: "anna@gmx.de".to_owned(),
                login: "anna".to_owned(),
                destination: Destination::Provider("gmx".to_owned()),
                token_endpoint: "https://login.example/token".to_owned(),
                client: String::new(),
                refresh: None,
                origin: None,
                access: None,
                trouble: None,
            };
            tokens.refresh = Some(ring.seal(&tokens.refresh_binding(), &SecretString::from("refresh")).unwrap());
            let token = ring.seal(&tokens.access_binding(), &SecretString::from("access")).unwrap();
            tokens.access = Some(Access { token, obtained: 1, lifetime: 3600 });
            place.tokens.store(&tokens).unwrap();
            place
        }

        fn key(&self) -> std::path::PathBuf {
            self.directory.path().join("key")
        }

        fn put(&self, ring: &KeyRing, at: &str) {
            let address = AccountAddress::parse(at).unwrap();
            let text = "{provider: gmx, login: l@gmx.de, secret: {sealed: SEALED}}  # by hand\n";
            self.store.put(&address, text, Existing::Keep).unwrap();
            let account = self.store.load(&address).unwrap().unwrap();
            let sealed = ring.seal(&account.binding("password"), &SecretString::from(at)).unwrap();
            let text = text.replace("SEALED", &format!("\"{sealed}\""));
            self.store.put(&address, &text, Existing::Replace).unwrap();
        }

        fn rotate(&self, force: bool, stop_at: usize) -> Result<Done, Failure> {
            let key = self.key();
            let site = Site { file: Some(&key), store: &self.store, tokens: &self.tokens, force };
            let mut steps = 0;
            site.rotate(KeyRing::read(&key)?, &mut |_| {
                steps += 1;
                if steps > stop_at { Err(Failure::new("killed")) } else { Ok(()) }
            })
        }

        /// Everything opens with the ring as it stands on disk.
        fn all_opens(&self) -> KeyRing {
            let ring = KeyRing::read(&self.key()).unwrap();
            for at in ACCOUNTS {
                let account = self.store.load(&AccountAddress::parse(at).unwrap()).unwrap().unwrap();
                let SecretSource::Sealed(text) = &account.secret else { panic!("{at} is not sealed") };
                assert_eq!(ring.open(&account.binding("password"), text).unwrap().expose_secret(), at);
            }
            let kept = self.tokens.load("anna@gmx.de").unwrap().unwrap();
            let refresh = ring.open(&kept.refresh_binding(), kept.refresh.as_ref().unwrap()).unwrap();
            let access = ring.open(&kept.access_binding(), &kept.access.as_ref().unwrap().token).unwrap();
            assert_eq!((refresh.expose_secret(), access.expose_secret()), ("refresh", "access"));
            ring
        }
    }

    #[test]
    fn whoever_is_killed_before_any_step_leaves_everything_openable_and_the_next_run_finishes() {
        for stop_at in 0.. {
            let place = Place::new();
            let old = place.all_opens().sealing().id();
            let killed = place.rotate(false, stop_at).is_err();
            place.all_opens();
            let done = place.rotate(false, usize::MAX).unwrap();
            assert_eq!((done.left.len(), done.ring.ids().len()), (0, 1), "stopped at {stop_at}");
            let ring = place.all_opens();
            assert!(ring.find(old).is_none(), "stopped at {stop_at}");
            let kept = place.tokens.load("anna@gmx.de").unwrap().unwrap();
            assert_eq!(sealed_with(&kept.refresh.unwrap()).unwrap(), ring.sealing().id());
            if !killed {
                assert!(stop_at > ACCOUNTS.len());
                return;
            }
        }
    }

    #[test]
    fn an_account_that_does_not_open_keeps_the_old_key_until_it_is_given_up() {
        let place = Place::new();
        let file = place.directory.path().join("accounts.d/berta@gmx.de.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("l@gmx.de", "eve@gmx.de")).unwrap();
        for _ in 0..2 {
            let done = place.rotate(false, usize::MAX).unwrap();
            assert_eq!((done.left.len(), done.ring.ids().len()), (1, 2), "{:?}", done.left);
            assert!(done.left[0].contains("berta@gmx.de"), "{:?}", done.left);
        }
        assert_eq!(place.rotate(true, usize::MAX).unwrap().ring.ids().len(), 1);
        assert_eq!(KeyRing::read(&place.key()).unwrap().ids().len(), 1);
    }
}
