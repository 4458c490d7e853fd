//! Processes that know of each other by the state alone, all at once.

use crate::site::{Ended, MESSAGE, Site};
use sendvia::state::{Clock, Ledger, Pause, Sqlite, Subject, Trip};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PROCESSES: usize = 12;

fn all_at_once(site: &Site) -> Vec<Child> {
    (0..PROCESSES).map(|_| site.begin_annas(MESSAGE)).collect()
}

/// How all but `left` of them ended; those are killed then.
fn all_but(left: usize, mut running: Vec<Child>) -> Vec<Ended> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut ended = Vec::new();
    while running.len() > left {
        assert!(Instant::now() < deadline, "{} are still running", running.len());
        let over = running.extract_if(.., |child| child.try_wait().unwrap().is_some());
        ended.extend(over.map(|child| Ended::from(child.wait_with_output().unwrap())));
        sleep(Duration::from_millis(5));
    }
    for mut child in running {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ended
}

#[test]
fn what_is_closed_is_deferred_by_all_with_the_same_words_and_no_connection() {
    let site = Site::new();
    site.rules(&["block-list"]);
    site.relay_annas(MESSAGE).is(75, "4.7.1 gmx: banner: 554");
    site.rules(&[]);
    let ended = all_but(0, all_at_once(&site));
    for one in &ended {
        one.is(75, "4.7.0 route direct to gmx is closed until 20");
        assert_eq!(one.out, ended[0].out);
        assert!(one.out.contains("gmx: banner: 554") && one.out.contains("[host-refused]"), "{one:?}");
    }
    assert_eq!((ended.len(), site.counters().connections), (PROCESSES, 1));
}

#[test]
fn one_of_them_tries_what_may_be_open_again_and_the_others_wait_for_it() {
    let site = Site::new();
    let pause = Pause { first: Duration::from_secs(1), longest: Duration::from_secs(1) };
    let (meaning, reason) = ("host-refused".to_owned(), "gmx: banner: 554".to_owned());
    let long_ago = Sqlite::new(&site.path().join("state"), Clock::at(1_700_000_000));
    let trip = Trip { meaning, reason, pause, asked: None, fingerprint: None };
    long_ago.trip(&Subject::route("direct", "gmx"), &trip).unwrap();
    site.rules(&["silent-at=banner"]);
    for one in all_but(1, all_at_once(&site)) {
        one.is(75, "4.7.0 route direct to gmx is closed until 20");
    }
    assert_eq!(site.counters().connections, 1);
}

#[test]
fn they_share_one_limit_of_messages() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nlimits: {messages_per_hour: 3}\n");
    let ended = all_but(0, all_at_once(&site));
    let sent = ended.iter().filter(|one| one.code == Some(0)).count();
    assert_eq!((sent, site.messages().len(), site.counters().connections), (3, 3, 3), "{ended:?}");
    let told = "its limit of 3 messages per hour is reached";
    assert!(ended.iter().filter(|one| one.code == Some(75)).all(|one| one.out.contains(told)), "{ended:?}");
}

#[test]
fn they_share_one_limit_of_recipients() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nlimits: {recipients_per_day: 4}\n");
    let ended = all_but(0, all_at_once(&site));
    assert_eq!(site.messages().len(), 4, "{ended:?}");
}

#[test]
fn they_share_one_limit_of_sessions() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nlimits: {sessions: 2}\n");
    site.rules(&["silent-at=mail"]);
    for one in all_but(2, all_at_once(&site)) {
        one.is(75, "4.7.0 account anna@gmx.de is closed until 20")
            .says(&["its limit of 2 sessions at once is reached"]);
    }
    assert!(site.counters().connections <= 2);
    site.rules(&[]);
    site.relay_annas(MESSAGE).is(0, "");
}

/// Logins are counted by the clock's minutes, and one may end meanwhile.
#[test]
fn they_share_one_limit_of_logins() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\nlimits: {logins_per_minute: 2}\n");
    all_but(0, all_at_once(&site));
    let logins = site.counters().logins;
    assert!((2..=4).contains(&logins), "{logins}");
}
