//! What will be done, in order; showing it and doing it.

use super::host::{self, group, make_user};
use super::{Edit, Manifest, SetupError};
use crate::secret::key::KeyRing;
use crate::secret::private;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// Make a system user.
    User(String),
    /// Make a directory.
    Directory {
        /// Where.
        path: PathBuf,
        /// Whose.
        user: String,
        /// Which group's.
        group: String,
        /// Permissions.
        mode: u32,
    },
    /// Make the key that seals secrets.
    Key {
        /// Where.
        path: PathBuf,
        /// Whose group may read it.
        user: String,
    },
    /// Make the key that signs logins for LMTP.
    LoginKey {
        /// Where.
        path: PathBuf,
        /// Whose group may read it.
        user: String,
    },
    /// Change a text file.
    Edit(Edit),
}

/// All that will be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What the administrator has to decide for himself.
    pub notes: Vec<String>,
    /// Commands that make the mail server take notice.
    pub reload: Vec<Vec<String>>,
    /// The file of the manifest.
    pub manifest: PathBuf,
}

/// Octets of the key that signs logins.
const LOGIN_KEY: usize = 36;

impl Step {
    /// The step as people read it: a sentence, or a diff.
    pub fn text(&self) -> String {
        match self {
            Step::User(name) => format!("make the system user {name}\n"),
            Step::Directory { path, user, group, mode } => {
                format!("make the directory {} ({user}:{group}, mode {mode:04o})\n", path.display())
            }
            Step::Key { path, .. } => format!("make {}, the key that seals passwords\n", path.display()),
            Step::LoginKey { path, .. } => format!("make {}, the key that signs logins\n", path.display()),
            Step::Edit(edit) => edit.diff(),
        }
    }

    fn carry_out(&self) -> Result<(), SetupError> {
        match self {
            Step::User(name) => make_user(name),
            Step::Directory { path, user, group, mode } => make_directory(path, user, group, *mode),
            Step::Key { path, user } => {
                KeyRing::generate().and_then(|ring| ring.write(path)).map_err(|error| secret_trouble(path, &error))?;
                let_group_read(path, user)
            }
            Step::LoginKey { path, user } => make_login_key(path).and_then(|()| let_group_read(path, user)),
            Step::Edit(edit) => edit.carry_out(),
        }
    }

    fn is_edit(&self) -> bool {
        matches!(self, Step::Edit(_))
    }
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The plan as people read it, without the notes.
    pub fn text(&self) -> String {
        self.steps.iter().fold(String::new(), |mut text, step| {
            let _ = write!(text, "{}", step.text());
            text
        })
    }

    /// Does everything. The manifest is written before the first text file is changed, so that there is a way back from
    /// half of it too.
    ///
    /// # Errors
    /// [`SetupError`] of the first step that failed; those before it are done, and can be taken back.
    pub fn carry_out(&self) -> Result<(), SetupError> {
        let (edits, made): (Vec<&Step>, Vec<&Step>) = self.steps.iter().partition(|step| step.is_edit());
        made.iter().try_for_each(|step| step.carry_out())?;
        let mut manifest = Manifest::read(&self.manifest)?.unwrap_or_default();
        manifest.take(&self.steps);
        manifest.write(&self.manifest)?;
        edits.iter().try_for_each(|step| step.carry_out())
    }

    /// Adds a change, if it is one.
    pub(super) fn edit(&mut self, edit: Edit) {
        if edit.is_change() {
            self.steps.push(Step::Edit(edit));
        }
    }
}

fn make_directory(path: &Path, user: &str, group_name: &str, mode: u32) -> Result<(), SetupError> {
    fs::create_dir_all(path).map_err(SetupError::io(path))?;
    chown(path, Some(owner(user)?.uid), Some(group_of(group_name)?)).map_err(SetupError::io(path))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(SetupError::io(path))
}

fn make_login_key(path: &Path) -> Result<(), SetupError> {
    use base64::Engine as _;
    let mut octets = zeroize::Zeroizing::new([0; LOGIN_KEY]);
    rustix::rand::getrandom(octets.as_mut_slice(), rustix::rand::GetRandomFlags::empty())
        .map_err(|error| SetupError::io(path)(error.into()))?;
    let text = zeroize::Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(octets.as_slice()) + "\n");
    private::write(path, text.as_bytes()).map_err(|error| secret_trouble(path, &error))
}

/// Root's file, and readable by the user who needs it: not even he can change it.
fn let_group_read(path: &Path, user: &str) -> Result<(), SetupError> {
    let root = rustix::process::geteuid().as_raw();
    chown(path, Some(root), Some(owner(user)?.gid)).map_err(SetupError::io(path))?;
    fs::set_permissions(path, Permissions::from_mode(0o640)).map_err(SetupError::io(path))
}

fn owner(name: &str) -> Result<host::Account, SetupError> {
    host::user(name).ok_or_else(|| unknown("passwd", name))
}

fn group_of(name: &str) -> Result<u32, SetupError> {
    group(name).ok_or_else(|| unknown("group", name))
}

fn unknown(table: &str, name: &str) -> SetupError {
    SetupError::Tool { command: format!("getent {table} {name}"), problem: format!("there is no {name}") }
}

fn secret_trouble(path: &Path, error: &dyn std::fmt::Display) -> SetupError {
    SetupError::Io { path: path.to_owned(), source: std::io::Error::other(error.to_string()) }
}
