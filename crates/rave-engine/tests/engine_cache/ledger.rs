//! What the cache does in hardened mode is in the ledger.

use rave_engine::engine_cache::{CacheOptions, EngineCache};
use rave_engine::{Ledger, Mode};

use crate::common::{file, get, key, open, options};

fn with_ledger(dir: &std::path::Path, mode: Mode) -> (rave_core::Result<EngineCache>, Ledger) {
    let ledger = Ledger::default();
    (EngineCache::open(CacheOptions { ledger: ledger.clone(), ..options(dir, mode) }), ledger)
}

/// RV-ENG-1403, RV-LEDGER-1003
#[test]
fn an_entry_that_is_put_aside_is_a_line_and_a_counter() {
    let dir = tempfile::tempdir().unwrap();
    get(&open(dir.path(), Mode::Strict), &key(0), b"engine").unwrap();
    std::fs::write(file(dir.path(), &key(0)), b"damaged").unwrap();

    let (strict, told) = with_ledger(dir.path(), Mode::Strict);
    get(&strict.unwrap(), &key(0), b"engine").unwrap_err();
    assert_eq!(told.counts().acts(), 0);

    let (hardened, told) = with_ledger(dir.path(), Mode::Hardened);
    get(&hardened.unwrap(), &key(0), b"engine").unwrap();
    assert_eq!((told.counts().cache_entries_put_aside, told.counts().acts()), (1, 1));
    let line = told.line(1).unwrap();
    let act =
        format!(r#"{{"cache_entry_put_aside":{{"key":"{}","status":"MODEL_LOAD_FAILED"}}}}"#, key(0).hex());
    assert!(line.contains(&act), "{line}");
}

/// RV-ENG-1408, RV-LEDGER-1003
#[test]
fn a_cache_that_is_done_without_is_a_line_and_a_counter() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, b"").unwrap();
    let (strict, told) = with_ledger(&blocked, Mode::Strict);
    assert!(strict.is_err());
    assert_eq!(told.counts().acts(), 0);

    let (hardened, told) = with_ledger(&blocked, Mode::Hardened);
    get(&hardened.unwrap(), &key(0), b"engine").unwrap();
    assert_eq!((told.counts().without_cache, told.counts().acts()), (1, 1));
    let line = told.line(1).unwrap();
    let (record, meta) = line.split_once("\"meta\":").unwrap();
    assert!(record.contains(r#"{"without_cache":{"status":"IO"}}"#), "{line}");
    let path = blocked.to_str().unwrap();
    assert!(meta.contains(path) && !record.contains(path), "a path is no part of the record: {line}");
}
