//! Where `account add` finds a provider, and whom it believes: a DNS server and a web server on the lab's own address,
//! which a resolv.conf in a mount namespace of its own leads to.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::process::{Command, Stdio};

use sendvia::sandbox::{Listener, Options, Sandbox, TlsMode, Users};
use tokio::runtime::{Builder, Runtime};

use super::support::dns::Dns;
use super::support::lab::Lab;
use super::support::terminal::Terminal;
use super::support::web::Web;

const ANNA: &str = "anna@firma.example";
const PASSWORD: &str = "kanarienvogel-7193";
const SERVER: &str = "smtp.firma.example";

/// A domain with all that it may publish.
struct Domain {
    lab: Lab,
    dns: Dns,
    web: Web,
    sandbox: Sandbox,
    /// What the sandbox runs on.
    _runtime: Runtime,
    port: u16,
}

impl Domain {
    fn new() -> Domain {
        let lab = Lab::new();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut options = Options::gmx(&lab.directory("sandbox"));
        options.listeners = vec![Listener { address: (lab.address(), 0).into(), tls: TlsMode::StartTls }];
        options.users = Users::only([(ANNA.to_owned(), PASSWORD.to_owned())]);
        options.names = vec![SERVER.to_owned()];
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let port = sandbox.address(TlsMode::StartTls).unwrap().port();
        let dns = Dns::start(lab.address());
        for name in [SERVER, "autoconfig.firma.example", "other.firma.example"] {
            dns.a(name, lab.address());
        }
        let web = Web::start(lab.address(), &["autoconfig.firma.example"]);
        fs::write(lab.path("ca.pem"), format!("{}\n{}", sandbox.ca_pem(), web.authority)).unwrap();
        fs::write(
            lab.path("sendvia.yaml"),
            "tls: {ca_file: ca.pem}\naccounts: accounts.d\nstate: state\nlog: {to: none}\n",
        )
        .unwrap();
        fs::write(lab.path("resolv.conf"), format!("nameserver {}\noptions timeout:2 attempts:1\n", lab.address()))
            .unwrap();
        Domain { lab, dns, web, sandbox, _runtime: runtime, port }
    }

    /// Autoconfiguration for this server, as Mozilla's format has it.
    fn publish(&self, host: &str) {
        self.web.page(&format!(
            "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"firma.example\"><outgoingServer \
             type=\"smtp\"><hostname>{host}</hostname><port>{}</port><socketType>STARTTLS</socketType><username>\
             %EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>",
            self.port
        ));
    }

    /// `account add` for Anna with `more`, by this domain's DNS.
    fn words(&self, more: &[&str]) -> Vec<String> {
        let bind = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        let (resolver, config) = (self.lab.text("resolv.conf"), self.lab.text("sendvia.yaml"));
        let begin = ["unshare", "-m", "sh", "-c", bind, &resolver, env!("CARGO_BIN_EXE_sendvia"), "account", "add"];
        let words = [&begin[..], more, &[ANNA, "--users", "anna", "--config", &config]].concat();
        words.into_iter().map(str::to_owned).collect()
    }

