//! Two versions of a file told apart without reading them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the kernel says of a file, as far as it changes with the content: device, inode, size, owner, mode, and the times
/// of data and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    file: (u64, u64, u64),
    owner: (u32, u32),
    changed: [(i64, i64); 2],
}

impl FileStamp {
    /// Of the file that `metadata` is of.
    pub fn of(metadata: &Metadata) -> FileStamp {
        FileStamp {
            file: (metadata.dev(), metadata.ino(), metadata.size()),
            owner: (metadata.uid(), metadata.mode()),
            changed: [(metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec())],
        }
    }

    /// The file's octets.
    pub(super) fn size(&self) -> u64 {
        self.file.2
    }

    /// Whether a change from now on will show: the last one is longer ago than a tick of the file system's clock.
    pub(super) fn has_settled(&self, now: SystemTime, tick: Duration) -> bool {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(tick);
        let now = (i64::try_from(now.as_secs()).unwrap_or(i64::MAX), i64::from(now.subsec_nanos()));
        self.changed.iter().all(|changed| *changed < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_as_settled_once_its_last_change_is_well_behind() {
        let stamp = |seconds| FileStamp { file: (1, 2, 3), owner: (4, 5), changed: [(seconds, 0), (seconds - 9, 0)] };
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let rows = [(990, true), (997, true), (998, false), (999, false), (1000, false), (2000, false)];
        for (seconds, expected) in rows {
            assert_eq!(stamp(seconds).has_settled(now, Duration::from_secs(2)), expected, "{seconds}");
        }
    }
}
