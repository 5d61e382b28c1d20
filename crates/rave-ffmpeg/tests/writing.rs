//! Outputs: what is written, and what is not.

mod common;

use std::io::Read;
use std::os::fd::{AsRawFd, IntoRawFd};

use common::{clip, ffmpeg, folder, frame_hashes, make, open, path_in, rewrite};
use rave_core::{PixelFormat, Size, Status};
use rave_ffmpeg::{
    ColorCodes, Encoder, EncoderOptions, FramePool, Output, OutputOptions, Packet, Rational, Received,
    VideoFrame, closest_format, default_encoder, encoder_exists, encodes_without_memory, fixed_colors,
    quality_options, supported_formats,
};

const SOURCE: &str = "-f lavfi -i testsrc2=s=64x48:r=12:d=1";

/// RV-FF-1601
#[test]
fn containers_raw_streams_and_numbered_images_are_written() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let color = make(&ffmpeg, &folder, "in.mkv", &format!("{SOURCE} -c:v ffv1 -pix_fmt yuv420p"));
    let rgb = make(&ffmpeg, &folder, "rgb.nut", &format!("{SOURCE} -c:v rawvideo -pix_fmt rgb24"));
    let deep = make(&ffmpeg, &folder, "deep.nut", &format!("{SOURCE} -c:v rawvideo -pix_fmt rgb48le"));
    for (from, name) in [
        (&color, "a.mp4"),
        (&color, "a.mov"),
        (&color, "a.mkv"),
        (&color, "a.ts"),
        (&color, "a.y4m"),
        (&color, "a.h264"),
        (&rgb, "a-%03d.png"),
        (&deep, "deep-%03d.png"),
    ] {
        let to = path_in(&folder, name);
        let format = if name.ends_with("png") { PixelFormat::Rgb24 } else { PixelFormat::Yuv420p };
        let codec = default_encoder(&to, None, format).unwrap();
        let lossless = if codec == "libx264" { &[("qp", "0")][..] } else { &[] };
        rewrite(from, &OutputOptions::new(&to), &codec, lossless);
        // PNG has the other order of bytes.
        let written = match name {
            "deep-%03d.png" => {
                make(&ffmpeg, &folder, "back.nut", &format!("-i {to} -c:v rawvideo -pix_fmt rgb48le"))
            }
            _ => to,
        };
        assert_eq!(frame_hashes(&ffmpeg, from), frame_hashes(&ffmpeg, &written), "{name}");
    }
    assert!(folder.path().join("a-001.png").is_file() && folder.path().join("a-012.png").is_file());
}

/// RV-FF-1601
#[test]
fn one_image_is_written_without_a_number() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(&ffmpeg, &folder, "in.png", &format!("{SOURCE} -frames:v 1 -update 1 -pix_fmt rgb24"));
    let to = path_in(&folder, "out.png");
    rewrite(&from, &OutputOptions::new(&to), "png", &[]);
    assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to));
}

/// RV-FF-1601
#[test]
fn a_second_picture_for_one_image_is_refused_with_what_to_do() {
    let folder = folder();
    let mut pool = FramePool::new(PixelFormat::Rgb24, SMALL).unwrap();
    let mut packet = Packet::new().unwrap();
    // A percent sign alone makes no number.
    for name in ["one.png", "100%.png"] {
        let to = path_in(&folder, name);
        let mut output = Output::create(&OutputOptions::new(&to)).unwrap();
        assert!(output.is_one_image());
        let mut encoder = Encoder::open(&options("png", PixelFormat::Rgb24, SMALL)).unwrap();
        let track = output.add_video(&encoder, None).unwrap();
        output.write_header().unwrap();
        let mut write = |pts| {
            encoder.send(&gray(&mut pool, pts)).unwrap();
            assert_eq!(encoder.receive(&mut packet).unwrap(), Received::Yes);
            output.write(track, &mut packet)
        };
        write(0).unwrap();
        let error = write(1).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        let said = error.to_string();
        assert!(said.contains("more than one picture") && said.contains("%05d"), "{said}");
    }
    assert!(!Output::create(&OutputOptions::new(path_in(&folder, "%d.png"))).unwrap().is_one_image());
}

