//! Inputs: what is opened, what is said of it, and what is not opened.

mod common;

use std::io::Write;
use std::os::fd::AsRawFd;

use common::{CLIPS, clip, decode, ffmpeg, folder, make, open, path_in, probe};
use rave_core::{Size, Status};
use rave_ffmpeg::{DecoderOptions, Input, InputOptions, Rational, StreamKind};

/// Twelve small frames, which every case here is made of.
const SOURCE: &str = "-f lavfi -i testsrc2=s=64x48:r=12:d=1";

fn count(input: &mut Input) -> u64 {
    decode(input, &DecoderOptions::default(), |_| ()).damage().decoded
}

/// RV-FF-1001
#[test]
fn containers_raw_streams_and_numbered_images_are_read() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let files = [
        ("a.mp4", "-c:v libx264"),
        ("a.mov", "-c:v prores_ks"),
        ("a.mkv", "-c:v ffv1"),
        ("a.avi", "-c:v mjpeg -pix_fmt yuvj420p"),
        ("a.ts", "-c:v mpeg2video -r 25 -frames:v 12"),
        ("a.y4m", "-pix_fmt yuv420p"),
        ("a.h264", "-c:v libx264"),
        ("a.nut", "-c:v utvideo"),
        ("a-%02d.png", "-c:v png"),
        ("a.bmp", "-frames:v 1 -update 1"),
    ];
    for (name, how) in files {
        let path = make(&ffmpeg, &folder, name, &format!("{SOURCE} {how}"));
        let mut input = open(&path);
        assert_eq!(input.video().unwrap().size, Size::new(64, 48), "{name}");
        assert_eq!(count(&mut input), if name == "a.bmp" { 1 } else { 12 }, "{name}");
    }
}

/// RV-FF-1001
#[test]
fn a_pipe_is_read() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let bytes = std::fs::read(make(&ffmpeg, &folder, "a.mkv", &format!("{SOURCE} -c:v ffv1"))).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let writing = std::thread::spawn(move || writer.write_all(&bytes).unwrap());
    let mut input = open(&format!("pipe:{}", reader.as_raw_fd()));
    assert_eq!(count(&mut input), 12);
    writing.join().unwrap();
}

/// RV-FF-1001
#[test]
fn raw_pixels_are_read_by_what_is_said_of_them() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let path = make(&ffmpeg, &folder, "a.yuv", &format!("{SOURCE} -pix_fmt yuv422p10le -f rawvideo"));
    let mut options = InputOptions::new(path);
    options.format = Some("rawvideo".to_owned());
    options.options = [("video_size", "64x48"), ("pixel_format", "yuv422p10le"), ("framerate", "12")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    let mut input = Input::open(&options).unwrap();
    assert_eq!(input.video().unwrap().frame_rate, Some(Rational::new(12, 1)));
    assert_eq!(count(&mut input), 12);
}

/// RV-FF-1001
#[test]
fn seeking_goes_to_a_point_from_which_the_video_can_be_decoded() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let path = make(
        &ffmpeg,
        &folder,
        "a.mp4",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=6 -c:v libx264 -g 10 -pix_fmt yuv420p",
    );
    let mut input = open(&path);
    let unit = input.video().unwrap().time_base;
    input.seek(3.55).unwrap();
    let mut first = None;
    decode(&mut input, &DecoderOptions::default(), |frame| {
        first.get_or_insert((frame.pts().unwrap(), frame.is_key()));
    });
    let (pts, is_key) = first.unwrap();
    assert!(is_key);
    assert_eq!(pts as f64 * unit.to_f64(), 3.0);
}

