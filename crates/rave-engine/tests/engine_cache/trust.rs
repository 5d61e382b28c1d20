//! What other users could have had a hand in.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rave_core::{Error, Status};
use rave_engine::Mode;
use rave_engine::engine_cache::EngineCache;

use crate::common::{
    as_other_process, assert_error, assert_passes, file, get, get_kept, is_root, key, names, open, options,
    other_process, skip,
};

const NOBODY: u32 = 65534;
const MODES: [Mode; 2] = [Mode::Strict, Mode::Hardened];

fn open_error(dir: &Path, mode: Mode) -> Error {
    EngineCache::open(options(dir, mode)).unwrap_err()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// RV-ENG-1405
#[test]
fn directory_and_entries_are_their_owners_alone_whatever_the_umask() {
    const THIS: &str = "trust::directory_and_entries_are_their_owners_alone_whatever_the_umask";
    if let Some(dir) = as_other_process() {
        let cache = EngineCache::open(options(&dir, Mode::Strict)).unwrap();
        get(&cache, &key(0), b"engine").unwrap();
        assert_eq!(mode_of(&dir), 0o700);
        assert_eq!(mode_of(&file(&dir, &key(0))), 0o600);
        get_kept(&cache, &key(0)).unwrap();
        return;
    }
    for umask in ["000", "022", "027", "077"] {
        let parent = tempfile::tempdir().unwrap();
        assert_passes(&mut other_process(THIS, &parent.path().join("cache"), &format!("umask {umask}")));
    }
}

/// RV-ENG-1405
#[test]
fn a_directory_that_is_a_symbolic_link_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (real, link) = (parent.path().join("real"), parent.path().join("link"));
    drop(open(&real, Mode::Strict));
    symlink(&real, &link).unwrap();
    for mode in MODES {
        for spelled in [link.clone(), link.join(""), link.join(".")] {
            assert_error(&open_error(&spelled, mode), Status::Untrusted, &["link is a symbolic link"]);
        }
    }
    let dangling = parent.path().join("dangling");
    symlink(parent.path().join("elsewhere"), &dangling).unwrap();
    assert_error(&open_error(&dangling, Mode::Strict), Status::Untrusted, &["dangling is a symbolic link"]);
    assert!(!parent.path().join("elsewhere").exists());
    // The way there may be one: it is the user's own.
    let through = parent.path().join("way");
    symlink(parent.path(), &through).unwrap();
    open(&through.join("real"), Mode::Strict);
}

/// RV-ENG-1405
#[test]
fn a_directory_that_others_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (bits, named) in [(0o777, "0777"), (0o770, "0770"), (0o702, "0702"), (0o1777, "1777")] {
        set_mode(dir.path(), bits);
        for mode in MODES {
            let error = open_error(dir.path(), mode);
            let parts = [dir.path().to_str().unwrap(), named, "belongs to user", "chmod go-w"];
            assert_error(&error, Status::Untrusted, &parts);
        }
    }
    set_mode(dir.path(), 0o755);
    open(dir.path(), Mode::Strict);
}

/// RV-ENG-1405
#[test]
fn an_entry_that_is_a_link_a_pipe_or_writable_by_others_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    get(&open(dir.path(), Mode::Strict), &key(0), b"engine").unwrap();
    let path = file(dir.path(), &key(0));
    let kept = dir.path().join("kept");
    std::fs::rename(&path, &kept).unwrap();
    let refused = |named: &str| {
        for mode in MODES {
            let error = get_kept(&open(dir.path(), mode), &key(0)).unwrap_err();
            assert_error(&error, Status::Untrusted, &[path.to_str().unwrap(), named]);
            assert_eq!(names(dir.path()).len(), 2, "nothing is put aside, and no lock left");
        }
    };
    symlink("kept", &path).unwrap();
    refused("is a symbolic link");
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("no regular file");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused("no regular file");
    std::fs::remove_dir(&path).unwrap();
    std::fs::copy(&kept, &path).unwrap();
    set_mode(&path, 0o620);
    refused("mode 0620");
    set_mode(&path, 0o600);
    get_kept(&open(dir.path(), Mode::Strict), &key(0)).unwrap();
}

/// RV-ENG-1405
#[test]
fn what_belongs_to_another_user_is_refused() {
    if !is_root() {
        return skip("only root can give files to another user");
    }
    let dir = tempfile::tempdir().unwrap();
    get(&open(dir.path(), Mode::Strict), &key(0), b"engine").unwrap();
    let path = file(dir.path(), &key(0));
    chown(&path, Some(NOBODY), None).unwrap();
    for mode in MODES {
        let error = get_kept(&open(dir.path(), mode), &key(0)).unwrap_err();
        let parts = [path.to_str().unwrap(), "mode 0600", "belongs to user 65534", "belongs to user 0"];
        assert_error(&error, Status::Untrusted, &parts);
    }
    chown(dir.path(), Some(NOBODY), None).unwrap();
    for mode in MODES {
        let parts = [dir.path().to_str().unwrap(), "belongs to user 65534", "a directory of your own"];
        assert_error(&open_error(dir.path(), mode), Status::Untrusted, &parts);
    }
}
