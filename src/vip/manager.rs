//! Who manages a device, as far as that program says so in `/run`: the first suspect when an address is gone. The kernel
//! does not keep who removed one.

use std::fs;
use std::path::Path;

use crate::sys::net::Device;

/// The root of the machine.
const ROOT: &str = "/";

/// A sentence on who manages the device; empty where nobody says that they do.
pub fn of(device: &Device) -> String {
    match manager(Path::new(ROOT), device.index) {
        Some(program) => format!("; {program} manages {}", device.name),
        None => String::new(),
    }
}

/// The program that manages the device of this number.
fn manager(root: &Path, index: u32) -> Option<&'static str> {
    let says = |file: String, words: &[&str]| {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        text.lines().any(|line| words.contains(&line.trim()))
    };
    // sd_network_link_get_setup_state (systemd, src/libsystemd/sd-network): one that is left alone is "unmanaged".
    let networkd = [
        "configuring",
        "configured",
        "pending",
        "initialized",
        "failed",
    ];
    let networkd = networkd.map(|state| format!("ADMIN_STATE={state}"));
    let networkd = networkd.each_ref().map(String::as_str);
    if says(format!("run/systemd/netif/links/{index}"), &networkd) {
        Some("systemd-networkd")
    } else if says(
        format!("run/NetworkManager/devices/{index}"),
        &["managed=true"],
    ) {
        Some("NetworkManager")
    } else if root.join("run/wicked").is_dir() {
        Some("wicked")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_manages_the_device_is_named() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let who = |index| manager(root.path(), index);
        assert_eq!(who(2), None);
        write(
            "run/systemd/netif/links/2",
            "# private\nADMIN_STATE=configured\nOPER_STATE=routable\n",
        );
        write("run/systemd/netif/links/3", "ADMIN_STATE=unmanaged\n");
        write("run/NetworkManager/devices/3", "[device]\nmanaged=true\n");
        write("run/NetworkManager/devices/4", "[device]\nmanaged=false\n");
        assert_eq!(who(2), Some("systemd-networkd"));
        assert_eq!(who(3), Some("NetworkManager"));
        assert_eq!(who(4), None);
        fs::create_dir(root.path().join("run/wicked")).unwrap();
        assert_eq!(who(4), Some("wicked"));
    }
}
