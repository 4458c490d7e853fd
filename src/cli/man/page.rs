//! A manual page from a page of the reference: headings, tables, lists, blocks and paragraphs of Markdown as roff. It
//! knows what the reference uses and no more, so that man pages and reference can't tell different things.

/// The page `NAME(SECTION)` of `markdown`; `about` is its one line.
pub(super) fn page(name: &str, section: u8, about: &str, markdown: &str) -> String {
    let mut page = Page::default();
    page.line(&format!(".TH {name} {section} \"\" sendvia"));
    page.line(".SH NAME");
    page.line(&format!("{} \\- {}", text(name), text(about)));
    page.line(".SH DESCRIPTION");
    for line in markdown.lines().filter(|line| !line.starts_with("# ")) {
        page.take(line);
    }
    page.roff
}

#[derive(Default)]
struct Page {
    roff: String,
    in_block: bool,
    in_paragraph: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.roff.push_str(line);
        self.roff.push('\n');
    }

    fn take(&mut self, line: &str) {
        if line.starts_with("```") {
            self.in_block = !self.in_block;
            self.line(if self.in_block { ".PP\n.RS 4\n.nf" } else { ".fi\n.RE" });
            self.in_paragraph = false;
        } else if self.in_block {
            self.line(&text(line));
        } else if let Some(heading) = line.strip_prefix("## ") {
            self.start(&format!(".SH {}", text(&heading.to_uppercase())));
        } else if let Some(heading) = line.strip_prefix("### ") {
            self.start(&format!(".SS {}", inline(heading)));
        } else if let Some(row) = line.strip_prefix("| ") {
            self.row(row);
        } else {
            self.prose(line);
        }
    }

    fn start(&mut self, request: &str) {
        self.line(request);
        self.in_paragraph = false;
    }

    /// A row of a table: what it is about, then the rest. Headings and rules of tables say nothing in a list.
    fn row(&mut self, row: &str) {
        let row = row.trim_end().trim_end_matches('|').replace("\\|", "\u{1}");
        let mut cells = row.split(" | ").map(|cell| cell.trim().replace('\u{1}', "|"));
        let first = cells.next().unwrap_or_default();
        if matches!(first.as_str(), "key" | "option" | "field" | "word" | "status") {
            return;
        }
        let rest: Vec<String> = cells.filter(|cell| !cell.is_empty()).map(|cell| inline(&cell)).collect();
        self.start(&format!(".TP\n{}\n{}", inline(&first), rest.join(". ")));
    }

    fn prose(&mut self, line: &str) {
        let item = line.trim_start().strip_prefix("- ");
        let numbered = line.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok());
        match (item, numbered) {
            _ if line.trim().is_empty() || line.starts_with("|--") => self.in_paragraph = false,
            (Some(item), _) => self.start(&format!(".IP \\(bu 2\n{}", inline(item))),
            (_, Some((number, item))) => self.start(&format!(".IP {number}. 3\n{}", inline(item))),
            _ => {
                if !self.in_paragraph && !self.roff.ends_with(".SH DESCRIPTION\n") {
                    self.line(".PP");
                }
                self.in_paragraph = true;
                self.line(&inline(line));
            }
        }
    }
}

/// Code in bold, links by their text.
fn inline(markdown: &str) -> String {
    let parts = markdown.split('`').enumerate();
    let roff: String = parts
        .map(|(index, part)| match index % 2 {
            1 => format!("\\fB{}\\fR", escaped(part)),
            _ => escaped(&unlinked(part)).replace("**", "").replace('*', ""),
        })
        .collect();
    guarded(roff)
}

fn unlinked(markdown: &str) -> String {
    let mut plain = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        let parts = link.split_once("](").and_then(|(title, tail)| Some((title, tail.split_once(')')?.1)));
        let Some((title, after)) = parts else {
            plain.push_str(&rest[..=before.len()]);
            rest = link;
            continue;
        };
        plain.push_str(before);
        plain.push_str(title);
        rest = after;
    }
    plain + rest
}

fn text(plain: &str) -> String {
    guarded(escaped(plain))
}

fn escaped(plain: &str) -> String {
    plain.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// A line that begins with a dot would be a request.
fn guarded(roff: String) -> String {
    if roff.starts_with('.') { format!("\\&{roff}") } else { roff }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_the_reference_has_its_request() {
        let rows = [
            ("## Keys", ".SH KEYS\n"),
            ("### routes", ".SS routes\n"),
            ("| `state` | `a\\|b` | the [place](x.md) |", ".TP\n\\fBstate\\fR\n\\fBa|b\\fR. the place\n"),
            ("| key | default | meaning |", ""),
            ("|---|---|---|", ""),
            ("1. `--config FILE`", ".IP 1. 3\n\\fB\\-\\-config FILE\\fR\n"),
            ("- one", ".IP \\(bu 2\none\n"),
            ("```yaml\n.a: [b](c)\n```", ".PP\n.RS 4\n.nf\n\\&.a: [b](c)\n.fi\n.RE\n"),
            ("plain\n[links] stay", ".PP\nplain\n[links] stay\n"),
        ];
        for (markdown, expected) in rows {
            let mut page = Page::default();
            markdown.lines().for_each(|line| page.take(line));
            assert_eq!(page.roff, expected, "{markdown}");
        }
    }
}
