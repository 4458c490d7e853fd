use super::*;
use crate::state::{Kind, Pause};
use std::sync::{Arc, Barrier};
use std::thread;
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(120);
const HOUR: Duration = Duration::from_secs(3600);
const START: i64 = 1_800_000_000;

fn state() -> (TempDir, Clock, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::at(START);
    let state = Sqlite::new(&directory.path().join("state"), clock.clone());
    (directory, clock, state)
}

fn refused(fingerprint: Option<u32>) -> Trip {
    Trip {
        meaning: "credentials-refused".to_owned(),
        reason: "535 no".to_owned(),
        pause: Pause { first: Duration::from_secs(300), longest: Duration::from_secs(21_600) },
        asked: None,
        fingerprint,
    }
}

#[test]
fn what_was_refused_stays_closed_until_its_pause_is_over_and_then_one_probe_goes_out() {
    let (_directory, clock, state) = state();
    let subject = Subject::account("anna@gmx.de");
    assert_eq!(state.gate(&subject, None, LEASE).unwrap(), Gate::Open);
    let closure = state.trip(&subject, &refused(None)).unwrap();
    assert_eq!(closure.until, Clock::at(START).now().after(Duration::from_secs(300)));
    clock.advance(Duration::from_secs(299));
    assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Closed(_)));
    clock.advance(Duration::from_secs(1));
    assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Probe(_)));
    assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Closed(_)), "a second probe");
    state.end_probe(&subject).unwrap();
    assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Probe(_)), "the first learned nothing");
    // The prober died: another may try.
    clock.advance(LEASE);
    assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Probe(_)));
    let closure = state.trip(&subject, &refused(None)).unwrap();
    assert_eq!((closure.failures, closure.until.since(clock.now())), (2, Duration::from_secs(600)));
    assert!(state.reopen(&subject).unwrap().is_some());
    assert_eq!(state.gate(&subject, None, LEASE).unwrap(), Gate::Open);
}

#[test]
fn a_pause_that_a_person_ends_is_over_for_everybody_and_one_of_them_sees_it_open() {
    let (_directory, _clock, state) = state();
    let subject = Subject::route("direct", "gmx");
    state.trip(&subject, &refused(None)).unwrap();
    assert!(state.lift(&subject).unwrap().is_some());
    assert_eq!((state.lift(&subject).unwrap(), state.closures().unwrap()), (None, Vec::new()), "once");
    for _ in 0..2 {
        assert!(matches!(state.gate(&subject, None, LEASE).unwrap(), Gate::Probe(_)));
    }
    assert!(state.reopen(&subject).unwrap().is_some());
    assert!(state.reopen(&subject).unwrap().is_none(), "the others learn nothing new");
    state.trip(&subject, &refused(None)).unwrap();
    state.lift(&subject).unwrap();
    assert_eq!(state.trip(&subject, &refused(None)).unwrap().failures, 1, "it was not mended: the first pause again");
}

#[test]
fn other_credentials_open_at_once_what_was_closed_for_the_old_ones() {
    let (_directory, _clock, state) = state();
    let subject = Subject::credentials("anna@gmx.de");
    state.trip(&subject, &refused(Some(1))).unwrap();
    assert!(matches!(state.gate(&subject, Some(1), LEASE).unwrap(), Gate::Closed(_)));
    assert!(matches!(state.gate(&subject, Some(2), LEASE).unwrap(), Gate::Probe(_)));
    assert!(matches!(state.gate(&subject, Some(2), LEASE).unwrap(), Gate::Closed(_)), "one probe all the same");
    state.reopen(&subject).unwrap();
    assert_eq!(state.gate(&subject, Some(2), LEASE).unwrap(), Gate::Open);
}

#[test]
fn refusals_of_deliveries_under_way_count_once() {
    let (_directory, clock, state) = state();
    let subject = Subject::route("direct", "gmx");
    for _ in 0..20 {
        state.trip(&subject, &refused(None)).unwrap();
    }
    let [closure] = state.closures().unwrap().try_into().unwrap();
    assert_eq!((closure.subject.kind, closure.failures, closure.since), (Kind::Route, 1, clock.now()));
}

#[test]
fn the_pause_that_a_provider_asks_for_goes_before_our_own() {
    let (_directory, clock, state) = state();
    let trip = Trip { asked: Some(Duration::from_secs(7)), ..refused(None) };
    let closure = state.trip(&Subject::account("a@b"), &trip).unwrap();
    assert_eq!(closure.until, clock.now().after(Duration::from_secs(7)));
}

#[test]
fn a_limit_is_kept_and_frees_itself_and_those_who_wait_are_told_times_apart() {
    let (_directory, clock, state) = state();
    let caps = Caps { messages_per_hour: Some(2), ..Caps::default() };
    assert!(state.reserve("a@b", &caps, 1).unwrap().is_ok());
    assert!(state.reserve("a@b", &caps, 1).unwrap().is_ok());
    let told: Vec<i64> =
        (0..3).map(|_| state.reserve("a@b", &caps, 1).unwrap().unwrap_err().room_at.0 - START).collect();
    assert_eq!(told, [3600, 5400, 7200]);
    assert!(state.reserve("other@b", &caps, 1).unwrap().is_ok());
    clock.advance(HOUR);
    assert!(state.reserve("a@b", &caps, 1).unwrap().is_ok());
}

