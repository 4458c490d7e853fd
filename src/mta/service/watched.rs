//! A file whose change is noticed.
//!
//! It is looked at now and then instead of being watched by the kernel: a configuration may be a symbolic link that a
//! deployment turns to another directory, or lie on a network file system, and neither tells inotify(7).

use crate::account::FileStamp;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// The file as it was when it was last read.
pub(super) struct Watched {
    path: Option<PathBuf>,
    known: Option<FileStamp>,
    /// As it was at the last look.
    seen: Option<FileStamp>,
}

impl Watched {
    /// From here on; without a path nothing ever changes.
    pub(super) fn new(path: Option<&Path>) -> Watched {
        let known = path.and_then(stamp);
        Watched { path: path.map(Path::to_owned), known, seen: known }
    }

    /// Waits for another version of the file.
    pub(super) async fn changed(&mut self) {
        while !self.has_changed() {
            sleep(PERIOD).await;
        }
    }

    /// The file is read as it is now.
    pub(super) fn note(&mut self) {
        self.known = self.path.as_deref().and_then(stamp);
    }

    /// Looks once. A version counts when it was there at the last look too: one that is being written is half a file. A
    /// file that is gone is not another version.
    fn has_changed(&mut self) -> bool {
        let now = self.path.as_deref().and_then(stamp);
        let before = std::mem::replace(&mut self.seen, now);
        let has_changed = now.is_some() && now == before && now != self.known;
        if has_changed {
            self.known = now;
        }
        has_changed
    }
}

fn stamp(path: &Path) -> Option<FileStamp> {
    fs::metadata(path).ok().map(|metadata| FileStamp::of(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_in_the_place_is_noticed_once_it_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (path, beside) = (directory.path().join("sendvia.yaml"), directory.path().join("new"));
        fs::write(&path, "a").unwrap();
        let mut watched = Watched::new(Some(&path));
        assert!(!watched.has_changed() && !watched.has_changed(), "nothing happened");
        fs::write(&beside, "b").unwrap();
        fs::rename(&beside, &path).unwrap();
        assert!(!watched.has_changed(), "seen for the first time");
        assert!(watched.has_changed());
        assert!(!watched.has_changed(), "noticed already");
        fs::remove_file(&path).unwrap();
        assert!(!watched.has_changed() && !watched.has_changed(), "gone is not another version");
    }
}
