//! Raw clips as input: made here, so that no other converter takes part in what a hash stands for.

use std::path::PathBuf;

use rave_tests::ffmpeg::{Ffmpeg, Run, golden_model};
use rave_tests::pictures::samples;
use tempfile::TempDir;

/// A pixel format as the tests need it: FFmpeg's name, samples per pixel times 2, and how samples are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) name: &'static str,
    depth: u32,
    shift: u32,
    /// Samples of a frame of this many columns and rows.
    count: fn(usize, usize) -> usize,
}

const fn format(name: &'static str, depth: u32, shift: u32, count: fn(usize, usize) -> usize) -> Format {
    Format { name, depth, shift, count }
}

fn yuv420(w: usize, h: usize) -> usize {
    w * h + 2 * w.div_ceil(2) * h.div_ceil(2)
}

fn yuv422(w: usize, h: usize) -> usize {
    w * h + 2 * w.div_ceil(2) * h
}

fn three(w: usize, h: usize) -> usize {
    3 * w * h
}

fn one(w: usize, h: usize) -> usize {
    w * h
}

/// Every format that the filter promises for frames in host memory.
pub(crate) const FORMATS: [Format; 22] = [
    format("yuv420p", 8, 0, yuv420),
    format("yuv422p", 8, 0, yuv422),
    format("yuv444p", 8, 0, three),
    format("yuv420p10le", 10, 0, yuv420),
    format("yuv422p10le", 10, 0, yuv422),
    format("yuv444p10le", 10, 0, three),
    format("yuv420p12le", 12, 0, yuv420),
    format("yuv422p12le", 12, 0, yuv422),
    format("yuv444p12le", 12, 0, three),
    format("yuv444p16le", 16, 0, three),
    format("nv12", 8, 0, yuv420),
    format("p010le", 10, 6, yuv420),
    format("rgb24", 8, 0, three),
    format("bgr24", 8, 0, three),
    format("gbrp", 8, 0, three),
    format("gbrp10le", 10, 0, three),
    format("gbrp12le", 12, 0, three),
    format("gbrp16le", 16, 0, three),
    format("gray", 8, 0, one),
    format("gray10le", 10, 0, one),
    format("gray12le", 12, 0, one),
    format("gray16le", 16, 0, one),
];

/// A clip of noise in a file.
#[derive(Debug)]
pub(crate) struct Clip {
    _folder: TempDir,
    path: PathBuf,
    format: Format,
    size: (usize, usize),
}

/// The format called `name`.
pub(crate) fn named(name: &str) -> Format {
    FORMATS.into_iter().find(|format| format.name == name).expect("a format of FORMATS")
}

impl Clip {
    /// `frames` frames of noise.
    pub(crate) fn noise(format: Format, size: (usize, usize), frames: usize) -> Self {
        let count = (format.count)(size.0, size.1) * frames;
        Clip::of(format, size, &samples(size.0 as u64, count, format.depth, format.shift))
    }

    /// The frames that `bytes` hold.
    pub(crate) fn of(format: Format, size: (usize, usize), bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.raw");
        std::fs::write(&path, bytes).unwrap();
        Clip { _folder: folder, path, format, size }
    }

    /// The arguments that make the clip FFmpeg's input.
    pub(crate) fn input(&self) -> Vec<String> {
        let size = format!("{}x{}", self.size.0, self.size.1);
        let path = self.path.to_string_lossy().into_owned();
        [
            "-f",
            "rawvideo",
            "-pix_fmt",
            self.format.name,
            "-video_size",
            &size,
            "-framerate",
            "25",
            "-i",
            &path,
        ]
        .map(str::to_string)
        .to_vec()
    }

    /// Runs `filters` over the clip and returns the run, with a SHA-256 of each frame on standard output.
    pub(crate) fn hashed(&self, ffmpeg: &Ffmpeg, filters: &str) -> Run {
        let mut args = self.input();
        args.extend(["-vf", filters, "-f", "framehash", "-hash", "sha256", "-"].map(str::to_string));
        ffmpeg.run(args)
    }

    /// Runs `filters` over the clip and returns the raw frames.
    pub(crate) fn raw(&self, ffmpeg: &Ffmpeg, filters: &str) -> Vec<u8> {
        let mut args = self.input();
        args.extend(["-vf", filters, "-f", "rawvideo", "-"].map(str::to_string));
        ffmpeg.run(args).ok().stdout
    }
}

/// The filter with a golden model and further options, such as `:threads=2`.
pub(crate) fn rave(model: &str, options: &str) -> String {
    format!("rave={}{options}", golden_model(model).display())
}
