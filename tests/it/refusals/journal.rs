//! Nothing goes twice.

use super::{Days, line};
use sendvia::submission::Recipients;
use sendvia::verdict::Outcome;
use std::fs;

#[test]
fn a_retry_of_what_was_taken_is_answered_without_a_connection() {
    let days = Days::new();
    assert!(days.annas("4f1").starts_with("2."));
    assert_eq!(days.annas("4f1"), "2.0.0 gmx: taken at an earlier try, not sent again");
    assert_eq!(days.site.counters().connections, 1);
    assert_eq!(days.site.messages().len(), 1);
}

#[test]
fn only_those_who_lack_the_message_get_it() {
    let days = Days::new();
    days.site.rules(&["refuse-recipient=c@x.example"]);
    let everybody = ["b@x.example", "c@x.example"];
    let first = days.deliver("anna@gmx.de", "4f1", &everybody, Recipients::PerRecipient);
    assert!(matches!(first.outcomes.as_slice(), [Outcome::Sent { .. }, Outcome::Refused { .. }]), "{first:?}");
    days.site.rules(&[]);
    let second = days.deliver("anna@gmx.de", "4f1", &everybody, Recipients::PerRecipient);
    assert!(matches!(second.outcomes.as_slice(), [Outcome::AlreadySent { .. }, Outcome::Sent { .. }]), "{second:?}");
    assert_eq!(days.site.messages().len(), 2);
}

#[test]
fn another_queue_id_is_another_message_and_without_the_journal_so_is_a_retry() {
    let days = Days::new();
    assert!(days.annas("4f1").starts_with("2."));
    assert!(days.annas("4f2").starts_with("2."));
    days.site.config("journal: off\n");
    assert!(!days.annas("4f2").contains("earlier"));
    assert_eq!(days.site.messages().len(), 3);
}

#[test]
fn a_state_that_cant_be_opened_neither_loses_nor_holds_up_mail() {
    let days = Days::new();
    fs::write(days.site.path().join("state"), "a file where the directory should be").unwrap();
    let report = days.deliver("anna@gmx.de", "4f1", &["b@x.example"], Recipients::AllOrNone);
    assert!(line(&report).starts_with("2."), "{report:?}");
    let [note] = report.notes.as_slice() else { panic!("one note: {report:?}") };
    assert!(note.starts_with("state: ") && note.ends_with("are off for this delivery"), "{note}");
}

#[test]
fn a_corrupt_state_is_made_anew() {
    let days = Days::new();
    assert!(days.annas("4f1").starts_with("2."));
    fs::write(days.site.path().join("state/state.db"), vec![7; 20_000]).unwrap();
    for beside in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(days.site.path().join("state").join(beside));
    }
    assert!(days.annas("4f2").starts_with("2."));
    assert!(days.annas("4f2").contains("earlier"));
}
