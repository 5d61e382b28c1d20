//! C that calls every function of the header, generated from its prototypes, so that a new function is called as well.
//!
//! `tests/c/calls.h` has one set of valid arguments for all of them, and copies of it from before a call.

use std::path::{Path, PathBuf};

use rave_tests::compiler::source;
use rave_tests::header::{Function, Parameter};

/// The member of `Arguments` in tests/c/calls.h that a parameter is given, or a constant.
fn valid(function: &Function, parameter: &Parameter) -> String {
    let name = parameter.name.as_str();
    match parameter.kind.as_str() {
        "const char *" if name == "path" => "model".into(),
        "const char *" if name == "name" => "\"rgb24\"".into(),
        "const char *" if name == "encoder" => "\"h264_nvenc\"".into(),
        "uint32_t" if name == "width" || name == "height" => "64".into(),
        "int32_t" if name == "format" => "RAVE_PIX_FMT_NV12".into(),
        "int32_t" if name == "code" => "RAVE_ERROR_BUSY".into(),
        "uint32_t" if name == "index" => "0".into(),
        "uint64_t" if name == "number" => "0".into(),
        "uint64_t" if name == "size" => "sizeof now.text".into(),
        "char *" => format!("now.{name}"),
        "const struct RaveContextConfig *" => "&now.context_config".into(),
        "const struct RaveModelConfig *" => "&now.model_config".into(),
        "const struct RaveSessionConfig *" => "&now.session_config".into(),
        kind if is_handle(kind) => format!("now.{name}"),
        kind if kind.contains('*') => format!("&now.{name}"),
        kind => panic!("{}: tests/abi/calls.rs knows no valid {kind} {name}", function.name),
    }
}

fn is_handle(kind: &str) -> bool {
    let kind = kind.trim_start_matches("const ");
    ["struct RaveContext *", "struct RaveModel *", "struct RaveSession *"].contains(&kind)
}

/// Whether a call writes through it.
pub(crate) fn is_output(parameter: &Parameter) -> bool {
    parameter.is_pointer() && !parameter.kind.starts_with("const") && !is_handle(&parameter.kind)
}

/// C that holds when the result of `function` says that it failed with `status`.
pub(crate) fn failed(function: &Function, status: &str) -> String {
    match function.name.as_str() {
        "rave_pixel_format_from_name" => "result == 0".into(),
        "rave_error_message" => "strcmp(result, \"unknown error\") == 0".into(),
        _ if function.returns.contains('*') => "result == NULL".into(),
        _ => format!("result == {status}"),
    }
}

/// C that holds when a call has written nothing at all.
pub(crate) const UNTOUCHED: &str = "    EXPECT(memcmp(&now, &before, sizeof now) == 0);\n";

/// C that holds when a failing call of `function` wrote `status` where it writes statuses, and nothing else.
pub(crate) fn wrote_only(function: &Function, status: &str) -> String {
    let mut checks = String::new();
    if function.parameters.iter().any(|p| p.name == "error") {
        checks = format!("    EXPECT(now.error == {status});\n    now.error = before.error;\n");
    }
    checks + UNTOUCHED
}

/// One case: `before`, a call with `instead` in place of the parameter it names, then `checks`.
pub(crate) fn case(
    function: &Function,
    title: &str,
    before: &str,
    instead: Option<(&Parameter, &str)>,
    checks: &str,
) -> String {
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
        "    begin(&now, model, \"{name}: {title}\");\n    memcpy(&before, &now, sizeof now);\n{before}    {{\n    \
         {returns}{space}result = {name}({});\n{checks}{ending}    }}\n    end(&now);\n\n",
        arguments.join(", ")
    )
}

/// The program of `cases`, in `folder`; its argument is a model that changes nothing.
pub(crate) fn written(folder: &Path, declarations: &str, cases: &str) -> PathBuf {
    let file = folder.join("calls.c");
    let text = format!(
        "#include \"{}\"\n\n{declarations}\nint main(int count, char **arguments)\n{{\n    \
         static Arguments now, before;\n    const char *model = arguments[count - 1];\n\n{cases}    return 0;\n}}\n",
        source("calls.h").display()
    );
    std::fs::write(&file, text).unwrap();
    file
}
