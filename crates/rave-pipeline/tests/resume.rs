//! Runs that are stopped and go on. Kills of a whole process are in rave-cli.

#[path = "common/clips.rs"]
mod clips;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clips::{Clips, engine, names};
use rave_core::{Result, Status};
use rave_ffmpeg::{Input, InputOptions};
use rave_pipeline::{CancellationToken, MemorySink, Picture, Summary, Upscale, in_place, unfinished_folder};

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

/// RV-PIPE-3103: a GPU's encoder may be there at one time and not at another.
#[test]
fn segments_of_another_encoder_are_refused_before_anything_is_computed() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let (engine, output) = (engine("dyadic-2x"), clips.path("out.mp4"));
    let first = unfinished_folder(&output).join("000000.segment");
    let upscale = |codec| engine.upscale(&input).output(&output).codec(codec);
    run(upscale("mpeg4"), false, Some(10)).unwrap_err();
    let other = std::fs::read(&first).unwrap();
    run(upscale("libx264").overwrite(true), false, Some(10)).unwrap_err();
    let own = std::fs::read(&first).unwrap();
    std::fs::write(&first, &other).unwrap();
    // Nothing has begun where there is no job.
    let error = upscale("libx264").segment(7).resumable(true).begin().err().unwrap();
    assert!(
        error.to_string().contains("another encoder") && error.to_string().contains("--codec"),
        "{error}"
    );
    assert!(first.exists(), "what is finished stays");
    std::fs::write(&first, &own).unwrap();
    assert_eq!(run(upscale("libx264"), true, None).unwrap().frames, 20);
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

/// A clip with a chapter for each second; `more` says which of picture, sound (input 0) and subtitles (input 2) it has.
fn with_chapters(clips: &Clips, name: &str, frames: u32, more: &[&str]) -> String {
    let write = |name: &str, text: &str| {
        let path = clips.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let chapter =
        |n: u32| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={n}000\nEND={}000\ntitle=c{n}\n", n + 1);
    let chapters: String = (0..frames / 25).map(chapter).collect();
    let chapters = write("chapters.txt", &format!(";FFMETADATA1\n{chapters}"));
    let lines = "1\n00:00:00,200 --> 00:00:00,900\nin it\n\n2\n00:00:01,900 --> 00:00:02,200\nafter it\n";
    let subtitles = write("lines.srt", lines);
    let plain = clips.small("plain.mp4", frames, &["-g", "5"]);
    let path = clips.path(name);
    let mut args = vec!["-i", &plain, "-i", &chapters, "-i", &subtitles, "-map_chapters", "1", "-c", "copy"];
    args.extend(["-c:s", "mov_text", "-movflags", "+faststart"]);
    args.extend(more);
    args.push(&path);
    clips.run(&args);
    for name in ["plain.mp4", "chapters.txt", "lines.srt"] {
        std::fs::remove_file(clips.path(name)).unwrap();
    }
    path
}

/// RV-PIPE-2104, RV-PIPE-2112
#[test]
fn damage_behind_the_end_of_a_part_is_not_looked_at() {
    let Some(clips) = Clips::find() else { return };
    // Sound is read to the part's end; where subtitles alone are copied, the pictures tell where that is.
    for (streams, copied) in [(&["0:v", "0:a"][..], "sound"), (&["0:v", "2:s"], "subtitles")] {
        let maps: Vec<&str> = streams.iter().flat_map(|stream| ["-map", stream]).collect();
        let whole = with_chapters(&clips, "whole.mp4", 125, &maps);
        let cut = clips.path("cut.mp4");
        let bytes = std::fs::read(&whole).unwrap();
        std::fs::write(&cut, &bytes[..bytes.len() * 3 / 4]).unwrap();
        let part = |input: &str, output: &str| {
            let upscale = engine("replicate-2x").upscale(input).output(clips.path(output)).overwrite(true);
            upscale.length(Duration::from_millis(400))
        };
        let all = engine("replicate-2x").upscale(&cut).output(clips.path("all.mp4")).overwrite(true);
        let error = run(all, false, None).unwrap_err();
        assert!(error.to_string().contains("cut.mp4"), "all of it cannot be read: {error}");
        let summary = run(part(&cut, "cut-out.mp4"), false, None).unwrap();
        assert_eq!((summary.frames, summary.corrupt_packets, summary.cut_short), (10, 0, false), "{copied}");
        run(part(&whole, "out.mp4"), false, None).unwrap();
        part(&whole, "one.mp4").run().unwrap();
        let packets = |name: &str| {
            let path = clips.path(name);
            let args = ["-i", &path, "-map", "0", "-map", "-0:v", "-c", "copy", "-f", "framemd5", "-"];
            String::from_utf8(clips.run(&args)).unwrap()
        };
        assert_eq!(packets("cut-out.mp4"), packets("out.mp4"), "{copied}");
        assert_eq!(packets("cut-out.mp4"), packets("one.mp4"), "{copied}");
    }
}

/// RV-PIPE-2112
#[test]
fn where_nothing_is_copied_the_input_is_not_read_again() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let upscale = engine("replicate-2x").upscale(&input).output(clips.path("out.mp4")).copy_streams(false);
    let gone = input.clone();
    let upscale = upscale.segment(7).resumable(false).on_progress(Duration::ZERO, move |progress| {
        // What is read on stays open.
        if progress.frames == 1 {
            std::fs::remove_file(&gone).unwrap();
        }
    });
    assert_eq!(upscale.run().unwrap().frames, 20);
    assert_eq!(clips.names(), ["out.mp4"]);
}

/// RV-PIPE-2113
#[test]
fn a_part_has_the_chapters_that_lie_in_it() {
    let Some(clips) = Clips::find() else { return };
    let input = with_chapters(&clips, "in.mp4", 125, &["-map", "0:v", "-map", "0:a"]);
    // In milliseconds.
    let chapters = |path: &str| -> Vec<(i64, i64, String)> {
        let input = Input::open(&InputOptions::new(path)).unwrap();
        let ms = |seconds: f64| (seconds * 1000.0).round() as i64;
        let chapters = input.chapters().into_iter();
        chapters.map(|c| (ms(c.start), ms(c.end), c.title.unwrap_or_default())).collect()
    };
    let expected = |list: &[(i64, i64, &str)]| -> Vec<(i64, i64, String)> {
        list.iter().map(|(start, end, title)| (*start, *end, (*title).to_owned())).collect()
    };
    let all =
        [(0, 1000, "c0"), (1000, 2000, "c1"), (2000, 3000, "c2"), (3000, 4000, "c3"), (4000, 5000, "c4")];
    assert_eq!(chapters(&input), expected(&all));
    let output = clips.path("out.mkv");
    let upscale = || engine("replicate-2x").upscale(&input).output(&output).overwrite(true);
    let ms = Duration::from_millis;
    let part = [(0, 800, "c1"), (800, 1800, "c2"), (1800, 2000, "c3")];
    let rest = [(0, 500, "c3"), (500, 1500, "c4")];
    for (upscale, list) in [
        (upscale(), &all[..]),
        (upscale().start(ms(1200)).length(ms(2000)), &part),
        (upscale().start(ms(3500)), &rest),
        (upscale().length(ms(1000)), &all[..1]),
    ] {
        run(upscale, false, None).unwrap();
        assert_eq!(chapters(&output), expected(list));
    }
    upscale().start(ms(1200)).length(ms(2000)).run().unwrap();
    assert_eq!(chapters(&output), expected(&part), "in one piece");
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
