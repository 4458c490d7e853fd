//! A site as an administrator would set it up: configuration, accounts, and a sandbox as everybody's provider.

use sendvia::sandbox::{Counters, Kept, Options, Rule, Sandbox, TlsMode, Users};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The password of every account; nothing that sendvia prints may hold it.
pub(crate) const PASSWORD: &str = "kanarienvogel-7193";

/// A message of Anna's that no rule has to change, as pipe(8) gives it.
pub(crate) const MESSAGE: &str = "\
Date: Mon, 23 Nov 2026 10:00:00 +0100
Message-ID: <1@client.example>
From: Anna <anna@gmx.de>
To: b@x.example
Subject: Hello

Greetings!
.a line with a dot
..
From here on nothing.
";

/// A message of hers, submitted by her login.
const ANNAS: [&str; 6] = ["--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"];

/// A running site. All of it goes when it is dropped.
pub(crate) struct Site {
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    directory: TempDir,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    /// The sandbox behaves as GMX; `anna@gmx.de` has an account that the login `anna` may use.
    pub(crate) fn new() -> Site {
        Site::with(|_| ())
    }

    /// The same with changed options of the sandbox.
    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Site {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut options = Options::gmx(&directory.path().join("sandbox"));
        options.users = Users::only([("anna@gmx.de".to_owned(), PASSWORD.to_owned())]);
        change(&mut options);
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        fs::write(directory.path().join("ca.pem"), sandbox.ca_pem()).unwrap();
        fs::create_dir(directory.path().join("accounts.d")).unwrap();
        let site = Site { runtime, sandbox: Some(sandbox), directory };
        site.config("");
        site.account("anna@gmx.de", "users: [anna]\n");
        site
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path().join("sendvia.yaml")
    }

    pub(crate) fn account_file(&self, address: &str) -> PathBuf {
        self.path().join("accounts.d").join(format!("{address}.yaml"))
    }

    /// Writes `sendvia.yaml` with `more` at its end.
    pub(crate) fn config(&self, more: &str) {
        let text = format!("tls: {{ca_file: ca.pem}}\nstate: state\nlog: {{to: none}}\n{more}");
        fs::write(self.config_file(), text).unwrap();
    }

    /// Writes an account at GMX, served by the sandbox, with `more` at its end; it logs in as `anna@gmx.de`.
    pub(crate) fn account(&self, address: &str, more: &str) {
        self.raw_account(address, self.account_text(TlsMode::StartTls, more));
    }

    /// What [`account`](Site::account) writes.
    pub(crate) fn account_text(&self, tls: TlsMode, more: &str) -> String {
        let (port, tls) = (self.port(tls), tls.name());
        let server = format!("provider: gmx\nsubmission: {{host: localhost, port: {port}, tls: {tls}}}\n");
        format!("{server}login: anna@gmx.de\nsecret: {{plain: {PASSWORD}}}\n{more}")
    }

    pub(crate) fn raw_account(&self, address: &str, text: impl AsRef<[u8]>) {
        let file = self.account_file(address);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A file beside the configuration that its owner alone may read.
    pub(crate) fn private_file(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn port(&self, tls: TlsMode) -> u16 {
        self.sandbox().address(tls).unwrap().port()
    }

    pub(crate) fn rules(&self, texts: &[&str]) {
        self.sandbox().set_rules(texts.iter().filter_map(|text| Rule::parse(text).unwrap()).collect());
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    /// From now on nobody listens.
    pub(crate) fn stop_provider(&mut self) {
        self.runtime.block_on(self.sandbox.take().unwrap().stop());
    }

    pub(crate) fn messages(&self) -> Vec<Kept> {
        self.sandbox().messages()
    }

    /// The counters once every session has ended.
    pub(crate) fn counters(&self) -> Counters {
        self.wait_until(|counters| counters.closed == counters.connections);
        self.sandbox().counters()
    }

    /// Waits for the sandbox; a test that waits in vain fails.
    pub(crate) fn wait_until(&self, done: impl Fn(&Counters) -> bool) {
        let waiting = async { tokio::time::timeout(Duration::from_secs(60), self.sandbox().wait_until(done)).await };
        assert!(self.runtime.block_on(waiting).is_ok(), "in vain: {:?}", self.sandbox().counters());
    }

    /// `sendvia SUBCOMMAND --config FILE`, without the caller's environment of it.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sendvia"));
        command.arg(subcommand).arg("--config").arg(self.config_file());
        command.env_remove("SENDVIA_USER").env_remove("SENDVIA_CONFIG");
        command
    }

    /// `sendvia relay` with these arguments and this message.
    pub(crate) fn relay(&self, arguments: &[&str], message: impl AsRef<[u8]>) -> Ended {
        run(self.command("relay").args(arguments), message.as_ref())
    }

    /// A message to one recipient from `anna@gmx.de`, submitted by her login.
    pub(crate) fn relay_annas(&self, message: impl AsRef<[u8]>) -> Ended {
        self.relay(&ANNAS, message)
    }

    /// Starts the same, with the whole message in its pipe.
    pub(crate) fn begin_annas(&self, message: impl AsRef<[u8]>) -> Child {
        let mut command = self.command("relay");
        command.args(ANNAS).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(message.as_ref()).unwrap();
        child
    }
}

/// Runs to the end; a command that hangs is killed and fails the test.
pub(crate) fn run(command: &mut Command, stdin: &[u8]) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A child that refuses early closes its end; what comes of it shows in its exit status.
    let writing = std::thread::spawn(move || pipe.write_all(&stdin).is_ok());
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{command:?} hangs: {:?}", Ended::from(child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    writing.join().unwrap();
    Ended::from(child.wait_with_output().unwrap())
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ended {
    /// Asserts exit status and the beginning of the one output line that an MTA's pipe gets.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, begins: &str) -> &Ended {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.out.starts_with(begins), "expected {begins:?} at the start of {self:?}");
        assert!(self.out.lines().count() <= 1, "more than one line: {self:?}");
        assert_eq!(self.err, "", "an MTA's pipe has one stream");
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Ended {
        for word in words {
            assert!(self.out.contains(word), "expected {word:?} in {self:?}");
        }
        self
    }
}

/// The message as it has to arrive: CRLF at every line end, nothing else changed.
pub(crate) fn on_the_wire(message: &str) -> Vec<u8> {
    message.replace('\n', "\r\n").into_bytes()
}

/// The values of a header field in a message that arrived, folded lines joined.
pub(crate) fn field(message: &[u8], name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(message);
    let section = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let pairs = section.split("\r\n").filter_map(|line| line.split_once(':'));
    pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
}
