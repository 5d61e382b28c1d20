//! Running the FFmpeg builds of `scripts/build-ffmpeg.sh`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The FFmpeg versions that the filter is patched into.
pub const VERSIONS: [&str; 3] = ["9.0", "8.1", "7.1"];

/// One build of FFmpeg with the filter.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// Its version, one of [`VERSIONS`].
    pub version: &'static str,
    folder: PathBuf,
}

/// How a run of FFmpeg ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` when a signal ended the process.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// What was logged.
    pub stderr: String,
    command: String,
}

/// Every build that is there, of the versions in `RAVE_FFMPEG_VERSIONS` (all by default). With `RAVE_REQUIRE_FFMPEG=1` a missing one is a failure, otherwise it is said and left
/// out.
///
/// # Panics
/// When a build is missing and required.
#[must_use]
pub fn builds() -> Vec<Ffmpeg> {
    let required = std::env::var_os("RAVE_REQUIRE_FFMPEG").is_some_and(|value| value == "1");
    let wanted = std::env::var("RAVE_FFMPEG_VERSIONS").unwrap_or_else(|_| VERSIONS.join(" "));
    VERSIONS
        .into_iter()
        .filter(|version| wanted.split_whitespace().any(|other| other == *version))
        .filter_map(|version| {
            let folder = crate::build_dir().join(format!("ffmpeg-{version}/bin"));
            if folder.join("ffmpeg").is_file() {
                return Some(Ffmpeg { version, folder });
            }
            assert!(!required, "FFmpeg {version} is not built: run scripts/build-ffmpeg.sh {version}");
            eprintln!("skipped: FFmpeg {version} is not built (scripts/build-ffmpeg.sh {version})");
            None
        })
        .collect()
}

/// The newest build that is there, for what need not be seen on every version.
#[must_use]
pub fn newest() -> Option<Ffmpeg> {
    builds().into_iter().next()
}

/// A golden model of `tests/golden/models`.
///
/// # Panics
/// When there is no such model.
#[must_use]
pub fn golden_model(name: &str) -> PathBuf {
    let path = crate::root().join(format!("tests/golden/models/{name}.onnx"));
    assert!(path.is_file(), "{} is there", path.display());
    path
}

/// The real clip, and the real model called `model`, that `scripts/fetch.sh` fetches.
///
/// # Panics
/// When they are not there and `RAVE_REQUIRE_FFMPEG=1`.
#[must_use]
pub fn clip_and_model(model: &str) -> Option<(String, String)> {
    let deps = crate::build_dir().join("deps");
    let files = [deps.join("clips/bigbuckbunny.mp4"), deps.join(format!("models/{model}.onnx"))];
    if files.iter().all(|file| file.is_file()) {
        let [clip, model] = files.map(|file| file.to_string_lossy().into_owned());
        return Some((clip, model));
    }
    let required = std::env::var_os("RAVE_REQUIRE_FFMPEG").is_some_and(|value| value == "1");
    assert!(!required, "{files:?}: run scripts/fetch.sh all");
    eprintln!("skipped: no clip or model (scripts/fetch.sh all)");
    None
}

impl Ffmpeg {
    /// Runs `ffmpeg -hide_banner -nostdin ARGS` in a clean environment.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Run {
        self.run_with(args, |_| {})
    }

    /// As [`Ffmpeg::run`], with a last word on the command.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn run_with<I: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        prepare: impl FnOnce(&mut Command),
    ) -> Run {
        let mut command = self.command();
        command.args(args);
        prepare(&mut command);
        self.run_as(command)
    }

    /// Runs `command`, which starts this program in a way of its own.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run_as(&self, mut command: Command) -> Run {
        let text = format!("{command:?}");
        Run::of(command.output().expect("ffmpeg starts"), text)
    }

    /// The command that [`Ffmpeg::run`] would run, without arguments of its own.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("ffmpeg"));
        command.args(["-hide_banner", "-nostdin", "-nostats", "-y"]).stdin(Stdio::null());
        command
    }

    /// A copy of the program in `folder`, where users may run it who cannot enter the build folder.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn copied_to(&self, folder: &Path) -> Self {
        std::fs::copy(self.folder.join("ffmpeg"), folder.join("ffmpeg")).expect("ffmpeg can be copied");
        Ffmpeg { version: self.version, folder: folder.to_path_buf() }
    }

    /// Runs ffprobe and returns its standard output.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn probe(&self, args: &[&str], file: &Path) -> String {
        let output = Command::new(self.folder.join("ffprobe"))
            .args(["-v", "error"])
            .args(args)
            .arg(file)
            .output()
            .expect("ffprobe starts");
        assert!(output.status.success(), "ffprobe: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("ffprobe prints text")
    }
}

impl Run {
    fn of(output: Output, command: String) -> Self {
        Run {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command,
        }
    }

    /// The run itself, when it succeeded.
    ///
    /// # Panics
    /// When it did not; the message holds the command and the log.
    #[must_use]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.command, self.stderr);
        self
    }

    /// The hash of each video frame, from `-f framehash` on standard output.
    ///
    /// # Panics
    /// When standard output is no framehash.
    #[must_use]
    pub fn frame_hashes(&self) -> Vec<String> {
        let text = std::str::from_utf8(&self.stdout).expect("framehash prints text");
        assert!(text.starts_with("#format: frame checksums"), "{text}");
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit(',').next().unwrap_or_default().trim().to_string())
            .collect()
    }
}
