//! Postfix's socketmap (socketmap_table(5)): look-up tables that are the accounts themselves, so an account that was
//! added is known to the next message, without a map to build or a reload.
//!
//! | table | key | value |
//! |---|---|---|
//! | `transport` | a sender | the transport of mail with an account (`map: {transport: ...}`) |
//! | `login` | a sender | the logins that own it: its account's `users` |
//! | `relayhost` | a sender | its provider's server, `[host]:port` |
//!
//! Keys are those that Postfix asks for: `user@domain`, `user`, `@domain`, and `<>` for the null sender. Trouble is
//! `TEMP`, never an answer about the key. [`export`] writes a table down for `texthash:` and `lmdb:`.

use super::exchange::{Exchange, Next};
use crate::account::{self, Account, AccountAddress, AccountError, Store, User};
use crate::config::{Config, NullSender};
use crate::log;
use crate::wire::mailbox::Mailbox;
use crate::wire::netstring::{self, Netstring};
use crate::wire::socketmap::{MAX_SOCKETMAP, SocketmapReply, SocketmapRequest};
use std::sync::Arc;

/// Stands for the owner of what nobody may use, and is no login: Postfix parts logins by blanks and commas.
const NOBODY: &str = "<nobody>";

/// The tables that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `transport`, for `sender_dependent_default_transport_maps`.
    Transport,
    /// `login`, for `smtpd_sender_login_maps`.
    Login,
    /// `relayhost`, for `sender_dependent_relayhost_maps`.
    Relayhost,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 3] = [Table::Transport, Table::Login, Table::Relayhost];

    /// Its name in `socketmap:SOCKET:NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Table::Transport => "transport",
            Table::Login => "login",
            Table::Relayhost => "relayhost",
        }
    }

    fn from_name(name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|table| table.name() == name)
    }
}

/// What answers look-ups. Accounts are looked at anew for each.
pub struct Maps {
    accounts: Arc<dyn Store>,
    null_sender: NullSender,
    transport: String,
}

/// The tables of a process that could not read its configuration: all look-ups fail for now.
pub struct NoMaps;

/// One line of an exported table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A key and its value.
    Line(String, String),
    /// An account that has no line, and why.
    Left(String),
}

impl Maps {
    /// By this configuration. Nothing is opened yet.
    pub fn new(config: &Config) -> Maps {
        Maps::with_accounts(config, account::open(&config.accounts, config.presets.clone()))
    }

    /// The same over the configuration's accounts as somebody else opened them.
    pub fn with_accounts(config: &Config, accounts: Arc<dyn Store>) -> Maps {
        Maps { accounts, null_sender: config.null_sender.clone(), transport: config.map.transport.clone() }
    }

    /// The reply to a request.
    pub fn reply(&self, request: &SocketmapRequest<'_>) -> SocketmapReply {
        let Some(table) = Table::from_name(request.map) else {
            return SocketmapReply::Perm("no such table: there are transport, login and relayhost".to_owned());
        };
        match self.account_of(request.key) {
            Ok(account) => match account.and_then(|account| self.value(table, &account)) {
                Some(value) => SocketmapReply::Ok(value),
                None => SocketmapReply::NotFound,
            },
            Err(error) => {
                log::warning(&format!("map {}: {error}", table.name()));
                SocketmapReply::Temp("an account can't be read".to_owned())
            }
        }
    }

    /// Every line of a table, as far as accounts can be read.
    ///
    /// # Errors
    /// [`AccountError`], when the accounts as a whole can't be read.
    pub fn export(&self, table: Table, each: &mut dyn FnMut(Entry)) -> Result<(), AccountError> {
        if let (NullSender::Via(address), Table::Transport) = (&self.null_sender, table)
            && let Some(value) = self.accounts.find(address)?.and_then(|found| self.value(table, &found.account))
        {
            each(Entry::Line("<>".to_owned(), value));
        }
        self.accounts.survey(&mut |surveyed| {
            let Some(account) = &surveyed.account else {
                return each(Entry::Left(format!("{}: can't be read", surveyed.path.display())));
            };
            let key = surveyed.alias.as_ref().unwrap_or(&account.address).folded();
            match self.value(table, account) {
                Some(_) if key.contains(char::is_whitespace) || key.starts_with('#') => {
                    each(Entry::Left(format!("{key}: no key of a text table")));
                }
                Some(value) => each(Entry::Line(key, value)),
                None => each(Entry::Left(format!("{key}: every login may use it, which a table can't say"))),
            }
        })
    }

    fn account_of(&self, key: &str) -> Result<Option<Arc<Account>>, AccountError> {
        if let Ok(domain @ AccountAddress::Domain(_)) = AccountAddress::parse(key) {
            return self.accounts.load(&domain);
        }
        let sender = match (key, &self.null_sender) {
            ("" | "<>", NullSender::Via(address)) => address.clone(),
            ("" | "<>", NullSender::Defer | NullSender::Bounce) => return Ok(None),
            (key, _) => match Mailbox::parse(key) {
                // Postfix asks for the bare local-part too, which is nobody's of its domain.
                Ok(mailbox) if !mailbox.domain().is_empty() => mailbox,
                Ok(_) | Err(_) => return Ok(None),
            },
        };
        Ok(self.accounts.find(&sender)?.map(|found| found.account))
    }

    fn value(&self, table: Table, account: &Account) -> Option<String> {
        let server = &account.submission;
        match table {
            Table::Transport => Some(self.transport.clone()),
            Table::Login => owners(&account.users),
            Table::Relayhost => Some(format!("[{}]:{}", server.host, server.port)),
        }
    }
}

/// The logins, parted by commas; `None` where every login is meant, which no list can say. What can't stand in a list is
/// left out, and so may not.
fn owners(users: &[User]) -> Option<String> {
    if users.contains(&User::AnyLogin) {
        return None;
    }
    let logins: Vec<&str> = users
        .iter()
        .filter_map(|user| match user {
            User::Login(login) if !login.contains([' ', '\t', '\r', '\n', ',']) => Some(login.as_str()),
            _ => None,
        })
        .collect();
    Some(if logins.is_empty() { NOBODY.to_owned() } else { logins.join(",") })
}

impl Exchange for Maps {
    fn next(&self, buffer: &[u8]) -> Next {
        next(buffer, |request| self.reply(request))
    }
}

impl Exchange for NoMaps {
    fn next(&self, buffer: &[u8]) -> Next {
        next(buffer, |_| SocketmapReply::Temp("sendvia's configuration can't be read".to_owned()))
    }
}

fn next(buffer: &[u8], reply: impl Fn(&SocketmapRequest<'_>) -> SocketmapReply) -> Next {
    match Netstring::parse(buffer, MAX_SOCKETMAP) {
        Ok(None) => Next::Incomplete,
        Ok(Some(Netstring { payload, consumed })) => {
            let reply = match SocketmapRequest::parse(payload) {
                Some(request) => reply(&request),
                None => SocketmapReply::Perm("expected a table's name, a blank and a key".to_owned()),
            };
            Next::Reply { consumed, reply: netstring::encode(&reply.to_payload()) }
        }
        Err(error) => Next::Broken(format!("map: {error}")),
    }
}

#[cfg(test)]
mod tests;
