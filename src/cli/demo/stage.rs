//! What the demo plays on: a sandbox in this process, a temporary configuration with one account, and the real
//! `sendvia relay` as a child, started as pipe(8) starts it.

use super::super::sandbox::fresh_directory;
use crate::sandbox::{Counters, Options, Rule, Sandbox, SandboxError, TlsMode, Users};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::mpsc;

const ACCOUNT: &str = "anna@gmx.de";
const LOGIN: &str = "anna";
const RECIPIENT: &str = "friend@example.org";
/// Nobody's: the sandbox knows it, and it ends with the demo.
const PASSWORD: &str = "only-for-this-demo";
/// A delivery over loopback takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there can be no demo.
#[derive(Debug, Error)]
pub(super) enum StageError {
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("`sendvia relay` did not end within {} seconds", PATIENCE.as_secs())]
    Late,
}

/// What the account says of the header From.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderFrom {
    Require,
    Accept,
}

/// One message and the account's rule for it.
pub(super) struct Act {
    pub(super) header_from: &'static str,
    pub(super) rule: HeaderFrom,
}

/// What came of it.
pub(super) struct Performance {
    /// As typed, without the temporary path.
    pub(super) command: String,
    pub(super) exit_status: Option<i32>,
    /// stdout and stderr, as pipe(8) reads them: in one stream.
    pub(super) output: String,
    /// Behind `C: ` and `S: `.
    pub(super) dialogue: Vec<String>,
    pub(super) connections: u64,
    pub(super) logins: u64,
    pub(super) messages: u64,
}

pub(super) struct Stage {
    sandbox: Sandbox,
    spoken: mpsc::UnboundedReceiver<(u64, String)>,
    dir: TemporaryDirectory,
}

/// Goes when it is dropped.
struct TemporaryDirectory(PathBuf);

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // Nothing can be done about what remains below the system's temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Stage {
    pub(super) async fn set() -> Result<Stage, StageError> {
        let dir = TemporaryDirectory(fresh_directory(&std::env::temp_dir())?);
        let (dialogue, spoken) = mpsc::unbounded_channel();
        let users = Users::only([(ACCOUNT.to_owned(), PASSWORD.to_owned())]);
        let gmx = Options::gmx(&dir.0.join("sandbox"));
        let sandbox = Sandbox::start(Options { users, dialogue: Some(dialogue), ..gmx }).await?;
        std::fs::write(dir.0.join("ca.pem"), sandbox.ca_pem())?;
        std::fs::create_dir(dir.0.join("accounts.d"))?;
        std::fs::write(dir.0.join("sendvia.yaml"), "tls: {ca_file: ca.pem}\nstate: state\nlog: {to: none}\n")?;
        Ok(Stage { sandbox, spoken, dir })
    }

    /// The account as the demo shows it.
    pub(super) fn account_file(&self) -> String {
        self.account(HeaderFrom::Require).replace(PASSWORD, "********")
    }

    pub(super) fn set_rules(&self, rules: Vec<Rule>) {
        self.sandbox.set_rules(rules);
    }

    /// Lets `sendvia relay` deliver one message.
    pub(super) async fn perform(&mut self, act: &Act) -> Result<Performance, StageError> {
        let account = self.dir.0.join("accounts.d").join(format!("{ACCOUNT}.yaml"));
        write_secret_file(&account, &self.account(act.rule))?;
        let before = self.sandbox.counters();
        let message = message(act.header_from);
        let output = tokio::time::timeout(PATIENCE, self.relay(&message)).await.map_err(|_| StageError::Late)??;
        let after = self.settled().await;
        let mut dialogue = Vec::new();
        while let Ok((_, line)) = self.spoken.try_recv() {
            dialogue.push(line);
        }
        Ok(Performance {
            command: format!("sendvia relay --user {LOGIN} -f {ACCOUNT} -- {RECIPIENT} < message"),
            exit_status: output.status.code(),
            output: [output.stdout, output.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned()).concat(),
            dialogue,
            connections: after.connections - before.connections,
            logins: after.logins - before.logins,
            messages: after.messages - before.messages,
        })
    }

    pub(super) async fn strike(self) {
        self.sandbox.stop().await;
    }

    fn account(&self, rule: HeaderFrom) -> String {
        let port = self.sandbox.address(TlsMode::StartTls).map(|address| address.port()).unwrap_or_default();
        let rule = match rule {
            HeaderFrom::Require => "",
            HeaderFrom::Accept => "header_from: accept\n",
        };
        format!(
            "provider: gmx\n\
             submission: {{host: localhost, port: {port}, tls: starttls}}\n\
             secret: {{plain: {PASSWORD}}}\n\
             users: [{LOGIN}]\n{rule}"
        )
    }

    async fn relay(&self, message: &str) -> io::Result<std::process::Output> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("relay")
            .arg("--config")
            .arg(self.dir.0.join("sendvia.yaml"))
            .args(["--user", LOGIN, "-f", ACCOUNT, "--", RECIPIENT])
            .env_remove("SENDVIA_USER")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A child that refuses early closes its end; its exit status tells.
            let _ = stdin.write_all(message.as_bytes()).await;
        }
        child.wait_with_output().await
    }

    /// The counters once every session has ended: QUIT comes after the client's exit status is known.
    async fn settled(&self) -> Counters {
        let ended = self.sandbox.wait_until(|counters| counters.closed == counters.connections);
        // A session that hangs shows in the counters.
        let _ = tokio::time::timeout(Duration::from_secs(2), ended).await;
        self.sandbox.counters()
    }
}

impl Performance {
    /// The dialogue from DATA on.
    pub(super) fn after_data(&self) -> &[String] {
        let data = self.dialogue.iter().position(|line| line.starts_with("C: DATA") || line.starts_with("C: BDAT"));
        &self.dialogue[data.unwrap_or_default()..]
    }
}

fn message(header_from: &str) -> String {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!("Date: {date}\nFrom: {header_from}\nTo: {RECIPIENT}\nSubject: Hello from far away\n\nGreetings!\n")
}

/// Whoever else is on this host may not read it.
fn write_secret_file(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
