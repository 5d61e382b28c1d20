//! What an entry is the entry of.

use std::collections::BTreeMap;

use rave_engine::Mode;
use rave_engine::engine_cache::{EngineCache, EngineKey, EntryKind, Origin, Platform, ShapeRange};

use crate::common::{file, get, get_kept, key, names, open};

/// A key, and keys that differ from it in one field each, with the name of the line that tells them apart.
fn differing() -> (EngineKey, Vec<(&'static str, EngineKey)>) {
    let base = key(0);
    // Without `..`: a field that is added and has no row below does not compile, or is unused.
    let EngineKey { model_sha256, build, shapes, platform } = base.clone();
    let Platform {
        tensorrt_flavour,
        tensorrt_version,
        cuda_version,
        driver_version,
        compute_capabilities,
        gpu_name,
    } = platform;
    let ShapeRange { min, best, max } = shapes["input"].clone();

    let with = |change: &dyn Fn(&mut EngineKey)| {
        let mut key = base.clone();
        change(&mut key);
        key
    };
    let on = |change: &dyn Fn(&mut Platform)| with(&|key| change(&mut key.platform));
    let shaped = |change: &dyn Fn(&mut ShapeRange)| with(&|key| change(key.shapes.get_mut("input").unwrap()));
    let other = |text: &str| format!("{text}1");
    let larger = |shape: &[u64]| shape.iter().map(|size| size + 1).collect::<Vec<_>>();
    let flag = |name: &str, value: &str| {
        with(&|key| key.build = build.clone().into_iter().chain([(name.into(), value.into())]).collect())
    };

    let rows = vec![
        ("model_sha256", with(&|key| key.model_sha256 = model_sha256.map(|byte| !byte))),
        ("build.level", flag("level", "4")),
        ("build.precision", flag("precision", "fp32")),
        ("build.workspace", flag("workspace", "0")),
        ("build.", with(&|key| key.build = BTreeMap::new())),
        ("shape.input", shaped(&|range| range.min = larger(&min))),
        ("shape.input", shaped(&|range| range.best = larger(&best))),
        ("shape.input", shaped(&|range| range.max = larger(&max))),
        ("shape.input", shaped(&|range| range.min = vec![])),
        ("shape.", with(&|key| key.shapes = BTreeMap::from([("x".into(), shapes["input"].clone())]))),
        ("tensorrt_flavour", on(&|platform| platform.tensorrt_flavour = other(&tensorrt_flavour))),
        ("tensorrt_version", on(&|platform| platform.tensorrt_version = other(&tensorrt_version))),
        ("cuda_version", on(&|platform| platform.cuda_version = other(&cuda_version))),
        ("driver_version", on(&|platform| platform.driver_version = driver_version.as_deref().map(other))),
        ("driver_version", on(&|platform| platform.driver_version = None)),
        (
            "compute_capabilities",
            on(&|platform| platform.compute_capabilities = [&compute_capabilities[..], &[(12, 0)]].concat()),
        ),
        ("compute_capabilities", on(&|platform| platform.compute_capabilities = vec![])),
        ("gpu_name", on(&|platform| platform.gpu_name = gpu_name.as_deref().map(other))),
        ("gpu_name", on(&|platform| platform.gpu_name = None)),
        ("gpu_name", on(&|platform| platform.gpu_name = Some(String::new()))),
    ];
    (base, rows)
}

/// RV-ENG-1401
#[test]
fn a_key_differs_when_any_of_its_fields_does() {
    let (base, rows) = differing();
    for (index, (field, other)) in rows.iter().enumerate() {
        assert_ne!(other.hex(), base.hex(), "{field}");
        assert!(rows[..index].iter().all(|(_, earlier)| earlier.hex() != other.hex()), "{field}");
        let (ours, theirs) = (base.text(), other.text());
        let in_one_only =
            |line: &&str| ours.lines().any(|l| l == *line) != theirs.lines().any(|l| l == *line);
        let changed: Vec<&str> = ours.lines().chain(theirs.lines()).filter(in_one_only).collect();
        assert!(!changed.is_empty() && changed.iter().all(|line| line.starts_with(field)), "{changed:?}");
    }
}

/// RV-ENG-1401
#[test]
fn the_text_of_a_key_is_as_it_was_in_every_version_of_format_1() {
    // Where this changes, engines of users are built again: raise FORMAT and say so in the changelog.
    assert_eq!(
        key(0).text(),
        "format = 1\n\
         kind = engine\n\
         model_sha256 = 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d\n\
         build.level = 3\n\
         build.precision = fp16\n\
         shape.input = 1x3x64x64 1x3x720x1280 1x3x2160x3840\n\
         tensorrt_flavour = TensorRT-RTX\n\
         tensorrt_version = 1.7.0.11\n\
         cuda_version = 13.0\n\
         driver_version = 580.95.05\n\
         compute_capabilities = 9.0\n\
         gpu_name = NVIDIA H200\n"
    );
}

/// RV-ENG-1401
#[test]
fn an_engine_is_built_once_and_given_to_its_own_key_only() {
    let dir = tempfile::tempdir().unwrap();
    let (base, rows) = differing();
    assert_eq!(
        get(&open(dir.path(), Mode::Strict), &base, b"base").unwrap(),
        (b"base".into(), Origin::Built)
    );
    for (index, (_, other)) in rows.iter().enumerate() {
        let payload = vec![index as u8; index];
        let cache = open(dir.path(), Mode::Strict);
        assert_eq!(get(&cache, other, &payload).unwrap(), (payload, Origin::Built));
    }
    // As another process finds them.
    let cache = open(dir.path(), Mode::Strict);
    assert_eq!(get_kept(&cache, &base).unwrap(), (b"base".into(), Origin::Cache));
    for (index, (_, other)) in rows.iter().enumerate() {
        assert_eq!(get_kept(&cache, other).unwrap(), (vec![index as u8; index], Origin::Cache));
    }
}

/// RV-ENG-1409
#[test]
fn entries_tell_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    let mut key = key(0);
    key.platform.gpu_name = Some("GPU = \u{fc}\n100 %".into());
    get(&cache, &key, &[7; 1000]).unwrap();
    for entries in [cache.list().unwrap(), cache.verify().unwrap()] {
        let [entry] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.kind, &entry.key, &entry.problem), (EntryKind::Engine, &key.hex(), &None));
        assert_eq!(entry.bytes, std::fs::metadata(file(dir.path(), &key)).unwrap().len());
        let field = |name: &str| entry.fields.iter().find(|(n, _)| n == name).map(|(_, value)| &value[..]);
        assert_eq!(field("tensorrt_version"), Some("1.7.0.11"));
        assert_eq!(field("gpu_name"), key.platform.gpu_name.as_deref());
    }
}

/// RV-ENG-1406
#[test]
fn a_build_that_fails_is_passed_on_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path(), Mode::Strict);
    let failure = rave_core::Error::new(rave_core::Status::Cancelled, "the build was cancelled");
    let error = cache.get_or_build(&key(0), &|| false, || Err(failure.clone())).unwrap_err();
    assert_eq!(error, failure);
    assert_eq!(names(dir.path()), [""; 0]);
    assert_eq!(get(&cache, &key(0), b"later").unwrap().1, Origin::Built);
}

/// RV-ENG-1410
#[test]
fn a_disabled_cache_builds_every_time() {
    let cache = EngineCache::disabled();
    for payload in [b"1", b"2"] {
        assert_eq!(get(&cache, &key(0), payload).unwrap(), (payload.to_vec(), Origin::BuiltNotKept));
    }
    assert!(cache.path().is_none() && cache.list().unwrap().is_empty());
}
