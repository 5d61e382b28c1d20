//! Entries that are not as they were written.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rave_core::Status;
use rave_engine::Mode;
use rave_engine::engine_cache::{EntryKind, Origin};

use crate::common::{assert_error, file, get, get_kept, key, names, open, open_heard};

/// An entry of somewhat more than 4 KiB in a new cache in `dir`, as it lies in its file.
fn entry(dir: &Path) -> Vec<u8> {
    let payload: Vec<u8> = (0..4096_u32).map(|index| (index * 7 + index / 256) as u8).collect();
    get(&open(dir, Mode::Strict), &key(0), &payload).unwrap();
    std::fs::read(file(dir, &key(0))).unwrap()
}

/// RV-ENG-1402
#[test]
fn every_flipped_byte_is_refused_before_the_payload_is_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let whole = entry(dir.path());
    let cache = open(dir.path(), Mode::Strict);
    let path = file(dir.path(), &key(0));
    let on_disk = File::options().write(true).open(&path).unwrap();
    for (position, byte) in (0_u64..).zip(&whole[..4096]) {
        for mask in [0x01, 0x80, 0xff] {
            on_disk.write_all_at(&[byte ^ mask], position).unwrap();
            let error = get_kept(&cache, &key(0)).unwrap_err();
            assert_error(&error, Status::ModelLoadFailed, &[path.to_str().unwrap(), "damaged", "expected"]);
        }
        on_disk.write_all_at(&[*byte], position).unwrap();
    }
    assert_eq!(get_kept(&cache, &key(0)).unwrap().1, Origin::Cache);
}

/// RV-ENG-1402
#[test]
fn every_cut_and_every_trailing_byte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = entry(dir.path());
    let cache = open(dir.path(), Mode::Strict);
    let path = file(dir.path(), &key(0));
    let on_disk = File::options().write(true).open(&path).unwrap();
    let longer = whole.len() as u64 + 1;
    for length in (0..=longer).rev().filter(|length| *length != whole.len() as u64) {
        on_disk.set_len(length).unwrap();
        let error = get_kept(&cache, &key(0)).unwrap_err();
        let length = format!("it has {length} bytes");
        assert_error(&error, Status::ModelLoadFailed, &[path.to_str().unwrap(), &length, "remove it"]);
    }
}

/// RV-ENG-1402
#[test]
fn the_entry_of_another_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    get(&cache, &key(1), b"one").unwrap();
    std::fs::rename(file(dir.path(), &key(1)), file(dir.path(), &key(2))).unwrap();
    let error = get_kept(&cache, &key(2)).unwrap_err();
    assert_error(&error, Status::ModelLoadFailed, &[&key(1).hex(), &key(2).hex()]);
    let problem = cache.list().unwrap()[0].problem.clone().unwrap();
    assert_error(&problem, Status::ModelLoadFailed, &[&key(1).hex()]);
}

/// RV-ENG-1403
#[test]
fn hardened_puts_a_damaged_entry_aside_builds_once_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let whole = entry(dir.path());
    let path = file(dir.path(), &key(0));
    let aside = path.with_extension("engine.bad");
    for damaged in [&[][..], &whole[..87], &whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        std::fs::write(&path, damaged).unwrap();
        let (cache, said) = open_heard(dir.path(), Mode::Hardened);
        assert_eq!(get(&cache, &key(0), b"anew").unwrap(), (b"anew".into(), Origin::Built));
        assert_eq!(get_kept(&cache, &key(0)).unwrap(), (b"anew".into(), Origin::Cache));
        assert_eq!(std::fs::read(&aside).unwrap(), damaged);
        let warnings = said.warnings();
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains(path.to_str().unwrap()) && warning.contains(".bad"), "{warning}");
    }
    let kinds: Vec<EntryKind> =
        open(dir.path(), Mode::Strict).list().unwrap().into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Engine, EntryKind::Quarantined]);
}

/// RV-ENG-1409
#[test]
fn verify_reads_payloads_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = entry(dir.path());
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(file(dir.path(), &key(0)), &bytes).unwrap();
    let cache = open(dir.path(), Mode::Hardened);
    assert_eq!(cache.list().unwrap()[0].problem, None);
    let verified = cache.verify().unwrap();
    assert_error(verified[0].problem.as_ref().unwrap(), Status::ModelLoadFailed, &["payload", "SHA-256"]);
    assert!(!verified[0].fields.is_empty(), "it still tells what it was");
    assert_eq!(names(dir.path()).len(), 1);
    assert_eq!(std::fs::read(file(dir.path(), &key(0))).unwrap(), bytes);
}
