//! The option files as we read them against the real `my_print_defaults`.
//!
//! Without that program the test prints SKIPPED, and fails when REQUIRE_REAL=1.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test speaks and fails that way"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use galera_rs::mycnf::{Files, MyCnfError, Options};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// What the server would be started with: `Err` when it refuses. `None`: not installed.
fn oracle(file: &Path) -> Option<Result<String, ()>> {
    let argument = format!("--defaults-file={}", file.display());
    let run = assert_cmd::Command::new("my_print_defaults")
        .args([argument.as_str(), "--mysqld"])
        .timeout(std::time::Duration::from_secs(10))
        .ok();
    match run {
        Ok(output) => Some(Ok(String::from_utf8_lossy(&output.stdout).into_owned())),
        Err(error) => error.as_output().map(|_| Err(())),
    }
}

fn version() -> Option<(u16, u16)> {
    static VERSION: OnceLock<Option<(u16, u16)>> = OnceLock::new();
    *VERSION.get_or_init(ask_version)
}

fn ask_version() -> Option<(u16, u16)> {
    let output = assert_cmd::Command::new("mariadbd")
        .arg("--version")
        .ok()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split("Ver ").nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test's switch, not the agent's environment"
)]
fn installed() -> bool {
    let found = version().is_some() && oracle(Path::new("/dev/null")).is_some();
    let required = std::env::var("REQUIRE_REAL").is_ok_and(|value| value == "1");
    assert!(
        found || !required,
        "mariadbd and my_print_defaults are not installed"
    );
    if !found {
        println!("SKIPPED: mariadbd and my_print_defaults are not installed");
    }
    found
}

fn ours(file: &Path, version: Option<(u16, u16)>) -> Result<String, MyCnfError> {
    let files = Files {
        defaults_file: Some(file.to_owned()),
        root: PathBuf::from("/"),
        home: None,
        version,
    };
    let options = Options::read(&files)?;
    let line = |entry: &galera_rs::mycnf::Entry| match &entry.value {
        Some(value) => format!("--{}={value}\n", entry.name),
        None => format!("--{}\n", entry.name),
    };
    Ok(options.entries().iter().map(line).collect())
}

fn assert_agree(file: &Path, version: Option<(u16, u16)>) {
    let ours = ours(file, version);
    if let Err(MyCnfError::TooMany { .. }) = ours {
        return; // the server would read on, through thousands of files
    }
    let theirs = oracle(file).unwrap();
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{}", shown(file)),
        (Err(_), Err(())) => {}
        (_, _) => panic!("ours: {ours:?}\ntheirs: {theirs:?}\n{}", shown(file)),
    }
}

fn shown(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}

const NASTY: [&[u8]; 22] = [
    b"",
    b"[mysqld]\na=1\nb = 2 # x\nc=\"q # y\"\nd='it\\'s'\nskip-name-resolve\n f   =   hello world  \ng=\nm==3\nn=a;b\n",
    b"[mysqld] # comment\r\na=1\r\nb=\"x\"\r\n\r\n; c\r\n",
    b"[mysqld\na=1\n",
    b"a=1\n[mysqld]\n",
    b"\xef\xbb\xbf[mysqld]\na=1\n",
    b"[MYSQLD]\na\n[ mysqld]\nb\n[mysqld ]\nc\n[]\nd\n[mysqld]]\ne\n[mysqld] f=1\n",
    b"[client]\na\n[mysqld_safe]\nb\n[server]\nc\n[client-server]\nd\n[galera]\ne\n[mariadbd-10.11]\nf\n[mariadb-1.1]\ng\n[embedded]\nh\n",
    b"[mysqld]\na=voil\xc3\xa0\n\xa0b=\xff\n\x85c=1\n",
    b"[mysqld]\na=x\0y\nb\0=1\nc=2\n\0\n[\0mysqld]\n",
    b"[mysqld]\na=\"x\\\" # y\" # z\nb='it # x' # y\nc=a\\# b\nf=\"a\" \"b#c\"\ng=#\nh#x=1\n\"q#x\"=1\n",
    b"[mysqld]\nn=\\\no=x\\\np='a\\'\nq=\"\nr=\"\"\ns=\"\" # x\nt=a\x0bb\x0c\nu = v = w\n=\n= x\nv\\ # z\nw=\"a\\\\\" # b\nx='\"'#\"\n",
    b"[mysqld]\na=\\b\\t\\n\\r\\s\\\\\\\"\\'\\q\\0\n",
    b"[mysqld]\n!include\n",
    b"[mysqld]\n!include \t\nb\n",
    b"[mysqld]\n!includedir /no/such/directory\nb\n",
    b"[mysqld]\n!include /no/such/file\nb\n",
    b"[mysqld]\n!bogus x\n!includeX y\nb\n",
    b"[mysqld]\n!include DIR/d/one.cnf",
    b"[mysqld]\n! include   DIR/d/one.cnf  \na\n!includedir DIR/d\nb\n",
    b"[mysqld]\na\n!include DIR/main.cnf\nb\n",
    b"!includedir DIR/d\n[server]\n!include DIR/d/.hidden.cnf\na\n",
];

