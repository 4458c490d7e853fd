//! The fence around the resident service: what of this host a process can still reach once it is raised, whoever is at
//! its wheel by then.
//!
//! Two means of the kernel, both given up for good by a thread and inherited by those that it begins. So it is raised
//! after the sockets are bound and before there is a runtime:
//!
//! - `files`, by Landlock: which files may be read, which directories written, no TCP port taken, no signal to others.
//! - `calls`, by seccomp: no other program, no other process, no way into the kernel that a mail client has no use for.
//!
//! What the kernel does not grant is said and done without: a service on an old kernel is better than none. Nothing here
//! knows what is in a configuration; whoever calls names the paths.

mod calls;
mod files;

use rustix::fs::{Access, access};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What is left within, beside what every process needs of its system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// Files and directories that may be read, with all below them.
    pub read: Vec<PathBuf>,
    /// Directories in which files may be made, written and removed.
    pub write: Vec<PathBuf>,
    /// Directories from which files may be removed.
    pub remove: Vec<PathBuf>,
}

/// A fence that stands.
#[derive(Debug)]
pub struct Raised {
    landlock: files::Granted,
    /// Why there is no filter.
    seccomp: Result<(), String>,
    reach: Reach,
}

/// What can be reached from within a fence; by real paths, so that each question costs one look.
#[derive(Clone, Debug)]
pub struct Reach {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

/// A process has one.
static RAISED: OnceLock<Raised> = OnceLock::new();

/// The fence of this process.
pub fn raised() -> Option<&'static Raised> {
    RAISED.get()
}

impl Fence {
    /// Raises it around this thread and all that it begins from here on; for the rest of the process's life.
    pub fn raise(&self) -> &'static Raised {
        RAISED.get_or_init(|| self.enclose())
    }

    /// The same for a thread that is not the whole process.
    pub fn enclose(&self) -> Raised {
        // What is not there yet gets no rule: a rule is about a directory, and not about its name.
        let reach = self.reach().of_what_is_there();
        let landlock = files::close(&reach.read, &reach.write, &self.remove);
        Raised { landlock, seccomp: calls::deny(), reach }
    }

    /// What can be reached from within.
    pub fn reach(&self) -> Reach {
        let read = files::of_the_system().into_iter().chain(self.read.iter().cloned());
        Reach {
            read: read.map(|path| real(&path)).collect(),
            write: self.write.iter().map(|path| real(path)).collect(),
        }
    }
}

impl Raised {
    /// Whether Landlock holds files back.
    pub fn holds_files(&self) -> bool {
        self.landlock.is_there()
    }

    /// Whether the filter of system calls is in force.
    pub fn holds_calls(&self) -> bool {
        self.seccomp.is_ok()
    }

    /// Whether `path` may be read.
    pub fn lets_read(&self, path: &Path) -> bool {
        !self.holds_files() || self.reach.lets_read(path)
    }

    /// Whether files may be written in `directory`.
    pub fn lets_write(&self, directory: &Path) -> bool {
        !self.holds_files() || self.reach.lets_write(directory)
    }
}

impl Reach {
    fn of_what_is_there(self) -> Reach {
        let there = |paths: Vec<PathBuf>| paths.into_iter().filter(|path| path.exists()).collect();
        Reach { read: there(self.read), write: there(self.write) }
    }

    /// Whether `path` may be read.
    pub fn lets_read(&self, path: &Path) -> bool {
        is_below(path, self.read.iter().chain(&self.write))
    }

    /// Whether files may be written in `directory`.
    pub fn lets_write(&self, directory: &Path) -> bool {
        is_below(directory, self.write.iter())
    }
}

/// `Landlock ABI 7, seccomp`
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.seccomp {
            Ok(()) => write!(f, "{}, seccomp", self.landlock),
            Err(error) => write!(f, "{}, no seccomp ({error})", self.landlock),
        }
    }
}

/// What the system said of `path`, and that the fence stands between where it does.
pub fn told(path: &Path, error: io::Error) -> io::Error {
    let Some(raised) = raised().filter(|_| error.kind() == io::ErrorKind::PermissionDenied) else { return error };
    let remedy = match raised.lets_read(path) {
        false => remedy(path),
        // access(2) goes by modes alone.
        true if access(path, Access::READ_OK).is_ok() => NEW_IN_ITS_PLACE.to_owned(),
        true => return error,
    };
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{OUTSIDE}: {remedy}"))
}

/// What was moved or mounted to where something else was.
const NEW_IN_ITS_PLACE: &str = "it, or its directory, came to its place after the service started: restart the service";

/// What a file is that the fence keeps out.
pub const OUTSIDE: &str = "outside of what the service may read";

/// How the file at `path` is let in.
pub fn remedy(path: &Path) -> String {
    let directory = path.parent().unwrap_or(path).display();
    format!("add {directory} to `fence: {{read: [..]}}` in sendvia.yaml and restart the service")
}

fn is_below<'p>(path: &Path, mut roots: impl Iterator<Item = &'p PathBuf>) -> bool {
    let path = real(path);
    roots.any(|root| path.starts_with(root))
}

/// Without symlinks, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        if let Ok(there) = ancestor.canonicalize() {
            return missing.into_iter().rev().fold(there, |path, name| path.join(name));
        }
        missing.extend(ancestor.file_name());
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