/// RV-FF-1601
#[test]
fn a_pipe_is_written_also_in_mp4() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(&ffmpeg, &folder, "in.mkv", &format!("{SOURCE} -c:v ffv1 -pix_fmt yuv420p"));
    for (container, codec, lossless) in [
        ("matroska", "ffv1", &[][..]),
        ("mp4", "libx264", &[("qp", "0")][..]),
        ("yuv4mpegpipe", "rawvideo", &[]),
    ] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let reading = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let mut options = OutputOptions::new(format!("pipe:{}", writer.as_raw_fd()));
        options.format = Some(container.to_owned());
        rewrite(&from, &options, codec, lossless);
        // FFmpeg leaves descriptors open that it was given.
        drop(writer);
        let to = path_in(&folder, &format!("{container}.out"));
        std::fs::write(&to, reading.join().unwrap()).unwrap();
        assert_eq!(frame_hashes(&ffmpeg, &from), frame_hashes(&ffmpeg, &to), "{container}");
    }
}

/// RV-FF-1601
#[test]
fn what_cannot_be_written_is_named() {
    let folder = folder();
    let cases = [
        (path_in(&folder, "a.no_such"), Status::InvalidParameter, "a.no_such"),
        (path_in(&folder, "none/a.mp4"), Status::FileNotFound, "none/a.mp4"),
        ("-".to_owned(), Status::InvalidParameter, "format"),
    ];
    for (path, status, named) in cases {
        let error = Output::create(&OutputOptions::new(&path)).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

fn options(codec: &str, format: PixelFormat, size: Size) -> EncoderOptions<'static> {
    EncoderOptions {
        codec: codec.to_owned(),
        format,
        size,
        time_base: Rational::new(1, 25),
        frame_rate: Some(Rational::new(25, 1)),
        color: ColorCodes::default(),
        sample_aspect: None,
        first_frame: None,
        options: Vec::new(),
        threads: 1,
        global_header: true,
        hardware: None,
    }
}

const SMALL: Size = Size::new(64, 48);

/// A gray frame of a pool.
fn gray(pool: &mut FramePool, pts: i64) -> VideoFrame {
    let mut frame = VideoFrame::new().unwrap();
    pool.take(&mut frame).unwrap();
    frame.set_pts(Some(pts));
    let mut view = frame.view_mut().unwrap();
    for plane in view.planes_mut().iter_mut().flatten() {
        (0..plane.height()).for_each(|y| plane.row_mut(y).fill(128));
    }
    frame
}

/// RV-FF-1507
#[test]
fn jpeg_takes_its_own_colours_and_no_others() {
    let of = |range: i32| {
        let color = ColorCodes { range, ..ColorCodes::default() };
        Encoder::open(&EncoderOptions { color, ..options("mjpeg", PixelFormat::Yuv420p, SMALL) })
    };
    let jfif = ColorCodes::default().converted(fixed_colors("mjpeg").unwrap(), false);
    assert_eq!((jfif.matrix, jfif.siting), (6, 2));
    of(jfif.range).unwrap();
    assert_eq!(of(1).unwrap_err().status(), Status::InvalidParameter);
    assert!(["libx264", "png", "ffv1"].iter().all(|encoder| fixed_colors(encoder).is_none()));
}

/// RV-FF-1601
#[test]
fn an_option_that_the_muxer_does_not_have_is_named() {
    let folder = folder();
    let mut to = OutputOptions::new(path_in(&folder, "a.mp4"));
    to.options = vec![("no_such_option".to_owned(), "1".to_owned())];
    let mut output = Output::create(&to).unwrap();
    output
        .add_video(&Encoder::open(&options("libx264", PixelFormat::Yuv420p, SMALL)).unwrap(), None)
        .unwrap();
    let error = output.write_header().unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
    assert!(error.to_string().contains("no_such_option"), "{error}");
}

/// RV-FF-1603
#[test]
fn a_full_disk_is_an_error_and_never_a_complete_file() {
    let mut to = OutputOptions::new("/dev/full");
    to.format = Some("matroska".to_owned());
    let mut encoder = Encoder::open(&options("ffv1", PixelFormat::Yuv420p, SMALL)).unwrap();
    let mut output = Output::create(&to).unwrap();
    let track = output.add_video(&encoder, None).unwrap();
    let mut pool = FramePool::new(PixelFormat::Yuv420p, SMALL).unwrap();
    let mut packet = Packet::new().unwrap();
    let mut run = || -> rave_core::Result<()> {
        output.write_header()?;
        encoder.send(&gray(&mut pool, 0))?;
        assert_eq!(encoder.receive(&mut packet)?, Received::Yes);
        output.write(track, &mut packet)
    };
    let error = run().and_then(|()| output.finish()).unwrap_err();
    assert_eq!(error.status(), Status::Io, "{error}");
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

/// RV-FF-1603
#[test]
fn a_reader_that_goes_away_is_an_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut to = OutputOptions::new(format!("pipe:{}", writer.into_raw_fd()));
    to.format = Some("matroska".to_owned());
    let encoder = Encoder::open(&options("ffv1", PixelFormat::Yuv420p, SMALL)).unwrap();
    let mut output = Output::create(&to).unwrap();
    output.add_video(&encoder, None).unwrap();
    let error = output.write_header().and_then(|()| output.finish()).unwrap_err();
    assert_eq!(error.status(), Status::Io, "{error}");
}

/// RV-FF-1602
#[test]
fn times_of_encoded_video_that_do_not_rise_in_the_containers_unit_are_refused() {
    let folder = folder();
    // Matroska counts in milliseconds; these frames are a tenth of one apart.
    let mut wanted = options("ffv1", PixelFormat::Yuv420p, SMALL);
    wanted.time_base = Rational::new(1, 10_000);
    let mut encoder = Encoder::open(&wanted).unwrap();
    let mut output = Output::create(&OutputOptions::new(path_in(&folder, "a.mkv"))).unwrap();
    let track = output.add_video(&encoder, None).unwrap();
    output.write_header().unwrap();
    assert_eq!(output.time_base(track), Some(Rational::new(1, 1000)));
    let mut pool = FramePool::new(PixelFormat::Yuv420p, SMALL).unwrap();
    let mut packet = Packet::new().unwrap();
    let refused = (0..3).find_map(|pts| {
        encoder.send(&gray(&mut pool, pts)).unwrap();
        assert_eq!(encoder.receive(&mut packet).unwrap(), Received::Yes);
        output.write(track, &mut packet).err()
    });
    // Equal times are what Matroska may have; a time that falls is not.
    assert!(refused.is_none(), "{refused:?}");
    packet.set_data(&[0]).unwrap();
    packet.set_times(Some(-50), Some(-50), 1, wanted.time_base);
    assert_eq!(output.write(track, &mut packet).unwrap_err().status(), Status::InvalidParameter);
}

/// RV-FF-1605
#[test]
fn video_that_the_container_cannot_hold_is_refused() {
    let folder = folder();
    let encoder = Encoder::open(&options("huffyuv", PixelFormat::Yuv422p, SMALL)).unwrap();
    let mut output = Output::create(&OutputOptions::new(path_in(&folder, "a.mp4"))).unwrap();
    let error = output.add_video(&encoder, None).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter);
    assert!(error.to_string().contains("huffyuv") && error.to_string().contains("mp4"), "{error}");
}

