//! What scripts/install.sh has put in its place.

use std::process::Command;

use rave_tests::command::stdout_of;

/// RV-SCR-1012
#[test]
fn the_command_is_installed_with_its_manual_pages_and_completions() {
    let prefix = rave_tests::build_dir().join("prefix");
    let program = prefix.join("bin/rave");
    if !program.is_file() {
        let required = std::env::var_os("RAVE_REQUIRE_FFMPEG").is_some_and(|value| value == "1");
        assert!(!required, "{} is not there: run scripts/install.sh --command", program.display());
        eprintln!("skipped: no {} (scripts/install.sh --command)", program.display());
        return;
    }
    let version = stdout_of(Command::new(&program).arg("--version"));
    assert!(version.starts_with("rave "), "{version}");
    let help = stdout_of(Command::new(&program).arg("--help"));
    for page in ["rave", "rave-build", "rave-check", "rave-cache-list"] {
        let file = prefix.join(format!("share/man/man1/{page}.1"));
        assert!(file.is_file(), "{} is there", file.display());
        let command = page.trim_start_matches("rave").trim_start_matches('-').split('-').next().unwrap();
        assert!(help.contains(command), "{command} is a command: {help}");
    }
    for completion in [
        "bash-completion/completions/rave",
        "zsh/site-functions/_rave",
        "fish/vendor_completions.d/rave.fish",
    ] {
        let script = std::fs::read_to_string(prefix.join("share").join(completion)).unwrap();
        assert!(script.contains("compute-capability"), "{completion} knows the options");
    }
}
