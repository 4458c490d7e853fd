//! Unix users of this host, as the kernel tells them.

use crate::account::Submitter;
use crate::fence;
use crate::verdict::Outcome;
use std::io;
use std::path::Path;

const PASSWD: &str = "/etc/passwd";

/// Whoever called this process.
///
/// # Errors
/// As [`submitter`].
pub(super) fn caller() -> Result<Submitter, Outcome> {
    submitter(rustix::process::getuid().as_raw())
}

/// The user with this id.
///
/// # Errors
/// [`Outcome::Local`] where nobody can say: a user whose name is not known would be refused for good.
pub(super) fn submitter(uid: u32) -> Result<Submitter, Outcome> {
    let passwd = match std::fs::read(PASSWD) {
        Ok(passwd) => passwd,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            let error = fence::told(Path::new(PASSWD), error);
            return Err(Outcome::Local { problem: format!("{PASSWD}: {error}") });
        }
    };
    let name = name_in(&passwd, uid).unwrap_or_else(|| format!("uid {uid}"));
    Ok(Submitter::UnixUser { name, uid })
}

/// The first name of `uid` in a passwd(5).
fn name_in(passwd: &[u8], uid: u32) -> Option<String> {
    passwd.split(|octet| *octet == b'\n').find_map(|line| {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split(':');
        let (name, third) = (fields.next()?, fields.nth(1)?);
        (third.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number_alone() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# comment\n+:::\n1000:x:7:7::/:\nanna:x:1000:1000:Anna:/home/anna:/bin/sh\n";
        let name = |uid| name_in(passwd.as_bytes(), uid);
        assert_eq!(name(1000).as_deref(), Some("anna"));
        assert_eq!(name(0).as_deref(), Some("root"));
        assert_eq!(name(1), None);
        assert!(matches!(caller(), Ok(Submitter::UnixUser { .. })));
    }
}
