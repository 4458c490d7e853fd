//! `sendvia sendmail`, and the same when called by a name that ends in `sendmail`. Its options are sendmail's, which
//! clap can't read; here is what `--help` and the manual page say of them.

use crate::mta;
use crate::process::Parent;
use crate::verdict::ExitStatus;
use clap::{ArgAction, Args};
use std::ffi::OsString;

/// The name of program and subcommand.
const SENDMAIL: &str = "sendmail";

/// What was typed.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, override_usage = "sendvia sendmail [OPTIONS] [--] [RECIPIENT]...", after_help = OPTIONS)]
pub(super) struct Arguments {
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// sendmail's options, and recipients
    #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) options: Vec<OsString>,
}

/// As `--help` shows them.
const OPTIONS: &str = "\
Options of sendmail that mean something here:
  -f, -r SENDER  the envelope sender; else the address of your only account, else user@host
  -F NAME        display name, where the message has no From field and gets one
  -t             recipients from To, Cc and Bcc; Bcc is taken off
  -i, -oi        a line that is a lone dot does not end the message
  -bm            one message on standard input (what is done unless -bs)
  -bs            SMTP on standard input and output
  -N LIST        when to notify: never, or success, failure, delay
  -R full|hdrs   what a notification gives back
  -V ID          envelope id of notifications
  -B TYPE        7BIT or 8BITMIME
  -v             say on standard output what the provider replied
  --config FILE  the configuration file
  --debug        log the dialogue with the provider, secrets hidden
-O, other -o, and further options of other sendmails are ignored; -bp, -bi, -bd, -q and the like are refused.

Exit status: 0 sent, 64 command line, 65 message, 67 no such recipient, 69 refused for good, 75 not now,
77 not allowed, 78 configuration.";

/// sendmail's arguments, if it is sendmail that was called. `sendvia sendmail --help` is not.
pub(super) fn options(arguments: &[OsString]) -> Option<&[OsString]> {
    let (program, rest) = arguments.split_first()?;
    if program.as_encoded_bytes().ends_with(SENDMAIL.as_bytes()) {
        return Some(rest);
    }
    let (command, rest) = rest.split_first()?;
    let is_help = matches!(rest, [only] if only == "--help");
    (command == SENDMAIL && !is_help).then_some(rest)
}

/// Sends.
pub(super) fn run(options: &[OsString], parent: Parent) -> ExitStatus {
    mta::sendmail::run(options, parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_ends_in_sendmail_and_the_subcommand_are_the_same() {
        let rows: [(&[&str], Option<&[&str]>); 6] = [
            (&["/usr/sbin/sendmail", "-t"], Some(&["-t"])),
            (&["sendvia-sendmail"], Some(&[])),
            (&["/usr/bin/sendvia", "sendmail", "-f", "x"], Some(&["-f", "x"])),
            (&["sendvia", "sendmail", "--help"], None),
            (&["/opt/sendmail/sendvia", "check"], None),
            (&["sendvia", "relay", "sendmail"], None),
        ];
        for (arguments, expected) in rows {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            let expected = expected.map(|words| words.iter().map(OsString::from).collect::<Vec<_>>());
            assert_eq!(options(&arguments).map(<[OsString]>::to_vec), expected, "{arguments:?}");
        }
    }
}
