//! Decoders: frames, their times, and damage.

mod common;

use common::{CLIPS, clip, decode, ffmpeg, folder, frame_hashes, hash_of, make, open, path_in, probe};
use rave_core::{PixelFormat, Size, Status};
use rave_ffmpeg::{
    Converter, Decoder, DecoderOptions, FrameFormat, Input, InputOptions, Packet, Received, VideoFrame,
};

fn hashes(path: &str, options: &DecoderOptions<'_>) -> Vec<String> {
    let mut hashes = Vec::new();
    decode(&mut open(path), options, |frame| hashes.push(hash_of(frame)));
    hashes
}

/// RV-FF-1101, RV-FF-1201
#[test]
fn frames_of_real_clips_are_those_that_ffmpeg_decodes() {
    let Some(ffmpeg) = ffmpeg() else { return };
    for path in CLIPS.map(clip) {
        assert_eq!(hashes(&path, &DecoderOptions::default()), frame_hashes(&ffmpeg, &path), "{path}");
    }
}

/// RV-FF-1101, RV-FF-1201
#[test]
fn frames_of_every_depth_and_chroma_are_those_that_ffmpeg_decodes() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let formats = [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuv420p10le",
        "yuv422p12le",
        "gray",
        "gbrp10le",
        "gbrp16le",
        "gray16le",
    ];
    for format in formats {
        let how = format!("-f lavfi -i testsrc2=s=63x47:r=5:d=1 -c:v ffv1 -pix_fmt {format}");
        let path = make(&ffmpeg, &folder, &format!("{format}.mkv"), &how);
        assert_eq!(hashes(&path, &DecoderOptions::default()), frame_hashes(&ffmpeg, &path), "{format}");
        let mut found = None;
        decode(&mut open(&path), &DecoderOptions::default(), |frame| found = Some(frame.format()));
        assert_eq!(found, Some(FrameFormat::Host(PixelFormat::from_name(format).unwrap())));
    }
}

/// RV-FF-1101
#[test]
fn the_number_of_threads_changes_nothing() {
    let path = clip("bikes.mp4");
    let [one, two, seven] =
        [1, 2, 7].map(|threads| hashes(&path, &DecoderOptions { threads, hardware: None }));
    assert!(!one.is_empty());
    assert_eq!(one, two);
    assert_eq!(one, seven);
}

/// RV-FF-1101
#[test]
fn what_codec_and_container_crop_is_cropped_to_the_pixel() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let path = make(
        &ffmpeg,
        &folder,
        "a.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=5:d=1 -c:v libx264 -pix_fmt yuv420p \
         -bsf:v h264_metadata=crop_left=6:crop_top=4:crop_right=2:crop_bottom=2",
    );
    let sizes = |path: &str| {
        let mut sizes = Vec::new();
        decode(&mut open(path), &DecoderOptions::default(), |frame| sizes.push(frame.size()));
        sizes
    };
    assert_eq!(sizes(&path), vec![rave_core::Size::new(56, 42); 5]);
    // FFmpeg's program does the same once it has asked for exact cropping.
    let exact = ffmpeg.run(["-flags", "unaligned", "-i", &path, "-f", "framehash", "-"]).ok().frame_hashes();
    assert_eq!(hashes(&path, &DecoderOptions::default()), exact);
}

/// RV-FF-1102
#[test]
fn timestamps_and_durations_are_the_streams() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let uneven = make(
        &ffmpeg,
        &folder,
        "vfr.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=2,settb=1/12800,setpts=N*N*80+N*37 -fps_mode passthrough -enc_time_base 1/12800 \
         -c:v libx264 -pix_fmt yuv420p",
    );
    for path in [uneven, clip("bigbuckbunny.mp4"), clip("bikes.mp4")] {
        let said = probe(&ffmpeg, &path, &["-select_streams", "v:0", "-show_frames"]);
        let said: Vec<_> = said["frames"].as_array().unwrap().iter().collect();
        let mut times = Vec::new();
        decode(&mut open(&path), &DecoderOptions::default(), |f| {
            times.push((f.pts().unwrap(), f.duration()))
        });
        let expected: Vec<_> = said
            .iter()
            .map(|f| (f["best_effort_timestamp"].as_i64().unwrap(), f["duration"].as_i64().unwrap()))
            .collect();
        assert_eq!(times, expected, "{path}");
    }
}

/// RV-FF-1102
#[test]
fn a_stream_without_timestamps_goes_on_by_its_frame_rate() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let path = make(
        &ffmpeg,
        &folder,
        "a.h264",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v libx264 -bf 2 -pix_fmt yuv420p",
    );
    let mut input = open(&path);
    let unit = input.video().unwrap().time_base;
    let mut seconds = Vec::new();
    decode(&mut input, &DecoderOptions::default(), |frame| {
        seconds.push(frame.pts().unwrap() as f64 * unit.to_f64())
    });
    assert_eq!(seconds.len(), 25);
    for pair in seconds.windows(2) {
        assert!((pair[1] - pair[0] - 0.04).abs() < 1e-9, "{seconds:?}");
    }
}

/// A clip of which the bytes from a third on are damaged here and there.
fn damaged(folder: &tempfile::TempDir) -> Option<String> {
    let ffmpeg = ffmpeg()?;
    let whole = make(
        &ffmpeg,
        folder,
        "whole.mkv",
        "-f lavfi -i testsrc2=s=320x240:r=25:d=2 -c:v libx264 -g 10 -pix_fmt yuv420p",
    );
    let mut bytes = std::fs::read(whole).unwrap();
    let start = bytes.len() / 3;
    bytes[start..].iter_mut().step_by(509).for_each(|byte| *byte ^= 0x5a);
    let path = path_in(folder, "damaged.mkv");
    std::fs::write(&path, bytes).unwrap();
    Some(path)
}

