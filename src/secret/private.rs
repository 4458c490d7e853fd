//! Files that only their owner may read: keys, passwords, tokens.
//!
//! Reading refuses a file that others could read or replace, and says which command mends it. Writing replaces the
//! file as a whole (temporary file, fsync, rename, fsync of the directory), so that a reader sees the old or the new
//! octets and never half of them, whenever the writer is killed.

use crate::fence;
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// systemd's own limit is 1 MiB; no secret of ours comes near this.
const MAX_CREDENTIAL: u64 = 64 * 1024;

/// Why a private file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, a device, a pipe.
    #[error("{path}: expected a regular file", path = path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// Others could read or change it.
    #[error("{path}: others can read or change it (mode {mode:04o})", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else owns it, and so could replace it.
    #[error("{path}: it belongs to user id {owner}, which is neither root nor the user this runs as", path = path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who runs this.
        user: u32,
    },
    /// Not run by a service that has that credential.
    #[error("credential {name:?}: systemd passed no credentials here, or the name is none")]
    NoCredential {
        /// Its name.
        name: String,
    },
    /// More than any secret needs.
    #[error("{path}: larger than {limit} octets", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in octets.
        limit: u64,
    },
}

impl PrivateFileError {
    /// The remedy, a command where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            PrivateFileError::Exposed { path, .. } => Some(format!("chmod 600 {}", path.display())),
            PrivateFileError::ForeignOwner { path, user, .. } => Some(format!("chown {user} {}", path.display())),
            // What stands outside of the fence has its remedy with it.
            PrivateFileError::Io { source, .. } if source.raw_os_error().is_none() => None,
            PrivateFileError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("let the user this runs as read the file, or run this as the file's owner".to_owned())
            }
            PrivateFileError::NoCredential { name } => {
                Some(format!("`LoadCredential={name}:PATH` or `LoadCredentialEncrypted=` in the service's unit"))
            }
            PrivateFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("correct the path, or make what is missing there".to_owned())
            }
            PrivateFileError::NotAFile { .. } => Some("name the file itself".to_owned()),
            PrivateFileError::TooLarge { .. } => Some("is it the right file? a secret is short".to_owned()),
            PrivateFileError::Io { .. } => None,
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> PrivateFileError + '_ {
        move |source| PrivateFileError::Io { path: path.to_owned(), source: fence::told(path, source) }
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, PrivateFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a file of at most `limit` octets that nobody but its owner (and root) can read or change.
///
/// A file of root's may be readable by its group, because that is how a daemon's user is let in.
///
/// # Errors
/// [`PrivateFileError`]; nothing of the content is in it.
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    // Without O_NONBLOCK a FIFO in the file's place would hang us before we could look at it.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| PrivateFileError::io(path)(error.into()))?;
    let mut file = File::from(file);
    let metadata = file.metadata().map_err(PrivateFileError::io(path))?;
    check(path, &metadata)?;
    if metadata.len() > limit {
        return Err(PrivateFileError::TooLarge { path: path.to_owned(), limit });
    }
    // Room for all at once: a buffer that grows leaves copies of the secret behind.
    let mut octets = Zeroizing::new(vec![0; usize::try_from(limit).unwrap_or(usize::MAX)]);
    let length = read_fully(&mut file, &mut octets).map_err(PrivateFileError::io(path))?;
    octets.truncate(length);
    Ok(octets)
}

/// Reads the systemd credential `name` (systemd.exec(5), `LoadCredential=`).
///
/// systemd makes the directory private to the service and its files read-only, root's or the service's.
///
/// # Errors
/// [`PrivateFileError`]; also when this runs under no service that has credentials.
pub fn credential(name: &str) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    credential_in(std::env::var_os("CREDENTIALS_DIRECTORY").as_deref().map(Path::new), name)
}

fn credential_in(directory: Option<&Path>, name: &str) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let is_plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    match directory.filter(|_| is_plain) {
        Some(directory) => read(&directory.join(name), MAX_CREDENTIAL),
        None => Err(PrivateFileError::NoCredential { name: name.to_owned() }),
    }
}

