//! No panic crosses the boundary, wherever it comes from, on the profile that is released.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use rave_tests::command::stdout_of;
use rave_tests::compiler::Compiler;
use rave_tests::ffmpeg::golden_model;
use rave_tests::header::{self, Function};
use rave_tests::librave::Librave;

use crate::calls::{self, case, failed, wrote_only};

/// Where a function of the header has code of ours that may panic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Panics {
    /// It only returns what is there.
    Nowhere,
    /// Without a handle that it changes: what it was given stays usable.
    Begun,
    /// Also while it works with the handle that is its first parameter, which is unusable from then on.
    Holding,
}
use Panics::{Begun, Holding, Nowhere};

/// Every function of the header.
const ROWS: [(&str, Panics); 25] = [
    ("rave_context_create", Begun),
    ("rave_context_destroy", Holding),
    ("rave_context_ledger_counts", Begun),
    ("rave_context_ledger_line", Begun),
    ("rave_encoder_check", Holding),
    ("rave_error_message", Begun),
    ("rave_last_error", Nowhere),
    ("rave_version", Nowhere),
    ("rave_model_load", Holding),
    ("rave_model_destroy", Holding),
    ("rave_model_info", Begun),
    ("rave_model_description", Begun),
    ("rave_pixel_format_from_name", Begun),
    ("rave_pixel_format_name", Begun),
    ("rave_pixel_format_at", Begun),
    ("rave_session_create", Holding),
    ("rave_session_destroy", Holding),
    ("rave_session_output_size", Begun),
    ("rave_session_process", Holding),
    ("rave_session_submit", Holding),
    ("rave_session_finish", Holding),
    ("rave_session_is_repeat", Holding),
    ("rave_session_drain", Holding),
    ("rave_session_capacity", Begun),
    ("rave_session_stats", Begun),
];

/// The functions that stand on one side only.
fn unmatched(functions: &[Function], rows: &[(&str, Panics)]) -> Vec<String> {
    let functions: BTreeSet<&str> = functions.iter().map(|function| function.name.as_str()).collect();
    let rows: BTreeSet<&str> = rows.iter().map(|row| row.0).collect();
    functions.symmetric_difference(&rows).map(|name| (*name).to_owned()).collect()
}

/// What the library has in addition when it is built for this test (`rave-ffi/src/panic_probe.rs`).
const PROBE: &str = "enum { NOWHERE, BEGUN, HOLDING };\nint32_t rave_test_panic_at(int32_t place);\n";

/// A call that panics at `place`: a status, a message that names the place, and nothing else; then `checks`.
fn panicking(function: &Function, place: &str, checks: &str) -> String {
    let status = "RAVE_ERROR_PANIC";
    let checks = format!(
        "    EXPECT(rave_test_panic_at(NOWHERE) == NOWHERE);\n    EXPECT({});\n    \
         EXPECT(last_error_begins_with(\"[PANIC] RAVE panicked: probe at \"));\n    \
         EXPECT(strstr(rave_last_error(NULL), \"panic_probe.rs\"));\n{}{checks}",
        failed(function, status),
        wrote_only(function, status),
    );
    asked_for(function, place, &checks)
}

/// A call that does not come to `place`.
fn untouched(function: &Function, place: &str) -> String {
    asked_for(
        function,
        place,
        &format!("    EXPECT(rave_test_panic_at(NOWHERE) == {place});\n    (void)result;\n"),
    )
}

fn asked_for(function: &Function, place: &str, checks: &str) -> String {
    let before = format!("    EXPECT(rave_test_panic_at({place}) == NOWHERE);\n");
    case(function, &format!("a panic, {place}"), &before, None, checks)
}