#[test]
fn what_was_not_sent_is_given_back() {
    let (_directory, _clock, state) = state();
    let caps = Caps { recipients_per_day: Some(5), ..Caps::default() };
    assert!(state.reserve("a@b", &caps, 5).unwrap().is_ok());
    assert_eq!(state.reserve("a@b", &caps, 1).unwrap().unwrap_err().limit, "5 recipients per day");
    state.release("a@b", 5).unwrap();
    assert!(state.reserve("a@b", &caps, 4).unwrap().is_ok());
    let [today] = state.today().unwrap().try_into().unwrap();
    assert_eq!((today.messages, today.recipients), (1, 4));
}

#[test]
fn a_login_that_never_reached_the_server_is_given_back() {
    let (_directory, _clock, state) = state();
    assert!(state.login("a@b", Some(1)).unwrap().is_ok());
    assert!(state.login("a@b", Some(1)).unwrap().is_err());
    state.release_login("a@b").unwrap();
    state.release_login("a@b").unwrap();
    assert_eq!(state.today().unwrap().iter().map(|today| today.logins).sum::<u64>(), 0);
    assert!(state.login("a@b", Some(1)).unwrap().is_ok());
}

#[test]
fn a_message_larger_than_a_limit_is_left_to_the_provider() {
    let (_directory, _clock, state) = state();
    let caps = Caps { recipients_per_hour: Some(5), ..Caps::default() };
    assert!(state.reserve("a@b", &caps, 6).unwrap().is_ok());
}

#[test]
fn a_dead_process_does_not_keep_its_session() {
    let (_directory, clock, state) = state();
    let first = state.enter_session("a@b", 1, LEASE).unwrap().unwrap();
    assert!(state.enter_session("a@b", 1, LEASE).unwrap().is_err());
    state.leave_session(first).unwrap();
    state.enter_session("a@b", 1, LEASE).unwrap().unwrap();
    // No process has this number.
    state.with(|connection| connection.execute("UPDATE session SET pid = 4194999", [])).unwrap();
    state.enter_session("a@b", 1, LEASE).unwrap().unwrap();
    clock.advance(LEASE);
    assert!(state.enter_session("a@b", 1, LEASE).unwrap().is_ok());
}

#[test]
fn the_journal_knows_queue_id_recipient_and_digest_together() {
    let (_directory, clock, state) = state();
    let both = ["r@x".to_owned(), "s@x".to_owned()];
    for durability in [Durability::Process, Durability::Power] {
        state.record("4F1", &[7; 32], &both[..1], durability, HOUR).unwrap();
    }
    assert_eq!(state.sent("4F1", &[7; 32], &both).unwrap(), [true, false]);
    assert_eq!(state.sent("4F1", &[8; 32], &both).unwrap(), [false, false], "the queue id was given out again");
    assert_eq!(state.sent("4F2", &[7; 32], &both).unwrap(), [false, false]);
    clock.advance(HOUR + Duration::from_secs(1));
    // A digest that begins with a multiple of 64 sweeps.
    state.record("4F3", &[64; 32], &both, Durability::Process, HOUR).unwrap();
    assert_eq!(state.sent("4F1", &[7; 32], &both).unwrap(), [false, false]);
}

#[test]
fn what_a_process_wrote_is_there_for_the_next_and_the_log_does_not_grow() {
    let (directory, clock, _) = state();
    let log = directory.path().join("state/state.db-wal");
    let one = ["r@x".to_owned()];
    let mut lengths = Vec::new();
    for id in 0..200 {
        let state = Sqlite::new(&directory.path().join("state"), clock.clone());
        state.record(&format!("Q{id}"), &[7; 32], &one, Durability::Process, HOUR).unwrap();
        drop(state);
        lengths.push(fs::metadata(&log).map_or(0, |log| log.len()));
    }
    let checkpoints = lengths.iter().filter(|length| **length == 0).count();
    // A process that ends writes the log into the file, and waits for the disk, now and then.
    assert!((1..20).contains(&checkpoints), "{lengths:?}");
    assert!(lengths.iter().all(|length| *length < LOG), "{lengths:?}");
    let state = Sqlite::new(&directory.path().join("state"), clock);
    assert!((0..200).all(|id| state.sent(&format!("Q{id}"), &[7; 32], &one).unwrap() == [true]));
}

#[test]
fn the_last_refusal_of_each_account_is_kept() {
    let (_directory, clock, state) = state();
    state.note_refusal("a@b", "spam", "gmx: end of message: 554 no").unwrap();
    clock.advance(HOUR);
    state.note_refusal("a@b", "too-large", "gmx: MAIL: 552 no").unwrap();
    let [last] = state.last_refusals().unwrap().try_into().unwrap();
    assert_eq!((last.meaning.as_str(), last.at), ("too-large", clock.now()));
}

