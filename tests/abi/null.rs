//! NULL in place of every pointer that a function of the header takes, one at a time, all other arguments valid.
//!
//! The calls are generated from the prototypes in rave.h; what each must answer stands in [`ROWS`]. The program that
//! makes them is C, so that it is compiled against the header as a user's is.

use std::fmt::Write;

use rave_tests::command::succeed;
use rave_tests::compiler::{Compiler, Linkage, source};
use rave_tests::ffmpeg::golden_model;
use rave_tests::header::{self, Function, Parameter};
use rave_tests::librave::Librave;

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

/// The member of `Arguments` in tests/c/null.h that a parameter is given, or a constant.
fn valid(function: &Function, parameter: &Parameter) -> String {
    let name = parameter.name.as_str();
    match parameter.kind.as_str() {
        "const char *" if name == "path" => "model".into(),
        "const char *" if name == "name" => "\"rgb24\"".into(),
        "const char *" if name == "encoder" => "\"h264_nvenc\"".into(),
        "uint32_t" if name == "width" || name == "height" => "64".into(),
        "int32_t" if name == "format" => "RAVE_PIX_FMT_NV12".into(),
        "uint32_t" if name == "index" => "0".into(),
        "uint64_t" if name == "number" => "0".into(),
        "uint64_t" if name == "size" => "sizeof now.text".into(),
        "char *" => format!("now.{name}"),
        "const struct RaveContextConfig *" => "&now.context_config".into(),
        "const struct RaveModelConfig *" => "&now.model_config".into(),
        "const struct RaveSessionConfig *" => "&now.session_config".into(),
        kind if is_handle(kind) => format!("now.{name}"),
        kind if kind.contains('*') => format!("&now.{name}"),
        kind => panic!("{}: tests/abi/null.rs knows no valid {kind} {name}", function.name),
    }
}

fn is_handle(kind: &str) -> bool {
    let kind = kind.trim_start_matches("const ");
    ["struct RaveContext *", "struct RaveModel *", "struct RaveSession *"].contains(&kind)
}

/// Whether a call writes through it.
fn is_output(parameter: &Parameter) -> bool {
    parameter.is_pointer() && !parameter.kind.starts_with("const") && !is_handle(&parameter.kind)
}

/// C that holds when the result of `function` says that it failed.
fn failed(function: &Function) -> &'static str {
    match function.name.as_str() {
        "rave_pixel_format_from_name" => "result == 0",
        _ if function.returns.contains('*') => "result == NULL",
        _ => "result == RAVE_ERROR_INVALID_PARAMETER",
    }
}

/// C that holds when the result of `function` says that it succeeded.
fn succeeded(function: &Function) -> &'static str {
    match function.name.as_str() {
        "rave_pixel_format_from_name" => "result == RAVE_PIX_FMT_RGB24",
        _ if function.returns.contains('*') => "result != NULL",
        _ => "result == RAVE_OK",
    }
}

/// One case: a call with `instead` in place of the parameter it names, then `checks`.
fn case(function: &Function, title: &str, instead: Option<(&Parameter, &str)>, checks: &str) -> String {
    let arguments: Vec<String> = function
        .parameters
        .iter()
        .map(|parameter| match instead {
            Some((replaced, text)) if replaced == parameter => text.into(),
            _ => valid(function, parameter),
        })
        .collect();
    let Function { name, returns, .. } = function;
    let space = if returns.ends_with('*') { "" } else { " " };
    // What a creating function made ends with the case.
    let ending = returns
        .strip_prefix("struct Rave")
        .map(|kind| kind.trim_end_matches(" *").to_lowercase())
        .map(|kind| format!("    EXPECT(rave_{kind}_destroy(&result) == RAVE_OK);\n"))
        .unwrap_or_default();
    format!(
        "    begin(&now, model, \"{name}: {title}\");\n    memcpy(&before, &now, sizeof now);\n    {{\n    \
         {returns}{space}result = {name}({});\n{checks}{ending}    }}\n    end(&now);\n\n",
        arguments.join(", ")
    )
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
    let mut checks = format!(
        "    EXPECT({});\n    EXPECT(last_error_begins_with(\"[INVALID_PARAMETER] {} is NULL\"));\n",
        failed(function),
        null.name
    );
    if null.name != "error" && function.parameters.iter().any(|p| p.name == "error") {
        checks.push_str(
            "    EXPECT(now.error == RAVE_ERROR_INVALID_PARAMETER);\n    now.error = before.error;\n",
        );
    }
    checks.push_str("    EXPECT(memcmp(&now, &before, sizeof now) == 0);\n");
    checks
}

/// The program: every function with valid arguments, then with NULL for each of its pointers in turn.
fn program(functions: &[Function]) -> String {
    let mut body = String::new();
    for function in functions {
        let pointers: Vec<&Parameter> = function.parameters.iter().filter(|p| p.is_pointer()).collect();
        if pointers.is_empty() {
            continue;
        }
        // It succeeds on a GPU with an encoder only; everything else here runs on the CPU.
        if function.name != "rave_encoder_check" {
            body += &case(function, "all valid", None, &success(function, None));
        }
        for pointer in pointers {
            let row = ROWS.iter().find(|row| (row.0, row.1) == (&*function.name, &*pointer.name));
            let (.., answer) =
                row.unwrap_or_else(|| panic!("{}: {} has no row", function.name, pointer.name));
            let title = format!("{} is NULL", pointer.name);
            let untouched = "    EXPECT(memcmp(&now, &before, sizeof now) == 0);\n";
            let nothing = success(function, Some(pointer)) + untouched;
            body += &match answer {
                Refused => case(function, &title, Some((pointer, "NULL")), &refusal(function, pointer)),
                Allowed => case(function, &title, Some((pointer, "NULL")), &success(function, Some(pointer))),
                NothingToDo => {
                    let to_null = case(
                        function,
                        &format!("{} points to NULL", pointer.name),
                        Some((pointer, "&none")),
                        &format!("{nothing}    EXPECT(none == NULL);\n"),
                    );
                    let kind = pointer.kind.trim_end_matches('*');
                    case(function, &title, Some((pointer, "NULL")), &nothing)
                        + &format!("    {{\n    {kind}*none = NULL;\n{to_null}    }}\n\n")
                }
            };
        }
    }
    format!(
        "#include \"{}\"\n\nint main(int count, char **arguments)\n{{\n    static Arguments now, before;\n    \
         const char *model = arguments[count - 1];\n\n{body}    return 0;\n}}\n",
        source("null.h").display()
    )
}

/// Compiles the program by `link` and runs it.
fn answers_as_the_rows_say(compiler: &Compiler, librave: &Librave, linkage: Option<Linkage>) {
    let folder = tempfile::tempdir().unwrap();
    let (file, target) = (folder.path().join("null.c"), folder.path().join("null"));
    std::fs::write(&file, program(&header::functions(&header::text()))).unwrap();
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
        eprintln!("skipped: RAVE_ASAN_LIBDIR is not set (scripts/build-asan.sh)");
        return;
    };
    answers_as_the_rows_say(&Compiler::new("gcc", "c11").sanitized(), &librave, None);
}
