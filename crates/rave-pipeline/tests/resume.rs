//! Runs that are stopped and go on. Kills of a whole process are in rave-cli.

#[path = "common/clips.rs"]
mod clips;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clips::{Clips, engine, names};
use rave_core::{Result, Status};
use rave_pipeline::{CancellationToken, MemorySink, Picture, Summary, Upscale, in_place};

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

/// RV-PIPE-2202
#[test]
fn what_is_complete_is_not_replaced_by_a_run_that_has_nothing_to_go_on_with() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 5, &[]);
    let engine = engine("dyadic-2x");
    for (output, made) in [("out.mp4", "out.mp4"), ("%d.png", "3.png")] {
        let (output, made) = (clips.path(output), clips.path(made));
        run(engine.upscale(&input).output(&output), true, None).unwrap();
        std::fs::write(&made, "somebody's").unwrap();
        let error = run(engine.upscale(&input).output(&output), true, None).unwrap_err();
        assert!(error.to_string().contains("--overwrite"), "{error}");
        assert_eq!(std::fs::read(&made).unwrap(), b"somebody's");
        run(engine.upscale(&input).output(&output).overwrite(true), true, None).unwrap();
        assert_ne!(std::fs::read(&made).unwrap(), b"somebody's");
    }
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

/// What a folder has, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    names(folder).into_iter().map(|name| (name.clone(), std::fs::read(folder.join(&name)).unwrap())).collect()
}

/// RV-PIPE-3101, RV-PIPE-3104, RV-PIPE-3106
#[test]
fn numbered_images_that_are_whole_are_not_computed_again() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 30, &["-bf", "2"]);
    let engine = engine("dyadic-2x");
    let folder = |name: &str| {
        let folder = clips.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let (whole, pieces) = (folder("whole"), folder("pieces"));
    let upscale = |folder: &Path| {
        let upscale = engine.upscale(&input).output(folder.join("%05d.png").to_str().unwrap());
        // One thread, so that the encoder keeps no pictures back, whose number would be the machine's.
        upscale.muxer_option("start_number", "100").encoder_option("threads", "1")
    };
    run(upscale(&whole), false, None).unwrap();
    let expected = files(&whole);
    assert_eq!(expected.len(), 30);
    assert!(expected.contains_key("00100.png") && expected.contains_key("00129.png"));

    let mut done = 0;
    for until in [3, 10, 22] {
        let error = run(upscale(&pieces), done > 0, Some(until)).unwrap_err();
        assert_eq!(error.status(), Status::Cancelled);
        assert_eq!(names(&pieces), ["05d.png.rave-unfinished"], "nothing is in its place");
        let error = run(upscale(&pieces), false, None).unwrap_err();
        assert!(error.to_string().contains("--resume"), "{error}");
        // Every image that has its name is whole.
        let kept = files(&pieces.join("05d.png.rave-unfinished"));
        let images: Vec<_> = kept.iter().filter(|(name, _)| name.ends_with(".png")).collect();
        assert!(images.iter().all(|(name, bytes)| expected[*name] == **bytes));
        assert_eq!(images.len() as u64, until);
        done = until;
    }
    let job = upscale(&pieces).segment(7).resumable(true).begin().unwrap();
    assert_eq!(job.facts().resumed, done);
    let summary = job.wait().unwrap();
    assert_eq!((summary.frames, summary.metrics.frames), (30, 30 - done));
    assert!(files(&pieces) == expected, "byte for byte");
}

/// RV-PIPE-3106
#[test]
fn an_image_that_is_torn_and_what_follows_it_is_made_again() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let upscale = |output: &str| {
        let upscale = engine("replicate-2x").upscale(&input).output(clips.path(output));
        upscale.encoder_option("threads", "1")
    };
    run(upscale("whole-%d.png"), false, None).unwrap();
    run(upscale("x-%d.png"), false, Some(20)).unwrap_err();
    let unfinished = clips.folder.path().join("x-d.png.rave-unfinished");
    let images = names(&unfinished).iter().filter(|name| name.ends_with(".png")).count() as u64;
    assert_eq!(images, 20);
    // In the last batch of 7, as a power cut may leave it.
    let torn = unfinished.join("x-16.png");
    let half = std::fs::metadata(&torn).unwrap().len() / 2;
    std::fs::OpenOptions::new().write(true).open(&torn).unwrap().set_len(half).unwrap();
    assert_eq!(run(upscale("x-%d.png"), true, None).unwrap().facts.resumed, 15);
    for number in 1..=20 {
        let bytes = |name: &str| std::fs::read(clips.path(&format!("{name}-{number}.png"))).unwrap();
        assert!(bytes("x") == bytes("whole"), "image {number}");
    }
}

/// RV-PIPE-3102, RV-PIPE-3103
#[test]
fn a_video_of_numbered_images_goes_on_and_another_image_among_them_is_noticed() {
    let Some(clips) = Clips::find() else { return };
    let clip = clips.small("in.mp4", 20, &[]);
    clips.run(&["-i", &clip, &clips.path("in-%03d.png")]);
    let upscale = |output: &str| engine("replicate-2x").upscale(clips.path("in-%03d.png")).output(output);
    let (whole, pieces) = (clips.path("whole.mkv"), clips.path("pieces.mkv"));
    run(upscale(&whole), false, None).unwrap();
    run(upscale(&pieces), false, Some(10)).unwrap_err();
    let (image, kept) = (clips.path("in-018.png"), clips.path("kept.png"));
    std::fs::rename(&image, &kept).unwrap();
    std::fs::copy(clips.path("in-001.png"), &image).unwrap();
    let error = run(upscale(&pieces), true, None).unwrap_err();
    assert!(error.to_string().contains("another input"), "{error}");
    std::fs::rename(&kept, &image).unwrap();
    assert_eq!(run(upscale(&pieces), true, None).unwrap().facts.resumed, 7);
    assert_eq!(clips.pictures(&pieces), clips.pictures(&whole));
}

/// RV-PIPE-3105
#[test]
fn what_cannot_be_gone_on_with_says_why_and_runs_as_ever() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 3, &[]);
    let to = |output: &str| engine("replicate-2x").upscale(&input).output(output);
    for (upscale, why) in [
        (to("-").container("nut"), "output - is a pipe"),
        (engine("replicate-2x").upscale("-").output(clips.path("x.mp4")), "input - is a pipe"),
        (to("x").sink(MemorySink::default()), "pictures come from the program or go to it"),
        (to(&clips.path("x-%d.jpg")), "images by mjpeg depend on those before"),
        (to(&clips.path("x-%d.png")).muxer_option("frame_pts", "1"), "with frame_pts"),
    ] {
        let error = run(upscale, true, None).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.to_string().contains("leave --resume out"), "{error}");
    }
    run(to(&clips.path("x-%d.jpg")).encoder_option("strict", "unofficial"), false, None).unwrap();
    assert_eq!(clips.names(), ["in.mp4", "x-1.jpg", "x-2.jpg", "x-3.jpg"]);
}
