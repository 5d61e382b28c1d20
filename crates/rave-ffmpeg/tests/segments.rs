//! Video that is encoded in pieces and joined is the video that is encoded in one.

mod common;

use std::path::PathBuf;

use common::{clip, decode, ffmpeg, folder, frame_hashes, make, open, path_in, probe, rewrite};
use rave_core::{Result, Status};
use rave_ffmpeg::segments::{Joined, SegmentReader, SegmentWriter, join};
use rave_ffmpeg::{
    DecoderOptions, Encoder, EncoderOptions, Input, Output, OutputOptions, Packet, Received, StreamMap,
    Track, VideoFrame,
};
use rave_tests::ffmpeg::Ffmpeg;
use serde_json::Value;

/// An encoder of frames like those of a file, with three B-frames in a row.
fn encoder(from: &str, options: &[(&str, &str)]) -> Encoder {
    let mut first = VideoFrame::new().unwrap();
    let mut input = open(from);
    let info = input.video().unwrap().clone();
    decode(&mut input, &DecoderOptions::default(), |frame| {
        if first.is_empty() {
            first.refer_to(frame).unwrap();
        }
    });
    let mut wanted = EncoderOptions::for_frames_like("libx264", &first, info.time_base).unwrap();
    wanted.frame_rate = info.average_rate;
    wanted.global_header = true;
    wanted.threads = 1;
    wanted.options = options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Encoder::open(&wanted).unwrap()
}

const B_FRAMES: [(&str, &str); 4] = [("crf", "18"), ("bf", "3"), ("g", "12"), ("preset", "fast")];

/// Encodes the frames of a file in pieces that begin at the frames `starts`, each with an encoder of its own.
fn in_pieces(from: &str, starts: &[usize], folder: &tempfile::TempDir) -> Vec<PathBuf> {
    pieces(from, starts, folder, &B_FRAMES, &B_FRAMES)
}

/// The same with encoders of `options`, where that of `said` is said to have made the pieces.
fn pieces(
    from: &str,
    starts: &[usize],
    folder: &tempfile::TempDir,
    options: &[(&str, &str)],
    said: &[(&str, &str)],
) -> Vec<PathBuf> {
    let (mut index, mut paths) = (0, Vec::new());
    let mut writing: Option<(Encoder, SegmentWriter)> = None;
    let finish = |writing: &mut Option<(Encoder, SegmentWriter)>| {
        let Some((mut encoder, mut segment)) = writing.take() else { return };
        encoder.finish().unwrap();
        drain(&mut encoder, &mut segment);
        let frames = encoder.frames();
        assert_eq!(segment.finish().unwrap(), frames);
    };
    decode(&mut open(from), &DecoderOptions::default(), |frame| {
        if starts.contains(&index) {
            finish(&mut writing);
            let path = folder.path().join(format!("{index:05}.segment"));
            let segment = SegmentWriter::create(&path, &encoder(from, said)).unwrap();
            paths.push(path);
            writing = Some((encoder(from, options), segment));
        }
        let (encoder, segment) = writing.as_mut().unwrap();
        let mut shown = VideoFrame::new().unwrap();
        shown.refer_to(frame).unwrap();
        shown.copy_properties(frame).unwrap();
        encoder.send(&shown).unwrap();
        drain(encoder, segment);
        index += 1;
    });
    finish(&mut writing);
    paths
}

fn drain(encoder: &mut Encoder, segment: &mut SegmentWriter) {
    let mut packet = Packet::new().unwrap();
    while encoder.receive(&mut packet).unwrap() == Received::Yes {
        segment.write(&packet).unwrap();
    }
}

fn joined(from: &str, paths: &[PathBuf], to: &str) {
    joined_as(from, paths, to, &B_FRAMES);
}

/// Joins pieces that an encoder of `options` is said to have made.
fn joined_as(from: &str, paths: &[PathBuf], to: &str, options: &[(&str, &str)]) {
    let mut input = open(from);
    let encoder = encoder(from, options);
    let mut output = Output::create(&OutputOptions::new(to)).unwrap();
    let map = output.add_streams_of(&input, &encoder).unwrap();
    output.write_header().unwrap();
    let mut video = Joined::open(paths.iter().cloned(), &encoder).unwrap();
    join(&mut video, &mut output, map.video, |packet| next_copied(&mut input, &map, packet)).unwrap();
    output.finish().unwrap();
}

/// The next packet of any stream but the video.
fn next_copied(input: &mut Input, map: &StreamMap, packet: &mut Packet) -> Result<Option<Track>> {
    while input.read(packet)? {
        match map.tracks[packet.stream()] {
            Some(track) if track != map.video => return Ok(Some(track)),
            _ => {}
        }
    }
    Ok(None)
}

