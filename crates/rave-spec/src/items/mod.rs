//! The items of a source file: where each begins and ends, and which are tests.

mod c;
mod python;
mod rust;
mod shell;

use std::ops::RangeInclusive;

use crate::Fault;

/// A function, type, module or test. Comments and attributes right above it belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// As it is named inside its file: `tests::it_holds`, `TilePlan::new`.
    pub(crate) name: String,
    /// Its lines, counted from 1.
    pub(crate) lines: RangeInclusive<usize>,
    /// Whether a test runner runs it by itself.
    pub(crate) test: bool,
}

impl Item {
    /// Whether it lies in Rust's usual module of tests.
    pub(crate) fn is_in_tests(&self) -> bool {
        self.name.split("::").any(|part| part == "tests")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    C,
    Shell,
    Python,
}

fn language(file: &str) -> Option<Language> {
    match file.rsplit_once('.')?.1 {
        "rs" => Some(Language::Rust),
        "c" | "cpp" | "h" | "cu" | "cuh" => Some(Language::C),
        "sh" => Some(Language::Shell),
        "py" => Some(Language::Python),
        _ => None,
    }
}

/// Whether `file` is of a language that is traced.
pub(crate) fn is_source(file: &str) -> bool {
    language(file).is_some()
}

/// Whether `file` lies in a folder of tests.
pub(crate) fn is_in_tests(file: &str) -> bool {
    file.split('/').any(|part| part == "tests")
}

/// Whether every line of `file` belongs to a test: programs in C and scripts that are tests are run as a whole.
pub(crate) fn is_test_program(file: &str) -> bool {
    is_in_tests(file) && matches!(language(file), Some(Language::C | Language::Shell))
}

/// Whether every line of `file` belongs to a test that needs a GPU. What proves these tests themselves does not.
// RV-SPEC-1009
pub(crate) fn is_gpu_test(file: &str) -> bool {
    file.strip_prefix("tests/gpu/").is_some_and(|name| !name.starts_with("selftest"))
}

/// The items of `file`, whose content is `text`.
pub(crate) fn items(file: &str, text: &str) -> Result<Vec<Item>, Fault> {
    match language(file) {
        Some(Language::Rust) => rust::items(text).map_err(|(line, error)| {
            Fault::new(file, line, format!("it is not read as Rust: {error}"), "see whether it compiles")
        }),
        Some(Language::C) => Ok(c::items(text)),
        Some(Language::Shell) => Ok(shell::items(text)),
        Some(Language::Python) => Ok(python::items(text)),
        None => Ok(Vec::new()),
    }
}

/// The first line of the comments that stand right above `line`; `line` itself where there are none.
fn with_comments_above(lines: &[&str], mut line: usize, is_comment: impl Fn(&str) -> bool) -> usize {
    while line > 1 && is_comment(lines[line - 2].trim_start()) {
        line -= 1;
    }
    line
}
