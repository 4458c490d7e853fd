//! A run of many messages with random faults: connections cut, final replies lost, sendvia killed, the MTA's delivery
//! process killed in mid-message, a disk that takes nothing, the state removed or overwritten, foreign logins.
//!
//! `tests/faults` runs 10,000 messages; among all other tests there are a few hundred. In the end every message has to
//! be at the provider, whole, by its own account; twice only where nobody could know of the first time. The seed is
//! printed; `--seed` repeats a run as far as the machine's timing does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attempt;
mod chance;
mod customer;
mod proxy;
mod tally;

use attempt::Fault;
use chance::Chance;
use customer::{Customer, Site};
use sendvia::sandbox::{Options, Sandbox, Users};
use std::process::ExitCode;
use std::sync::Arc;
use tally::{Log, Tally};

/// Customers, and lanes in which their messages go one after the other.
const CUSTOMERS: usize = 10;

/// How often one message is tried before the run gives up on it.
const MOST_ATTEMPTS: usize = 60;

/// What can be typed.
struct Asked {
    messages: usize,
    seed: u64,
}

fn main() -> ExitCode {
    if let Some(code) = attempt::as_delivery_process() {
        return code;
    }
    let Some(asked) = Asked::read() else { return ExitCode::SUCCESS };
    println!("faults: {} messages of {CUSTOMERS} customers, seed {}", asked.messages, asked.seed);
    let tally = run(&asked);
    print!("{tally}");
    if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Asked {
    /// `None` where the test runner asked for other tests, or for a list.
    fn read() -> Option<Asked> {
        let mut asked = Asked { messages: 200, seed: u64::from(std::process::id()) };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--messages" => asked.messages = arguments.next()?.parse().unwrap(),
                "--seed" => asked.seed = arguments.next()?.parse().unwrap(),
                "--list" => return None,
                name if !name.starts_with('-') && !"faults".contains(name) => return None,
                _ => {}
            }
        }
        Some(asked)
    }
}

fn run(asked: &Asked) -> Tally {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::gmx(&directory.path().join("sandbox"));
    options.users = Users::only((0..CUSTOMERS).map(|number| (customer::address(number), customer::password(number))));
    let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
    let site = Arc::new(Site::new(directory.path(), &sandbox));
    let lanes: Vec<_> = (0..CUSTOMERS)
        .map(|number| {
            let customer = Customer::new(Arc::clone(&site), number);
            let (messages, seed) = (asked.messages, asked.seed);
            std::thread::spawn(move || lane(&customer, messages, seed))
        })
        .collect();
    let logs: Vec<Log> = lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect();
    let tally = Tally::new(&logs, &sandbox.messages());
    runtime.block_on(sandbox.stop());
    tally
}

/// All messages of one customer, each until it is delivered.
fn lane(customer: &Customer, messages: usize, seed: u64) -> Vec<Log> {
    let mut chance = Chance::new(seed ^ (customer.number as u64 + 1).wrapping_mul(0x9e37_79b9));
    let own = (0..messages).filter(|message| message % CUSTOMERS == customer.number);
    own.map(|message| deliver(customer, message, &mut chance)).collect()
}

fn deliver(customer: &Customer, message: usize, chance: &mut Chance) -> Log {
    let mut log = Log::new(customer, message, chance);
    while log.attempts.len() < MOST_ATTEMPTS && !log.is_delivered() {
        let fault = Fault::by(chance);
        let ended = attempt::make(customer, &log, fault, chance);
        log.attempts.push((fault, ended));
    }
    log
}
