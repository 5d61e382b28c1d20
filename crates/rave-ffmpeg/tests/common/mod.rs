//! What the tests share: FFmpeg's programs, clips, and what ffprobe says of files.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::Path;

use rave_ffmpeg::{
    Decoder, DecoderOptions, Encoder, EncoderOptions, Input, InputOptions, Output, OutputOptions, Packet,
    Received, StreamMap, VideoFrame,
};
use rave_tests::ffmpeg::Ffmpeg;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The FFmpeg whose libraries are linked, or the reason why a test is left out.
pub(crate) fn ffmpeg() -> Option<Ffmpeg> {
    rave_tests::ffmpeg::newest()
}

/// A clip that scripts/fetch.sh fetches.
pub(crate) fn clip(name: &str) -> String {
    let path = rave_tests::build_dir().join("deps/clips").join(name);
    assert!(path.is_file(), "{}: run scripts/fetch.sh clips", path.display());
    path.to_string_lossy().into_owned()
}

/// The clips that are fetched: one with sound, and two in other codecs.
pub(crate) const CLIPS: [&str; 3] = ["bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4"];

/// A folder of this test's own.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A path in it, as text.
pub(crate) fn path_in(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_string_lossy().into_owned()
}

/// Makes a clip with the ffmpeg program: `arguments` up to the output, separated by spaces.
pub(crate) fn make(ffmpeg: &Ffmpeg, folder: &tempfile::TempDir, name: &str, arguments: &str) -> String {
    let path = path_in(folder, name);
    let _made = ffmpeg.run(arguments.split_whitespace().chain([path.as_str()])).ok();
    path
}

/// What ffprobe says with `arguments`, as JSON.
pub(crate) fn probe(ffmpeg: &Ffmpeg, path: &str, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["-of", "json"]).collect();
    serde_json::from_str(&ffmpeg.probe(&arguments, Path::new(path))).unwrap()
}

/// The hash of each frame that the ffmpeg program decodes, as it is stored.
pub(crate) fn frame_hashes(ffmpeg: &Ffmpeg, path: &str) -> Vec<String> {
    let arguments =
        ["-noautorotate", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framehash", "-"];
    ffmpeg.run(arguments).ok().frame_hashes()
}

/// The hash of a frame's visible pixels, plane by plane, as framehash makes it.
pub(crate) fn hash_of(frame: &VideoFrame) -> String {
    let view = frame.view().unwrap();
    let mut hash = Sha256::new();
    for index in 0..view.format().layout().planes {
        let plane = view.plane(index);
        (0..plane.height()).for_each(|y| hash.update(plane.row(y)));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a file as it comes.
pub(crate) fn open(path: &str) -> Input {
    Input::open(&InputOptions::new(path)).unwrap()
}

/// Calls `each` with every frame of the video of an input, and gives back its decoder.
pub(crate) fn decode(
    input: &mut Input,
    options: &DecoderOptions<'_>,
    mut each: impl FnMut(&VideoFrame),
) -> Decoder {
    let video = input.video().unwrap().index;
    let mut decoder = Decoder::open(input, options).unwrap();
    let (mut packet, mut frame) = (Packet::new().unwrap(), VideoFrame::new().unwrap());
    loop {
        let more = input.read(&mut packet).unwrap();
        match more {
            true if packet.stream() != video => continue,
            true => decoder.send(&packet).unwrap(),
            false => decoder.finish().unwrap(),
        }
        while decoder.receive(&mut frame).unwrap() == Received::Yes {
            each(&frame);
        }
        if !more {
            return decoder;
        }
    }
}

/// Writes `from` anew as `to`: its video decoded and encoded by `codec`, everything else copied.
pub(crate) fn rewrite(from: &str, to: &OutputOptions, codec: &str, options: &[(&str, &str)]) -> StreamMap {
    let mut input = open(from);
    let info = input.video().unwrap().clone();
    let mut decoder = Decoder::open(&input, &DecoderOptions::default()).unwrap();
    let (mut packet, mut frame) = (Packet::new().unwrap(), VideoFrame::new().unwrap());
    let mut output = Output::create(to).unwrap();
    let mut writing: Option<(Encoder, StreamMap)> = None;
    let mut waiting = Vec::new();
    loop {
        let more = input.read(&mut packet).unwrap();
        if more && packet.stream() != info.index {
            match &writing {
                None => {
                    let mut kept = Packet::new().unwrap();
                    kept.refer_to(&packet).unwrap();
                    waiting.push(kept);
                }
                Some((_, map)) => copy(&mut output, map, &mut packet),
            }
            continue;
        }
        if more {
            decoder.send(&packet).unwrap()
        } else {
            decoder.finish().unwrap()
        }
        while decoder.receive(&mut frame).unwrap() == Received::Yes {
            let (encoder, map) = writing.get_or_insert_with(|| {
                let mut wanted = EncoderOptions::for_frames_like(codec, &frame, info.time_base).unwrap();
                wanted.frame_rate = info.average_rate;
                wanted.global_header = output.wants_global_header();
                wanted.options =
                    options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
                let encoder = Encoder::open(&wanted).unwrap();
                let map = output.add_streams_of(&input, &encoder).unwrap();
                output.write_header().unwrap();
                waiting.drain(..).for_each(|mut kept| copy(&mut output, &map, &mut kept));
                (encoder, map)
            });
            let mut shown = VideoFrame::new().unwrap();
            shown.refer_to(&frame).unwrap();
            shown.copy_properties(&frame).unwrap();
            encoder.send(&shown).unwrap();
            drain(encoder, &mut output, map);
        }
        if !more {
            break;
        }
    }
    let (mut encoder, map) = writing.unwrap();
    encoder.finish().unwrap();
    drain(&mut encoder, &mut output, &map);
    output.finish().unwrap();
    map
}

fn copy(output: &mut Output, map: &StreamMap, packet: &mut Packet) {
    if let Some(track) = map.tracks[packet.stream()] {
        output.write(track, packet).unwrap();
    }
}

fn drain(encoder: &mut Encoder, output: &mut Output, map: &StreamMap) {
    let mut packet = Packet::new().unwrap();
    while encoder.receive(&mut packet).unwrap() == Received::Yes {
        output.write(map.video, &mut packet).unwrap();
    }
}
