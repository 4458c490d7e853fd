//! The transport's entry in `master.cf`: what each word of it must be, and the entry as it should stand.

use super::finding::Findings;

/// Flags of pipe(8) that change the message.
const CHANGING: &[char] = &['D', 'O', 'R', 'F', 'B', 'h', 'u', 'X', '.', '>'];

/// An entry of pipe(8), word by word, as `postconf -M` prints it.
pub(super) struct PipeEntry<'a> {
    attributes: Vec<&'a str>,
    argv: Vec<&'a str>,
}

impl<'a> PipeEntry<'a> {
    /// Reads the words behind `pipe`.
    pub(super) fn of(words: &[&'a str]) -> PipeEntry<'a> {
        let at = words.iter().position(|word| word.starts_with("argv=")).unwrap_or(words.len());
        let (attributes, argv) = words.split_at(at);
        let argv = argv.iter().map(|word| word.strip_prefix("argv=").unwrap_or(word)).filter(|word| !word.is_empty());
        PipeEntry { attributes: attributes.to_vec(), argv: argv.collect() }
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The user, without his group.
    pub(super) fn user(&self) -> Option<&'a str> {
        self.attribute("user").map(|user| user.split(':').next().unwrap_or(user))
    }

    /// The command that puts the entry right, for the configuration in `directory`.
    pub(super) fn mend(&self, directory: &str, user: &str) -> String {
        let program = self.argv.first().copied().unwrap_or("/usr/bin/sendvia");
        let config = self.argv.iter().position(|word| *word == "--config");
        let config = config.and_then(|at| self.argv.get(at + 1)).map(|file| format!("--config {file} "));
        format!(
            "postconf -c {directory} -M -e 'sendvia/unix=sendvia unix - n n - 20 pipe user={user} null_sender= flags=q \
             argv={program} relay {}--user=${{sasl_username}} --queue-id=${{queue_id}} -f ${{sender}} -- ${{recipient}}' && \
             postfix -c {directory} reload",
            config.unwrap_or_default()
        )
    }

    /// Looks at everything but the user.
    pub(super) fn look(&self, mend: &str, findings: &mut Findings) {
        let flags = self.attribute("flags").unwrap_or_default();
        if flags.contains(CHANGING) {
            let why = "these flags change the message or its envelope on the way to sendvia";
            findings.error("postfix.flags", format!("the transport has flags={flags}"), why, mend.to_owned());
        } else if !flags.contains('q') {
            let why = "without `q` a local-part with blanks comes as two words";
            findings.warning("postfix.flags", "the transport has no flags=q".to_owned(), why, mend.to_owned());
        }
        if self.attribute("null_sender") != Some("") {
            let why = "the sender of a bounce would be MAILER-DAEMON, an address that has no account";
            findings.error(
                "postfix.null-sender",
                "the transport has no `null_sender=`".to_owned(),
                why,
                mend.to_owned(),
            );
        }
        self.look_at_words(mend, findings);
    }

    fn look_at_words(&self, mend: &str, findings: &mut Findings) {
        let has = |wanted: &[&str]| self.argv.windows(wanted.len()).any(|words| words == wanted);
        let rows: [(&[&str], &'static str, &'static str, &'static str); 3] = [
            (
                &["--", "${recipient}"],
                "postfix.dashes",
                "no `--` stands before ${recipient}",
                "an address that begins with `-` would be taken for an option",
            ),
            (
                &["-f", "${sender}"],
                "postfix.sender",
                "`-f ${sender}` does not stand there as two words",
                "the sender decides on the account; an empty one would swallow the next word",
            ),
            (
                &["--user=${sasl_username}"],
                "postfix.login",
                "`--user=${sasl_username}` is missing",
                "without the login nobody may send, since every account lists who may",
            ),
        ];
        for (words, name, what, why) in rows {
            if !has(words) {
                findings.error(name, what.to_owned(), why, mend.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_of_contrib_is_sound_and_is_what_mends_another() {
        let contrib = include_str!("../../../contrib/postfix/master.cf");
        let words: Vec<&str> =
            contrib.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
        let mut findings = Findings::default();
        let entry = PipeEntry::of(&words[8..]);
        entry.look("", &mut findings);
        assert_eq!(findings.text(), "all is well");
        assert!(entry.mend("/etc/postfix", "sendvia").contains(&words[8..].join(" ")));
    }

    #[test]
    fn each_word_that_is_wrong_is_named() {
        let right =
            "user=sendvia null_sender= flags=q argv=/s relay --user=${sasl_username} -f ${sender} -- ${recipient}";
        let rows = [
            ("flags=q", "flags=Rq", "postfix.flags"),
            ("null_sender= ", "", "postfix.null-sender"),
            ("-- ", "", "postfix.dashes"),
            ("-f ${sender}", "-f${sender}", "postfix.sender"),
            ("--user=${sasl_username} ", "", "postfix.login"),
        ];
        for (word, wrong, name) in rows {
            let text = right.replace(word, wrong);
            let words: Vec<&str> = text.split(' ').collect();
            let mut findings = Findings::default();
            PipeEntry::of(&words).look("", &mut findings);
            assert_eq!(findings.json()["findings"][0]["name"], name, "{text}");
            assert_eq!(findings.json()["findings"].as_array().map(Vec::len), Some(1), "{text}");
        }
    }
}
