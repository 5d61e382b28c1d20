//! Whole videos, from file to file.

#[path = "common/clips.rs"]
mod clips;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clips::{Clips, engine, engine_with};
use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_engine::Mode;
use rave_ffmpeg::Rational;
use rave_pipeline::{
    CancellationToken, DeviceChoice, FrameSink, MemorySink, MemorySource, Picture, Upscale, in_place,
};
use rave_tests::ffmpeg::golden_model;
use sha2::{Digest, Sha256};

/// The hash of every byte of what goes in.
#[derive(Clone, Default)]
struct Hash(Arc<Mutex<Sha256>>);

impl Hash {
    fn value(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone().finalize().to_vec()
    }
}

impl FrameSink<Picture> for Hash {
    fn write(&mut self, picture: &Picture) -> Result<()> {
        let mut hash = self.0.lock().unwrap();
        let view = picture.view()?;
        hash.update(picture.frame().pts().unwrap().to_le_bytes());
        for plane in 0..view.format().layout().planes {
            let plane = view.plane(plane);
            (0..plane.height()).for_each(|y| hash.update(plane.row(y)));
        }
        Ok(())
    }
}

/// RV-PIPE-2101, RV-PIPE-2102, RV-PIPE-2103, RV-PIPE-2105
#[test]
fn pictures_times_and_sound_come_through_a_model_that_changes_nothing() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 30, &["-bf", "2"]);
    let output = clips.path("out.mp4");
    let summary = engine("identity-1x").upscale(&input).output(&output).quality(0.0).run().unwrap();
    assert_eq!((summary.frames, summary.facts.total), (30, Some(30)));
    assert_eq!(summary.facts.encoder.as_deref(), Some("libx264"));
    assert_eq!(clips.pictures(&output), clips.pictures(&input));
    assert_eq!(clips.sound(&output), clips.sound(&input));
    assert!(!clips.sound(&input).is_empty());
    assert_eq!(clips.names(), ["in.mp4", "out.mp4"], "nothing else is left");
}

/// RV-PIPE-1001
#[test]
fn capacities_and_threads_change_no_bit() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 12, &["-bf", "2"]);
    let run = |capacity, threads| {
        let hash = Hash::default();
        let engine = engine_with(&golden_model("dyadic-2x"), threads);
        let summary = engine.upscale(&input).capacity(capacity).sink(hash.clone()).run().unwrap();
        assert_eq!((summary.frames, summary.facts.output_size), (12, Size::new(192, 108)));
        for queue in &summary.metrics.queues {
            assert!(queue.most <= queue.bound && queue.bound == capacity);
        }
        hash.value()
    };
    let expected = run(2, 1);
    for capacity in [1, 2, 8] {
        for threads in [1, 2, 7] {
            assert_eq!(run(capacity, threads), expected, "capacity {capacity}, {threads} threads");
        }
    }
}

/// RV-PIPE-2104
#[test]
fn a_part_of_a_video_has_just_its_pictures_and_its_sound() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 50, &["-g", "20"]);
    let output = clips.path("out.mp4");
    let upscale = engine("identity-1x").upscale(&input).output(&output).quality(0.0);
    let summary = upscale.start(Duration::from_millis(600)).length(Duration::from_secs(1)).run().unwrap();
    // 25 pictures a second: from the 15th on.
    assert_eq!((summary.frames, summary.facts.total), (25, Some(25)));
    let hash = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split(',').nth(5).unwrap().trim().to_owned()).collect()
    };
    assert_eq!(hash(&clips.pictures(&output)), hash(&clips.pictures(&input))[15..40]);
    let (all, part) = (hash(&clips.sound(&input)), hash(&clips.sound(&output)));
    // 1024 samples of 48 kHz in a packet: 46.9 a second.
    assert!((46..=47).contains(&part.len()), "{} packets", part.len());
    assert!(all.windows(part.len()).any(|window| window == part), "they follow one another");
    // 0.6 s are 28800 samples: the first packet that begins later is that of 29696.
    assert!(clips.sound(&output)[0].starts_with("0,        896,"), "{}", clips.sound(&output)[0]);
}

