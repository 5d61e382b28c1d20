//! A file whose video is decoded and encoded again, with everything else copied: ffprobe says the same of both, but for
//! what is meant to change.

mod common;

use common::{clip, ffmpeg, folder, frame_hashes, make, path_in, probe, rewrite};
use rave_ffmpeg::{ContentLight, Hdr, OutputOptions, Rational};
use rave_tests::ffmpeg::Ffmpeg;
use serde_json::{Map, Value};

/// What encoding anew changes of a video stream: how it is coded, and how large that is.
const OF_THE_CODING: [&str; 19] = [
    "bit_rate",
    "bits_per_raw_sample",
    "codec_long_name",
    "codec_name",
    "codec_tag",
    "codec_tag_string",
    "extradata_size",
    "has_b_frames",
    "is_avc",
    "level",
    "mime_codec_string",
    "nal_length_size",
    "profile",
    "refs",
    "closed_captions",
    "film_grain",
    "coded_width",
    "coded_height",
    "r_frame_rate",
];
/// What follows from the bytes of the whole file, and from the program that wrote it.
const OF_THE_FILE: [&str; 4] = ["filename", "size", "bit_rate", "probe_score"];

fn without(map: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    let mut kept = map.clone();
    kept.retain(|key, _| !keys.contains(&key.as_str()));
    if let Some(Value::Object(tags)) = kept.get_mut("tags") {
        tags.retain(|key, _| !matches!(key.to_lowercase().as_str(), "encoder" | "vendor_id"));
        // The beginning of time is what MOV's muxer takes for a time that is not given.
        tags.retain(|_, value| value != "1970-01-01T00:00:00.000000Z");
    }
    kept
}

fn without_in(value: &Value, keys: &[&str]) -> Value {
    Value::Object(without(value.as_object().unwrap(), keys))
}

/// Asserts that two files are the same film. `also` are keys of the video stream that this case changes.
fn assert_same_film(ffmpeg: &Ffmpeg, from: &str, to: &str, also: &[&str]) {
    let arguments = ["-show_streams", "-show_format", "-show_chapters"];
    let (before, after) = (probe(ffmpeg, from, &arguments), probe(ffmpeg, to, &arguments));
    assert_eq!(without_in(&before["format"], &OF_THE_FILE), without_in(&after["format"], &OF_THE_FILE));
    assert_eq!(before["chapters"], after["chapters"]);
    let streams = |said: &Value| said["streams"].as_array().unwrap().clone();
    let (before, after) = (streams(&before), streams(&after));
    assert_eq!(before.len(), after.len());
    let of_video = [&OF_THE_CODING[..], also].concat();
    for (index, (a, b)) in before.iter().zip(&after).enumerate() {
        let is_video = a["codec_type"] == "video" && a["disposition"]["attached_pic"] == 0;
        let ignored = match a["codec_type"].as_str() {
            _ if is_video => &of_video[..],
            // Found out by reading ahead, as far as it is done.
            Some("subtitle") => &["start_pts", "start_time", "duration_ts", "duration"],
            _ => &[],
        };
        assert_eq!(without_in(a, ignored), without_in(b, ignored), "stream {index}");
        assert_eq!(
            packets(ffmpeg, from, index, is_video),
            packets(ffmpeg, to, index, is_video),
            "stream {index}"
        );
    }
    assert_eq!(frame_times(ffmpeg, from), frame_times(ffmpeg, to));
}

/// Of each packet of a stream: times, flags and content; of encoded video nothing.
fn packets(ffmpeg: &Ffmpeg, path: &str, index: usize, is_video: bool) -> Vec<Value> {
    if is_video {
        return Vec::new();
    }
    let index = index.to_string();
    let said =
        probe(ffmpeg, path, &["-select_streams", &index, "-show_packets", "-show_data_hash", "sha256"]);
    let kept = |packet: &Value| without_in(packet, &["pos"]);
    said["packets"].as_array().unwrap().iter().map(kept).collect()
}

/// When each frame is shown, and when the last one ends. What else is said of durations is the distance of decoding
/// times, which B-frames make another than that of frames.
fn frame_times(ffmpeg: &Ffmpeg, path: &str) -> Vec<i64> {
    let said = probe(ffmpeg, path, &["-select_streams", "v:0", "-show_frames"]);
    let frames = said["frames"].as_array().unwrap();
    let time = |frame: &Value| frame["best_effort_timestamp"].as_i64().unwrap();
    let last = frames.last().unwrap();
    frames.iter().map(time).chain([time(last) + last["duration"].as_i64().unwrap_or(0)]).collect()
}

