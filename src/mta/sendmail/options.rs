//! sendmail's options, read as getopt(3) would: bundled, with arguments attached or following.
//!
//! Options of other sendmails that mean nothing here are taken and ignored, those with an argument together with it.

use super::{Trouble, notification};
use crate::wire::envelope::{BodyType, Notify, Ret};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;

/// Options that take an argument, attached or following, and are ignored.
const IGNORED_WITH_ARGUMENT: &str = "CDLOXehp";

/// Options whose argument, if they have one, is attached; ignored.
const IGNORED_WITH_REST: &str = "AQd";

/// Where the envelope and the messages come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// `-bm`: one message on stdin.
    #[default]
    Message,
    /// `-bs`: SMTP on stdin and stdout.
    Smtp,
}

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) mode: Mode,
    /// `--config`
    pub(super) config: Option<PathBuf>,
    /// `--debug`
    pub(super) debug: bool,
    /// `-f`, `-r`
    pub(super) sender: Option<String>,
    /// `-F`
    pub(super) name: Option<String>,
    /// `-t`
    pub(super) takes_recipients: bool,
    /// `-i`, `-oi`: a lone dot does not end the message.
    pub(super) ignores_dot: bool,
    /// `-v`
    pub(super) verbose: bool,
    /// `-N`
    pub(super) notify: Option<Notify>,
    /// `-R`
    pub(super) ret: Option<Ret>,
    /// `-V`, as xtext.
    pub(super) envid: Option<String>,
    /// `-B`
    pub(super) body: Option<BodyType>,
    /// Lists of addresses.
    pub(super) recipients: Vec<String>,
}

impl Options {
    /// Reads the arguments, the program's name left off.
    ///
    /// # Errors
    /// What can't be done, as a usage error.
    pub(super) fn parse(arguments: &[OsString]) -> Result<Options, Trouble> {
        let texts: Result<VecDeque<String>, _> = arguments.iter().cloned().map(OsString::into_string).collect();
        let mut rest = texts.map_err(|_| Trouble::usage("an argument is not UTF-8", "addresses are ASCII or UTF-8"))?;
        let mut options = Options::default();
        while let Some(argument) = rest.pop_front() {
            match argument.strip_prefix('-') {
                Some("-") => options.recipients.extend(rest.drain(..)),
                Some(long) if long.starts_with('-') => options.long(&long[1..], &mut rest)?,
                Some(bundle) if !bundle.is_empty() => options.bundle(bundle, &mut rest)?,
                Some(_) | None => options.recipients.push(argument),
            }
        }
        Ok(options)
    }

    /// Our own, which no sendmail has.
    fn long(&mut self, text: &str, rest: &mut VecDeque<String>) -> Result<(), Trouble> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        match name {
            "config" => self.config = Some(value.map_or_else(|| following("--config", rest), Ok)?.into()),
            "debug" => self.debug = true,
            _ => {
                return Err(Trouble::usage(format!("unknown option --{name}"), "`sendvia sendmail --help` lists them"));
            }
        }
        Ok(())
    }

    /// What stands behind one `-`.
    fn bundle(&mut self, bundle: &str, rest: &mut VecDeque<String>) -> Result<(), Trouble> {
        let mut letters = bundle.chars();
        while let Some(letter) = letters.next() {
            let attached = letters.as_str();
            if self.flag(letter) {
                continue;
            }
            match letter {
                'b' => self.mode(attached)?,
                'q' | 'I' => return Err(not_here(&format!("-{letter}"))),
                'f' | 'r' | 'F' | 'N' | 'R' | 'V' | 'B' | 'o' => self.with_value(letter, attached, rest)?,
                _ if IGNORED_WITH_ARGUMENT.contains(letter) => drop(value(letter, attached, rest)?),
                _ if IGNORED_WITH_REST.contains(letter) => {}
                // Some other sendmail's flag.
                _ => continue,
            }
            return Ok(());
        }
        Ok(())
    }

    fn flag(&mut self, letter: char) -> bool {
        match letter {
            't' => self.takes_recipients = true,
            'i' => self.ignores_dot = true,
            'v' => self.verbose = true,
            _ => return false,
        }
        true
    }

    fn mode(&mut self, attached: &str) -> Result<(), Trouble> {
        match attached {
            "m" => self.mode = Mode::Message,
            "s" => self.mode = Mode::Smtp,
            _ => return Err(not_here(&format!("-b{attached}"))),
        }
        Ok(())
    }

    fn with_value(&mut self, letter: char, attached: &str, rest: &mut VecDeque<String>) -> Result<(), Trouble> {
        let value = value(letter, attached, rest)?;
        match letter {
            'f' | 'r' => self.sender = Some(value),
            'F' => self.name = Some(value),
            'N' => self.notify = Some(notification::notify(&value)?),
            'R' => self.ret = Some(notification::ret(&value)?),
            'V' => self.envid = Some(notification::envid(&value)?),
            'B' => self.body = Some(notification::body(&value)?),
            // -oem, -odi, -om and the like are about queues and local mailboxes.
            _ => self.ignores_dot |= value == "i",
        }
        Ok(())
    }
}

