//! Whether a model that needs an engine gets one, by which program, and where it is kept.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// What happens when an ONNX model is loaded for a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuildChoice {
    /// Its engine is built unless it is in the cache.
    #[default]
    Auto,
    /// Its engine is in the cache, or loading fails.
    Never,
    /// Its engine is built unless it is in the cache, and loading ends there, as
    /// [`Status::Cancelled`](rave_core::Status::Cancelled).
    Only,
}

/// Where engines that were built are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// `$XDG_CACHE_HOME/rave`, or `~/.cache/rave`.
    #[default]
    Usual,
    /// This folder.
    At(PathBuf),
    /// Nowhere: an engine is built whenever its model is loaded.
    Off,
}

/// A program that builds engines in a process of its own: it calls [`serve_builds`](crate::serve_builds). The command
/// `rave` does so by [`BuilderProgram::rave`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuilderProgram {
    /// Its path, or its name for the search path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl BuilderProgram {
    /// The word by which the command `rave` becomes a builder.
    pub const WORD: &str = "serve-builds";

    /// The command `rave` at `program`.
    #[must_use]
    pub fn rave(program: impl Into<PathBuf>) -> Self {
        BuilderProgram { program: program.into(), arguments: vec![BuilderProgram::WORD.into()] }
    }

    /// The command `rave` in the folder of the running program, where it is installed there. Whoever could put another
    /// program in its place could replace the running one as well.
    #[must_use]
    // RV-FILT-1112
    pub fn beside_this_program() -> Option<Self> {
        let program = std::env::current_exe().ok()?.with_file_name("rave");
        program.is_file().then(|| BuilderProgram::rave(program))
    }

    /// The command that starts it, outside of the terminal's group of processes: whoever started the build ends it.
    #[must_use]
    // RV-FILT-1111
    pub fn command(&self) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).process_group(0);
        command
    }
}
