//! The ledger as programs in C have it.

use rave_ledger::{Act, Digest, Ending, Event, verify_file};
use rave_tests::command::succeed;
use rave_tests::ffmpeg::golden_model;

use crate::misuse::each_build;

/// Frame `number` as tests/c/ledger.c makes it.
fn picture(number: u32) -> Vec<u8> {
    let mut seed = number;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8 | 1
    };
    (0..16 * 16 * 3).map(|_| next()).collect()
}

/// RV-FFI-1011, RV-FFI-1012
#[test]
fn a_program_gets_the_ledger_that_it_asks_for_and_is_told_of_lost_frames() {
    each_build("ledger.c", |program| {
        let folder = tempfile::tempdir().unwrap();
        succeed(program.command().arg(golden_model("nan-of-zero")).arg(folder.path()));
        let mut events = Vec::new();
        let verified = verify_file(&folder.path().join("run.jsonl"), |entry| {
            events.push(entry.record.event);
            Ok(())
        })
        .unwrap();
        assert_eq!((verified.ending, verified.lines), (Ending::Closed, 11));
        let frames: Vec<_> =
            events.iter().filter_map(|e| if let Event::Frame(f) = e { Some(f) } else { None }).collect();
        assert_eq!(frames.iter().map(|frame| frame.frame).collect::<Vec<_>>(), [0, 2, 5]);
        for frame in frames {
            let expected = Digest::of(picture(frame.frame as u32));
            assert_eq!((frame.input, frame.output), (expected, expected), "the model changes nothing");
        }
        let lost = |event: &Event| match event {
            Event::Act(Act::FrameLost { frame, .. }) => Some(*frame),
            _ => None,
        };
        assert_eq!(events.iter().filter_map(lost).collect::<Vec<_>>(), [1, 3]);
    });
}