/// The handle that a function works with is refused from now on, but for its end, and can be made again.
fn is_poisoned(function: &Function) -> String {
    let kind = function.parameters[0].kind.trim_start_matches("struct Rave").trim_end_matches([' ', '*']);
    let (kind, using, anew) = match kind {
        "Context" => (
            "context",
            "rave_model_load(now.context, model, &now.model_config, &status) == NULL",
            "rave_context_create(&now.context_config, &status)",
        ),
        "Model" => (
            "model",
            "rave_session_create(now.model, &now.session_config, &status) == NULL",
            "rave_model_load(now.context, model, &now.model_config, &status)",
        ),
        "Session" => (
            "session",
            "(status = rave_session_process(now.session, &now.input, &now.out)) != RAVE_OK",
            "rave_session_create(now.model, &now.session_config, &status)",
        ),
        other => panic!("{}: no handle is a {other}", function.name),
    };
    format!(
        "    {{\n    int32_t status = RAVE_OK;\n    EXPECT({using});\n    EXPECT(status == RAVE_ERROR_PANIC);\n    \
         EXPECT(last_error_begins_with(\"[PANIC] an earlier call on this {kind} panicked; destroy\"));\n    \
         EXPECT(rave_{kind}_destroy(&now.{kind}) == RAVE_OK && !now.{kind});\n    \
         now.{kind} = {anew};\n    EXPECT(now.{kind});\n    }}\n"
    )
}

/// Every function, with a panic in each of the places.
fn cases(functions: &[Function]) -> String {
    let of = |function: &Function| {
        let (_, panics) = ROWS.iter().find(|row| row.0 == function.name).expect("a row for each function");
        match panics {
            Nowhere => untouched(function, "BEGUN") + &untouched(function, "HOLDING"),
            Begun => panicking(function, "BEGUN", "") + &untouched(function, "HOLDING"),
            Holding => {
                panicking(function, "BEGUN", "") + &panicking(function, "HOLDING", &is_poisoned(function))
            }
        }
    };
    functions.iter().map(of).collect()
}

/// librave.a of the release profile that panics where it is asked to, in a folder of its own.
fn library_that_panics() -> (tempfile::TempDir, Librave) {
    // The profile and the target folder of the real library, so that all but our last crate is built already.
    let messages = stdout_of(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "-p", "rave-ffi", "--features", "panic-probe", "--locked"])
            .args(["--message-format", "json"])
            .current_dir(rave_tests::root()),
    );
    let archive = messages
        .lines()
        .flat_map(|line| line.split('"'))
        .rfind(|word| word.ends_with("librave.a"))
        .map(PathBuf::from)
        .expect("cargo names librave.a");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(archive, folder.path().join("librave.a")).unwrap();
    // Cargo puts both variants at one path: leave the real one there.
    let _ = stdout_of(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "-p", "rave-ffi", "--locked"])
            .current_dir(rave_tests::root()),
    );
    let librave = Librave::in_folder(folder.path().to_path_buf(), "cargo");
    (folder, librave)
}

/// RV-FFI-1101
#[test]
fn every_function_of_the_header_has_a_row_of_panics() {
    assert_eq!(unmatched(&header::functions(&header::text()), &ROWS), Vec::<String>::new());
    let others = header::functions("extern \"C\" {\nint32_t rave_new(void);\n}");
    assert_eq!(unmatched(&others, &[("rave_gone", Begun)]), ["rave_gone", "rave_new"]);
}

/// In each function of the header, before it has a handle and while it works with one.
///
/// RV-FFI-1101
#[test]
fn a_panic_is_a_status_poisons_its_handle_and_prints_nothing() {
    let (folder, librave) = library_that_panics();
    let file = calls::written(folder.path(), PROBE, &cases(&header::functions(&header::text())));
    let program = Compiler::new("gcc", "c11").link_archive(&file, &librave, &folder.path().join("panic"));
    let output = program.command().arg(golden_model("identity-1x")).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (output.status.code(), said(&output.stdout), said(&output.stderr)),
        (Some(0), String::new(), String::new())
    );
}

#[test]
fn the_released_library_has_no_function_that_panics_on_purpose() {
    let symbols = stdout_of(Command::new("nm").arg("--defined-only").arg(Librave::installed().archive()));
    assert!(symbols.contains(" T rave_version"), "nm read the archive");
    assert!(!symbols.contains("rave_test_"));
}
