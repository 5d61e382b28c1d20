//! `dedup=exact`: repeated frames get the result of the frame before them, and nothing else changes.

use rave_tests::ffmpeg::builds;

use crate::raw::{Clip, named, rave};

/// A clip of which `filters` repeats frames, through a model; the framehash and the log.
fn run(ffmpeg: &rave_tests::ffmpeg::Ffmpeg, filters: &str) -> (Vec<u8>, String) {
    let clip = Clip::noise(named("yuv420p"), (32, 18), 4);
    let mut args = vec!["-v".to_string(), "verbose".into()];
    args.extend(clip.input());
    args.extend(["-vf", filters, "-f", "framehash", "-"].map(str::to_string));
    let run = ffmpeg.run(args).ok();
    (run.stdout, run.stderr)
}

/// RV-FILT-1309
#[test]
fn repeated_frames_go_through_the_model_once_and_the_output_is_the_same() {
    for ffmpeg in builds() {
        // Each of the 4 frames three times, but for the last.
        let filters = |dedup: &str| format!("fps=75,{}", rave("dyadic-2x", &format!(":dedup={dedup}")));
        let (all, log) = run(&ffmpeg, &filters("none"));
        assert!(!log.contains("were repeats"), "{log}");
        let (once, log) = run(&ffmpeg, &filters("exact"));
        assert_eq!(
            String::from_utf8_lossy(&all),
            String::from_utf8_lossy(&once),
            "FFmpeg {}",
            ffmpeg.version
        );
        let frames = all.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"0,")).count();
        assert!(frames >= 10, "{frames} frames");
        assert!(log.contains(&format!("{} frames were repeats", frames - 4)), "{frames} frames: {log}");
        assert!(log.contains("4 frames, 1 tile each"), "{log}");
    }
}

/// RV-FILT-1309
#[test]
fn frames_with_equal_bytes_and_other_colours_are_no_repeats() {
    for ffmpeg in builds() {
        // What is limited range in the first half of the clip is full range in the second.
        let filters = format!(
            "loop=loop=5:size=1,setparams=range=tv,split[a][b];[b]setparams=range=pc[c];[a][c]concat,{}",
            rave("identity-1x", ":dedup=exact:format=rgb24")
        );
        let clip = Clip::noise(named("yuv444p"), (16, 16), 1);
        let hashes = |dedup: &str| {
            let mut args = clip.input();
            let filters = filters.replace("dedup=exact", dedup);
            args.extend(["-filter_complex", &filters, "-f", "framehash", "-"].map(str::to_string));
            ffmpeg.run(args).ok().frame_hashes()
        };
        let once = hashes("dedup=exact");
        assert_eq!(once, hashes("dedup=none"), "FFmpeg {}", ffmpeg.version);
        assert!(once.len() > 6, "{once:?}");
    }
}
