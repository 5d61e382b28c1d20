//! Clips to run on, and what ffmpeg says of files.

#![allow(dead_code, reason = "each test file is a crate that uses a part of this")]

use std::path::{Path, PathBuf};

use rave_engine::{EMBEDDED, ModelOptions};
use rave_pipeline::{DeviceChoice, Engine};
use rave_tests::ffmpeg::{Ffmpeg, clip_and_model, golden_model, newest};
use tempfile::TempDir;

/// A folder with clips in it, and the ffmpeg that made them.
pub(crate) struct Clips {
    pub(crate) folder: TempDir,
    pub(crate) ffmpeg: Ffmpeg,
    source: String,
}

impl Clips {
    /// `None` where there is no ffmpeg or clip, which is said.
    pub(crate) fn find() -> Option<Self> {
        let (source, _) = clip_and_model("animevideov3-x2")?;
        Some(Clips { folder: tempfile::tempdir().unwrap(), ffmpeg: newest()?, source })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A small copy of the real clip, `frames` long, with its sound.
    pub(crate) fn small(&self, name: &str, frames: u32, more: &[&str]) -> String {
        let (path, count) = (self.path(name), frames.to_string());
        let seconds = (f64::from(frames) / 25.0).to_string();
        let mut args = vec!["-t", &seconds, "-i", &self.source, "-vf", "scale=96:54", "-frames:v", &count];
        args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy"]);
        args.extend(more);
        args.push(&path);
        self.run(&args);
        path
    }

    /// The hash and the times of every picture.
    pub(crate) fn pictures(&self, path: &str) -> Vec<String> {
        self.lines(&["-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "demux"])
    }

    /// The hash and the times of every packet of sound.
    pub(crate) fn sound(&self, path: &str) -> Vec<String> {
        self.lines(&["-i", path, "-map", "0:a", "-c", "copy"])
    }

    fn lines(&self, args: &[&str]) -> Vec<String> {
        let args: Vec<_> = args.iter().chain(&["-f", "framemd5", "-"]).copied().collect();
        let text = String::from_utf8(self.run(&args)).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    /// What ffmpeg writes to standard output, when it succeeds.
    pub(crate) fn run(&self, args: &[&str]) -> Vec<u8> {
        let run = self.ffmpeg.run(args);
        assert_eq!(run.code, Some(0), "ffmpeg {args:?}: {}", run.stderr);
        run.stdout
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A golden model on the CPU, in the runtime that is built in.
pub(crate) fn engine(model: &str) -> Engine {
    engine_with(&golden_model(model), 1)
}

pub(crate) fn engine_with(model: &PathBuf, threads: usize) -> Engine {
    let options = ModelOptions { runtime_lib: Some(EMBEDDED.into()), threads, ..ModelOptions::default() };
    Engine::load(model, DeviceChoice::Cpu, &options).unwrap()
}
