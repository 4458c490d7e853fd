//! An account file's octets and what the file system says of it.

use crate::account::{AccountError, FileStamp};
use crate::fence;
use crate::yaml::MAX_OCTETS;
use rustix::fs::{Mode, OFlags};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What was read.
pub(super) struct Content {
    pub(super) octets: Vec<u8>,
    pub(super) owner_uid: u32,
    /// Permission bits.
    pub(super) mode: u32,
}

/// A file that was opened, and what the kernel said of it then.
pub(super) struct Opened {
    file: File,
    metadata: Metadata,
}

/// Reads the file at `path`; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Content>, AccountError> {
    open(path)?.map(|opened| opened.read(path)).transpose()
}

/// Opens the file at `path`; `None` where there is none. A symlink that leads nowhere is trouble, not absence.
pub(super) fn open(path: &Path) -> Result<Option<Opened>, AccountError> {
    let trouble = |source| AccountError::Io { path: path.to_owned(), source: fence::told(path, source) };
    // Without O_NONBLOCK a FIFO in the file's place would hang the delivery.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => opened(File::from(descriptor)).map(Some).map_err(trouble),
        Err(rustix::io::Errno::NOENT) => match path.symlink_metadata() {
            Ok(_) => Err(trouble(io::Error::new(io::ErrorKind::NotFound, "the symlink leads to nothing"))),
            Err(_) => Ok(None),
        },
        Err(error) => Err(trouble(error.into())),
    }
}

fn opened(file: File) -> io::Result<Opened> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok(Opened { file, metadata }),
        false => Err(io::Error::other("expected a regular file")),
    }
}

impl Opened {
    pub(super) fn stamp(&self) -> FileStamp {
        FileStamp::of(&self.metadata)
    }

    /// Its content; `path` is for trouble's sake.
    pub(super) fn read(self, path: &Path) -> Result<Content, AccountError> {
        let trouble = |source: io::Error| AccountError::Io { path: path.to_owned(), source };
        content(self.file, &self.metadata).map_err(trouble)
    }
}

fn content(file: File, metadata: &Metadata) -> io::Result<Content> {
    let mut octets = Vec::with_capacity(usize::try_from(metadata.len().min(MAX_OCTETS)).unwrap_or_default() + 1);
    file.take(MAX_OCTETS + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > MAX_OCTETS {
        return Err(io::Error::other(format!("larger than {MAX_OCTETS} octets")));
    }
    Ok(Content { octets, owner_uid: metadata.uid(), mode: metadata.mode() & 0o7777 })
}
