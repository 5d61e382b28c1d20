//! Sidecars of golden data.

use std::path::{Path, PathBuf};

use rave_conformance::durability::{repair, scrub};
use rave_core::Status;
use tempfile::TempDir;

use crate::refused;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder");
}

/// A file, of which the seeds are sidecars, with a damaged byte.
fn damaged() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..200u32).map(|at| (at * at / 7) as u8).collect();
    bytes[70] ^= 4;
    bytes
}

// RV-FUZZ-1002
fn check(file: &Path) {
    let before = damaged();
    std::fs::write(file, &before).expect("the disk has room");
    let classes = [Status::Untrusted];
    match scrub(file) {
        Err(error) => refused(&error, &classes, "golden.fec"),
        Ok(health) => assert!(!health.to_string().is_empty()),
    }
    match repair(file) {
        Err(error) => {
            refused(&error, &classes, "golden");
            assert_eq!(std::fs::read(file).expect("it is there"), before, "a refusal changes nothing");
        }
        Ok(changed) => {
            let health = scrub(file).expect("it was read just now");
            assert!(health.whole && health.length.is_none(), "{health}");
            assert_eq!(changed, std::fs::read(file).expect("it is there") != before);
        }
    }
}

pub(crate) fn run(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let file: PathBuf = folder.path().join("golden");
        std::fs::write(folder.path().join("golden.fec"), bytes).expect("the disk has room");
        check(&file);
    });
}
