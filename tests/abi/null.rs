//! NULL for every pointer of every function. The calls are generated from the header, so that a new function or
//! parameter without a row here is a failure.

use std::fmt::Write as _;

use rave_tests::command::succeed;
use rave_tests::compiler::{Compiler, Linkage};
use rave_tests::ffmpeg::golden_model;
use rave_tests::header::{self, Function, Parameter};
use rave_tests::librave::Librave;

/// What a function does when one of its pointers is NULL.
#[derive(Clone, Copy)]
enum Answer {
    /// Returns RAVE_ERROR_INVALID_PARAMETER and names the parameter.
    Refused,
    /// Returns NULL, with that status in `*error`, and names the parameter.
    NotCreated,
    /// Returns NULL; there is nowhere to put a status.
    Silent,
    /// Returns 0.
    Zero,
    /// Returns RAVE_OK: there is nothing to do.
    Nothing,
    /// Returns a text.
    Text,
    /// Creates the object: NULL stands for the defaults.
    Model,
}

use Answer::{Model, NotCreated, Nothing, Refused, Silent, Text, Zero};

/// Function, parameter, answer.
const ROWS: [(&str, &str, Answer); 27] = [
    ("rave_context_create", "config", NotCreated),
    ("rave_context_create", "error", Silent),
    ("rave_context_destroy", "context", Nothing),
    ("rave_last_error", "context", Text),
    ("rave_model_load", "context", NotCreated),
    ("rave_model_load", "path", NotCreated),
    ("rave_model_load", "config", Model),
    ("rave_model_load", "error", Silent),
    ("rave_model_destroy", "model", Nothing),
    ("rave_model_info", "model", Refused),
    ("rave_model_info", "info", Refused),
    ("rave_model_description", "model", Silent),
    ("rave_pixel_format_from_name", "name", Zero),
    ("rave_pixel_format_at", "format", Refused),
    ("rave_session_create", "model", NotCreated),
    ("rave_session_create", "config", NotCreated),
    ("rave_session_create", "error", Silent),
    ("rave_session_destroy", "session", Nothing),
    ("rave_session_output_size", "session", Refused),
    ("rave_session_output_size", "width", Refused),
    ("rave_session_output_size", "height", Refused),
    ("rave_session_process", "session", Refused),
    ("rave_session_process", "input", Refused),
    ("rave_session_process", "out", Refused),
    ("rave_session_stats", "session", Refused),
    ("rave_session_stats", "stats", Refused),
    // Not a NULL of its own, but of what the pointer leads to.
    ("rave_session_destroy", "*session", Nothing),
];

/// A valid argument for a parameter, in terms of the variables of [`PROGRAM`].
fn valid(function: &str, parameter: &Parameter) -> &'static str {
    match (function, parameter.name.as_str()) {
        ("rave_context_create", "config") => "&device",
        ("rave_model_load", "config") => "&loading",
        ("rave_session_create", "config") => "&geometry",
        ("rave_pixel_format_at", "format") => "&places.format",
        (_, "error") => "&places.error",
        (_, "context") => "fixture.context",
        (_, "model") => "fixture.model",
        (_, "session") => "fixture.session",
        (_, "path") => "argv[1]",
        (_, "name") => "\"rgb24\"",
        (_, "info") => "&places.info",
        (_, "stats") => "&places.stats",
        (_, "width") => "&places.width",
        (_, "height") => "&places.height",
        (_, "input") => "&input",
        (_, "out") => "&places.out",
        (_, "index") => "0",
        other => panic!("no valid argument is known for {other:?}"),
    }
}