fn read_fully(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether the file behind `metadata` is a private one of ours.
///
/// # Errors
/// [`PrivateFileError`] saying what is wrong with it.
pub fn check(path: &Path, metadata: &Metadata) -> Result<(), PrivateFileError> {
    if !metadata.is_file() {
        return Err(PrivateFileError::NotAFile { path: path.to_owned() });
    }
    let user = rustix::process::geteuid().as_raw();
    judge(metadata.mode() & 0o7777, metadata.uid(), user).map_err(|fault| match fault {
        Fault::Exposed(mode) => PrivateFileError::Exposed { path: path.to_owned(), mode },
        Fault::ForeignOwner(owner) => PrivateFileError::ForeignOwner { path: path.to_owned(), owner, user },
    })
}

enum Fault {
    Exposed(u32),
    ForeignOwner(u32),
}

/// Root may read what belongs to the daemon's user; everybody else's file must be his own or root's.
fn judge(mode: u32, owner: u32, user: u32) -> Result<(), Fault> {
    let allowed = if owner == 0 { 0o740 } else { 0o700 };
    if mode & 0o777 & !allowed != 0 {
        return Err(Fault::Exposed(mode));
    }
    match owner == 0 || owner == user || user == 0 {
        true => Ok(()),
        false => Err(Fault::ForeignOwner(owner)),
    }
}

/// Replaces `path` by a private file that holds `octets`, or makes it.
///
/// Run by root, the file keeps its owner, and a new one gets its directory's; where that is root with a group of its own, the
/// group may read it.
///
/// # Errors
/// [`PrivateFileError::Io`]; then the old file stands as it was.
pub fn write(path: &Path, octets: &[u8]) -> Result<(), PrivateFileError> {
    replace(path, octets).map_err(PrivateFileError::io(path))
}

fn replace(path: &Path, octets: &[u8]) -> io::Result<()> {
    let pending = Pending::create(path, octets)?;
    File::open(&pending.temporary)?.sync_all()?;
    let directory = pending.directory.clone();
    pending.place()?;
    File::open(directory)?.sync_all()
}

/// Replaces many files as [`write`] does, each whole or not at all. What that costs is the disk's promise to keep a file:
/// here it gives one for all of them before the first is put in its place, and one after the last.
///
/// The results are in the order of the files.
pub fn write_all(files: &[(PathBuf, &[u8])]) -> Vec<Result<(), PrivateFileError>> {
    let pending: Vec<io::Result<Pending>> = files.iter().map(|(path, octets)| Pending::create(path, octets)).collect();
    let directories: BTreeSet<PathBuf> = pending.iter().flatten().map(|pending| pending.directory.clone()).collect();
    let synced = all(&directories, |directory| Ok(rustix::fs::syncfs(directory)?));
    let placed: Vec<io::Result<()>> = pending
        .into_iter()
        .map(|pending| {
            let pending = pending?;
            synced.as_ref().map_err(again)?;
            pending.place()
        })
        .collect();
    let kept = all(&directories, |directory| directory.sync_all());
    let result = |placed: io::Result<()>| match &kept {
        Ok(()) => placed,
        Err(error) => placed.and_then(|()| Err(again(error))),
    };
    placed
        .into_iter()
        .zip(files)
        .map(|(placed, (path, _))| result(placed).map_err(PrivateFileError::io(path)))
        .collect()
}

fn all(directories: &BTreeSet<PathBuf>, work: impl Fn(&File) -> io::Result<()>) -> io::Result<()> {
    directories.iter().try_for_each(|directory| work(&File::open(directory)?))
}

/// The same error for one more file.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::new(error.kind(), error.to_string()), io::Error::from_raw_os_error)
}

/// A file written beside the one that it is to replace; gone again unless it is put in its place.
struct Pending<'p> {
    path: &'p Path,
    directory: PathBuf,
    temporary: PathBuf,
}

impl Pending<'_> {
    fn create<'p>(path: &'p Path, octets: &[u8]) -> io::Result<Pending<'p>> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let pending = Pending { path, temporary: temporary_name(path, &directory)?, directory };
        // Whose the file is that it replaces, else whose the directory is.
        let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        write_new(&pending.temporary, if is_file { path } else { &pending.directory }, octets)?;
        Ok(pending)
    }

    fn place(self) -> io::Result<()> {
        std::fs::rename(&self.temporary, self.path)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        // Where it was put in its place, there is nothing under this name any more.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Makes a directory that nobody but its owner enters, or leaves the one that is there. Run by root, it gets the owner of
/// the directory above.
///
/// # Errors
/// [`PrivateFileError::Io`].
pub fn make_directory(path: &Path) -> Result<(), PrivateFileError> {
    let made = std::fs::DirBuilder::new().mode(0o700).create(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(PrivateFileError::io(path)(error)),
        Ok(()) => {}
    }
    let directory = File::open(path).map_err(PrivateFileError::io(path))?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    give_to_owner_of(above, &directory, 0o750).map_err(PrivateFileError::io(path))
}

/// Opens the private, empty file that a lock is taken on, or makes it.
///
/// # Errors
/// [`PrivateFileError`].
pub fn open_lock(path: &Path) -> Result<File, PrivateFileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = rustix::fs::open(path, flags, mode).map_err(|error| PrivateFileError::io(path)(error.into()))?;
    let file = File::from(file);
    let directory = path.parent().unwrap_or(Path::new("."));
    // Root may be the first to take a lock that the daemon's user takes tomorrow.
    give_to_owner_of(directory, &file, 0o600).map_err(PrivateFileError::io(path))?;
    Ok(file)
}

