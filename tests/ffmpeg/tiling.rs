//! Tiles leave no trace.

use rave_tests::ffmpeg::{clip_and_model, newest};

use crate::raw::{Clip, named, rave};

fn largest_difference(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// A 3x3 convolution sees one pixel around each: far less than the overlap, so tiled and whole must agree but for
/// the rounding of two weighted halves, which can tip a value that lies on the edge between two codes. A frame smaller
/// than the tile is extended, and the model sees that extension where it would see its own border: it is left out.
///
/// RV-ENG-1103
#[test]
fn a_model_of_fixed_size_gives_what_the_same_model_gives_untiled() {
    let Some(ffmpeg) = newest() else { return };
    for size in [(150, 100), (65, 64), (64, 200), (64, 64)] {
        let clip = Clip::noise(named("rgb24"), size, 1);
        let whole = clip.raw(&ffmpeg, &rave("dyadic-2x", ":values=byte"));
        let tiled = clip.raw(&ffmpeg, &rave("fixed-64-2x", ":values=byte"));
        assert_eq!(whole.len(), size.0 * size.1 * 12, "{size:?}");
        assert!(largest_difference(&whole, &tiled) <= 1, "{size:?}");
        let differing = whole.iter().zip(&tiled).filter(|(a, b)| a != b).count();
        assert!(differing * 1000 < whole.len(), "{size:?}: {differing} of {}", whole.len());
    }
}

/// The deepest field of view among our models: 18 convolutions see 18 pixels to every side, the overlap's fades begin
/// 8 pixels from a tile's edge, so a little of the edge shows, far below what the eye sees.
#[test]
fn a_real_network_in_tiles_is_within_two_codes_of_the_whole() {
    let Some(ffmpeg) = newest() else { return };
    let Some((clip, model)) = clip_and_model("animevideov3-x2") else { return };
    let frame = |options: &str| {
        let filter = format!("scale=192:108,rave={model}{options}");
        let args = [
            "-ss",
            "1",
            "-i",
            &clip,
            "-frames:v",
            "1",
            "-vf",
            &filter,
            "-pix_fmt",
            "yuv420p",
            "-f",
            "rawvideo",
            "-",
        ];
        ffmpeg.run(args).ok().stdout
    };
    let (whole, tiled) = (frame(""), frame(":tile=96x64:overlap=32"));
    assert_eq!(whole.len(), 384 * 216 * 3 / 2);
    let largest = largest_difference(&whole, &tiled);
    println!("largest difference of tiles to the whole: {largest} of 255");
    assert!(largest <= 2, "{largest}");
    // A broken blend would be equal too, if nothing had been cut at all.
    assert_ne!(whole, tiled);
}

/// RV-ENG-1103
#[test]
fn tiles_asked_for_by_option_change_nothing_but_rounding() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("yuv420p"), (150, 101), 1);
    let whole = clip.raw(&ffmpeg, &rave("replicate-2x", ""));
    for tile in [":tile=48x32", ":tile=64x64:overlap=32", ":tile=150x16:overlap=2"] {
        let tiled = clip.raw(&ffmpeg, &rave("replicate-2x", tile));
        assert!(largest_difference(&whole, &tiled) <= 1, "{tile}");
    }
}

/// RV-ENG-1104
#[test]
fn a_model_that_needs_multiples_of_eight_takes_any_size() {
    let Some(ffmpeg) = newest() else { return };
    for size in [(64, 64), (50, 38), (35, 27), (8, 8), (3, 5)] {
        let clip = Clip::noise(named("rgb24"), size, 2);
        let run = clip.hashed(&ffmpeg, &rave("needs-8-2x", "")).ok();
        assert_eq!(run.frame_hashes().len(), 2, "{size:?}");
        assert!(run.stderr.contains(&format!("{}x{}", size.0 * 2, size.1 * 2)), "{}", run.stderr);
    }
}
