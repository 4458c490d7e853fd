//! Shows what would be written, asks, and writes it.

use super::super::account::change::{Site, existing};
use super::super::account::draft::DraftSecret;
use super::super::failure::Failure;
use super::super::progress::Progress;
use super::super::{ask, output};
use super::{Common, Harvest, Row};
use crate::account::{AccountError, Existing};
use crate::verdict::ExitStatus;
use std::collections::HashSet;
use std::fmt::Display;

/// More rows than a person reads are counted, not shown.
const SHOWN: usize = 40;

/// How many accounts are written at once: the disk promises to keep them all together.
const AT_ONCE: usize = 500;

/// Shows the plan for `harvest`, and carries it out if that is wished.
pub(super) fn carry_out(site: &Site, common: &Common, mut harvest: Harvest) -> Result<ExitStatus, Failure> {
    set_apart(site, common, &mut harvest)?;
    show(common, &harvest);
    let mut left = harvest.left;
    if harvest.rows.is_empty() {
        output::say("nothing to write");
        return Ok(ended(&left));
    }
    let question = format!("Write {} accounts to {}?", harvest.rows.len(), site.config.accounts);
    if !common.yes && !ask::agree(&question, "--yes")? {
        return Ok(ExitStatus::No);
    }
    let shown = left.len();
    let written = write(site, common, &harvest.rows, &mut left)?;
    left[shown..].iter().for_each(|line| output::fail(format_args!("not written: {line}"), None));
    output::say(format_args!("{written} accounts written to {}", site.config.accounts));
    if common.users.is_empty() && harvest.rows.iter().any(|row| row.draft.users.is_empty()) {
        output::say("nobody may use them yet: list who may under `users:`, or import with `--users LIST --force`");
    }
    if !harvest.obsolete.is_empty() {
        output::say("once the MTA sends by sendvia, these may go, and with them the passwords in clear:");
        harvest.obsolete.iter().for_each(|line| output::say(format_args!("  {line}")));
    }
    Ok(ended(&left))
}

fn ended(left: &[String]) -> ExitStatus {
    if left.is_empty() { ExitStatus::Ok } else { ExitStatus::DataError }
}

/// Takes out what stands twice, what would be overwritten, and what would be no account.
fn set_apart(site: &Site, common: &Common, harvest: &mut Harvest) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for mut row in harvest.rows.drain(..) {
        if row.draft.users.is_empty() {
            row.draft.users.clone_from(&common.users);
        }
        let address = &row.draft.address;
        let why = if !seen.insert(address.folded()) {
            Some("stands there twice; the first one counts")
        } else if !common.force && site.store.text(address).is_ok_and(|text| text.is_some()) {
            Some("there is such an account already; `--force` overwrites it")
        } else {
            None
        };
        match why {
            Some(why) => harvest.left.push(format!("{}: {address}: {why}", row.origin)),
            None => rows.push(row),
        }
    }
    harvest.rows = rows;
    Ok(())
}

fn show(common: &Common, harvest: &Harvest) {
    let rows: Vec<Vec<String>> = harvest.rows.iter().take(SHOWN).map(row).collect();
    if !rows.is_empty() {
        output::say(output::table(&["account", "submits to", "login", "secret", "users", "from"], &rows));
    }
    if harvest.rows.len() > SHOWN {
        output::say(format_args!("... and {} more", harvest.rows.len() - SHOWN));
    }
    harvest.notes.iter().for_each(|note| output::say(format_args!("note: {note}")));
    harvest.left.iter().for_each(|line| output::say(format_args!("not taken: {line}")));
    if common.force {
        output::say("accounts that are there are overwritten");
    }
}

fn row(row: &Row) -> Vec<String> {
    let draft = &row.draft;
    let aliases: Vec<String> = row.aliases.iter().map(|alias| format!(", {alias}")).collect();
    vec![
        format!("{}{}", draft.address, aliases.concat()),
        draft.place.to_string(),
        draft.login.clone(),
        match draft.secret {
            DraftSecret::Password(_) => "sealed",
            DraftSecret::Source(_) => "command",
        }
        .to_owned(),
        if draft.users.is_empty() { "nobody".to_owned() } else { draft.users.join(",") },
        row.origin.clone(),
    ]
}

/// What fails is told, and the rest goes on.
fn write(site: &Site, common: &Common, rows: &[Row], left: &mut Vec<String>) -> Result<usize, Failure> {
    let ring = site.ring_for_sealing()?;
    let existing = existing(common.force);
    let mut progress = Progress::new("writing", rows.len());
    let mut written = 0;
    for rows in rows.chunks(AT_ONCE) {
        let mut failed =
            |row: &Row, why: &dyn Display| left.push(format!("{}: {}: {why}", row.origin, row.draft.address));
        let (mut drafts, mut texts) = (Vec::new(), Vec::new());
        for row in rows {
            match row.draft.text(site, &ring, &format!("from {}", row.origin)) {
                Ok(text) => {
                    drafts.push(row);
                    texts.push((row.draft.address.clone(), text));
                }
                Err(failure) => failed(row, &failure),
            }
        }
        for (row, done) in drafts.into_iter().zip(site.store.put_all(&texts, existing)) {
            match done.and_then(|()| put_aliases(site, row, existing)) {
                Ok(()) => written += 1,
                Err(error) => failed(row, &Failure::from(error)),
            }
        }
        progress.steps(rows.len());
    }
    Ok(written)
}

fn put_aliases(site: &Site, row: &Row, existing: Existing) -> Result<(), AccountError> {
    row.aliases.iter().try_for_each(|alias| site.store.put_alias(alias, &row.draft.address, existing))
}
