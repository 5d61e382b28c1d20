//! What is kept of a device rather than of a model.

use rave_engine::Mode;
use rave_engine::engine_cache::{EntryKind, Platform};

use crate::common::{get_kept, key, names, open, open_heard, platform};

/// RV-ENG-1411
#[test]
fn timings_are_one_per_platform_and_the_latest_count() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    assert_eq!(cache.timings(&platform()), None);
    cache.set_timings(&platform(), b"first").unwrap();
    cache.set_timings(&platform(), b"second").unwrap();
    let other = Platform { gpu_name: Some("another GPU".into()), ..platform() };
    cache.set_timings(&other, b"other").unwrap();

    let cache = open(dir.path(), Mode::Strict);
    assert_eq!(cache.timings(&platform()).unwrap(), b"second");
    assert_eq!(cache.timings(&other).unwrap(), b"other");
    let entries = cache.verify().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.kind == EntryKind::Timings && entry.problem.is_none()));
}

/// RV-ENG-1411
#[test]
fn damaged_timings_are_dropped_with_a_message_in_both_modes() {
    for mode in [Mode::Strict, Mode::Hardened] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), mode).set_timings(&platform(), b"timings").unwrap();
        let path = dir.path().join(&names(dir.path())[0]);
        let whole = std::fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x10;
            let (cache, said) = open_heard(dir.path(), mode);
            std::fs::write(&path, &bytes).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(cache.timings(&platform()), None, "byte {position}");
            assert_eq!(said.warnings().len(), 1, "{:?}", said.warnings());
            assert_eq!(names(dir.path()), [""; 0]);
        }
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_eq!(open(dir.path(), mode).timings(&platform()), None);
        assert_eq!(names(dir.path()), [""; 0]);
    }
}

/// RV-ENG-1402
#[test]
fn timings_never_pass_for_an_engine() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    cache.set_timings(&platform(), b"timings").unwrap();
    let planted = dir.path().join(format!("{}.engine", key(0).hex()));
    std::fs::rename(dir.path().join(&names(dir.path())[0]), planted).unwrap();
    get_kept(&cache, &key(0)).unwrap_err();
}
