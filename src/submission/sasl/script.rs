//! The mechanisms whose client says its lines whatever the server asks: PLAIN, LOGIN, XOAUTH2, OAUTHBEARER.

use super::{Octets, joined};

/// What the client says, line after line.
pub(super) struct Script {
    lines: std::vec::IntoIter<Octets>,
    /// The answer to an error challenge, which comes after the last line.
    acknowledgement: Option<&'static [u8]>,
}

impl Script {
    /// RFC 4616: `[authzid] NUL authcid NUL passwd`; the authorisation identity stays empty.
    pub(super) fn plain(login: &str, password: &str) -> Script {
        Script::new(vec![joined(&["\0", login, "\0", password])], None)
    }

    /// draft-murchison-sasl-login: the login, then the password, whatever words the server asks with.
    pub(super) fn login(login: &str, password: &str) -> Script {
        Script::new(vec![joined(&[login]), joined(&[password])], None)
    }

    /// Google's and Microsoft's: `user=`, `auth=Bearer `, each ended by ^A, and another ^A. A refusal is a challenge,
    /// which an empty line answers.
    pub(super) fn xoauth2(login: &str, token: &str) -> Script {
        Script::new(vec![joined(&["user=", login, "\x01auth=Bearer ", token, "\x01\x01"])], Some(b""))
    }

    /// RFC 7628 section 3.1, with the GS2 header of RFC 5801; a refusal is answered by ^A (section 3.2.3).
    pub(super) fn oauth_bearer(login: &str, token: &str, host: &str, port: u16) -> Script {
        let login = login.replace('=', "=3D").replace(',', "=2C");
        let place = format!(",\x01host={host}\x01port={port}\x01auth=Bearer ");
        Script::new(vec![joined(&["n,a=", &login, &place, token, "\x01\x01"])], Some(b"\x01"))
    }

    fn new(lines: Vec<Octets>, acknowledgement: Option<&'static [u8]>) -> Script {
        Script { lines: lines.into_iter(), acknowledgement }
    }

    /// The next line; none after the last.
    pub(super) fn next(&mut self) -> Option<Octets> {
        self.lines.next()
    }

    /// The answer to a challenge after the last line, once.
    pub(super) fn acknowledge(&mut self) -> Option<Octets> {
        self.acknowledgement.take().map(|octets| Octets::new(octets.to_vec()))
    }
}