/// RV-FF-1501
#[test]
fn an_encoder_an_option_and_a_pixel_format_that_are_not_there_are_named() {
    let error = Encoder::open(&options("no_such", PixelFormat::Yuv420p, SMALL)).unwrap_err();
    assert!(error.status() == Status::InvalidParameter && error.to_string().contains("no_such"), "{error}");
    let error = Encoder::open(&options("aac", PixelFormat::Yuv420p, SMALL)).unwrap_err();
    assert!(error.to_string().contains("does not encode video"), "{error}");
    let mut wanted = options("libx264", PixelFormat::Yuv420p, SMALL);
    wanted.options = vec![("no_such_option".to_owned(), "1".to_owned())];
    let error = Encoder::open(&wanted).unwrap_err();
    assert!(error.to_string().contains("no_such_option"), "{error}");
    let error = Encoder::open(&options("libx264", PixelFormat::Gbrp16, SMALL)).unwrap_err();
    assert!(error.to_string().contains("gbrp16le") && error.to_string().contains("yuv420p10le"), "{error}");
}

/// RV-FF-1502
#[test]
fn a_frame_of_another_size_or_format_is_refused_and_the_next_is_taken() {
    let mut encoder = Encoder::open(&options("ffv1", PixelFormat::Yuv420p, SMALL)).unwrap();
    for (format, size) in [(PixelFormat::Yuv420p, Size::new(32, 48)), (PixelFormat::Yuv444p, SMALL)] {
        let error = encoder.send(&gray(&mut FramePool::new(format, size).unwrap(), 0)).unwrap_err();
        assert_eq!(error.status(), Status::UnsupportedFormat, "{error}");
    }
    encoder.send(&gray(&mut FramePool::new(PixelFormat::Yuv420p, SMALL).unwrap(), 0)).unwrap();
    assert_eq!(encoder.receive(&mut Packet::new().unwrap()).unwrap(), Received::Yes);
    assert_eq!(encoder.frames(), 1);
}

