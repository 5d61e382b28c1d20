//! What makes the command at home in a shell: completions and manual pages.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use rave_core::{Error, Result};

use crate::arguments::Arguments;

/// The completion script for `shell`.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "rave", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes `rave.1` and a page for each command into `folder`; returns what to say.
pub(crate) fn man_pages(folder: &Path) -> Result<String> {
    clap_mangen::generate_to(Arguments::command(), folder).map_err(|error| Error::io(folder, &error))?;
    Ok(format!("{}: read one with man {0}/rave.1\n", folder.display()))
}
