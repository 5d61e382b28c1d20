//! include/rave.h is what cbindgen makes of rave-ffi, and changes only together with its version.

use std::path::Path;

use rave_tests::lock::{self, Lock};
use rave_tests::{header, root};
use sha2::{Digest, Sha256};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The header as it follows from the sources.
fn generated() -> String {
    let config = cbindgen::Config::from_file(root().join("rave-ffi/cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_config(config).with_src(root().join("rave-ffi/src/lib.rs"));
    let mut text = Vec::new();
    bindings.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = header::functions(text).into_iter().map(|f| f.name).collect();
    names.sort();
    names
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// With RAVE_BLESS=1 the header and its lock are written; then, as always, they are checked.
///
/// RV-FFI-1201
#[test]
fn the_header_is_generated_and_locked() {
    let made = generated();
    let (header_path, lock_path) = (root().join("include/rave.h"), lock::path());
    if std::env::var_os("RAVE_BLESS").is_some_and(|value| value == "1") {
        assert!(std::env::var_os("CI").is_none(), "CI checks the lock and never writes it");
        let before = match lock_path.is_file() {
            true => Lock::parse(&read(&lock_path)).unwrap(),
            false => Lock::default(),
        };
        let after = before.bless(VERSION, &sha256(&made), &names(&made)).unwrap();
        std::fs::write(&header_path, &made).unwrap();
        std::fs::write(&lock_path, after.to_text()).unwrap();
    }
    let committed = read(&header_path);
    if let Some((number, (have, want))) =
        committed.lines().zip(made.lines()).enumerate().find(|(_, (have, want))| have != want)
    {
        panic!(
            "include/rave.h, line {}, is\n    {have}\nand rave-ffi makes it\n    {want}\nrun scripts/bless.sh header",
            number + 1
        );
    }
    assert!(
        committed == made,
        "include/rave.h is shorter or longer than rave-ffi makes it: run scripts/bless.sh header"
    );
    let lock = Lock::parse(&read(&lock_path)).unwrap();
    let changes = read(&root().join("include/CHANGES.md"));
    let found = lock.contradictions(VERSION, &sha256(&committed), &names(&committed), &changes);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_version_is_the_same_everywhere() {
    let text = header::text();
    let [major, minor, patch] =
        ["MAJOR", "MINOR", "PATCH"].map(|part| header::constant(&text, &format!("RAVE_VERSION_{part}")));
    assert_eq!(format!("{major}.{minor}.{patch}"), VERSION, "rave-ffi/cbindgen.toml and Cargo.toml");
    assert!(minor < 100 && patch < 100, "RAVE_VERSION_NUMBER has two digits for each");
}
