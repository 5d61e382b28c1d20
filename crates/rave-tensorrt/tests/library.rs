//! Finding TensorRT: the real libraries, and everything that may lie in their place.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rave_core::{Log, Result, Status};
use rave_tensorrt::{Driver, Flavour, Library, Runtime, RuntimeOptions, SearchOptions};

fn open(path: impl Into<PathBuf>) -> Result<Library> {
    Library::open(&SearchOptions { runtime_lib: Some(path.into()) })
}

/// A library of no use, made of C source.
fn compiled(folder: &Path, name: &str, source: &str) -> PathBuf {
    let (code, library) = (folder.join(format!("{name}.c")), folder.join(name));
    fs::write(&code, source).unwrap();
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &code]).status();
    assert!(status.expect("a C compiler").success());
    library
}

#[test]
fn each_real_library_tells_its_version_and_flavour() {
    for (name, version, flavour) in [
        ("libnvinfer_lean.so.10", "10.16.1", Flavour::Lean),
        ("libnvinfer_lean.so.11", "11.4.0", Flavour::Lean),
        ("libtensorrt_rtx.so.1", "1.7.1", Flavour::Rtx),
    ] {
        let Some(path) = common::fetched(name) else {
            continue;
        };
        let library = open(&path).unwrap();
        assert_eq!((library.version().to_string().as_str(), library.flavour()), (version, flavour));
        assert_eq!(library.version().major, library.headers().major);
        assert_eq!(library.name(), path);
    }
}

/// RV-TRT-1003
#[test]
fn a_major_without_a_table_is_refused_by_its_version() {
    let Some(path) = common::fetched("libnvinfer_lean.so.8") else {
        return;
    };
    let error = open(path).unwrap_err();
    assert_eq!(error.status(), Status::RuntimeLibraryMissing);
    assert!(error.to_string().contains("8.6.0, and this build of RAVE has no TensorRT 8 support"), "{error}");
}

/// RV-TRT-1002
#[test]
fn what_is_not_there_is_named_with_the_linkers_words() {
    for name in ["libnvinfer-of-nobody.so.10", "/nonexistent/libnvinfer.so.10"] {
        let error = open(name).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.to_string().to_lowercase().contains("no such file"), "{error}");
    }
}

/// RV-TRT-1002
#[test]
fn what_is_no_tensorrt_is_refused_for_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "not a library").unwrap();
    let other = compiled(folder.path(), "other.so", "int x;");
    let half = compiled(folder.path(), "half.so", "int getInferLibVersion(void) { return 101601; }");
    let old = compiled(folder.path(), "old.so", "int getInferLibVersion(void) { return -7; }");
    for (path, why) in [
        (folder.path().to_owned(), "not a regular file"),
        (text, "file too short"),
        (other, "getInferLibVersion"),
        (half, "createInferRuntime_INTERNAL"),
        (old, "its version number is -7"),
    ] {
        let error = open(&path).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// RV-TRT-1005
#[test]
fn a_fifo_in_the_librarys_place_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("libnvinfer.so.10");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert!(open(&fifo).unwrap_err().to_string().contains("not a regular file"));
}

/// RV-TRT-1002
#[test]
fn without_any_library_every_name_is_listed() {
    // The test's own program again: the search looks at a variable of the process.
    if std::env::var_os("RAVE_TEST_SEARCH").is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "without_any_library_every_name_is_listed", "--nocapture"])
            .env("RAVE_TEST_SEARCH", "1")
            .env("RAVE_TENSORRT_LIB", "libnvinfer-by-variable.so")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("libnvinfer-by-variable.so"), "{text}");
        return;
    }
    println!("{}", Library::open(&SearchOptions::default()).unwrap_err());
}

/// RV-TRT-1007
#[test]
fn without_a_driver_a_runtime_is_refused_before_tensorrt_is_asked() {
    let Some(path) = common::fetched("libnvinfer_lean.so.10") else {
        return;
    };
    let library = open(path).unwrap();
    let runtime = Runtime::new(&library, &RuntimeOptions::default(), Log::default());
    match Driver::get() {
        Ok(_) => assert!(runtime.is_ok(), "{runtime:?}"),
        Err(_) => assert_eq!(runtime.unwrap_err().status(), Status::DeviceNotFound),
    }
}
