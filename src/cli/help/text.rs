//! The reference's Markdown as text for a terminal: headings, tables, lists, blocks and paragraphs, 80 columns wide.

/// As wide as a terminal at least is.
const WIDTH: usize = 80;

/// What a table says of its first cell stands below it.
const INDENT: usize = 6;

/// The parts of a page, each from its heading of the second level on.
pub(super) fn sections(page: &str) -> Vec<&str> {
    let starts: Vec<usize> = page.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    let ends = starts.iter().skip(1).copied().chain([page.len()]);
    starts.iter().zip(ends).map(|(start, end)| page[*start..end].trim_end()).collect()
}

/// The rows of a section's table that are about the command called `name` or one below it, with what the section says of
/// all of them; nothing where there are none.
pub(super) fn rows_of(section: &str, name: &str) -> Option<String> {
    let is_about = |line: &&str| {
        let first = line.trim_start_matches("| ").split(" | ").next().unwrap_or_default();
        let commands = first.split('`').skip(1).step_by(2);
        let mut named = commands.map(|command| command.split([' ', '[']).collect::<Vec<_>>().join(" "));
        line.starts_with('|') && named.any(|command| command == name || command.starts_with(&format!("{name} ")))
    };
    let heading = section.lines().filter(|line| line.starts_with("| command |")).take(1);
    let rows: Vec<&str> = section.lines().filter(is_about).collect();
    if rows.is_empty() {
        return None;
    }
    let behind = section.rsplit_once("|\n").map_or("", |(_, behind)| behind);
    let shown: Vec<&str> = heading.chain(rows).collect();
    Some(plain(&format!("{}\n{behind}", shown.join("\n"))))
}

/// The whole of `markdown`.
pub(super) fn plain(markdown: &str) -> String {
    let mut page = Page::default();
    markdown.lines().for_each(|line| page.take(line));
    page.end_paragraph();
    page.lines.join("\n").trim_matches('\n').to_owned()
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    paragraph: String,
    /// The titles of a table's columns.
    titles: Vec<String>,
    in_block: bool,
}

impl Page {
    fn take(&mut self, line: &str) {
        if line.starts_with("```") {
            self.end_paragraph();
            self.in_block = !self.in_block;
        } else if self.in_block || line.starts_with("    ") {
            self.end_paragraph();
            self.lines.push(if self.in_block { format!("    {line}") } else { line.to_owned() });
        } else if line.starts_with('#') {
            self.end_paragraph();
            self.lines.push(inline(line.trim_start_matches('#').trim()).to_uppercase());
        } else if let Some(row) = line.strip_prefix('|') {
            self.end_paragraph();
            self.row(row);
        } else if line.trim().is_empty() {
            self.end_paragraph();
            self.titles.clear();
            self.lines.push(String::new());
        } else {
            if line.starts_with("- ") {
                self.end_paragraph();
            }
            self.paragraph.push_str(line.trim());
            self.paragraph.push(' ');
        }
    }

    fn row(&mut self, row: &str) {
        let row = row.trim().trim_end_matches('|').replace("\\|", "\u{1}");
        let cells: Vec<String> = row.split('|').map(|cell| inline(&cell.trim().replace('\u{1}', "|"))).collect();
        if self.titles.is_empty() {
            self.titles = cells;
            return;
        }
        if cells.iter().all(|cell| cell.chars().all(|letter| matches!(letter, '-' | ':'))) {
            return;
        }
        let mut cells = cells.into_iter().enumerate();
        let first = cells.next().map(|(_, cell)| cell).unwrap_or_default();
        self.lines.extend(wrapped(&first, 2));
        for (index, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            let title = self.titles.get(index).filter(|title| index > 1 && !title.is_empty());
            let cell = title.map_or(cell.clone(), |title| format!("{title}: {cell}"));
            self.lines.extend(wrapped(&cell, INDENT));
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        self.lines.extend(wrapped(&inline(paragraph.trim()), 0));
    }
}

/// Without marks: of a link its text stays.
fn inline(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        plain.push_str(before);
        match behind.split_once("](").and_then(|(shown, target)| Some((shown, target.split_once(')')?.1))) {
            Some((shown, after)) if !shown.contains('[') => {
                plain.push_str(shown);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = behind;
            }
        }
    }
    plain.push_str(rest);
    plain.replace("**", "").replace('`', "")
}

fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{:indent$}{line}", ""));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(format!("{:indent$}{line}", ""));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        let rows = [
            ("`a` and **b**", "a and b"),
            ("see [there](x.md#y), then", "see there, then"),
            ("`relay [--user LOGIN] [--] X`", "relay [--user LOGIN] [--] X"),
            ("[--a] or [b](c)", "[--a] or b"),
        ];
        for (markdown, expected) in rows {
            assert_eq!(inline(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn a_row_is_its_first_cell_and_what_is_said_of_it() {
        let table = "| command | what | exit status |\n|---|---|---|\n| `check` | looks | 0; 78 |\n";
        assert_eq!(plain(table), "  check\n      looks\n      exit status: 0; 78");
    }

    #[test]
    fn a_command_has_its_own_rows_and_those_below_it() {
        let section = "## X\n\n| command | what |\n|---|---|\n| `account add A`, `account put` | one |\n| `account` | two |\n| `accounts` | three |\n\nOf all.";
        assert_eq!(
            rows_of(section, "account add").as_deref(),
            Some("  account add A, account put\n      one\n\nOf all.")
        );
        let all = rows_of(section, "account").unwrap();
        assert!(all.contains("one") && all.contains("two") && !all.contains("three"), "{all}");
        assert_eq!(rows_of(section, "key"), None);
    }
}
