//! What rustdoc knows of our crates, as JSON.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rave_tests::command::succeed;
use rave_tests::root;

/// The version of the format that the pinned `public-api` reads. Rust has changed it with about every second release.
const FORMAT: u64 = 57;

/// The files with what rustdoc knows of `crates`; `None` where its format is not the one that is read here.
///
/// The format is of no stable interface yet, so that rustdoc gives it only to who asks as the compiler's own build does. Only
/// rustdoc is asked that way: cargo would build everything anew for a compiler that is.
pub(crate) fn documented(crates: &[&str]) -> Option<Vec<PathBuf>> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rustdoc");
    let rustdoc = std::env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    fs::write(&program, format!("#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec '{rustdoc}' \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["doc", "--quiet", "--locked", "--no-deps", "--lib"]).current_dir(root());
    for name in crates {
        cargo.args(["-p", name]);
    }
    cargo.env("RUSTDOC", &program).env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    succeed(&mut cargo);

    let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap();
    let doc = metadata.target_directory.as_std_path().join("doc");
    let files: Vec<PathBuf> =
        crates.iter().map(|name| doc.join(format!("{}.json", name.replace('-', "_")))).collect();
    let version = format_version(&files[0]);
    if version == FORMAT {
        return Some(files);
    }
    let found = format!("rustdoc's JSON is of version {version}, and public-api reads {FORMAT}");
    assert!(
        std::env::var_os("CI").is_none(),
        "{found}: pin the public-api for it in Cargo.toml, and its version here"
    );
    eprintln!("skipped: {found}");
    None
}

fn format_version(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["format_version"].as_u64().expect("rustdoc's JSON has a version")
}
