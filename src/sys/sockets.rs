//! The unix sockets on which a process listens, from the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::process::Process;

/// `__SO_ACCEPTCON`, the flag of a listening socket (include/linux/net.h).
const LISTENS: u32 = 1 << 16;

/// The paths of the sockets on which this process listens, whatever options it was started with.
pub fn listening(process: Process) -> Vec<PathBuf> {
    let files = process.open_files().into_iter();
    let own: BTreeSet<u64> = files.filter_map(|file| inode(&file.name)).collect();
    let table = fs::read_to_string(format!("/proc/{}/net/unix", process.pid)).unwrap_or_default();
    let directory = fs::read_link(format!("/proc/{}/cwd", process.pid)).unwrap_or_default();
    let mine = read(&table).filter(|(number, _)| own.contains(number));
    // A relative path is one from where the process was when it bound it: a server goes to its data first.
    mine.map(|(_, path)| directory.join(path)).collect()
}

/// `socket:[12345]`
fn inode(name: &std::path::Path) -> Option<u64> {
    let number = name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// The listening sockets with a path: `Num RefCount Protocol Flags Type St Inode Path`, proc(5). An abstract name
/// begins with `@`.
fn read(table: &str) -> impl Iterator<Item = (u64, PathBuf)> {
    table.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        let flags = u32::from_str_radix(words.nth(3)?, 16).ok()?;
        let number = words.nth(2)?.parse().ok()?;
        let path = words.next().filter(|path| !path.starts_with('@'))?;
        (flags & LISTENS != 0).then(|| (number, PathBuf::from(path)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_listening_sockets_with_a_path_are_read() {
        let table = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 18001 /run/mysqld/mysqld.sock
0000000000000000: 00000002 00000000 00010000 0001 01 18002 @abstract
0000000000000000: 00000003 00000000 00000000 0001 03 18003 /run/mysqld/mysqld.sock
0000000000000000: 00000003 00000000 00000000 0001 03 18004
";
        let found: Vec<_> = read(table).collect();
        assert_eq!(found, [(18001, PathBuf::from("/run/mysqld/mysqld.sock"))]);
    }

    #[test]
    fn the_socket_of_a_process_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let own = Process::of_pid(std::process::id()).unwrap();
        assert!(listening(own).contains(&path));
    }
}
