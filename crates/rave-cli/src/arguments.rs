//! The command line.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rave_core::ValueRange;

use crate::preview::Preview;
use crate::values::bytes;
use crate::{bench, build, check, exit_code, info, upscale};

/// AI video models on your GPU or CPU: run them on videos, build engines of them, look into them, and see what this
/// machine has for them.
#[derive(Debug, Parser)]
#[command(name = "rave", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Tell more of what is done, on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line as clap has it. Examples of a command are its own; every help ends with the exit codes.
pub(crate) fn command() -> clap::Command {
    exit_code::in_every_help(Arguments::command())
}

/// What this process was called with. Ends it where that is wrong, and where help or the version was asked for.
pub(crate) fn parse() -> Arguments {
    Arguments::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit())
}

const EXAMPLES: &str = "Examples:
  rave doctor
  rave upscale in.mp4 -m model.onnx -o out.mp4
  rave help upscale";

#[derive(Debug, Subcommand)]
// RV-CLI-1004
pub(crate) enum Command {
    /// Run a model on a video or on images
    ///
    /// On the GPU or the CPU, by what is there. Sound, subtitles, chapters and metadata are copied, and every picture keeps
    /// its time. A run that was stopped, in whatever way, goes on with --resume.
    #[command(after_long_help = upscale::arguments::EXAMPLES)]
    Upscale(Box<upscale::arguments::Upscale>),
    /// Measure decoding, the engine and encoding alone, and all of them together
    #[command(after_long_help = bench::EXAMPLES)]
    Bench(bench::Bench),
    /// Build a TensorRT engine of an ONNX model
    ///
    /// The model is checked, parsed and built by the TensorRT of this machine in a process of its own; what the model or
    /// TensorRT lacks is said by name. The engine appears when it is whole: Ctrl-C ends the build within a second and
    /// leaves nothing.
    #[command(after_long_help = build::arguments::EXAMPLES)]
    Build(build::arguments::Build),
    /// Tell how close an engine comes to the model that it was built of
    ///
    /// The same pictures go through the engine on the GPU and through the model on the CPU.
    #[command(after_long_help = check::EXAMPLES)]
    Check(check::CheckEngine),
    /// Tell what a model, an engine or a film is, and what it needs
    ///
    /// Of an engine, tensors, profiles and contract are told where there is a GPU and a TensorRT that loads it.
    #[command(after_long_help = info::EXAMPLES)]
    Info(info::Info),
    /// Show one frame of a film before and after, side by side
    ///
    /// To the left is the frame at the size of the result, by bicubic interpolation, to the right what the model makes of
    /// it, on the GPU or the CPU, as in a whole film.
    #[command(after_long_help = crate::preview::EXAMPLES)]
    Preview(Preview),
    /// Check driver, GPUs and libraries: each line is ok, or says what to do
    ///
    /// The exit code is 0 when every line is ok, and 1 when there is something to do.
    #[command(after_long_help = DOCTOR_EXAMPLES)]
    Doctor,
    /// Look after the engines that were built on first use
    #[command(after_long_help = CACHE_EXAMPLES)]
    Cache {
        /// The cache's folder; $XDG_CACHE_HOME/rave or ~/.cache/rave by default
        #[arg(long, global = true, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        #[command(subcommand)]
        action: CacheAction,
    },
    /// Look into the evidence that a run left
    ///
    /// The filter writes a ledger with its option ledger=FILE.
    #[command(after_long_help = LEDGER_EXAMPLES)]
    Ledger {
        #[command(subcommand)]
        action: LedgerAction,
    },
    /// Run again what a ledger tells of, and name the first frame that differs
    ///
    /// The model and the input must be those of the run, and are compared by their SHA-256.
    #[command(after_long_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Print the completion script of a shell
    #[command(after_long_help = "Example:\n  rave completions bash > /etc/bash_completion.d/rave")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages into a folder
    #[command(after_long_help = "Example:\n  rave man /usr/local/share/man/man1")]
    Man {
        /// The folder, which must be there
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheAction {
    /// List what is there, the most recently used first
    #[command(after_long_help = "Example:\n  rave cache list")]
    List,
    /// Check every byte of it
    #[command(after_long_help = "Example:\n  rave cache verify --folder /srv/engines")]
    Verify,
    /// Remove damaged engines and the least recently used, until the rest is small enough
    #[command(after_long_help = "Example:\n  rave cache prune --max 2G")]
    Prune {
        /// What may stay, such as 500M or 2G
        #[arg(long, value_name = "BYTES", default_value = "10G", value_parser = bytes)]
        max: u64,
    },
    /// Remove everything; engines are built again when they are needed
    #[command(after_long_help = "Example:\n  rave cache clear")]
    Clear,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerAction {
    /// Check that no line was changed, taken out, put in or moved
    #[command(after_long_help = LEDGER_EXAMPLES)]
    Verify {
        /// The ledger
        file: PathBuf,
        /// Take one without its last line, of a run that was killed or goes on
        #[arg(long)]
        unfinished: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The ledger
    pub(crate) ledger: PathBuf,
    /// The frames that the filter got: raw, or y4m; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// The model; where it was then by default
    #[arg(short, long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// The ONNX Runtime library, or TensorRT's if the run was on a GPU; searched for by default, or built in if that was used
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime_lib: Option<PathBuf>,
    /// The lean runtime of an older TensorRT, if one ran the engine
    #[arg(long, value_name = "FILE")]
    pub(crate) lean_runtime: Option<PathBuf>,
    /// CPU threads, 0 for all: results are the same with any number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) threads: usize,
    /// Let the engine bring code for the host, if it did so then: it can do whatever this command can
    #[arg(long)]
    pub(crate) allow_host_code: bool,
    /// Take a ledger without its last line, of a run that was killed or goes on
    #[arg(long)]
    pub(crate) unfinished: bool,
}

const REPLAY_EXAMPLES: &str = "Examples:
  ffmpeg -i in.mp4 -vf rave=model.onnx:ledger=run.jsonl out.mp4
  ffmpeg -i in.mp4 -f rawvideo - | rave replay run.jsonl --input -";

const DOCTOR_EXAMPLES: &str = "Examples:
  rave doctor
  RAVE_TENSORRT_LIB=/opt/tensorrt/lib/libnvinfer.so.10 rave doctor";

const LEDGER_EXAMPLES: &str = "Examples:
  rave ledger verify run.jsonl
  rave ledger verify --unfinished run.jsonl      of a run that goes on, or was killed";

const CACHE_EXAMPLES: &str = "Examples:
  rave cache list
  rave cache verify
  rave cache prune --max 2G";

/// What stands for white in a model's tensors; 0 is black.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Values {
    /// 1
    Unit,
    /// 255
    Byte,
}

impl Values {
    pub(crate) fn range(self) -> ValueRange {
        match self {
            Values::Unit => ValueRange::Unit,
            Values::Byte => ValueRange::Byte,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every command by its name in full, such as `rave cache list`: clap's own list.
    pub(crate) fn all() -> Vec<(String, clap::Command)> {
        fn add(name: &str, command: &clap::Command, all: &mut Vec<(String, clap::Command)>) {
            all.push((name.to_owned(), command.clone()));
            for below in command.get_subcommands() {
                add(&format!("{name} {}", below.get_name()), below, all);
            }
        }
        let mut all = Vec::new();
        add("rave", &command(), &mut all);
        all
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    /// RV-CLI-1002, RV-CLI-1004
    #[test]
    fn every_help_ends_with_examples_of_its_own_and_the_exit_codes() {
        for (name, mut command) in all() {
            let help = command.render_long_help().to_string();
            let (_, end) = help.split_once("\nExample").unwrap_or_else(|| panic!("{name}: {help}"));
            let (examples, codes) =
                end.split_once("\n\nExit codes:\n").unwrap_or_else(|| panic!("{name}: {end}"));
            assert!(examples.contains(&name), "{name}: {examples}");
            assert_eq!(format!("Exit codes:\n{}", codes.trim_end()), exit_code::help(), "{name}");
        }
        let names: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
        assert!(
            ["rave", "rave doctor", "rave ledger verify"].iter().all(|name| names.contains(&(*name).into()))
        );
    }
}
