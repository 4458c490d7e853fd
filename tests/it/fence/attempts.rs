//! What a process that was taken over would try, by the very calls, from a thread behind the library's own fence.

#![allow(unsafe_code, reason = "system calls that no safe interface offers, with arguments that would do no harm")]

use sendvia::fence::{Fence, Raised};
use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Runs `attempts` in a thread behind a fence around a directory that may be read and one that may be written.
fn behind<T: Send + 'static>(attempts: impl FnOnce(&Raised, &Path, &Path) -> T + Send + 'static) -> T {
    let (read, write) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(read.path().join("account"), "secret").unwrap();
    fs::write(write.path().join("state"), "old").unwrap();
    let fence = Fence { read: vec![read.path().to_owned()], write: vec![write.path().to_owned()], remove: Vec::new() };
    // The fence is of a thread and those that it begins, so it ends with this one.
    let ended = std::thread::spawn({
        let (read, write) = (read.path().to_owned(), write.path().to_owned());
        move || attempts(&fence.enclose(), &read, &write)
    });
    ended.join().unwrap()
}

fn is_refused<T>(result: io::Result<T>) -> bool {
    // A second name elsewhere is refused as if that were another disk.
    let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::CrossesDevices];
    result.is_err_and(|error| kinds.contains(&error.kind()))
}

#[test]
fn files_outside_are_neither_read_nor_made_nor_removed() {
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let kept = precious.clone();
    behind(move |raised, read, write| {
        if !raised.holds_files() {
            assert!(raised.to_string().starts_with("no Landlock ("), "{raised}");
            return;
        }
        let account = read.join("account");
        assert_eq!(fs::read_to_string(&account).unwrap(), "secret");
        assert_eq!(fs::read_dir(read).unwrap().count(), 1);
        fs::write(write.join("new"), "new").unwrap();
        fs::rename(write.join("new"), write.join("state")).unwrap();
        fs::remove_file(write.join("state")).unwrap();
        fs::create_dir(write.join("spool")).unwrap();
        File::open("/proc/self/status").unwrap();
        let attempts: &[(&str, bool)] = &[
            ("read", is_refused(File::open(&precious))),
            ("list", is_refused(fs::read_dir(precious.parent().unwrap()))),
            ("write", is_refused(File::options().write(true).open(&precious))),
            ("make", is_refused(File::create(precious.with_extension("new")))),
            ("make in /tmp", is_refused(File::create("/tmp/sendvia-was-here"))),
            ("remove", is_refused(fs::remove_file(&precious))),
            ("rename", is_refused(fs::rename(&precious, write.join("taken")))),
            ("link", is_refused(fs::hard_link(&precious, write.join("taken")))),
            ("follow a symlink", is_refused(std::os::unix::fs::symlink(&precious, write.join("way")))),
            ("change an account", is_refused(File::options().append(true).open(&account))),
            ("replace an account", is_refused(fs::rename(write.join("spool"), &account))),
            ("remove an account", is_refused(fs::remove_file(&account))),
            ("passwords", is_refused(File::open("/etc/shadow"))),
            ("another process", is_refused(File::open("/proc/1/environ"))),
            ("a device", is_refused(File::options().write(true).open("/dev/kmsg"))),
            ("a socket", is_refused(UnixListener::bind(write.join("socket")))),
        ];
        for (attempt, is_refused) in attempts {
            assert!(is_refused, "{attempt}");
        }
        assert_eq!(fs::read_to_string(&account).unwrap(), "secret");
    });
    assert_eq!(fs::read_to_string(kept).unwrap(), "precious");
}

/// Calls with arguments that none of them could do anything with.
const CALLS: &[(&str, i64)] = &[
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("kill", libc::SYS_kill),
    ("listen", libc::SYS_listen),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("chroot", libc::SYS_chroot),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("fsopen", libc::SYS_fsopen),
    ("move_mount", libc::SYS_move_mount),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("keyctl", libc::SYS_keyctl),
    ("add_key", libc::SYS_add_key),
    ("init_module", libc::SYS_init_module),
    ("kexec_load", libc::SYS_kexec_load),
    ("reboot", libc::SYS_reboot),
    ("personality", libc::SYS_personality),
    ("mknodat", libc::SYS_mknodat),
    #[cfg(target_arch = "x86_64")]
    ("fork", libc::SYS_fork),
    #[cfg(target_arch = "x86_64")]
    ("vfork", libc::SYS_vfork),
    #[cfg(target_arch = "x86_64")]
    ("execve of x32", 0x4000_0000 | 520),
    #[cfg(target_arch = "x86_64")]
    ("fork of x32", 0x4000_0000 | libc::SYS_fork),
];

