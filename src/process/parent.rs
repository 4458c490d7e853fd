//! Whether the process that feeds us still lives.
//!
//! When an MTA's delivery process dies while we read, the kernel first gives up its memory, then closes its files (we
//! see a clean end of file), and only then tells its children. So after an end of file the first number of
//! `/proc/PPID/statm` is asked: it is 0 as soon as the memory is gone.

use rustix::process::{Pid, getppid};
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
}

impl Parent {
    /// The parent now; to be asked for before anything is read.
    pub fn now() -> Parent {
        Parent { pid: getppid() }
    }

    /// Whether what it wrote can be believed to be all that it meant to write.
    ///
    /// # Errors
    /// How its death was noticed.
    pub fn still_lives(&self) -> Result<(), String> {
        let Some(pid) = self.pid else { return Ok(()) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_parent_lives_and_another_one_is_not_it() {
        assert_eq!(Parent::now().still_lives(), Ok(()));
        let other = Parent { pid: Some(rustix::process::getpid()) };
        assert!(other.still_lives().is_err());
    }

    #[test]
    fn a_parent_outside_our_namespace_counts_as_alive() {
        assert_eq!(Parent { pid: None }.still_lives(), Ok(()));
    }
}