/// A name beside the target that no look-up takes for an account, a key or a token: it begins with a dot.
fn temporary_name(path: &Path, directory: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    super::random(&mut random)?;
    let tag: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    let hint: String = path.file_name().unwrap_or_default().to_string_lossy().chars().take(32).collect();
    Ok(directory.join(format!(".{hint}.{tag}.new")))
}

fn write_new(path: &Path, model: &Path, octets: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    give_to_owner_of(model, &file, 0o640)?;
    file.write_all(octets)
}

/// `group_mode` is for a model of root's that has a group of its own.
fn give_to_owner_of(model: &Path, file: &File, group_mode: u32) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = std::fs::metadata(model)?;
    std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    if owner.uid() == 0 && owner.gid() != 0 {
        rustix::fs::fchmod(file.as_fd(), Mode::from_raw_mode(group_mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_private_when_only_its_owner_reads_it_and_the_owner_is_root_or_the_reader() {
        let rows = [
            (0o600, 1000, 1000, true),
            (0o400, 1000, 1000, true),
            (0o600, 1000, 0, true),
            (0o640, 0, 1000, true),
            (0o600, 0, 0, true),
            (0o640, 1000, 1000, false),
            (0o604, 0, 0, false),
            (0o660, 0, 1000, false),
            (0o602, 1000, 1000, false),
            (0o600, 1001, 1000, false),
        ];
        for (mode, owner, user, expected) in rows {
            assert_eq!(judge(mode, owner, user).is_ok(), expected, "{mode:o} of {owner} read by {user}");
        }
    }

    #[test]
    fn an_exposed_file_is_refused_with_the_command_that_mends_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        std::fs::write(&path, "canary").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("its mode");
        let error = read(&path, 100).expect_err("it is readable by all");
        assert_eq!(error.hint(), Some(format!("chmod 600 {}", path.display())));
        assert!(!error.to_string().contains("canary"));
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_without_hanging() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a FIFO");
        assert!(matches!(read(&fifo, 100), Err(PrivateFileError::NotAFile { .. })));
        assert!(matches!(read(directory.path(), 100), Err(PrivateFileError::NotAFile { .. })));
    }

    #[test]
    fn a_written_file_is_private_whole_and_alone_in_its_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        for content in ["first", "a second, longer content", ""] {
            write(&path, content.as_bytes()).expect("written");
            assert_eq!(read(&path, 100).expect("private").as_slice(), content.as_bytes());
        }
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).expect("there").count(), 1);
    }

    #[test]
    fn many_files_are_written_each_whole_and_what_fails_is_told_of_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("taken")).expect("a directory in the way");
        let files =
            [(path("a"), &b"one"[..]), (path("taken"), b"two"), (path("none/x"), b"three"), (path("b"), b"four")];
        let results: Vec<bool> = write_all(&files).iter().map(Result::is_ok).collect();
        assert_eq!(results, [true, false, false, true]);
        assert_eq!(read(&path("a"), 100).expect("private").as_slice(), b"one");
        assert_eq!(read(&path("b"), 100).expect("private").as_slice(), b"four");
        assert_eq!(std::fs::read_dir(directory.path()).expect("there").count(), 3, "no temporary file is left");
    }

    #[test]
    fn a_credential_is_a_file_in_the_services_own_directory_and_nowhere_else() {
        let directory = tempfile::tempdir().expect("a directory");
        write(&directory.path().join("gmx"), b"hunter2").expect("written");
        let found = credential_in(Some(directory.path()), "gmx").expect("there");
        assert_eq!(found.as_slice(), b"hunter2");
        for name in ["", ".", "..", "../gmx", "/etc/passwd", "a\0b"] {
            let error = credential_in(Some(directory.path()), name).expect_err(name);
            assert!(matches!(error, PrivateFileError::NoCredential { .. }), "{error}");
        }
        assert!(credential_in(None, "gmx").is_err());
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("key");
        write(&path, &[b'x'; 101]).expect("written");
        assert!(matches!(read(&path, 100), Err(PrivateFileError::TooLarge { limit: 100, .. })));
    }
}
