//! The resident service to which Postfix hands mail by LMTP: what `sendvia.yaml` must say, the key that signs logins, the
//! directory of sockets, and the service's start.
//!
//! Postfix is wired to these sockets by `contrib/postfix`, and a table that does not answer stops all outgoing mail: so
//! nothing is set up before `sendvia.yaml` says that they are opened.

use super::plan::{Plan, Step};
use super::{CONFIG, Edit, PROGRAM, SetupError, USER, Wish, site};
use crate::config::{Config, ListenAddress};
use std::path::{Path, PathBuf};

/// `sendvia.yaml` as the guide has it.
const YAML: &str = include_str!("../../contrib/postfix/service.yaml");

/// The queue directory that the pieces of `contrib/` and the unit name.
const QUEUE: &str = "/var/spool/postfix";

/// What the table of transports holds, as `lmtp-main.cf` and the guide have it.
const TRANSPORT: &str = "sendvia:unix:sendvia/lmtp";

/// The service for one instance of Postfix.
pub(super) struct Service<'a> {
    pub(super) wish: &'a Wish,
    /// Postfix's `queue_directory`.
    pub(super) queue: &'a Path,
    /// The group that connects: Postfix's `mail_owner`.
    pub(super) group: &'a str,
}

impl Service<'_> {
    /// Adds all of it, or says what `sendvia.yaml` lacks.
    pub(super) fn add_to(&self, plan: &mut Plan) -> Result<(), SetupError> {
        let wish = self.wish;
        let config = wish.config.exists().then(|| site::configuration(wish)).transpose()?;
        if let Some(config) = &config {
            self.insist_on(config)?;
        }
        let key = config.and_then(|config| config.login_field?.key_file);
        let path = key.unwrap_or_else(|| wish.config.with_file_name("login.key"));
        if !path.exists() {
            plan.steps.push(Step::LoginKey { path, user: wish.user.clone() });
        }
        plan.edit(Edit::new_file(&wish.config, &self.yaml())?);
        plan.directory(&self.sockets(), &wish.user, self.group, 0o2750);
        self.start(plan);
        Ok(())
    }

    fn sockets(&self) -> PathBuf {
        self.queue.join("sendvia")
    }

    fn yaml(&self) -> String {
        YAML.replace(QUEUE, &self.queue.display().to_string())
    }

    /// A configuration that is there is the administrator's: it is not changed, but it has to fit.
    fn insist_on(&self, config: &Config) -> Result<(), SetupError> {
        let listen = &config.listen;
        let lacks =
            |addresses: &[ListenAddress], name| !addresses.contains(&ListenAddress::Unix(self.sockets().join(name)));
        let lacking = [lacks(&listen.lmtp, "lmtp"), lacks(&listen.policy, "policy"), lacks(&listen.map, "map")];
        let yaml = self.yaml();
        let lines = yaml.split_inclusive('\n').filter(|line| match line.split(':').next() {
            Some("listen") => lacking.contains(&true),
            Some("  lmtp") => lacking[0],
            Some("  policy") => lacking[1],
            Some("  map") => lacking[2],
            Some("map") => config.map.transport != TRANSPORT,
            Some("login_field") => config.login_field.as_ref().is_none_or(|field| field.key_file.is_none()),
            _ => false,
        });
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => Ok(()),
            false => Err(SetupError::NoService { path: self.wish.config.clone(), lines }),
        }
    }

    /// Starts it by systemd where the package's unit fits; else tells how.
    fn start(&self, plan: &mut Plan) {
        let has_systemd = Path::new("/run/systemd/system").is_dir();
        let lines = self.unlike_the_unit();
        if !lines.is_empty() {
            plan.notes.push(format!(
                "the unit sendvia.service starts another service: `systemctl edit sendvia.service` with these lines, and \
                 `systemctl enable --now sendvia.service`; until it runs, mail of all senders waits\n[Service]\n{lines}"
            ));
        } else if has_systemd {
            plan.reload.push(["systemctl", "enable", "--now", "sendvia.service"].map(str::to_owned).to_vec());
        } else {
            plan.notes.push("start `sendvia serve`: until it runs, mail of all senders waits".into());
        }
    }

    /// What `contrib/systemd/sendvia.service` has otherwise.
    fn unlike_the_unit(&self) -> String {
        let Wish { user, program, config, .. } = self.wish;
        let mut lines = String::new();
        if program != Path::new(PROGRAM) || config != Path::new(CONFIG) {
            let option = match config == Path::new(CONFIG) {
                true => String::new(),
                false => format!(" --config {}", config.display()),
            };
            lines += &format!("ExecStart=\nExecStart={} serve{option}\n", program.display());
        }
        if user != USER {
            lines += &format!("User={user}\nGroup={user}\n");
        }
        if self.queue != Path::new(QUEUE) {
            lines += &format!("ReadWritePaths={}\n", self.sockets().display());
        }
        lines
    }
}
