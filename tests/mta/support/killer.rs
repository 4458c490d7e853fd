//! Kills the MTA's process that started sendvia, while it hands a message over.
//!
//! The command announces itself by a FIFO and becomes sendvia (`exec`), so that its parent is the MTA's process as it is
//! where sendvia is installed. What happens then is told by the sender's local-part: `early` is killed before sendvia
//! has begun, `start` at that moment, `amid` when it has written a drawn number of octets. It is stopped first: if it
//! has written the whole message, it goes on unharmed, so that every kill that is counted cut a message.
//!
//! The command keeps its end of the FIFO open: the FIFO ends when the last orphan has.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::run;
use super::lab::Lab;

/// Octets that may be written by one call after they were asked for.
const MARGIN: u64 = 32 * 1024;

/// How often which kind was killed: early, start, amid.
pub(crate) type Kills = [usize; 3];

/// Kills until it is told to rest.
pub(crate) struct Killer {
    kills: Arc<Mutex<Kills>>,
    rest: PathBuf,
    open: File,
    reader: JoinHandle<()>,
}

impl Killer {
    /// Puts itself in sendvia's way; messages are of `octets` or more.
    pub(crate) fn start(lab: &Lab, octets: u64) -> Self {
        let sendvia = env!("CARGO_BIN_EXE_sendvia");
        lab.stand_in(&format!(
            "exec 9>$GIVEN/started
[ ! -e $GIVEN/rest ] || exec {sendvia} \"$@\"
case $* in *' -f early'*) when=early ;; *' -f start'*) when=start ;; *) when=amid ;; esac
echo $PPID $when >&9
while [ $when = early ] && [ -d /proc/$PPID ] && [ ! -e $GIVEN/rest ] && [ -p $GIVEN/started ]; do :; done
exec {sendvia} \"$@\""
        ));
        let fifo = lab.text("given/started");
        run("mkfifo", &[&fifo]);
        fs::set_permissions(&fifo, fs::Permissions::from_mode(0o666)).expect("mode");
        // Opened for writing too, it does not end before we let go of it.
        let open = OpenOptions::new().read(true).write(true).open(&fifo).expect("a FIFO");
        let lines = BufReader::new(File::open(&fifo).expect("a FIFO"));
        let kills = Arc::new(Mutex::new([0; 3]));
        let counted = Arc::clone(&kills);
        let reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || announced(&line, octets, &counted));
            }
        });
        Self { kills, rest: lab.path("given/rest"), open, reader }
    }

    /// How many messages were cut.
    pub(crate) fn kills(&self) -> usize {
        self.kills.lock().expect("not poisoned").iter().sum()
    }

    /// From now on everything passes.
    pub(crate) fn rest(&self) {
        fs::write(&self.rest, "").expect("written");
    }

    /// Waits for the end of every command that was ever started.
    pub(crate) fn end(self) -> Kills {
        drop(self.open);
        self.reader.join().expect("it does not panic");
        *self.kills.lock().expect("not poisoned")
    }
}

/// Deals with one command; `line` is its parent's process id, and when to kill that.
fn announced(line: &str, octets: u64, kills: &Mutex<Kills>) {
    let (parent, when) = line.split_once(' ').expect("two words");
    let pid = Pid::from_raw(parent.parse().expect("a number")).expect("a process id");
    assert!(!pid.is_init(), "the parent died before it was killed");
    let (kind, at) = match when {
        "early" => (0, 0),
        "start" => (1, 0),
        _ => (2, drawn() % (octets - MARGIN)),
    };
    while written(parent).is_some_and(|written| written < at) {
        std::thread::yield_now();
    }
    if kill_process(pid, Signal::STOP).is_err() {
        return;
    }
    while !is_stopped(parent) {
        std::thread::yield_now();
    }
    match written(parent) {
        Some(written) if written < octets => {
            if kill_process(pid, Signal::KILL).is_ok() {
                kills.lock().expect("not poisoned")[kind] += 1;
            }
        }
        _ => drop(kill_process(pid, Signal::CONT)),
    }
}

/// How many octets a process has written since it began: one that serves a single message wrote hardly any others.
fn written(pid: &str) -> Option<u64> {
    let counts = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    counts.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()
}

/// Whether it is stopped, or gone.
fn is_stopped(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['T', 'Z', 'X']))
}

fn drawn() -> u64 {
    RandomState::new().build_hasher().finish()
}
