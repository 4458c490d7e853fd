//! The server from a client's side, in clear: every line as it goes over the wire.

use super::{Extensions, Listener, Options, Rule, Sandbox, TlsMode, Users};
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

const HEADER: &str = "Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nFrom: anna@gmx.de\r\nTo: b@x.example\r\n\r\n";

struct Client(BufStream<TcpStream>);

impl Client {
    async fn connect(sandbox: &Sandbox) -> Client {
        let address = sandbox.address(TlsMode::None).expect("a listener without TLS");
        Client(BufStream::new(TcpStream::connect(address).await.expect("a connection")))
    }

    /// Past EHLO and AUTH.
    async fn logged_in(sandbox: &Sandbox) -> Client {
        let mut client = Client::connect(sandbox).await;
        assert!(client.reply().await.starts_with("220"));
        client.says("EHLO client.example").await;
        // NUL anna@gmx.de NUL x
        assert!(client.says("AUTH PLAIN AGFubmFAZ214LmRlAHg=").await.starts_with("235"));
        client
    }

    async fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.expect("a write");
        self.0.flush().await.expect("a flush");
    }

    async fn says(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// A whole reply; empty when the server closed.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.unwrap_or_default() == 0 {
                return reply;
            }
            reply.push_str(&line);
            if line.as_bytes().get(3) == Some(&b' ') {
                return reply;
            }
        }
    }

    async fn sends(&mut self, message: &str) -> String {
        self.says("MAIL FROM:<anna@gmx.de>").await;
        self.says("RCPT TO:<b@x.example>").await;
        assert!(self.says("DATA").await.starts_with("354"));
        self.write(message.as_bytes()).await;
        self.reply().await
    }
}

fn options(dir: &Path) -> Options {
    let listener = Listener { address: ([127, 0, 0, 1], 0).into(), tls: TlsMode::None };
    Options { listeners: vec![listener], ..Options::gmx(dir) }
}

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().filter_map(|text| Rule::parse(text).expect("a rule")).collect()
}

#[tokio::test]
async fn a_message_is_kept_as_it_came_with_its_envelope() {
    let dir = tempfile::tempdir().expect("a directory");
    let sandbox = Sandbox::start(options(dir.path())).await.expect("a start");
    let mut client = Client::logged_in(&sandbox).await;
    let reply = client.sends(&format!("{HEADER}..dot\r\n.\r\n")).await;
    assert!(reply.starts_with("250"), "{reply}");
    let kept = &sandbox.messages()[0];
    assert_eq!(kept.read().expect("a file"), format!("{HEADER}.dot\r\n").into_bytes());
    assert_eq!((kept.mail.as_str(), kept.login.as_str()), ("MAIL FROM:<anna@gmx.de>", "anna@gmx.de"));
    assert_eq!(kept.recipients[0].address, "b@x.example");
    assert!(dir.path().join("000001.json").exists());
    assert_eq!(sandbox.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_gmx_refuses_is_refused_in_its_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let sandbox = Sandbox::start(options(dir.path())).await.expect("a start");
    let mut client = Client::logged_in(&sandbox).await;
    let foreign = client.sends(&format!("{}.\r\n", HEADER.replace("anna@gmx.de", "other@x.example"))).await;
    assert!(foreign.starts_with("554-Transaction failed\r\n") && foreign.ends_with("&c=hi\r\n"), "{foreign}");
    let without_date = client.sends(&format!("{}.\r\n", HEADER.replace("Date:", "X-Date:"))).await;
    assert!(without_date.ends_with("&c=hi\r\n"), "{without_date}");
    assert!(client.says("MAIL FROM:<other@x.example>").await.starts_with("550-"));
    assert_eq!(sandbox.counters().messages, 0);
}

#[tokio::test]
async fn a_message_that_could_smuggle_another_is_refused_and_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    let sandbox = Sandbox::start(options(dir.path())).await.expect("a start");
    for body in ["a\n.\nMAIL FROM:<x@y>\r\n", "a\n.\r\nb\r\n", "a\r.\rb\r\n", "a\r\n.\rb\r\n", "a\rb\r\n"] {
        let mut client = Client::logged_in(&sandbox).await;
        let reply = client.sends(&format!("{HEADER}{body}.\r\n")).await;
        assert!(reply.starts_with("554-"), "{body:?}: {reply}");
    }
    assert!(sandbox.faults().len() >= 5);
}

#[tokio::test]
async fn octets_sent_before_their_reply_are_noticed_where_pipelining_is_not_offered() {
    for (pipelining, faults) in [(false, 2), (true, 0)] {
        let dir = tempfile::tempdir().expect("a directory");
        let extensions = Extensions { pipelining, ..Extensions::default() };
        let sandbox = Sandbox::start(Options { extensions, ..options(dir.path()) }).await.expect("a start");
        let mut client = Client::logged_in(&sandbox).await;
        client.write(b"MAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n").await;
        for code in ["250", "250", "354"] {
            assert!(client.reply().await.starts_with(code));
        }
        assert_eq!(sandbox.faults().len(), faults, "{:?}", sandbox.faults());
    }
}