/// RV-FF-1505
#[test]
fn images_without_loss_are_encoded_without_memory_and_others_are_not() {
    for (encoder, without) in
        [("png", true), ("tiff", true), ("bmp", true), ("mjpeg", false), ("libx264", false)]
    {
        assert_eq!(encodes_without_memory(encoder).unwrap(), without, "{encoder}");
    }
    assert_eq!(encodes_without_memory("none-such").unwrap_err().status(), Status::InvalidParameter);
}

/// RV-FF-1503
#[test]
fn the_encoder_follows_from_the_container_and_keeps_depth_where_one_can() {
    let name = |path: &str, format| default_encoder(path, None, format).unwrap();
    assert_eq!(name("a.mp4", PixelFormat::Yuv420p), "libx264");
    assert_eq!(name("a.mkv", PixelFormat::Yuv420p), "libx264");
    assert_eq!(name("frame-%05d.png", PixelFormat::Rgb48), "png");
    assert_eq!(name("a.y4m", PixelFormat::Yuv444p10), "rawvideo");
    let deep = if encoder_exists("libx265") { "libx265" } else { "libx264" };
    assert_eq!(name("a.mp4", PixelFormat::Yuv420p10), deep);
    assert_eq!(default_encoder("-", Some("matroska"), PixelFormat::Yuv420p).unwrap(), "libx264");
    for path in ["a.no_such", "a.wav"] {
        let error = default_encoder(path, None, PixelFormat::Yuv420p).unwrap_err();
        assert!(error.status() == Status::InvalidParameter && error.to_string().contains(path), "{error}");
    }
}

/// RV-FF-1504
#[test]
fn the_pixel_format_of_an_encoder_keeps_depth_and_chroma() {
    let cases = [
        ("libx264", PixelFormat::Yuv422p10, PixelFormat::Yuv422p10),
        ("libx264", PixelFormat::P010, PixelFormat::Yuv420p10),
        ("libx264", PixelFormat::Yuv420p12, PixelFormat::Yuv420p10),
        ("libx264", PixelFormat::Yuv444p16, PixelFormat::Yuv444p10),
        ("png", PixelFormat::Gbrp16, PixelFormat::Rgb48),
        ("png", PixelFormat::Gbrp, PixelFormat::Rgb24),
        ("prores_ks", PixelFormat::Yuv420p, PixelFormat::Yuv422p10),
        ("prores_ks", PixelFormat::Yuv444p, PixelFormat::Yuv444p10),
        ("mjpeg", PixelFormat::Yuv422p, PixelFormat::Yuv422p),
        ("ffv1", PixelFormat::Gray16, PixelFormat::Gray16),
    ];
    for (encoder, wanted, expected) in cases {
        assert_eq!(closest_format(encoder, wanted).unwrap(), expected, "{encoder} {wanted}");
        assert!(supported_formats(encoder).unwrap().contains(&expected));
    }
}

/// RV-FF-1506
#[test]
fn quality_is_given_on_one_scale() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = folder();
    let from = make(
        &ffmpeg,
        &folder,
        "in.y4m",
        "-f lavfi -i testsrc2=s=320x240:r=25:d=1,noise=alls=20 -pix_fmt yuv420p",
    );
    for codec in ["libx264", "mpeg4", "mpeg2video"] {
        let size = |quality| {
            let to = path_in(&folder, "out.mkv");
            let pairs = quality_options(codec, Some(quality), None).unwrap();
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            rewrite(&from, &OutputOptions::new(&to), codec, &pairs);
            std::fs::metadata(&to).unwrap().len()
        };
        let [best, worst] = [2.0, 50.0].map(size);
        assert!(best > 4 * worst, "{codec}: {best} and {worst}");
    }
}

/// RV-FF-1506
#[test]
fn the_best_quality_of_nvenc_is_not_what_it_chooses_by_itself() {
    let options = |quality| quality_options("hevc_nvenc", Some(quality), None).unwrap();
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(options(0.0), pairs(&[("rc", "constqp"), ("qp", "0")]));
    assert_eq!(options(18.5), pairs(&[("rc", "vbr"), ("cq", "18.5"), ("b", "0")]));
}

