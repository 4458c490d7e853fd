//! The documentation against the program and against itself: links, blocks, options, keys. Shell blocks are run in a clean
//! root by `tests/packages/run`; here each command line in them has to be one that the program knows.

use crate::site::{Site, run};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page, its lines, and which of them stand in a fence.
struct Page {
    path: PathBuf,
    text: String,
}

/// A fenced block: its language, the words behind it, its lines.
#[derive(Debug)]
struct Block<'a> {
    language: &'a str,
    words: Vec<&'a str>,
    text: String,
    line: usize,
}

fn pages() -> Vec<Page> {
    let mut pages: Vec<PathBuf> = vec!["README.md".into(), "CHANGELOG.md".into(), "tests/README.md".into()];
    for directory in ["docs", "docs/guide", "docs/concepts", "docs/reference"] {
        let entries = fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap().file_name());
        let files = entries.map(|name| Path::new(directory).join(name));
        pages.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages.into_iter().map(|path| Page { text: fs::read_to_string(root().join(&path)).unwrap(), path }).collect()
}

impl Page {
    fn read(path: &str) -> Page {
        Page { text: fs::read_to_string(root().join(path)).unwrap(), path: path.into() }
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut is_open = false;
        for (index, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if is_open => is_open = false,
                Some(info) => {
                    let mut words = info.split(' ').filter(|word| !word.is_empty());
                    let language = words.next().unwrap_or_default();
                    let (words, text) = (words.collect(), String::new());
                    blocks.push(Block { language, words, text, line: index + 1 });
                    is_open = true;
                }
                None if is_open => {
                    let block = blocks.last_mut().unwrap();
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                None => {}
            }
        }
        assert!(!is_open, "{}: a block without an end", self.path.display());
        blocks
    }

