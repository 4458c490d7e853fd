//! `sendvia lmtp`: LMTP on standard input and output, as Exim's lmtp `command` and spawn(8) of Postfix run it.

use super::service;
use super::settings::Settings;
use crate::config::Config;
use crate::log;
use crate::mta::lmtp::{Channel, Lmtp};
use crate::relay::Relay;
use crate::stdio;
use crate::verdict::{ExitStatus, Outcome};
use clap::Args;
use std::io;
use std::sync::Arc;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Speaks until the client leaves. Without a configuration each message is deferred.
pub(super) fn run(arguments: &Arguments) -> ExitStatus {
    let config = service::begin(&arguments.settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| {
        let served = runtime.block_on(on_stdio(config));
        // A name look-up that hangs in the C library is not waited for.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => ExitStatus::Ok,
        Err(error) => {
            log::warning(&format!("lmtp: {error}"));
            ExitStatus::TempFail
        }
    }
}

async fn on_stdio(config: Option<Config>) -> io::Result<()> {
    let relay = config.map(|config| Arc::new(Relay::new(config)));
    let trouble = || Outcome::Local { problem: "the configuration can't be read; the log says more".to_owned() };
    let lmtp = Lmtp::new(|| relay.clone().ok_or_else(trouble), Channel::OfMta);
    let mut stream = tokio::io::join(stdio::stdin()?, stdio::stdout()?);
    lmtp.serve(&mut stream, std::future::pending()).await.map(drop)
}
