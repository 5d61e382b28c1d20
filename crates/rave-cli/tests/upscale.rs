//! `rave upscale` as its users start it, and as they kill it.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use common::{names, refusal, text};
use rave_tests::ffmpeg::{Ffmpeg, clip_and_model, golden_model, newest};
use tempfile::TempDir;

/// A folder with a small copy of the real clip in it.
struct Bench {
    folder: TempDir,
    ffmpeg: Ffmpeg,
}

impl Bench {
    /// `None` where there is no ffmpeg or clip, which is said.
    fn with_clip(frames: u32) -> Option<Self> {
        let (clip, _) = clip_and_model("animevideov3-x2")?;
        let bench = Bench { folder: tempfile::tempdir().unwrap(), ffmpeg: newest()? };
        let (count, seconds) = (frames.to_string(), (f64::from(frames) / 25.0).to_string());
        let input = bench.path("in.mp4");
        bench.ffmpeg(&[
            "-t",
            &seconds,
            "-i",
            &clip,
            "-vf",
            "scale=96:54",
            "-frames:v",
            &count,
            "-c:v",
            "libx264",
            "-bf",
            "2",
            "-c:a",
            "copy",
            &input,
        ]);
        Some(bench)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn ffmpeg(&self, args: &[&str]) -> String {
        let run = self.ffmpeg.run(args);
        assert_eq!(run.code, Some(0), "ffmpeg {args:?}: {}", run.stderr);
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    /// `rave upscale in.mp4 -m replicate-2x -o OUTPUT MORE`, on every machine the same.
    fn rave(&self, output: &str, more: &[&str]) -> Command {
        self.upscale("in.mp4", output, more)
    }

    fn upscale(&self, input: &str, output: &str, more: &[&str]) -> Command {
        self.upscale_by("replicate-2x", input, output, more)
    }

    fn upscale_by(&self, model: &str, input: &str, output: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
        command
            .current_dir(&self.folder)
            .args(["upscale", input, "-o", output, "-m"])
            .arg(golden_model(model));
        command.args(["--device", "cpu", "--runtime-lib", "embedded", "--threads", "1"]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn succeed(&self, output: &str, more: &[&str]) -> String {
        done(self.rave(output, more))
    }

    /// The input through `filters` of FFmpeg, without loss, as the file `name`.
    fn filtered(&self, name: &str, filters: &str, pixel_format: &str) {
        let (from, to) = (self.path("in.mp4"), self.path(name));
        self.ffmpeg(&["-i", &from, "-an", "-vf", filters, "-pix_fmt", pixel_format, "-c:v", "ffv1", &to]);
    }

    /// The hash of every picture, whenever it is shown.
    fn pictures(&self, file: &str) -> Vec<String> {
        let said = self.ffmpeg(&[
            "-i",
            &self.path(file),
            "-map",
            "0:v",
            "-fps_mode",
            "passthrough",
            "-f",
            "framemd5",
            "-",
        ]);
        let lines = said.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
    }

    /// Hash and times of every picture and every packet of sound.
    fn hashes(&self, file: &str) -> (String, String) {
        let file = self.path(file);
        let pictures = self.ffmpeg(&[
            "-i",
            &file,
            "-map",
            "0:v",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "demux",
            "-f",
            "framemd5",
            "-",
        ]);
        (pictures, self.ffmpeg(&["-i", &file, "-map", "0:a", "-c", "copy", "-f", "framemd5", "-"]))
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.as_ref())
    }
}

/// What a command said that succeeded.
fn done(mut command: Command) -> String {
    let run = command.output().unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    text(&run.stdout)
}

fn end(mut child: Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_child(&child);
    // It may have ended by itself.
    _ = rustix::process::kill_process(id, signal);
    child.wait().unwrap();
}

/// RV-CLI-1701, RV-CLI-1705
#[test]
fn a_clip_is_upscaled_once_and_not_replaced_unasked() {
    let Some(bench) = Bench::with_clip(10) else { return };
    let said = bench.succeed("out.mp4", &["--quality", "20", "--preset", "ultrafast"]);
    assert!(said.starts_with("out.mp4: 10 pictures of 192x108 in "), "{said}");
    assert_eq!(bench.names(), ["in.mp4", "out.mp4"]);
    assert_eq!(bench.hashes("out.mp4").1, bench.hashes("in.mp4").1);

    let before = fs::read(bench.path("out.mp4")).unwrap();
    let error = refusal(&bench.rave("out.mp4", &[]).output().unwrap(), 234);
    assert!(error.contains("out.mp4 is there already") && error.contains("--overwrite"), "{error}");
    assert_eq!(fs::read(bench.path("out.mp4")).unwrap(), before);
    bench.succeed("out.mp4", &["--overwrite", "--no-copy", "--duration", "0.2"]);
    let streams = bench.ffmpeg.probe(
        &["-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "csv=p=0"],
        bench.path("out.mp4").as_ref(),
    );
    assert_eq!(streams.trim(), "video,5");
    for (arguments, code, what) in [
        (&["none.mp4", "-o", "x.mp4"][..], 254, "none.mp4"),
        (&["in.mp4", "-o", "x.mp4", "--max-size", "100x100"], 234, "192x108"),
        (&["in.mp4", "-o", "x.mp4", "--codec", "no_such"], 234, "no_such"),
        (&["in.mp4", "-o", "no/x.mp4"], 254, "no"),
        (&["in.mp4", "-o", "-", "--json", "--format", "nut"], 234, "--json"),
    ] {
        let (input, more) = (arguments[0], &arguments[3..]);
        let error = refusal(&bench.upscale(input, arguments[2], more).output().unwrap(), code);
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(bench.names(), ["in.mp4", "out.mp4"]);
}

/// RV-CLI-1001
#[test]
fn a_run_goes_on_when_nobody_takes_its_messages() {
    let Some(bench) = Bench::with_clip(2) else { return };
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = bench.rave("out.mp4", &["--verbose"]);
    assert!(command.stderr(full).status().unwrap().success());
    assert_eq!(bench.names(), ["in.mp4", "out.mp4"]);
}

/// RV-CLI-1701
#[test]
fn pipes_and_numbered_images_go_in_and_come_out() {
    let Some(bench) = Bench::with_clip(6) else { return };
    let raw = bench.path("raw.y4m");
    bench.ffmpeg(&["-i", &bench.path("in.mp4"), "-an", &raw]);
    let mut child =
        bench.upscale("-", "-", &["--format", "yuv4mpegpipe"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&fs::read(raw).unwrap()));
    let run = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(run.stdout.starts_with(b"YUV4MPEG2 W192 H108 "), "{}", text(&run.stdout[..40]));
    let frames = run.stdout.windows(6).filter(|window| window == b"FRAME\n").count();
    assert_eq!(frames, 6);
    assert!(text(&run.stderr).contains("6 pictures of 192x108"), "{}", text(&run.stderr));

    bench.succeed("x-%02d.png", &["--duration", "0.12"]);
    assert_eq!(bench.names(), ["in.mp4", "raw.y4m", "x-01.png", "x-02.png", "x-03.png"]);
    let run =
        bench.upscale("x-%02d.png", "images.mkv", &["--input-option", "framerate=5", "--codec", "ffv1"]);
    let run = { run }.output().unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("3 pictures of 384x216"), "{}", text(&run.stdout));
}

/// RV-CLI-1704
#[test]
fn json_tells_of_start_progress_and_end_or_error() {
    let Some(bench) = Bench::with_clip(10) else { return };
    let lines = |said: &str| -> Vec<serde_json::Value> {
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = lines(&bench.succeed("out.mp4", &["--json"]));
    let events: Vec<_> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((events[0], events[events.len() - 1]), ("start", "done"), "{events:?}");
    assert!(events.contains(&"progress"));
    assert_eq!(told[0]["output_size"], serde_json::json!([192, 108]));
    assert_eq!((&told[0]["total"], &told[0]["encoder"]), (&10.into(), &"libx264".into()));
    let done = &told[told.len() - 1];
    assert_eq!((&done["frames"], &done["repeats"]), (&10.into(), &0.into()), "{done}");
    assert!(done["frames_per_second"].as_f64().unwrap() > 0.0);
    // The ledger is looked at before anything else.
    for (output, more) in [("out.mp4", &[][..]), ("new.mp4", &["--ledger", "out.mp4"])] {
        let run = bench.rave(output, &[&["--json"], more].concat()).output().unwrap();
        assert_eq!(run.status.code(), Some(234));
        let told = lines(&text(&run.stdout));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["event"], &told[0]["status"]), (&"error".into(), &"INVALID_PARAMETER".into()));
    }
}

/// RV-CLI-1705, RV-CLI-1712
#[test]
fn an_image_of_the_input_is_never_replaced() {
    let Some(bench) = Bench::with_clip(3) else { return };
    bench.succeed("%02d.png", &[]);
    let before = fs::read(bench.path("02.png")).unwrap();
    for (output, more) in [("02.png", &[][..]), ("out.mkv", &["--ledger", "02.png"])] {
        let more = [&["--overwrite"], more].concat();
        let error = refusal(&bench.upscale("%02d.png", output, &more).output().unwrap(), 234);
        assert!(error.contains("02.png") && error.contains("input"), "{error}");
    }
    assert_eq!(fs::read(bench.path("02.png")).unwrap(), before);
    assert_eq!(bench.names(), ["01.png", "02.png", "03.png", "in.mp4"]);
}

/// RV-CLI-1709
#[test]
fn start_leaves_out_what_is_before_it() {
    let Some(bench) = Bench::with_clip(10) else { return };
    bench.succeed("whole.mkv", &["--codec", "ffv1"]);
    let whole = bench.pictures("whole.mkv");
    assert_eq!(whole.len(), 10);
    // 25 pictures a second: the sixth is shown at 0.2 s.
    bench.succeed("end.mkv", &["--codec", "ffv1", "--start", "0.2"]);
    assert_eq!(bench.pictures("end.mkv"), whole[5..]);
    bench.succeed("part.mkv", &["--codec", "ffv1", "--start", "0:00.08", "--duration", "0.12"]);
    assert_eq!(bench.pictures("part.mkv"), whole[2..5]);
}

/// RV-CLI-1709
#[test]
fn dedup_runs_repeats_once_and_gives_the_same() {
    let Some(bench) = Bench::with_clip(10) else { return };
    // Each picture five times.
    bench.filtered("repeats.mkv", "fps=5,fps=25", "yuv420p");
    let told = |output: &str, more: &[&str]| -> (u64, u64) {
        let more = [&["--codec", "ffv1", "--json"], more].concat();
        let said = done(bench.upscale("repeats.mkv", output, &more));
        let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        (last["frames"].as_u64().unwrap(), last["repeats"].as_u64().unwrap())
    };
    let (frames, none) = told("all.mkv", &[]);
    let (same, repeats) = told("once.mkv", &["--dedup", "exact"]);
    let pictures = bench.pictures("all.mkv");
    let changes = pictures.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
    assert!(changes >= 1, "{pictures:?}");
    assert_eq!((none, repeats), (0, frames - 1 - changes));
    assert_eq!((same, bench.pictures("once.mkv")), (frames, pictures));
}

/// RV-CLI-1709
#[test]
fn hardened_mode_leaves_out_the_picture_that_ends_a_strict_run() {
    let Some(bench) = Bench::with_clip(10) else { return };
    // The model gives NaN of black, and of all else what it is: one picture is black.
    let black = r"lutyuv=y=max(val\,60):u=128:v=128,drawbox=color=black:t=fill:enable=eq(n\,5)";
    bench.filtered("black.mkv", black, "yuv420p");
    let run = |more: &[&str]| {
        let more = [&["--codec", "ffv1"], more].concat();
        bench.upscale_by("nan-of-zero", "black.mkv", "out.mkv", &more)
    };
    for strict in [&[][..], &["--mode", "strict"]] {
        let said = refusal(&run(strict).output().unwrap(), 187);
        assert!(said.contains("[INFERENCE_FAILED]"), "{said}");
    }
    let said = done(run(&["--mode", "hardened", "--overwrite"]));
    assert!(said.contains("9 pictures of 96x54") && said.contains("and 1 left out"), "{said}");
    let mut others = bench.pictures("black.mkv");
    others.remove(5);
    assert_eq!(bench.pictures("out.mkv"), others);
}

/// RV-CLI-1709
#[test]
fn tiles_are_of_the_size_that_is_asked_for() {
    let Some(bench) = Bench::with_clip(2) else { return };
    // Whole numbers, of which the model's sums are exact: what differs does so for its tile alone.
    bench.filtered("rgb.mkv", "null", "gbrp");
    let pixels = |name: &str, more: &[&str]| {
        let more = [&["--codec", "ffv1", "--pixel-format", "gbrp", "--values", "byte"], more].concat();
        done(bench.upscale_by("dyadic-2x", "rgb.mkv", name, &more));
        let args = ["-i", &bench.path(name), "-f", "rawvideo", "-pix_fmt", "gbrp", "-"];
        let run = bench.ffmpeg.run(args).ok();
        assert_eq!(run.stdout.len(), 2 * 3 * 192 * 108);
        run.stdout
    };
    let whole = pixels("whole.mkv", &[]);
    let tiled = pixels("tiled.mkv", &["--tile", "48x54", "--overlap", "0"]);
    // Rows and planes are 192 samples apart. A 3x3 convolution of twice the size sees a seam two samples from it.
    let columns: BTreeSet<usize> =
        (0..whole.len()).filter(|&at| whole[at] != tiled[at]).map(|at| at % 192).collect();
    assert!(!columns.is_empty() && columns.iter().all(|column| (94..98).contains(column)), "{columns:?}");
    let error = bench.rave("x.mkv", &["--overlap", "8"]).output().unwrap();
    assert!(refusal(&error, 2).contains("--tile"));
}

/// RV-CLI-1706
#[test]
fn ctrl_c_ends_a_run_which_then_goes_on() {
    let Some(bench) = Bench::with_clip(60) else { return };
    bench.succeed("whole.mp4", &["--segment", "10"]);
    let mut child = bench.rave("out.mp4", &["--segment", "10", "--json"]).spawn().unwrap();
    // As soon as something is there to go on with.
    let segment = bench.path("out.mp4.rave-unfinished/000000.segment");
    let begun = Instant::now();
    while !Path::new(&segment).exists() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no segment");
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = rustix::process::Pid::from_child(&child);
    _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
    let run = child.wait_with_output().unwrap();
    if run.status.success() {
        eprintln!("it was done before the signal came");
        return;
    }
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(130), "{said}");
    assert!(said.contains("[CANCELLED]") && said.contains("--resume"), "{said}");
    let error = refusal(&bench.rave("out.mp4", &["--segment", "10"]).output().unwrap(), 234);
    assert!(error.contains("unfinished run") && error.contains("--resume"), "{error}");
    bench.succeed("out.mp4", &["--segment", "10", "--resume"]);
    assert_eq!(fs::read(bench.path("out.mp4")).unwrap(), fs::read(bench.path("whole.mp4")).unwrap());
    assert_eq!(bench.names(), ["in.mp4", "out.mp4", "whole.mp4"]);
}

/// RV-CLI-1706: as under nohup, and in the background of a shell.
#[test]
fn a_signal_that_is_ignored_stays_so() {
    let Some(bench) = Bench::with_clip(30) else { return };
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::INT] {
        let plain = bench.rave("out.mkv", &["--json", "--overwrite", "--codec", "ffv1"]);
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap '' HUP INT; exec "$0" "$@""#]).arg(plain.get_program());
        command.args(plain.get_args()).current_dir(&bench.folder);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("start"), "{line}");
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        said.read_to_string(&mut line).unwrap();
        assert!(child.wait().unwrap().success(), "{line}");
        assert!(line.lines().last().unwrap().contains("done"), "{line}");
    }
}

