//! Accounts that were read before, so that a process which is asked all day does not read the same text again.
//!
//! Nothing here is believed without the file: each look-up opens it, and what is known counts only while the file is to
//! the kernel what it was then (device, inode, size, owner, mode, both times to the nanosecond). A file that was written a
//! moment before it was read is not kept, because a second write in the same tick of the clock would not show.

use crate::account::{Account, FileStamp};
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// What all of them may take, in octets: 100,000 accounts, which take some 140 MiB, are half of it.
const ROOM: usize = 288 << 20;

/// Longer than any file system's tick.
const TICK: Duration = Duration::from_secs(2);

/// Accounts by their files' names.
pub(super) struct Known {
    tick: Duration,
    by_name: RwLock<Generations>,
}

/// What was used lately, and what was used before that: once the first have filled half of the room, they become the
/// second, whose place they take. So it is what nobody asks for that is forgotten.
struct Generations {
    room: usize,
    recent: HashMap<Box<str>, Kept>,
    /// What the recent ones take.
    weight: usize,
    before: HashMap<Box<str>, Kept>,
}

/// A file's account, as the file was.
#[derive(Clone)]
struct Kept {
    stamp: FileStamp,
    read: Read,
    weight: usize,
}

/// What was read from a file.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) account: Arc<Account>,
    pub(super) is_alias: bool,
}

impl Default for Known {
    fn default() -> Known {
        Known { tick: TICK, by_name: RwLock::new(Generations::new(ROOM)) }
    }
}

impl Known {
    /// What was read from the file of this name, if it is still the same.
    pub(super) fn recall(&self, name: &str, stamp: &FileStamp) -> Option<Read> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = by_name.recent.get(name) {
            return kept.of(stamp);
        }
        let kept = by_name.before.get(name).filter(|kept| kept.stamp == *stamp)?.clone();
        drop(by_name);
        let read = kept.read.clone();
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).keep(name, kept);
        Some(read)
    }

    /// Keeps what was read from a file that looked so before it was read.
    pub(super) fn keep(&self, name: &str, stamp: FileStamp, read: &Read) {
        if !stamp.has_settled(SystemTime::now(), self.tick) {
            return;
        }
        let kept = Kept { stamp, read: read.clone(), weight: weight(name, &stamp) };
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).keep(name, kept);
    }
}

impl Generations {
    fn new(room: usize) -> Generations {
        Generations { room, recent: HashMap::new(), weight: 0, before: HashMap::new() }
    }

    fn keep(&mut self, name: &str, kept: Kept) {
        if self.weight + kept.weight > self.room / 2 {
            self.before = mem::take(&mut self.recent);
            self.weight = 0;
        }
        self.weight += kept.weight;
        if let Some(replaced) = self.recent.insert(name.into(), kept) {
            self.weight -= replaced.weight;
        }
    }
}

impl Kept {
    fn of(&self, stamp: &FileStamp) -> Option<Read> {
        (self.stamp == *stamp).then(|| self.read.clone())
    }
}

/// What an account takes, about: its structure, and its texts, of which many are short and so take some times what they
/// take in the file.
fn weight(name: &str, stamp: &FileStamp) -> usize {
    let text = usize::try_from(stamp.size()).unwrap_or(usize::MAX);
    (mem::size_of::<Account>() + 2 * mem::size_of::<Kept>() + name.len()).saturating_add(text.saturating_mul(3))
}

