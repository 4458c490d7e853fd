//! `sendvia policy` from outside, as spawn(8) of Postfix runs it.

use crate::site::{Site, run};

fn request(login: &str, sender: &str) -> String {
    format!("request=smtpd_access_policy\nprotocol_state=RCPT\nsasl_username={login}\nsender={sender}\n\n")
}

#[test]
fn requests_are_answered_one_after_the_other() {
    let site = Site::new();
    let requests = request("anna", "anna@gmx.de") + &request("berta", "anna@gmx.de") + &request("", "anna@gmx.de");
    let ended = run(&mut site.command("policy"), requests.as_bytes());
    let refused = "REJECT 5.7.1 login berta may not send as <anna@gmx.de>: not listed in the account's users";
    assert_eq!(ended.out, format!("action=DUNNO\n\naction={refused}\n\naction=DUNNO\n\n"));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_broken_configuration_has_no_opinion() {
    let site = Site::new();
    site.config("nonsense: true\n");
    let ended = run(&mut site.command("policy"), request("berta", "anna@gmx.de").as_bytes());
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "action=DUNNO\n\n", ""));
}

#[test]
fn what_is_no_request_gets_no_answer() {
    let site = Site::new();
    let ended = run(&mut site.command("policy"), b"EHLO x\r\n\r\n");
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(75), "", ""));
}
