//! What the command does with films, on those that FFmpeg makes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rave_tests::ffmpeg::{Ffmpeg, newest};

fn rave(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    command.env("RAVE_TENSORRT_LIB", "libnvinfer-of-nobody.so").env_remove("RAVE_ONNXRUNTIME_LIB");
    command.args(arguments).output().unwrap()
}

fn told(arguments: &[&str]) -> String {
    let output = rave(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The error's text, of a command that failed with `code` and gave out nothing.
fn refusal(arguments: &[&str], code: i32) -> String {
    let output = rave(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said
}

fn make(ffmpeg: &Ffmpeg, folder: &Path, name: &str, arguments: &str) -> String {
    let path = folder.join(name).to_string_lossy().into_owned();
    let _made = ffmpeg.run(arguments.split_whitespace().chain([path.as_str()])).ok();
    path
}

fn golden(name: &str) -> String {
    rave_tests::ffmpeg::golden_model(name).to_string_lossy().into_owned()
}

/// RV-CLI-1204
#[test]
fn info_tells_what_a_film_is() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        &ffmpeg,
        folder.path(),
        "film.mkv",
        "-f lavfi -i testsrc2=s=64x48:r=25:d=1,setsar=4/3,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv -f lavfi -i sine=d=1 -map 0 -map 1 -c:v libx264 -pix_fmt \
         yuv420p10le -c:a aac \
         -metadata:s:a:0 language=deu -metadata:s:a:0 title=Stereo",
    );
    let told = told(&["info", &film]);
    for line in [
        &format!("{film}: matroska,webm"),
        "  video       h264 (High 10), 64x48, 25 frames/s, about 26 frames",
        "  pixels      yuv420p10le, of 4:3, shown as 85x48",
        "  colours     BT.2020, limited range, PQ (HDR)",
        "  audio       aac, 44100 Hz, 1 channel, deu, \u{201c}Stereo\u{201d}",
    ] {
        assert!(told.lines().any(|other| other == line), "{line}\nin\n{told}");
    }
    assert!(told.contains("  duration    1.0"), "{told}");
}

/// RV-CLI-1204
#[test]
fn info_tells_what_a_picture_is() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let how = "-f lavfi -i testsrc2=s=64x48:d=1 -frames:v 1 -update 1 -pix_fmt rgba";
    let told = told(&["info", &make(&ffmpeg, folder.path(), "a.png", how)]);
    assert!(told.contains("  video       png, 64x48"), "{told}");
    assert!(told.contains("  pixels      rgba, brought to rgb24 first, square"), "{told}");
}

/// RV-CLI-1202
#[test]
fn doctor_tells_which_ffmpeg_is_linked() {
    let output = rave(&["doctor"]);
    let told = String::from_utf8(output.stdout).unwrap();
    let line = |what: &str| {
        told.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what} in {told}"))
    };
    assert!(line("FFmpeg ").contains("libavcodec "), "{told}");
    assert!(line("encoders").starts_with("ok") == line("encoders").contains("libx264,"), "{told}");
    assert!(line("FFmpeg, CUDA").starts_with("ok") || line("FFmpeg, CUDA").starts_with("TO DO"), "{told}");
}

