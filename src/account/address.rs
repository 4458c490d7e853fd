//! Whose account it is: one mailbox's, or a whole domain's.

use crate::wire::mailbox::{Mailbox, MailboxError};
use std::fmt;

/// `anna@gmx.de`, or `@example.org` for every address of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountAddress {
    /// One mailbox.
    Mailbox(Mailbox),
    /// Every mailbox of a domain, which is in lower case and A-labels.
    Domain(String),
}

impl AccountAddress {
    /// Reads `local-part@domain` or `@domain`.
    ///
    /// # Errors
    /// [`MailboxError`].
    pub fn parse(text: &str) -> Result<AccountAddress, MailboxError> {
        match text.trim().strip_prefix('@').filter(|domain| !domain.contains([':', '@'])) {
            // A domain is valid where a mailbox in it is.
            Some(domain) => Mailbox::parse(&format!("x@{domain}")).map(|mailbox| AccountAddress::domain_of(&mailbox)),
            None => Mailbox::parse(text).map(AccountAddress::Mailbox),
        }
    }

    /// The domain of `mailbox`, as the address of an account.
    pub fn domain_of(mailbox: &Mailbox) -> AccountAddress {
        AccountAddress::Domain(folded_domain(mailbox))
    }

    /// The mailbox, if it is one's.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            AccountAddress::Mailbox(mailbox) => Some(mailbox),
            AccountAddress::Domain(_) => None,
        }
    }

    /// The form in which accounts are found and compared.
    pub fn folded(&self) -> String {
        match self {
            AccountAddress::Mailbox(mailbox) => mailbox.folded(),
            AccountAddress::Domain(domain) => format!("@{domain}"),
        }
    }

    /// The domain, folded.
    pub fn domain(&self) -> String {
        match self {
            AccountAddress::Mailbox(mailbox) => folded_domain(mailbox),
            AccountAddress::Domain(domain) => domain.clone(),
        }
    }

    /// Whether it has a domain: no provider has a sender without one.
    pub fn is_whole(&self) -> bool {
        !self.domain().is_empty()
    }

    /// Whether this is the domain of `mailbox`.
    pub(super) fn covers(&self, mailbox: &Mailbox) -> bool {
        matches!(self, AccountAddress::Domain(domain) if *domain == folded_domain(mailbox))
    }

    /// The address that every domain has (RFC 5321 section 4.5.1).
    pub(super) fn postmaster(&self) -> Mailbox {
        let bare = || Mailbox::parse("postmaster").unwrap_or_else(|_| unreachable!("a plain word is a local-part"));
        Mailbox::parse(&format!("postmaster@{}", self.domain())).unwrap_or_else(|_| bare())
    }
}

fn folded_domain(mailbox: &Mailbox) -> String {
    idna::domain_to_ascii(mailbox.domain()).unwrap_or_else(|_| mailbox.domain().to_lowercase())
}

impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountAddress::Mailbox(mailbox) => mailbox.fmt(f),
            AccountAddress::Domain(domain) => write!(f, "@{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_mailboxs_or_a_domains() {
        let rows = [
            ("anna@gmx.de", Some(("anna@gmx.de", "anna@gmx.de"))),
            ("@Example.ORG", Some(("@example.org", "@example.org"))),
            ("@bücher.example", Some(("@xn--bcher-kva.example", "@xn--bcher-kva.example"))),
            ("Anna@GMX.de", Some(("Anna@GMX.de", "anna@gmx.de"))),
            ("@", None),
            ("@x y", None),
            ("@../etc", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let address = AccountAddress::parse(text).ok();
            let shown = address.as_ref().map(|address| (address.to_string(), address.folded()));
            assert_eq!(shown, expected.map(|(shown, folded)| (shown.to_owned(), folded.to_owned())), "{text}");
        }
    }
}