/// Times of showing and decoding of every packet of a file, and the content of those that are copied.
fn packets(ffmpeg: &Ffmpeg, path: &str) -> Vec<(Value, Value, Value, Value)> {
    let said = probe(ffmpeg, path, &["-show_packets", "-show_data_hash", "sha256"]);
    let mut packets: Vec<_> = said["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|packet| {
            let content = if packet["codec_type"] == "video" { &Value::Null } else { &packet["data_hash"] };
            (packet["stream_index"].clone(), packet["pts"].clone(), packet["dts"].clone(), content.clone())
        })
        .collect();
    // Of each stream in its order; how streams alternate is the muxer's affair.
    packets.sort_by_key(|(stream, ..)| stream.as_i64());
    packets
}

/// When each frame is shown.
fn shown(ffmpeg: &Ffmpeg, path: &str) -> Vec<Option<i64>> {
    let said = probe(ffmpeg, path, &["-select_streams", "v:0", "-show_frames"]);
    said["frames"].as_array().unwrap().iter().map(|frame| frame["pts"].as_i64()).collect()
}

/// A film of 25 frames a second and one of frames of uneven duration, both with sound.
fn films(ffmpeg: &Ffmpeg, folder: &tempfile::TempDir) -> [String; 2] {
    let coded = "-f lavfi -i sine=d=4 -c:a aac -c:v libx264 -preset ultrafast -qp 0 -pix_fmt yuv420p";
    let even = format!("-f lavfi -i testsrc2=s=64x48:r=25:d=4 {coded}");
    let uneven = format!(
        "-f lavfi -i testsrc2=s=64x48:r=25:d=4,settb=1/12800,setpts=N*500+mod(N*N\\,13)*35 {coded} \
         -fps_mode passthrough -enc_time_base 1/12800"
    );
    [make(ffmpeg, folder, "even.mp4", &even), make(ffmpeg, folder, "uneven.mp4", &uneven)]
}

/// RV-FF-1804, RV-FF-1803
#[test]
fn one_piece_has_the_times_that_the_encoder_gives() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    for from in films(&ffmpeg, &folder).into_iter().chain([clip("bigbuckbunny.mp4")]) {
        let whole = path_in(&folder, "whole.mp4");
        rewrite(&from, &OutputOptions::new(&whole), "libx264", &B_FRAMES);
        let to = path_in(&folder, "joined.mp4");
        joined(&from, &in_pieces(&from, &[0], &folder), &to);
        assert_eq!(packets(&ffmpeg, &whole), packets(&ffmpeg, &to), "{from}");
    }
}

/// RV-FF-1804, RV-FF-1803
#[test]
fn pieces_wherever_they_begin_are_joined_with_exact_times_and_sound() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    for from in films(&ffmpeg, &folder) {
        let whole = path_in(&folder, "whole.mp4");
        rewrite(&from, &OutputOptions::new(&whole), "libx264", &B_FRAMES);
        for starts in [&[0, 50][..], &[0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89], &[0, 24, 48, 72, 96, 99]] {
            let to = path_in(&folder, "joined.mp4");
            joined(&from, &in_pieces(&from, starts, &folder), &to);
            assert_eq!(shown(&ffmpeg, &from), shown(&ffmpeg, &to), "{starts:?}");
            let of = |path: &str, video: bool| -> Vec<_> {
                packets(&ffmpeg, path).into_iter().filter(|packet| (packet.0 == 0) == video).collect()
            };
            assert_eq!(of(&from, false), of(&to, false), "sound is copied");
            let times: Vec<(i64, i64)> = of(&to, true)
                .iter()
                .map(|(_, pts, dts, _)| (pts.as_i64().unwrap(), dts.as_i64().unwrap()))
                .collect();
            assert_eq!(times.len(), 100);
            assert!(times.windows(2).all(|pair| pair[0].1 < pair[1].1), "decoding times rise: {times:?}");
            assert!(times.iter().all(|(pts, dts)| dts <= pts), "decoding comes before showing: {times:?}");
            // FFmpeg decodes what it decodes of the pieces alone, without a complaint.
            let run = ffmpeg.run(["-v", "warning", "-i", &to, "-f", "framehash", "-"]).ok();
            assert_eq!(run.stderr, "", "{starts:?}");
        }
    }
}

