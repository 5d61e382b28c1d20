//! Programs in C and C++ build with librave, statically and dynamically, and upscale pictures exactly.

use std::path::{Path, PathBuf};
use std::process::Command;

use rave_tests::command::{installed, succeed};
use rave_tests::compiler::{Compiler, Linkage, Program, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::librave::Librave;
use rave_tests::pictures::noise;
use rave_tests::turkish::Turkish;
use tempfile::TempDir;

use crate::misuse::VALGRIND;

const SIZE: (usize, usize) = (37, 23);

fn ppm(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    [format!("P6\n{width} {height}\n255\n").as_bytes(), pixels].concat()
}

/// Every pixel of an RGB picture twice in each direction.
fn doubled(width: usize, pixels: &[u8]) -> Vec<u8> {
    let rows = pixels
        .chunks_exact(3 * width)
        .map(|row| row.chunks_exact(3).flat_map(|pixel| [pixel, pixel].concat()).collect::<Vec<u8>>());
    rows.flat_map(|row| [row.clone(), row].concat()).collect()
}

/// Upscales noise by a model that changes nothing and by one that doubles, and compares every byte.
fn upscales_exactly(program: &Program, folder: &Path) {
    let (width, height) = SIZE;
    let pixels = noise(1, 3 * width * height);
    let (input, output) = (folder.join("in.ppm"), folder.join("out.ppm"));
    std::fs::write(&input, ppm(width, height, &pixels)).unwrap();
    for (model, expected) in [
        ("identity-1x", ppm(width, height, &pixels)),
        ("replicate-2x", ppm(2 * width, 2 * height, &doubled(width, &pixels))),
    ] {
        succeed(program.command().arg(golden_model(model)).arg(&input).arg(&output));
        assert!(std::fs::read(&output).unwrap() == expected, "{program:?} with {model}: wrong picture");
        std::fs::remove_file(&output).unwrap();
    }
    let run = program.command().arg(folder.join("none.onnx")).arg(&input).arg(&output).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "a missing model is a failure");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("[FILE_NOT_FOUND]") && said.contains("none.onnx"), "{said}");
    assert!(!output.exists());
}

fn build(compiler: &Compiler, file: &str, linkage: Linkage) -> (TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("upscale");
    let program = compiler.link(&source(file), &Librave::installed(), linkage, &target);
    (folder, program)
}

/// RV-FFI-1206
#[test]
fn a_c_program_links_statically_and_dynamically_in_c99_and_c11() {
    for standard in ["c99", "c11"] {
        for linkage in [Linkage::Static, Linkage::Shared] {
            let (folder, program) = build(&Compiler::new("gcc", standard), "upscale.c", linkage);
            upscales_exactly(&program, folder.path());
        }
    }
}

/// RV-FFI-1206
#[test]
fn a_cpp_program_links_statically_and_dynamically() {
    for linkage in [Linkage::Static, Linkage::Shared] {
        let (folder, program) = build(&Compiler::new("g++", "c++17"), "upscale.cpp", linkage);
        upscales_exactly(&program, folder.path());
    }
}

/// RV-FFI-1208
#[test]
fn a_program_in_turkish_with_decimal_commas_gets_the_same_bytes() {
    let Some(turkish) = Turkish::made() else { return };
    let words = turkish.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for linkage in [Linkage::Static, Linkage::Shared] {
        let (folder, program) = build(&Compiler::new("gcc", "c11"), "upscale.c", linkage);
        upscales_exactly(&Program::wrapped(&program, &words), folder.path());
    }
}

/// RV-FFI-1207
#[test]
fn the_programs_are_clean_under_sanitizers() {
    for (compiler, standard, file) in [("gcc", "c11", "upscale.c"), ("g++", "c++17", "upscale.cpp")] {
        let (folder, program) = build(&Compiler::new(compiler, standard).sanitized(), file, Linkage::Static);
        upscales_exactly(&program, folder.path());
    }
}

/// RV-FFI-1207
#[test]
fn the_program_and_the_library_are_clean_under_address_sanitizer() {
    let Some(librave) = Librave::instrumented() else {
        eprintln!("skipped: RAVE_ASAN_LIBDIR is not set (scripts/build-sanitized.sh address)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("upscale");
    let program =
        Compiler::new("gcc", "c11").sanitized().link_archive(&source("upscale.c"), &librave, &target);
    upscales_exactly(&program, folder.path());
}

/// RV-FFI-1206, RV-SCR-1006
#[test]
fn cmake_finds_both_libraries() {
    if !installed("cmake") {
        eprintln!("skipped: cmake is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = source("");
    let prefix: PathBuf = Librave::installed().folder().join("..");
    succeed(
        Command::new("cmake")
            .arg("-S")
            .arg(&project)
            .arg("-B")
            .arg(folder.path())
            .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())),
    );
    succeed(Command::new("cmake").arg("--build").arg(folder.path()));
    for name in ["upscale-static", "upscale-shared"] {
        upscales_exactly(&Program::at(folder.path().join(name)), folder.path());
    }
}

/// RV-FFI-1207
///
/// The embedded runtime and the C program leave nothing behind and read nothing that was not written.
#[test]
fn the_program_is_clean_under_valgrind() {
    if !rave_tests::deep() {
        eprintln!("skipped: RAVE_DEEP=1 is not set");
        return;
    }
    let (folder, program) = build(&Compiler::new("gcc", "c11"), "upscale.c", Linkage::Static);
    let under = Program::wrapped(&program, &VALGRIND);
    upscales_exactly(&under, folder.path());
}
