//! Unix users of this host, as the kernel tells them.

use crate::account::Submitter;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Whoever called this process.
pub(super) fn caller() -> Submitter {
    submitter(rustix::process::getuid().as_raw())
}

/// The user with this id.
pub(super) fn submitter(uid: u32) -> Submitter {
    let name = File::open("/etc/passwd").ok().and_then(|file| name_in(BufReader::new(file), uid));
    Submitter::UnixUser { name: name.unwrap_or_else(|| format!("uid {uid}")), uid }
}

/// The first name of `uid` in a passwd(5).
fn name_in(passwd: impl BufRead, uid: u32) -> Option<String> {
    passwd.split(b'\n').map_while(Result::ok).find_map(|line| {
        let line = String::from_utf8_lossy(&line);
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
        assert!(matches!(caller(), Submitter::UnixUser { .. }));
    }
}
