use super::*;
use crate::config::LoginFieldConfig;
use crate::state::{Pause, Subject, Trip};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const NOW: i64 = 4_000_000_000;

/// Accounts of Anna's and of a domain, and a policy on them.
struct Site {
    directory: TempDir,
    config: Config,
}

impl Site {
    fn new() -> Site {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::beside(directory.path());
        let site = Site { directory, config };
        fs::create_dir(site.path().join("accounts.d")).unwrap();
        site.account("anna@gmx.de", "users: [anna, anna@gmx.de]\n");
        site.private("key", "0123456789abcdef0123456789abcdef");
        site
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn private(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn account(&self, address: &str, more: &str) {
        let text = format!("provider: gmx\nsecret: {{plain: kanarienvogel}}\n{more}");
        self.private(&format!("accounts.d/{address}.yaml"), &text);
    }

    fn signs(mut self) -> Site {
        let lifetime = Duration::from_secs(1000);
        self.config.login_field =
            Some(LoginFieldConfig { key_file: Some(self.path().join("key")), exim_key_file: None, lifetime });
        self
    }

    fn filters(mut self) -> Site {
        self.config.policy.filter = Some("sendvia:".to_owned());
        self
    }

    fn policy(&self) -> Policy {
        let accounts = account::open(&self.config.accounts, self.config.presets.clone());
        Policy::with_clock(&self.config, accounts, Clock::at(NOW))
    }

    fn decide(&self, state: &str, login: &str, sender: &str, queue_id: &str) -> String {
        let text = format!(
            "request=smtpd_access_policy\nprotocol_state={state}\nsasl_username={login}\nsender={sender}\n\
             recipient=b@x.example\nqueue_id={queue_id}\n\n"
        );
        match self.policy().next(text.as_bytes()) {
            Next::Reply { consumed, reply } => {
                assert_eq!(consumed, text.len());
                let reply = String::from_utf8(reply).unwrap();
                reply.strip_prefix("action=").and_then(|rest| rest.strip_suffix("\n\n")).unwrap().to_owned()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn trip(site: &Site, subject: &Subject) {
    let hour = Duration::from_secs(3600);
    let trip = Trip {
        meaning: "account-locked".to_owned(),
        reason: "535 locked".to_owned(),
        pause: Pause { first: hour, longest: hour },
        asked: None,
        fingerprint: None,
    };
    site.policy().state.trip(subject, &trip).unwrap();
}

#[test]
fn a_login_is_refused_at_rcpt_what_the_delivery_would_refuse() {
    let site = Site::new();
    site.account("@berta.example", "users: [berta]\n");
    let anna_may_not = "REJECT 5.7.1 login berta may not send as <anna@gmx.de>: not listed in the account's users";
    let rows = [
        ("RCPT", "anna", "anna@gmx.de", DUNNO),
        ("RCPT", "anna", "ANNA+x@gmx.de", DUNNO),
        ("RCPT", "berta", "anna@gmx.de", anna_may_not),
        ("MAIL", "berta", "anna@gmx.de", anna_may_not),
        ("RCPT", "berta", "any@berta.example", DUNNO),
        ("RCPT", "", "anna@gmx.de", DUNNO),
        ("RCPT", "anna", "nobody@x.example", DUNNO),
        ("RCPT", "anna", "", DUNNO),
        ("RCPT", "anna", "no address", DUNNO),
        ("DATA", "berta", "anna@gmx.de", DUNNO),
        ("END-OF-MESSAGE", "berta", "anna@gmx.de", DUNNO),
        ("CONNECT", "berta", "anna@gmx.de", DUNNO),
    ];
    for (state, login, sender, expected) in rows {
        assert_eq!(site.decide(state, login, sender, ""), expected, "{state} {login} {sender}");
    }
}

#[test]
fn a_user_taken_out_of_an_account_is_refused_by_the_next_request() {
    let site = Site::new();
    let policy = site.policy();
    let request = b"protocol_state=RCPT\nsasl_username=anna\nsender=anna@gmx.de\n\n";
    let (request, _) = PolicyRequest::parse(request).unwrap().unwrap();
    assert_eq!(policy.decide(&request), DUNNO);
    site.account("anna@gmx.de", "users: [berta]\n");
    assert!(policy.decide(&request).starts_with("REJECT 5.7.1 "), "a stale answer");
}

#[test]
fn a_closed_account_defers_and_says_why_and_until_when() {
    let site = Site::new();
    trip(&site, &Subject::account("anna@gmx.de"));
    let action = site.decide("RCPT", "anna", "anna@gmx.de", "");
    assert!(action.starts_with("DEFER_IF_PERMIT 4.7.0 account anna@gmx.de is closed until "), "{action}");
    assert!(action.ends_with(": 535 locked"), "{action}");
    assert!(site.decide("RCPT", "berta", "anna@gmx.de", "").starts_with("REJECT "), "no reason for a stranger");
}

#[test]
fn a_changed_account_is_not_held_up_by_a_login_that_was_refused_before() {
    let site = Site::new();
    trip(&site, &Subject::credentials("anna@gmx.de"));
    assert!(site.decide("RCPT", "anna", "anna@gmx.de", "").starts_with("DEFER_IF_PERMIT 4.7.0 login of anna@gmx.de"));
    let file = fs::File::options().write(true).open(site.path().join("accounts.d/anna@gmx.de.yaml")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(NOW as u64 + 1)).unwrap();
    assert_eq!(site.decide("RCPT", "anna", "anna@gmx.de", ""), DUNNO);
}

#[test]
fn an_account_switched_off_defers() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: [anna]\ndisabled: true\n");
    let action = site.decide("RCPT", "anna", "anna@gmx.de", "");
    assert_eq!(action, "DEFER_IF_PERMIT 4.7.13 account anna@gmx.de is disabled");
}

#[test]
fn trouble_is_no_opinion() {
    let site = Site::new();
    site.account("anna@gmx.de", "users: 7\n");
    assert_eq!(site.decide("RCPT", "berta", "anna@gmx.de", ""), DUNNO);
    let site = Site::new();
    fs::write(site.path().join("state"), "a file in the directory's place").unwrap();
    assert_eq!(site.decide("RCPT", "anna", "anna@gmx.de", ""), DUNNO);
}

#[test]
fn a_sender_without_an_account_goes_by_the_logins_where_that_is_configured() {
    let rows = [
        ("anna@gmx.de", "info@anna.example", "FILTER sendvia:"),
        ("anna", "info@anna.example", DUNNO),
        ("berta@gmx.de", "info@anna.example", DUNNO),
        ("anna@gmx.de", "anna@gmx.de", DUNNO),
        ("anna@gmx.de", "", DUNNO),
        ("", "info@anna.example", DUNNO),
    ];
    let site = Site::new().filters();
    for (login, sender, expected) in rows {
        assert_eq!(site.decide("RCPT", login, sender, ""), expected, "{login} {sender}");
        assert_eq!(Site::new().decide("RCPT", login, sender, ""), DUNNO, "not configured");
    }
    site.account("anna@gmx.de", "users: [berta]\n");
    assert_eq!(site.decide("RCPT", "anna@gmx.de", "info@anna.example", ""), DUNNO, "she may not use it any more");
}

#[test]
fn the_login_is_signed_at_data_for_this_message_alone() {
    let site = Site::new().signs().filters();
    let field = site.decide("DATA", "anna@gmx.de", "anna@gmx.de", "4Xq1zY");
    let body = field.strip_prefix("PREPEND X-Sendvia-Login: ").unwrap_or_else(|| panic!("{field}"));
    let key = LoginKey::read(&site.path().join("key")).unwrap();
    let sender = ReversePath::parse("anna@gmx.de").unwrap();
    let verify = |queue_id| key.verify(body.as_bytes(), queue_id, &sender, Moment(NOW), Duration::from_secs(1));
    assert_eq!(verify("4Xq1zY"), Ok("anna@gmx.de".to_owned()));
    assert!(verify("other").is_err());
    assert!(!field.contains("anna"), "a login may hold what a header field can't");
    let rows = [
        ("DATA", "anna@gmx.de", "info@anna.example", "4Xq1zY", true),
        ("DATA", "anna", "info@anna.example", "4Xq1zY", false),
        ("DATA", "", "anna@gmx.de", "4Xq1zY", false),
        ("DATA", "anna", "anna@gmx.de", "", false),
        ("RCPT", "anna", "anna@gmx.de", "4Xq1zY", false),
    ];
    for (state, login, sender, queue_id, signs) in rows {
        let action = site.decide(state, login, sender, queue_id);
        assert_eq!(action.starts_with("PREPEND "), signs, "{state} {login} {sender}: {action}");
    }
}

#[test]
fn what_can_not_be_signed_waits_instead_of_bouncing() {
    let site = Site::new().signs();
    fs::remove_file(site.path().join("key")).unwrap();
    let action = site.decide("DATA", "anna", "anna@gmx.de", "4Xq1zY");
    assert!(action.starts_with("DEFER_IF_PERMIT 4.3.5 "), "{action}");
    assert_eq!(site.decide("DATA", "anna", "nobody@x.example", "4Xq1zY"), DUNNO);
}

#[test]
fn a_customer_is_refused_in_the_language_of_the_configuration() {
    let mut site = Site::new();
    site.config.policy.language = Language::German;
    let request = b"protocol_state=RCPT\nsasl_username=berta\nsender=anna@gmx.de\n\n";
    let (request, _) = PolicyRequest::parse(request).unwrap().unwrap();
    let action = site.policy().decide(&request);
    assert!(action.starts_with("REJECT 5.7.1 der Login berta darf nicht als <anna@gmx.de> senden"), "{action}");
}