/// RV-PIPE-2107
#[test]
fn repeats_are_computed_once_and_the_result_is_the_same() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 10, &["-an", "-qp", "0"]);
    // Each picture three times: an encoder without loss keeps their bytes.
    let thrice = clips.path("thrice.mkv");
    clips.run(&["-i", &input, "-r", "75", "-fps_mode", "cfr", "-c:v", "ffv1", &thrice]);
    let run = |dedup| {
        let hash = Hash::default();
        let summary = engine("dyadic-2x").upscale(&thrice).dedup(dedup).sink(hash.clone()).run().unwrap();
        (hash.value(), summary.frames, summary.repeats)
    };
    let (plain, frames, repeats) = run(false);
    assert_eq!(repeats, 0);
    let (deduplicated, _, repeats) = run(true);
    assert_eq!(plain, deduplicated);
    assert!(repeats >= 18 && repeats < frames, "{repeats} of {frames}");
}

/// RV-PIPE-2201
#[test]
fn a_run_that_fails_or_is_cancelled_leaves_nothing() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 20, &[]);
    let outputs = ["out.mp4", "out-%03d.png"].map(|name| clips.path(name));
    for output in &outputs {
        let torn = || {
            let mut left = 10;
            in_place(move |_: &mut Picture| {
                left -= 1;
                if left == 0 { Err(Error::new(Status::Unknown, "torn")) } else { Ok(()) }
            })
        };
        let error = engine("identity-1x").upscale(&input).output(output).after("tear", torn()).run();
        assert!(error.unwrap_err().to_string().contains("torn"));
        assert_eq!(clips.names(), ["in.mp4"]);

        let token = CancellationToken::new();
        let cancel = token.clone();
        let error = engine("identity-1x")
            .upscale(&input)
            .output(output)
            .cancelled_by(&token)
            .on_progress(Duration::ZERO, move |progress| {
                if progress.frames == 5 {
                    cancel.cancel();
                }
            })
            .run();
        assert_eq!(error.unwrap_err().status(), Status::Cancelled);
        assert_eq!(clips.names(), ["in.mp4"]);
    }
    let error = engine("nan").upscale(&input).output(&outputs[0]).run().unwrap_err();
    assert_eq!(error.status(), Status::InferenceFailed);
    assert_eq!(clips.names(), ["in.mp4"]);
}

/// RV-PIPE-2205
#[test]
fn images_come_out_and_go_in() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 5, &[]);
    engine("replicate-2x").upscale(&input).output(clips.path("frame-%02d.png")).run().unwrap();
    let names = ["frame-01.png", "frame-02.png", "frame-03.png", "frame-04.png", "frame-05.png", "in.mp4"];
    assert_eq!(clips.names(), names);
    let again = clips.path("again.mkv");
    let pattern = clips.path("frame-%02d.png");
    let summary = engine("identity-1x")
        .upscale(&pattern)
        .input_format(None, &[("framerate".into(), "10".into())])
        .codec("ffv1")
        .output(&again)
        .run()
        .unwrap();
    assert_eq!((summary.frames, summary.facts.output_size), (5, Size::new(192, 108)));
    let one = clips.path("one.png");
    engine("replicate-2x").upscale(clips.path("frame-01.png")).output(&one).run().unwrap();
    assert_eq!(
        clips.ffmpeg.probe(&["-show_entries", "stream=width,height", "-of", "csv=p=0"], one.as_ref()).trim(),
        "384,216"
    );
}

