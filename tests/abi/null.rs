//! NULL in place of every pointer that a function of the header takes, one at a time, all other arguments valid.
//!
//! The calls are generated from the prototypes in rave.h (`calls`); what each must answer stands in [`ROWS`]. The program
//! that makes them is C, so that it is compiled against the header as a user's is.

use std::fmt::Write;

use rave_tests::command::succeed;
use rave_tests::compiler::{Compiler, Linkage};
use rave_tests::ffmpeg::golden_model;
use rave_tests::header::{self, Function, Parameter};
use rave_tests::librave::Librave;

use crate::calls::{self, UNTOUCHED, case, failed, is_output, wrote_only};

/// What a function does when a parameter is NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It fails with RAVE_ERROR_INVALID_PARAMETER and a message that names the parameter, and writes nothing else.
    Refused,
    /// It succeeds and does nothing; likewise for a pointer to NULL.
    NothingToDo,
    /// It succeeds, as with a valid pointer.
    Allowed,
}
use Answer::{Allowed, NothingToDo, Refused};

/// Every pointer parameter of the header.
const ROWS: [(&str, &str, Answer); 44] = [
    ("rave_context_create", "config", Refused),
    ("rave_context_create", "error", Refused),
    ("rave_context_destroy", "context", NothingToDo),
    ("rave_encoder_check", "context", Refused),
    ("rave_encoder_check", "encoder", Refused),
    ("rave_context_ledger_counts", "context", Refused),
    ("rave_context_ledger_counts", "counts", Refused),
    ("rave_context_ledger_line", "context", Refused),
    ("rave_context_ledger_line", "text", Refused),
    ("rave_context_ledger_line", "length", Refused),
    ("rave_last_error", "context", Allowed),
    ("rave_model_load", "context", Refused),
    ("rave_model_load", "path", Refused),
    ("rave_model_load", "config", Allowed),
    ("rave_model_load", "error", Refused),
    ("rave_model_destroy", "model", NothingToDo),
    ("rave_model_info", "model", Refused),
    ("rave_model_info", "info", Refused),
    ("rave_model_description", "model", Refused),
    ("rave_pixel_format_from_name", "name", Refused),
    ("rave_pixel_format_at", "format", Refused),
    ("rave_session_create", "model", Refused),
    ("rave_session_create", "config", Refused),
    ("rave_session_create", "error", Refused),
    ("rave_session_destroy", "session", NothingToDo),
    ("rave_session_output_size", "session", Refused),
    ("rave_session_output_size", "width", Refused),
    ("rave_session_output_size", "height", Refused),
    ("rave_session_process", "session", Refused),
    ("rave_session_process", "input", Refused),
    ("rave_session_process", "out", Refused),
    ("rave_session_submit", "session", Refused),
    ("rave_session_submit", "input", Refused),
    ("rave_session_submit", "out", Refused),
    ("rave_session_finish", "session", Refused),
    ("rave_session_is_repeat", "session", Refused),
    ("rave_session_is_repeat", "previous", Refused),
    ("rave_session_is_repeat", "frame", Refused),
    ("rave_session_is_repeat", "repeat", Refused),
    ("rave_session_drain", "session", Refused),
    ("rave_session_capacity", "session", Refused),
    ("rave_session_capacity", "frames", Refused),
    ("rave_session_stats", "session", Refused),
    ("rave_session_stats", "stats", Refused),
];

/// The pointer parameters without a row, the rows without a pointer parameter, and the rows that stand twice.
fn unmatched(functions: &[Function], rows: &[(&str, &str, Answer)]) -> Vec<String> {
    let pointers: Vec<(&str, &str)> = functions
        .iter()
        .flat_map(|function| {
            let pointers = function.parameters.iter().filter(|p| p.is_pointer());
            pointers.map(|p| (function.name.as_str(), p.name.as_str()))
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|row| (row.0, row.1)).collect();
    let count = |list: &[(&str, &str)], wanted| list.iter().filter(|&&found| found == wanted).count();
    let without_row = pointers
        .iter()
        .filter(|&&pointer| count(&rows, pointer) == 0)
        .map(|(function, parameter)| format!("{function}: {parameter} has no row"));
    let without_pointer = rows
        .iter()
        .filter(|&&row| count(&pointers, row) != 1 || count(&rows, row) != 1)
        .map(|(function, parameter)| {
            format!("the row {function}, {parameter} has no such pointer, or stands twice")
        });
    without_row.chain(without_pointer).collect()
}

/// C that holds when the result of `function` says that it succeeded.
fn succeeded(function: &Function) -> &'static str {
    match function.name.as_str() {
        "rave_pixel_format_from_name" => "result == RAVE_PIX_FMT_RGB24",
        _ if function.returns.contains('*') => "result != NULL",
        _ => "result == RAVE_OK",
    }
}