/// The error of a call with three arguments, and zeroes behind them.
fn call(number: i64, arguments: [i64; 3]) -> Option<i32> {
    let [one, two, three] = arguments;
    let zero = 0_i64;
    // SAFETY: no argument is a pointer that the kernel could write by: each is zero, a small number, or refused before
    // anything is done with it.
    let answer = unsafe { libc::syscall(number, one, two, three, zero, zero, zero) };
    (answer < 0).then(|| io::Error::last_os_error().raw_os_error().unwrap())
}

#[test]
fn no_call_that_leads_out_of_the_process_is_answered() {
    behind(|raised, _, _| {
        assert!(raised.holds_calls(), "{raised}");
        for (name, number) in CALLS {
            assert_eq!(call(*number, [0, 0, 0]), Some(libc::EPERM), "{name}");
        }
        assert_eq!(call(libc::SYS_clone3, [0, 0, 0]), Some(libc::ENOSYS));
        assert!(is_refused(std::process::Command::new("/bin/true").status()));
    });
}

#[test]
fn calls_are_refused_by_what_they_are_asked_for() {
    behind(|_, _, _| {
        let ours = i64::from(std::process::id());
        let namespaces = i64::from(libc::CLONE_NEWUSER | libc::CLONE_THREAD);
        let pages = |protection: i32| [0, 4096, i64::from(protection)];
        let rows = [
            ("another process", libc::SYS_clone, [i64::from(libc::SIGCHLD), 0, 0], Some(libc::EPERM)),
            ("a namespace", libc::SYS_clone, [namespaces, 0, 0], Some(libc::EPERM)),
            ("packets", libc::SYS_socket, [i64::from(libc::AF_PACKET), 3, 0], Some(libc::EPERM)),
            ("the kernel's ciphers", libc::SYS_socket, [i64::from(libc::AF_ALG), 5, 0], Some(libc::EPERM)),
            ("IPv4", libc::SYS_socket, [i64::from(libc::AF_INET), 1, 0], None),
            ("addresses", libc::SYS_socket, [i64::from(libc::AF_NETLINK), 3, 0], None),
            ("a signal to itself", libc::SYS_tgkill, [ours, -1, 0], Some(libc::EINVAL)),
            ("a signal to another", libc::SYS_tgkill, [1, 1, 0], Some(libc::EPERM)),
            ("limits of another", libc::SYS_prlimit64, [1, 7, 0], Some(libc::EPERM)),
            ("its own limits", libc::SYS_prlimit64, [0, 7, 0], None),
            ("typing", libc::SYS_ioctl, [0, 0x5412, 0], Some(libc::EPERM)),
            ("code that is written", libc::SYS_mprotect, pages(libc::PROT_WRITE | libc::PROT_EXEC), Some(libc::EPERM)),
        ];
        for (name, number, arguments, expected) in rows {
            assert_eq!(call(number, arguments), expected, "{name}");
        }
        assert!(std::thread::spawn(|| true).join().unwrap(), "threads are no processes");
    });
}

#[test]
fn no_port_is_taken_and_every_server_can_be_reached() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    behind(move |_, _, _| {
        TcpStream::connect(address).unwrap();
        assert!(is_refused(TcpListener::bind("127.0.0.1:0")), "listen(2)");
    });
}

#[test]
fn modes_and_owners_stay_as_they_are_unless_root_asks() {
    if rustix::process::geteuid().is_root() {
        // Root gives new files of the state to its owner, so it may.
        return behind(|_, _, write| change_mode(&write.join("state")).unwrap());
    }
    assert!(behind(|_, read, _| is_refused(change_mode(&read.join("account")))));
}

fn change_mode(file: &PathBuf) -> io::Result<()> {
    let mut permissions = fs::metadata(file)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(file, permissions)
}
