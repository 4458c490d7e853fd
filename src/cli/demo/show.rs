//! What a person sees: at most 80 columns, colours only on a terminal and without NO_COLOR.

use super::mta::View;
use super::stage::Performance;
use crate::verdict::Disposition;
use anstyle::{AnsiColor, Style};
use std::io::{self, IsTerminal, Write};

const WIDTH: usize = 80;

pub(super) struct Show {
    out: io::Stdout,
    coloured: bool,
}

impl Show {
    pub(super) fn on_stdout() -> Show {
        let out = io::stdout();
        let coloured = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Show { out, coloured }
    }

    pub(super) fn opening(&mut self, account_file: &str) -> io::Result<()> {
        self.line(&self.painted(bold(), "sendvia demo"))?;
        self.line("")?;
        self.line("  Anna travels. Her mail program hands a message to your mail server, and your")?;
        self.line("  mail server hands it to sendvia, which sends it by her own GMX account:")?;
        self.line("")?;
        self.line("    mail program --> Postfix or Exim --> sendvia --> GMX --> friend@example.org")?;
        self.line("                     (login: anna)      (login: anna@gmx.de)")?;
        self.line("")?;
        self.line("  GMX is a sandbox on this machine; nothing leaves it. Her account file,")?;
        self.line("  accounts.d/anna@gmx.de.yaml:")?;
        self.line("")?;
        for line in account_file.lines() {
            self.line(&format!("    {}", self.painted(dim(), line)))?;
        }
        self.out.flush()
    }

    pub(super) fn act(&mut self, number: &str, title: &str) -> io::Result<()> {
        self.line("")?;
        let title = self.painted(bold(), title);
        self.line(&format!("{} {title}", self.painted(bold(), number)))?;
        self.line("")
    }

    pub(super) fn command(&mut self, performed: &Performance) -> io::Result<()> {
        self.line(&format!("  $ {}", self.painted(bold(), &performed.command)))?;
        self.line("")
    }

    pub(super) fn aside(&mut self, text: &str) -> io::Result<()> {
        self.line("")?;
        self.note(text)
    }

    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        for line in wrapped(text, WIDTH - 2) {
            self.line(&format!("  {line}"))?;
        }
        self.line("")
    }

    pub(super) fn dialogue(&mut self, dialogue: &[String]) -> io::Result<()> {
        for spoken in dialogue {
            let (who, text, style) = match spoken.split_at_checked(3) {
                Some(("C: ", text)) => ("sendvia", text, Style::new()),
                Some((_, text)) => ("GMX", text, dim()),
                None => continue,
            };
            for (index, line) in wrapped(text, WIDTH - 14).iter().enumerate() {
                let who = if index == 0 { who } else { "" };
                self.line(&format!("    {who:<8}{}", self.painted(style, line)))?;
            }
        }
        if dialogue.is_empty() { Ok(()) } else { self.line("") }
    }

    pub(super) fn verdict(&mut self, performed: &Performance, views: &[(&str, View)]) -> io::Result<()> {
        let status = performed.exit_status.map_or_else(|| "death by a signal".to_owned(), |code| code.to_string());
        self.line(&format!("  {:<9}{status}", "exit"))?;
        let output = performed.output.trim_end();
        let lines = if output.is_empty() { vec!["nothing".to_owned()] } else { wrapped(output, WIDTH - 11) };
        for (index, line) in lines.iter().enumerate() {
            self.line(&format!("  {:<9}{line}", if index == 0 { "output" } else { "" }))?;
        }
        for (name, view) in views {
            let word = self.painted(colour(view.disposition), &format!("{:<16}", view.word));
            self.line(&format!("  {name:<9}{word} {}", view.then))?;
        }
        self.out.flush()
    }

    pub(super) fn judged(&mut self, as_expected: bool) -> io::Result<()> {
        if !as_expected {
            let text = self.painted(colour(Disposition::Bounce), "This is not what should have come out.");
            self.line(&format!("  {text}"))?;
        }
        Ok(())
    }

    pub(super) fn closing(&mut self, all_expected: bool) -> io::Result<()> {
        let (style, text) = match all_expected {
            true => (colour(Disposition::Ok), "Every verdict is the expected one."),
            false => (colour(Disposition::Bounce), "Not every verdict is the expected one."),
        };
        self.line("")?;
        let text = self.painted(style, text);
        self.line(&format!("{text} Nothing is left behind."))?;
        self.out.flush()
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn painted(&self, style: Style, text: &str) -> String {
        match self.coloured {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

fn bold() -> Style {
    Style::new().bold()
}

fn dim() -> Style {
    Style::new().dimmed()
}

fn colour(disposition: Disposition) -> Style {
    let colour = match disposition {
        Disposition::Ok => AnsiColor::Green,
        Disposition::Defer => AnsiColor::Yellow,
        Disposition::Bounce => AnsiColor::Red,
    };
    colour.on_default().bold()
}

/// `text` in lines of at most `width` characters, cut between words where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        let line = lines.last_mut().filter(|line| !line.is_empty());
        if line.is_some_and(|line| line.chars().count() + 1 + rest.len() > width) {
            lines.push(String::new());
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            append(&mut lines, &rest);
            lines.push(String::new());
            rest = tail;
        }
        append(&mut lines, &rest);
    }
    lines
}

fn append(lines: &mut [String], word: &[char]) {
    if let Some(line) = lines.last_mut() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_words_and_a_long_word_within() {
        let rows: [(&str, usize, &[&str]); 4] = [
            ("one two three", 7, &["one two", "three"]),
            ("", 7, &[""]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("a bcdefghij", 4, &["a", "bcde", "fghi", "j"]),
        ];
        for (text, width, expected) in rows {
            assert_eq!(wrapped(text, width), expected, "{text:?} in {width}");
        }
    }
}