/// RV-PIPE-2101, RV-PIPE-2203
#[test]
fn a_film_does_not_go_into_one_image_and_one_picture_of_it_does() {
    let Some(clips) = Clips::find() else { return };
    let (input, output) = (clips.small("in.mp4", 3, &[]), clips.path("one.png"));
    let engine = engine("identity-1x");
    let film = || engine.upscale(&input).output(&output);
    // What a program's stages make of it is known when it comes.
    let staged = film().after("nothing", in_place(|_: &mut Picture| Ok(())));
    for refused in [film().begin(), film().resumable(false).begin(), staged.run().map(|_| unreachable!())] {
        let error = refused.unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        let said = error.to_string();
        assert!(said.contains("one.png: more than one picture") && said.contains("frame-%05d.png"), "{said}");
        assert_eq!(clips.names(), ["in.mp4"]);
    }
    let first = film().length(Duration::from_millis(40));
    assert_eq!(first.resumable(false).run().unwrap().frames, 1);
    assert_eq!(clips.pictures(&output).len(), 1);
}

/// RV-PIPE-2114
#[test]
fn jpeg_shows_the_colours_of_its_input_however_these_are_coded() {
    let Some(clips) = Clips::find() else { return };
    let (film, hd, rgb) = (clips.path("film.mkv"), clips.path("hd.mkv"), clips.path("rgb.png"));
    // Without edges, of which JPEG and 4:2:0 keep less; and so vivid that another matrix is 3 of 255 off.
    let soft = "scale=6:4,scale=96:54:flags=bilinear,lutyuv=u=val*2-128:v=val*2-128";
    let source = ["-f", "lavfi", "-i", "testsrc2=s=96x54:d=0.04", "-vf", soft, "-pix_fmt", "yuv420p"];
    clips.run(&[&source[..], &["-c:v", "ffv1", &film]].concat());
    let to_709 = "scale=out_color_matrix=bt709,setparams=colorspace=bt709:range=tv";
    clips.run(&["-i", &film, "-an", "-vf", to_709, "-c:v", "ffv1", &hd]);
    clips.run(&["-i", &film, "-frames:v", "1", "-update", "1", &rgb]);
    let pixels = |path: &str| clips.run(&["-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let output = clips.path("out.jpg");
    for input in [&film, &hd, &rgb] {
        engine("identity-1x").upscale(input).output(&output).overwrite(true).quality(0.0).run().unwrap();
        let (before, after) = (pixels(input), pixels(&output));
        assert_eq!(before.len(), after.len());
        let apart: u64 = before.iter().zip(&after).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = apart as f64 / before.len() as f64;
        assert!(mean < 2.5, "{input}: {mean} of 255 apart");
    }
}

/// RV-PIPE-2108
#[test]
fn damage_is_an_error_in_strict_mode_and_counted_in_the_other() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.ts", 30, &["-bf", "0", "-g", "5"]);
    let mut bytes = std::fs::read(&input).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 1880].fill(0x55);
    let damaged = clips.path("damaged.ts");
    std::fs::write(&damaged, bytes).unwrap();
    let run = |mode| {
        let sink = MemorySink::default();
        engine("identity-1x").upscale(&damaged).mode(mode).sink(sink.clone()).run()
    };
    let error = run(Mode::Strict).unwrap_err();
    assert!(error.to_string().contains("damaged.ts"), "{error}");
    let summary = run(Mode::Hardened).unwrap();
    let lost = summary.damage.concealed + summary.damage.dropped + summary.corrupt_packets;
    assert!(lost > 0 && summary.damage.decoded == summary.frames, "{summary:?}");
}

/// RV-PIPE-2106
#[test]
fn pictures_that_change_in_the_middle_are_refused_with_their_number() {
    let picture = |number: i64| {
        let size = if number < 3 { Size::new(8, 8) } else { Size::new(16, 8) };
        Picture::new(PixelFormat::Gray8, size, (number, Rational::new(1, 25)), |_| Ok(())).unwrap()
    };
    let source = MemorySource::new((0..5).map(picture));
    let sink = MemorySink::default();
    let error =
        Upscale::from_source(source, &engine("replicate-2x-luma")).sink(sink.clone()).run().unwrap_err();
    assert_eq!(error.status(), Status::UnsupportedFormat);
    assert!(error.to_string().contains("picture 3 is 16x8 gray"), "{error}");
    assert!(sink.take().len() <= 3 && !sink.is_complete());
}