/// RV-FF-1103, RV-FF-1005
#[test]
fn damage_is_counted_and_decoding_goes_on() {
    let folder = folder();
    let Some(path) = damaged(&folder) else { return };
    let mut shown = 0;
    let decoder = decode(&mut open(&path), &DecoderOptions { threads: 1, hardware: None }, |_| shown += 1);
    let damage = decoder.damage();
    assert_eq!(damage.decoded, shown);
    assert!(shown > 10, "{damage:?}");
    assert!(damage.concealed + damage.dropped > 0, "{damage:?}");
}

/// RV-FF-1103, RV-FF-1005
#[test]
fn damage_is_an_error_in_strict_mode() {
    let folder = folder();
    let Some(path) = damaged(&folder) else { return };
    let mut options = InputOptions::new(path);
    options.strict = true;
    let mut input = Input::open(&options).unwrap();
    let mut decoder = Decoder::open(&input, &DecoderOptions { threads: 1, hardware: None }).unwrap();
    let (mut packet, mut frame) = (Packet::new().unwrap(), VideoFrame::new().unwrap());
    let mut run = || -> rave_core::Result<()> {
        while input.read(&mut packet)? {
            decoder.send(&packet)?;
            while decoder.receive(&mut frame)? == Received::Yes {}
        }
        Ok(())
    };
    let error = run().unwrap_err();
    assert!(matches!(error.status(), Status::Io | Status::UnsupportedFormat), "{error}");
}

/// RV-FF-1103
#[test]
fn a_packet_that_is_sent_too_early_is_refused_and_kept_by_the_caller() {
    let path = clip("bikes.mp4");
    let mut input = open(&path);
    let mut decoder = Decoder::open(&input, &DecoderOptions { threads: 1, hardware: None }).unwrap();
    let mut packet = Packet::new().unwrap();
    let refused = loop {
        assert!(input.read(&mut packet).unwrap());
        if let Err(error) = decoder.send(&packet) {
            break error;
        }
    };
    assert_eq!(refused.status(), Status::Busy);
    let mut frame = VideoFrame::new().unwrap();
    while decoder.receive(&mut frame).unwrap() == Received::Yes {}
    decoder.send(&packet).unwrap();
}

/// RV-FF-1205
#[test]
fn a_foreign_format_is_converted_without_a_loss_of_depth() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let cases = [
        ("rgba", "png", PixelFormat::Rgb24),
        ("yuv440p", "rawvideo", PixelFormat::Yuv444p),
        ("rgb48be", "png", PixelFormat::Rgb48),
    ];
    for (format, codec, expected) in cases {
        let how = format!("-f lavfi -i testsrc2=s=64x48:r=5:d=1 -c:v {codec} -pix_fmt {format}");
        let path = make(&ffmpeg, &folder, &format!("{format}.nut"), &how);
        let (mut converter, mut made) = (Converter::new(), VideoFrame::new().unwrap());
        let mut converted = Vec::new();
        decode(&mut open(&path), &DecoderOptions::default(), |frame| {
            assert_eq!(frame.format(), FrameFormat::Foreign(format.to_owned()));
            let error = frame.view().unwrap_err();
            assert_eq!(error.status(), Status::UnsupportedFormat, "{error}");
            assert_eq!(converter.convert(frame, &mut made).unwrap(), expected);
            assert_eq!(made.pts(), frame.pts());
            converted.push(hash_of(&made));
        });
        if format != "yuv440p" {
            // Nothing is computed here, so it is what FFmpeg's own conversion gives.
            let said = ffmpeg.run(["-i", &path, "-pix_fmt", expected.name(), "-f", "framehash", "-"]).ok();
            assert_eq!(converted, said.frame_hashes(), "{format}");
        }
        assert_eq!(converted.len(), 5);
    }
}

/// RV-FF-1207
#[test]
fn a_frame_is_scaled_to_rgb_by_its_own_matrix_and_range() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    for (matrix, range) in [("bt709", "tv"), ("smpte170m", "pc"), ("bt2020nc", "tv")] {
        let how = format!(
            "-f lavfi -i color=c=0xC86432:s=64x48:r=1:d=1,format=gbrp,scale=out_color_matrix={}:out_range={range},\
             format=yuv444p -c:v ffv1 -colorspace {matrix} -color_range {range}",
            matrix.trim_end_matches("nc")
        );
        let path = make(&ffmpeg, &folder, "a.mkv", &how);
        let (mut converter, mut made) = (Converter::new(), VideoFrame::new().unwrap());
        decode(&mut open(&path), &DecoderOptions::default(), |frame| {
            let colors = frame.color().tags().unwrap().resolve(PixelFormat::Yuv444p, frame.size());
            converter.resize_to_rgb(frame, colors, Size::new(100, 70), &mut made).unwrap();
            let view = made.view().unwrap();
            assert_eq!((view.format(), view.size()), (PixelFormat::Rgb24, Size::new(100, 70)));
            for pixel in view.plane(0).row(35).as_chunks::<3>().0 {
                for (found, expected) in pixel.iter().zip([0xC8, 0x64, 0x32]) {
                    assert!(found.abs_diff(expected) <= 2, "{matrix} {range}: {pixel:?}");
                }
            }
        });
        assert!(!made.is_empty());
    }
}
