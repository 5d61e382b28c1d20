//! Runs that are stopped and go on. Kills of a whole process are in rave-cli.

#[path = "common/clips.rs"]
mod clips;

use std::path::Path;
use std::time::Duration;

use clips::{Clips, engine};
use rave_core::{Result, Status};
use rave_pipeline::{CancellationToken, Picture, Summary, Upscale, in_place};

/// A run in segments of 7 pictures, which is cancelled after `until`.
fn run(upscale: Upscale, resume: bool, until: Option<u64>) -> Result<Summary> {
    let token = CancellationToken::new();
    let cancel = token.clone();
    upscale
        .segment(7)
        .resumable(resume)
        .cancelled_by(&token)
        .on_progress(Duration::ZERO, move |progress| {
            if Some(progress.frames) == until {
                cancel.cancel();
            }
        })
        .run()
}

/// RV-PIPE-3101, RV-PIPE-3102, RV-PIPE-3104
#[test]
fn what_was_stopped_goes_on_after_its_last_segment_and_gives_the_same_stream() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 30, &["-bf", "2"]);
    let (whole, pieces) = (clips.path("whole.mp4"), clips.path("pieces.mp4"));
    let engine = engine("dyadic-2x");
    let upscale =
        |output: &str| engine.upscale(&input).output(output).preset("ultrafast").encoder_option("bf", "2");
    let summary = run(upscale(&whole), false, None).unwrap();
    assert_eq!((summary.frames, summary.facts.resumed), (30, 0));

    // Stopped in the second segment, in the third, and in the last.
    let mut computed = 0;
    for (until, kept) in [(10, 7), (17, 14), (29, 28)] {
        let error = run(upscale(&pieces), computed > 0, Some(until)).unwrap_err();
        assert_eq!(error.status(), Status::Cancelled);
        assert!(!Path::new(&pieces).exists());
        computed = kept;
        let error = run(upscale(&pieces), false, None).unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
    }
    let summary = run(upscale(&pieces), true, None).unwrap();
    assert_eq!((summary.frames, summary.facts.resumed, summary.metrics.frames), (30, 28, 2));
    assert_eq!(clips.pictures(&pieces), clips.pictures(&whole));
    assert_eq!(clips.sound(&pieces), clips.sound(&whole));
    assert_eq!(clips.sound(&pieces), clips.sound(&input));
    assert_eq!(std::fs::read(&pieces).unwrap(), std::fs::read(&whole).unwrap(), "byte for byte");
    assert_eq!(clips.names(), ["in.mp4", "pieces.mp4", "whole.mp4"]);
}

/// RV-PIPE-3102
#[test]
fn a_run_in_segments_has_the_pictures_and_times_of_one_without() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 40, &["-bf", "2"]);
    let (whole, pieces) = (clips.path("whole.mp4"), clips.path("pieces.mp4"));
    let part = |output: &str| {
        let upscale = engine("identity-1x").upscale(&input).output(output).quality(0.0);
        upscale.start(Duration::from_millis(400)).length(Duration::from_millis(800))
    };
    part(&whole).run().unwrap();
    run(part(&pieces), false, None).unwrap();
    assert_eq!(clips.pictures(&pieces), clips.pictures(&whole));
    assert_eq!(clips.pictures(&pieces).len(), 20);
    assert_eq!(clips.sound(&pieces), clips.sound(&whole));
}

/// RV-PIPE-3103
#[test]
fn another_input_model_or_option_is_refused_by_name() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let output = clips.path("out.mp4");
    let upscale = |model| engine(model).upscale(&input).output(&output);
    run(upscale("replicate-2x"), false, Some(10)).unwrap_err();
    let refused = |upscale: Upscale, what: &str| {
        let error = run(upscale, true, None).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(upscale("dyadic-2x"), "another model");
    refused(upscale("replicate-2x").quality(30.0), "another options");
    refused(upscale("replicate-2x").before("mine", in_place(|_: &mut Picture| Ok(()))), "another options");
    let mut bytes = std::fs::read(&input).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&input, &bytes).unwrap();
    refused(upscale("replicate-2x"), "another input");
    bytes[last] ^= 1;
    std::fs::write(&input, &bytes).unwrap();
    let summary = run(upscale("replicate-2x").dedup(true), true, None).unwrap();
    assert_eq!((summary.frames, summary.facts.resumed), (20, 7));
}

/// RV-PIPE-3102
#[test]
fn a_segment_that_is_not_whole_is_made_again() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let (whole, pieces) = (clips.path("whole.mp4"), clips.path("pieces.mp4"));
    let upscale = |output: &str| engine("replicate-2x").upscale(&input).output(output);
    run(upscale(&whole), false, None).unwrap();
    run(upscale(&pieces), false, Some(17)).unwrap_err();
    let segment = Path::new(&pieces).with_file_name("pieces.mp4.rave-unfinished").join("000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert_eq!(run(upscale(&pieces), true, None).unwrap().facts.resumed, 7);
    assert_eq!(std::fs::read(&pieces).unwrap(), std::fs::read(&whole).unwrap());
}

/// RV-PIPE-3105
#[test]
fn what_is_no_file_cannot_be_resumed_and_runs_as_ever() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 3, &[]);
    let upscale = || engine("replicate-2x").upscale(&input).output(clips.path("x-%d.png"));
    assert_eq!(run(upscale(), true, None).unwrap_err().status(), Status::InvalidParameter);
    run(upscale(), false, None).unwrap();
    assert_eq!(clips.names(), ["in.mp4", "x-1.png", "x-2.png", "x-3.png"]);
}
