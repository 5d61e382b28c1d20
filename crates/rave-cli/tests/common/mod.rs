//! What the tests of the command have in common.

use std::fs;
use std::path::Path;
use std::process::Output;

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The error's text, of a command that failed with `code` and gave out nothing.
#[allow(dead_code, reason = "not every test program refuses")]
pub(crate) fn refusal(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(text(&output.stdout), "", "{said}");
    said
}

/// What is in a folder.
#[allow(dead_code, reason = "not every test program looks")]
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