/// The checks of a call that succeeds: it writes all of its outputs but the one that is NULL.
fn success(function: &Function, null: Option<&Parameter>) -> String {
    let mut checks = format!("    EXPECT({});\n    EXPECT(no_new_error());\n", succeeded(function));
    let outputs = function.parameters.iter().filter(|p| is_output(p));
    for output in outputs.filter(|&p| Some(p) != null) {
        writeln!(checks, "    EXPECT(!UNTOUCHED({}));", output.name).unwrap();
        if output.name == "error" {
            checks.push_str("    EXPECT(now.error == RAVE_OK);\n");
        }
    }
    checks
}

/// The checks of a call that is refused: it writes its status, where there is a place for it, and nothing else.
fn refusal(function: &Function, null: &Parameter) -> String {
    let status = "RAVE_ERROR_INVALID_PARAMETER";
    let checks = format!(
        "    EXPECT({});\n    EXPECT(last_error_begins_with(\"[INVALID_PARAMETER] {} is NULL\"));\n",
        failed(function, status),
        null.name
    );
    match null.name.as_str() {
        "error" => checks + UNTOUCHED,
        _ => checks + &wrote_only(function, status),
    }
}

/// The cases: every function with valid arguments, then with NULL for each of its pointers in turn.
fn cases(functions: &[Function]) -> String {
    let mut body = String::new();
    for function in functions {
        let pointers: Vec<&Parameter> = function.parameters.iter().filter(|p| p.is_pointer()).collect();
        if pointers.is_empty() {
            continue;
        }
        // It succeeds on a GPU with an encoder only; everything else here runs on the CPU.
        if function.name != "rave_encoder_check" {
            body += &case(function, "all valid", "", None, &success(function, None));
        }
        for pointer in pointers {
            let row = ROWS.iter().find(|row| (row.0, row.1) == (&*function.name, &*pointer.name));
            let (.., answer) =
                row.unwrap_or_else(|| panic!("{}: {} has no row", function.name, pointer.name));
            let title = format!("{} is NULL", pointer.name);
            let nothing = success(function, Some(pointer)) + UNTOUCHED;
            let case = |title: &str, instead, checks: &str| {
                case(function, title, "", Some((pointer, instead)), checks)
            };
            body += &match answer {
                Refused => case(&title, "NULL", &refusal(function, pointer)),
                Allowed => case(&title, "NULL", &success(function, Some(pointer))),
                NothingToDo => {
                    let to_null = case(
                        &format!("{} points to NULL", pointer.name),
                        "&none",
                        &format!("{nothing}    EXPECT(none == NULL);\n"),
                    );
                    let kind = pointer.kind.trim_end_matches('*');
                    case(&title, "NULL", &nothing)
                        + &format!("    {{\n    {kind}*none = NULL;\n{to_null}    }}\n\n")
                }
            };
        }
    }
    body
}

/// Compiles the program by `link` and runs it.
fn answers_as_the_rows_say(compiler: &Compiler, librave: &Librave, linkage: Option<Linkage>) {
    let folder = tempfile::tempdir().unwrap();
    let file = calls::written(folder.path(), "", &cases(&header::functions(&header::text())));
    let target = folder.path().join("null");
    let program = match linkage {
        Some(linkage) => compiler.link(&file, librave, linkage, &target),
        None => compiler.link_archive(&file, librave, &target),
    };
    succeed(program.command().arg(golden_model("identity-1x")));
}

/// RV-TEST-1105
#[test]
fn every_pointer_of_the_header_has_a_row_and_every_row_a_pointer() {
    let found = unmatched(&header::functions(&header::text()), &ROWS);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// RV-TEST-1105
#[test]
fn a_new_pointer_and_a_row_left_over_are_told_by_name() {
    let functions =
        header::functions("extern \"C\" {\nint32_t f(const char *old, char *new_one, int32_t number);\n}");
    let rows = [("f", "old", Refused), ("f", "number", Refused), ("gone", "old", Refused)];
    assert_eq!(
        unmatched(&functions, &rows),
        [
            "f: new_one has no row",
            "the row f, number has no such pointer, or stands twice",
            "the row gone, old has no such pointer, or stands twice",
        ]
    );
}

/// RV-FFI-1001
#[test]
fn every_null_is_answered_as_the_header_says() {
    answers_as_the_rows_say(&Compiler::new("gcc", "c99"), &Librave::installed(), Some(Linkage::Static));
}

#[test]
fn every_null_is_answered_so_under_sanitizers() {
    answers_as_the_rows_say(
        &Compiler::new("gcc", "c11").sanitized(),
        &Librave::installed(),
        Some(Linkage::Static),
    );
}

#[test]
fn every_null_is_answered_so_by_an_instrumented_library() {
    let Some(librave) = Librave::instrumented() else {
        eprintln!("skipped: RAVE_ASAN_LIBDIR is not set (scripts/build-sanitized.sh address)");
        return;
    };
    answers_as_the_rows_say(&Compiler::new("gcc", "c11").sanitized(), &librave, None);
}
