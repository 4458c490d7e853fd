//! Landlock: which files can be reached.
//!
//! A rule is about a directory, not about its name: what is moved into its place later is another directory, and outside.
//! So single files that are replaced by renaming are reached through the directory that they are in. stat(2), access(2)
//! and connecting to a Unix socket that has a file are not held back (of the last Landlock knows since ABI 9, and
//! journald, syslog and name services are asked that way).

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use std::fmt;
use std::path::{Path, PathBuf};

/// The newest rights that are asked for; what a kernel does not know of them is left out.
const NEWEST: ABI = ABI::V5;

/// Programs' own files, and what name look-ups, certificates and time zones are read from.
const SYSTEM: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/var/lib/ca-certificates",
    // Where /etc/resolv.conf may lead from some day on.
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/sys/devices/system/cpu",
    "/proc/self",
    // SQLite makes its own random numbers from it, and out of the clock where it can't.
    "/dev/urandom",
];

/// What root may read of `/etc`, where there is more than everybody may know. Everybody else may read all of it that its
/// modes let him: files there are replaced by renaming, and a rule on one of them is lost then.
const ETC_OF_ROOT: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
];

/// Files of `/etc` that often lead elsewhere, to where others replace them.
const ELSEWHERE: &[&str] = &["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime"];

/// Variables that name a file or directory to read, as systemd, OpenSSL and tzset(3) have them.
const VARIABLES: &[&str] = &["CREDENTIALS_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR", "TZDIR"];

/// What the kernel granted.
#[derive(Debug)]
pub(super) enum Granted {
    /// By its interface of this number.
    Landlock(i32),
    /// Nothing, and why.
    Nothing(String),
}

impl Granted {
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Granted::Landlock(_))
    }
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Granted::Landlock(abi) => write!(f, "Landlock ABI {abi}"),
            Granted::Nothing(why) => write!(f, "no Landlock ({why})"),
        }
    }
}

/// What is read of every system, as far as it is there.
pub(super) fn of_the_system() -> Vec<PathBuf> {
    let etc = if rustix::process::geteuid().is_root() { ETC_OF_ROOT } else { &["/etc"] };
    let targets = ELSEWHERE.iter().filter_map(|file| Path::new(file).canonicalize().ok()?.parent().map(Path::to_owned));
    let targets = targets.filter(|directory| directory != Path::new("/etc"));
    let named = VARIABLES.iter().filter_map(|name| std::env::var_os(name).map(PathBuf::from));
    let fixed = SYSTEM.iter().chain(etc).map(PathBuf::from);
    fixed.chain(targets).chain(named).filter(|path| path.exists()).collect()
}

/// From here on this thread reaches nothing else.
pub(super) fn close(read: &[PathBuf], write: &[PathBuf], remove: &[PathBuf]) -> Granted {
    let status = match restrict(read, write, remove) {
        Ok(status) => status,
        Err(error) => return Granted::Nothing(error.to_string()),
    };
    match status {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            Granted::Landlock(kernel_abi.unwrap_or(effective_abi as i32))
        }
        LandlockStatus::NotEnabled => Granted::Nothing("it is not among the kernel's `lsm=`".to_owned()),
        LandlockStatus::NotImplemented => Granted::Nothing("the kernel has none, or a container hides it".to_owned()),
    }
}

fn restrict(read: &[PathBuf], write: &[PathBuf], remove: &[PathBuf]) -> Result<LandlockStatus, RulesetError> {
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let writing = reading
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::BindTcp)?
        .scope(scopes())?
        .create()?
        .add_rules(path_beneath_rules(read, reading))?
        .add_rules(path_beneath_rules(write, writing))?
        .add_rules(path_beneath_rules(remove, AccessFs::RemoveFile))?
        // A port of the system's choice: a connection from a local address of `routes` takes one.
        .add_rule(NetPort::new(0, AccessNet::BindTcp))?
        .restrict_self()?;
    Ok(restricted.landlock)
}

/// Other processes are sent no signals, and reached by no socket without a file; systemd's own may be one of those.
fn scopes() -> BitFlags<Scope> {
    let notify = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    match notify.as_encoded_bytes().starts_with(b"@") {
        true => Scope::Signal.into(),
        false => Scope::Signal | Scope::AbstractUnixSocket,
    }
}
