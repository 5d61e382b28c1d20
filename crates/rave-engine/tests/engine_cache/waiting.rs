//! Waiting for another builder.

use std::sync::mpsc::channel;

use rave_core::{Error, Log, Status};
use rave_engine::Mode;
use rave_engine::engine_cache::{CacheOptions, EngineCache, Origin};

use crate::common::{assert_error, get, key, names, open, options};

/// RV-ENG-1407
#[test]
fn who_waits_is_told_for_what_and_gets_what_the_other_built() {
    let dir = tempfile::tempdir().unwrap();
    let (at_work, is_at_work) = channel();
    let (said_so, was_said) = channel();
    let path = dir.path();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let cache = open(path, Mode::Strict);
            let built = cache.get_or_build(&key(0), &|| false, || {
                at_work.send(()).unwrap();
                // It is not done before the other has said that it waits.
                let message: String = was_said.recv().unwrap();
                assert!(message.contains("waiting") && message.contains(&key(0).hex()), "{message}");
                Ok(b"engine".into())
            });
            assert_eq!(built.unwrap().1, Origin::Built);
        });
        is_at_work.recv().unwrap();
        let log = Log::new(move |_, message| said_so.send(message.to_owned()).unwrap());
        let cache = EngineCache::open(CacheOptions { log, ..options(dir.path(), Mode::Strict) }).unwrap();
        // Another key is not held up.
        assert_eq!(get(&cache, &key(1), b"other").unwrap().1, Origin::Built);
        let engine = cache.get_or_build(&key(0), &|| false, || panic!("the other builds it"));
        assert_eq!(engine.unwrap(), (b"engine".into(), Origin::Cache));
    });
    assert_eq!(names(dir.path()).len(), 2, "no lock is left");
}

/// RV-ENG-1407
#[test]
fn waiting_is_cancelled_and_a_failed_builder_makes_way() {
    let dir = tempfile::tempdir().unwrap();
    let (at_work, is_at_work) = channel();
    let path = dir.path();
    std::thread::scope(|scope| {
        // In here, so that a failure below stops the builder as well.
        let (stop, is_stopped) = channel::<()>();
        let builder = scope.spawn(move || {
            let cache = open(path, Mode::Strict);
            cache.get_or_build(&key(0), &|| false, || {
                at_work.send(()).unwrap();
                is_stopped.recv().unwrap();
                Err(Error::new(Status::ModelLoadFailed, "it cannot be built"))
            })
        });
        is_at_work.recv().unwrap();
        let cache = open(dir.path(), Mode::Hardened);
        let error = cache.get_or_build(&key(0), &|| true, || panic!("another builds")).unwrap_err();
        assert_error(&error, Status::Cancelled, &[&key(0).hex()]);
        stop.send(()).unwrap();
        assert_eq!(get(&cache, &key(0), b"engine").unwrap(), (b"engine".into(), Origin::Built));
        assert_error(&builder.join().unwrap().unwrap_err(), Status::ModelLoadFailed, &["cannot be built"]);
    });
}

/// RV-ENG-1407
#[test]
fn a_builder_that_panics_makes_way() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    let builds =
        std::panic::AssertUnwindSafe(|| cache.get_or_build(&key(0), &|| false, || panic!("a fault")));
    assert!(std::panic::catch_unwind(builds).is_err());
    assert_eq!(names(dir.path()), [""; 0]);
    assert_eq!(get(&cache, &key(0), b"engine").unwrap().1, Origin::Built);
}
