//! What the child gives up before it opens anything: memory, time, files, the network, other processes.
//! Limits of resources hold on every Unix; the rest where the kernel has it (Landlock from Linux 5.13,
//! seccomp). What holds is tried out once at the start of a server.

use std::io;
use std::path::Path;

use super::Bounds;

/// Files that the child may open beside those that it was started with.
#[cfg(unix)]
const FILES: u64 = 64;

/// Limits this process for good. `input` may be read, and `folder` written.
///
/// # Errors
/// A limit that the system refuses. A kernel without Landlock or seccomp is none.
pub fn confine(bounds: &Bounds, parent: u32, input: Option<&Path>, folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    resources(bounds)?;
    #[cfg(target_os = "linux")]
    {
        linux::die_with(parent)?;
        linux::files(input, folder);
        linux::calls();
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (parent, input, folder);
    Ok(())
}

#[cfg(unix)]
fn resources(bounds: &Bounds) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // What the program itself has mapped does not count.
    let mapped = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = mapped.and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    let memory = bounds.memory.saturating_add(pages * rustix::param::page_size() as u64);
    let numbers = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let highest = numbers.filter_map(|fd| fd.file_name().to_str()?.parse::<u64>().ok()).max().unwrap_or(192);
    let limits = [
        (Resource::Core, 0),
        (Resource::As, memory),
        (Resource::Cpu, bounds.seconds + 1),
        (Resource::Fsize, bounds.file),
        (Resource::Nofile, highest + FILES),
    ];
    for (resource, most) in limits {
        // Of time, the signal that says so comes at the first number, and one that does not at the second.
        let maximum = if matches!(resource, Resource::Cpu) { most + 1 } else { most };
        // Nobody may raise what the operator has limited already.
        let own = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        setrlimit(resource, Rlimit { current: Some(most.min(own)), maximum: Some(maximum.min(own)) })?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io;
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
        path_beneath_rules,
    };
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter_all_threads,
    };

    /// Data of GDAL, PROJ and iconv, and libraries; `/etc` and `/proc` are not among them.
    const SYSTEM: [&str; 6] =
        ["/usr/share", "/usr/lib", "/usr/lib64", "/usr/local/share", "/usr/local/lib", "/lib"];
    /// Variables that name folders of such data.
    const NAMED: [&str; 4] = ["PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "LD_LIBRARY_PATH"];

    /// Ends with the server, also where that is killed.
    pub fn die_with(parent: u32) -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended already.
        let now = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        if i64::from(now) == i64::from(parent) { Ok(()) } else { Err(io::Error::other("the server is gone")) }
    }

    /// Folders that are read: those of the system, those of the libraries that are loaded, and the data
    /// that lies beside them.
    fn read_places(input: Option<&Path>) -> BTreeSet<PathBuf> {
        let mut places: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        for name in NAMED {
            places.extend(std::env::var_os(name).iter().flat_map(std::env::split_paths));
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        for library in maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..]))) {
            let is_library = library.file_name().is_some_and(|n| n.to_string_lossy().contains(".so"));
            if let Some(folder) = library.parent().filter(|_| is_library) {
                places.insert(folder.to_owned());
                let data = ["proj", "gdal"].map(|name| folder.join("../share").join(name));
                places.extend(data);
            }
        }
        places.extend(input.map(Path::to_owned));
        places
    }

    /// Files are those that reading needs, and `folder`; no addresses, and no processes beside this one.
    pub fn files(input: Option<&Path>, folder: &Path) {
        let abi = ABI::V6;
        // Plain files alone: the server must not be led on by a link.
        let own = AccessFs::from_read(abi)
            | AccessFs::WriteFile
            | AccessFs::Truncate
            | AccessFs::MakeReg
            | AccessFs::RemoveFile;
        let held = || -> Result<(), RulesetError> {
            Ruleset::default()
                .handle_access(AccessFs::from_all(abi))?
                .handle_access(AccessNet::from_all(abi))?
                .scope(Scope::from_all(abi))?
                .create()?
                .add_rules(path_beneath_rules(read_places(input), AccessFs::from_read(abi)))?
                .add_rules(path_beneath_rules([folder], own))?
                .restrict_self()?;
            Ok(())
        };
        // What does not hold is found by the trial at the start of the server.
        let _ = held();
    }

    /// Refuses the calls of the system that reading a file needs none of.
    pub fn calls() {
        let filters = [(refused(), libc::EPERM), (vec![(libc::SYS_clone3, Vec::new())], libc::ENOSYS)];
        for (calls, error) in filters {
            let filter = || -> Option<BpfProgram> {
                let action = SeccompAction::Errno(error.unsigned_abs());
                let target = std::env::consts::ARCH.try_into().ok()?;
                let calls: BTreeMap<_, _> = calls.into_iter().collect();
                SeccompFilter::new(calls, SeccompAction::Allow, action, target).ok()?.try_into().ok()
            };
            if let Some(filter) = filter() {
                let _ = apply_filter_all_threads(&filter);
            }
        }
    }

    fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> Vec<SeccompRule> {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value);
        condition.and_then(|c| SeccompRule::new(vec![c])).into_iter().collect()
    }

    /// Calls by their numbers, with what must hold of their arguments.
    fn refused() -> Vec<(i64, Vec<SeccompRule>)> {
        let own = u64::from(std::process::id());
        let always = [
            // The network, and other processes.
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_accept,
            libc::SYS_accept4,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_getfd,
            libc::SYS_pidfd_send_signal,
            libc::SYS_setpriority,
            // Ways around the rules for files, and parts of the kernel that are often at fault.
            libc::SYS_open_by_handle_at,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_userfaultfd,
            libc::SYS_io_uring_setup,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_kexec_load,
            libc::SYS_reboot,
            libc::SYS_swapon,
            libc::SYS_swapoff,
        ];
        let mut calls: Vec<(i64, Vec<SeccompRule>)> = always.map(|call| (call, Vec::new())).to_vec();
        #[cfg(target_arch = "x86_64")]
        calls.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
        // Threads are made, processes are not; an abort signals this process itself; and limits are those
        // of this process.
        let thread = libc::CLONE_THREAD.unsigned_abs().into();
        calls.push((libc::SYS_clone, when(0, SeccompCmpOp::MaskedEq(thread), 0)));
        calls.push((libc::SYS_tgkill, when(0, SeccompCmpOp::Ne, own)));
        calls.push((libc::SYS_prlimit64, when(0, SeccompCmpOp::Ne, 0)));
        calls
    }
}
