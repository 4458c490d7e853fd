//! Submissions of this host's users by the service's socket: the kernel says who they are, and the account's file stays
//! unread.

use crate::serve::Serving;
use crate::site::{Ended, MESSAGE, PASSWORD, Site, field, on_the_wire, run};
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// The ids of `daemon` and `nobody`, whom every system has.
const DAEMON: u32 = 1;
const NOBODY: u32 = 65534;

/// A site whose service takes submissions, and that everybody may look into, its accounts aside. `None` where we are
/// not root and can't become somebody else.
fn site(users: &str) -> Option<(Site, PathBuf)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let site = Site::new();
    let socket = site.path().join("submission");
    site.config(&format!("listen: {{submission: 'unix:{}'}}\n", socket.display()));
    site.account("anna@gmx.de", &format!("users: [{users}]\n"));
    let mode = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(site.path().to_owned(), 0o755);
    mode(site.config_file(), 0o644);
    mode(site.path().join("accounts.d"), 0o755);
    Some((site, socket))
}

/// `sendvia sendmail` as another user.
fn sendmail(site: &Site, uid: u32, arguments: &[&str], stdin: &str) -> Ended {
    // What was built may lie where others may not look.
    let program = site.path().join("sendvia");
    if !program.exists() {
        // By another process: a child of another test would inherit our descriptor, and a program that is open for
        // writing does not start.
        let mut copy = std::process::Command::new("cp");
        assert!(copy.arg(env!("CARGO_BIN_EXE_sendvia")).arg(&program).status().unwrap().success());
    }
    let mut command = std::process::Command::new(program);
    command.args(["sendmail", "--config"]).arg(site.config_file()).args(arguments).current_dir("/");
    command.env_remove("SENDVIA_CONFIG").env("TMPDIR", "/tmp").uid(uid).gid(uid);
    run(&mut command, stdin.as_bytes())
}

#[test]
fn a_user_who_may_not_read_the_account_submits_by_the_service() {
    let Some((site, socket)) = site("'unix:daemon'") else { return };
    let _serving = Serving::start(&site);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o666);
    let ended = sendmail(&site, DAEMON, &["-i", "-f", "anna@gmx.de", "b@x.example", "c@x.example"], MESSAGE);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
    let [kept] = site.messages().try_into().unwrap();
    let recipients: Vec<&str> = kept.recipients.iter().map(|to| to.address.as_str()).collect();
    assert_eq!((kept.login.as_str(), recipients), ("anna@gmx.de", vec!["b@x.example", "c@x.example"]));
    assert_eq!(kept.read().unwrap(), on_the_wire(MESSAGE));
    // Recipients from the header section, 8-bit text, lines with dots, a display name.
    let message = "To: d@x.example\nBcc: e@x.example\nDate: Mon, 23 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n\
        Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n.\nGr\u{fc}\u{df}e\n";
    let ended = sendmail(&site, DAEMON, &["-ti", "-F", "Anna", "-v", "-f", "anna@gmx.de"], message);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("250 2.0.0"), "{ended:?}");
    let arrived = site.messages()[1].read().unwrap();
    assert_eq!(field(&arrived, "From"), ["\"Anna\" <anna@gmx.de>"]);
    assert_eq!(field(&arrived, "Bcc"), Vec::<String>::new());
    let arrived = String::from_utf8_lossy(&arrived).into_owned();
    // GMX takes 8-bit text, or it was converted on the way.
    let bodies = ["\r\n\r\n.\r\nGr\u{fc}\u{df}e\r\n", "\r\n\r\n.\r\nGr=C3=BC=C3=9Fe\r\n"];
    assert!(bodies.iter().any(|body| arrived.ends_with(body)), "{arrived}");
}

#[test]
fn nobody_claims_another_users_name() {
    let Some((site, socket)) = site("'unix:daemon', nobody, anonymous, '*'") else { return };
    // Root, who speaks below, is not the owner, who may in any case.
    std::os::unix::fs::chown(site.account_file("anna@gmx.de"), Some(DAEMON), None).unwrap();
    let _serving = Serving::start(&site);
    let ended = sendmail(&site, NOBODY, &["-i", "-f", "anna@gmx.de", "b@x.example"], MESSAGE);
    assert_eq!((ended.code, ended.out.as_str()), (Some(77), ""), "{ended:?}");
    assert!(ended.err.contains("Unix user nobody may not send as <anna@gmx.de>"), "{ended:?}");
    // Nor by words: there is no command that would take a name.
    let mut stream = UnixStream::connect(&socket).unwrap();
    let text = "EHLO daemon\r\nXFORWARD LOGIN=daemon IDENT=4Xq1zY\r\nAUTH PLAIN AGRhZW1vbgB4\r\nAUTH EXTERNAL ZGFlbW9u\r\n\
        MAIL FROM:<anna@gmx.de> AUTH=daemon\r\nMAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n\
        X-Sendvia-Login: v=1; l=daemon\r\nFrom: anna@gmx.de\r\n\r\nx\r\n.\r\nQUIT\r\n";
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    assert!(replies.contains("550 5.7.1 Unix user root may not send as <anna@gmx.de>"), "{replies}");
    assert!(!replies.contains("235 ") && !replies.contains(PASSWORD), "{replies}");
    assert_eq!(site.sandbox().counters().connections, 0);
}

#[test]
fn smtp_on_stdin_goes_to_the_service_too() {
    let Some((site, _)) = site("'unix:daemon'") else { return };
    let _serving = Serving::start(&site);
    let text = "EHLO x\r\nMAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nFrom: anna@gmx.de\r\n\
        Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nTo: b@x.example\r\n\r\nx\r\n.\r\nQUIT\r\n";
    let ended = sendmail(&site, DAEMON, &["-bs"], text);
    assert!(ended.out.contains("250 2.0.0 gmx: ") && ended.out.contains("\r\n221 "), "{ended:?}");
    assert_eq!((ended.code, site.messages().len()), (Some(0), 1));
}

#[test]
fn what_the_provider_refuses_and_a_service_that_is_down_are_told_with_their_statuses() {
    let Some((site, _)) = site("'unix:daemon'") else { return };
    let send = || sendmail(&site, DAEMON, &["-i", "-f", "anna@gmx.de", "b@x.example", "c@x.example"], MESSAGE);
    let down = send();
    assert_eq!((down.code, down.out.as_str()), (Some(75), ""), "{down:?}");
    assert!(down.err.contains("sendvia's service") && !down.err.contains(PASSWORD), "{down:?}");
    site.rules(&["refuse-recipient=c@x.example"]);
    let _serving = Serving::start(&site);
    let mixed = send();
    assert_eq!(mixed.code, Some(75), "{mixed:?}");
    assert!(mixed.err.contains("nothing was sent, because <c@x.example> was refused"), "{mixed:?}");
    assert!(!mixed.err.contains("transport"), "{mixed:?}");
    assert_eq!(site.messages().len(), 0);
}

#[test]
fn a_cut_message_is_not_submitted() {
    let Some((site, socket)) = site("'unix:root'") else { return };
    let _serving = Serving::start(&site);
    let mut stream = UnixStream::connect(&socket).unwrap();
    let text = "EHLO x\r\nMAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nFrom: anna@gmx.de\r\n\r\nx\r\n";
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    assert!(!replies.contains("250 2.0.0 gmx"), "{replies}");
    assert_eq!(site.messages().len(), 0);
}

#[test]
fn by_tcp_nobody_submits() {
    let site = Site::new();
    site.config("listen: {submission: '127.0.0.1:2525'}\n");
    let ended = site.command("serve").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("users of this host submit by a Unix socket"), "{said}");
}