/// Numbers from 0 to 1, from a seed that is printed, or the one in `RAVE_SEED`.
fn random() -> impl FnMut() -> f64 {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut state = std::env::var("RAVE_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    println!("RAVE_SEED={state}");
    move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// RV-CLI-1702
#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_and_gives_the_same() {
    const KILLS: u32 = 20;
    let Some(bench) = Bench::with_clip(60) else { return };
    let options = ["--segment", "9", "--preset", "ultrafast", "-x", "bf=2", "--json"];
    let begun = Instant::now();
    bench.succeed("whole.mp4", &options);
    let (time, whole) = (begun.elapsed(), fs::read(bench.path("whole.mp4")).unwrap());
    let mut random = random();
    let (mut kills, mut rounds, mut resumed_most) = (0, 0, 0);
    while kills < KILLS {
        rounds += 1;
        // A run from its beginning to its end, with kills on the way.
        let mut more: Vec<&str> = options.to_vec();
        loop {
            let last = kills >= KILLS || random() < 0.2;
            let mut child = bench.rave("out.mp4", &more).spawn().unwrap();
            if last {
                let run = child.wait_with_output().unwrap();
                assert!(run.status.success(), "{}", text(&run.stderr));
                break;
            }
            std::thread::sleep(time.mul_f64(random()));
            if child.try_wait().unwrap().is_some_and(|status| status.success()) {
                break;
            }
            let mut first = String::new();
            let stdout = child.stdout.take().unwrap();
            end(child, rustix::process::Signal::KILL);
            BufReader::new(stdout).read_line(&mut first).unwrap();
            let begin: serde_json::Value = serde_json::from_str(&first).unwrap_or_default();
            resumed_most = resumed_most.max(begin["resumed"].as_u64().unwrap_or(0));
            kills += 1;
            if Path::new(&bench.path("out.mp4")).exists() {
                // Killed after the output was moved into its place.
                break;
            }
            if !more.contains(&"--resume") {
                more.push("--resume");
            }
        }
        assert_eq!(fs::read(bench.path("out.mp4")).unwrap(), whole, "round {rounds}, kill {kills}");
        // With equal bytes, all hashes and times are equal; they are those of the input's sound.
        if rounds == 1 {
            assert_eq!(bench.hashes("out.mp4").1, bench.hashes("in.mp4").1);
        }
        fs::remove_file(bench.path("out.mp4")).unwrap();
        _ = fs::remove_dir_all(bench.path("out.mp4.rave-unfinished"));
        assert_eq!(bench.names(), ["in.mp4", "whole.mp4"]);
    }
    println!("{kills} kills in {rounds} rounds; at most {resumed_most} pictures were gone on with");
}

/// RV-CLI-1702
#[test]
fn images_of_a_run_that_is_killed_are_whole_and_not_made_again() {
    const KILLS: u32 = 8;
    let Some(bench) = Bench::with_clip(60) else { return };
    let images = |folder: &str| -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(&bench.path(folder)).to_owned();
        let images = names(&folder).into_iter().filter(|name| name.ends_with(".png"));
        images.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
    };
    for folder in ["whole", "out"] {
        fs::create_dir(bench.path(folder)).unwrap();
    }
    let begun = Instant::now();
    bench.succeed("whole/%04d.png", &["--segment", "9"]);
    let (time, whole) = (begun.elapsed(), images("whole"));
    assert_eq!(whole.len(), 60);
    let (mut random, unfinished) = (random(), "out/04d.png.rave-unfinished");
    let (mut more, mut most) = (vec!["--segment", "9"], 0);
    for _ in 0..KILLS {
        let mut child = bench.rave("out/%04d.png", &more).spawn().unwrap();
        // A part of what it takes, so that the kills come all along the way.
        std::thread::sleep(time.mul_f64(random() / 3.0));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        end(child, rustix::process::Signal::KILL);
        if !Path::new(&bench.path(unfinished)).exists() {
            continue;
        }
        more = vec!["--segment", "9", "--resume"];
        let kept = images(unfinished);
        assert!(kept.iter().all(|image| whole.contains(image)), "what has its name is whole");
        if images("out").is_empty() {
            assert!(kept.len() >= most, "{} images after {most}", kept.len());
            most = kept.len();
        }
    }
    if images("out").len() < whole.len() {
        let said = bench.succeed("out/%04d.png", &[&more[..], &["--json"]].concat());
        let first: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        assert!(first["resumed"].as_u64().unwrap() >= most as u64, "{first} after {most}");
    }
    assert!(images("out") == whole, "byte for byte");
    assert!(!Path::new(&bench.path(unfinished)).exists());
    println!("at most {most} images were gone on with");
}

