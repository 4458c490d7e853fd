//! A private Postfix: configuration, queue, log and users of its own, beside whatever the machine has.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};

use super::daemon::{Daemon, run, run_with_input};
use super::lab::{Lab, contrib, user};
use super::log::Log;
use super::mta::{LOGINS, Mta, Outcome, password};

/// The services that every Postfix has, none of them in a chroot. The log's process does not end after a hundred lines as
/// others do: master, which would begin the next, hangs when it has many lines of its own to write meanwhile.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd -o max_use=1000000
";

/// A running Postfix. Dropping it stops it.
pub(crate) struct Postfix {
    _daemon: Daemon,
    log: Log,
    directory: String,
    submission: SocketAddr,
}

impl Postfix {
    /// The firm's MTA with `contrib/postfix` in it: mail from `senders` goes to sendvia, all other mail to `world`.
    pub(crate) fn with_contrib(lab: &Lab, senders: &[&str], world: SocketAddr) -> Self {
        Self::with_contrib_and(lab, senders, world, "")
    }

    /// The same with more lines of `main.cf`.
    pub(crate) fn with_contrib_and(lab: &Lab, senders: &[&str], world: SocketAddr, more: &str) -> Self {
        Self::customised(lab, &map(senders), world, more, &transport(lab, ("", "")))
    }

    /// The same with another word in `contrib/`'s piece of `master.cf`.
    pub(crate) fn with_contrib_where(lab: &Lab, senders: &[&str], world: SocketAddr, change: (&str, &str)) -> Self {
        Self::customised(lab, &map(senders), world, "", &transport(lab, change))
    }

    /// The same with a transport for each sender, called as its local-part, that is `contrib/`'s but for the name; and no
    /// process of it serves twice.
    pub(crate) fn with_a_transport_each(lab: &Lab, senders: &[String], world: SocketAddr, more: &str) -> Self {
        let one = transport(lab, ("pipe\n", "pipe -o max_use=1\n"));
        let (mut map, mut master) = (String::new(), String::new());
        for sender in senders {
            let name = sender.split('@').next().unwrap_or_default();
            map += &format!("{sender} {name}:\n");
            master += &one.replace("sendvia   unix", &format!("{name} unix"));
        }
        Self::customised(lab, &map, world, more, &master)
    }

    fn customised(lab: &Lab, senders: &str, world: SocketAddr, more: &str, master: &str) -> Self {
        let map = lab.text("postfix/etc/sendvia_senders");
        let main = contrib("postfix/main.cf", &[("/etc/postfix/sendvia_senders", &map)]);
        let (ip, port) = (world.ip(), world.port());
        let main = format!("{main}default_transport = smtp:[{ip}]:{port}\n{more}\n");
        let users: Vec<(&str, String)> = LOGINS.iter().map(|login| (*login, password(login))).collect();
        Self::start(lab, "postfix", &main, master, &users, &[("sendvia_senders", senders)])
    }

    /// Starts a Postfix in the directory `name` of the lab, that lets the `users` submit with their passwords.
    ///
    /// `main` and `master` are added to a minimal set-up; `files` are laid beside them.
    pub(crate) fn start(
        lab: &Lab,
        name: &str,
        main: &str,
        master: &str,
        users: &[(&str, String)],
        files: &[(&str, &str)],
    ) -> Self {
        let submission = lab.free_address();
        lab.directory(&format!("{name}/etc"));
        make_queue(lab, name);
        make_passwords(lab, name, users);
        for (file, text) in files {
            lab.write(&format!("{name}/etc/{file}"), text);
        }
        let directory = lab.text(name);
        lab.write(&format!("{name}/etc/main.cf"), format!("{}{main}", main_cf(&directory)));
        lab.write(&format!("{name}/etc/master.cf"), format!("{submission} inet n - n - - smtpd\n{SERVICES}{master}"));
        let config = format!("{directory}/etc");
        let mut daemon = Daemon::start("/usr/lib/postfix/sbin/master", &["-s", "-c", &config]);
        let log = Log::follow(daemon.stdout());
        log.wait_for("start of Postfix", |line| line.contains("daemon started"));
        Self { _daemon: daemon, log, directory, submission }
    }

    /// Its configuration directory.
    pub(crate) fn config(&self) -> String {
        format!("{}/etc", self.directory)
    }

