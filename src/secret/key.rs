//! The key ring: the keys that seal secrets at rest.
//!
//! A ring is a text of lines, `v1:KEYID:BASE64`, with comments after `#`. The first key seals; every key opens. So a
//! rotation puts a new key in front, seals everything again, and takes the old keys off when nothing needs them.
//! The key's id is derived from the key, so a damaged line is noticed instead of opening nothing.

use super::commands::{Wanted, output};
use super::private::{self, PrivateFileError};
use super::source::{SecretCommand, SecretError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use std::fmt;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// More than a ring of hundreds of keys takes.
const MAX_RING: u64 = 64 * 1024;
/// Octets of an XChaCha20-Poly1305 key.
const KEY_LENGTH: usize = 32;
/// Octets of a key's id: enough to tell keys apart, far too few to be one.
const ID_LENGTH: usize = 6;
/// The form of a line in a ring.
const VERSION: &str = "v1";
const HEADING: &str = "# sendvia's keys: the first one seals, all of them open. Whoever can read this file can read every \
                       sealed secret.\n";

/// Names a key without telling anything of it: twelve hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_LENGTH]);

/// A key. It is wiped when dropped, and has no text form but the ring's.
pub struct Key {
    id: KeyId,
    octets: SecretBox<[u8; KEY_LENGTH]>,
}

/// The keys in use, the sealing one first. Never empty.
pub struct KeyRing {
    keys: Vec<Key>,
}

/// Why there is no usable key ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be used.
    #[error("key: {0}")]
    File(#[from] PrivateFileError),
    /// The command that prints it failed.
    #[error("key: {0}")]
    Command(#[from] Box<SecretError>),
    /// A line that is not a key.
    #[error("key: line {line}: expected v1:KEYID:BASE64, but found something else")]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// The id is not this key's: the line was damaged.
    #[error("key: line {line}: the key does not match its id {id}")]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// The id that stands there.
        id: KeyId,
    },
    /// The same key twice.
    #[error("key: line {line}: key {id} stands there twice")]
    Repeated {
        /// Counted from 1.
        line: usize,
        /// The key.
        id: KeyId,
    },
    /// No key at all.
    #[error("key: no key in it")]
    Empty,
    /// The system's generator refused.
    #[error("key: no random octets: {0}")]
    Random(io::Error),
}

impl KeyError {
    /// The remedy, a command where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            KeyError::File(error) if error.is_missing() => Some("make one with `sendvia key new`".to_owned()),
            KeyError::File(error) => error.hint(),
            KeyError::Command(error) => error.hint(),
            KeyError::Malformed { .. } | KeyError::Damaged { .. } | KeyError::Repeated { .. } => {
                Some("put the ring back from your copy (`sendvia key export` made one)".to_owned())
            }
            KeyError::Empty => Some("make one with `sendvia key new`".to_owned()),
            KeyError::Random(_) => None,
        }
    }
}

impl Key {
    /// A new key from the system's generator.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Key, KeyError> {
        let mut filled = Ok(());
        let octets = SecretBox::init_with_mut(|octets: &mut [u8; KEY_LENGTH]| filled = super::random(octets));
        filled.map_err(KeyError::Random)?;
        Ok(Key::new(octets))
    }

    fn new(octets: SecretBox<[u8; KEY_LENGTH]>) -> Key {
        Key { id: KeyId::of(octets.expose_secret()), octets }
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself, for the cipher.
    pub(super) fn octets(&self) -> &[u8; KEY_LENGTH] {
        self.octets.expose_secret()
    }

    /// `v1:KEYID:BASE64`
    fn parse(text: &str, line: usize) -> Result<Key, KeyError> {
        let malformed = || KeyError::Malformed { line };
        let mut parts = text.splitn(3, ':');
        let (version, id, encoded) = (parts.next(), parts.next(), parts.next());
        let id: KeyId = id.and_then(KeyId::parse).ok_or_else(malformed)?;
        if version != Some(VERSION) {
            return Err(malformed());
        }
        let decoded = Zeroizing::new(STANDARD.decode(encoded.unwrap_or_default()).map_err(|_| malformed())?);
        if decoded.len() != KEY_LENGTH {
            return Err(malformed());
        }
        let key = Key::new(SecretBox::init_with_mut(|octets: &mut [u8; KEY_LENGTH]| octets.copy_from_slice(&decoded)));
        if key.id == id { Ok(key) } else { Err(KeyError::Damaged { line, id }) }
    }
}

