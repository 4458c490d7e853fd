//! Exim: the three pieces of `contrib/exim`, into Debian's `conf.d`, Debian's template, or a configuration of one file.

use super::plan::Plan;
use super::{Edit, Mode, Mta, SetupError, Wish, site};
use std::fs;
use std::path::{Path, PathBuf};

const MAIN: &str = include_str!("../../contrib/exim/main.conf");
const ROUTER: &str = include_str!("../../contrib/exim/router.conf");
const TRANSPORT: &str = include_str!("../../contrib/exim/transport.conf");

/// In Debian's template: before this piece, as `180_sendvia` comes before `200_exim4-config_primary`.
const DEBIAN_ROUTERS: &str = "### router/200_exim4-config_primary\n";

/// Where Debian's `conf.d` has the pieces.
const CONF_D: [(&str, &str); 3] = [
    ("conf.d/main/30_sendvia", MAIN),
    ("conf.d/router/180_sendvia", ROUTER),
    ("conf.d/transport/30_sendvia", TRANSPORT),
];

/// How the configuration is laid out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Debian's, in many small files.
    Split,
    /// One file: Debian's template, or what Exim reads itself.
    Single(PathBuf),
}

/// Adds Exim's part.
pub(super) fn add_to(plan: &mut Plan, wish: &Wish) -> Result<(), SetupError> {
    if wish.mode == Mode::Lmtp {
        return Err(SetupError::NoLmtpForExim);
    }
    match layout(&wish.directory)? {
        Layout::Split => split(plan, wish)?,
        Layout::Single(file) => {
            let edit = single(plan, wish, &file)?;
            plan.edit(edit);
        }
    }
    plan.reload.extend(reload(&wish.directory));
    Ok(())
}

pub(super) fn layout(directory: &Path) -> Result<Layout, SetupError> {
    let debian = fs::read_to_string(directory.join("update-exim4.conf.conf")).unwrap_or_default();
    let split = debian.lines().filter_map(|line| line.trim().strip_prefix("dc_use_split_config=")).next_back();
    // What the administrator wrote himself goes before what Debian generates.
    for name in ["exim4.conf", "exim.conf", "configure"] {
        if directory.join(name).exists() {
            return Ok(Layout::Single(directory.join(name)));
        }
    }
    let template = directory.join("exim4.conf.template");
    match split.is_some_and(|value| value.trim_matches(['\'', '"']).eq_ignore_ascii_case("true")) {
        true => Ok(Layout::Split),
        false if template.exists() => Ok(Layout::Single(template)),
        false => Err(SetupError::NoMta { path: directory.to_owned(), mta: "exim" }),
    }
}

fn split(plan: &mut Plan, wish: &Wish) -> Result<(), SetupError> {
    for (name, piece) in CONF_D {
        let (path, text) = (wish.directory.join(name), with_paths(piece, wish)?);
        let text = if name.contains("/main/") { main_piece(&text, &others(&path)) } else { text };
        let edit = Edit::new_file(&path, &text)?;
        if edit.after != text {
            return Err(SetupError::Taken { path, what: "this file".into() });
        }
        plan.edit(edit);
    }
    Ok(())
}

fn single(plan: &mut Plan, wish: &Wish, file: &Path) -> Result<Edit, SetupError> {
    let mut edit = Edit::of(file)?;
    let main = with_paths(MAIN, wish)?;
    let main = if edit.after.contains(&main) { main } else { main_piece(&main, &edit.after) };
    let place = line(&edit, "begin ")?;
    edit.insert_at(place, &main);
    let router = with_paths(ROUTER, wish)?;
    let place = match edit.after.find(DEBIAN_ROUTERS) {
        // The line of number signs above belongs to it.
        Some(at) => edit.after[..at.saturating_sub(1)].rfind('\n').map_or(at, |before| before + 1),
        None => {
            plan.notes.push("sendvia's router is the first one: move it where routers for remote domains begin".into());
            behind(&edit, "begin routers")?
        }
    };
    edit.insert_at(place, &router);
    let place = behind(&edit, "begin transports")?;
    edit.insert_at(place, &with_paths(TRANSPORT, wish)?);
    Ok(edit)
}