/// RV-PIPE-2109
#[test]
fn pictures_of_a_program_go_in_and_come_out() {
    let fill = |value: u8| {
        move |frame: &mut rave_core::FrameMut<'_>| {
            for plane in frame.planes_mut().iter_mut().flatten() {
                (0..plane.height()).for_each(|y| plane.row_mut(y).fill(value));
            }
            Ok(())
        }
    };
    let unit = Rational::new(1, 25);
    let pictures = (0..3u8).map(move |number| {
        let at = (i64::from(number), unit);
        Picture::new(PixelFormat::Rgb24, Size::new(4, 2), at, fill(10 * number)).unwrap()
    });
    let brighter = in_place(|picture: &mut Picture| {
        for plane in picture.view_mut()?.planes_mut().iter_mut().flatten() {
            (0..plane.height()).for_each(|y| plane.row_mut(y).iter_mut().for_each(|sample| *sample += 1));
        }
        Ok(())
    });
    let sink = MemorySink::default();
    let upscale = Upscale::from_source(MemorySource::new(pictures), &engine("replicate-2x"));
    upscale.before("brighter", brighter).dither(false).sink(sink.clone()).run().unwrap();
    let made = sink.take();
    assert_eq!(made.len(), 3);
    for (number, picture) in made.iter().enumerate() {
        assert_eq!(picture.size(), Size::new(8, 4));
        assert_eq!(picture.view().unwrap().plane(0).row(3), [10 * number as u8 + 1; 24]);
        assert_eq!(picture.seconds(), Some(number as f64 / 25.0));
    }
}

/// RV-PIPE-2101
#[test]
fn the_last_picture_of_a_program_is_in_its_file() {
    let Some(clips) = Clips::find() else { return };
    let picture = |number: i64| {
        Picture::new(PixelFormat::Yuv420p, Size::new(16, 16), (number, Rational::new(1, 25)), |_| Ok(()))
            .unwrap()
    };
    for name in ["out.mp4", "out.mkv"] {
        let (engine, output) = (engine("identity-1x"), clips.path(name));
        Upscale::from_source(MemorySource::new((0..5).map(picture)), &engine).output(&output).run().unwrap();
        assert_eq!(clips.pictures(&output).len(), 5, "{name}");
    }
}

