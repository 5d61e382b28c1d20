//! A real clip through a real model, as a user runs it.

use rave_tests::ffmpeg::{clip_and_model, newest};

/// A luma network of one fixed size, 224x224, as many published ones are: the frame goes through it in tiles, and its
/// chroma is scaled beside.
#[test]
fn a_luma_model_of_fixed_size_takes_a_real_frame_in_tiles() {
    let Some(ffmpeg) = newest() else { return };
    let Some((clip, model)) = clip_and_model("luma-3x-224") else { return };
    let filter = format!("scale=320:240,rave={model},showinfo");
    let run =
        ffmpeg.run(["-v", "verbose", "-i", &clip, "-frames:v", "2", "-vf", &filter, "-f", "null", "-"]).ok();
    assert!(run.stderr.contains("frames, 4 tiles each"), "{}", run.stderr);
    assert!(run.stderr.contains("s:960x720"), "{}", run.stderr);
}

/// PSNR of a 2x upscale against the original, by FFmpeg's own filter.
fn psnr(ffmpeg: &rave_tests::ffmpeg::Ffmpeg, clip: &str, upscale: &str) -> f64 {
    let graph = format!(
        "[0:v]scale=640:360:flags=area,split[a][b];[a]scale=320:180:flags=area,{upscale}[c];[c][b]psnr"
    );
    let run = ffmpeg.run(["-i", clip, "-frames:v", "2", "-filter_complex", &graph, "-f", "null", "-"]).ok();
    let (_, rest) = run.stderr.rsplit_once("average:").expect("psnr prints its average");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// RV-FILT-1009
#[test]
fn a_real_clip_is_upscaled_with_its_audio_and_looks_like_itself() {
    let Some(ffmpeg) = newest() else { return };
    let Some((clip, model)) = clip_and_model("animevideov3-x2") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.mkv");
    let out_text = out.to_string_lossy();
    let filter = format!("scale=160:-2,rave={model}");
    let _ = ffmpeg
        .run(["-i", &clip, "-t", "0.4", "-vf", &filter, "-c:v", "ffv1", "-c:a", "copy", &out_text])
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
    assert!(rave > nearest && rave > 32.0, "PSNR {rave} dB by the model, {nearest} dB by repeating pixels");
}
