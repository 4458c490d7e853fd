//! A server that lives as long as the test that started it.

use std::io::Write;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Stops its process when dropped. The kernel does so too, should the test's process be killed.
pub(crate) struct Daemon {
    child: Child,
    name: String,
}

impl Daemon {
    /// Starts `program` with `args`.
    ///
    /// # Panics
    /// When it cannot be started: a missing peer is a failure.
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--", program])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start: {error}; run tests/install-peers"));
        Self { child, name: program.to_owned() }
    }

    /// What the server writes.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap_or_else(|| panic!("the output of {} is taken already", self.name))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        run("kill", &["-TERM", &self.pid().to_string()]);
        let _ = self.child.wait();
    }
}

/// Runs a command to its end and returns what it wrote to its standard output.
///
/// # Panics
/// With what it wrote, when it fails.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    run_with_input(program, args, b"")
}

/// The same with something on its standard input.
pub(crate) fn run_with_input(program: &str, args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}; run tests/install-peers"));
    let mut stdin = child.stdin.take().expect("piped");
    let written = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {args:?} failed ({}): {text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    written.expect("it reads its input");
    text
}