/// RV-PIPE-2202, RV-PIPE-2203
#[test]
fn mistakes_are_told_before_anything_is_computed() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 2, &[]);
    let output = clips.path("out.mp4");
    let computed = Arc::new(AtomicU64::new(0));
    let counted = || {
        let computed = Arc::clone(&computed);
        in_place(move |_: &mut Picture| {
            computed.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    };
    let engine = engine("replicate-2x");
    let upscale = || engine.upscale(&input).output(&output).before("count", counted());
    let cases = [
        (engine.upscale("none.mp4").output(&output).run(), Status::FileNotFound, "none.mp4"),
        (engine.upscale(&input).run(), Status::InvalidParameter, "no output"),
        (upscale().output(&input).run(), Status::InvalidParameter, "the input itself"),
        (upscale().output(clips.path("out.xyz")).run(), Status::InvalidParameter, "out.xyz"),
        (upscale().codec("no_such").run(), Status::InvalidParameter, "no_such"),
        (upscale().encoder_option("no_such", "1").run(), Status::InvalidParameter, "no_such"),
        (upscale().codec("prores_ks").quality(18.0).run(), Status::InvalidParameter, "encoder prores_ks"),
        (upscale().max_output(Size::new(191, 200)).run(), Status::InvalidParameter, "192x108"),
        (upscale().capacity(0).run(), Status::InvalidParameter, "0 frames"),
        (
            Upscale::new(&input, "none.onnx").device(DeviceChoice::Cpu).output(&output).run(),
            Status::FileNotFound,
            "none.onnx",
        ),
    ];
    for (result, status, text) in cases {
        let error = result.unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(computed.load(Ordering::Relaxed), 0);
    assert_eq!(clips.names(), ["in.mp4"]);
    upscale().max_output(Size::new(192, 108)).run().unwrap();
}

/// RV-PIPE-2110
#[test]
fn a_picture_without_a_result_is_left_out_in_hardened_mode_and_its_sound_is_not() {
    let Some(clips) = Clips::find() else { return };
    let color = clips.small("color.mp4", 12, &["-qp", "0"]);
    // The model gives NaN of black: one picture is.
    let input = clips.path("in.mkv");
    let gray_and_black = r"lutyuv=y=max(val\,60):u=128:v=128,drawbox=color=black:t=fill:enable=eq(n\,5)";
    clips.run(&["-i", &color, "-vf", gray_and_black, "-c:v", "ffv1", "-c:a", "copy", &input]);
    let run = |mode, output: &str| {
        engine("nan-of-zero").upscale(&input).codec("ffv1").mode(mode).output(output).run()
    };
    let output = clips.path("out.mkv");
    let error = run(Mode::Strict, &output).unwrap_err();
    assert_eq!(error.status(), Status::InferenceFailed);
    let summary = run(Mode::Hardened, &output).unwrap();
    assert_eq!((summary.frames, summary.lost), (11, 1));
    assert_eq!(clips.sound(&output), clips.sound(&input));
    let time = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split(',').nth(2).unwrap().trim().to_owned()).collect()
    };
    let mut times = time(clips.pictures(&input));
    times.remove(5);
    assert_eq!(time(clips.pictures(&output)), times);
}

/// RV-PIPE-2111
#[test]
fn pictures_are_those_of_the_filter() {
    let Some(clips) = Clips::find() else { return };
    let input = clips.small("in.mp4", 8, &["-bf", "2"]);
    let (by_filter, by_us) = (clips.path("filter.mkv"), clips.path("us.mkv"));
    for model in ["dyadic-2x", "fixed-64-2x"] {
        let filter = format!("rave={}:runtime_lib=embedded", golden_model(model).display());
        clips.run(&["-i", &input, "-an", "-vf", &filter, "-c:v", "ffv1", &by_filter]);
        engine(model).upscale(&input).codec("ffv1").overwrite(true).output(&by_us).run().unwrap();
        assert_eq!(clips.pictures(&by_us), clips.pictures(&by_filter), "{model}");
    }
}

/// RV-PIPE-2101
#[test]
fn uneven_times_colours_depth_and_the_shape_of_pixels_stay() {
    let Some(clips) = Clips::find() else { return };
    let small = clips.small("small.mp4", 12, &["-an"]);
    let input = clips.path("in.mkv");
    // Each picture a little later than the last was after the one before.
    let uneven = r"settb=1/1000,setpts=N*40+N*N*3,format=yuv420p10le,setsar=4/3";
    clips.run(&[
        "-i",
        &small,
        "-vf",
        uneven,
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1/1000",
        "-c:v",
        "ffv1",
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
        "-color_range",
        "tv",
        &input,
    ]);
    let output = clips.path("out.mkv");
    engine("replicate-2x").upscale(&input).codec("ffv1").output(&output).run().unwrap();
    let said = |file: &str, entries: &str| {
        clips.ffmpeg.probe(&["-show_entries", entries, "-of", "compact"], file.as_ref())
    };
    for entries in [
        "stream=pix_fmt,sample_aspect_ratio,color_range,color_space,color_transfer,color_primaries",
        "packet=pts,duration",
    ] {
        let (before, after) = (said(&input, entries), said(&output, entries));
        assert_eq!(after, before, "{entries}");
        assert!(before.contains("bt2020") || before.contains("pts=92"), "{before}");
    }
}