impl KeyRing {
    /// A ring of one new key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<KeyRing, KeyError> {
        Ok(KeyRing { keys: vec![Key::generate()?] })
    }

    /// Reads a ring from its file, which must be private.
    ///
    /// # Errors
    /// [`KeyError`]; no key is in its text.
    pub fn read(path: &Path) -> Result<KeyRing, KeyError> {
        KeyRing::parse(&private::read(path, MAX_RING)?)
    }

    /// Reads a ring as a command prints it.
    ///
    /// # Errors
    /// [`KeyError`]; no key is in its text.
    pub async fn from_command(words: &[String]) -> Result<KeyRing, KeyError> {
        KeyRing::parse(&output(&SecretCommand::of_words(words), &Wanted::Key).await.map_err(Box::new)?)
    }

    /// Reads a ring from its text.
    ///
    /// # Errors
    /// [`KeyError`]; no key is in its text.
    pub fn parse(octets: &[u8]) -> Result<KeyRing, KeyError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, line) in octets.split(|octet| *octet == b'\n').enumerate() {
            let number = index + 1;
            let text = std::str::from_utf8(line).map_err(|_| KeyError::Malformed { line: number })?;
            let text = text.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let key = Key::parse(text, number)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeyError::Repeated { line: number, id: key.id });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(KeyRing { keys }) }
    }

    /// The ring as text, which holds every key.
    pub fn to_text(&self) -> Zeroizing<String> {
        let line = VERSION.len() + 2 * ID_LENGTH + KEY_LENGTH.div_ceil(3) * 4 + 3;
        // Room for all at once: a buffer that grows leaves copies of the keys behind.
        let mut text = Zeroizing::new(String::with_capacity(HEADING.len() + self.keys.len() * line));
        text.push_str(HEADING);
        for key in &self.keys {
            let encoded = Zeroizing::new(STANDARD.encode(key.octets()));
            for part in [VERSION, ":", &key.id.to_string(), ":", &encoded, "\n"] {
                text.push_str(part);
            }
        }
        text
    }

    /// Replaces the ring's file.
    ///
    /// # Errors
    /// [`KeyError::File`]; then the old file stands as it was.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        Ok(private::write(path, self.to_text().as_bytes())?)
    }

    /// The key that seals.
    pub fn sealing(&self) -> &Key {
        // Every way to make a ring gives it a key, and none takes the last one off.
        &self.keys[0]
    }

    /// The key of that name.
    pub fn find(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// All keys' names, the sealing one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(Key::id).collect()
    }

    /// The ring with a new key in front.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn with_new_key(mut self) -> Result<KeyRing, KeyError> {
        self.keys.insert(0, Key::generate()?);
        Ok(self)
    }

    /// The ring with its sealing key alone.
    pub fn without_old_keys(mut self) -> KeyRing {
        self.keys.truncate(1);
        self
    }
}

impl KeyId {
    fn of(key: &[u8; KEY_LENGTH]) -> KeyId {
        let mut id = [0; ID_LENGTH];
        // HMAC takes a key of any length, so this arm is the only one.
        if let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) {
            let digest = mac.chain_update(b"sendvia key id").finalize().into_bytes();
            id.copy_from_slice(&digest[..ID_LENGTH]);
        }
        KeyId(id)
    }

    /// Reads twelve hexadecimal digits, lower case.
    pub fn parse(text: &str) -> Option<KeyId> {
        let digits = text.as_bytes();
        if digits.len() != 2 * ID_LENGTH || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut id = [0; ID_LENGTH];
        for (octet, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(KeyId(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: usize) -> KeyRing {
        let first = KeyRing::generate().expect("random octets");
        (1..keys).fold(first, |ring, _| ring.with_new_key().expect("random octets"))
    }

    #[test]
    fn a_ring_survives_its_text_with_the_sealing_key_first() {
        let ring = ring(3);
        let read = KeyRing::parse(ring.to_text().as_bytes()).expect("its own text");
        assert_eq!(read.ids(), ring.ids());
        assert_eq!(read.sealing().octets(), ring.sealing().octets());
        assert_eq!(read.without_old_keys().ids(), vec![ring.sealing().id()]);
    }

    #[test]
    fn text_that_is_no_ring_is_refused_by_line_and_without_showing_a_key() {
        let good = ring(1).to_text().to_string();
        let line = good.lines().nth(1).expect("a key").to_owned();
        let id = line.split(':').nth(1).expect("an id");
        let damaged = line.replace(id, "000000000000");
        let rows = [
            (String::new(), "no key"),
            ("# nothing\n".to_owned(), "no key"),
            ("hunter2\n".to_owned(), "line 1: expected"),
            (good.replace("v1:", "v2:"), "line 2: expected"),
            (format!("{good}{line}\n"), "line 3: key"),
            (format!("\n{damaged}\n"), "line 2: the key does not match"),
            (line[..line.len() - 8].to_owned(), "line 1: expected"),
        ];
        for (text, expected) in rows {
            let error = KeyRing::parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{expected}")).to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(line.split(':').nth(2).expect("a key")), "{error}");
        }
        assert!(KeyRing::parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_written_ring_is_read_back_and_a_missing_one_says_how_to_make_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        let missing = KeyRing::read(&path).err().expect("no file yet");
        assert_eq!(missing.hint().as_deref(), Some("make one with `sendvia key new`"));
        let ring = ring(2);
        ring.write(&path).expect("written");
        assert_eq!(KeyRing::read(&path).expect("private").ids(), ring.ids());
    }

    #[test]
    fn an_id_is_twelve_lower_case_hexadecimal_digits() {
        assert_eq!(KeyId::parse("00ff10a2b3c4").map(|id| id.to_string()).as_deref(), Some("00ff10a2b3c4"));
        for text in ["", "00ff10a2b3c", "00FF10A2B3C4", "00ff10a2b3c4d", "+1+1+1+1+1+1", "zzzzzzzzzzzz"] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