#[test]
fn nobody_is_told_twice_within_the_interval() {
    let (_directory, clock, state) = state();
    assert_eq!(state.notified("a@b").unwrap(), None);
    assert!(state.may_notify("a@b", HOUR).unwrap());
    assert_eq!(state.notified("a@b").unwrap(), Some(clock.now()));
    assert!(!state.may_notify("a@b", HOUR).unwrap());
    clock.advance(HOUR);
    assert!(state.may_notify("a@b", HOUR).unwrap());
}

#[test]
fn a_file_that_is_corrupt_removed_or_somebody_elses_is_made_anew() {
    let garbage: [&[u8]; 3] =
        [b"not a database, but long enough to be looked at as one, is it not?", &[0xff; 8192], b""];
    for octets in garbage {
        let (_directory, _clock, state) = state();
        state.trip(&Subject::account("a@b"), &refused(None)).unwrap();
        let path = state.file();
        let reopened = Sqlite::new(path.parent().unwrap(), Clock::at(START));
        drop(state);
        fs::remove_file(path.with_extension("db-wal")).ok();
        fs::write(&path, octets).unwrap();
        assert_eq!(reopened.gate(&Subject::account("a@b"), None, LEASE).unwrap(), Gate::Open);
        reopened.trip(&Subject::account("a@b"), &refused(None)).unwrap();
        assert_eq!(reopened.closures().unwrap().len(), 1);
        // Under an open connection too.
        fs::remove_file(&path).unwrap();
        assert_eq!(reopened.closures().unwrap(), []);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn pages_overwritten_in_the_middle_are_noticed_and_no_call_fails() {
    let (_directory, _clock, state) = state();
    for number in 0..400 {
        state.record(&format!("Q{number}"), &[1; 32], &["r@x".to_owned()], Durability::Process, HOUR).unwrap();
    }
    let path = state.file();
    let directory = path.parent().unwrap().to_owned();
    drop(state);
    let length = fs::metadata(&path).unwrap().len();
    let mut octets = fs::read(&path).unwrap();
    octets[2048..usize::try_from(length).unwrap() - 512].fill(0xa5);
    fs::write(&path, octets).unwrap();
    let state = Sqlite::new(&directory, Clock::at(START));
    assert!(state.sent("Q1", &[1; 32], &["r@x".to_owned()]).is_ok());
    assert!(state.reserve("a@b", &Caps::default(), 1).unwrap().is_ok());
    assert_eq!(state.gate(&Subject::account("a@b"), None, LEASE).unwrap(), Gate::Open);
}

#[test]
fn many_at_once_count_right_and_send_one_probe() {
    let (_directory, clock, state) = state();
    let subject = Subject::account("a@b");
    state.trip(&subject, &refused(None)).unwrap();
    clock.advance(HOUR);
    let directory = state.directory.clone();
    let caps = Caps { messages_per_day: Some(10), ..Caps::default() };
    let barrier = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            // A connection of its own, as another process would have.
            let own = Sqlite::new(&directory, clock.clone());
            let (barrier, subject) = (barrier.clone(), subject.clone());
            thread::spawn(move || {
                barrier.wait();
                let probes = matches!(own.gate(&subject, None, LEASE).unwrap(), Gate::Probe(_));
                (probes, own.reserve("a@b", &caps, 1).unwrap().is_ok())
            })
        })
        .collect();
    let results: Vec<(bool, bool)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(results.iter().filter(|(probes, _)| *probes).count(), 1);
    assert_eq!(results.iter().filter(|(_, reserved)| *reserved).count(), 10);
}

#[test]
fn many_that_find_a_corrupt_file_at_once_all_go_on() {
    let (_directory, clock, state) = state();
    let directory = state.directory.clone();
    fs::create_dir_all(&directory).unwrap();
    fs::write(state.file(), [0x5a; 4096]).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let own = Sqlite::new(&directory, clock.clone());
            thread::spawn(move || own.record("Q", &[1; 32], &["r@x".to_owned()], Durability::Process, HOUR))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(state.sent("Q", &[1; 32], &["r@x".to_owned()]).unwrap(), [true]);
}

#[test]
fn a_directory_that_this_user_may_not_make_is_told_apart_from_trouble() {
    let state = Sqlite::new(Path::new("/proc/sendvia"), Clock::at(START));
    let error = state.closures().unwrap_err();
    assert!(!error.to_string().is_empty());
    let forbidden = StateError::Io { path: "/var/lib/x".into(), source: io::ErrorKind::PermissionDenied.into() };
    assert!(forbidden.is_forbidden() && forbidden.hint().is_some());
    let full = StateError::Io { path: "/var/lib/x".into(), source: io::ErrorKind::StorageFull.into() };
    assert!(!full.is_forbidden());
}
