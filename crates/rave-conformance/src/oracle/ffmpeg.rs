//! FFmpeg in a process: its swscale, its nearest-neighbour scaler, and what its filter rave answers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::color::Color;
use crate::picture::Picture;

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Ffmpeg {
    program: PathBuf,
    version: String,
}

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ffmpeg {
    /// The FFmpeg at `program`.
    ///
    /// # Errors
    /// [`Status::FileNotFound`] when it is not there or does not run.
    pub(crate) fn at(program: &Path) -> Result<Self> {
        let missing = |why: String| {
            Error::new(Status::FileNotFound, format!("FFmpeg at {}: {why}", program.display())).help(
                "build it with scripts/build-ffmpeg.sh, or name one that has the filter rave by --ffmpeg",
            )
        };
        let output =
            Command::new(program).arg("-version").output().map_err(|error| missing(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split(" Copyright").next().unwrap_or_default().replace("ffmpeg version", "FFmpeg");
        if !output.status.success() || version.is_empty() {
            return Err(missing(format!("-version: {}", output.status)));
        }
        Ok(Ffmpeg { program: program.into(), version })
    }

    /// Its name and version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Runs one raw frame of `format` through `filters`, and gives what comes out as raw frames of the last filter's
    /// format.
    ///
    /// # Errors
    /// When the process cannot be run.
    pub(crate) fn run(&self, format: &str, size: Size, frame: &[u8], filters: &str) -> Result<Run> {
        let failed = |error: std::io::Error| Error::io(&self.program, &error);
        let mut command = Command::new(&self.program);
        command.args(["-hide_banner", "-nostdin", "-nostats", "-v", "warning", "-f", "rawvideo"]);
        command.args(["-pix_fmt", format, "-video_size", &size.to_string(), "-i", "pipe:0", "-vf", filters]);
        command.args(["-f", "rawvideo", "pipe:1"]);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut input = process.stdin.take().expect("standard input is a pipe");
        let frame = frame.to_vec();
        // On a thread of its own: neither side then waits for the other to read. A process that ends early, having
        // refused its arguments, leaves a broken pipe, and its exit status says why.
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(&frame);
        });
        let output = process.wait_with_output().map_err(failed)?;
        let _ = writer.join();
        Ok(Run {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// As [`Ffmpeg::run`], of a run that must succeed.
    ///
    /// # Errors
    /// Its log, when it does not.
    pub(crate) fn filtered(&self, format: &str, size: Size, frame: &[u8], filters: &str) -> Result<Vec<u8>> {
        let run = self.run(format, size, frame, filters)?;
        match run.code {
            Some(0) => Ok(run.stdout),
            code => Err(Error::new(
                Status::Unknown,
                format!("{} -vf {filters} exited with {code:?}: {}", self.version, run.stderr.trim_end()),
            )),
        }
    }

    /// The R'G'B' tensor of a frame by swscale, white being 1.
    ///
    /// # Errors
    /// As [`Ffmpeg::filtered`].
    pub(crate) fn tensor(&self, picture: &Picture, color: Color) -> Result<Vec<f32>> {
        let Color { matrix, range, siting } = color;
        let filters = format!(
            "scale=in_color_matrix={}:in_range={}:out_range=full:in_chroma_loc={}:flags={FLAGS},format=gbrpf32le",
            matrix.name(),
            range.name(),
            siting.name(),
        );
        let name = picture.format.name();
        let bytes = self.filtered(name, picture.size, &picture.planes().concat(), &filters)?;
        let pixels = picture.size.pixels() as usize;
        if bytes.len() != 12 * pixels {
            return Err(Error::new(Status::Unknown, format!("swscale gave {} bytes", bytes.len()))
                .expected(format!("{}", 12 * pixels)));
        }
        let plane = |index: usize| {
            bytes[4 * pixels * index..][..4 * pixels]
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("chunks of 4 bytes")))
        };
        // Planes in the order G, B, R.
        Ok(plane(2).chain(plane(0)).chain(plane(1)).collect())
    }

    /// The frame that an R'G'B' tensor makes by swscale.
    ///
    /// # Errors
    /// As [`Ffmpeg::filtered`].
    pub(crate) fn frame(
        &self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
    ) -> Result<Picture> {
        let Color { matrix, range, siting } = color;
        let filters = format!(
            "scale=out_color_matrix={}:in_range=full:out_range={}:out_chroma_loc={}:flags={FLAGS},format={}",
            matrix.name(),
            range.name(),
            siting.name(),
            format.name(),
        );
        let pixels = size.pixels() as usize;
        let order = [1, 2, 0].into_iter().flat_map(|channel: usize| &tensor[channel * pixels..][..pixels]);
        let bytes: Vec<u8> = order.flat_map(|value| value.to_le_bytes()).collect();
        Picture::from_raw(format, size, &self.filtered("gbrpf32le", size, &bytes, &filters)?)
    }

    /// The same samples in another layout.
    ///
    /// # Errors
    /// As [`Ffmpeg::filtered`].
    pub(crate) fn laid_out(&self, picture: &Picture, format: PixelFormat) -> Result<Vec<u8>> {
        let filters = format!("scale=flags={FLAGS},format={}", format.name());
        self.filtered(picture.format.name(), picture.size, &picture.planes().concat(), &filters)
    }
}

/// The straight line between chroma samples, at swscale's full precision.
const FLAGS: &str = "bilinear+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";
