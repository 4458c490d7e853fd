//! Routing by login: the account whose address the login is, for senders that have none of their own.

use super::{AccountError, Authorise, Found, Rule, Store, Submitter};
use crate::wire::mailbox::Mailbox;

/// The account that the submitter's login is the address of, if he may use it.
///
/// # Errors
/// [`AccountError`]
pub fn by_login(store: &dyn Store, submitter: &Submitter, authorise: Authorise) -> Result<Option<Found>, AccountError> {
    let Submitter::Login(login) = submitter else { return Ok(None) };
    let address = Mailbox::parse(login).ok().filter(|login| !login.domain().is_empty());
    let Some(address) = address else { return Ok(None) };
    let found = store.find(&address)?.filter(|found| found.account.admits(submitter, authorise));
    Ok(found.map(|found| Found { rule: Rule::Login, ..found }))
}
