//! Keeps this process's memory from being dumped or read.
//!
//! A core file would hold every secret in use. So it is switched off twice: the limit on core files, which children
//! inherit, and the process's own dumpable flag, which also closes `/proc/PID/mem` and ptrace to everybody but root.
//! The flag is lost by exec, so each program has to say it for itself.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::io;

/// Forbids core dumps of this process and, by inheritance, core files of its children; closes this process to ptrace
/// by its own user.
///
/// Called before any secret is read. It may be called again.
///
/// # Errors
/// What the system answered; on Linux neither call is known to fail for a process that lowers its own limits.
pub fn forbid_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{dumpable_behavior, getrlimit};

    #[test]
    fn afterwards_the_process_is_not_dumpable_and_its_core_limit_is_nought() {
        forbid_dumps().expect("both calls lower what is ours");
        forbid_dumps().expect("a second time");
        assert_eq!(dumpable_behavior().ok(), Some(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