/// RV-FF-1506
#[test]
fn a_quality_that_an_encoder_cannot_be_given_is_refused_unless_it_loses_nothing_anyway() {
    for (encoder, quality, expected) in [
        ("prores_ks", 18.0, "an encoder whose scale RAVE knows"),
        ("prores_ks", 0.0, "an encoder whose scale RAVE knows"),
        ("ffv1", 18.0, "it loses nothing"),
    ] {
        let error = quality_options(encoder, Some(quality), None).unwrap_err();
        assert_eq!(error.status(), Status::InvalidParameter);
        let text = error.to_string();
        assert!(
            text.contains(encoder) && text.contains(expected) && text.contains("-x NAME=VALUE"),
            "{text}"
        );
    }
    for encoder in ["ffv1", "png", "utvideo", "rawvideo"] {
        assert_eq!(quality_options(encoder, Some(0.0), None).unwrap(), [], "{encoder}");
    }
    let preset = quality_options("prores_ks", None, Some("slow")).unwrap();
    assert_eq!(preset, [("preset".to_owned(), "slow".to_owned())]);
}

/// RV-FF-1206
#[test]
fn a_pool_uses_its_buffers_again() {
    let mut pool = FramePool::new(PixelFormat::Yuv420p10, Size::new(63, 47)).unwrap();
    let mut frames: Vec<VideoFrame> = (0..3).map(|_| VideoFrame::new().unwrap()).collect();
    for _ in 0..10 {
        for frame in &mut frames {
            pool.take(frame).unwrap();
            assert!(frame.is_writable());
            let view = frame.view().unwrap();
            assert_eq!((view.format(), view.size()), (PixelFormat::Yuv420p10, Size::new(63, 47)));
        }
    }
    assert_eq!(pool.taken(), 30);
    assert!(pool.made() <= 4, "{}", pool.made());
    // Frames outlive their pool.
    drop(pool);
    frames[0].view_mut().unwrap().planes_mut()[0].as_mut().unwrap().row_mut(0).fill(7);
    assert!(frames[0].view().unwrap().plane(0).row(0).iter().all(|&byte| byte == 7));
}

/// RV-FF-1201
#[test]
fn a_shared_frame_is_read_and_not_written() {
    let mut pool = FramePool::new(PixelFormat::Gray8, SMALL).unwrap();
    let mut frame = gray(&mut pool, 0);
    let mut other = VideoFrame::new().unwrap();
    other.refer_to(&frame).unwrap();
    assert!(frame.view().is_ok());
    assert_eq!(frame.view_mut().unwrap_err().status(), Status::Busy);
    other.clear();
    assert!(frame.view_mut().is_ok());
}

/// RV-FF-1301
#[test]
fn what_ffmpeg_says_goes_to_a_log_and_into_errors() {
    use std::sync::{Arc, Mutex};
    let folder = folder();
    let path = path_in(&folder, "empty.mp4");
    std::fs::write(&path, b"\0\0\0\x08ftypisom\0\0\0\x08mdat").unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    rave_ffmpeg::log_to(rave_core::Log::new(move |_, line| sink.lock().unwrap().push(line.to_owned())));
    let error = rave_ffmpeg::Input::open(&rave_ffmpeg::InputOptions::new(&path)).unwrap_err();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.contains("error reading header")), "{lines:?}");
    assert!(error.to_string().contains("error reading header"), "{error}");
}

/// RV-FF-1401
#[test]
fn a_gpu_that_is_not_there_is_said() {
    // No machine has as many.
    let error = rave_ffmpeg::HardwareDevice::cuda(999).unwrap_err();
    assert_eq!(error.status(), Status::DeviceNotFound);
    assert!(error.to_string().contains("GPU 999"), "{error}");
}

/// RV-FF-1701
#[test]
fn this_program_needs_no_shared_library_of_ffmpeg() {
    let built = rave_tests::build_dir().join("ffmpeg-9.0/lib/libavcodec.a");
    if !built.is_file() {
        eprintln!("skipped: linked with the system's FFmpeg, which is shared");
        return;
    }
    let this = std::env::current_exe().unwrap();
    let needed = std::process::Command::new("readelf").arg("-d").arg(this).output().unwrap();
    let needed = String::from_utf8_lossy(&needed.stdout);
    assert!(needed.contains("NEEDED"), "{needed}");
    for library in ["libav", "libsw", "librave"] {
        assert!(!needed.contains(&format!("[{library}")), "{needed}");
    }
}

/// RV-FF-1601
#[test]
fn a_file_may_have_another_name_until_it_is_complete() {
    let folder = folder();
    let mut to = OutputOptions::new(path_in(&folder, "a.mp4.part"));
    to.named_as = Some("a.mp4".to_owned());
    rewrite(&clip("bikes.mp4"), &to, "libx264", &[("preset", "ultrafast")]);
    assert_eq!(open(&to.path).video().unwrap().codec, "h264");
}