    /// Runs one of Postfix's commands on this instance.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> String {
        let config = self.config();
        run(program, &[&["-c", config.as_str()], args].concat())
    }

    /// Submits as the machine's own programs do.
    pub(crate) fn sendmail(&self, sender: &str, recipient: &str, message: &[u8]) {
        run_with_input("sendmail", &["-C", &self.config(), "-f", sender, recipient], message);
    }
}

impl Mta for Postfix {
    fn submission(&self) -> SocketAddr {
        self.submission
    }

    fn log(&self) -> &Log {
        &self.log
    }

    fn outcome(&self, queue_id: &str, recipient: &str) -> Outcome {
        let (id, to) = (format!(" {queue_id}: to=<{recipient}>"), "status=");
        let line = self.log.wait_for(&format!("outcome of {queue_id}"), |line| line.contains(&id) && line.contains(to));
        let (_, status) = line.split_once(to).expect("a status");
        let (status, text) = status.split_once(' ').unwrap_or((status, ""));
        let text = format!("{} {text}", line.split("dsn=").nth(1).and_then(|dsn| dsn.split(',').next()).unwrap_or(""));
        match status {
            "sent" => Outcome::Sent(text),
            "deferred" => Outcome::Deferred(text),
            _ => Outcome::Bounced(text),
        }
    }

    fn queue(&self) -> Vec<String> {
        let listed = self.command("postqueue", &["-j"]);
        listed
            .lines()
            .filter_map(|line| Some(line.split_once("\"queue_id\": \"")?.1.split('"').next()?.to_owned()))
            .collect()
    }

    fn flush(&self) {
        self.command("postqueue", &["-f"]);
    }

    fn said(&self, queue_id: &str, recipient: &str) -> String {
        let outcome = self.outcome(queue_id, recipient);
        let (status, text) = outcome.text().split_once(" (").expect("a status and a text");
        format!("{status} {}", text.strip_suffix(')').unwrap_or(text))
    }

    fn wait_for_end(&self, queue_id: &str) {
        self.log.wait_for("removal", |line| line.contains(&format!("{queue_id}: removed")));
    }
}

/// `contrib/`'s transport with this lab's path of sendvia.
fn transport(lab: &Lab, change: (&str, &str)) -> String {
    contrib("postfix/master.cf", &[("/usr/bin/sendvia", &lab.text("sendvia")), change])
}

fn map(senders: &[&str]) -> String {
    senders.iter().map(|sender| format!("{sender} sendvia:\n")).collect()
}

/// What every instance needs, and nothing that DNS would have to answer.
fn main_cf(directory: &str) -> String {
    format!(
        "compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = /dev/stdout
myhostname = mx.firm.example
mydestination =
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks =
smtp_dns_support_level = disabled
smtputf8_enable = yes
message_size_limit = 104857600
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = {directory}/etc/sasl
smtpd_sasl_path = smtpd
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
"
    )
}

/// The queue's directories as `postfix check` makes them, which takes it seconds.
fn make_queue(lab: &Lab, name: &str) {
    let (postfix, _) = user("postfix");
    let postdrop = run("getent", &["group", "postdrop"]);
    let postdrop = postdrop.split(':').nth(2).and_then(|id| id.parse().ok()).expect("the group postdrop");
    lab.directory(&format!("{name}/queue/pid"));
    let own = |part: &str, group: Option<u32>, mode: u32| {
        let path = lab.directory(&format!("{name}/{part}"));
        chown(&path, Some(postfix), group).expect("owner");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
    };
    own("data", None, 0o700);
    for part in
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"]
    {
        own(&format!("queue/{part}"), None, 0o700);
    }
    own("queue/public", Some(postdrop), 0o2710);
    own("queue/maildrop", Some(postdrop), 0o1730);
}

/// The logins, in a Cyrus SASL database of this instance.
fn make_passwords(lab: &Lab, name: &str, users: &[(&str, String)]) {
    lab.directory(&format!("{name}/etc/sasl"));
    let database = lab.text(&format!("{name}/etc/sasl/sasldb2"));
    lab.write(
        &format!("{name}/etc/sasl/smtpd.conf"),
        format!("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: PLAIN LOGIN SCRAM-SHA-256\n"),
    );
    for (login, password) in users {
        // A login that is an address is a name in the realm of its domain.
        let (name, realm) = login.split_once('@').unwrap_or((login, "mx.firm.example"));
        let args = ["-p", "-c", "-f", &database, "-u", realm, name];
        run_with_input("saslpasswd2", &args, password.as_bytes());
        chown(&database, Some(user("postfix").0), None).expect("owner");
    }
}
