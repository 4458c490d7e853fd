//! Putting sendvia into a mail server's configuration, and taking it out again.
//!
//! A [`Plan`] is made by reading alone, so it can be shown before anything is done; carrying it out keeps a
//! [`Manifest`] with every octet that stood there before. What goes into the mail server's files are the very pieces of
//! `contrib/`, whole and unchanged but for paths, so that the guides tell of what is there. Taking out gives back the
//! octets of before where nobody changed the file since; else it takes out our pieces and leaves what is not ours.

mod edit;
mod exim;
mod host;
mod main_cf;
mod manifest;
mod plan;
mod postfix;
mod service;
mod site;
mod undo;

pub use edit::{Edit, Swap};
pub use host::{Account as HostUser, run as run_tool, user as host_user};
pub use main_cf::definition;
pub use manifest::{Made, Manifest};
pub use plan::{Plan, Step};
pub use undo::Undoing;

use std::io;
use std::path::{Path, PathBuf};

/// Which mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mta {
    /// Postfix 3.4 and later.
    Postfix,
    /// Exim 4.96 and later.
    Exim,
}

impl Mta {
    /// Its name on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Mta::Postfix => "postfix",
            Mta::Exim => "exim",
        }
    }

    /// Where its configuration is unless somebody says otherwise.
    pub fn directory(self) -> &'static Path {
        match self {
            Mta::Postfix => Path::new("/etc/postfix"),
            Mta::Exim => Path::new("/etc/exim4"),
        }
    }

    /// That `directory` holds a configuration of it.
    ///
    /// # Errors
    /// [`SetupError::NoMta`]
    pub fn insist_on(self, directory: &Path) -> Result<(), SetupError> {
        let is_there = match self {
            Mta::Postfix => directory.join("main.cf").exists(),
            Mta::Exim => exim::layout(directory).is_ok(),
        };
        match is_there {
            true => Ok(()),
            false => Err(SetupError::NoMta { path: directory.to_owned(), mta: self.name() }),
        }
    }
}

/// How the mail server hands mail over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A process for each recipient; nothing of ours is resident.
    #[default]
    Pipe,
    /// A message for all recipients to the resident service.
    Lmtp,
}

/// What is to be set up.
#[derive(Clone, Debug)]
pub struct Wish {
    /// For which mail server.
    pub mta: Mta,
    /// How it hands mail over.
    pub mode: Mode,
    /// The directory of its configuration.
    pub directory: PathBuf,
    /// The Unix user of the deliveries.
    pub user: String,
    /// The program that is started.
    pub program: PathBuf,
    /// `sendvia.yaml`
    pub config: PathBuf,
}

/// Where the program is installed, as the pieces of `contrib/` name it.
pub const PROGRAM: &str = "/usr/bin/sendvia";

/// The configuration that needs no naming.
pub const CONFIG: &str = "/etc/sendvia/sendvia.yaml";

/// The user that the pieces of `contrib/` name.
pub const USER: &str = "sendvia";

/// Why nothing can be set up or taken out.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file or directory.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program of the mail server or of the system.
    #[error("{command}: {problem}")]
    Tool {
        /// With its arguments.
        command: String,
        /// What it said.
        problem: String,
    },
    /// Something of that name is there, and it is not ours.
    #[error("{}: {what} is there already, and not as sendvia would have it", path.display())]
    Taken {
        /// Where.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// A file has not the place where the piece belongs.
    #[error("{}: expected a line \"{expected}\", but found none", path.display())]
    NoPlace {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// No configuration of that mail server.
    #[error("{}: no configuration of {mta} here", path.display())]
    NoMta {
        /// Where it was looked for.
        path: PathBuf,
        /// Whose.
        mta: &'static str,
    },
    /// A combination that does not exist.
    #[error("for Exim `setup` puts in the pipe transport alone")]
    NoLmtpForExim,
    /// Somebody changed a file between showing and doing.
    #[error("{}: changed since the plan was made; nothing was done to it", path.display())]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// The manifest is not what this program wrote.
    #[error("{}: not a manifest of ours: {problem}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The service would not open what the mail server is to connect to.
    #[error("{}: `sendvia serve` would not open what Postfix connects to, and all mail would wait; nothing was changed", path.display())]
    NoService {
        /// `sendvia.yaml`
        path: PathBuf,
        /// The lines that it lacks.
        lines: String,
    },
    /// `sendvia.yaml` has errors.
    #[error("{0}")]
    Config(String),
}

impl SetupError {
    /// What mends it.
    pub fn hint(&self) -> String {
        match self {
            SetupError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as root".to_owned()
            }
            SetupError::Io { .. } | SetupError::Tool { .. } => "mend this, and run the command again".to_owned(),
            SetupError::Taken { what, .. } => format!("take {what} out, or keep it and set up by the guide"),
            SetupError::NoPlace { .. } => "put the pieces in by the guide, docs/guide/exim.md".to_owned(),
            SetupError::NoMta { .. } => "install it first, or name its directory with `-c`".to_owned(),
            SetupError::NoLmtpForExim => {
                "leave `--mode` out, or put LMTP in by docs/guide/exim.md, \"LMTP instead of the pipe\"".to_owned()
            }
            SetupError::ChangedMeanwhile { .. } => "run the command again".to_owned(),
            SetupError::Manifest { .. } => "look at it, and take the pieces out by hand".to_owned(),
            SetupError::NoService { lines, .. } => {
                format!("have it say this, and run the command again:\n{}", lines.trim_end())
            }
            SetupError::Config(_) => "sendvia check tells all that is wrong".to_owned(),
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> SetupError {
        let path = path.to_owned();
        move |source| SetupError::Io { path, source }
    }
}

/// Commands that make a mail server take notice of what changed in its directory.
pub fn reload_commands(mta: Mta, directory: &Path) -> Vec<Vec<String>> {
    match mta {
        Mta::Postfix => postfix::reload(directory).into_iter().collect(),
        Mta::Exim => exim::reload(directory),
    }
}

impl Wish {
    /// What has to be done. Reads only.
    ///
    /// # Errors
    /// [`SetupError`], where the wish can't be fulfilled as the host is.
    pub fn plan(&self) -> Result<Plan, SetupError> {
        self.mta.insist_on(&self.directory)?;
        let mut plan = site::plan(self)?;
        match self.mta {
            Mta::Postfix => postfix::add_to(&mut plan, self)?,
            Mta::Exim => exim::add_to(&mut plan, self)?,
        }
        Ok(plan)
    }

    /// A piece of `contrib/` with this wish's paths in it.
    fn adapted(&self, piece: &str) -> String {
        let program = self.program.display().to_string();
        let mut text = piece.replace(PROGRAM, &program).replace("user=sendvia ", &format!("user={} ", self.user));
        text = text.replace("user = sendvia\n", &format!("user = {}\n", self.user));
        if self.config != Path::new(CONFIG) {
            let option = format!("--config {}", self.config.display());
            for command in ["relay", "policy", "map"] {
                text = text.replace(&format!("{program} {command}"), &format!("{program} {command} {option}"));
            }
            text = text.replace("SENDVIA_COMMAND relay", &format!("SENDVIA_COMMAND relay {option}"));
        }
        text
    }
}
