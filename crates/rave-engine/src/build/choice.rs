//! Whether a model that needs an engine gets one, by which program, and where it is kept.

use std::ffi::{OsStr, OsString};
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

/// The list of the GPUs that the driver lets a process see, in its environment.
pub(super) const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

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

    /// [`BuilderProgram::command`] for an engine of GPU `ordinal` of those that this process sees by its own list, `visible`:
    /// it sees that GPU and no other.
    // RV-ENG-1510
    pub(super) fn command_on(&self, ordinal: u32, visible: Option<&OsStr>) -> Command {
        let mut command = self.command();
        let alone = match visible {
            None => Some(ordinal.to_string()),
            Some(list) => {
                list.to_str().and_then(|list| list.split(',').nth(ordinal as usize)).map(str::to_owned)
            }
        };
        if let Some(alone) = alone {
            command.env(VISIBLE, alone);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1510
    #[test]
    fn a_builder_sees_the_gpu_that_the_engine_is_for_and_no_other() {
        for (ordinal, visible, alone) in [
            (0, None, Some("0")),
            (2, None, Some("2")),
            (0, Some("3,1"), Some("3")),
            (1, Some("3,1"), Some("1")),
            (1, Some("GPU-8932f937,MIG-a1b2"), Some("MIG-a1b2")),
            // Changed after the driver has read it: nothing better is known.
            (2, Some("3,1"), None),
        ] {
            let command = BuilderProgram::rave("rave").command_on(ordinal, visible.map(OsStr::new));
            let told = command.get_envs().find(|(name, _)| *name == VISIBLE).and_then(|(_, value)| value);
            assert_eq!(told, alone.map(OsStr::new), "GPU {ordinal} of {visible:?}");
        }
    }
}
