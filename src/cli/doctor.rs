//! `sendvia doctor`: the whole chain, from the mail server's configuration to the providers' ports, looked at with the
//! mail server's own tools and ours. It changes nothing.

mod clock;
mod entry;
mod exim;
mod finding;
mod lmtp;
mod network;
mod postfix;
mod queue;
mod site;
mod socket;

use super::output;
use super::progress::Waiting;
use super::settings::Settings;
use super::{check, doctor::finding::Findings};
use crate::config::Config;
use crate::setup::Mta;
use crate::verdict::ExitStatus;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Which mail server; the one that is configured, if not given
    #[arg(long, value_enum)]
    mta: Option<MtaArgument>,
    /// The directory of Postfix's configuration; by default /etc/postfix
    #[arg(short = 'c', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Do not connect to the providers
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MtaArgument {
    Postfix,
    Exim,
    None,
}

/// Looks at everything; 0 where all is well, 1 with warnings, 2 with errors.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let mut findings = Findings::default();
    let waiting = Waiting::new("looking");
    let (config, problems) = check::problems(arguments.settings.config.as_deref());
    let file = config.as_ref().map(|config| config.file.as_deref());
    for problem in &problems {
        findings.take_problem(problem, file.is_some_and(|file| file != Some(problem.file.as_path())));
    }
    if let Some(config) = &config {
        look(arguments, config, &mut findings);
    }
    drop(waiting);
    match arguments.json {
        true => output::json(&findings.json()),
        false => output::say(findings.text()),
    }
    findings.status()
}

fn look(arguments: &Arguments, config: &Config, findings: &mut Findings) {
    let directory = |mta: Mta| arguments.directory.clone().unwrap_or_else(|| mta.directory().to_owned());
    let user = match arguments.mta.or_else(present) {
        Some(MtaArgument::Postfix) => postfix::look(&directory(Mta::Postfix), config, findings),
        Some(MtaArgument::Exim) => exim::look(config, findings),
        Some(MtaArgument::None) => None,
        None => {
            findings.warning(
                "mta.missing",
                "there is no configuration of Postfix or Exim".to_owned(),
                "sendvia has no queue of its own: a mail server keeps what can't be sent now",
                "apt install postfix && sendvia setup postfix".to_owned(),
            );
            None
        }
    };
    clock::look(findings);
    site::look(config, user.as_deref(), findings);
    socket::look_at_own(config, findings);
    if !arguments.offline {
        network::look(config, findings);
    }
}

fn present() -> Option<MtaArgument> {
    if Path::new("/etc/postfix/main.cf").exists() {
        return Some(MtaArgument::Postfix);
    }
    Path::new("/etc/exim4").join("update-exim4.conf.conf").exists().then_some(MtaArgument::Exim)
}