/// The pixels of a PNG of 8-bit RGB, by the ffmpeg program.
fn pixels(ffmpeg: &Ffmpeg, path: &Path, size: (usize, usize)) -> Vec<u8> {
    let run = ffmpeg.run(["-i", &path.to_string_lossy(), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).ok();
    assert_eq!(run.stdout.len(), size.0 * size.1 * 3);
    run.stdout
}

/// RV-CLI-1205
#[test]
fn preview_shows_the_frame_at_a_time_before_and_after() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let size = (64, 48);
    let film = make(
        &ffmpeg,
        folder.path(),
        "film.nut",
        "-f lavfi -i testsrc2=s=64x48:r=10:d=2 -c:v rawvideo -pix_fmt rgb24",
    );
    let frames = ffmpeg.run(["-i", &film, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).ok().stdout;
    let frame = |index: usize| &frames[index * size.0 * size.1 * 3..][..size.0 * size.1 * 3];
    let to = folder.path().join("both.png");
    for (at, index) in [("0", 0), ("0.55", 5), ("0:01.2", 12), ("00:00:01.99", 19)] {
        let said = told(&[
            "preview",
            &film,
            "--model",
            &golden("replicate-2x"),
            "--runtime-lib",
            "embedded",
            "--at",
            at,
            "--overwrite",
            "--output",
            &to.to_string_lossy(),
        ]);
        assert!(said.contains(&format!("the frame at {}.{}00 s", index / 10, index % 10)), "{said}");
        let wide = 2 * (2 * size.0) + 4;
        let both = pixels(&ffmpeg, &to, (wide, 2 * size.1));
        let pixel = |x: usize, y: usize| &both[(y * wide + x) * 3..][..3];
        // The model repeats each pixel twice: every other one to the right is the frame's.
        let after: Vec<u8> = (0..size.1)
            .flat_map(|y| (0..size.0).flat_map(move |x| pixel(2 * size.0 + 4 + 2 * x, 2 * y).to_vec()))
            .collect();
        assert!(after == frame(index), "{at}: the right half is frame {index}");
        // To the left it is interpolated: near the same on average, and not the same.
        let before: Vec<u8> =
            (0..size.1).flat_map(|y| (0..size.0).flat_map(move |x| pixel(2 * x, 2 * y).to_vec())).collect();
        let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        assert!(sum(&before).abs_diff(sum(frame(index))) < sum(frame(index)) / 50);
        assert!(before != frame(index));
        assert_eq!(pixel(2 * size.0, 0), [0xff; 3]);
    }
}

/// RV-CLI-1205
#[test]
fn preview_of_a_real_film_takes_its_name_from_it() {
    let Some(ffmpeg) = newest() else { return };
    let Some((film, _)) = rave_tests::ffmpeg::clip_and_model("animevideov3-x2") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    command.current_dir(folder.path());
    let model = std::fs::canonicalize(golden("replicate-2x")).unwrap();
    let film = std::fs::canonicalize(film).unwrap();
    let output =
        command.arg("preview").arg(&film).arg("-m").arg(model).args(["--at", "2.5"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let to: PathBuf = folder.path().join("bigbuckbunny-preview.png");
    let said = ffmpeg.probe(&["-show_entries", "stream=width,height", "-of", "csv=p=0"], &to);
    assert_eq!(said.trim(), "5124,1440");
}

/// RV-CLI-1205
#[test]
fn preview_refuses_what_it_cannot_show_and_leaves_nothing() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(&ffmpeg, folder.path(), "film.mkv", "-f lavfi -i testsrc2=s=64x48:r=10:d=1 -c:v ffv1");
    let (model, to) = (golden("replicate-2x"), folder.path().join("a.png"));
    let preview = |film: &str, model: &str, at: &str, to: &Path, code: i32| {
        let to = to.to_string_lossy().into_owned();
        refusal(&["preview", film, "-m", model, "--at", at, "-o", &to, "--runtime-lib", "embedded"], code)
    };
    assert!(preview(&film, &model, "90", &to, 234).contains("ends at 1.000 s"));
    assert!(preview(&film, &model, "1:2:3:4", &to, 2).contains("such as 90"));
    assert!(preview("no-such.mkv", &model, "0", &to, 254).contains("no-such.mkv"));
    assert!(preview(&film, "no-such.onnx", "0", &to, 254).contains("no-such.onnx"));
    assert!(preview(&film, &model, "0", Path::new("a.jpg"), 234).contains("PNG"));
    assert!(preview(&film, &model, "0", &folder.path().join("none/a.png"), 254).contains("none"));
    assert!(!to.exists());
}

/// RV-CLI-1206
#[test]
fn preview_replaces_no_file_unasked_and_never_its_input() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    let how = "-f lavfi -i testsrc2=s=64x48:d=1 -frames:v 1 -update 1";
    let photo = make(&ffmpeg, folder.path(), "photo.png", how);
    let (other, link) = (folder.path().join("other.png"), folder.path().join("link.png"));
    std::fs::write(&other, "another's").unwrap();
    std::os::unix::fs::symlink(&photo, &link).unwrap();
    let before = std::fs::read(&photo).unwrap();
    let model = golden("replicate-2x");
    let preview = |to: &Path, more: &[&str]| {
        let to = to.to_string_lossy().into_owned();
        let words = ["preview", &photo, "-m", &model, "-o", &to, "--runtime-lib", "embedded"];
        rave(&[&words[..], more].concat())
    };
    for (to, more, found) in [
        (Path::new(&photo), &[][..], "photo.png is the input itself"),
        (Path::new(&photo), &["--overwrite"], "photo.png is the input itself"),
        (&link, &["--overwrite"], "link.png is the input itself"),
        (
            &folder.path().join("../").join(folder.path().file_name().unwrap()).join("photo.png"),
            &[],
            "itself",
        ),
        (&other, &[], "other.png is there already"),
    ] {
        let output = preview(to, more);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(234), "{said}");
        assert!(output.stdout.is_empty() && said.contains(found), "{found} in {said}");
    }
    // Nor an image of a film of images.
    let (film, image) = (folder.path().join("q%d.png"), folder.path().join("q1.png"));
    std::fs::copy(&photo, &image).unwrap();
    let [film, to] = [&film, &image].map(|path| path.to_string_lossy().into_owned());
    let said = refusal(&["preview", &film, "-m", &model, "-o", &to, "--overwrite"], 234);
    assert!(said.contains("q1.png is the input itself"), "{said}");
    assert_eq!(std::fs::read(&image).unwrap(), before);
    assert_eq!(std::fs::read(&photo).unwrap(), before);
    assert_eq!(std::fs::read(&other).unwrap(), b"another's");
    assert!(preview(&other, &["--overwrite"]).status.success());
    assert_eq!(pixels(&ffmpeg, &other, (2 * 128 + 4, 96)).len(), 260 * 96 * 3);
}
