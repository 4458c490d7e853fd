//! Exim as a submission server: Debian's binary, whose SCRAM is Cyrus SASL's, without channel binding.

use super::ca::Certificate;
use super::daemon::run_with_input;
use super::exim::{Exim, binary, make_directories};
use super::lab::{Lab, user};
use super::mta::Mta;
use super::provider::{ANNA, LIMIT, Provider, REFUSED, SECRET, files, on_the_wire};
use super::sink::Arrived;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::time::Duration;

/// How long a client may be silent.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);

/// An Exim with STARTTLS that delivers into files.
pub(crate) struct EximProvider {
    exim: Exim,
    authority: String,
    kept: PathBuf,
}

impl EximProvider {
    pub(crate) fn start(lab: &Lab) -> Self {
        let certificate = Certificate::new(lab, "exim-provider/tls");
        make_directories(lab, "exim-provider");
        let (exim, group) = user("Debian-exim");
        let kept = lab.directory("exim-provider/kept");
        for path in [&kept, &PathBuf::from(&certificate.key)] {
            chown(path, Some(exim), Some(group)).expect("owner");
        }
        make_passwords(lab);
        let address = lab.free_address();
        let settings = configuration(lab, address, &certificate);
        Self { exim: Exim::start(lab, "exim-provider", address, &settings), authority: certificate.authority, kept }
    }
}

impl Provider for EximProvider {
    fn address(&self) -> SocketAddr {
        self.exim.submission()
    }

    fn tls(&self) -> &'static str {
        "starttls"
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn arrived(&self) -> Vec<Arrived> {
        // Files are named by queue id, and one that is not yet completed is still written.
        let log = self.exim.log().text();
        let is_whole = |id: &str| log.contains(&format!(" {id} Completed"));
        let kept = files(&self.kept, is_whole).into_iter().map(Arrived::from_batch);
        kept.map(|one| Arrived { message: on_the_wire(&one.message), ..one }).collect()
    }

    fn wait_for(&self, message_id: &str) -> Arrived {
        let id = message_id.trim_matches(['<', '>']);
        let line = self.exim.log().wait_for("message", |line| line.contains(" <= ") && line.contains(id));
        let queue_id = line.split(' ').nth(2).expect("an id").to_owned();
        self.exim.wait_for_end(&queue_id);
        let found = self.arrived().into_iter().find(|arrived| arrived.text().contains(message_id));
        found.unwrap_or_else(|| panic!("{message_id} is in no file; {}", self.exim.log().text()))
    }
}

/// The password for Cyrus SASL, in a directory that only this Exim sees as the machine's.
fn make_passwords(lab: &Lab) {
    lab.directory("exim-provider/sasl");
    let database = lab.text("exim-provider/sasldb2");
    lab.write(
        "exim-provider/sasl/exim.conf",
        format!("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: SCRAM-SHA-256\n"),
    );
    let (name, realm) = ANNA.split_once('@').expect("an address");
    run_with_input("saslpasswd2", &["-p", "-c", "-f", &database, "-u", realm, name], SECRET.as_bytes());
    chown(&database, Some(user("Debian-exim").0), None).expect("owner");
}

fn configuration(lab: &Lab, address: SocketAddr, certificate: &Certificate) -> String {
    format!(
        "exim_path = {binary}
spool_directory = {directory}/spool
log_file_path = {directory}/log/%s
pid_file_path = {directory}/spool/exim.pid
primary_hostname = exim.example
domainlist local_domains =
local_interfaces = {ip}
daemon_smtp_ports = {port}
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
acl_smtp_rcpt = acl_rcpt
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
smtp_receive_timeout = {patience}s
message_size_limit = {limit}
smtp_accept_max_per_connection = 4
received_header_text =
begin acl
acl_rcpt:
  deny
    recipients = {refused}
    message = 5.1.1 no such mailbox
  accept authenticated = *
  deny

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{secret}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{login}}}}}{{eq{{$auth2}}{{{secret}}}}}}}}}
  server_set_id = $auth1
scram:
  driver = cyrus_sasl
  public_name = SCRAM-SHA-256
  server_realm = {realm}
  server_set_id = $auth1

begin routers
all:
  driver = accept
  transport = keep

begin transports
keep:
  driver = appendfile
  file = {directory}/kept/$message_exim_id
  user = Debian-exim
  file_format =
  check_string =
  message_prefix = \"MAIL FROM:<$sender_address>\\nRCPT TO:<$local_part@$domain>\\nDATA\\n\"
  message_suffix =

begin retry
* * F,2h,15m
",
        binary = binary(),
        directory = lab.text("exim-provider"),
        ip = address.ip(),
        port = address.port(),
        certificate = certificate.certificate,
        key = certificate.key,
        patience = PATIENCE.as_secs(),
        limit = LIMIT,
        refused = REFUSED,
        login = ANNA,
        secret = SECRET,
        realm = ANNA.split_once('@').map(|(_, realm)| realm).unwrap_or_default(),
    )
}