#[tokio::test]
async fn enhanced_status_codes_stand_before_every_text_but_greeting_and_capabilities() {
    let dir = tempfile::tempdir().expect("a directory");
    let extensions = Extensions { enhanced_status_codes: true, ..Extensions::default() };
    let sandbox = Sandbox::start(Options { extensions, ..options(dir.path()) }).await.expect("a start");
    let mut client = Client::connect(&sandbox).await;
    assert!(client.reply().await.starts_with("220 gmx.net"));
    let capabilities = client.says("EHLO client.example").await;
    assert!(capabilities.contains("-ENHANCEDSTATUSCODES\r\n") && capabilities.contains(" AUTH "), "{capabilities}");
    assert!(client.says("AUTH PLAIN AGFubmFAZ214LmRlAHg=").await.starts_with("235 2.0.0 "));
}

#[tokio::test]
async fn rules_change_while_the_server_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let flag = dir.path().join("closed");
    let rule = format!("block-list@{}", flag.display());
    let start = Options { rules: rules(&[&rule]), ..options(dir.path()) };
    let sandbox = Sandbox::start(start).await.expect("a start");
    std::fs::write(&flag, "").expect("a flag");
    let refused = Client::connect(&sandbox).await.reply().await;
    assert!(refused.starts_with("554-") && refused.contains("IP address is block listed"), "{refused}");
    std::fs::remove_file(&flag).expect("a flag");
    assert!(Client::connect(&sandbox).await.reply().await.starts_with("220 "));
    sandbox.set_rules(rules(&["reply=banner:421 Try later"]));
    assert_eq!(Client::connect(&sandbox).await.reply().await, "421 Try later\r\n");
}

#[tokio::test]
async fn each_rule_shows_at_its_stage() {
    let rows: &[(&str, &str, &str)] = &[
        ("refuse-recipient=b@x.example", "RCPT TO:<b@x.example>", "550-Requested action not taken"),
        ("quota", "RCPT TO:<b@x.example>", "550-Requested action not taken: mailbox unavailable"),
        ("recipient-limit=0", "RCPT TO:<b@x.example>", "452 "),
        ("reply=rcpt:450-One\\n450 Two", "RCPT TO:<b@x.example>", "450-One\r\n450 Two\r\n"),
        ("drop-reply=rcpt", "RCPT TO:<b@x.example>", ""),
    ];
    for (rule, command, expected) in rows {
        let dir = tempfile::tempdir().expect("a directory");
        let sandbox = Sandbox::start(Options { rules: rules(&[rule]), ..options(dir.path()) }).await.expect("a start");
        let mut client = Client::logged_in(&sandbox).await;
        client.says("MAIL FROM:<anna@gmx.de>").await;
        let reply = client.says(command).await;
        assert!(reply.starts_with(expected) && reply.is_empty() == expected.is_empty(), "{rule}: {reply}");
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_the_message_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let start = Options { rules: rules(&["drop-reply=final"]), ..options(dir.path()) };
    let sandbox = Sandbox::start(start).await.expect("a start");
    let mut client = Client::logged_in(&sandbox).await;
    assert_eq!(client.sends(&format!("{HEADER}.\r\n")).await, "");
    assert!(!sandbox.messages()[0].answered);
}

#[tokio::test]
async fn only_listed_logins_are_let_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let users = Users::only([("anna@gmx.de".to_owned(), "geheim".to_owned())]);
    let sandbox = Sandbox::start(Options { users, ..options(dir.path()) }).await.expect("a start");
    let mut client = Client::connect(&sandbox).await;
    client.reply().await;
    client.says("EHLO client.example").await;
    assert!(client.says("AUTH PLAIN AGFubmFAZ214LmRlAHg=").await.starts_with("535 "));
    assert!(client.says("MAIL FROM:<anna@gmx.de>").await.starts_with("530 "));
    assert_eq!(sandbox.faults().len(), 1, "MAIL without a login is a fault");
    sandbox.users().set("anna@gmx.de", "x");
    assert!(client.says("AUTH PLAIN AGFubmFAZ214LmRlAHg=").await.starts_with("235 "));
}

#[tokio::test]
async fn chunks_are_put_together_and_a_cut_one_is_no_message() {
    let dir = tempfile::tempdir().expect("a directory");
    let extensions = Extensions { chunking: true, pipelining: true, ..Extensions::default() };
    let sandbox = Sandbox::start(Options { extensions, ..options(dir.path()) }).await.expect("a start");
    let mut client = Client::logged_in(&sandbox).await;
    let chunk = format!("MAIL FROM:<anna@gmx.de>\r\nRCPT TO:<b@x.example>\r\nBDAT {}\r\n{HEADER}", HEADER.len());
    client.write(format!("{chunk}BDAT 6 LAST\r\n.\r\nb\r\n").as_bytes()).await;
    for _ in 0..4 {
        let reply = client.reply().await;
        assert!(reply.starts_with("250 "), "{reply}");
    }
    assert_eq!(sandbox.messages()[0].read().expect("a file"), format!("{HEADER}.\r\nb\r\n").into_bytes());
    assert!(sandbox.messages()[0].used.contains(&"CHUNKING".to_owned()));
    client.write(format!("{chunk}BDAT 600 LAST\r\nshort").as_bytes()).await;
    for _ in 0..3 {
        client.reply().await;
    }
    drop(client);
    let cut = sandbox.wait_until(|counters| counters.cut == 1);
    tokio::time::timeout(std::time::Duration::from_secs(10), cut).await.expect("a cut message");
    assert_eq!(sandbox.messages().len(), 1);
}
