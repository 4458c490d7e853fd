//! The name of an account's file, made from its address so that no address can leave the directory.
//!
//! The folded address, with `%XX` for what has a meaning in a path, in a file name or in an address's grammar, and
//! `.yaml` behind it. A name over 255 octets is a digest of the address instead; such a file tells its address by the
//! key `address`.

use super::address::AccountAddress;
use crate::wire::mailbox::Mailbox;
use sha2::{Digest, Sha256};

/// The end of an account file's name.
pub(super) const SUFFIX: &str = ".yaml";

/// The longest file name that Linux's file systems take, in octets.
const MAX_NAME: usize = 255;

/// What begins a name that is a digest; no encoded address begins so, because `%` is always followed by two digits.
const DIGEST: &str = "%sha256-";

/// The name of the file of `mailbox`.
pub(super) fn of_mailbox(mailbox: &Mailbox) -> String {
    of(&AccountAddress::Mailbox(mailbox.clone()))
}

/// The name of the file of `address`.
pub fn of(address: &AccountAddress) -> String {
    let stem = match address {
        AccountAddress::Domain(domain) => format!("@{}", encoded(domain)),
        AccountAddress::Mailbox(mailbox) => {
            let local_part = encoded(&mailbox.unquoted_local_part().to_lowercase());
            match mailbox.domain() {
                "" => local_part,
                _ => format!("{local_part}@{}", encoded(&address.domain())),
            }
        }
    };
    match stem.len() + SUFFIX.len() <= MAX_NAME {
        true => stem + SUFFIX,
        false => format!("{DIGEST}{}{SUFFIX}", hex(&Sha256::digest(stem.as_bytes()))),
    }
}

/// The address of the file called `name`; `None` for a digest, and for what is no account's name.
pub(super) fn address(name: &str) -> Option<AccountAddress> {
    let stem = name.strip_suffix(SUFFIX)?;
    if let Some(domain) = stem.strip_prefix('@') {
        return AccountAddress::parse(&format!("@{}", decoded(domain)?)).ok();
    }
    let text = match stem.split_once('@') {
        Some((local_part, domain)) => format!("{}@{}", quoted(&decoded(local_part)?), decoded(domain)?),
        None => quoted(&decoded(stem)?),
    };
    Mailbox::parse(&text).ok().map(AccountAddress::Mailbox)
}

/// Whether the name holds a digest, so that the address stands in the file.
pub(super) fn is_digest(name: &str) -> bool {
    name.starts_with(DIGEST)
}

/// Whether the name of this address's file does not tell it.
pub fn is_digest_of(address: &AccountAddress) -> bool {
    is_digest(&of(address))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (index, character) in text.char_indices() {
        let leads = index == 0 && matches!(character, '.' | '-');
        match leads || matches!(character, '/' | '%' | '@' | '\\') || character.is_control() {
            false => encoded.push(character),
            true => {
                let mut octets = [0; 4];
                for octet in character.encode_utf8(&mut octets).bytes() {
                    encoded.push_str(&format!("%{octet:02x}"));
                }
            }
        }
    }
    encoded
}

fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'%' {
            octets.push(*first);
            rest = behind;
            continue;
        }
        let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
        octets.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &behind[2..];
    }
    String::from_utf8(octets).ok()
}

/// The local-part as a quoted-string where it must be one; a mailbox's parser decides the rest.
fn quoted(local_part: &str) -> String {
    match local_part.starts_with(['"', '<', ' ']) || local_part.contains('@') {
        true => format!("\"{}\"", local_part.replace('\\', "\\\\").replace('"', "\\\"")),
        false => local_part.to_owned(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Component, Path};

    #[test]
    fn a_name_shows_its_address_and_leads_back_to_it() {
        let rows = [
            ("anna@gmx.de", "anna@gmx.de.yaml"),
            ("Anna@GMX.de", "anna@gmx.de.yaml"),
            ("@Example.org", "@example.org.yaml"),
            ("anna@bücher.example", "anna@xn--bcher-kva.example.yaml"),
            ("postmaster", "postmaster.yaml"),
            ("-f@x.example", "%2df@x.example.yaml"),
            ("a/b@x.example", "a%2fb@x.example.yaml"),
            ("../../etc/passwd@x.example", "%2e.%2f..%2fetc%2fpasswd@x.example.yaml"),
            ("..@x.example", "%2e.@x.example.yaml"),
            (".", "%2e.yaml"),
            ("100%@x.example", "100%25@x.example.yaml"),
            ("\"a@b\"@x.example", "a%40b@x.example.yaml"),
            ("\"@example.org\"", "%40example.org.yaml"),
            ("\"a b\"@x.example", "a b@x.example.yaml"),
            ("\"a\\\"b\"@x.example", "a\"b@x.example.yaml"),
            ("u@[192.0.2.1]", "u@[192.0.2.1].yaml"),
            ("jürgen@x.example", "jürgen@x.example.yaml"),
        ];
        for (text, expected) in rows {
            let account = AccountAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(of(&account), expected);
            let back = address(expected).unwrap_or_else(|| panic!("{expected} has no address"));
            assert_eq!(back.folded(), account.folded(), "{expected}");
        }
    }

    #[test]
    fn a_name_over_255_octets_is_a_digest_of_its_own() {
        let long = |last: &str| Mailbox::parse(&format!("{}{last}@x.example", "ü".repeat(150))).expect("an address");
        let (one, other) = (of_mailbox(&long("1")), of_mailbox(&long("2")));
        assert!(is_digest(&one) && one.len() <= 255 && one != other);
        assert_eq!(address(&one), None);
    }

    proptest::proptest! {
        #[test]
        fn no_address_leaves_the_directory_and_no_two_share_a_file(one in ".{1,300}", other in ".{1,300}") {
            let (Ok(one), Ok(other)) = (AccountAddress::parse(&one), AccountAddress::parse(&other)) else { return Ok(()) };
            let name = of(&one);
            let path = Path::new(&name);
            proptest::prop_assert!(matches!(path.components().collect::<Vec<_>>()[..], [Component::Normal(_)]));
            proptest::prop_assert!(name.len() <= 255 && !name.starts_with(['.', '-']) && !name.contains('\0'));
            proptest::prop_assert_eq!(name == of(&other), one.folded() == other.folded());
        }
    }
}