fn with_paths(piece: &str, wish: &Wish) -> Result<String, SetupError> {
    let accounts = site::accounts(wish)?.display().to_string();
    Ok(wish.adapted(piece).replace("/etc/sendvia/accounts.d", &accounts))
}

/// Exim takes `auto_thaw` once: one that is there is kept.
fn main_piece(piece: &str, others: &str) -> String {
    let has_one = others.lines().any(|line| line.trim_start().starts_with("auto_thaw"));
    let kept = piece.split_inclusive('\n').filter(|line| !(has_one && line.starts_with("auto_thaw")));
    kept.collect()
}

/// The text of the other files beside `path`.
fn others(path: &Path) -> String {
    let entries = path.parent().and_then(|directory| fs::read_dir(directory).ok());
    let files = entries.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|other| other != path);
    files.filter_map(|file| fs::read_to_string(file).ok()).collect()
}

fn line(edit: &Edit, start: &'static str) -> Result<usize, SetupError> {
    let mut offset = 0;
    for line in edit.after.split_inclusive('\n') {
        if line.starts_with(start) {
            return Ok(offset);
        }
        offset += line.len();
    }
    Err(SetupError::NoPlace { path: edit.path.clone(), expected: start.trim() })
}

fn behind(edit: &Edit, start: &'static str) -> Result<usize, SetupError> {
    let at = line(edit, start)?;
    Ok(edit.after[at..].find('\n').map_or(edit.after.len(), |end| at + end + 1))
}

/// What makes Exim take notice. Only the host's own Exim is told.
pub(super) fn reload(directory: &Path) -> Vec<Vec<String>> {
    if directory != Mta::Exim.directory() {
        return Vec::new();
    }
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    let mut commands = Vec::new();
    if directory.join("update-exim4.conf.conf").exists() {
        commands.push(words("update-exim4.conf"));
    }
    if Path::new("/run/exim4/exim.pid").exists() {
        commands.push(words("invoke-rc.d exim4 reload"));
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(directory: &Path) -> Wish {
        Wish {
            mta: Mta::Exim,
            mode: Mode::Pipe,
            directory: directory.to_owned(),
            user: "sendvia".into(),
            program: super::super::PROGRAM.into(),
            config: super::super::CONFIG.into(),
        }
    }

    fn nothing() -> Plan {
        Plan { steps: Vec::new(), notes: Vec::new(), reload: Vec::new(), manifest: "/m".into() }
    }

    #[test]
    fn debians_layouts_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        assert!(layout(directory.path()).is_err());
        fs::write(at("exim4.conf.template"), "").unwrap();
        fs::write(at("update-exim4.conf.conf"), "dc_use_split_config='false'\n").unwrap();
        assert_eq!(layout(directory.path()).unwrap(), Layout::Single(at("exim4.conf.template")));
        fs::write(at("update-exim4.conf.conf"), "dc_use_split_config='true'\n").unwrap();
        assert_eq!(layout(directory.path()).unwrap(), Layout::Split);
        fs::write(at("exim4.conf"), "").unwrap();
        assert_eq!(layout(directory.path()).unwrap(), Layout::Single(at("exim4.conf")));
    }

    #[test]
    fn one_file_gets_the_very_pieces_in_their_sections_and_gives_them_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("exim4.conf");
        let text = "a = b\nauto_thaw = 2h\nbegin acl\nx:\nbegin routers\nhubs:\n####\n### router/200_exim4-config_primary\n####\nbegin transports\nsmtp:\n";
        fs::write(&file, text).unwrap();
        let edit = single(&mut nothing(), &wish(directory.path()), &file).unwrap();
        let main = MAIN.replace("auto_thaw = 1h\n", "");
        let expected = text
            .replace("begin acl\n", &format!("{main}begin acl\n"))
            .replace("hubs:\n", &format!("hubs:\n{ROUTER}"))
            .replace("begin transports\n", &format!("begin transports\n{TRANSPORT}"));
        assert_eq!(edit.after, expected);
        assert_eq!(edit.taken_out_of(&edit.after).as_deref(), Ok(text));
    }
}