/// The call of a row, with its checks.
fn call(function: &Function, null: &str, answer: Answer) -> String {
    let arguments: Vec<&str> = function
        .parameters
        .iter()
        .map(|parameter| match () {
            () if parameter.name == null => "NULL",
            () if null == format!("*{}", parameter.name) => "&no_session",
            () => valid(&function.name, parameter),
        })
        .collect();
    let call = format!("{}({})", function.name, arguments.join(", "));
    let refused = format!("CHECK_SAID(\"[INVALID_PARAMETER]\"); CHECK_SAID(\"{null} is NULL\");");
    match answer {
        Refused => format!("CHECK_STATUS({call}, RAVE_ERROR_INVALID_PARAMETER); {refused}"),
        NotCreated => format!(
            "CHECK({call} == NULL); CHECK_STATUS(places.error, RAVE_ERROR_INVALID_PARAMETER); \
             places.error = before.error; {refused}"
        ),
        Silent => format!("CHECK({call} == NULL); {refused}"),
        Zero => format!("CHECK({call} == 0); {refused}"),
        Nothing => format!("CHECK_STATUS({call}, RAVE_OK);"),
        Text => format!("CHECK({call} != NULL);"),
        Model => format!(
            "{{ RaveModel *made = {call}; CHECK(made != NULL); CHECK_STATUS(places.error, RAVE_OK); \
             places.error = before.error; CHECK_STATUS(rave_model_destroy(&made), RAVE_OK); }}"
        ),
    }
}

const PROGRAM: &str = r#"
#include "fixture.h"

/* Every place that a function may write to. */
typedef struct Places {
    RaveModelInfo info;
    RaveStats stats;
    RaveFrame out;
    uint32_t width, height;
    int32_t format, error;
} Places;

int main(int argc, char **argv)
{
    static uint8_t pixels[16 * 8 * 3], result[16 * 8 * 3];
    Fixture fixture = fixture_open(argc > 1 ? argv[1] : "", RAVE_PIX_FMT_RGB24, 16, 8, NULL, NULL);
    RaveSession *no_session = NULL;
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig loading = RAVE_MODEL_CONFIG_INIT;
    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    RaveFrame input = rgb_frame(pixels, 16, 8);
    Places before, places;
    memset(&before, 0x5A, sizeof before);
    before.info.struct_size = sizeof before.info;
    before.stats.struct_size = sizeof before.stats;
    before.out = rgb_frame(result, 16, 8);
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = 16;
    geometry.height = 8;
"#;

#[test]
fn every_pointer_of_every_function_has_a_row_and_every_row_its_pointer() {
    let functions = header::functions(&header::text());
    let pointers: Vec<(String, String)> = functions
        .iter()
        .flat_map(|function| {
            function
                .parameters
                .iter()
                .map(move |parameter| (function, parameter))
        })
        .filter(|(_, parameter)| parameter.is_pointer())
        .map(|(function, parameter)| (function.name.clone(), parameter.name.clone()))
        .collect();
    for (function, parameter) in &pointers {
        let row = ROWS.iter().any(|row| row.0 == function && row.1 == parameter);
        assert!(row, "{function}: no row says what NULL for {parameter} does");
    }
    for (function, parameter, _) in ROWS.iter().filter(|row| !row.1.starts_with('*')) {
        let there = pointers
            .iter()
            .any(|pointer| pointer.0 == *function && pointer.1 == *parameter);
        assert!(there, "{function} has no pointer {parameter}");
    }
}

#[test]
fn null_is_answered_by_status_and_name_and_nothing_else_is_written() {
    let functions = header::functions(&header::text());
    let mut program = PROGRAM.to_string();
    for (name, null, answer) in ROWS {
        let function = functions
            .iter()
            .find(|function| function.name == name)
            .expect("rows name functions");
        writeln!(
            program,
            "    places = before;\n    {}",
            call(function, null, answer)
        )
        .unwrap();
        writeln!(
            program,
            "    CHECK(!memcmp(&places, &before, sizeof places)); /* {name}, {null} */"
        )
        .unwrap();
    }
    program += "    fixture_close(&fixture);\n    return expect_result();\n}\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("null.c");
    // Beside the headers that it includes.
    let shared = rave_tests::compiler::source("");
    for header in ["fixture.h", "expect.h"] {
        std::fs::copy(shared.join(header), folder.path().join(header)).unwrap();
    }
    std::fs::write(&file, program).unwrap();
    for compiler in [
        Compiler::new("gcc", "c11"),
        Compiler::new("gcc", "c11").sanitized(),
    ] {
        let target = folder.path().join("null");
        let program = compiler.link(&file, &Librave::installed(), Linkage::Static, &target);
        succeed(program.command().arg(golden_model("identity-1x")));
    }
}
