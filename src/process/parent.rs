//! Whether the process that feeds us still lives.
//!
//! When an MTA's delivery process dies while we read, the kernel first gives up its memory, then closes its files (we
//! see a clean end of file), and only then tells its children. So after an end of file the first number of
//! `/proc/PPID/statm` is asked: it is 0 as soon as the memory is gone.
//!
//! A process that died before we began has left us to process 1, which looks like a parent. pipe(8) begins a session for
//! its command, and so does any daemon for what it starts, while what process 1 itself starts is of its session, or was
//! told by systemd that it is. Whoever else may adopt us, the reader of our answer is gone then: see
//! [`crate::stdio::stdout_has_reader`].

use rustix::process::{Pid, getpid, getppid};
use std::fs;
use std::io;
use std::time::Duration;

/// How long to wait before asking the process id alone, where `/proc` does not show the parent (`hidepid=`): longer
/// than a dying process takes from closing its files to giving away its children.
const WITHOUT_PROC: Duration = Duration::from_millis(200);

/// The parent, as it was when the process began.
#[derive(Clone, Copy, Debug)]
pub struct Parent {
    /// `None`: in another PID namespace, where it can't be asked.
    pid: Option<Pid>,
    /// Whether it only took us over, from one that had died.
    has_adopted_us: bool,
}

impl Parent {
    /// The parent now; to be asked for before anything is read.
    pub fn now() -> Parent {
        let pid = getppid();
        Parent { pid, has_adopted_us: pid.is_some_and(|pid| pid.is_init() && !is_started_by_init()) }
    }

    /// Whether what it wrote can be believed to be all that it meant to write.
    ///
    /// # Errors
    /// How its death was noticed.
    pub fn still_lives(&self) -> Result<(), String> {
        let Some(pid) = self.pid else { return Ok(()) };
        if self.has_adopted_us {
            return Err("the process that was sending it was gone at once".to_owned());
        }
        if getppid() != Some(pid) {
            return Err("the process that was sending it is gone".to_owned());
        }
        match fs::read(format!("/proc/{}/statm", pid.as_raw_nonzero())) {
            Ok(statm) if statm.starts_with(b"0 ") => Err("the process that was sending it is dying".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Self::without_proc(pid, &error),
        }
    }

    fn without_proc(pid: Pid, error: &io::Error) -> Result<(), String> {
        std::thread::sleep(WITHOUT_PROC);
        match getppid() == Some(pid) {
            true => Ok(()),
            false => Err(format!("the process that was sending it is gone ({error})")),
        }
    }
}

/// Whether process 1, which is our parent now, has started us too.
fn is_started_by_init() -> bool {
    // Set for the very process that systemd starts, and inherited by its children, who are others.
    let by_systemd = std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == getpid().as_raw_nonzero().to_string());
    by_systemd || session("self").is_some_and(|ours| session("1") == Some(ours))
}

/// The session of a process, the sixth field of its `stat`; the second, its name, stands in brackets.
fn session(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(3).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_parent_lives_and_another_one_is_not_it() {
        assert_eq!(Parent::now().still_lives(), Ok(()));
        let other = Parent { pid: Some(getpid()), has_adopted_us: false };
        assert!(other.still_lives().is_err());
    }

    #[test]
    fn one_that_adopted_us_is_not_the_one_that_wrote() {
        let adopter = Parent { has_adopted_us: true, ..Parent::now() };
        assert!(adopter.still_lives().is_err());
    }

    #[test]
    fn our_session_is_that_of_our_own_process_id() {
        assert!(session("self").is_some());
        assert_eq!(session("self"), session(&getpid().as_raw_nonzero().to_string()));
    }

    #[test]
    fn a_parent_outside_our_namespace_counts_as_alive() {
        assert_eq!(Parent { pid: None, has_adopted_us: false }.still_lives(), Ok(()));
    }
}
