//! C programs that do everything wrong that can be done wrong: each is answered with a status, and never by a crash.

use rave_tests::command::succeed;
use rave_tests::compiler::{Compiler, Linkage, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::librave::Librave;

/// Compiles a program of `tests/c`, and runs it plainly and under sanitizers with the path of a model.
fn holds(file: &str, model: &str) {
    let plain = Compiler::new("gcc", "c11");
    for compiler in [plain.clone(), plain.sanitized()] {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("program");
        let program = compiler.link(&source(file), &Librave::installed(), Linkage::Static, &target);
        succeed(program.command().arg(golden_model(model)));
    }
}

#[test]
fn structures_of_wrong_size_or_content_are_refused_and_nothing_behind_them_is_read() {
    holds("misuse_structs.c", "identity-1x");
}

#[test]
fn strings_that_are_empty_endless_or_not_utf8_are_refused() {
    holds("misuse_strings.c", "identity-1x");
}
