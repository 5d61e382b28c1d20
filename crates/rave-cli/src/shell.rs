//! What makes the command at home in a shell: completions and manual pages.

use std::path::Path;

use clap_complete::Shell;
use rave_core::{Error, Result};

use crate::arguments::command;

/// The completion script for `shell`.
// RV-CLI-1003
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "rave", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes `rave.1` and a page for each command into `folder`; returns what to say.
// RV-CLI-1003
pub(crate) fn man_pages(folder: &Path) -> Result<String> {
    clap_mangen::generate_to(command(), folder).map_err(|error| Error::io(folder, &error))?;
    Ok(format!("{}: read one with man {0}/rave.1\n", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::all;

    /// RV-CLI-1003
    #[test]
    fn completions_and_manual_pages_know_every_command() {
        let names: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell);
            let known = |word: &str| {
                script.split(|c: char| !c.is_alphanumeric() && c != '-').any(|other| other == word)
            };
            for name in &names {
                assert!(name.split(' ').all(known), "{shell}: {name}");
            }
            assert!(!script.contains("serve-builds"), "{shell}: nobody starts that by hand");
        }
        let folder = tempfile::tempdir().unwrap();
        man_pages(folder.path()).unwrap();
        let page = |name: &str| folder.path().join(format!("{}.1", name.replace(' ', "-")));
        for name in &names {
            let text = std::fs::read_to_string(page(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(text.contains("Exit codes:") && text.contains("Example"), "{name}: {text}");
            assert!(!text.contains("serve\\-builds"), "{name}: {text}");
        }
    }
}
