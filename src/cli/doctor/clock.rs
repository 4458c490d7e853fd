//! The host's clock: certificates, tokens and pauses go by it.

use super::finding::Findings;
use crate::setup::run_tool;
use crate::state::{Clock, Moment};

/// This program was not there before: 2026-01-01.
const EARLIEST: Moment = Moment(1_767_225_600);

/// Looks whether the time can be right, and whether anything keeps it so.
pub(super) fn look(findings: &mut Findings) {
    let now = Clock::System.now();
    let mend = "timedatectl set-ntp true";
    if now < EARLIEST {
        let why = "no server's certificate is valid yet, so nothing is sent";
        findings.error("clock", format!("the clock says {now}"), why, mend.to_owned());
        return;
    }
    // Where systemd does not run, nobody can be asked.
    let synchronised = run_tool("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    if synchronised.is_ok_and(|told| told.trim() == "no") {
        let why = "tokens end, pauses are over and certificates are valid by it";
        findings.warning("clock", "nothing keeps the clock right".to_owned(), why, mend.to_owned());
    }
}
