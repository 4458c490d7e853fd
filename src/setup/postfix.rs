//! Postfix: the transport, the policy service and the look-up tables of `contrib/postfix`, in `master.cf` and `main.cf`.
//!
//! Postfix's own `postconf` says what is in force; the pieces are put in as text, because `postconf -e` and `-M` would
//! drop their comments, and could not give back the octets of before.

use super::host::run;
use super::main_cf::{definition, only, parameters, value};
use super::plan::Plan;
use super::service::Service;
use super::{Edit, Mode, SetupError, Wish};
use std::path::Path;

const MASTER: &str = include_str!("../../contrib/postfix/master.cf");
const MAIN: &str = include_str!("../../contrib/postfix/main.cf");
const POLICY_MASTER: &str = include_str!("../../contrib/postfix/policy-master.cf");
const POLICY_MAIN: &str = include_str!("../../contrib/postfix/policy-main.cf");
const MAP_MASTER: &str = include_str!("../../contrib/postfix/map-master.cf");
const MAP_MAIN: &str = include_str!("../../contrib/postfix/map-main.cf");
const LMTP_MASTER: &str = include_str!("../../contrib/postfix/lmtp-master.cf");
const LMTP_MAIN: &str = include_str!("../../contrib/postfix/lmtp-main.cf");

/// The map of senders: `map-main.cf` has the one that needs no list.
const SENDERS: &str = "sender_dependent_default_transport_maps";

/// Lists of tables: ours goes before those that are there.
const LISTS: [&str; 2] = [SENDERS, "smtp_header_checks"];

/// Adds Postfix's part.
pub(super) fn add_to(plan: &mut Plan, wish: &Wish) -> Result<(), SetupError> {
    let postfix = Postfix { directory: wish.directory.display().to_string() };
    postfix.ask(&["-h", "mail_version"])?;
    if wish.mode == Mode::Lmtp {
        let (queue, group) = (postfix.ask(&["-h", "queue_directory"])?, postfix.ask(&["-h", "mail_owner"])?);
        Service { wish, queue: Path::new(queue.trim()), group: group.trim() }.add_to(plan)?;
    }
    let master = postfix.master(plan, wish)?;
    let main = postfix.main(plan, wish)?;
    plan.edit(master);
    plan.edit(main);
    plan.reload.extend(reload(&wish.directory));
    Ok(())
}

/// What makes this instance take notice, if it runs.
pub(super) fn reload(directory: &Path) -> Option<Vec<String>> {
    let postfix = Postfix { directory: directory.display().to_string() };
    postfix.runs().then(|| ["postfix", "-c", &postfix.directory, "reload"].map(str::to_owned).to_vec())
}

/// One instance.
struct Postfix {
    directory: String,
}

impl Postfix {
    /// Runs `postconf` on this instance.
    fn ask(&self, arguments: &[&str]) -> Result<String, SetupError> {
        run("postconf", &[&["-c", self.directory.as_str()], arguments].concat())
    }

    fn file(&self, name: &str) -> Result<Edit, SetupError> {
        Edit::of(&Path::new(&self.directory).join(name))
    }

    fn runs(&self) -> bool {
        run("postfix", &["-c", &self.directory, "status"]).is_ok()
    }

    fn master(&self, plan: &mut Plan, wish: &Wish) -> Result<Edit, SetupError> {
        let mut master = self.file("master.cf")?;
        let pieces: &[(&str, &str)] = match wish.mode {
            Mode::Pipe => &[("sendvia", MASTER), ("sendvia-policy", POLICY_MASTER), ("sendvia-map", MAP_MASTER)],
            Mode::Lmtp => &[("sendvia", LMTP_MASTER)],
        };
        for (service, piece) in pieces {
            let piece = wish.adapted(piece);
            let is_ours = master.after.contains(&piece) || same_entry(&master.after, &piece);
            if !is_ours && !self.ask(&["-M", &format!("{service}/unix")])?.trim().is_empty() {
                return Err(SetupError::Taken { path: master.path, what: format!("the service {service}") });
            }
            if !is_ours {
                master.append(&piece);
            }
        }
        self.ask_policy(&mut master, plan, wish)?;
        Ok(master)
    }

    /// Has the services for submission ask the policy service, where nothing else is asked there.
    fn ask_policy(&self, master: &mut Edit, plan: &mut Plan, wish: &Wish) -> Result<(), SetupError> {
        let wanted = match wish.mode {
            Mode::Pipe => &["smtpd_sender_restrictions"][..],
            Mode::Lmtp => &["smtpd_sender_restrictions", "smtpd_data_restrictions"],
        };
        let services = submission_services(&master.after);
        if services.is_empty() {
            plan.notes.push(
                "master.cf has no submission service that could ask the policy service: docs/guide/service.md".into(),
            );
        }
        for service in &services {
            for restrictions in wanted {
                self.ask_policy_by(master, plan, service, restrictions)?;
            }
        }
        Ok(())
    }

