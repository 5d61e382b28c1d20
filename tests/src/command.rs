//! Running programs.

use std::process::{Command, Output};

/// What a program wrote to standard output.
///
/// # Panics
/// When it cannot be started or fails; the message has what it wrote.
#[must_use]
pub fn stdout_of(command: &mut Command) -> String {
    let output = succeed(command);
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a program that must succeed.
///
/// # Panics
/// When it cannot be started or fails; the message has what it wrote.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} could not be started: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Whether a program is installed.
#[must_use]
pub fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
