//! The examples run on a real clip, and do what their first lines say.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rave_tests::command::succeed;
use rave_tests::ffmpeg::{clip_and_model, golden_model, newest};
use tempfile::TempDir;

/// An example's program, which cargo builds beside the tests.
fn example(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    // target/PROFILE/deps/examples-HASH
    let program = this.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.is_file(), "{} is built with the tests", program.display());
    let mut command = Command::new(program);
    // On every machine the same: what a library or a GPU would add is tested elsewhere.
    command.env("CUDA_VISIBLE_DEVICES", "").current_dir(std::env::temp_dir());
    command
}

/// A small copy of the real clip.
fn clip(folder: &TempDir) -> Option<String> {
    let (clip, _) = clip_and_model("animevideov3-x2")?;
    let path = folder.path().join("clip.mp4").to_str().unwrap().to_owned();
    let args = [
        "-i",
        &clip,
        "-vf",
        "scale=64:36",
        "-frames:v",
        "8",
        "-t",
        "0.32",
        "-c:v",
        "libx264",
        "-c:a",
        "copy",
        &path,
    ];
    let run = newest()?.run(args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    Some(path)
}

fn model() -> PathBuf {
    golden_model("replicate-2x")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn size(file: &Path) -> String {
    let probe = newest().unwrap();
    let args = [
        "-select_streams",
        "v",
        "-count_packets",
        "-show_entries",
        "stream=width,height,nb_read_packets",
        "-of",
        "csv=p=0",
    ];
    probe.probe(&args, file).trim().to_owned()
}

/// RV-RAVE-1003
#[test]
fn simple_upscale_is_ten_lines_and_upscales_a_real_clip() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simple_upscale.rs"))
            .unwrap();
    let (_, body) = text.split_once("fn main() -> Result<()> {\n").unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let lines = body.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).count();
    assert!(lines <= 10, "{lines} lines");

    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let output = folder.path().join("out.mp4");
    let run = succeed(example("simple_upscale").arg(&clip).arg(model()).arg(&output));
    assert!(said(&run).contains("(64x36)") && said(&run).contains("(128x72), 8 frames"), "{}", said(&run));
    assert_eq!(size(&output), "128,72,8");
}

/// RV-RAVE-1004
#[test]
fn progress_callback_tells_and_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let output = folder.path().join("out.mkv");
    let run = succeed(example("progress_callback").arg(&clip).arg(model()).arg(&output));
    let text = said(&run);
    assert!(
        text.contains("1/8 frames") && text.contains("8/8 frames") && text.contains("done: 8 frames"),
        "{text}"
    );
    std::fs::remove_file(&output).unwrap();
    let run = succeed(example("progress_callback").arg(&clip).arg(model()).arg(&output).arg("3"));
    assert!(said(&run).ends_with("cancelled\n"), "{}", said(&run));
    assert!(!output.exists());
}

/// RV-RAVE-1004
#[test]
fn batch_directory_goes_on_after_a_bad_file_and_lists_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::create_dir(&from).unwrap();
    std::fs::rename(&clip, from.join("b.mp4")).unwrap();
    std::fs::write(from.join("a.mp4"), "no video").unwrap();
    let image = from.join("c.png");
    let run = newest().unwrap().run([
        "-i",
        from.join("b.mp4").to_str().unwrap(),
        "-frames:v",
        "1",
        image.to_str().unwrap(),
    ]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = succeed(example("batch_directory").arg(&from).arg(model()).arg(&to));
    let text = said(&run);
    assert!(text.contains("failed: ") && text.contains("a.mp4") && text.ends_with("2 of 3 done\n"), "{text}");
    assert_eq!(size(&to.join("b.mp4")), "128,72,8");
    assert_eq!(size(&to.join("c.png")), "128,72,1");
    assert!(!to.join("a.mp4").exists());
}

/// RV-RAVE-1004
#[test]
fn benchmark_tells_of_every_stage() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let text = said(&succeed(example("benchmark").arg(&clip).arg(model())));
    for stage in ["decode", "preprocess", "inference", "encode", "8 frames of 64x36"] {
        assert!(text.contains(stage), "{text}");
    }
}

/// RV-RAVE-1004
#[test]
fn custom_kernel_turns_every_sample_around() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let plain = folder.path().join("plain.mp4");
    let negative = folder.path().join("negative.mp4");
    let model = golden_model("identity-1x");
    let run = succeed(example("custom_kernel").args([&clip]).arg(&model).arg(&negative));
    assert_eq!(said(&run), "8 frames on the CPU\n");
    succeed(example("custom_kernel").arg(&negative).arg(&model).arg(&plain));
    let pictures = |file: &Path| {
        let run = newest().unwrap().run(["-i", file.to_str().unwrap(), "-an", "-f", "rawvideo", "-"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout
    };
    let (original, turned) = (pictures(clip.as_ref()), pictures(&negative));
    assert_eq!(original.len(), turned.len());
    assert!(original.iter().zip(&turned).all(|(a, b)| *a == !b));
    assert_eq!(pictures(&plain), original, "twice is once");
}

/// RV-RAVE-1004
#[test]
fn upscale_image_doubles_every_pixel_of_every_kind_of_png() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clip) = clip(&folder) else { return };
    let ffmpeg = newest().unwrap();
    let run = |args: &[&str]| ffmpeg.run(args).ok().stdout;
    let pixels = |file: &str| run(&["-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let [image, larger] =
        ["in.png", "out.png"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    for kind in ["rgb24", "rgba", "gray"] {
        run(&["-y", "-i", &clip, "-frames:v", "1", "-update", "1", "-pix_fmt", kind, &image]);
        let told = said(&succeed(example("upscale_image").arg(model()).args([&image, &larger])));
        assert_eq!(told, format!("{image} (64x36) -> {larger} (128x72)\n"));
        let doubled: Vec<u8> = pixels(&image)
            .chunks_exact(64 * 3)
            .flat_map(|row| {
                let row: Vec<u8> = row.chunks_exact(3).flat_map(|pixel| [pixel, pixel].concat()).collect();
                [&row[..], &row[..]].concat()
            })
            .collect();
        assert_eq!(doubled.len(), 128 * 72 * 3);
        assert!(pixels(&larger) == doubled, "{kind}");
    }
}
