//! Files of the engine cache.

use std::path::PathBuf;

use rave_core::Status;
use rave_engine::engine_cache::{CacheOptions, EngineCache, Entry};
use tempfile::TempDir;

use crate::{refused, sha256};

thread_local! {
    static CACHE: (TempDir, EngineCache) = {
        let folder = tempfile::tempdir().expect("a folder for the cache");
        let options = CacheOptions { dir: Some(folder.path().into()), ..CacheOptions::default() };
        let cache = EngineCache::open(options).expect("a folder of one's own");
        (folder, cache)
    };
}

/// The cache's only entry when its file, named after `key`, holds `file`.
fn looked_at(key: &str, file: &[u8]) -> Entry {
    CACHE.with(|(folder, cache)| {
        let path: PathBuf = folder.path().join(format!("{key}.engine"));
        std::fs::write(&path, file).expect("the disk has room");
        let mut entries = cache.verify().expect("the folder can be read");
        std::fs::remove_file(&path).expect("it is there yet");
        assert_eq!(entries.len(), 1);
        entries.remove(0)
    })
}

/// A file of the layout that `envelope.rs` of rave-engine draws, whose lengths and hashes fit.
fn sealed(label: &[u8], payload: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut file = b"RAVE\r\n\x1a\0".to_vec();
    file.extend(1u32.to_le_bytes());
    file.extend((label.len() as u32).to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(Sha256::digest(label));
    file.extend(Sha256::digest(payload));
    file.extend([label, payload].concat());
    file
}

// RV-FUZZ-1002
pub(crate) fn run(bytes: &[u8]) {
    // The file itself. Only bytes that hold two hashes could pass, and the name would have to be the first of them.
    let entry = looked_at(&"0".repeat(64), bytes);
    let problem = entry.problem.expect("no label has this hash");
    refused(&problem, &[Status::ModelLoadFailed], &"0".repeat(64));
    assert_eq!(entry.bytes, bytes.len() as u64);

    // A label up to the first zero, and a payload, in a file that is whole.
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (label, payload) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let entry = looked_at(&sha256(label), &sealed(label, payload));
    match entry.problem {
        Some(problem) => refused(&problem, &[Status::ModelLoadFailed], &sha256(label)),
        None => {
            let lines = String::from_utf8(label.to_vec()).expect("a label is text");
            assert!(lines.starts_with("format = 1\nkind = engine\n"), "{lines}");
            assert_eq!(entry.fields.len() + 2, lines.lines().count(), "{lines}");
        }
    }
}
