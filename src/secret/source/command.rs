//! `secret: {command: ...}`: a password manager's answer.
//!
//! No shell, unless one is asked for: words are split at blanks, with quotes as a shell has them and nothing else.
//! The command gets no input, its errors go nowhere (a log is no place for them), and it and all its children are
//! killed when it does not answer in time.

use super::{MAX_OCTETS, SecretError};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// How long a command may take where nothing is said.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// Program and arguments.
    Words(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

/// A command that prints a secret as its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretCommand {
    /// What to run.
    pub line: CommandLine,
    /// How long it may take.
    pub time_limit: Duration,
}

impl CommandLine {
    /// Splits a line into words at blanks; quotes keep blanks, and a backslash keeps the next character.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn split(line: &str) -> Result<CommandLine, &'static str> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match (character, quote) {
                (end, Some(open)) if end == open => quote = None,
                ('\\', None | Some('"')) => {
                    word.get_or_insert_default().push(characters.next().ok_or("a backslash ends the line")?);
                }
                ('"' | '\'', None) => {
                    quote = Some(character);
                    word.get_or_insert_default();
                }
                (' ' | '\t' | '\n', None) => words.extend(word.take()),
                (other, _) => word.get_or_insert_default().push(other),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed");
        }
        words.extend(word);
        if words.is_empty() { Err("the command is empty") } else { Ok(CommandLine::Words(words)) }
    }

    /// The program's name, which is all that errors tell: arguments may be secret.
    pub fn program(&self) -> &str {
        match self {
            CommandLine::Words(words) => words.first().map_or("", String::as_str),
            CommandLine::Shell(_) => "/bin/sh",
        }
    }

    fn arguments(&self) -> Vec<OsString> {
        match self {
            CommandLine::Words(words) => words.iter().skip(1).map(OsString::from).collect(),
            CommandLine::Shell(line) => vec!["-c".into(), line.into()],
        }
    }
}

impl SecretCommand {
    /// A program and its arguments, with the usual time limit.
    pub fn of_words(words: &[String]) -> SecretCommand {
        SecretCommand { line: CommandLine::Words(words.to_vec()), time_limit: TIME_LIMIT }
    }

    /// Runs the command in this process and takes all that it prints; [`crate::secret::commands`] knows whether it may.
    ///
    /// # Errors
    /// [`SecretError`]; nothing of the output is in it.
    pub async fn output(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let program = self.line.program().to_owned();
        let mut child = self.start().map_err(|source| SecretError::Start { program: program.clone(), source })?;
        let group = Group::of(&child);
        let answer = tokio::time::timeout(self.time_limit, answer(&mut child)).await;
        drop(group);
        let (octets, status) = match answer {
            Err(_) => return Err(SecretError::Timeout { program, limit: self.time_limit }),
            Ok(Err(source)) => return Err(SecretError::Start { program, source }),
            Ok(Ok(answer)) => answer,
        };
        match status.success() {
            true => Ok(octets),
            false => Err(SecretError::Failed { program, status: shown(status) }),
        }
    }

