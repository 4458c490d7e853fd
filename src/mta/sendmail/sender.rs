//! The envelope sender where no option names one.

use crate::account::{Place, Store};
use crate::config::Config;
use crate::mta::host;
use crate::wire::mailbox::{Mailbox, MailboxError, ReversePath};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The address of the one account in the user's own place of accounts, else his name at this host.
///
/// # Errors
/// A user or host name that makes no address.
pub(super) fn default(config: &Config, store: &dyn Store, user: &str, uid: u32) -> Result<ReversePath, MailboxError> {
    let (Place::Directory(place) | Place::Sqlite(place)) = &config.accounts;
    let own = is_owned_by(place, uid).then(|| only_address(store)).flatten();
    let mailbox = own.map_or_else(|| Mailbox::parse(&format!("{user}@{}", host())), Ok)?;
    Ok(ReversePath::Mailbox(mailbox))
}

/// Where every account is the user's, so that looking at all of them takes no time.
fn is_owned_by(place: &Path, uid: u32) -> bool {
    std::fs::metadata(place).is_ok_and(|metadata| metadata.uid() == uid)
}

/// The address, where there is just one; an alias is no account.
fn only_address(store: &dyn Store) -> Option<Mailbox> {
    let mut found = Vec::new();
    let survey = store.survey(&mut |one| {
        let account = one.account.filter(|_| one.alias.is_none());
        found.extend(account.and_then(|account| account.address.mailbox().cloned()));
    });
    survey.ok().and_then(|()| (found.len() == 1).then(|| found.remove(0)))
}