/// RV-CLI-1703
#[test]
fn help_has_examples_and_names_every_group() {
    let run = Command::new(env!("CARGO_BIN_EXE_rave")).args(["help", "upscale"]).output().unwrap();
    let mut said = String::new();
    (&run.stdout[..]).read_to_string(&mut said).unwrap();
    for words in [
        "rave upscale in.mp4 -m model.onnx -o out.mp4\n",
        "--resume",
        "Input:",
        "Model:",
        "Output:",
        "--dedup",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// RV-CLI-1707
#[test]
fn bench_tells_of_every_part_and_leaves_nothing() {
    let Some(bench) = Bench::with_clip(12) else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    command
        .current_dir(&bench.folder)
        .args(["bench", "in.mp4", "--frames", "10", "-m"])
        .arg(golden_model("replicate-2x"));
    let run = command.args(["--device", "cpu", "--runtime-lib", "embedded"]).output().unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    assert!(said.contains("10 pictures;") && said.contains("libx264"), "{said}");
    for part in ["decode", "convert", "model", "engine", "encode", "end to end"] {
        let line = said.lines().find(|line| line.trim().starts_with(part)).unwrap();
        let rate = line.trim()[part.len()..].split_whitespace().next().unwrap();
        assert!(rate.parse::<f64>().unwrap() > 0.0, "{line}");
    }
    assert_eq!(said.matches("the bottleneck").count(), 2, "{said}");
    assert_eq!(bench.names(), ["in.mp4"]);
    // It is read several times.
    let mut command = Command::new(env!("CARGO_BIN_EXE_rave"));
    let run = command.args(["bench", "-", "-m"]).arg(golden_model("replicate-2x")).output().unwrap();
    assert!(refusal(&run, 234).contains("several times"));
}

/// RV-CLI-1712
#[test]
fn the_evidence_of_a_run_is_verified_and_run_again() {
    let Some(bench) = Bench::with_clip(10) else { return };
    let rave = |words: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_rave")).current_dir(&bench.folder).args(words).output().unwrap()
    };
    bench.succeed("out.mkv", &["--ledger", "run.jsonl", "--ledger-every", "3", "--segment", "4"]);
    let verified = rave(&["ledger", "verify", "run.jsonl"]);
    assert!(text(&verified.stdout).contains("4 frames recorded"), "{}", text(&verified.stderr));
    bench.ffmpeg(&["-i", &bench.path("in.mp4"), "-an", "-f", "rawvideo", &bench.path("in.yuv")]);
    let replayed = rave(&["replay", "run.jsonl", "--input", "in.yuv", "--runtime-lib", "embedded"]);
    assert!(text(&replayed.stdout).contains("4 frames came out the same"), "{}", text(&replayed.stderr));

    let whole = fs::read(bench.path("run.jsonl")).unwrap();
    for (output, ledger, more, word) in [
        ("out2.mkv", "run.jsonl", &[][..], "is there already"),
        ("out2.mkv", "in.mp4", &["--overwrite"], "the input"),
        ("out2.mkv", "out2.mkv", &[], "the output"),
        ("out.mkv", "./out.mkv", &["--overwrite"], "the output"),
    ] {
        let run = bench.rave(output, &[&["--ledger", ledger], more].concat()).output().unwrap();
        let said = text(&run.stderr);
        assert!(run.status.code() == Some(234) && said.contains(word), "{ledger}: {said}");
    }
    assert_eq!(bench.names(), ["in.mp4", "in.yuv", "out.mkv", "run.jsonl"]);
    assert!(fs::read(bench.path("run.jsonl")).unwrap() == whole);
}

/// RV-CLI-1706: who waits for a pipe that nobody serves hears the first signal when something comes.
#[test]
fn a_second_signal_ends_what_waits_for_ever() {
    let Some(bench) = Bench::with_clip(2) else { return };
    let mut command = bench.upscale("-", "out.mkv", &["--input-format", "yuv4mpegpipe"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // Enough to be reading, and not enough for anything.
    pipe.write_all(b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n").unwrap();
    let id = rustix::process::Pid::from_child(&child);
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        // Not SIGINT, which whatever runs the tests may ignore.
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it ignores signals");
    };
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.signal(), Some(15), "{status}");
    assert_eq!(bench.names(), ["in.mp4"]);
}
