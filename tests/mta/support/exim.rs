//! A private Exim: Debian's own binary, unpacked beside the Postfix that it conflicts with.
//!
//! Exim keeps its privileges only under its built-in configuration file, so each instance runs in a mount namespace
//! where `/etc/exim4` is this test's directory. Outside of it nothing changes.

use std::net::SocketAddr;
use std::os::unix::fs::chown;

use super::daemon::{Daemon, run_with_input};
use super::lab::{Lab, contrib, user};
use super::log::Log;
use super::mta::{Mta, Outcome};

/// Files of `contrib/exim`: for the main section, a router, a transport.
pub(crate) struct Recipe {
    pub(crate) main: &'static [&'static str],
    pub(crate) router: &'static str,
    pub(crate) transport: &'static str,
}

/// Batch SMTP to a command.
const PIPE: Recipe = Recipe { main: &["exim/main.conf"], router: "exim/router.conf", transport: "exim/transport.conf" };

/// A running Exim. Dropping it stops it.
pub(crate) struct Exim {
    _daemon: Daemon,
    _tail: Daemon,
    log: Log,
    directory: String,
    submission: SocketAddr,
}

impl Exim {
    /// The firm's MTA with `contrib/exim` in it: mail from senders with an account goes to sendvia, all other mail to
    /// `world`.
    pub(crate) fn with_contrib(lab: &Lab, world: SocketAddr) -> Self {
        Self::with_contrib_where(lab, world, &[])
    }

    /// The same with other values in place of those in `contrib/`.
    pub(crate) fn with_contrib_where(lab: &Lab, world: SocketAddr, changes: &[(&str, &str)]) -> Self {
        Self::by(&PIPE, lab, world, changes)
    }

    /// The same by other files of `contrib/exim`.
    pub(crate) fn by(recipe: &Recipe, lab: &Lab, world: SocketAddr, changes: &[(&str, &str)]) -> Self {
        let submission = lab.free_address();
        let mut settings = configuration(recipe, lab, submission, world);
        for (from, to) in changes {
            assert!(settings.contains(from), "contrib/exim does not say {from}");
            settings = settings.replace(from, to);
        }
        make_directories(lab, "exim");
        Self::start(lab, "exim", submission, &settings)
    }

    /// Starts an Exim with these settings in the directory `name` of the lab, which [`make_directories`] made.
    pub(crate) fn start(lab: &Lab, name: &str, submission: SocketAddr, settings: &str) -> Self {
        let (exim, group) = user("Debian-exim");
        lab.write(&format!("{name}/etc/exim4.conf"), settings);
        let log = lab.write(&format!("{name}/log/main"), "");
        chown(&log, Some(exim), Some(group)).expect("owner");
        let mut tail = Daemon::start("tail", &["-n", "+1", "-F", &log.display().to_string()]);
        let log = Log::follow(tail.stdout());
        let directory = lab.text(name);
        let command = in_namespace(&directory);
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.extend(["-bdf", "-q1h"]);
        let daemon = Daemon::start("unshare", &args);
        log.wait_for("start of Exim", |line| line.contains("daemon started"));
        Self { _daemon: daemon, _tail: tail, log, directory, submission }
    }

    /// Runs the queue as Exim does by itself, but for addresses whose time has not come too.
    pub(crate) fn run_queue(&self) {
        self.command(&["-qf"]);
    }

    /// Runs Exim's command on this instance.
    pub(crate) fn command(&self, args: &[&str]) -> String {
        self.command_with_input(args, b"")
    }

    /// A script that is this instance's `exim4`.
    pub(crate) fn script(&self) -> String {
        let [mount, dashes, shell, option, script, name] = &in_namespace(&self.directory)[..] else {
            unreachable!("six words")
        };
        format!("#!/bin/sh\nexec unshare {mount} {dashes} {shell} {option} '{script}' {name} \"$@\"\n")
    }

    /// Submits as the machine's own programs do.
    pub(crate) fn sendmail(&self, sender: &str, recipient: &str, message: &[u8]) {
        self.command_with_input(&["-f", sender, recipient], message);
    }

    fn command_with_input(&self, args: &[&str], input: &[u8]) -> String {
        let command = in_namespace(&self.directory);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        run_with_input("unshare", &[command.as_slice(), args].concat(), input)
    }
}