/// RV-FF-1002
#[test]
fn what_cannot_be_opened_is_named() {
    let folder = folder();
    let text = path_in(&folder, "notes.mp4");
    std::fs::write(&text, "not a film").unwrap();
    let directory = folder.path().to_string_lossy().into_owned();
    let cases = [
        (path_in(&folder, "none.mp4"), Status::FileNotFound),
        (path_in(&folder, "none-%03d.png"), Status::FileNotFound),
        (text, Status::UnsupportedFormat),
        (directory, Status::InvalidParameter),
    ];
    for (path, status) in cases {
        let error = Input::open(&InputOptions::new(&path)).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(&path), "{error}");
    }
}

/// RV-FF-1002
#[test]
fn an_option_or_a_container_that_is_unknown_is_named() {
    let mut options = InputOptions::new(clip("bikes.mp4"));
    options.options = vec![("no_such_option".to_owned(), "1".to_owned())];
    let error = Input::open(&options).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
    assert!(error.to_string().contains("no_such_option"), "{error}");
    options.options.clear();
    options.format = Some("no_such_format".to_owned());
    let error = Input::open(&options).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
    assert!(error.to_string().contains("no_such_format"), "{error}");
}

/// RV-FF-1003
#[test]
fn a_file_with_a_colon_in_its_name_is_opened() {
    let folder = folder();
    let path = path_in(&folder, "at 12:30.mp4");
    std::fs::copy(clip("bikes.mp4"), &path).unwrap();
    let name = std::path::Path::new(&path).file_name().unwrap().to_string_lossy().into_owned();
    assert!(open(&path).video().is_ok());
    // Where the colon comes before any slash it looks like a protocol.
    std::env::set_current_dir(folder.path()).unwrap();
    assert!(open(&name).video().is_ok());
}

/// RV-FF-1004
#[test]
fn what_is_said_of_a_video_is_what_ffprobe_says() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let made = [
        ("odd.mkv", "-f lavfi -i testsrc2=s=63x47:r=30000/1001:d=0.5 -c:v ffv1 -pix_fmt yuv444p"),
        ("sar.mp4", "-f lavfi -i testsrc2=s=64x48:d=0.5,setsar=32/27 -c:v libx264 -pix_fmt yuv422p"),
        (
            "deep.mp4",
            "-f lavfi -i testsrc2=s=64x48:d=0.5,format=yuv420p10le,setparams=color_primaries=bt2020:\
             color_trc=smpte2084:colorspace=bt2020nc:range=tv:chroma_location=topleft -c:v libx264",
        ),
        (
            "fields.mp4",
            "-f lavfi -i testsrc2=s=64x48:r=50:d=0.5,tinterlace,setfield=tff -c:v libx264 -flags +ildct+ilme",
        ),
    ];
    let mut paths: Vec<String> = CLIPS.map(clip).to_vec();
    // The lean build has no tinterlace; interlace does the same.
    paths.extend(
        made.map(|(name, how)| make(&ffmpeg, &folder, name, &how.replace("tinterlace", "interlace"))),
    );
    for path in paths {
        let said = &probe(&ffmpeg, &path, &["-select_streams", "v:0", "-show_streams"])["streams"][0];
        let input = open(&path);
        let video = input.video().unwrap();
        let text = |key: &str| said[key].as_str().unwrap_or("unknown").to_owned();
        let fraction = |value: Option<Rational>| value.map_or("0/0".to_owned(), |value| value.to_string());
        assert_eq!(video.codec, text("codec_name"), "{path}");
        assert_eq!(video.profile.clone().unwrap_or("unknown".to_owned()), text("profile"), "{path}");
        assert_eq!(
            video.size,
            Size::new(said["width"].as_u64().unwrap() as u32, said["height"].as_u64().unwrap() as u32)
        );
        assert_eq!(video.pixel_format, text("pix_fmt"), "{path}");
        assert_eq!(video.time_base.to_string(), text("time_base"), "{path}");
        assert_eq!(fraction(video.average_rate), text("avg_frame_rate"), "{path}");
        let aspect = video.sample_aspect.map_or("unknown".to_owned(), |a| format!("{}:{}", a.num, a.den));
        assert_eq!(aspect, text("sample_aspect_ratio"), "{path}");
        assert_eq!(
            video.interlaced,
            !matches!(text("field_order").as_str(), "progressive" | "unknown"),
            "{path}"
        );
        let codes = [
            ("bt709", 1),
            ("bt2020", 9),
            ("bt2020nc", 9),
            ("smpte2084", 16),
            ("smpte170m", 6),
            ("unknown", 2),
        ];
        for (key, code) in [
            ("color_space", video.color.matrix),
            ("color_primaries", video.color.primaries),
            ("color_transfer", video.color.transfer),
        ] {
            let name = text(key);
            let expected =
                codes.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}")).1;
            assert_eq!(code, expected, "{path} {key}");
        }
        let range = ["unknown", "tv", "pc"].iter().position(|name| *name == text("color_range")).unwrap();
        assert_eq!(video.color.range, range as i32, "{path}");
        let sitings = ["unknown", "left", "center", "topleft"];
        let siting =
            if said["chroma_location"].is_null() { "unknown".to_owned() } else { text("chroma_location") };
        assert_eq!(sitings[video.color.siting as usize], siting, "{path}");
        if let Some(frames) = said["nb_frames"].as_str() {
            assert_eq!(video.frames, Some(frames.parse().unwrap()), "{path}");
        }
        let start = said["start_pts"].as_i64();
        assert_eq!(video.start, start, "{path}");
    }
}

