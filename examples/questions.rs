//! Questions to the service over one connection, one at a time as Postfix asks them, timed: a part of
//! `tests/bench/service.py`.
//!
//! ```text
//! questions SOCKET policy|map ACCOUNTS DIFFERENT COUNT
//! ```
//!
//! COUNT questions about DIFFERENT of so many accounts. Prints questions a second, and median and 99th percentile in
//! milliseconds. `echo` for SOCKET asks a thread of its own that knows the answer without looking: what remains is the
//! price of sockets, scheduler and this client.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// Accounts are told apart by their numbers, as the set-up of the measurement named them.
const DOMAIN: &str = "customers.example";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, protocol, accounts, different, count] = arguments.as_slice() else {
        return Err("usage: questions SOCKET policy|map ACCOUNTS DIFFERENT COUNT".into());
    };
    let (accounts, different, count) = (accounts.parse()?, different.parse::<u64>()?, count.parse::<usize>()?);
    let (question, answer): (fn(u64) -> String, &'static [u8]) = match protocol.as_str() {
        "policy" => (policy, b"action=DUNNO\n\n"),
        _ => (table, b"11:OK sendvia:,"),
    };
    let questions: Vec<String> = (0..different).map(|number| question(scattered(number, accounts))).collect();
    let stream = match socket.as_str() {
        "echo" => echo(answer)?,
        path => UnixStream::connect(path)?,
    };
    let began = Instant::now();
    let mut spent = ask(stream, questions.iter().cycle().take(count), answer)?;
    let a_second = count as f64 / began.elapsed().as_secs_f64();
    spent.sort_unstable();
    let at = |part: usize| spent[(count - 1) * part / 100].as_secs_f64() * 1e3;
    println!("{a_second:.0} {:.4} {:.4}", at(50), at(99));
    Ok(())
}

/// Asks one after the other; how long each took.
fn ask<'a>(
    mut stream: UnixStream,
    questions: impl Iterator<Item = &'a String>,
    answer: &[u8],
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (mut spent, mut got) = (Vec::new(), vec![0; answer.len()]);
    for question in questions {
        let began = Instant::now();
        stream.write_all(question.as_bytes())?;
        stream.read_exact(&mut got)?;
        spent.push(began.elapsed());
        if got != answer {
            return Err(format!("{question:?}: {:?}", String::from_utf8_lossy(&got)).into());
        }
    }
    Ok(spent)
}

/// A connection to a thread that answers whatever comes.
fn echo(answer: &'static [u8]) -> std::io::Result<UnixStream> {
    let (ours, mut theirs) = UnixStream::pair()?;
    thread::spawn(move || {
        let mut question = [0; 4096];
        while theirs.read(&mut question).is_ok_and(|read| read > 0) && theirs.write_all(answer).is_ok() {}
    });
    Ok(ours)
}

/// The numbers in an order that no cache can guess, each once.
fn scattered(number: u64, accounts: u64) -> u64 {
    // A prime that divides no round number.
    number * 7_919 % accounts
}

fn policy(number: u64) -> String {
    format!(
        "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nhelo_name=client\nqueue_id=\n\
         sender=c{number}@{DOMAIN}\nrecipient=b@x.example\nrecipient_count=0\nclient_address=192.0.2.7\n\
         client_name=unknown\nreverse_client_name=unknown\ninstance=1.2.3.0\nsasl_method=PLAIN\n\
         sasl_username=c{number}\nsasl_sender=\nsize=0\nccert_subject=\nencryption_protocol=TLSv1.3\n\n"
    )
}

fn table(number: u64) -> String {
    let key = format!("transport c{number}@{DOMAIN}");
    format!("{}:{key},", key.len())
}
