//! A stream whose size changes with every picture. FFmpeg ends all filters each time, and makes them anew.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use rave_tests::ffmpeg::{Ffmpeg, Run, newest};
use rave_tests::pictures::noise;

use crate::raw::rave;

const SIZES: [(usize, usize); 2] = [(160, 120), (128, 96)];
const FEW: usize = 20;
const MANY: usize = 200;

/// By how much the peak may grow beyond FFmpeg's own growth, in KiB: what peaks differ by from run to run, several times
/// over. A tensor of the smaller size that stays behind with each of the changes is six times as much.
const TOLERANCE: u64 = 4 * 1024;

/// A file of noise with so many changes of size, each picture another one.
fn stream(path: &Path, changes: usize) {
    let mut file = std::fs::File::create(path).unwrap();
    for number in 0..=changes {
        let (width, height) = SIZES[number % SIZES.len()];
        write!(file, "P6\n{width} {height}\n255\n").unwrap();
        file.write_all(&noise(number as u64, 3 * width * height)).unwrap();
    }
}

/// Hashes of the pictures after `filter`; FFmpeg brings all to the size of the first. In a process whose peak of memory is
/// its own: that of the process that becomes it, this one, would count otherwise.
fn run(ffmpeg: &Ffmpeg, stream: &Path, filter: &str) -> Run {
    let inner = ffmpeg.command();
    let mut command = Command::new("sh");
    command.args(["-c", "\"$@\"; exit $?", "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.args(["-v", "verbose", "-benchmark", "-f", "ppm_pipe", "-i"]).arg(stream);
    command.args(["-vf", filter, "-fps_mode", "passthrough", "-f", "framehash", "-hash", "sha256", "-"]);
    ffmpeg.run_as(command).ok()
}

/// By how many KiB the peak is higher after many changes than after few.
fn growth(few: &Run, many: &Run) -> u64 {
    peak(many).saturating_sub(peak(few))
}

/// The most memory that a run had, in KiB.
fn peak(run: &Run) -> u64 {
    let (_, rest) = run.stderr.split_once("maxrss=").expect("-benchmark tells the peak");
    rest.split_once("KiB").expect("in KiB").0.parse().unwrap()
}

/// By ONNX Runtime where it is, and by the embedded runtime.
///
/// RV-FILT-1103, RV-FILT-1117, RV-ENG-1004
#[test]
fn two_hundred_changes_of_size_load_a_model_once_lose_no_frame_and_take_no_more_memory() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [few, many] = [FEW, MANY].map(|changes| {
        let path = folder.path().join(format!("{changes}.ppm"));
        stream(&path, changes);
        path
    });
    let [plain_few, plain] = [&few, &many].map(|stream| run(&ffmpeg, stream, "null"));
    let (expected, allowed) = (plain.frame_hashes(), growth(&plain_few, &plain) + TOLERANCE);
    for runtime in ["", ":runtime_lib=embedded"] {
        let filter = rave("identity-1x", &format!(":threads=2{runtime}"));
        let [few, many] = [&few, &many].map(|stream| run(&ffmpeg, stream, &filter));
        let hashes = many.frame_hashes();
        assert_eq!(hashes.len(), MANY + 1);
        assert_eq!(hashes, expected, "`{runtime}`");
        assert_eq!(few.frame_hashes(), expected[..=FEW], "`{runtime}`");

        // A sentence of each graph: the first loads the model, and all others find it.
        assert_eq!(many.stderr.matches(".onnx loaded: ").count(), 1, "{}", many.stderr);
        assert_eq!(many.stderr.matches(".onnx already loaded: ").count(), MANY, "{}", many.stderr);

        let growth = growth(&few, &many);
        assert!(growth < allowed, "`{runtime}`: {growth} KiB more after {MANY} changes than after {FEW}");
    }
}
