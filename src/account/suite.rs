//! What every store must do: the same tests on each of them.

use super::preset::Presets;
use super::{
    Account, AccountAddress, AccountError, Authorise, Directory, Existing, Found, Rule, Sqlite, Store, Submitter,
};
use crate::wire::mailbox::Mailbox;
use std::sync::Arc;
use tempfile::TempDir;
use zeroize::Zeroizing;

const PLAIN: &str = "provider: gmx\nsecret: {plain: hunter2}\n";

fn address(text: &str) -> AccountAddress {
    AccountAddress::parse(text).expect("an address")
}

/// Runs `test` on an empty store of each kind.
fn on_each(test: impl Fn(&dyn Store)) {
    let place = TempDir::new().expect("a directory");
    test(&Directory::new(place.path().to_owned(), Presets::default()));
    let place = TempDir::new().expect("a directory");
    let path = place.path().join("accounts.sqlite");
    std::fs::write(&path, "").expect("an empty database");
    test(&Sqlite::new(path, Presets::default()));
}

fn put(store: &dyn Store, at: &str, text: &str) {
    store.put(&address(at), text, Existing::Keep).unwrap_or_else(|error| panic!("{at}: {error}"));
}

fn alias(store: &dyn Store, at: &str, target: &str) {
    store.put_alias(&address(at), &address(target), Existing::Keep).unwrap_or_else(|error| panic!("{at}: {error}"));
}

fn find(store: &dyn Store, sender: &str) -> Result<Option<Found>, AccountError> {
    store.find(&Mailbox::parse(sender).expect("an address"))
}

fn account(store: &dyn Store, sender: &str) -> Arc<Account> {
    let found = find(store, sender).unwrap_or_else(|error| panic!("{sender}: {error}"));
    found.unwrap_or_else(|| panic!("{sender} has no account")).account
}

fn listed(store: &dyn Store) -> Vec<String> {
    let mut listed = Vec::new();
    let each = &mut |one: super::Surveyed| {
        let own = one.account.map_or("broken".to_owned(), |account| account.address.to_string());
        listed.push(one.alias.map_or(own.clone(), |alias| format!("{alias} -> {own}")));
    };
    store.survey(each).expect("a survey");
    listed
}

