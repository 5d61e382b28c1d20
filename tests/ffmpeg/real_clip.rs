//! A real clip through a real model, as a user runs it.

use rave_tests::build_dir;
use rave_tests::ffmpeg::newest;

/// A luma network of one fixed size, 224x224, as many published ones are: the frame goes through it in tiles, and its
/// chroma is scaled beside.
#[test]
fn a_luma_model_of_fixed_size_takes_a_real_frame_in_tiles() {
    let Some(ffmpeg) = newest() else { return };
    let clip = build_dir().join("deps/clips/bigbuckbunny.mp4");
    let model = build_dir().join("deps/models/luma-3x-224.onnx");
    if !clip.is_file() || !model.is_file() {
        assert!(
            std::env::var_os("RAVE_REQUIRE_FFMPEG").is_none(),
            "run scripts/fetch.sh all"
        );
        eprintln!("skipped: no clip or model (scripts/fetch.sh all)");
        return;
    }
    let filter = format!("scale=320:240,rave={},showinfo", model.display());
    let clip = clip.to_string_lossy();
    let run = ffmpeg
        .run([
            "-v",
            "verbose",
            "-i",
            &clip,
            "-frames:v",
            "2",
            "-vf",
            &filter,
            "-f",
            "null",
            "-",
        ])
        .ok();
    assert!(run.stderr.contains("frames, 4 tiles each"), "{}", run.stderr);
    assert!(run.stderr.contains("s:960x720"), "{}", run.stderr);
}

/// PSNR of a 2x upscale against the original, by FFmpeg's own filter.
fn psnr(ffmpeg: &rave_tests::ffmpeg::Ffmpeg, clip: &str, upscale: &str) -> f64 {
    let graph = format!(
        "[0:v]scale=640:360:flags=area,split[a][b];[a]scale=320:180:flags=area,{upscale}[c];[c][b]psnr"
    );
    let run = ffmpeg
        .run([
            "-i",
            clip,
            "-frames:v",
            "2",
            "-filter_complex",
            &graph,
            "-f",
            "null",
            "-",
        ])
        .ok();
    let (_, rest) = run
        .stderr
        .rsplit_once("average:")
        .expect("psnr prints its average");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_real_clip_is_upscaled_with_its_audio_and_looks_like_itself() {
    let Some(ffmpeg) = newest() else { return };
    let clip = build_dir().join("deps/clips/bigbuckbunny.mp4");
    let model = build_dir().join("deps/models/animevideov3-x2.onnx");
    if !clip.is_file() || !model.is_file() {
        assert!(
            std::env::var_os("RAVE_REQUIRE_FFMPEG").is_none(),
            "run scripts/fetch.sh all"
        );
        eprintln!("skipped: no clip or model (scripts/fetch.sh all)");
        return;
    }
    let (clip, model) = (clip.to_string_lossy(), model.to_string_lossy());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.mkv");
    let out_text = out.to_string_lossy();
    let filter = format!("scale=160:-2,rave={model}");
    let _ = ffmpeg
        .run([
            "-i", &clip, "-t", "0.4", "-vf", &filter, "-c:v", "ffv1", "-c:a", "copy", &out_text,
        ])
        .ok();
    let streams = ffmpeg.probe(
        &[
            "-count_frames",
            "-show_entries",
            "stream=codec_type,width,height,nb_read_frames",
            "-of",
            "csv=p=0",
        ],
        &out,
    );
    assert!(streams.contains("video,320,180,10"), "{streams}");
    assert!(streams.contains("audio"), "{streams}");

    let rave = psnr(&ffmpeg, &clip, &format!("rave={model}"));
    let nearest = psnr(&ffmpeg, &clip, "scale=640:360:flags=neighbor");
    // A shift of half a pixel, a wrong matrix or a wrong range each cost several dB.
    assert!(
        rave > nearest && rave > 32.0,
        "PSNR {rave} dB by the model, {nearest} dB by repeating pixels"
    );
}