/// When each frame is shown, in seconds: the same number for the same time in whatever unit.
fn seconds(ffmpeg: &Ffmpeg, path: &str) -> Vec<f64> {
    let unit = common::open(path).video().unwrap().time_base;
    let mut times = frame_times(ffmpeg, path);
    times.pop();
    times.iter().map(|&time| time as f64 * f64::from(unit.num) / f64::from(unit.den)).collect()
}

/// x264 without loss, so that frame hashes can be compared.
const LOSSLESS: [(&str, &str); 2] = [("qp", "0"), ("preset", "ultrafast")];

fn rewritten(
    from: &str,
    folder: &tempfile::TempDir,
    name: &str,
    codec: &str,
    options: &[(&str, &str)],
) -> String {
    let to = path_in(folder, name);
    let map = rewrite(from, &OutputOptions::new(&to), codec, options);
    assert_eq!(map.left_out, Vec::<usize>::new());
    to
}

/// RV-FF-1602, RV-FF-1605, RV-FF-1606
#[test]
fn a_real_film_with_sound() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (folder, from) = (folder(), clip("bigbuckbunny.mp4"));
    let to = rewritten(&from, &folder, "a.mp4", "libx264", &LOSSLESS);
    assert_same_film(&ffmpeg, &from, &to, &[]);
    assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
}

/// RV-FF-1602
#[test]
fn b_frames_and_frames_of_uneven_duration() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(
        &ffmpeg,
        &folder,
        "vfr.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=3,settb=1/12800,setpts=N*N*80+N*37 -fps_mode passthrough -enc_time_base 1/12800 \
         -c:v libx264 -pix_fmt yuv420p",
    );
    for (name, codec, options) in [
        ("a.mp4", "libx264", &[("qp", "0"), ("bf", "3")][..]),
        ("b.mp4", "libx264", &[("crf", "30"), ("preset", "veryslow")][..]),
        ("c.mov", "libx264", &[("tune", "zerolatency")][..]),
        ("d.nut", "ffv1", &[][..]),
    ] {
        let to = rewritten(&from, &folder, name, codec, options);
        assert_eq!(seconds(&ffmpeg, &from), seconds(&ffmpeg, &to), "{name}");
        // MP4 keeps the distance of decoding times: with B-frames the last one is not the last frame's duration.
        if matches!(name, "a.mp4" | "c.mov") {
            assert_eq!(frame_times(&ffmpeg, &from), frame_times(&ffmpeg, &to), "{name}");
        }
    }
}

/// RV-FF-1602
#[test]
fn matroska_takes_its_own_times_back() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(
        &ffmpeg,
        &folder,
        "vfr.mkv",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=3,settb=1/1000,setpts=N*N*2+N*37 -fps_mode passthrough -enc_time_base 1/1000 -c:v ffv1",
    );
    let to = rewritten(&from, &folder, "a.mkv", "libx264", &LOSSLESS);
    assert_eq!(frame_times(&ffmpeg, &from), frame_times(&ffmpeg, &to));
}

/// Fractions as the numbers that they are.
fn numbers(hdr: Hdr) -> (Vec<f64>, Option<ContentLight>) {
    let mastering = hdr.mastering.unwrap();
    let fractions = mastering.primaries.unwrap().concat();
    let fractions =
        fractions.into_iter().chain(mastering.white_point.unwrap()).chain(mastering.luminance.unwrap());
    (fractions.map(Rational::to_f64).collect(), hdr.light)
}

