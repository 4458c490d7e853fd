//! Sessions that the service keeps between messages, and what becomes of a message that meets one at its end.

use crate::lmtp::{MESSAGE, dialogue, signed, verdicts, with_key};
use crate::serve::Serving;
use crate::site::{PASSWORD, Site};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// A serving site, its LMTP socket, and how many messages went through it.
struct Warm {
    site: Site,
    socket: PathBuf,
    serving: Serving,
    messages: u32,
}

impl Warm {
    fn start() -> Warm {
        Warm::at(Site::new())
    }

    fn at(site: Site) -> Warm {
        let socket = site.path().join("lmtp");
        let site = with_key(site, &format!("listen: {{lmtp: 'unix:{}'}}\n", socket.display()));
        let serving = Serving::start(&site);
        Warm { site, socket, serving, messages: 0 }
    }

    #[track_caller]
    fn deliver(&mut self) {
        self.deliver_message(MESSAGE);
    }

    #[track_caller]
    fn deliver_message(&mut self, message: &str) {
        self.messages += 1;
        let id = format!("Q{}", self.messages);
        let text = dialogue(&signed(&self.site, "anna", &id), &["b@x.example"]);
        let text = text.replace("4Xq1zY", &id).replace(MESSAGE, message);
        let replies = self.converse(&text);
        assert!(verdicts(&replies)[0].starts_with("250 2.0.0 "), "{replies}");
    }

    fn converse(&self, text: &str) -> String {
        let mut unix = UnixStream::connect(&self.socket).unwrap();
        unix.write_all(text.as_bytes()).unwrap();
        let mut replies = String::new();
        unix.read_to_string(&mut replies).unwrap();
        replies
    }

    fn logins(&self) -> u64 {
        self.site.sandbox().counters().logins
    }
}

#[test]
fn many_messages_of_one_account_cost_one_login() {
    let mut warm = Warm::start();
    (0..5).for_each(|_| warm.deliver());
    assert_eq!((warm.logins(), warm.site.messages().len()), (1, 5));
    assert_eq!(warm.site.sandbox().faults(), Vec::<String>::new());
}

#[test]
fn a_reload_keeps_the_sessions_unless_they_would_be_made_in_another_way() {
    let mut warm = Warm::start();
    warm.deliver();
    let config = fs::read_to_string(warm.site.config_file()).unwrap();
    fs::write(warm.site.config_file(), format!("{config}map: {{transport: 'other:'}}\n")).unwrap();
    warm.serving.reload();
    warm.deliver();
    assert_eq!(warm.logins(), 1);
    fs::write(warm.site.config_file(), format!("{config}ehlo_name: other.example\n")).unwrap();
    warm.serving.reload();
    warm.deliver();
    assert_eq!(warm.logins(), 2);
}

#[test]
fn a_session_of_old_credentials_is_not_used_again() {
    let mut warm = Warm::start();
    warm.deliver();
    warm.site.sandbox().users().set("anna@gmx.de", "changed-4711");
    let text = fs::read_to_string(warm.site.account_file("anna@gmx.de")).unwrap();
    warm.site.raw_account("anna@gmx.de", text.replace(PASSWORD, "changed-4711"));
    warm.deliver();
    assert_eq!(warm.logins(), 2);
    warm.site.account("anna@gmx.de", "users: [berta]\n");
    let refused = dialogue(&signed(&warm.site, "anna", "R1"), &["b@x.example"]).replace("4Xq1zY", "R1");
    let replies = warm.converse(&refused);
    assert!(verdicts(&replies)[0].starts_with("550 5.7.1 login anna may not send"), "{replies}");
}

/// A provider locks an account after a few wrong passwords.
#[test]
fn a_password_that_has_become_wrong_is_tried_once_however_many_messages_come_at_once() {
    let warm = Warm::start();
    warm.site.sandbox().users().set("anna@gmx.de", "changed-4711");
    warm.site.rules(&["delay=auth:300"]);
    let texts: Vec<String> = (0..4)
        .map(|number| {
            let id = format!("W{number}");
            dialogue(&signed(&warm.site, "anna", &id), &["b@x.example"]).replace("4Xq1zY", &id)
        })
        .collect();
    std::thread::scope(|scope| {
        for text in &texts {
            scope.spawn(|| {
                let replies = warm.converse(text);
                assert!(verdicts(&replies)[0].starts_with("451 4.7."), "{replies}");
            });
        }
    });
    assert_eq!((warm.site.counters().refused_logins, warm.logins()), (1, 0));
}

#[test]
fn a_session_that_the_provider_closed_is_noticed_before_the_message_is_risked() {
    let mut warm = Warm::start();
    warm.site.rules(&["drop-after=final"]);
    (0..3).for_each(|_| warm.deliver());
    assert_eq!((warm.logins(), warm.site.messages().len()), (3, 3));
}

/// Text that becomes quoted-printable, and octets that become base64.
const EIGHT_BITS: &str = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@client.example>\r\n\
    From: Anna <anna@gmx.de>\r\nTo: b@x.example\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e = 3D\r\n--b\r\nContent-Type: application/x-thing\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\u{fc}\u{df}\r\n--b--\r\n";

#[test]
fn a_second_try_of_a_message_is_not_converted_again() {
    let mut warm = Warm::at(Site::with(|options| options.extensions.eight_bit_mime = false));
    // The second message has been converted for one session when that is closed to it, and goes out by another.
    warm.site.rules(&["limit-messages=1"]);
    (0..2).for_each(|_| warm.deliver_message(EIGHT_BITS));
    assert_eq!((warm.logins(), warm.site.sandbox().faults()), (2, Vec::new()));
    let [first, second] = warm.site.messages().try_into().unwrap();
    let (first, second) = (first.read().unwrap(), second.read().unwrap());
    assert_eq!(String::from_utf8_lossy(&second), String::from_utf8_lossy(&first));
    let text = String::from_utf8(first).unwrap();
    assert!(
        text.contains("\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =3D 3D\r\n--b\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\nContent-Transfer-Encoding: base64\r\n\r\nw7zDnw==\r\n--b--\r\n"), "{text}");
}
