//! Sequences of calls that nobody would write: those of `tests/c/sequences`, and others that follow from seeds.

use std::path::{Path, PathBuf};

use rave_tests::compiler::source;
use rave_tests::ffmpeg::golden_model;

use crate::misuse::each_build;

/// How many sequences are made up; `RAVE_DEEP=1` makes twenty times as many.
const SEEDS: u64 = 150;

/// The bytes of sequence `seed`. Half of them begin as a sensible program does, so that more than refusals is reached.
fn sequence(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let mut bytes = Vec::new();
    if seed.is_multiple_of(2) {
        // A context, the second model, a session of it.
        bytes.extend([0, 0, 0, 1, 0, 0, 1, 0, 2, 0, 0, 0]);
    }
    for _ in 0..below(400) {
        // Small numbers choose what is there, the others what is strange.
        let strange = below(4) == 0;
        bytes.push(if strange { below(256) } else { below(8) } as u8);
    }
    bytes
}

fn corpus() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(source("sequences")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Writes the sequences of all seeds into `folder`.
fn made_up(folder: &Path) -> Vec<PathBuf> {
    let seeds = if rave_tests::deep() { 20 * SEEDS } else { SEEDS };
    (0..seeds)
        .map(|seed| {
            let path = folder.join(format!("seed-{seed}"));
            std::fs::write(&path, sequence(seed)).unwrap();
            path
        })
        .collect()
}

/// A failure names the file, and with it the seed.
///
/// RV-FFI-1015, RV-FUZZ-1004
#[test]
fn any_sequence_of_calls_ends_in_statuses() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = corpus().into_iter().chain(made_up(folder.path())).collect();
    each_build("sequence.c", |program| {
        for files in files.chunks(50) {
            let mut command = program.command();
            let output = command
                .args([golden_model("identity-1x"), golden_model("replicate-2x")])
                .args(files)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let last = files.last().map(|file| file.display().to_string()).unwrap_or_default();
            assert!(output.status.success(), "{}, of the files up to {last}:\n{said}", output.status);
        }
    });
}
