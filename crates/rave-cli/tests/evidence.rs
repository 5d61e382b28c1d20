//! `rave ledger` and `rave replay`, on ledgers that the library wrote.

mod common;

use std::fs;
use std::num::NonZero;
use std::process::{Command, Output};

use common::text;
use rave_core::{ColorTags, Frame, FrameMut, Log, PixelFormat, Size};
use rave_engine::{EMBEDDED, Ledger, LedgerOptions, Model, ModelOptions, Session, SessionOptions};
use rave_ledger::{Digest, EngineFacts, Event, verify_file};
use rave_tests::ffmpeg::golden_model;
use tempfile::TempDir;

const SIZE: Size = Size::new(20, 12);
const FRAME: usize = 20 * 12 + 2 * 10 * 6;
const FRAMES: usize = 7;

/// A run of the golden model dyadic-2x on noise: its folder has `in.yuv` and `run.jsonl`.
fn run(every: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let ledger = LedgerOptions { path: Some(path), every: NonZero::new(every), log: Log::default() };
    let options = ModelOptions {
        runtime_lib: Some(EMBEDDED.into()),
        ledger: Ledger::open(ledger).unwrap(),
        ..ModelOptions::default()
    };
    let model = Model::load(&golden_model("dyadic-2x"), &options).unwrap();
    let geometry = SessionOptions::new(PixelFormat::Yuv420p, SIZE);
    let mut session = Session::new(&model, &geometry, Log::default()).unwrap();
    let pixels: Vec<u8> = (0..FRAMES * FRAME).map(|i| (i * i % 251) as u8).collect();
    for frame in pixels.chunks_exact(FRAME) {
        let planes = [(&frame[..240], 20), (&frame[240..300], 10), (&frame[300..], 10)];
        let input = Frame::new(PixelFormat::Yuv420p, SIZE, ColorTags::default(), &planes).unwrap();
        let (mut luma, mut u, mut v) = (vec![0; 960], vec![0; 240], vec![0; 240]);
        let planes: Vec<(&mut [u8], isize)> = vec![(&mut luma, 40), (&mut u, 20), (&mut v, 20)];
        let mut out = FrameMut::new(PixelFormat::Yuv420p, session.output_size(), planes).unwrap();
        session.process(&input, &mut out).unwrap();
    }
    fs::write(folder.path().join("in.yuv"), pixels).unwrap();
    folder
}

fn rave(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rave")).current_dir(folder).args(arguments).output().unwrap()
}

fn replay(folder: &TempDir, ledger: &str, more: &[&str]) -> Output {
    rave(folder, &[&["replay", ledger, "--input", "in.yuv", "--threads", "1"], more].concat())
}

/// Asserts that a command failed with `code`, and that what it said has all of `words`.
#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