/// RV-FF-1604, RV-FF-1204
#[test]
fn hdr10_at_ten_bits() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(
        &ffmpeg,
        &folder,
        "hdr10.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=1,format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084\
         :colorspace=bt2020nc:range=tv:chroma_location=topleft -c:v libx264 -x264-params \
         mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):cll=1000,400",
    );
    let hdr = |path: &str| {
        let (mut input, mut first) = (common::open(path), None);
        let of_stream = input.video().unwrap().hdr;
        common::decode(&mut input, &rave_ffmpeg::DecoderOptions::default(), |frame| {
            first.get_or_insert(frame.hdr());
        });
        (of_stream, first.unwrap())
    };
    let (_, of_frames) = hdr(&from);
    let light = of_frames.light.unwrap();
    assert_eq!((light.max_content, light.max_frame_average), (1000, 400));
    assert!(
        of_frames.mastering.unwrap().luminance.is_some() && of_frames.mastering.unwrap().primaries.is_some()
    );
    for name in ["a.mp4", "a.mkv", "a.mov"] {
        let to = rewritten(&from, &folder, name, "libx264", &LOSSLESS);
        let (of_stream, of_frames_after) = hdr(&to);
        assert!(common::open(&to).video().unwrap().color.is_hdr());
        assert_eq!(of_frames_after, of_frames, "{name}");
        assert_eq!(numbers(of_stream), numbers(of_frames), "{name}: the container says it too");
        assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
    }
    let to = rewritten(&from, &folder, "b.mp4", "libx264", &LOSSLESS);
    // The container says now what only frames said before.
    assert_same_film(&ffmpeg, &from, &to, &["side_data_list"]);
}

/// RV-FF-1604
#[test]
fn hlg_and_other_colours() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    for (name, transfer, tags) in [
        (
            "hlg",
            18,
            "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc:range=tv",
        ),
        (
            "full",
            5,
            "format=yuv422p,setparams=color_primaries=bt470bg:color_trc=bt470bg:colorspace=bt470bg:range=pc",
        ),
        ("none", 2, "format=yuv444p"),
    ] {
        let how = format!("-f lavfi -i testsrc2=s=64x48:r=10:d=1,{tags} -c:v libx264");
        let from = make(&ffmpeg, &folder, &format!("{name}.mov"), &how);
        let to = rewritten(&from, &folder, &format!("{name}-out.mov"), "libx264", &LOSSLESS);
        assert_eq!(common::open(&to).video().unwrap().color.transfer, transfer, "{name}");
        assert_same_film(&ffmpeg, &from, &to, &[]);
        assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to), "{name}");
    }
}

/// RV-FF-1604
#[test]
fn odd_sizes_and_pixels_that_are_not_square() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let odd = make(
        &ffmpeg,
        &folder,
        "odd.mkv",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=1,format=yuv420p,scale=63:47 -c:v ffv1",
    );
    let to = rewritten(&odd, &folder, "odd-out.mkv", "ffv1", &[]);
    assert_same_film(&ffmpeg, &odd, &to, &[]);
    assert_eq!(frame_hashes(&ffmpeg, &odd), frame_hashes(&ffmpeg, &to));
    let wide = "-f lavfi -i testsrc2=s=64x48:r=10:d=1,setsar=64/45 -c:v libx264 -pix_fmt yuv420p";
    let wide = make(&ffmpeg, &folder, "wide.mp4", wide);
    let to = rewritten(&wide, &folder, "wide-out.mp4", "libx264", &LOSSLESS);
    assert_same_film(&ffmpeg, &wide, &to, &[]);
}

/// RV-FF-1604
#[test]
fn rotation() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let flat = make(
        &ffmpeg,
        &folder,
        "flat.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=1 -c:v libx264 -pix_fmt yuv420p",
    );
    for (turn, clockwise) in [(90, 270), (180, 180), (270, 90)] {
        let how = format!("-display_rotation {turn} -i {flat} -c copy");
        let from = make(&ffmpeg, &folder, &format!("turned-{turn}.mp4"), &how);
        assert_eq!(common::open(&from).video().unwrap().rotation, clockwise);
        for name in ["out.mp4", "out.mkv"] {
            let to = rewritten(&from, &folder, &format!("{turn}-{name}"), "libx264", &LOSSLESS);
            assert_eq!(common::open(&to).video().unwrap().rotation, clockwise, "{name}");
            assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to), "pixels are not turned");
        }
        assert_same_film(&ffmpeg, &from, &path_in(&folder, &format!("{turn}-out.mp4")), &[]);
    }
}

