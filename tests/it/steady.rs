//! Nothing of what was answered is left in `sendvia serve`: descriptors and threads are as many as before.

use crate::lmtp::MESSAGE;
use crate::serve::Serving;
use crate::site::Site;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

const ACCOUNTS: usize = 20;
const SOCKETS: [&str; 3] = ["lmtp", "policy", "map"];

fn site() -> Site {
    let site = Site::new();
    let listen: Vec<String> =
        SOCKETS.iter().map(|name| format!("{name}: 'unix:{}'", site.path().join(name).display())).collect();
    site.config(&format!("authorise: mta\nsessions: {{account: 1}}\nlisten: {{{}}}\n", listen.join(", ")));
    (0..ACCOUNTS).for_each(|number| site.account(&format!("c{number}@gmx.de"), "users: [anna]\n"));
    site
}

/// One connection's dialogue: a message of each account, one that is refused, and one that breaks off.
fn messages() -> String {
    let mut text = "LHLO mx.firm.example\r\n".to_owned();
    for number in 0..ACCOUNTS {
        text += &format!("MAIL FROM:<c{number}@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n{MESSAGE}.\r\n");
    }
    text + "MAIL FROM:<nobody@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nDate: cut"
}

fn say(site: &Site, socket: &str, text: &str) -> String {
    let mut stream = UnixStream::connect(site.path().join(socket)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

/// One connection on each socket.
fn talk(site: &Site) {
    let replies = say(site, "lmtp", &messages());
    assert_eq!(replies.matches("\r\n250 2.0.0 gmx: ").count(), ACCOUNTS, "{replies}");
    let question = "protocol_state=RCPT\nsasl_username=anna\nsender=c1@gmx.de\n\n";
    assert_eq!(say(site, "policy", &format!("{question}{question}protocol_")), "action=DUNNO\n\naction=DUNNO\n\n");
    assert_eq!(say(site, "map", "19:transport c1@gmx.de,30:tr"), "11:OK sendvia:,");
}

#[test]
fn after_300_messages_as_much_is_open_as_before() {
    let site = site();
    let serving = Serving::start(&site);
    // From here on each account has its session.
    talk(&site);
    let (descriptors, threads) = (serving.count("fd"), serving.count("task"));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..5).for_each(|_| talk(&site)));
        }
    });
    let end = Instant::now() + Duration::from_secs(60);
    // Threads that waited for the disk or a name end by themselves after some seconds.
    while serving.count("fd") > descriptors || serving.count("task") > threads {
        let now = (serving.count("fd"), serving.count("task"));
        assert!(Instant::now() < end, "{descriptors} descriptors and {threads} threads before, {now:?} after");
        thread::sleep(Duration::from_millis(50));
    }
}
