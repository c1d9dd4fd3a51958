//! Which files and which value: on option files below a temporary `/`.

use super::*;

/// A `/` with these option files, and a home in `/root`.
fn world(files: &[(&str, &str)]) -> (tempfile::TempDir, Files) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let files = Files {
        defaults_file: None,
        home: Some(root.join("root")),
        root,
        version: Some((10, 11)),
    };
    (directory, files)
}

fn options(text: &str) -> Options {
    let (_directory, files) = world(&[("etc/my.cnf", &format!("[mysqld]\n{text}"))]);
    Options::read(&files).unwrap()
}

fn complaint(files: &[(&str, &str)]) -> String {
    let (_directory, files) = world(files);
    let options = Options::read(&files).unwrap();
    let complaints: Vec<_> = options
        .complaints()
        .iter()
        .map(ToString::to_string)
        .collect();
    complaints
        .join("\n")
        .replace(&*files.root.to_string_lossy(), "")
}

fn refusal(text: &str) -> String {
    let (_directory, files) = world(&[("etc/my.cnf", text)]);
    let refusal = Options::read(&files).unwrap_err().to_string();
    refusal.replace(&*files.root.to_string_lossy(), "")
}

#[test]
fn later_files_win_over_earlier_ones_and_none_is_needed() {
    let (_directory, files) = world(&[
        (
            "etc/my.cnf",
            "[mysqld]\nport=1\nuser=a\n!include /etc/more\n",
        ),
        ("etc/more", "[server]\nuser=b\n"),
        ("etc/mysql/my.cnf", "[mariadb-10.11]\nport=2\n"),
        (
            "root/.my.cnf",
            "[galera]\nport=3\n[client]\nport=4\n[mariadb-10.6]\nport=5\n",
        ),
    ]);
    let options = Options::read(&files).unwrap();
    assert_eq!(
        (options.get("port"), options.get("user")),
        (Some("3"), Some("b"))
    );
    assert_eq!(
        options.origin("port"),
        Some((&*files.root.join("root/.my.cnf"), 2))
    );
    let (_directory, empty) = world(&[]);
    assert_eq!(Options::read(&empty).unwrap().entries(), []);
}

#[test]
fn a_named_file_replaces_the_standard_ones() {
    let (_directory, mut files) =
        world(&[("etc/my.cnf", "[mysqld]\na=1\n"), ("x", "[mysqld]\nb=1\n")]);
    files.defaults_file = Some(files.root.join("x"));
    let options = Options::read(&files).unwrap();
    assert_eq!((options.get("a"), options.get("b")), (None, Some("1")));
    files.defaults_file = Some(files.root.join("y"));
    let missing = Options::read(&files).unwrap_err();
    assert!(matches!(missing, MyCnfError::Unreadable { .. }));
    files.defaults_file = Some("/dev/null".into());
    assert_eq!(Options::read(&files).unwrap().entries(), []);
}

#[test]
fn dashes_underscores_and_case_make_no_difference_in_names() {
    let options = options("WSREP-node_name=a\n");
    assert_eq!(options.get("wsrep_node_name"), Some("a"));
    assert_eq!(options.get("wsrep-Node-name"), Some("a"));
    assert_eq!(options.get("wsrep_node"), None);
}

/// What 10.11 makes of these, by `mariadbd --help --verbose`.
#[test]
fn the_beginning_of_a_name_is_taken_for_it_unless_it_is_a_name_of_its_own() {
    let options =
        options("datadir=/a\ndatad=/b\nloose-wsrep-cluster-addr=gcomm://c\nwsrep_provider=/p\n");
    assert_eq!(options.get("datadir"), Some("/b"));
    assert_eq!(options.get("wsrep_cluster_address"), Some("gcomm://c"));
    assert_eq!(options.get("wsrep_provider"), Some("/p"));
    assert_eq!(options.get("wsrep_provider_options"), None);
}

/// What 10.11 makes of these, by `mariadbd --help --verbose`.
#[test]
fn booleans_are_read_as_the_server_reads_them() {
    let cases = [
        ("on-off", true),
        ("on-off=1", true),
        ("on-off=tRUE", true),
        ("on-off=yes", false),
        ("on-off=2", false),
        ("on-off=", false),
        ("skip-on-off", false),
        ("skip-on-off=0", true),
        ("disable-on-off=1", false),
        ("enable-on-off", true),
        ("enable-on-off=0", false),
        ("LOOSE-skip_on_off", false),
        ("skip-loose-on-off", true),
    ];
    for (text, on) in cases {
        assert_eq!(options(text).flag("on_off"), Some(on), "{text}");
    }
    assert_eq!(options("").flag("on_off"), None);
}

#[test]
fn the_last_of_several_ways_to_say_it_wins() {
    let options = options("log-bin=x\nskip-log-bin\nskip-networking=0\nloose-port=7\n");
    assert_eq!(options.get("log_bin"), Some("0"));
    assert_eq!(options.flag("skip_networking"), Some(false));
    assert_eq!(options.flag("networking"), Some(true));
    assert_eq!(options.get("port"), Some("7"));
}

#[test]
fn a_fault_in_a_file_of_the_server_is_an_error_that_names_the_line() {
    assert_eq!(
        refusal("\n[mysqld\n"),
        "/etc/my.cnf, line 2: a group needs its closing bracket, as in [mysqld]"
    );
    assert_eq!(
        refusal("a=1"),
        "/etc/my.cnf, line 1: an option before any group; put [mysqld] above it"
    );
    assert!(refusal("\u{feff}[mysqld]\n").contains("byte order mark"));
    assert!(refusal("!includedir /nowhere\n").contains("line 1: !includedir /nowhere cannot"));
}

#[test]
fn a_fault_in_an_included_file_is_a_complaint() {
    let included = |text: &str| complaint(&[("etc/my.cnf", "!include /x\n"), ("x", text)]);
    assert_eq!(included("[mysqld]\n"), "");
    assert!(included("a=1\n").starts_with("/x, line 1: an option before"));
    assert!(complaint(&[("etc/my.cnf", "!include /y\n")]).contains("/y cannot be read"));
    assert!(complaint(&[("etc/my.cnf", "!inlude /y\n")]).contains("line 1: only !include"));
}

#[test]
fn a_file_that_includes_itself_is_named_and_ends() {
    assert_eq!(
        complaint(&[("etc/my.cnf", "!include /etc/my.cnf\n")]),
        "/etc/my.cnf, line 1: includes nest deeper than 10; does a file include itself?"
    );
    let twice = refusal(&"!include /etc/my.cnf\n".repeat(2));
    assert_eq!(
        twice,
        "/etc/my.cnf: more than 1000 option files; does a file include itself?"
    );
}

#[test]
fn a_world_writable_file_has_no_effect_and_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, mut files) = world(&[("etc/my.cnf", "[mysqld]\na=1\n")]);
    let path = files.root.join("etc/my.cnf");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let options = Options::read(&files).unwrap();
    assert_eq!(options.get("a"), None);
    assert!(matches!(
        options.complaints(),
        [MyCnfError::WorldWritable(_)]
    ));
    files.defaults_file = Some(path);
    assert!(Options::read(&files).is_err());
}
