//! Sockets: that somebody answers on ours, and that Postfix's processes see them from their chroot.

use super::finding::Findings;
use super::postfix::Postfix;
use crate::config::{Config, ListenAddress};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What mends a service that is not there.
const RESTART: &str = "systemctl restart sendvia.service";

/// Why a socket for Postfix matters.
const MAIL_WAITS: &str = "mail that Postfix would ask about or hand over there waits";

/// How long a connection within this host may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Parameters that name sockets of ours, and the services of Postfix that connect to them.
const CLIENTS: [(&str, &[&str]); 2] = [
    ("sender_dependent_default_transport_maps", &["rewrite/unix"]),
    ("sendvia_policy", &["smtp/inet", "submission/inet", "submissions/inet", "smtps/inet"]),
];

/// Sockets that `listen` names.
pub(super) fn look_at_own(config: &Config, findings: &mut Findings) {
    let listen = &config.listen;
    let rows = [
        (&listen.lmtp, MAIL_WAITS),
        (&listen.policy, MAIL_WAITS),
        (&listen.map, MAIL_WAITS),
        (&listen.submission, "users of this host can't submit by the service"),
        (&listen.metrics, "nothing is counted, and no alert is raised"),
    ];
    for (address, why) in rows.into_iter().flat_map(|(addresses, why)| addresses.iter().map(move |one| (one, why))) {
        match address {
            ListenAddress::Unix(path) => look_at(path, why, findings),
            ListenAddress::Tcp(address) => {
                if let Err(error) = TcpStream::connect_timeout(address, PATIENCE) {
                    findings.error("socket.refused", format!("{address}: {error}"), why, RESTART.to_owned());
                }
            }
        }
    }
}

fn look_at(path: &Path, why: &'static str, findings: &mut Findings) {
    let Err(error) = UnixStream::connect(path) else { return };
    let path = path.display();
    let (name, what) = match error.kind() {
        ErrorKind::ConnectionRefused => ("socket.stale", format!("{path}: nobody answers; its service died")),
        ErrorKind::NotFound => ("socket.missing", format!("{path}: there is no socket")),
        _ => ("socket.refused", format!("{path}: {error}")),
    };
    findings.error(name, what, why, RESTART.to_owned());
}

/// Sockets that Postfix's configuration names; `user` is whom the service runs as.
pub(super) fn look_at_postfix(postfix: &Postfix, config: &Config, user: &str, findings: &mut Findings) {
    let queue = postfix.value("queue_directory");
    for (parameter, services) in CLIENTS {
        let value = postfix.value(parameter);
        for path in paths(&value) {
            match path.starts_with('/') {
                true if services.iter().any(|service| is_in_chroot(postfix, service)) => {
                    let moved = Moved::of(path, &queue);
                    let what =
                        format!("{parameter} names {path}, which Postfix's process can't see from its chroot {queue}");
                    let why = "a look-up or question that fails stops the mail";
                    let value = value.replace(&format!("unix:{path}"), &format!("unix:{}", moved.seen));
                    let group = postfix.value("mail_owner");
                    let ours = moved.listening(config, user, &group).unwrap_or_default();
                    findings.error("postfix.chroot", what, why, ours + &postfix.set(parameter, &value));
                }
                true => look_at(Path::new(path), MAIL_WAITS, findings),
                false => look_at_relative(postfix, &queue, path, findings),
            }
        }
    }
}

/// The paths behind `unix:`.
fn paths(value: &str) -> impl Iterator<Item = &str> {
    value.match_indices("unix:").map(|(at, lead)| {
        let rest = &value[at + lead.len()..];
        rest.split([':', ',', ' ', '}']).next().unwrap_or(rest)
    })
}

/// A socket that a process in the chroot `queue` shall see.
struct Moved<'a> {
    queue: &'a str,
    from: &'a str,
    /// Its path there.
    seen: String,
}

impl<'a> Moved<'a> {
    fn of(from: &'a str, queue: &'a str) -> Moved<'a> {
        let name = || format!("sendvia/{}", from.rsplit('/').next().unwrap_or(from));
        let seen = from.strip_prefix(&format!("{queue}/")).map_or_else(name, str::to_owned);
        Moved { queue, from, seen }
    }

    /// The command that has the service listen there, where it listens elsewhere.
    fn listening(&self, config: &Config, user: &str, group: &str) -> Option<String> {
        let Moved { queue, from, seen } = self;
        let listen = &config.listen;
        let mut ours = [&listen.lmtp, &listen.policy, &listen.map].into_iter().flatten();
        let is_ours = ours.any(|address| matches!(address, ListenAddress::Unix(path) if path == Path::new(from)));
        let file = config.file.as_ref().filter(|_| is_ours && !from.starts_with(&format!("{queue}/")))?;
        Some(format!(
            "install -d -o {user} -g {group} -m 2750 {queue}/sendvia && \
             sed -i --follow-symlinks 's|unix:{from}|unix:{queue}/{seen}|' {} && {RESTART} && ",
            file.display()
        ))
    }
}

/// The fifth column; a hyphen is no chroot since compatibility level 1.
fn is_in_chroot(postfix: &Postfix, service: &str) -> bool {
    let entry = postfix.ask(&["-M", service]).unwrap_or_default();
    match entry.split_whitespace().nth(4) {
        Some("y") => true,
        Some("-") => postfix.value("compatibility_level") == "0",
        _ => false,
    }
}

fn look_at_relative(postfix: &Postfix, queue: &str, path: &str, findings: &mut Findings) {
    let Some(service) = path.strip_prefix("private/") else {
        return look_at(&Path::new(queue).join(path), MAIL_WAITS, findings);
    };
    if postfix.ask(&["-M", &format!("{service}/unix")]).unwrap_or_default().trim().is_empty() {
        let what = format!("main.cf names {path}, and master.cf has no service {service}");
        let mend = format!("sendvia setup postfix -c {}", postfix.directory);
        findings.error("postfix.service", what, "a look-up or question that fails stops the mail", mend);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_of_listen_is_asked() {
        let directory = tempfile::tempdir().unwrap();
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = ListenAddress::Tcp(listening.local_addr().unwrap());
        let mut config = Config::beside(directory.path());
        config.listen.submission = vec![ListenAddress::Unix(directory.path().join("submission"))];
        (config.listen.policy, config.listen.metrics) = (vec![tcp.clone()], vec![tcp]);
        let names = || {
            let mut findings = Findings::default();
            look_at_own(&config, &mut findings);
            let told = findings.json();
            let names = told["findings"].as_array().unwrap().iter();
            names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["socket.missing"]);
        drop(listening);
        assert_eq!(names(), ["socket.refused", "socket.missing", "socket.refused"]);
    }

    #[test]
    fn paths_of_sockets_are_found_in_every_form() {
        let rows = [
            ("socketmap:unix:private/sendvia-map:transport, hash:/x", "private/sendvia-map"),
            ("check_policy_service { unix:/run/policy, timeout=10s }", "/run/policy"),
            ("check_policy_service unix:/run/policy", "/run/policy"),
        ];
        for (value, expected) in rows {
            assert_eq!(paths(value).collect::<Vec<_>>(), [expected]);
        }
    }
}