/// RV-FF-1605, RV-FF-1606
#[test]
fn twenty_sound_tracks_subtitles_chapters_attachments_and_metadata() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let subtitles = path_in(&folder, "a.srt");
    std::fs::write(
        &subtitles,
        "1\n00:00:00,200 --> 00:00:00,900\nHello\n\n2\n00:00:01,000 --> 00:00:01,500\nWorld\n",
    )
    .unwrap();
    let chapters = path_in(&folder, "chapters.txt");
    let text = ";FFMETADATA1\ntitle=A film\ncomment=with everything\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=700\n\
                title=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=700\nEND=2000\ntitle=Two\n";
    std::fs::write(&chapters, text).unwrap();
    let font = path_in(&folder, "font.ttf");
    std::fs::write(&font, [7; 1000]).unwrap();
    let tracks: Vec<String> = (0..20)
        .map(|n| {
            format!(
                "-map 1:a -metadata:s:a:{n} language={} -metadata:s:a:{n} title=t{n}",
                ["eng", "deu", "fra"][n % 3]
            )
        })
        .collect();
    let how = format!(
        "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -i {subtitles} -i {chapters} -map 0:v {} -map 2:s \
         -map_metadata 3 -map_chapters 3 -c:v libx264 -pix_fmt yuv420p -c:a aac -c:s srt -disposition:a:3 default \
         -disposition:s:0 forced -attach {font} -metadata:s:t mimetype=application/x-font-ttf",
        tracks.join(" ")
    );
    let from = make(&ffmpeg, &folder, "all.mkv", &how);
    let to = rewritten(&from, &folder, "all-out.mkv", "libx264", &LOSSLESS);
    assert_same_film(&ffmpeg, &from, &to, &[]);
    let streams = common::open(&to).streams().len();
    assert_eq!(streams, 1 + 20 + 1 + 1);
    assert_eq!(common::open(&to).chapters().len(), 2);
}

/// RV-FF-1605
#[test]
fn a_film_without_sound_and_a_cover() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let silent = make(
        &ffmpeg,
        &folder,
        "a.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v libx264 -pix_fmt yuv420p",
    );
    let to = rewritten(&silent, &folder, "a-out.mp4", "libx264", &LOSSLESS);
    assert_same_film(&ffmpeg, &silent, &to, &[]);
    let how = format!(
        "-i {silent} -f lavfi -i testsrc2=s=32x32:d=0.04 -map 0 -map 1 -c:v:0 copy -c:v:1 png -disposition:v:1 attached_pic"
    );
    let covered = make(&ffmpeg, &folder, "cover.mp4", &how);
    let to = rewritten(&covered, &folder, "cover-out.mp4", "libx264", &LOSSLESS);
    assert_same_film(&ffmpeg, &covered, &to, &[]);
    // Matroska has covers as attached files, which come back as pictures.
    let to = rewritten(&covered, &folder, "cover-out.mkv", "libx264", &LOSSLESS);
    let picture = |path: &str| {
        let said =
            probe(&ffmpeg, path, &["-select_streams", "1", "-show_packets", "-show_data_hash", "sha256"]);
        said["packets"][0]["data_hash"].clone()
    };
    assert_eq!(common::open(&to).streams()[1].kind, rave_ffmpeg::StreamKind::Picture);
    assert_eq!(picture(&covered), picture(&to));
}

/// RV-FF-1605
#[test]
fn what_the_container_cannot_hold_is_told_and_left_out() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let how = "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -pix_fmt yuv420p -c:a pcm_s16le";
    let from = make(&ffmpeg, &folder, "a.mkv", how);
    let to = path_in(&folder, "a.avi");
    assert!(rewrite(&from, &OutputOptions::new(&to), "libx264", &[("bf", "0")]).left_out.is_empty());
    let to = path_in(&folder, "a.h264");
    let map = rewrite(&from, &OutputOptions::new(&to), "libx264", &LOSSLESS);
    assert_eq!((map.left_out, map.tracks[1]), (vec![1], None));
    assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
}

/// RV-FF-1602, RV-FF-1605
#[test]
fn a_transport_stream_that_does_not_start_at_zero() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let how =
        "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -pix_fmt yuv420p -c:a aac";
    let from = make(&ffmpeg, &folder, "a.ts", how);
    assert!(frame_times(&ffmpeg, &from)[0] > 0);
    let to = rewritten(&from, &folder, "a-out.ts", "libx264", &LOSSLESS);
    assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
    let steps = |path: &str| {
        let times = seconds(&ffmpeg, path);
        times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
    };
    assert_eq!(steps(&from).len(), 49);
    for (before, after) in steps(&from).iter().zip(steps(&to)) {
        assert!((before - after).abs() < 1e-9);
    }
    // Sound and video keep their distance.
    let distance = |path: &str| {
        let said = probe(&ffmpeg, path, &["-show_streams"]);
        let start = |index: usize| said["streams"][index]["start_pts"].as_i64().unwrap();
        start(1) - start(0)
    };
    assert_eq!(distance(&from), distance(&to));
}
