//! Making room, and leftovers.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rave_core::Status;
use rave_engine::Mode;
use rave_engine::engine_cache::{CacheOptions, EngineCache, Origin, Pruned};

use crate::common::{
    Said, assert_error, file, get, get_kept, key, names, open, open_heard, options, platform,
};

/// The models whose engines are in `dir`.
fn models(dir: &Path) -> Vec<u8> {
    (0..16).filter(|model| file(dir, &key(*model)).exists()).collect()
}

/// Has the engine of `model` last used `hours` ago.
fn set_age(dir: &Path, model: u8, hours: u64) {
    let used = SystemTime::now() - Duration::from_secs(3600 * hours);
    File::open(file(dir, &key(model))).unwrap().set_modified(used).unwrap();
}

/// Puts the engines of models 0 to 4 into `dir`, 0 the least recently used and hours between them, and tells the size
/// of one.
fn five_engines(dir: &Path) -> u64 {
    let cache = open(dir, Mode::Strict);
    for model in 0..5 {
        get(&cache, &key(model), &[model; 1000]).unwrap();
        set_age(dir, model, 10 - u64::from(model));
    }
    std::fs::metadata(file(dir, &key(0))).unwrap().len()
}

/// RV-ENG-1410
#[test]
fn the_least_recently_used_make_room_for_what_is_added() {
    let dir = tempfile::tempdir().unwrap();
    let one = five_engines(dir.path());
    let limited = EngineCache::open(CacheOptions { max_bytes: 4 * one, ..options(dir.path(), Mode::Strict) });
    let limited = limited.unwrap();
    get_kept(&limited, &key(0)).unwrap(); // now the most recently used
    assert_eq!(models(dir.path()), [0, 1, 2, 3, 4], "nothing goes before something comes");
    assert_eq!(get(&limited, &key(9), &[9; 1000]).unwrap().1, Origin::Built);
    assert_eq!(models(dir.path()), [0, 3, 4, 9]);
    let order: Vec<String> = limited.list().unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(order, [9, 0, 4, 3].map(|model| key(model).hex()));
}

/// RV-ENG-1410
#[test]
fn an_engine_that_is_larger_than_the_cache_is_used_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let one = five_engines(dir.path());
    let said = Said::default();
    let options = CacheOptions { max_bytes: one, log: said.log(), ..options(dir.path(), Mode::Strict) };
    let cache = EngineCache::open(options).unwrap();
    assert_eq!(get(&cache, &key(9), &[9; 1001]).unwrap(), (vec![9; 1001], Origin::BuiltNotKept));
    assert_eq!(models(dir.path()), [0, 1, 2, 3, 4]);
    assert_eq!(said.warnings().len(), 1, "{:?}", said.warnings());
}

/// RV-ENG-1410
#[test]
fn prune_takes_quarantined_entries_first_and_clear_takes_all() {
    let dir = tempfile::tempdir().unwrap();
    let one = five_engines(dir.path());
    std::fs::write(file(dir.path(), &key(4)), vec![0; one as usize]).unwrap();
    let cache = open(dir.path(), Mode::Hardened);
    get(&cache, &key(4), &[4; 1000]).unwrap();
    let foreign = ["README", "model.engine", "x.tmp"];
    foreign.iter().for_each(|name| std::fs::write(dir.path().join(name), b"").unwrap());

    assert_eq!(cache.prune(6 * one).unwrap(), Pruned::default());
    assert_eq!(cache.prune(5 * one).unwrap(), Pruned { files: 1, bytes: one });
    assert_eq!(models(dir.path()), [0, 1, 2, 3, 4], "the damaged one went");
    assert_eq!(cache.prune(3 * one + 1).unwrap(), Pruned { files: 2, bytes: 2 * one });
    assert_eq!(models(dir.path()), [2, 3, 4]);
    cache.set_timings(&platform(), b"").unwrap();
    assert_eq!(cache.clear().unwrap().files, 4);
    assert_eq!(names(dir.path()), foreign, "what is not the cache's own stays");
    assert!(cache.list().unwrap().is_empty());
}

/// RV-ENG-1406
#[test]
fn leftovers_of_dead_writers_go_and_those_of_live_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), Mode::Strict));
    let named = |model: u8, extension: &str| format!("{}.{extension}", key(model).hex());
    let left = [named(1, "tmp"), named(1, "lock"), named(2, "tmp"), named(3, "lock"), named(4, "tmp")];
    left.iter().for_each(|name| std::fs::write(dir.path().join(name), b"part").unwrap());
    std::fs::write(dir.path().join("notes.tmp"), b"somebody's").unwrap();
    let alive = File::create(dir.path().join(named(4, "lock"))).unwrap();
    alive.lock().unwrap();
    let mut stay = vec![named(4, "lock"), named(4, "tmp"), "notes.tmp".into()];
    stay.sort_unstable();
    drop(open(dir.path(), Mode::Strict));
    assert_eq!(names(dir.path()), stay);
    // Closing it is not enough where another test has just forked: the child has it, too, until it runs its program.
    alive.unlock().unwrap();
    drop(open(dir.path(), Mode::Strict));
    assert_eq!(names(dir.path()), ["notes.tmp"]);
}

/// RV-ENG-1406
#[test]
fn what_a_dead_writer_left_is_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, said) = open_heard(dir.path(), Mode::Strict);
    // Left after this cache was opened.
    std::fs::write(dir.path().join(format!("{}.tmp", key(0).hex())), [0; 9999]).unwrap();
    std::fs::write(dir.path().join(format!("{}.lock", key(0).hex())), b"").unwrap();
    assert_eq!(get(&cache, &key(0), b"engine").unwrap().1, Origin::Built);
    assert_eq!(get_kept(&cache, &key(0)).unwrap().0, b"engine");
    assert_eq!(names(dir.path()), [format!("{}.engine", key(0).hex())]);
    assert!(said.warnings().is_empty());
}

/// RV-ENG-1409
#[test]
fn a_directory_that_is_gone_is_an_error_and_no_empty_list() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("cache");
    let cache = open(&dir, Mode::Strict);
    std::fs::remove_dir(&dir).unwrap();
    std::fs::write(&dir, b"").unwrap();
    let error = EngineCache::open(options(&dir, Mode::Strict)).unwrap_err();
    assert_error(&error, Status::Io, &[dir.to_str().unwrap()]);
    let error = get_kept(&cache, &key(0)).unwrap_err();
    assert_error(&error, Status::Io, &[dir.to_str().unwrap()]);
}