    fn ask_policy_by(
        &self,
        master: &mut Edit,
        plan: &mut Plan,
        service: &str,
        restrictions: &str,
    ) -> Result<(), SetupError> {
        let own = self.ask(&["-P", &format!("{service}/inet/{restrictions}")]).unwrap_or_default();
        if own.contains("$sendvia_policy") {
            return Ok(());
        }
        if !own.trim().is_empty() || !self.ask(&["-h", restrictions])?.trim().is_empty() {
            plan.notes
                .push(format!("{restrictions} of the service {service} is yours: put $sendvia_policy in front of it"));
            return Ok(());
        }
        if let Some(at) = end_of_first_line(&master.after, service) {
            let head = line_start(&master.after, at);
            let entry = master.after[head..at].trim_end().to_owned();
            master.replace(head..at, &format!("{entry}\n    -o {{ {restrictions} = $sendvia_policy }}\n"));
        }
        Ok(())
    }

    fn main(&self, plan: &mut Plan, wish: &Wish) -> Result<Edit, SetupError> {
        let mut main = self.file("main.cf")?;
        let pieces: &[String] = &match wish.mode {
            Mode::Pipe => vec![only(MAIN, |name| name != SENDERS), POLICY_MAIN.to_owned(), MAP_MAIN.to_owned()],
            Mode::Lmtp => vec![LMTP_MAIN.to_owned()],
        };
        for piece in pieces {
            put_in(&mut main, piece, plan);
        }
        Ok(main)
    }
}

/// Puts in those parameters of a piece that are not in force; a list that is there gets ours in front of it, and what is
/// set otherwise stays.
fn put_in(main: &mut Edit, piece: &str, plan: &mut Plan) {
    let mut missing = Vec::new();
    for (name, ours) in parameters(piece) {
        let Some(range) = definition(&main.after, name) else {
            missing.push(name.to_owned());
            continue;
        };
        let theirs = value(&main.after[range.clone()]).to_owned();
        if theirs == ours || LISTS.contains(&name) && theirs.contains(ours) {
            continue;
        }
        if !LISTS.contains(&name) {
            plan.notes.push(format!("{name} = {theirs} is yours; sendvia would have {ours}"));
            continue;
        }
        let separator = if theirs.is_empty() { "" } else { ", " };
        main.replace(range, &format!("{name} = {ours}{separator}{theirs}\n"));
    }
    main.append(&only(piece, |name| missing.iter().any(|one| one == name)));
}

/// Whether the entry of a piece stands in `master.cf`, with or without our comment.
fn same_entry(master: &str, piece: &str) -> bool {
    let entry: String = piece.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    master.contains(&entry)
}

/// The names of services to which customers submit.
fn submission_services(master: &str) -> Vec<String> {
    let names = master.lines().filter(|line| !line.starts_with([' ', '\t', '#'])).filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next()?, words.next()?);
        let port = name.rsplit(':').next().unwrap_or(name);
        let submits = matches!(port, "submission" | "submissions" | "smtps" | "587" | "465");
        (kind == "inet" && submits && words.last() == Some("smtpd")).then(|| name.to_owned())
    });
    names.collect()
}

fn end_of_first_line(master: &str, service: &str) -> Option<usize> {
    let mut offset = 0;
    for line in master.split_inclusive('\n') {
        offset += line.len();
        let mut words = line.split_whitespace();
        if !line.starts_with([' ', '\t', '#']) && words.next() == Some(service) && words.next() == Some("inet") {
            return Some(offset);
        }
    }
    None
}

fn line_start(text: &str, end: usize) -> usize {
    text[..end.saturating_sub(1)].rfind('\n').map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Plan {
        Plan { steps: Vec::new(), notes: Vec::new(), reload: Vec::new(), manifest: "/m".into() }
    }

    fn main_cf(text: &str) -> Edit {
        Edit { path: "/main.cf".into(), before: Some(text.into()), after: text.into(), swaps: Vec::new() }
    }

    #[test]
    fn a_list_of_tables_gets_ours_in_front_and_what_is_set_otherwise_stays() {
        let (mut plan, mut main) = (
            nothing(),
            main_cf(
                "sendvia-map_time_limit = 1h\nsender_dependent_default_transport_maps =\n  hash:/a,\n  hash:/b\nx = y\n",
            ),
        );
        put_in(&mut main, MAP_MAIN, &mut plan);
        let maps = "socketmap:unix:private/sendvia-map:transport, hash:/a,\n  hash:/b\nx = y\n";
        assert_eq!(main.after, format!("sendvia-map_time_limit = 1h\n{SENDERS} = {maps}"));
        assert_eq!(plan.notes, ["sendvia-map_time_limit = 1h is yours; sendvia would have 3600s"]);
        assert_eq!(main.taken_out_of(&main.after).ok(), main.before);
    }

    #[test]
    fn the_pieces_go_in_whole_and_once() {
        let (mut plan, mut main) = (nothing(), main_cf("x = y"));
        put_in(&mut main, POLICY_MAIN, &mut plan);
        assert_eq!(main.after, format!("x = y\n{POLICY_MAIN}"));
        let swaps = main.swaps.clone();
        put_in(&mut main, POLICY_MAIN, &mut plan);
        assert_eq!((main.swaps, plan.notes.len()), (swaps, 0));
    }

    #[test]
    fn services_for_submission_are_known_by_their_port() {
        let master = "smtp inet n - y - - smtpd\n#submission inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n  -o x=y\n127.0.0.1:465 inet n - n - - smtpd\nsubmission unix n - n - - smtpd\n";
        assert_eq!(submission_services(master), ["submission", "127.0.0.1:465"]);
    }
}