#[cfg(test)]
mod tests {
    use super::super::Directory;
    use super::*;
    use crate::account::Store;
    use crate::account::preset::Presets;
    use crate::wire::mailbox::Mailbox;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    fn find(store: &Directory, sender: &str) -> Option<String> {
        let found = store.find(&Mailbox::parse(sender).unwrap()).unwrap();
        found.map(|found| found.account.users.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    fn write(file: &Path, users: &str) {
        fs::write(file, format!("provider: gmx\nsecret: {{plain: hunter2}}\nusers: [{users}]\n")).unwrap();
    }

    #[test]
    fn what_is_known_is_never_older_than_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(format!("{name}@x.example.yaml"));
        // Files count as settled at once: each change below shows by more than a time.
        let known = Known { tick: Duration::ZERO, ..Known::default() };
        let store = Directory { known, ..Directory::new(directory.path().to_owned(), Presets::default()) };
        let is_known = |name: &str| {
            store.known.by_name.read().unwrap().recent.contains_key(format!("{name}@x.example.yaml").as_str())
        };
        write(&at("a"), "anna, berta");
        assert_eq!(find(&store, "a@x.example").as_deref(), Some("anna berta"));
        assert!(is_known("a"));
        assert_eq!(find(&store, "a@x.example").as_deref(), Some("anna berta"), "as it is known");
        write(&at("a"), "anna");
        assert_eq!(find(&store, "a@x.example").as_deref(), Some("anna"), "written again in place");
        write(&at("new"), "otto");
        fs::rename(at("new"), at("a")).unwrap();
        assert_eq!(find(&store, "a@x.example").as_deref(), Some("otto"), "another file of the same length");
        write(&at("b"), "emil");
        symlink(at("a"), at("alias")).unwrap();
        assert_eq!(find(&store, "alias@x.example").as_deref(), Some("otto"));
        fs::remove_file(at("alias")).unwrap();
        symlink(at("b"), at("alias")).unwrap();
        assert_eq!(find(&store, "alias@x.example").as_deref(), Some("emil"), "the alias leads elsewhere");
        fs::remove_file(at("a")).unwrap();
        assert_eq!(find(&store, "a@x.example"), None, "gone");
        fs::write(at("b"), "nonsense: [").unwrap();
        assert!(store.find(&Mailbox::parse("b@x.example").unwrap()).is_err(), "broken");
    }

    #[test]
    fn beyond_the_room_it_is_what_nobody_asks_for_that_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(format!("{name}@x.example.yaml"));
        let files = ["often", "once", "b", "c", "d", "e", "f"];
        files.iter().for_each(|name| write(&at(name), "anna"));
        let one = weight("often@x.example.yaml", &FileStamp::of(&fs::metadata(at("often")).unwrap()));
        let known = Known { tick: Duration::ZERO, by_name: RwLock::new(Generations::new(4 * one)) };
        let store = Directory { known, ..Directory::new(directory.path().to_owned(), Presets::default()) };
        for name in files {
            for asked in ["often", name] {
                assert_eq!(find(&store, &format!("{asked}@x.example")).as_deref(), Some("anna"), "{asked}");
            }
        }
        let by_name = store.known.by_name.read().unwrap();
        let is_known = |name: &str| {
            let name = format!("{name}@x.example.yaml");
            by_name.recent.contains_key(name.as_str()) || by_name.before.contains_key(name.as_str())
        };
        assert!(is_known("often") && is_known("f"));
        assert!(!is_known("once") && !is_known("b"));
        assert!(by_name.recent.len() + by_name.before.len() <= 4, "more than there is room for");
    }

    #[test]
    fn what_may_not_be_read_any_more_is_not_answered_from_memory() {
        if rustix::process::getuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a@x.example.yaml");
        write(&file, "anna");
        let known = Known { tick: Duration::ZERO, ..Known::default() };
        let store = Directory { known, ..Directory::new(directory.path().to_owned(), Presets::default()) };
        assert!(find(&store, "a@x.example").is_some());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        assert!(store.find(&Mailbox::parse("a@x.example").unwrap()).is_err());
    }

    #[test]
    fn a_file_that_was_just_written_is_read_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a@x.example.yaml");
        let store = Directory::new(directory.path().to_owned(), Presets::default());
        for users in ["anna", "otto", "emil", "anja"] {
            write(&file, users);
            assert_eq!(find(&store, "a@x.example").as_deref(), Some(users), "the same length in the same tick");
        }
    }
}
