//! Users and programs of the host, asked by the tools that every Debian has.

use super::SetupError;
use std::io;
use std::process::{Command, Stdio};

/// A Unix user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Its own group.
    pub gid: u32,
}

/// The user of that name, if there is one. Asks the name service, so users of LDAP count.
pub fn user(name: &str) -> Option<Account> {
    let entry = run("getent", &["passwd", name]).ok()?;
    let mut ids = entry.trim().split(':').skip(2).map(str::parse);
    Some(Account { uid: ids.next()?.ok()?, gid: ids.next()?.ok()? })
}

/// The group of that name.
pub(super) fn group(name: &str) -> Option<u32> {
    let entry = run("getent", &["group", name]).ok()?;
    entry.trim().split(':').nth(2)?.parse().ok()
}

/// Makes a system user that nobody logs in as.
pub(super) fn make_user(name: &str) -> Result<(), SetupError> {
    let words = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"];
    run("useradd", &[words.as_slice(), &["--shell", "/usr/sbin/nologin", "--", name]].concat()).map(drop)
}

/// Removes a user that was made so.
pub(super) fn remove_user(name: &str) -> Result<(), SetupError> {
    run("userdel", &["--", name]).map(drop)
}

/// Runs a program to its end, and gives what it wrote to standard output. Postfix's and Exim's tools are where only root's
/// path leads, so that is added.
///
/// # Errors
/// [`SetupError::Tool`], with the first line it complained by.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, SetupError> {
    let failed = |problem: String| SetupError::Tool {
        command: [&[program], arguments].concat().join(" "),
        problem: problem.lines().next().unwrap_or("failed").to_owned(),
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", format!("{path}:/usr/sbin:/sbin:/usr/bin:/bin"))
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(told(program, &error)))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(complaint(&output))),
    }
}

fn complaint(output: &std::process::Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    match said.trim() {
        "" => format!("{} {}", output.status, String::from_utf8_lossy(&output.stdout).trim()),
        said => said.to_owned(),
    }
}

fn told(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no program {program}"),
        _ => error.to_string(),
    }
}
