//! A file without a name: what it holds is gone with the last descriptor, however the process ends.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens an unlinked file in `directory`, readable and writable by nobody else.
///
/// # Errors
/// The system's, naming nothing: the caller knows the directory.
pub(crate) fn open(directory: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::EXCL | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        // NFS, overlay and FUSE file systems, and kernels that take the flag for a plain directory.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => open_and_unlink(directory),
        Err(errno) => Err(errno.into()),
    }
}

/// The same where the file system has no O_TMPFILE: between the two calls the name exists.
fn open_and_unlink(directory: &Path) -> io::Result<File> {
    const TRIES: u32 = 16;
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..TRIES {
        let path = directory.join(format!(".sendvia-spool-{:016x}", random()?));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn random() -> io::Result<u64> {
    let mut octets = [0; 8];
    rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{FileExt, MetadataExt};

    #[test]
    fn a_spool_file_has_no_name_and_no_other_reader() {
        let directory = tempfile::tempdir().unwrap();
        for open in [open, open_and_unlink] {
            let mut file = open(directory.path()).unwrap();
            file.write_all(b"secret").unwrap();
            let mut octets = [0; 6];
            file.read_exact_at(&mut octets, 0).unwrap();
            let metadata = file.metadata().unwrap();
            assert_eq!((&octets, metadata.nlink(), metadata.mode() & 0o777), (b"secret", 0, 0o600));
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