/// RV-FF-1004
#[test]
fn streams_have_their_kind_codec_and_metadata() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let path = make(
        &ffmpeg,
        &folder,
        "a.mkv",
        "-f lavfi -i testsrc2=s=64x48:d=0.5 -f lavfi -i sine=r=44100:d=0.5 -c:v ffv1 -c:a flac \
         -metadata:s:a:0 language=deu -disposition:a:0 default -metadata title=Film",
    );
    let input = open(&path);
    assert_eq!(input.format_name(), "matroska,webm");
    assert!(input.metadata().contains(&("title".to_owned(), "Film".to_owned())));
    let [video, sound] = input.streams() else { panic!("{:?}", input.streams()) };
    assert_eq!((video.kind, video.codec.as_str()), (StreamKind::Video, "ffv1"));
    assert_eq!((sound.kind, sound.codec.as_str()), (StreamKind::Audio, "flac"));
    assert_eq!((sound.sample_rate, sound.channels), (Some(44100), Some(1)));
    assert_eq!(sound.metadata_value("language"), Some("deu"));
    assert!(sound.is_default);
}

/// RV-FF-1004
#[test]
fn an_input_without_video_says_what_it_has() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let input = open(&make(&ffmpeg, &folder, "a.wav", "-f lavfi -i sine=d=0.5"));
    let error = input.video().unwrap_err();
    assert_eq!(error.status(), Status::UnsupportedFormat);
    assert!(error.to_string().contains("audio"), "{error}");
}

/// RV-FF-1005
#[test]
fn an_input_that_is_cut_short_is_read_as_far_as_it_goes() {
    let folder = folder();
    let bytes = std::fs::read(clip("bigbuckbunny.mp4")).unwrap();
    let path = path_in(&folder, "half.mp4");
    let whole = count(&mut open(&clip("bigbuckbunny.mp4")));
    // The index is at the beginning of some files, and at the end of others, which then cannot be opened at all.
    let index_first =
        bytes.windows(4).position(|w| w == b"moov") < bytes.windows(4).position(|w| w == b"mdat");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    if !index_first {
        let error = Input::open(&InputOptions::new(&path)).unwrap_err();
        assert_eq!(error.status(), Status::UnsupportedFormat);
        return;
    }
    let mut input = open(&path);
    let decoded = count(&mut input);
    assert!(decoded > 0 && decoded < whole, "{decoded} of {whole}");
    assert!(input.corrupt_packets() > 0 || input.is_cut_short());
}