#[test]
fn exact_beats_subaddress_beats_domain() {
    on_each(|store| {
        put(store, "anna@example.org", PLAIN);
        put(store, "anna+shop@example.org", PLAIN);
        put(store, "@example.org", "provider: gmx\nlogin: all\nidentities: [a@example.org]\nsecret: {plain: x}\n");
        alias(store, "a.nna@example.org", "anna@example.org");
        let rows = [
            ("anna@example.org", Some(("anna@example.org", Rule::Exact))),
            ("ANNA@Example.ORG", Some(("anna@example.org", Rule::Exact))),
            ("anna+tag@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("anna+a+b@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("anna+shop@example.org", Some(("anna+shop@example.org", Rule::Exact))),
            ("a.nna@example.org", Some(("anna@example.org", Rule::Alias))),
            ("a.nna+tag@example.org", Some(("anna@example.org", Rule::Subaddress))),
            ("berta@example.org", Some(("@example.org", Rule::Domain))),
            ("+tag@example.org", Some(("@example.org", Rule::Domain))),
            ("berta@sub.example.org", None),
            ("anna@example.com", None),
            ("\"@example.org\"", None),
            ("../anna@example.org", Some(("@example.org", Rule::Domain))),
            ("' OR 1=1 --@example.com", None),
        ];
        for (sender, expected) in rows {
            let found = find(store, sender).unwrap_or_else(|error| panic!("{sender}: {error}"));
            let found = found.map(|found| (found.account.address.to_string(), found.rule));
            assert_eq!(found, expected.map(|(at, rule)| (at.to_owned(), rule)), "{sender}");
        }
    });
}

#[test]
fn an_alias_is_its_target_and_both_addresses_are_identities() {
    on_each(|store| {
        put(store, "anna@gmx.de", "provider: gmx\nlogin: \"4711\"\nsecret: {plain: x}\n");
        alias(store, "a@firma.example", "anna@gmx.de");
        for sender in ["a@firma.example", "anna@gmx.de"] {
            let account = account(store, sender);
            assert_eq!((account.address.to_string().as_str(), account.login.as_str()), ("anna@gmx.de", "4711"));
            for (address, expected) in [("anna@gmx.de", true), ("A@Firma.example", true), ("b@gmx.de", false)] {
                let is_identity = account.is_identity(&Mailbox::parse(address).expect("an address"));
                assert_eq!(is_identity, expected, "{address} of the account of {sender}");
            }
        }
    });
}

#[test]
fn the_accounts_address_is_no_identity_where_the_login_is_another() {
    on_each(|store| {
        put(store, "anna@firma.example", "provider: gmx\nlogin: kunde@gmx.de\nsecret: {plain: x}\n");
        let account = account(store, "anna@firma.example");
        assert_eq!(account.own_address().to_string(), "kunde@gmx.de");
        assert!(account.is_identity(&Mailbox::parse("kunde@gmx.de").expect("an address")));
        assert!(!account.is_identity(&Mailbox::parse("anna@firma.example").expect("an address")));
    });
}

#[test]
fn only_who_is_listed_may_use_an_account_and_the_unix_user_who_owns_its_file() {
    on_each(|store| {
        put(store, "anna@gmx.de", &format!("{PLAIN}users: [anna, \"unix:berta\"]\n"));
        let account = account(store, "anna@gmx.de");
        let owner = account.owner_uid.expect("a file has an owner");
        let login = |login: &str| Submitter::Login(login.to_owned());
        let unix = |name: &str, uid| Submitter::UnixUser { name: name.to_owned(), uid };
        let rows = [
            (login("anna"), Authorise::Users, true),
            (login("berta"), Authorise::Users, false),
            (login("berta"), Authorise::Mta, true),
            (Submitter::Nobody, Authorise::Users, false),
            (Submitter::Nobody, Authorise::Mta, true),
            (unix("who", owner), Authorise::Users, true),
            (unix("berta", owner + 1), Authorise::Users, true),
            (unix("anna", owner + 1), Authorise::Users, false),
            (unix("anna", owner + 1), Authorise::Mta, false),
        ];
        for (submitter, authorise, expected) in rows {
            assert_eq!(account.admits(&submitter, authorise), expected, "{submitter:?} {authorise:?}");
        }
    });
}

#[test]
fn what_is_put_is_read_back_and_what_stands_is_kept_unless_it_may_be_replaced() {
    on_each(|store| {
        let anna = address("anna@gmx.de");
        put(store, "Anna@GMX.de", PLAIN);
        assert_eq!(store.text(&anna).expect("readable").as_deref().map(String::as_str), Some(PLAIN));
        let other = "# other\nprovider: gmx\nsecret: {plain: x}\n";
        assert!(matches!(store.put(&anna, other, Existing::Keep), Err(AccountError::Exists { .. })));
        assert!(matches!(store.put_alias(&anna, &anna, Existing::Keep), Err(AccountError::Exists { .. })));
        assert_eq!(store.text(&anna).expect("readable").as_deref().map(String::as_str), Some(PLAIN));
        store.put(&anna, other, Existing::Replace).expect("replaced");
        assert_eq!(store.text(&anna).expect("readable").as_deref().map(String::as_str), Some(other));
    });
}

#[test]
fn many_are_put_at_once_each_whole_and_what_fails_hinders_no_other() {
    on_each(|store| {
        put(store, "anna@gmx.de", PLAIN);
        let other = "# other\nprovider: gmx\nsecret: {plain: x}\n";
        let rows = [("a@gmx.de", other), ("anna@gmx.de", other), ("bad@gmx.de", "{"), ("b@gmx.de", other)];
        let rows = rows.map(|(at, text)| (address(at), Zeroizing::new(text.to_owned())));
        let done = store.put_all(&rows, Existing::Keep);
        assert!(matches!(
            &done[..],
            [Ok(()), Err(AccountError::Exists { .. }), Err(AccountError::Malformed { .. }), Ok(())]
        ));
        let text = |at: &str| store.text(&address(at)).expect("readable").map(|text| text.to_string());
        assert_eq!(text("a@gmx.de").as_deref(), Some(other));
        assert_eq!(text("anna@gmx.de").as_deref(), Some(PLAIN));
        assert_eq!(text("bad@gmx.de"), None);
        assert!(store.put_all(&rows[..2], Existing::Replace).iter().all(Result::is_ok));
        assert_eq!(text("anna@gmx.de").as_deref(), Some(other));
    });
}

#[test]
fn a_text_that_is_no_account_is_not_written() {
    on_each(|store| {
        let anna = address("anna@gmx.de");
        for text in ["", "provider: gmx\n", "{", "provider: gmx\nsecret: {plain: x}\nsecret: {plain: y}\n"] {
            let put = store.put(&anna, text, Existing::Replace);
            assert!(matches!(put, Err(AccountError::Malformed { .. })), "{text}");
            assert!(find(store, "anna@gmx.de").expect("readable").is_none());
        }
    });
}

#[test]
fn aliases_are_known_and_all_can_be_listed_and_removed() {
    on_each(|store| {
        let anna = address("anna@gmx.de");
        put(store, "anna@gmx.de", PLAIN);
        put(store, "@example.org", "provider: gmx\nlogin: all@gmx.de\nsecret: {plain: x}\n");
        alias(store, "b@x.example", "anna@gmx.de");
        alias(store, "a@x.example", "anna@gmx.de");
        let aliases = store.aliases(&anna).expect("readable");
        assert_eq!(aliases, [address("a@x.example"), address("b@x.example")]);
        assert_eq!(store.aliases(&address("nobody@x.example")).expect("readable"), []);
        assert_eq!(store.text(&address("a@x.example")).expect("readable"), None);
        let all = ["@example.org", "a@x.example -> anna@gmx.de", "anna@gmx.de", "b@x.example -> anna@gmx.de"];
        assert_eq!(listed(store), all);
        assert!(store.remove(&address("a@x.example")).expect("removed"));
        assert!(find(store, "a@x.example").expect("readable").is_none());
        assert!(!store.remove(&address("a@x.example")).expect("nothing to remove"));
        assert!(find(store, "anna@gmx.de").expect("readable").is_some());
        assert!(store.remove(&address("b@x.example")).expect("removed") && store.remove(&anna).expect("removed"));
        assert_eq!(listed(store), ["@example.org"]);
    });
}

#[test]
fn an_address_of_any_length_has_an_account() {
    on_each(|store| {
        let long = format!("{}@x.example", "ü".repeat(150));
        let text = format!("address: \"{long}\"\n{PLAIN}login: x\n");
        put(store, &long, &text);
        assert_eq!(account(store, &long).address.to_string(), long);
        assert_eq!(listed(store), [long]);
    });
}

#[test]
fn a_store_that_is_not_there_is_trouble_and_not_an_unknown_sender() {
    let place = TempDir::new().expect("a directory");
    let directory = Directory::new(place.path().join("gone"), Presets::default());
    let sqlite = Sqlite::new(place.path().join("gone.sqlite"), Presets::default());
    let stores: [&dyn Store; 2] = [&directory, &sqlite];
    for store in stores {
        assert!(find(store, "anna@gmx.de").is_err());
        assert!(store.survey(&mut |_| {}).is_err());
    }
    std::fs::write(place.path().join("gone.sqlite"), "this is no database, however long one reads").expect("a file");
    assert!(find(&sqlite, "anna@gmx.de").is_err());
}