    /// The text outside of blocks.
    fn prose(&self) -> String {
        let mut is_open = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            is_open ^= is_fence;
            !is_open && !is_fence
        });
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The anchors of its headings, as mdBook and GitHub make them.
    fn anchors(&self) -> BTreeSet<String> {
        let prose = self.prose();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The targets of `[text](target)`.
fn links(prose: &str) -> Vec<&str> {
    let rest = prose.split("](").skip(1);
    rest.filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let prose = page.prose();
        for target in links(&prose).into_iter().filter(|target| !target.starts_with("https://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match file.is_empty() {
                true => page.path.clone(),
                false => page.path.parent().unwrap().join(file),
            };
            let is_there = root().join(&path).exists();
            let has_anchor = || {
                let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
                Page { path: path.clone(), text }.anchors().contains(anchor)
            };
            if !is_there || !anchor.is_empty() && !has_anchor() {
                dead.push(format!("{}: {target}", page.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_page_stands_in_the_summary() {
    let summary = Page::read("docs/SUMMARY.md");
    let listed: BTreeSet<&str> = links(&summary.text).into_iter().collect();
    for page in pages() {
        let Ok(path) = page.path.strip_prefix("docs") else { continue };
        let path = path.display().to_string();
        assert!(path == "SUMMARY.md" || listed.contains(path.as_str()), "{path} is not in docs/SUMMARY.md");
    }
}

#[test]
fn every_block_of_a_guide_says_what_it_is() {
    for page in pages().iter().filter(|page| page.path.starts_with("docs/guide")) {
        for block in page.blocks() {
            let word = block.words.first().map(|word| word.split('=').next().unwrap());
            let is_known = match (block.language, word) {
                ("sh", None | Some("example" | "serves" | "when")) => true,
                ("yaml", Some("file" | "check" | "read")) => true,
                ("conf", Some("file" | "append" | "under" | "read")) => true,
                ("text", None | Some("file")) => true,
                (other, _) => other == "dockerfile",
            };
            assert!(is_known, "{}:{}: {} {:?}", page.path.display(), block.line, block.language, block.words);
        }
        let indented = page.prose().lines().any(|line| line.starts_with("    "));
        assert!(!indented, "{}: an indented block says nothing of itself", page.path.display());
    }
}

/// Configuration of ours is read by `sendvia check`, with the files that it names.
#[test]
fn every_configuration_of_ours_in_the_guides_is_right() {
    let mut checked = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "yaml") {
            let file = block.words.iter().find_map(|word| word.strip_prefix("file="));
            let is_account = file.is_some_and(|file| file.contains("/accounts.d/"));
            let is_ours = block.words.contains(&"check") || file.is_some_and(|file| file.contains("sendvia"));
            if is_ours {
                check(&page, block, is_account);
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "{checked}");
}

fn check(page: &Page, block: &Block<'_>, is_account: bool) {
    let site = Site::new();
    let here = format!("{}/", site.path().display());
    let text = block.text.replace("/etc/sendvia/", &here).replace("/tmp/sandbox/", &here);
    site.private_file("login.key", "0123456789abcdef0123456789abcdef\n");
    site.private_file("exim.key", "0123456789abcdef0123456789abcdef\n");
    site.private_file("anna.secret", "geheim\n");
    match is_account {
        true => site.raw_account("anna@gmx.de", text),
        false => fs::write(site.config_file(), format!("state: state\n{text}")).unwrap(),
    }
    let ended = run(&mut site.command("check"), b"");
    assert_eq!(ended.code, Some(0), "{}:{}: {ended:?}", page.path.display(), block.line);
}

/// All text below a directory of the sources.
fn sources(directory: &Path) -> String {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => format!("{} {}", path.display(), fs::read_to_string(&path).unwrap_or_default()),
    };
    entries.map(text).collect()
}

/// A promise of the page on security is kept by a test that is there.
#[test]
fn every_test_that_security_names_is_there() {
    let all = sources(&root().join("tests")) + &sources(&root().join("src"));
    let page = Page::read("docs/concepts/security.md").text;
    let table = page.split("| who | what he cannot do |").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: BTreeSet<&str> =
        table.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 3).collect();
    // Whoever claims that somebody can't do something names what tries it.
    let rows = table.lines().skip(2);
    let unproven: Vec<&str> = rows.filter(|row| !names.iter().any(|name| row.contains(&format!("`{name}`")))).collect();
    let is_there = |name: &&&str| all.contains(&format!("fn {name}()")) || all.contains(&format!("/{name}.txt"));
    let missing: Vec<&&str> = names.iter().filter(|name| !is_there(name)).collect();
    assert!(names.len() > 20, "{names:?}");
    assert!(missing.is_empty(), "{missing:?}");
    assert!(unproven.is_empty(), "{unproven:?}");
}

#[test]
fn every_shell_block_is_a_shells() {
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            let ended = run(Command::new("sh").arg("-n"), block.text.as_bytes());
            assert_eq!(ended.code, Some(0), "{}:{}: {ended:?}", page.path.display(), block.line);
        }
    }
}

/// What `sendvia COMMAND --help` lists: long options, and names of subcommands.
struct Help {
    options: BTreeSet<String>,
    commands: BTreeSet<String>,
}

fn help(command: &[&str]) -> Option<Help> {
    let ended = run(Command::new(env!("CARGO_BIN_EXE_sendvia")).args(command).arg("--help"), b"");
    if ended.code != Some(0) {
        return None;
    }
    let listed = |line: &str| line.starts_with("  ") && line.trim_start().starts_with('-');
    let options = ended.out.lines().filter(|line| listed(line)).flat_map(long_options).collect();
    let commands = ended.out.split_once("\nCommands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap());
    let names = commands.unwrap_or_default().lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    Some(Help { options, commands })
}

/// `--word` wherever it stands.
fn long_options(text: &str) -> Vec<String> {
    let ends = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '-');
    let words = text.split(ends).filter(|word| word.starts_with("--") && word.len() > 3);
    words.map(str::to_owned).collect()
}

/// The command that a line such as `sendvia account add anna@gmx.de --users anna` is, with its help.
fn named(words: &[&str]) -> (Vec<String>, Option<Help>) {
    let mut command: Vec<String> = Vec::new();
    let mut found = help(&[]);
    for word in words {
        let Some(above) = &found else { break };
        if !above.commands.contains(*word) {
            break;
        }
        command.push((*word).to_owned());
        let path: Vec<&str> = command.iter().map(String::as_str).collect();
        found = help(&path);
    }
    (command, found)
}

#[test]
fn every_command_line_in_the_pages_is_one_that_the_program_knows() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for page in pages().iter().filter(|page| !page.path.ends_with("CHANGELOG.md")) {
        let blocks = page.blocks();
        let shell = blocks.iter().filter(|block| block.language == "sh").flat_map(|block| block.text.lines());
        let prose = page.prose();
        let quoted = prose.split('`').skip(1).step_by(2);
        let lines = shell.chain(quoted).filter_map(|line| line.split_once("sendvia ").map(|(_, rest)| rest));
        for line in lines {
            let line = line.split(['|', '<', '>', '&', ';']).next().unwrap();
            let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word == "sendvia").collect();
            let is_command = words.first().is_some_and(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
            if !is_command || ["sendmail", "unix"].contains(&words[0]) || !seen.insert(line.to_owned()) {
                continue;
            }
            let (command, help) = named(&words);
            let Some(help) = help.filter(|_| !command.is_empty()) else {
                wrong.push(format!("{}: no such command: sendvia {line}", page.path.display()));
                continue;
            };
            for option in long_options(line).into_iter().filter(|option| !help.options.contains(option)) {
                wrong.push(format!("{}: sendvia {}: no option {option}", page.path.display(), command.join(" ")));
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every command, `account add` and its like as `account add`.
fn commands() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for name in help(&[]).unwrap().commands {
        let below = help(&[&name]).unwrap().commands;
        match below.is_empty() {
            true => all.push(vec![name]),
            false => all.extend(below.into_iter().map(|below| vec![name.clone(), below])),
        }
    }
    all
}

#[test]
fn every_option_of_every_command_stands_in_the_pages() {
    let everywhere: String = pages().iter().map(|page| page.text.clone()).collect();
    let documented: BTreeSet<String> = long_options(&everywhere).into_iter().collect();
    let mut missing = Vec::new();
    for command in commands() {
        let name = command.join(" ");
        let path: Vec<&str> = command.iter().map(String::as_str).collect();
        if !everywhere.contains(&format!("`{name}")) && !everywhere.contains(&format!("sendvia {name}")) {
            missing.push(name.clone());
        }
        let options = help(&path).unwrap().options.into_iter();
        missing.extend(
            options
                .filter(|option| option != "--help" && !documented.contains(option))
                .map(|option| format!("{name} {option}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The words in quotes behind `prefix` in the sources below `directory`.
fn keys_read(files: &[&str]) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let code = text.split("\nmod tests").next().unwrap();
        for marker in ["optional(\"", "required(\"", "optional(\n        \"", "required(\n        \""] {
            let found = code.split(marker).skip(1).filter_map(|rest| rest.split('"').next());
            keys.extend(found.map(str::to_owned));
        }
    }
    keys
}

#[test]
fn every_key_that_is_read_stands_in_the_reference() {
    let rows: [(&[&str], &str); 1] = [(
        &[
            "src/config/read.rs",
            "src/config/read/service.rs",
            "src/config/read/routes.rs",
            "src/config/read/providers.rs",
        ],
        "docs/reference/config.md",
    )];
    for (files, page) in rows {
        let files: Vec<&str> = files.iter().copied().filter(|file| root().join(file).exists()).collect();
        let keys = keys_read(&files);
        let text = Page::read(page).text;
        let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        let missing: Vec<&String> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
        assert!(keys.len() > 15, "{keys:?}");
        assert!(missing.is_empty(), "{page}: {missing:?}");
    }
}

#[test]
fn the_time_limits_of_the_reference_are_the_programs() {
    let page = Page::read("docs/reference/config.md").text;
    let limits = sendvia::submission::Timeouts::default();
    let rows = [
        ("connect", limits.connect),
        ("greeting", limits.greeting),
        ("ehlo", limits.ehlo),
        ("tls", limits.tls),
        ("auth", limits.auth),
        ("mail", limits.mail),
        ("rcpt", limits.rcpt),
        ("data", limits.data),
        ("block", limits.block),
        ("final_reply", limits.final_reply),
    ];
    for (key, limit) in rows {
        let row = format!("| `{key}` | `{}s` |", limit.as_secs());
        assert!(page.contains(&row), "{row}");
    }
    let [here, lmtp] = [sendvia::process::DEADLINE, sendvia::mta::lmtp::DEADLINE].map(|limit| limit.as_secs() / 60);
    let row = format!("| `deadline` | `{here}m`; `{lmtp}m` by LMTP");
    assert!(page.contains(&row), "{row}");
}

/// The other way round: what stands in the first column is read.
#[test]
fn every_key_of_the_reference_is_read() {
    let page = Page::read("docs/reference/config.md");
    let table = page.text.split("| key | default | meaning |").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let mut unknown = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let key = row.trim_start_matches("| `").split([':', '`']).next().unwrap();
        let site = Site::new();
        fs::write(site.config_file(), format!("{key}: [[[]]]\n")).unwrap();
        let ended = run(&mut site.command("check"), b"");
        if ended.out.contains("unknown key") {
            unknown.push(key.to_owned());
        }
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}