    fn start(&self) -> std::io::Result<Child> {
        Command::new(self.line.program())
            .args(self.line.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Reads all that the child prints, then how it ended. A child that left others behind with its output still open
/// would never end: its first line is enough once it is gone itself.
async fn answer(child: &mut Child) -> std::io::Result<(Zeroizing<Vec<u8>>, ExitStatus)> {
    let mut octets = Zeroizing::new(vec![0; usize::try_from(MAX_OCTETS).unwrap_or(usize::MAX)]);
    let mut filled = 0;
    let mut output = child.stdout.take();
    while let Some(pipe) = output.as_mut() {
        tokio::select! {
            biased;
            read = pipe.read(&mut octets[filled..]) => match read? {
                0 => output = None,
                count => filled += count,
            },
            status = child.wait() => {
                let status = status?;
                filled += drain(pipe, &mut octets[filled..]).await?;
                octets.truncate(filled);
                return Ok((octets, status));
            }
        }
    }
    octets.truncate(filled);
    Ok((octets, child.wait().await?))
}

/// What is in the pipe already, without waiting for more.
async fn drain(pipe: &mut tokio::process::ChildStdout, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match tokio::time::timeout(Duration::ZERO, pipe.read(&mut buffer[filled..])).await {
            Ok(Ok(count)) if count > 0 => filled += count,
            Ok(Err(error)) => return Err(error),
            Ok(Ok(_)) | Err(_) => break,
        }
    }
    Ok(filled)
}

/// The process group of a command; killed as a whole when dropped, so that nothing the command started stays behind,
/// whether it answered, hung, or nobody waits for it any more.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group(id.and_then(rustix::process::Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // A group that is gone already needs no killing.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

fn shown(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended without a status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret;
    use crate::secret::source::first_line_of;
    use std::time::Instant;

    fn run(line: CommandLine, time_limit: Duration) -> Result<String, SecretError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let command = SecretCommand { line, time_limit };
        let octets = runtime.block_on(command.output())?;
        first_line_of(octets, "command").map(|secret| secret.expose_secret().to_owned())
    }

    fn shell(line: &str) -> CommandLine {
        CommandLine::Shell(line.to_owned())
    }

    #[test]
    fn a_line_is_split_as_a_shell_splits_it_but_nothing_is_expanded() {
        let words = |words: &[&str]| Ok(CommandLine::Words(words.iter().map(|word| (*word).to_owned()).collect()));
        let rows = [
            ("pass show gmx", words(&["pass", "show", "gmx"])),
            ("a  'b c' \"d e\"", words(&["a", "b c", "d e"])),
            ("a '' b\\ c", words(&["a", "", "b c"])),
            ("a $HOME `id` ; rm x", words(&["a", "$HOME", "`id`", ";", "rm", "x"])),
            ("a 'b", Err("a quote is not closed")),
            ("a \\", Err("a backslash ends the line")),
            ("  ", Err("the command is empty")),
        ];
        for (line, expected) in rows {
            assert_eq!(CommandLine::split(line), expected, "{line}");
        }
    }

    #[test]
    fn the_first_line_printed_is_the_secret() {
        let line = CommandLine::split("printf 'hunter2\\nlogin: anna\\n'").expect("words");
        assert_eq!(run(line, TIME_LIMIT).expect("an answer"), "hunter2");
    }

    #[test]
    fn a_command_that_fails_gives_no_secret_and_its_error_none_either() {
        let error = run(shell("echo canary; echo canary >&2; exit 3"), TIME_LIMIT).expect_err("it fails");
        assert_eq!(error.to_string(), "secret command /bin/sh: exit status 3");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let directory = tempfile::tempdir().expect("a directory");
        let pid_file = directory.path().join("pid");
        let started = Instant::now();
        let line = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let error = run(shell(&line), Duration::from_millis(400)).expect_err("it hangs");
        assert!(matches!(error, SecretError::Timeout { .. }) && started.elapsed() < Duration::from_secs(20));
        let pid = std::fs::read_to_string(pid_file).expect("the child's id");
        let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
            Err(_) => true,
            Ok(stat) => stat.contains(") Z "),
        };
        while !gone() {
            assert!(started.elapsed() < Duration::from_secs(20), "the child lives");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_command_that_leaves_a_child_behind_answers_all_the_same() {
        let started = Instant::now();
        assert_eq!(run(shell("echo hunter2; sleep 600 &"), TIME_LIMIT).expect("an answer"), "hunter2");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_command_that_prints_without_end_does_not_fill_memory() {
        let answer = run(shell("echo hunter2; exec cat /dev/zero"), Duration::from_secs(5));
        assert!(matches!(
            answer.as_deref(),
            Ok("hunter2") | Err(SecretError::Failed { .. } | SecretError::Timeout { .. })
        ));
    }
}
