//! Directories that cannot be written, and disks that are full.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rave_core::Status;
use rave_engine::Mode;
use rave_engine::engine_cache::{EngineCache, Origin};

use crate::common::{
    as_other_process, assert_error, assert_passes, get, get_kept, is_root, key, names, open, open_heard,
    options, other_process, skip,
};

/// What a disk has no room for.
static LARGE: [u8; 1 << 20] = [7; 1 << 20];

/// A shell's command that runs the rest of its line where mounts are its own.
fn with_own_mounts(command: &Command) -> Command {
    let mut own = Command::new("unshare");
    own.arg("--mount").arg(command.get_program()).args(command.get_args());
    own.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    own
}

/// Whether this process may mount file systems, in a namespace of its own.
fn can_mount() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "mount", "-t", "tmpfs", "none"]).arg(dir.path());
    let can = is_root() && probe.output().is_ok_and(|output| output.status.success());
    if !can {
        skip("mounting file systems is not allowed here");
    }
    can
}

/// A cache in `dir` where nothing of a megabyte can be written, and what is small can.
fn uses_engines_that_do_not_fit(dir: &Path) {
    let (hardened, said) = open_heard(dir, Mode::Hardened);
    for model in [0, 1] {
        let (engine, origin) = get(&hardened, &key(model), &LARGE).unwrap();
        assert_eq!((engine == LARGE, origin), (true, Origin::BuiltNotKept));
        assert_eq!(names(dir), [""; 0], "nothing partial is left");
    }
    let warnings = said.warnings();
    let [warning] = &warnings[..] else { panic!("one warning, not {warnings:?}") };
    assert!(warning.contains(dir.to_str().unwrap()), "{warning}");

    let strict = open(dir, Mode::Strict);
    let error = get(&strict, &key(0), &LARGE).unwrap_err();
    assert_error(&error, Status::Io, &[dir.to_str().unwrap(), &key(0).hex(), "make room"]);
    assert_error(&strict.set_timings(&key(0).platform, &LARGE).unwrap_err(), Status::Io, &["make room"]);
    assert_eq!(names(dir), [""; 0]);

    assert_eq!(get(&strict, &key(0), b"small").unwrap().1, Origin::Built);
    assert_eq!(get_kept(&strict, &key(0)).unwrap().0, b"small");
}

/// RV-ENG-1408
#[test]
fn a_full_disk_does_not_keep_an_engine_from_being_used() {
    const THIS: &str = "storage::a_full_disk_does_not_keep_an_engine_from_being_used";
    if let Some(dir) = as_other_process() {
        return uses_engines_that_do_not_fit(&dir);
    }
    if can_mount() {
        let dir = tempfile::tempdir().unwrap();
        let mount = r#"mount -t tmpfs -o size=64k,mode=0700 none "$1""#;
        assert_passes(&mut with_own_mounts(&other_process(THIS, dir.path(), mount)));
    }
}

/// RV-ENG-1408
#[test]
fn a_limit_of_file_sizes_does_not_keep_an_engine_from_being_used() {
    const THIS: &str = "storage::a_limit_of_file_sizes_does_not_keep_an_engine_from_being_used";
    if let Some(dir) = as_other_process() {
        return uses_engines_that_do_not_fit(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    // Ignored, the signal leaves write to fail, as a quota has it.
    assert_passes(&mut other_process(THIS, dir.path(), "trap '' XFSZ && ulimit -f 64"));
}

/// A cache in `dir` that has the engine of key 0 and cannot be written.
fn reads_and_does_without_writing(dir: &Path) {
    let before = names(dir);
    let (hardened, said) = open_heard(dir, Mode::Hardened);
    assert_eq!(get_kept(&hardened, &key(0)).unwrap(), (b"engine".into(), Origin::Cache));
    assert!(said.warnings().is_empty());
    for model in [1, 2] {
        assert_eq!(get(&hardened, &key(model), b"new").unwrap(), (b"new".into(), Origin::BuiltNotKept));
    }
    assert_eq!(said.warnings().len(), 1, "{:?}", said.warnings());

    let strict = open(dir, Mode::Strict);
    assert_eq!(get_kept(&strict, &key(0)).unwrap().1, Origin::Cache);
    // It is told before minutes are spent on building.
    let error = get_kept(&strict, &key(1)).unwrap_err();
    assert_error(&error, Status::Io, &[dir.to_str().unwrap(), "use another directory"]);
    assert_error(&strict.clear().unwrap_err(), Status::Io, &[dir.to_str().unwrap()]);
    assert_eq!(names(dir), before);
}

/// RV-ENG-1408
#[test]
fn a_directory_that_is_read_only_is_read() {
    const THIS: &str = "storage::a_directory_that_is_read_only_is_read";
    if let Some(dir) = as_other_process() {
        return reads_and_does_without_writing(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    get(&open(dir.path(), Mode::Strict), &key(0), b"engine").unwrap();
    if !is_root() {
        // To root, every directory can be written.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
        reads_and_does_without_writing(dir.path());
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    if can_mount() {
        let mount = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#;
        assert_passes(&mut with_own_mounts(&other_process(THIS, dir.path(), mount)));
    }
}

/// RV-ENG-1408
#[test]
fn a_directory_that_cannot_be_made_keeps_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let blocked = parent.path().join("file");
    std::fs::write(&blocked, b"").unwrap();
    for dir in [blocked.clone(), blocked.join("below")] {
        let error = EngineCache::open(options(&dir, Mode::Strict)).unwrap_err();
        assert_error(&error, Status::Io, &[dir.to_str().unwrap()]);
        let (cache, said) = open_heard(&dir, Mode::Hardened);
        assert_eq!(get(&cache, &key(0), b"engine").unwrap(), (b"engine".into(), Origin::BuiltNotKept));
        assert_eq!(said.warnings().len(), 1, "{:?}", said.warnings());
    }
}