    /// Without a terminal: exit status and all that was printed.
    fn add(&self, more: &[&str]) -> (Option<i32>, String) {
        let words = self.words(&[&["--secret-file", "-"], more].concat());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_remove("SENDVIA_CONFIG").env_remove("HTTPS_PROXY").env_remove("https_proxy");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that ends before it reads is judged by its exit status.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), PASSWORD.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!text.contains(PASSWORD), "{text}");
        (output.status.code(), text)
    }

    fn at_terminal(&self, more: &[&str]) -> Terminal {
        let words = self.words(more);
        Terminal::start(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn is_written(&self) -> bool {
        self.lab.path(&format!("accounts.d/{ANNA}.yaml")).exists()
    }
}

#[test]
fn what_the_domain_publishes_over_https_is_believed_without_a_person() {
    let domain = Domain::new();
    domain.publish(SERVER);
    let (code, text) = domain.add(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("firma.example says so over HTTPS (autoconfig.firma.example)"), "{text}");
    assert!(text.contains("logged in at 127."), "{text}");
    assert_eq!(domain.web.asked(), ["/mail/config-v1.1.xml?emailaddress=anna%40firma.example"]);
    assert_eq!(domain.dns.asked(), [""; 0], "DNS is not asked for what HTTPS has told");
    let account = domain.lab.read(&format!("accounts.d/{ANNA}.yaml"));
    assert!(account.contains(&format!("host: {SERVER}, port: {}, tls: starttls", domain.port)), "{account}");
}

#[test]
fn without_a_person_dns_is_not_even_asked() {
    let domain = Domain::new();
    domain.dns.srv("_submission._tcp.firma.example", 0, domain.port, SERVER);
    domain.dns.mx("firma.example", 10, "aspmx.l.google.com");
    let (code, text) = domain.add(&[]);
    assert!(code == Some(64) && text.contains("hint: `--provider NAME`"), "{code:?} {text}");
    assert_eq!(domain.dns.asked(), [""; 0]);
    assert_eq!(domain.sandbox.counters().connections, 0);
    assert!(!domain.is_written());
}

#[test]
fn a_web_server_that_nobody_vouches_for_is_not_believed() {
    let domain = Domain::new();
    domain.publish(SERVER);
    fs::write(domain.lab.path("ca.pem"), domain.sandbox.ca_pem()).unwrap();
    let (code, text) = domain.add(&[]);
    assert_eq!(code, Some(64), "{text}");
    assert_eq!(domain.web.asked(), [""; 0], "nothing is asked of it, the address neither");
    assert_eq!(domain.sandbox.counters().connections, 0);
}

#[test]
fn an_srv_record_is_shown_to_a_person_who_has_to_agree() {
    let domain = Domain::new();
    domain.dns.srv("_submission._tcp.firma.example", 20, 1, "other.firma.example");
    domain.dns.srv("_submission._tcp.firma.example", 10, domain.port, SERVER);
    for answer in ["n", "y"] {
        let mut person = domain.at_terminal(&[]);
        person.sees("the SRV record of _submission._tcp.firma.example");
        person.sees(&format!("Send the password to {SERVER}:{}", domain.port));
        person.types(answer);
        if answer == "n" {
            assert_eq!(person.ends().0, Some(1));
            assert!(!domain.is_written());
            continue;
        }
        person.sees("Password of anna@firma.example: ");
        person.types_unseen(PASSWORD);
        let (code, screen) = person.ends();
        assert!(code == Some(0) && !screen.contains(PASSWORD), "{code:?} {screen}");
    }
    assert!(domain.is_written());
    assert_eq!(domain.sandbox.counters().logins, 1);
}

#[test]
fn a_target_of_nothing_is_no_server_and_tls_from_the_start_comes_first() {
    let domain = Domain::new();
    domain.dns.srv("_submissions._tcp.firma.example", 0, 465, SERVER);
    domain.dns.srv("_submission._tcp.firma.example", 0, 587, "other.firma.example");
    let (code, screen) = domain.at_terminal(&["--dry-run"]).ends();
    assert!(code == Some(0) && screen.contains("smtp.firma.example:465"), "{code:?} {screen}");
    let domain = Domain::new();
    domain.dns.srv("_submissions._tcp.firma.example", 0, 0, ".");
    domain.dns.srv("_submission._tcp.firma.example", 0, 587, "other.firma.example");
    let (code, screen) = domain.at_terminal(&["--dry-run"]).ends();
    assert!(code == Some(0) && screen.contains("other.firma.example:587"), "{code:?} {screen}");
}

#[test]
fn the_mx_of_a_hosted_domain_leads_to_its_provider() {
    let rows = [("aspmx.l.google.com", "gmail"), ("firma-example.mail.protection.outlook.com", "microsoft365")];
    for (host, provider) in rows {
        let domain = Domain::new();
        domain.dns.mx("firma.example", 10, host);
        domain.dns.mx("firma.example", 20, "mx.other.example");
        let (code, screen) = domain.at_terminal(&["--dry-run"]).ends();
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains(&format!("{ANNA}: {provider}")), "{provider}: {screen}");
        assert!(screen.contains(&format!("its mail is taken by {host}")), "{screen}");
    }
}

#[test]
fn a_certificate_for_another_name_is_told_apart() {
    let domain = Domain::new();
    let (code, text) = domain.add(&["--host", "other.firma.example", "--port", &domain.port.to_string()]);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("TLS: the certificate is for another name"), "{text}");
    assert!(text.contains("hint: other.firma.example is not the name in its certificate"), "{text}");
    assert_eq!(domain.sandbox.counters().refused_logins, 0);
}
