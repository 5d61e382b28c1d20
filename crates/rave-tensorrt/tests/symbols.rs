//! What the shim's objects bring into librave.a and what they ask of it: a C linker must be enough.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The archives that build.rs made: one per major whose headers it found.
fn archives() -> Vec<PathBuf> {
    let built = std::fs::read_dir(env!("OUT_DIR")).unwrap();
    let mut archives: Vec<PathBuf> = built.map(|entry| entry.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|extension| extension == "a"));
    archives.sort();
    archives
}

/// The names of an archive's global symbols that `nm` lists with `option`.
fn symbols(archive: &Path, option: &str) -> Vec<String> {
    let output = Command::new("nm").args(["-g", "-P", option]).arg(archive).output().expect("nm");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter(|line| !line.ends_with(':')).filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// RV-TRT-1004
#[test]
fn the_only_global_symbol_of_each_shim_is_its_table() {
    for archive in archives() {
        let major = archive.file_stem().unwrap().to_string_lossy().replace("librave_trt_", "");
        assert_eq!(symbols(&archive, "--defined-only"), [format!("rave_trt_api_{major}")]);
    }
}

/// RV-TRT-1004
#[test]
fn the_shims_need_nothing_but_the_c_library() {
    const ALLOWED: [&str; 6] =
        ["malloc", "free", "memcpy", "memset", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"];
    for archive in archives() {
        for symbol in symbols(&archive, "--undefined-only") {
            assert!(ALLOWED.contains(&symbol.as_str()), "{} needs {symbol}", archive.display());
        }
    }
}

#[test]
fn a_build_that_must_have_every_major_has_it() {
    let built = archives().len();
    if std::env::var_os("RAVE_REQUIRE_TENSORRT").is_some() {
        assert_eq!(built, 3, "run scripts/fetch-tensorrt-headers.sh and build again");
    } else if built < 3 {
        eprintln!("skipped: {built} of 3 header sets were there when this was built");
    }
}

/// RV-TRT-1004
#[test]
fn nothing_of_nvidias_and_no_cpp_library_is_linked() {
    let output =
        Command::new("readelf").arg("-d").arg(std::env::current_exe().unwrap()).output().expect("readelf");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("libc.so"), "{text}");
    for library in ["nvinfer", "tensorrt", "cuda", "stdc++"] {
        assert!(!text.contains(library), "{library}: {text}");
    }
    // The crate itself has to be in this program for that to mean anything.
    assert!(rave_tensorrt::sys::api(9).is_none());
}
