//! Asks a program for a secret: `pass`, `gopass`, `vault`, `bw`, or one's own.
//!
//! The program is run as it stands in the configuration, word by word, without a shell. It gets no input and has no way
//! to write into our output; what it says on stderr is dropped, because it may repeat the secret. One that hangs is
//! ended together with everything it started in its process group.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// Octets that a secret may have.
const MAX_OUTPUT: usize = 64 * 1024;
/// Time limit, if the caller states none: a card reader or a remote vault takes seconds.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// Why a program gave no secret.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No program is named.
    #[error("command: nothing to run")]
    Empty,
    /// It does not start.
    #[error("command: {program}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It reported failure.
    #[error("command: {program}: {status}")]
    Failed {
        /// Its name.
        program: String,
        /// Its exit status or signal.
        status: String,
    },
    /// It did not end.
    #[error("command: {program}: not done within {seconds} s")]
    TimedOut {
        /// Its name.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// It prints without end.
    #[error("command: {program}: prints more than {MAX_OUTPUT} octets")]
    TooLong {
        /// Its name.
        program: String,
    },
}

impl CommandError {
    /// The remedy.
    pub fn hint(&self) -> Option<String> {
        match self {
            CommandError::Empty => Some("write the program and its arguments as a list".to_owned()),
            CommandError::Start { program, .. } => {
                Some(format!("give the whole path of {program}: the MTA's PATH is not yours"))
            }
            CommandError::Failed { .. } | CommandError::TimedOut { .. } => Some(
                "run it by hand as the user this runs as: it must print the secret without asking anything".to_owned(),
            ),
            CommandError::TooLong { .. } => None,
        }
    }
}

/// What `words` (the program and its arguments) prints, unchanged.
///
/// # Errors
/// [`CommandError`]; nothing of the output is in it.
pub async fn output(words: &[String], limit: Duration) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let (program, arguments) = words.split_first().ok_or(CommandError::Empty)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| CommandError::Start { program: program.clone(), source })?;
    let group = child.id();
    let done = tokio::time::timeout(limit, finish(&mut child, program)).await;
    if !matches!(done, Ok(Ok(_))) {
        end(group);
    }
    done.unwrap_or_else(|_| Err(CommandError::TimedOut { program: program.clone(), seconds: limit.as_secs() }))
}

async fn finish(child: &mut Child, program: &str) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let fault = |source| CommandError::Start { program: program.to_owned(), source };
    // Room for all at once: a buffer that grows leaves copies of the secret behind.
    let mut printed = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT as u64 + 1).read_to_end(&mut printed).await.map_err(fault)?;
    }
    if printed.len() > MAX_OUTPUT {
        return Err(CommandError::TooLong { program: program.to_owned() });
    }
    let status = child.wait().await.map_err(fault)?;
    match status.success() {
        true => Ok(printed),
        false => Err(CommandError::Failed { program: program.to_owned(), status: status.to_string() }),
    }
}

/// Ends the whole process group; one that is gone is no trouble.
fn end(group: Option<u32>) {
    if let Some(group) = group.and_then(|id| Pid::from_raw(i32::try_from(id).unwrap_or_default())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn shell(script: &str) -> Vec<String> {
        words(&["/bin/sh", "-c", script])
    }

    #[tokio::test]
    async fn what_a_program_prints_is_the_secret() {
        let printed = output(&shell("printf 'a b\\n'"), DEFAULT_LIMIT).await.expect("printed");
        assert_eq!(printed.as_slice(), b"a b\n");
        assert_eq!(
            output(&words(&["/bin/echo", "$HOME;x"]), DEFAULT_LIMIT).await.expect("no shell").as_slice(),
            b"$HOME;x\n"
        );
    }

    #[tokio::test]
    async fn a_program_that_fails_is_named_and_its_output_is_not_repeated() {
        let rows = [
            (shell("echo canary; echo canary >&2; exit 3"), "exit status: 3"),
            (words(&["/no/such/program"]), "/no/such/program"),
            (shell("kill -9 $$"), "signal: 9"),
            (shell("yes canary"), "more than"),
            (Vec::new(), "nothing to run"),
        ];
        for (command, expected) in rows {
            let error = output(&command, DEFAULT_LIMIT).await.err().unwrap_or_else(|| panic!("{expected}")).to_string();
            assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_its_children() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("child");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let error = output(&shell(&script), Duration::from_millis(300)).await.expect_err("hangs");
        assert!(matches!(error, CommandError::TimedOut { .. }));
        let child = std::fs::read_to_string(&file).expect("it was started");
        let gone = |state: io::Result<String>| state.is_err() || state.is_ok_and(|state| state.contains(") Z "));
        for _ in 0..1000 {
            if gone(std::fs::read_to_string(format!("/proc/{}/stat", child.trim()))) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the child still runs");
    }
}