/// A directory with the file, where DIR stands for that directory, and a directory of files to include.
fn world(main: &[u8], one: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir_all(root.join("d/sub.cnf")).unwrap();
    fs::write(root.join("d/one.cnf"), filled(one, root)).unwrap();
    for name in ["10", "9", "Z", "a", ".hidden", "a.b", ""] {
        let text = format!("[mysqld]\nfrom-{name}=1\n");
        fs::write(root.join(format!("d/{name}.cnf")), text).unwrap();
    }
    fs::write(root.join("d/x.ini"), "[mysqld]\nini\n").unwrap();
    fs::write(root.join("d/x.CNF"), "[mysqld]\nupper\n").unwrap();
    let file = root.join("main.cnf");
    fs::write(&file, filled(main, root)).unwrap();
    (directory, file)
}

fn filled(text: &[u8], root: &Path) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.split(|&byte| byte == b'D').collect();
    let mut out = parts[0].to_vec();
    for part in &parts[1..] {
        match part.strip_prefix(b"IR") {
            Some(rest) => out.extend([root.as_os_str().as_encoded_bytes(), rest].concat()),
            None => out.extend([b"D", *part].concat()),
        }
    }
    out
}

#[test]
fn nasty_files_mean_to_us_what_they_mean_to_the_server() {
    if !installed() {
        return;
    }
    let version = version();
    for text in NASTY {
        let (_directory, file) = world(text, b"[mysqld]\none=1\n[bad\ntwo=2\n");
        assert_agree(&file, version);
    }
}

#[test]
fn very_long_lines_break_where_the_server_breaks_them() {
    if !installed() {
        return;
    }
    for length in [4088, 4091, 4092, 4093, 8190, 20_000] {
        let long = "x".repeat(length);
        let text = format!("[mysqld]\na={long}\n#{long}\nb=1\n");
        let (_directory, file) = world(text.as_bytes(), b"");
        assert_agree(&file, version());
    }
}

#[test]
fn a_named_file_that_is_missing_is_an_error_for_both() {
    let file = Path::new("/no/such/file.cnf");
    assert!(matches!(
        ours(file, None),
        Err(MyCnfError::Unreadable { .. })
    ));
    if installed() {
        assert_eq!(oracle(file), Some(Err(())));
    }
}

/// Two processes a case: few by default, `PROPTEST_CASES` for more.
#[allow(
    clippy::disallowed_methods,
    reason = "a test's switch, not the agent's environment"
)]
fn cases() -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// Pieces that meet in real files and in accidents.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "a",
        "b-c",
        "=",
        " = ",
        "\"",
        "'",
        "\\",
        "\\s",
        "#",
        ";",
        " ",
        "\t",
        "\r",
        "\n",
        "[",
        "]",
        "!",
        "value",
        "\n[mysqld]\n",
        "\n[client]\n",
        "\n!include DIR/d/one.cnf\n",
        "\n!includedir DIR/d\n",
        "\nx=",
        "\n\"",
        "mysqld",
        "\u{e0}",
        "\0",
    ]);
    prop_oneof![
        30 => known.prop_map(|text: &str| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

/// The server copies memory beyond the name when an indented line starts with `=`: no meaning to agree on.
fn nameless(text: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b' ' | 0x09..=0x0d | 0xa0);
    let lines = text.split(|&byte| byte == b'\n');
    lines
        .filter(|line| line.first().is_some_and(blank))
        .any(|line| line.iter().find(|&byte| !blank(byte)) == Some(&b'='))
}

/// The same cases in every run; others with `PROPTEST_RNG_SEED=$RANDOM`.
fn seed() -> RngSeed {
    match ProptestConfig::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        given => given,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: seed(), ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn random_files_mean_to_us_what_they_mean_to_the_server(
        grouped: bool, main in text(), one in text(),
    ) {
        if nameless(&main) || nameless(&one) {
            return Ok(());
        }
        let start: &[u8] = if grouped { b"[mysqld]\n" } else { b"" };
        let (_directory, file) = world(&[start, &main].concat(), &[start, &one].concat());
        if installed() {
            assert_agree(&file, version());
        } else {
            let _ = ours(&file, None);
        }
    }
}
