//! `sendvia sandbox`: a submission server that behaves as GMX does, for trying a set-up without a provider.

use super::output;
use crate::sandbox::{Extensions, Listener, Mechanism, Options, Rule, Sandbox, SandboxError, TlsMode, Users};
use crate::verdict::ExitStatus;
use clap::{Args, ValueEnum};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What can be typed after `sendvia sandbox`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen; may be repeated. Without it, two free ports of 127.0.0.1: STARTTLS and implicit TLS
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,

    /// How TLS begins at --listen; "auto" takes both kinds of client
    #[arg(long, value_enum, default_value = "auto")]
    tls: Tls,

    /// NAME[=ARGUMENT][@FILE]; may be repeated. Without it, the rules of GMX: from-must-match, sender-must-match,
    /// header-policy. With @FILE, in force while that file exists. "none" is no rule
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,

    /// A file of more rules, one a line, read anew all the time
    #[arg(long, value_name = "FILE")]
    rules_file: Option<PathBuf>,

    /// Whom to let in; may be repeated. Without it, any login with any password
    #[arg(long, value_name = "LOGIN:PASSWORD")]
    user: Vec<String>,

    /// Where to keep messages and the journal; without it, a new directory below the system's temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Where to write the certificate of the throw-away CA; without it, ca.pem in the directory
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// A name for which the certificate is good, beside localhost and the loopback addresses; may be repeated
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,

    /// An extension to offer; may be repeated. GMX offers none of them
    #[arg(long, value_enum, value_name = "EXTENSION")]
    extension: Vec<Extension>,

    /// A mechanism to offer; may be repeated. Without it, LOGIN and PLAIN as GMX
    #[arg(long, value_enum, value_name = "MECHANISM")]
    mechanism: Vec<MechanismName>,

    /// Count messages without keeping them
    #[arg(long)]
    discard: bool,

    /// Print the dialogue, secrets hidden
    #[arg(long)]
    dialogue: bool,

    /// End when standard input ends, so that no server outlives the script that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tls {
    Auto,
    Starttls,
    Implicit,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Extension {
    Pipelining,
    Chunking,
    #[value(name = "8bitmime")]
    EightBitMime,
    Smtputf8,
    Dsn,
    #[value(name = "enhancedstatuscodes")]
    EnhancedStatusCodes,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MechanismName {
    Plain,
    Login,
    #[value(name = "xoauth2")]
    XOAuth2,
    #[value(name = "oauthbearer")]
    OAuthBearer,
}

/// Runs until a signal or, if so asked, the end of standard input.
pub(super) fn run(arguments: Arguments) -> ExitStatus {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let served = runtime.block_on(serve(arguments));
        // Reading standard input can't be called off, and a signal must not wait for its end.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => ExitStatus::Ok,
        Err(problem) => {
            output::fail(
                format_args!("sendvia sandbox: {problem}"),
                Some("`sendvia help sandbox` tells what it takes"),
            );
            ExitStatus::Usage
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let until_stdin_closes = arguments.until_stdin_closes;
    let (dialogue, spoken) = arguments.dialogue.then(mpsc::unbounded_channel).unzip();
    let (ca_file, options) = options(arguments, dialogue)?;
    // Before the ready lines, so that whoever reads them can already stop us in peace.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let sandbox = Sandbox::start(options).await.map_err(|error: SandboxError| error.to_string())?;
    std::fs::write(&ca_file, sandbox.ca_pem()).map_err(|error| format!("{}: {error}", ca_file.display()))?;
    announce(&sandbox, &ca_file).map_err(|error| format!("stdout: {error}"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_closed(), if until_stdin_closes => {}
        () = print_dialogue(spoken) => {}
    }
    sandbox.stop().await;
    Ok(())
}

fn options(arguments: Arguments, dialogue: Option<crate::sandbox::Dialogue>) -> Result<(PathBuf, Options), String> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => fresh_directory(&std::env::temp_dir()).map_err(|error| format!("temporary directory: {error}"))?,
    };
    let mut options = Options::gmx(&dir);
    if !arguments.listen.is_empty() {
        let tls = TlsMode::from(arguments.tls);
        options.listeners = arguments.listen.iter().map(|address| Listener { address: *address, tls }).collect();
    }
    if !arguments.rule.is_empty() {
        let rules: Result<Vec<_>, _> = arguments.rule.iter().map(|rule| Rule::parse(rule)).collect();
        options.rules = rules.map_err(|error| error.to_string())?.into_iter().flatten().collect();
    }
    if !arguments.user.is_empty() {
        options.users = Users::only(arguments.user.iter().map(|pair| login(pair)).collect::<Result<Vec<_>, _>>()?);
    }
    if !arguments.mechanism.is_empty() {
        options.mechanisms = arguments.mechanism.iter().copied().map(Mechanism::from).collect();
    }
    options.extensions = extensions(&arguments.extension);
    options.rules_file = arguments.rules_file;
    options.names = arguments.name;
    options.discard = arguments.discard;
    options.dialogue = dialogue;
    Ok((arguments.ca_file.unwrap_or_else(|| dir.join("ca.pem")), options))
}

fn login(pair: &str) -> Result<(String, String), String> {
    let (login, password) = pair.split_once(':').ok_or("--user: expected LOGIN:PASSWORD, but found no colon")?;
    Ok((login.to_owned(), password.to_owned()))
}

fn extensions(named: &[Extension]) -> Extensions {
    let has = |extension| named.contains(&extension);
    Extensions {
        pipelining: has(Extension::Pipelining),
        chunking: has(Extension::Chunking),
        eight_bit_mime: has(Extension::EightBitMime),
        smtputf8: has(Extension::Smtputf8),
        dsn: has(Extension::Dsn),
        enhanced_status_codes: has(Extension::EnhancedStatusCodes),
    }
}

/// A directory that did not exist before and that only we can read.
pub(super) fn fresh_directory(parent: &Path) -> io::Result<PathBuf> {
    let make = |number: u32| {
        let path = parent.join(format!("sendvia-sandbox-{}-{number}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path).map(|()| path)
    };
    let taken = |made: &io::Result<PathBuf>| matches!(made, Err(error) if error.kind() == io::ErrorKind::AlreadyExists);
    (0..1000).map(make).find(|made| !taken(made)).unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
}

/// What a script waits for: one fact a line, the last one is `ready`.
fn announce(sandbox: &Sandbox, ca_file: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (tls, address) in sandbox.addresses() {
        writeln!(out, "listening: {} {address}", tls.name())?;
    }
    writeln!(out, "ca_file: {}", ca_file.display())?;
    writeln!(out, "dir: {}", sandbox.dir().display())?;
    writeln!(out, "ready")?;
    out.flush()
}

async fn stdin_closed() {
    let (mut stdin, mut ignored) = (tokio::io::stdin(), [0; 512]);
    while matches!(stdin.read(&mut ignored).await, Ok(count) if count > 0) {}
}

/// Prints until stdout is closed; without a dialogue, never ends.
async fn print_dialogue(spoken: Option<mpsc::UnboundedReceiver<(u64, String)>>) {
    let Some(mut spoken) = spoken else {
        return std::future::pending().await;
    };
    while let Some((session, line)) = spoken.recv().await {
        if writeln!(io::stdout(), "{session} {line}").is_err() {
            return;
        }
    }
}

impl From<Tls> for TlsMode {
    fn from(tls: Tls) -> TlsMode {
        match tls {
            Tls::Auto => TlsMode::Auto,
            Tls::Starttls => TlsMode::StartTls,
            Tls::Implicit => TlsMode::Implicit,
            Tls::None => TlsMode::None,
        }
    }
}

impl From<MechanismName> for Mechanism {
    fn from(name: MechanismName) -> Mechanism {
        match name {
            MechanismName::Plain => Mechanism::Plain,
            MechanismName::Login => Mechanism::Login,
            MechanismName::XOAuth2 => Mechanism::XOAuth2,
            MechanismName::OAuthBearer => Mechanism::OAuthBearer,
        }
    }
}
