//! Seals again what is sealed with an old key: accounts in their store, tokens in the state. Each is replaced as a whole,
//! so that whoever is killed between two of them leaves all of them openable by the ring that has both keys.

use super::super::failure::Failure;
use crate::account::{Account, AccountAddress, Existing, Store};
use crate::secret::key::KeyRing;
use crate::secret::sealed::{SealError, sealed_with};
use crate::secret::token::{TokenStore, Tokens};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long somebody else's renewal of a token is waited for: a token endpoint is asked meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// What there is to do, and what can't be done.
#[derive(Default)]
pub(super) struct Survey {
    /// Accounts with something that an old key sealed.
    pub(super) accounts: Vec<AccountAddress>,
    /// Accounts that can't be read, and so can't be sealed again.
    pub(super) unreadable: Vec<String>,
}

/// Looks at every account.
pub(super) fn survey(store: &dyn Store, ring: &KeyRing) -> Result<Survey, Failure> {
    let mut survey = Survey::default();
    store.survey(&mut |one| match one.account {
        None => survey.unreadable.push(format!("{}: can't be read", one.path.display())),
        Some(account) if one.alias.is_none() && needs_sealing(ring, &account) => survey.accounts.push(account.address),
        Some(_) => {}
    })?;
    Ok(survey)
}

fn needs_sealing(ring: &KeyRing, account: &Account) -> bool {
    account.sealed().iter().any(|(_, text)| sealed_with(text).ok() != Some(ring.sealing().id()))
}

/// Seals the account's secrets again. The sealed texts are replaced where they stand: nothing else in the file changes.
pub(super) fn account(store: &dyn Store, ring: &KeyRing, address: &AccountAddress) -> Result<(), Failure> {
    let (Some(account), Some(mut text)) = (store.load(address)?, store.text(address)?) else {
        // Removed meanwhile.
        return Ok(());
    };
    for (binding, sealed) in account.sealed() {
        let Some(fresh) = ring.reseal(&binding, sealed)? else { continue };
        if !text.contains(sealed) {
            let problem = format!("{address}: the sealed text does not stand in the file as one piece");
            return Err(Failure::new(problem).hint(format!("sendvia account set-secret {address}")));
        }
        text = Zeroizing::new(text.replace(sealed, &fresh));
    }
    Ok(store.put(address, &text, Existing::Replace)?)
}

/// Seals an account's tokens again, while nobody renews them. Tokens that do not open are of no use to anybody.
pub(super) fn tokens(store: &dyn TokenStore, ring: &KeyRing, account: &str) -> Result<(), Failure> {
    let begin = Instant::now();
    let _lock = loop {
        match store.try_lock(account)? {
            Some(lock) => break lock,
            None if begin.elapsed() > PATIENCE => {
                let problem = format!("{account}: its access token is being renewed for over a minute");
                return Err(Failure::new(problem).hint("try again"));
            }
            None => sleep(Duration::from_millis(20)),
        }
    };
    let Some(kept) = store.load(account)? else { return Ok(()) };
    match fresh_tokens(ring, kept)? {
        Some(fresh) => Ok(store.store(&fresh)?),
        None => Ok(()),
    }
}

/// The tokens sealed with the new key; `None` where they are already.
fn fresh_tokens(ring: &KeyRing, kept: Tokens) -> Result<Option<Tokens>, Failure> {
    let mut fresh = kept.clone();
    let reseal = |binding, text: &str| match ring.reseal(&binding, text) {
        Ok(fresh) => Ok(fresh.unwrap_or_else(|| text.to_owned())),
        Err(SealError::Random(error)) => Err(SealError::Random(error)),
        Err(_) => Ok(text.to_owned()),
    };
    if let Some(refresh) = &kept.refresh {
        fresh.refresh = Some(reseal(kept.refresh_binding(), refresh)?);
    }
    if let (Some(access), Some(into)) = (&kept.access, &mut fresh.access) {
        into.token = reseal(kept.access_binding(), &access.token)?;
    }
    Ok((fresh != kept).then_some(fresh))
}
