//! One attempt at one message, with one fault.

use crate::chance::Chance;
use crate::customer::{Customer, address};
use crate::proxy::Cut;
use crate::tally::Log;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    None,
    CutToServer,
    CutToClient,
    KillSendvia,
    KillDelivery,
    FullDisk,
    StateRemoved,
    StateOverwritten,
    ForeignLogin,
}

/// How the attempt ended: the exit status, none after a signal.
pub(crate) type Ended = Option<i32>;

/// Set for the process that stands for the MTA's pipe(8).
const DELIVERY: &str = "SENDVIA_FAULTS_DELIVERY";

/// An attempt at a loaded machine, from start to exit.
const LATEST: u64 = 60;

impl Fault {
    pub(crate) fn by(chance: &mut Chance) -> Fault {
        match chance.below(20) {
            0..=7 => Fault::None,
            8 | 9 => Fault::CutToServer,
            10..=12 => Fault::CutToClient,
            13 | 14 => Fault::KillSendvia,
            15 | 16 => Fault::KillDelivery,
            17 => Fault::FullDisk,
            18 if chance.below(2) == 0 => Fault::StateRemoved,
            18 => Fault::StateOverwritten,
            _ => Fault::ForeignLogin,
        }
    }
}

pub(crate) fn make(customer: &Customer, log: &Log, fault: Fault, chance: &mut Chance) -> Ended {
    let config = customer.config(&log.attempt_name(log.attempts.len()));
    let message = customer.site.path(&format!("message{}", customer.number));
    fs::write(&message, &log.message).unwrap();
    customer.proxy.cut_next(cut(fault, log, chance));
    let arguments = arguments(customer, log, fault, &config);
    let delay = Duration::from_micros(chance.below(LATEST * 1000));
    match fault {
        Fault::KillDelivery => killed_delivery(&arguments, &message, delay),
        Fault::KillSendvia => {
            let mut child = start(&arguments, &message);
            std::thread::sleep(delay);
            let _ = child.kill();
            child.wait().unwrap().code()
        }
        Fault::FullDisk => {
            let mut full = vec!["-c".to_owned(), "trap '' XFSZ; ulimit -f 0; exec \"$@\"".to_owned(), "sh".to_owned()];
            full.push(binary());
            full.extend(arguments);
            let mut shell = Command::new("sh");
            shell.args(full).stdin(File::open(&message).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
            shell.status().unwrap().code()
        }
        Fault::StateRemoved | Fault::StateOverwritten => {
            let mut child = start(&arguments, &message);
            std::thread::sleep(delay);
            spoil(&customer.site.state(), fault);
            child.wait().unwrap().code()
        }
        Fault::None | Fault::CutToServer | Fault::CutToClient | Fault::ForeignLogin => {
            start(&arguments, &message).wait().unwrap().code()
        }
    }
}

/// A cut somewhere in a dialogue of about the size that the message makes it.
fn cut(fault: Fault, log: &Log, chance: &mut Chance) -> Cut {
    let size = log.message.len() as u64;
    match fault {
        Fault::CutToServer => Cut { to_server: Some(chance.below(size + 1500)), to_client: None },
        Fault::CutToClient => Cut { to_server: None, to_client: Some(chance.below(3500)) },
        _ => Cut::default(),
    }
}

fn arguments(customer: &Customer, log: &Log, fault: Fault, config: &Path) -> Vec<String> {
    let login = match fault {
        Fault::ForeignLogin => "login-of-nobody".to_owned(),
        _ => format!("login{}", customer.number),
    };
    let config = config.to_str().unwrap();
    let sender = address(customer.number);
    let words = [
        "relay",
        "--config",
        config,
        "--user",
        &login,
        "--queue-id",
        &log.queue_id,
        "-f",
        &sender,
        "--",
        "b@x.example",
    ];
    words.map(str::to_owned).to_vec()
}

fn binary() -> String {
    env!("CARGO_BIN_EXE_sendvia").to_owned()
}

fn start(arguments: &[String], message: &Path) -> Child {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(File::open(message).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The delivery process is killed while it feeds sendvia, or while it waits for it; the orphan is waited for.
fn killed_delivery(arguments: &[String], message: &Path, delay: Duration) -> Ended {
    let mut delivery = Command::new(std::env::current_exe().unwrap())
        .env(DELIVERY, message)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(delivery.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    std::thread::sleep(delay);
    let _ = delivery.kill();
    let ended = delivery.wait().unwrap().code();
    wait_for_orphan(pid.trim());
    ended
}

fn wait_for_orphan(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let lives = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z")
    };
    while lives() {
        assert!(Instant::now() < deadline, "sendvia {pid} does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Feeds sendvia in two halves and reads its answer, as pipe(8) does, if this process was started for that.
pub(crate) fn as_delivery_process() -> Option<ExitCode> {
    let message = fs::read(std::env::var_os(DELIVERY)?).unwrap();
    let mut command = Command::new(binary());
    command.args(std::env::args_os().skip(1)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    println!("{}", child.id());
    let mut stdin = child.stdin.take().unwrap();
    for half in message.chunks(message.len().div_ceil(2)) {
        let _ = stdin.write_all(half);
        std::thread::sleep(Duration::from_millis(15));
    }
    drop(stdin);
    let code = child.wait_with_output().unwrap().status.code().and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or(75)))
}

fn spoil(state: &Path, fault: Fault) {
    match fault {
        Fault::StateRemoved => drop(fs::remove_file(state)),
        _ => {
            if let Ok(mut file) = fs::OpenOptions::new().write(true).open(state) {
                let _ = file.write_all(&[0x5a; 8192]);
            }
        }
    }
}