#[track_caller]
fn says(output: &Output, words: &[&str]) {
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

/// Writes the run's ledger once more as `forged.jsonl`, a whole one, with every event changed by `change`.
fn forge(folder: &TempDir, mut change: impl FnMut(&mut Event)) {
    let path = |name: &str| folder.path().join(name);
    let _ = fs::remove_file(path("forged.jsonl"));
    let forged =
        Ledger::open(LedgerOptions { path: Some(path("forged.jsonl")), ..LedgerOptions::default() }).unwrap();
    verify_file(&path("run.jsonl"), |mut entry| {
        change(&mut entry.record.event);
        if !matches!(entry.record.event, Event::Opened(_) | Event::Closed(_)) {
            forged.record_with(entry.record.event, entry.meta);
        }
        Ok(())
    })
    .unwrap();
}

/// RV-CLI-1501
#[test]
fn a_whole_ledger_is_right_and_one_that_was_changed_is_named_by_its_line() {
    let folder = run(1);
    says(&rave(&folder, &["ledger", "verify", "run.jsonl"]), &["12 lines", "7 frames recorded"]);
    let whole = fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let write = |text: &str| fs::write(folder.path().join("run.jsonl"), text).unwrap();
    let verify = |more: &[&str]| rave(&folder, &[&["ledger", "verify", "run.jsonl"], more].concat());

    write(&whole.replacen("\"tiles\":1", "\"tiles\":2", 1));
    fails(&verify(&[]), 243, &["line 3: ", "expected these to be equal"]);
    let lines: Vec<&str> = whole.lines().collect();
    write(&[&lines[..5], &lines[6..]].concat().join("\n"));
    fails(&verify(&[]), 243, &["line 6: it is the record 6", "expected the record 5"]);
    write(&whole[..whole.len() - 1]);
    fails(&verify(&[]), 243, &["no whole line"]);
    write(&(lines[..11].join("\n") + "\n"));
    fails(&verify(&[]), 243, &["has no end", "--unfinished"]);
    says(&verify(&["--unfinished"]), &["11 lines"]);
    fails(&rave(&folder, &["ledger", "verify", "none.jsonl"]), 254, &["none.jsonl"]);
}

/// RV-CLI-1502
#[test]
fn a_run_comes_out_the_same_from_raw_frames_and_from_y4m() {
    for (every, frames) in [(1, "7 frames came out the same"), (3, "3 frames came out the same")] {
        let folder = run(every);
        says(&replay(&folder, "run.jsonl", &[]), &[frames]);
        let raw = fs::read(folder.path().join("in.yuv")).unwrap();
        let frames_of = |frame: &[u8]| [b"FRAME\n", frame].concat();
        let y4m = raw.chunks_exact(FRAME).flat_map(frames_of);
        let y4m: Vec<u8> = b"YUV4MPEG2 W20 H12 F25:1 C420jpeg\n".iter().copied().chain(y4m).collect();
        fs::write(folder.path().join("in.y4m"), y4m).unwrap();
        says(&rave(&folder, &["replay", "run.jsonl", "--input", "in.y4m"]), &[frames]);
    }
}

/// RV-CLI-1502
#[test]
fn the_first_frame_that_differs_is_named() {
    let folder = run(1);
    let planted = [3, 5];
    forge(&folder, |event| {
        if let Event::Frame(frame) = event
            && planted.contains(&frame.frame)
        {
            frame.output = Digest::of("another picture");
        }
    });
    let expected = Digest::of("another picture").to_string();
    fails(&replay(&folder, "forged.jsonl", &[]), 187, &["frame 3: the output", &expected]);
    forge(&folder, |_| {});
    says(&replay(&folder, "forged.jsonl", &[]), &["7 frames came out the same"]);

    forge(&folder, |event| {
        if let Event::Session(session) = event {
            session.tiles = 2;
        }
    });
    fails(&replay(&folder, "forged.jsonl", &[]), 187, &["line 3", "1 tiles", "expected 2 tiles"]);
}

/// RV-CLI-1503: anybody can write a ledger.
#[test]
fn what_a_ledger_says_of_host_code_allows_none() {
    let folder = run(1);
    forge(&folder, |event| {
        if let Event::Model(model) = event {
            model.engine = Some(EngineFacts {
                sha256: Digest::of("an engine"),
                built_by: "TensorRT 10.0.0".into(),
                precision: None,
                lean_runtime: None,
                host_code: true,
            });
        }
    });
    fails(&replay(&folder, "forged.jsonl", &[]), 243, &["line 2", "code for the host", "--allow-host-code"]);
    let allowed = text(&replay(&folder, "forged.jsonl", &["--allow-host-code"]).stderr);
    assert!(!allowed.contains("code for the host"), "{allowed}");
}

/// RV-CLI-1502
#[test]
fn numbers_that_no_run_has_are_refused() {
    let folder = run(1);
    forge(&folder, |event| {
        if let Event::Frame(frame) = event {
            frame.frame = u64::MAX;
        }
    });
    fails(&replay(&folder, "forged.jsonl", &[]), 243, &["more frames than can be counted"]);
    forge(&folder, |event| {
        if let Event::SessionClosed(closed) = event {
            (closed.frames, closed.lost_frames) = (u64::MAX, 1);
        }
    });
    fails(&replay(&folder, "forged.jsonl", &[]), 243, &["more frames than can be counted"]);
}

/// RV-CLI-1502
#[test]
fn another_input_or_model_is_told_from_another_result() {
    let folder = run(1);
    let input = folder.path().join("in.yuv");
    let pixels = fs::read(&input).unwrap();
    let mut changed = pixels.clone();
    changed[4 * FRAME + 7] ^= 1;
    fs::write(&input, &changed).unwrap();
    fails(&replay(&folder, "run.jsonl", &[]), 234, &["frame 4: the input"]);
    fs::write(&input, &pixels[..2 * FRAME]).unwrap();
    fails(&replay(&folder, "run.jsonl", &[]), 234, &["the input ends before frame 2"]);
    fs::write(&input, &pixels[..2 * FRAME + 1]).unwrap();
    fails(&replay(&folder, "run.jsonl", &[]), 251, &["ends within a frame"]);

    let other = golden_model("replicate-2x");
    let digest = Digest::of(fs::read(golden_model("dyadic-2x")).unwrap()).to_string();
    let more = ["--model", other.to_str().unwrap()];
    fails(
        &replay(&folder, "run.jsonl", &more),
        234,
        &["line 2", "replicate-2x.onnx has the SHA-256", &digest],
    );

    let silent = run(0);
    fails(&replay(&silent, "run.jsonl", &[]), 234, &["nothing to compare"]);
}
