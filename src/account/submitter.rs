//! Who handed a message over, and who is on an account's list.

use std::fmt;

/// Who handed the message to the MTA, or to us.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Submitter {
    /// Somebody without a login: mail from outside, a bounce, a program.
    Nobody,
    /// A SASL login, as the MTA authenticated it.
    Login(String),
    /// A Unix user of this host, as the kernel tells it. A SASL login spelled `unix:anna` is not one.
    UnixUser {
        /// Name.
        name: String,
        /// User id.
        uid: u32,
    },
}

impl Submitter {
    /// What an MTA says of a message's login: no text is no login.
    pub fn from_login(login: &str) -> Submitter {
        match login {
            "" => Submitter::Nobody,
            login => Submitter::Login(login.to_owned()),
        }
    }
}

/// For a verdict: `login anna`, `Unix user anna`, `no login`.
impl fmt::Display for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Submitter::Nobody => f.write_str("no login"),
            Submitter::Login(login) => write!(f, "login {login}"),
            Submitter::UnixUser { name, .. } => write!(f, "Unix user {name}"),
        }
    }
}

/// Who decides which login may use which account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authorise {
    /// The account's `users`.
    #[default]
    Users,
    /// The MTA did (`reject_sender_login_mismatch`), whatever the account says.
    Mta,
}

/// One entry of an account's `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// `"*"`: any SASL login.
    AnyLogin,
    /// `anonymous`: mail without a login.
    Anonymous,
    /// `unix:*`: any Unix user of this host.
    AnyUnixUser,
    /// `unix:anna`: that Unix user of this host.
    UnixUser(String),
    /// Any other text: that SASL login, to the letter.
    Login(String),
}

impl User {
    /// Reads an entry.
    pub fn parse(text: &str) -> User {
        match (text, text.strip_prefix("unix:")) {
            ("*", _) => User::AnyLogin,
            ("anonymous", _) => User::Anonymous,
            (_, Some("*")) => User::AnyUnixUser,
            (_, Some(name)) => User::UnixUser(name.to_owned()),
            (login, None) => User::Login(login.to_owned()),
        }
    }

    /// Whether the entry speaks of `submitter`.
    pub fn includes(&self, submitter: &Submitter) -> bool {
        match (self, submitter) {
            (User::AnyLogin, Submitter::Login(_)) | (User::Anonymous, Submitter::Nobody) => true,
            (User::AnyUnixUser, Submitter::UnixUser { .. }) => true,
            (User::UnixUser(listed), Submitter::UnixUser { name, .. }) => listed == name,
            (User::Login(listed), Submitter::Login(login)) => listed == login,
            _ => false,
        }
    }
}

/// As the account file has it.
impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            User::AnyLogin => f.write_str("*"),
            User::Anonymous => f.write_str("anonymous"),
            User::AnyUnixUser => f.write_str("unix:*"),
            User::UnixUser(name) => write!(f, "unix:{name}"),
            User::Login(login) => f.write_str(login),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_includes_whom_it_names_and_nobody_else() {
        let login = |name: &str| Submitter::Login(name.to_owned());
        let unix = |name: &str| Submitter::UnixUser { name: name.to_owned(), uid: 1000 };
        let rows = [
            ("anna", login("anna"), true),
            ("anna", login("Anna"), false),
            ("anna", login("ann"), false),
            ("anna", Submitter::Nobody, false),
            ("anna", unix("anna"), false),
            ("unix:anna", unix("anna"), true),
            ("unix:anna", login("unix:anna"), false),
            ("unix:anna", login("anna"), false),
            ("unix:*", unix("berta"), true),
            ("unix:*", login("unix:*"), false),
            ("*", login("anyone"), true),
            ("*", Submitter::Nobody, false),
            ("*", unix("anna"), false),
            ("anonymous", Submitter::Nobody, true),
            ("anonymous", login("anonymous"), false),
            ("anonymous", unix("anonymous"), false),
        ];
        for (entry, submitter, expected) in rows {
            assert_eq!(User::parse(entry).includes(&submitter), expected, "{entry} and {submitter:?}");
            assert_eq!(User::parse(entry).to_string(), entry);
        }
    }

    #[test]
    fn an_empty_login_is_nobody() {
        assert_eq!(Submitter::from_login(""), Submitter::Nobody);
    }
}