fn value(letter: char, attached: &str, rest: &mut VecDeque<String>) -> Result<String, Trouble> {
    match attached {
        "" => following(&format!("-{letter}"), rest),
        attached => Ok(attached.to_owned()),
    }
}

/// The next argument is the value, even if it begins with `-`.
fn following(option: &str, rest: &mut VecDeque<String>) -> Result<String, Trouble> {
    rest.pop_front().ok_or_else(|| Trouble::usage(format!("{option} needs a value"), "give one behind it"))
}

fn not_here(option: &str) -> Trouble {
    let hint = "only -bm and -bs are done here; queue, aliases and daemon are the mail server's";
    Trouble::usage(format!("{option}: sendvia keeps no queue, no aliases and no mailboxes"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, Trouble> {
        Options::parse(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_of_any_sendmail_are_read_bundled_attached_or_apart() {
        let rows = [
            ("-t -i -f anna@gmx.de", Some("anna@gmx.de"), true, true, ""),
            ("-ti -fanna@gmx.de b@x.example", Some("anna@gmx.de"), true, true, "b@x.example"),
            ("-oi -r -f@x.example -- -t", Some("-f@x.example"), false, true, "-t"),
            ("-oem -odi -bm -G -U -n -m -om b@x.example", None, false, false, "b@x.example"),
            ("-O DeliveryMode=b -h 3 -L tag -p SMTP:host -X /dev/null -C /etc/x.cf b", None, false, false, "b"),
            ("-Ac -d0.1 -Qreason -em -XV b", None, false, false, "b"),
            ("-vit a b", None, true, true, "a b"),
            ("-f <> -", Some("<>"), false, false, "-"),
        ];
        for (line, sender, takes_recipients, ignores_dot, recipients) in rows {
            let options = parsed(line).unwrap();
            assert_eq!(options.sender.as_deref(), sender, "{line}");
            assert_eq!((options.takes_recipients, options.ignores_dot), (takes_recipients, ignores_dot), "{line}");
            assert_eq!(options.recipients.join(" "), recipients, "{line}");
        }
        let named = parsed("-F Anna -Nnever -R hdrs -V id -B8BITMIME -bs --config /x --debug").unwrap();
        assert_eq!((named.name.as_deref(), named.envid.as_deref(), named.mode), (Some("Anna"), Some("id"), Mode::Smtp));
        assert_eq!((named.ret, named.notify), (Some(Ret::Headers), Some(Notify::Never)));
        assert!(named.debug && named.config == Some(PathBuf::from("/x")));
    }

    #[test]
    fn an_empty_value_is_the_null_sender_and_takes_no_letter_of_the_next_word() {
        let options = parsed("-f  -t").unwrap();
        assert_eq!((options.sender.as_deref(), options.takes_recipients), (Some(""), true));
    }

    #[test]
    fn what_only_a_mail_server_can_do_is_refused() {
        for line in ["-bp", "-bi", "-bd", "-bv", "-b", "-q", "-q30m", "-I", "-tbp", "-f", "--config", "--frm x", "-Nx"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