/// RV-FF-1803, RV-FF-1804
#[test]
fn an_encoder_that_does_not_say_how_it_reorders_is_joined_by_the_times_of_its_packets() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    // In a container that has each packet's headers in it, one encoder can stand for another that says 0.
    let in_band = ("flags", "-global_header");
    let reordering = [&B_FRAMES[..], &[in_band]].concat();
    let silent = [("bf", "0"), in_band];
    for from in films(&ffmpeg, &folder) {
        assert_eq!(encoder(&from, &silent).reorder_depth(), 0);
        let whole = path_in(&folder, "whole.ts");
        rewrite(&from, &OutputOptions::new(&whole), "libx264", &reordering);
        // The first pieces reorder nothing: their times follow from the later ones.
        for starts in [&[0][..], &[0, 1, 2, 50]] {
            let [unsaid, said] = [&silent[..], &reordering].map(|said| {
                let to = path_in(&folder, "joined.ts");
                joined_as(&from, &pieces(&from, starts, &folder, &reordering, said), &to, said);
                packets(&ffmpeg, &to)
            });
            assert_eq!(unsaid, said, "{from} {starts:?}");
            if starts.len() == 1 {
                assert_eq!(unsaid, packets(&ffmpeg, &whole), "{from}: the times that the encoder gives");
            }
        }
    }
}

/// RV-FF-1804
#[test]
fn joined_without_loss_every_frame_is_the_inputs() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let [_, from] = films(&ffmpeg, &folder);
    let to = path_in(&folder, "joined.mkv");
    let lossless = [("qp", "0"), ("bf", "0")];
    let mut paths = Vec::new();
    let (mut index, mut writing): (usize, Option<(Encoder, SegmentWriter)>) = (0, None);
    decode(&mut open(&from), &DecoderOptions::default(), |frame| {
        if index % 30 == 0 {
            if let Some((mut encoder, mut segment)) = writing.take() {
                encoder.finish().unwrap();
                drain(&mut encoder, &mut segment);
                segment.finish().unwrap();
            }
            let encoder = encoder(&from, &lossless);
            paths.push(folder.path().join(format!("{index}.lossless")));
            let segment = SegmentWriter::create(paths.last().unwrap(), &encoder).unwrap();
            writing = Some((encoder, segment));
        }
        let (encoder, segment) = writing.as_mut().unwrap();
        encoder.send(frame).unwrap();
        drain(encoder, segment);
        index += 1;
    });
    let (mut last, mut segment) = writing.unwrap();
    last.finish().unwrap();
    drain(&mut last, &mut segment);
    segment.finish().unwrap();
    let mut input = open(&from);
    let mut output = Output::create(&OutputOptions::new(&to)).unwrap();
    let map = output.add_streams_of(&input, &last).unwrap();
    output.write_header().unwrap();
    let mut video = Joined::open(paths, &last).unwrap();
    join(&mut video, &mut output, map.video, |packet| next_copied(&mut input, &map, packet)).unwrap();
    output.finish().unwrap();
    assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
}

/// RV-FF-1801
#[test]
fn a_segment_has_its_name_only_once_it_is_complete() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let [from, _] = films(&ffmpeg, &folder);
    let path = folder.path().join("one");
    let segment = SegmentWriter::create(&path, &encoder(&from, &B_FRAMES)).unwrap();
    assert!(!path.exists());
    let error = SegmentReader::open(&path).unwrap_err();
    assert_eq!(error.status(), Status::FileNotFound);
    assert_eq!(segment.finish().unwrap(), 0);
    assert_eq!(SegmentReader::open(&path).unwrap().verify().unwrap(), 0);
}

/// RV-FF-1802
#[test]
fn a_segment_that_is_cut_short_or_changed_anywhere_is_refused() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let [from, _] = films(&ffmpeg, &folder);
    let path = in_pieces(&from, &[0], &folder).remove(0);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(SegmentReader::open(&path).unwrap().verify().unwrap(), 100);
    let damaged = folder.path().join("damaged");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&damaged, bytes).unwrap();
        let error = SegmentReader::open(&damaged).and_then(SegmentReader::verify).unwrap_err();
        assert_eq!(error.status(), Status::Io, "{what}: {error}");
        assert!(error.to_string().contains("damaged"), "{error}");
    };
    for len in (0..whole.len()).step_by(whole.len() / 61).chain([whole.len() - 1]) {
        refused(&whole[..len], &format!("the first {len} bytes"));
    }
    for at in (0..whole.len()).step_by(whole.len() / 61).chain([20, whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        refused(&bytes, &format!("byte {at} is another"));
    }
}

/// RV-FF-1804
#[test]
fn segments_of_another_encoder_or_in_another_order_are_refused() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let [from, _] = films(&ffmpeg, &folder);
    let mut paths = in_pieces(&from, &[0, 50], &folder);
    let error = Joined::open(paths.clone(), &encoder(&from, &[("bf", "0")])).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter, "{error}");
    paths.reverse();
    let mut video = Joined::open(paths, &encoder(&from, &B_FRAMES)).unwrap();
    let mut packet = Packet::new().unwrap();
    let error = loop {
        match video.read(&mut packet) {
            Ok(more) => assert!(more, "all of it was taken"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.status(), Status::InvalidParameter, "{error}");
}
