//! What librave.a and librave.so define, export and need.

use std::collections::BTreeSet;
use std::process::Command;

use rave_tests::command::stdout_of;
use rave_tests::compiler::pkg_config;
use rave_tests::librave::Librave;
use rave_tests::lock::{self, Lock};

fn locked() -> BTreeSet<String> {
    let text = std::fs::read_to_string(lock::path()).unwrap();
    Lock::parse(&text).unwrap().functions.into_iter().collect()
}

/// The global symbols that `nm` finds with `arguments`.
fn symbols(arguments: &[&str], library: &std::path::Path) -> BTreeSet<String> {
    let text =
        stdout_of(Command::new("nm").args(["--defined-only", "--format=posix"]).args(arguments).arg(library));
    // `name type value size`; other lines name a member of the archive, or are a complaint of a linker plugin.
    let found: BTreeSet<String> = text
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|words| words.len() > 2 && words[1].len() == 1)
        .map(|words| words[0].to_string())
        .collect();
    assert!(!found.is_empty(), "nm finds symbols in {}", library.display());
    found
}

/// How the symbols begin that rave-tensorrt's C++ half and its Rust half share.
const TENSORRT_TABLES: &str = "rave_trt_api_";

/// Why a global symbol of librave.a may be there although it is no function of the header.
fn reason(symbol: &str) -> Option<&'static str> {
    let word = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if symbol.starts_with("_R") || symbol.starts_with("_ZN") {
        return Some("Rust, mangled with a hash of its crate");
    }
    if symbol.starts_with("anon.") && symbol.contains(".llvm.") {
        return Some("Rust, a constant that code generation units share");
    }
    if symbol == "__compilerrt_abort_impl" {
        return Some("compiler-rt");
    }
    if symbol == "rust_eh_personality" || symbol == "DW.ref.rust_eh_personality" {
        return Some("Rust's unwinder; equal in every static library of one toolchain");
    }
    if symbol.starts_with(TENSORRT_TABLES) {
        return Some("the function tables of rave-tensorrt's shim, hidden");
    }
    if symbol.starts_with("libpulp_v") {
        return Some("assembly of the crate pulp, named with its version");
    }
    // Arithmetic that compilers call: two underscores, small letters, a number of words or operands at the end.
    if let Some(rest) = symbol.strip_prefix("__") {
        let end = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        if word(rest) && end.len() < rest.len() && !rest.starts_with("rave") {
            return Some("compiler-rt, the same in libgcc; weak or hidden");
        }
    }
    None
}

/// RV-FFI-1205
#[test]
fn every_symbol_of_the_archive_that_is_ours_is_a_function_of_the_header() {
    let found = symbols(&["--extern-only"], &Librave::installed().archive());
    let ours: BTreeSet<String> = found
        .iter()
        .filter(|name| name.starts_with("rave_") && !name.starts_with(TENSORRT_TABLES))
        .cloned()
        .collect();
    assert_eq!(ours, locked());
    let unexplained: Vec<_> = found.difference(&ours).filter(|name| reason(name).is_none()).collect();
    assert!(
        unexplained.is_empty(),
        "librave.a defines global symbols that may clash with those of the program it is linked into: {unexplained:?}"
    );
}

/// RV-FFI-1205
#[test]
fn the_shared_library_exports_the_functions_of_the_header_and_nothing_else() {
    assert_eq!(symbols(&["--dynamic"], &Librave::installed().shared()), locked());
}

/// RV-FFI-1205
#[test]
fn the_shared_library_has_a_soname_and_needs_the_c_library_alone() {
    let text = stdout_of(Command::new("readelf").args(["-d", "-W"]).arg(Librave::installed().shared()));
    let values = |tag: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.contains(tag))
            .filter_map(|line| line.split_once('[')?.1.split_once(']').map(|(value, _)| value.to_string()))
            .collect()
    };
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    assert_eq!(values("(SONAME)"), [format!("librave.so.{major}")]);
    let allowed =
        ["libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2", "libdl.so.2", "libpthread.so.0"];
    let needed = values("(NEEDED)");
    assert!(needed.iter().any(|library| library == "libc.so.6"), "{needed:?}");
    for library in needed {
        assert!(allowed.contains(&library.as_str()), "librave.so needs {library}");
    }
    assert!(values("(RPATH)").is_empty() && values("(RUNPATH)").is_empty(), "no path of the build machine");
}

/// rustc says which libraries Rust's standard library needs; that librave needs no more is proved by the programs that
/// link it (`consumers`). gcc adds libgcc_s, libc, and on glibc the empty librt and libutil
/// by itself; libgcc_s by name would break fully static programs.
///
/// RV-SCR-1006
#[test]
fn pkg_config_names_the_libraries_that_rustc_says_rust_needs() {
    let target = tempfile::tempdir().unwrap();
    std::fs::write(target.path().join("empty.rs"), "").unwrap();
    let output = Command::new("rustc")
        .args(["--crate-type=staticlib", "--print=native-static-libs", "empty.rs"])
        .current_dir(&target)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.split_once("native-static-libs:"))
        .unwrap_or_else(|| panic!("rustc names the libraries: {text}"))
        .1;
    let flags = |text: &mut dyn Iterator<Item = &str>| -> BTreeSet<String> {
        text.filter(|flag| flag.starts_with("-l") && !["-lgcc_s", "-lc", "-lrt", "-lutil"].contains(flag))
            .map(String::from)
            .collect()
    };
    let given = pkg_config(&Librave::installed(), "rave");
    let mut given = flags(&mut given.iter().map(String::as_str));
    assert!(given.remove("-l:librave.a"), "{given:?}");
    assert_eq!(given, flags(&mut line.split_whitespace()));
}
