//! seccomp: which system calls are refused.
//!
//! A list of what is refused, not of what is allowed. An allow-list has to know what the C library, its name services,
//! SQLite and the next version of each call on every kernel, and where it does not, mail stands still; systemd keeps
//! such a list for everybody, and the unit uses it (`SystemCallFilter=@system-service`). Ours is for what the service
//! never does and what a process that was taken over would do next: start a program, look into another process, mount,
//! make namespaces, load code into the kernel, or talk to the parts of it in which most holes are found. Nothing of that
//! has a use here once the sockets listen; programs that give secrets are started by a process outside the fence.
//!
//! What is refused fails with EPERM instead of ending the process: a library that tries one of these and goes on without
//! must not cost a message. clone3(2) fails with ENOSYS: its flags can't be looked at, and the C library then takes
//! clone(2), whose flags can.

/// From here on this thread and those that it begins are refused what is listed here.
///
/// # Errors
/// Why the filter is not in force.
pub(super) fn deny() -> Result<(), String> {
    arch::deny()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    pub(super) fn deny() -> Result<(), String> {
        Err(format!("none for {}", std::env::consts::ARCH))
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod arch {
    use seccompiler::SeccompCmpArgLen::{Dword, Qword};
    use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCondition as Condition, SeccompFilter, SeccompRule as Rule,
        apply_filter,
    };
    use std::collections::BTreeMap;

    type Rules = BTreeMap<i64, Vec<Rule>>;

    /// Refused whatever the arguments.
    const REFUSED: &[i64] = &[
        // Programs, and what other processes are and hold.
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_process_mrelease,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kcmp,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        // Nobody else is served: the sockets listen already.
        libc::SYS_listen,
        // Other views of the host.
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_fanotify_init,
        libc::SYS_mknodat,
        libc::SYS_quotactl,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        // The kernel itself.
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_kexec_file_load,
        // musl's libc does not name it there.
        #[cfg(target_arch = "aarch64")]
        294,
        libc::SYS_reboot,
        libc::SYS_syslog,
        libc::SYS_personality,
        libc::SYS_remap_file_pages,
        libc::SYS_vhangup,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_adjtimex,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mknod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_iopl,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_ioperm,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_modify_ldt,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_uselib,
    ];

    /// Refused unless the process is root, who gives new files of the state to its owner. Landlock does not watch over
    /// modes, owners and attributes, and a key that others may read is no secret any more.
    const REFUSED_TO_USERS: &[i64] = &[
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        /* fchmodat2 */ 452,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
    ];

    /// What a mail client connects by: files, IPv4, IPv6, and the kernel's answer to which addresses there are.
    const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

    const NAMESPACES: [libc::c_int; 7] = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];

    /// Requests that type into the terminal that a service was started from, as if a person had: TIOCSTI and TIOCLINUX.
    const TYPING: [u64; 2] = [0x5412, 0x541c];

    /// The bit that marks calls of the x32 interface, which have the same architecture to the kernel.
    #[cfg(target_arch = "x86_64")]
    const X32: i64 = 0x4000_0000;

    pub(super) fn deny() -> Result<(), String> {
        let install = || {
            let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
            apply_filter(&program(unknown, libc::ENOSYS)?)?;
            apply_filter(&program(rules()?, libc::EPERM)?)
        };
        install().map_err(|error: seccompiler::Error| error.to_string())
    }

    fn program(rules: Rules, errno: libc::c_int) -> Result<BpfProgram, BackendError> {
        let refusal = SeccompAction::Errno(errno.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, refusal, std::env::consts::ARCH.try_into()?)?.try_into()
    }

    fn rules() -> Result<Rules, BackendError> {
        let for_users = if rustix::process::geteuid().is_root() { &[] } else { REFUSED_TO_USERS };
        let mut rules: Rules = REFUSED.iter().chain(for_users).map(|call| (*call, Vec::new())).collect();
        rules.extend(by_argument()?);
        #[cfg(target_arch = "x86_64")]
        {
            // Calls that have another number there begin at 512.
            let mirrored = rules.keys().copied().chain(512..=547).map(|call| (call | X32, Vec::new()));
            rules.extend(mirrored.collect::<Rules>());
        }
        Ok(rules)
    }

    /// Refused for some arguments: any of the rules of a call, all conditions of a rule.
    fn by_argument() -> Result<Rules, BackendError> {
        let ours = u64::from(std::process::id());
        let bits = |bits: libc::c_int| u64::from(bits.cast_unsigned());
        let has = |index, length, wanted: u64| Condition::new(index, length, MaskedEq(wanted), wanted);
        let number = |value: libc::c_int| u64::from(value.cast_unsigned());
        let executable = u64::from((libc::PROT_WRITE | libc::PROT_EXEC).cast_unsigned());

        // Threads alone: what is not of our thread group is another process.
        let mut clone = vec![Rule::new(vec![Condition::new(0, Qword, MaskedEq(bits(libc::CLONE_THREAD)), 0)?])?];
        for namespace in NAMESPACES {
            clone.push(Rule::new(vec![has(0, Qword, bits(namespace))?])?);
        }
        let strange: Result<Vec<_>, _> =
            FAMILIES.iter().map(|family| Condition::new(0, Dword, Ne, number(*family))).collect();
        let not_ours = Condition::new(0, Dword, Ne, ours)?;
        let not_by_default = Condition::new(0, Dword, Ne, 0)?;
        let typing = TYPING.map(|request| Condition::new(1, Dword, Eq, request));
        let typing: Result<Vec<_>, _> = typing.into_iter().map(|condition| Rule::new(vec![condition?])).collect();
        let writable_code = || Ok::<_, BackendError>(vec![Rule::new(vec![has(2, Dword, executable)?])?]);
        Ok(BTreeMap::from([
            (libc::SYS_clone, clone),
            (libc::SYS_socket, vec![Rule::new(strange?)?]),
            (libc::SYS_tgkill, vec![Rule::new(vec![not_ours.clone()])?]),
            (libc::SYS_prlimit64, vec![Rule::new(vec![not_ours, not_by_default])?]),
            (libc::SYS_ioctl, typing?),
            (libc::SYS_mmap, writable_code()?),
            (libc::SYS_mprotect, writable_code()?),
            (libc::SYS_pkey_mprotect, writable_code()?),
        ]))
    }
}
