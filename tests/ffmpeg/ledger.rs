//! The evidence that the filter leaves, held to what FFmpeg itself says of the same frames.

use std::path::Path;

use rave_ledger::{Act, Ending, Event, FrameDone, verify_file};
use rave_tests::ffmpeg::{builds, newest};

use crate::raw::{Clip, named, rave};

/// The events of a ledger, which must be whole.
fn events(path: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let verified = verify_file(path, |entry| {
        events.push(entry.record.event);
        Ok(())
    });
    assert_eq!(verified.unwrap().ending, Ending::Closed);
    events
}

fn frames(events: &[Event]) -> Vec<&FrameDone> {
    events
        .iter()
        .filter_map(|event| if let Event::Frame(frame) = event { Some(frame) } else { None })
        .collect()
}

/// RV-FILT-1113, RV-LEDGER-1101
#[test]
fn the_hashes_of_frames_are_those_that_ffmpeg_gives_before_and_after_the_filter() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        for format in ["yuv420p", "p010le", "rgb24", "gray12le"] {
            let clip = Clip::noise(named(format), (37, 23), 4);
            let before = clip.hashed(&ffmpeg, "null").ok().frame_hashes();
            let filter = rave("dyadic-2x", &format!(":ledger={}", path.display()));
            let after = clip.hashed(&ffmpeg, &filter).ok().frame_hashes();
            let events = events(&path);
            let frames = frames(&events);
            let hashes = |side: fn(&FrameDone) -> rave_ledger::Digest| {
                frames.iter().map(|frame| side(frame).to_string()).collect::<Vec<_>>()
            };
            assert_eq!(hashes(|frame| frame.input), before, "{format} on FFmpeg {}", ffmpeg.version);
            assert_eq!(hashes(|frame| frame.output), after, "{format} on FFmpeg {}", ffmpeg.version);
        }
    }
}

/// RV-FILT-1113, RV-ENG-1604, RV-LEDGER-1001
#[test]
fn equal_runs_leave_equal_records_on_one_two_and_seven_threads() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("yuv420p"), (70, 40), 7);
    let records = |threads: u32| -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let options = format!(":threads={threads}:ledger_every=3:ledger={}", path.display());
        let _ = clip.hashed(&ffmpeg, &rave("dyadic-2x", &options)).ok();
        assert_eq!(frames(&events(&path)).len(), 3);
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(|line| line.split_once(",\"meta\":").unwrap().0.to_owned()).collect()
    };
    let one = records(1);
    for threads in [1, 2, 7] {
        assert_eq!(one, records(threads), "{threads} threads");
    }
}

/// RV-FILT-1113
#[test]
fn a_graph_that_is_rebuilt_goes_on_with_its_ledger() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let filter = rave("identity-1x", &format!(":ledger={}", path.display()));
    let stream = crate::behaviour::changing_stream(&ffmpeg, &folder, ["96x80", "yuv420p"]);
    let stream = stream.to_string_lossy();
    let _ = ffmpeg.run(["-i", &*stream, "-vf", &filter, "-f", "null", "-"]).ok();
    let events = events(&path);
    assert_eq!(frames(&events).len(), 20);
    let sessions: Vec<_> = events
        .iter()
        .filter_map(|e| if let Event::Session(s) = e { Some(s.input_size) } else { None })
        .collect();
    assert_eq!((sessions[0], sessions[sessions.len() - 1]), ([64, 48], [96, 80]));
}

/// A clip of five frames without a 0, but for those in `holes`.
fn clip_with_holes(holes: &[usize]) -> Clip {
    const FRAME: usize = 20 * 12 * 3;
    let mut bytes: Vec<u8> = (0..5 * FRAME).map(|i| (i * 7 % 255 + 1) as u8).collect();
    holes.iter().for_each(|frame| bytes[frame * FRAME + 100] = 0);
    Clip::of(named("rgb24"), (20, 12), &bytes)
}

/// RV-FILT-1114, RV-ENG-1602, RV-ENG-1605
#[test]
fn in_hardened_mode_a_frame_without_a_result_is_left_out_and_the_others_are_as_they_were() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let whole = clip_with_holes(&[]).hashed(&ffmpeg, &rave("nan-of-zero", "")).ok().frame_hashes();
        let clip = clip_with_holes(&[2]);
        let strict = clip.hashed(&ffmpeg, &rave("nan-of-zero", ""));
        assert_eq!(strict.code, Some(187), "{}", strict.stderr);

        for more in ["", ":dedup=exact"] {
            let options = format!(":mode=hardened:ledger={}{more}", path.display());
            let run = clip.hashed(&ffmpeg, &rave("nan-of-zero", &options)).ok();
            let expected: Vec<_> = [0, 1, 3, 4].map(|frame: usize| whole[frame].clone()).into();
            assert_eq!(run.frame_hashes(), expected, "FFmpeg {}", ffmpeg.version);
            assert!(run.stderr.contains("the frame is left out"), "{}", run.stderr);
            let lost = |event: &Event| matches!(event, Event::Act(Act::FrameLost { frame: 2, .. }));
            assert_eq!(events(&path).iter().filter(|event| lost(event)).count(), 1);
        }

        let two = clip_with_holes(&[2, 3]).hashed(&ffmpeg, &rave("nan-of-zero", ":mode=hardened"));
        assert_eq!(two.code, Some(187), "{}", two.stderr);
        assert!(two.stderr.contains("INFERENCE_FAILED") && two.stderr.contains("frame 3"), "{}", two.stderr);
    }
}

/// RV-FILT-1113, RV-FILT-1101
#[test]
fn a_ledger_that_cannot_be_written_is_an_error_at_once() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("link")).unwrap();
    let clip = Clip::noise(named("rgb24"), (16, 16), 1);
    for (name, code, words) in
        [("link", 243, "UNTRUSTED"), ("none/run.jsonl", 254, "FILE_NOT_FOUND"), (".", 251, "[IO]")]
    {
        let path = folder.path().join(name);
        let run = clip.hashed(&ffmpeg, &rave("identity-1x", &format!(":ledger={}", path.display())));
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["link"], "nothing was written");
}
