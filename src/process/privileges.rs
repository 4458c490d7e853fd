//! What a process gives up for good.

use std::io;

/// From here on no program that this thread, or a thread begun by it, starts gains rights by set-uid or file capabilities:
/// not even `sudo` of a secret's command.
///
/// # Errors
/// What the system answered; none is known since Linux 3.5.
pub fn forbid_new_privileges() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gave_them_up_has_none_to_gain() {
        // In a thread of its own: it can't be taken back.
        let is_given_up = std::thread::spawn(|| {
            forbid_new_privileges().unwrap();
            rustix::thread::no_new_privs().unwrap()
        });
        assert!(is_given_up.join().unwrap());
    }
}