impl Mta for Exim {
    fn submission(&self) -> SocketAddr {
        self.submission
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn outcome(&self, queue_id: &str, recipient: &str) -> Outcome {
        let line =
            self.log.wait_for(&format!("outcome of {queue_id}"), |line| delivery(line, queue_id, recipient).is_some());
        let (mark, text) = delivery(&line, queue_id, recipient).expect("just seen");
        let text = text.to_owned();
        match mark {
            "=>" | "->" => Outcome::Sent(text),
            "**" => Outcome::Bounced(text),
            _ => Outcome::Deferred(text),
        }
    }

    fn queue(&self) -> Vec<String> {
        self.command(&["-bpru"])
            .split_whitespace()
            .filter(|word| word.len() == 16 && !word.contains('@'))
            .map(str::to_owned)
            .collect()
    }

    fn flush(&self) {
        self.command(&["-qff"]);
    }

    fn said(&self, queue_id: &str, recipient: &str) -> String {
        let output = |line: &str| line.contains(&format!(" {queue_id} <{recipient}>: sendvia transport output: "));
        let line = self.log.wait_for("line of sendvia", output);
        line.split_once(" output: ").expect("just seen").1.to_owned()
    }

    fn wait_for_end(&self, queue_id: &str) {
        self.log.wait_for("completion", |line| line.contains(&format!("{queue_id} Completed")));
    }
}

/// The mark and the rest of a log line about `recipient`, which stands there bare or, from a local transport, as
/// `local-part <address>`.
fn delivery<'a>(line: &'a str, queue_id: &str, recipient: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = line.split_once(&format!(" {queue_id} "))?;
    let (mark, rest) = rest.split_once(' ')?;
    let whose = rest.starts_with(&format!("{recipient} ")) || rest.contains(&format!("<{recipient}>"));
    (whose && ["=>", "->", "==", "**"].contains(&mark)).then_some((mark, rest))
}

/// Makes the directories of an Exim in `name` of the lab: its user's own, but for the configuration.
pub(crate) fn make_directories(lab: &Lab, name: &str) {
    let (exim, group) = user("Debian-exim");
    for part in ["etc", "spool", "log"] {
        let path = lab.directory(&format!("{name}/{part}"));
        chown(&path, Some(exim), Some(group)).expect("owner");
    }
    chown(lab.path(&format!("{name}/etc")), Some(0), Some(0)).expect("owner");
}

/// The command that runs the unpacked Exim with `directory`'s configuration as its built-in one.
fn in_namespace(directory: &str) -> Vec<String> {
    let exim = binary();
    // Cyrus SASL has one directory for all programs of a machine; a login of this instance may need its own.
    let script = format!(
        "mount --bind {directory}/etc /etc/exim4 && {{ [ ! -d {directory}/sasl ] || mount --bind {directory}/sasl \
         /usr/lib/sasl2; }} && exec {exim} \"$@\""
    );
    ["--mount", "--", "sh", "-c", &script, "exim"].map(str::to_owned).to_vec()
}

/// Where `tests/install-peers` unpacked Exim.
pub(crate) fn binary() -> String {
    let peers = std::env::var("SENDVIA_PEERS").unwrap_or_else(|_| "/var/cache/sendvia-tests".to_owned());
    format!("{peers}/exim/usr/sbin/exim4")
}

/// `contrib/exim` in the smallest Exim that lets customers submit.
fn configuration(recipe: &Recipe, lab: &Lab, submission: SocketAddr, world: SocketAddr) -> String {
    let directory = lab.text("exim");
    format!(
        "exim_path = {binary}
spool_directory = {directory}/spool
log_file_path = {directory}/log/%s
pid_file_path = {directory}/spool/exim.pid
primary_hostname = mx.firm.example
domainlist local_domains = firm.example
local_interfaces = {ip}
daemon_smtp_ports = {port}
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
acl_smtp_rcpt = acl_rcpt
tls_advertise_hosts =
bounce_return_body = true
SENDVIA_COMMAND = {sendvia}
SENDVIA_ACCOUNTS = {accounts}
SENDVIA_SOCKETS = {sockets}
SENDVIA_KEY = {key}
{main}
begin acl
acl_rcpt:
  accept authenticated = *
  deny

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{$auth2 at the firm}}}}
  server_set_id = $auth2
  server_advertise_condition = yes

begin routers
{router}
world:
  driver = manualroute
  route_list = * {world_ip}
  transport = world
  self = send

begin transports
{transport}
world:
  driver = smtp
  port = {world_port}
  allow_localhost

begin retry
* * F,2h,15m; G,16h,1h,1.5; F,4d,6h
",
        binary = binary(),
        ip = submission.ip(),
        port = submission.port(),
        sendvia = lab.text("sendvia"),
        accounts = lab.text("etc/accounts.d"),
        sockets = lab.text("run"),
        key = lab.text("etc/exim.key"),
        main = recipe.main.iter().map(|file| contrib(file, &[])).collect::<String>(),
        router = contrib(recipe.router, &[]),
        transport = contrib(recipe.transport, &[]),
        world_ip = world.ip(),
        world_port = world.port(),
    )
}
