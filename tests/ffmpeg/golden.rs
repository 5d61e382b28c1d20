//! Golden hashes, tier D0: equal on every FFmpeg version, thread count and inference library.
//!
//! The models' arithmetic is exact, so the order of summation cannot matter; the pixel kernels are exact by
//! construction. `scripts/bless.sh golden` writes `tests/golden/hashes.txt` anew and refuses to under CI.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rave_tests::ffmpeg::builds;

use crate::raw::{Clip, FORMATS, named, rave};

/// Name of the case, model, format, width and height, further options.
type Case = (&'static str, &'static str, &'static str, (usize, usize), &'static str);

const CASES: [Case; 16] = [
    ("2x-yuv420p", "replicate-2x", "yuv420p", (50, 38), ""),
    ("2x-yuv420p-odd", "replicate-2x", "yuv420p", (35, 27), ""),
    ("2x-yuv420p-undithered", "replicate-2x", "yuv420p", (50, 38), ":dither=none"),
    ("2x-yuv422p10", "replicate-2x", "yuv422p10le", (50, 38), ""),
    ("2x-yuv444p12", "replicate-2x", "yuv444p12le", (50, 38), ""),
    ("2x-nv12", "replicate-2x", "nv12", (50, 38), ""),
    ("2x-p010", "replicate-2x", "p010le", (50, 38), ""),
    ("2x-rgb24", "replicate-2x", "rgb24", (50, 38), ""),
    ("2x-gbrp16", "replicate-2x", "gbrp16le", (50, 38), ""),
    ("2x-gray", "replicate-2x", "gray", (50, 38), ""),
    ("2x-to-10-bit", "replicate-2x", "yuv420p", (50, 38), ":format=yuv420p10le"),
    ("luma-2x-yuv420p", "replicate-2x-luma", "yuv420p", (50, 38), ""),
    ("dyadic-2x-rgb24", "dyadic-2x", "rgb24", (50, 38), ":values=byte"),
    ("dyadic-2x-tiled", "fixed-64-2x", "rgb24", (150, 100), ":values=byte"),
    ("3/2x-yuv420p", "dyadic-3x2", "yuv420p", (50, 38), ":values=byte"),
    ("1/2x-gray", "half-1x2", "gray", (50, 38), ":values=byte"),
];

const FRAMES: usize = 2;

fn file() -> PathBuf {
    rave_tests::root().join("tests/golden/hashes.txt")
}

fn read() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    parse(&text).unwrap_or_else(|wrong| panic!("tests/golden/hashes.txt: {wrong}"))
}

/// The hashes of each case; of anything that `bless` does not write, what is wrong with it.
fn parse(text: &str) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut cases = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ').map(str::to_string);
        let name = words.next().unwrap_or_default();
        let hashes: Vec<String> = words.collect();
        let is_hash = |word: &String| {
            word.len() == 64 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        if hashes.len() != FRAMES || !hashes.iter().all(is_hash) {
            return Err(format!("`{line}`: expected a name and {FRAMES} SHA-256"));
        }
        if cases.insert(name.clone(), hashes).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(cases)
}

/// RV-TEST-1104
#[test]
fn what_is_no_line_of_golden_hashes_is_refused() {
    let hash = "0a".repeat(32);
    let line = |name: &str| format!("{name}{}\n", format!(" {hash}").repeat(FRAMES));
    assert_eq!(parse(&format!("# about\n{}{}", line("a"), line("b"))).unwrap().len(), 2);
    for (text, word) in [
        (line("a") + &line("a"), "a is there twice"),
        (line("a").replacen("0a", "0A", 1), "expected"),
        (line("a").replacen("0a", "0", 1), "expected"),
        (line("a").replacen(&hash, "", 1), "expected"),
        (line("a") + "\n", "expected"),
    ] {
        assert!(parse(&text).unwrap_err().contains(word), "{text}");
    }
}

fn bless(hashes: &BTreeMap<String, Vec<String>>) {
    assert!(std::env::var_os("CI").is_none(), "golden hashes are not made anew under CI");
    let mut text = String::from(
        "# SHA-256 of each frame that the cases of tests/ffmpeg/golden.rs give. Made by scripts/bless.sh golden.\n",
    );
    for (name, frames) in hashes {
        text += &format!("{name} {}\n", frames.join(" "));
    }
    std::fs::write(file(), text).unwrap();
}

/// RV-FILT-1002, RV-TEST-1104
#[test]
fn golden_frames_are_equal_on_every_version_thread_count_and_library() {
    let blessing = std::env::var_os("RAVE_BLESS").is_some_and(|value| value == "1");
    let builds = builds();
    let mut expected = read();
    if blessing {
        assert!(!builds.is_empty(), "there is no FFmpeg to make hashes with");
        expected.clear();
    } else {
        let names: Vec<_> = expected.keys().map(String::as_str).collect();
        let mut cases = CASES.map(|case| case.0);
        cases.sort_unstable();
        assert_eq!(
            names, cases,
            "every case has its hashes and every line its case; run scripts/bless.sh golden"
        );
    }
    for (index, ffmpeg) in builds.iter().enumerate() {
        // One version sees the whole matrix, the others each case once: what differs between them is FFmpeg's part.
        let variants: &[&str] = if index == 0 {
            &["", ":threads=1", ":threads=2", ":threads=7", ":threads=2:runtime_lib=embedded"]
        } else {
            &[":threads=2"]
        };
        for (name, model, format, size, options) in CASES {
            let clip = Clip::noise(named(format), size, FRAMES);
            for variant in variants {
                let run = clip.hashed(ffmpeg, &rave(model, &format!("{options}{variant}"))).ok();
                let hashes = run.frame_hashes();
                let wanted = expected.entry(name.to_string()).or_insert_with(|| hashes.clone());
                assert_eq!(
                    *wanted, hashes,
                    "{name}{variant} on FFmpeg {}: not the frames of tests/golden/hashes.txt; scripts/bless.sh golden \
                     renews it where that is meant",
                    ffmpeg.version
                );
            }
        }
    }
    if blessing {
        bless(&expected);
    }
}

/// What the golden hashes are of, and that no bit of it escapes them.
///
/// RV-TEST-1401
#[test]
fn a_frame_with_one_other_bit_has_not_the_golden_hash() {
    let Some(ffmpeg) = builds().into_iter().next() else {
        return;
    };
    let sha256 = |bytes: &[u8]| -> String {
        use sha2::Digest;
        sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let golden = read();
    for (name, model, format, size, options) in CASES {
        let mut pixels = Clip::noise(named(format), size, FRAMES).raw(&ffmpeg, &rave(model, options));
        let frame = pixels.len() / FRAMES;
        for (index, pixels) in pixels.chunks_exact_mut(frame).enumerate() {
            assert_eq!(sha256(pixels), golden[name][index], "{name}, frame {index}");
            for at in [0, frame / 2, frame - 1] {
                pixels[at] ^= 1;
                assert_ne!(sha256(pixels), golden[name][index], "{name}, frame {index}, byte {at}");
                pixels[at] ^= 1;
            }
        }
    }
}

/// RV-FILT-1001
#[test]
fn a_1x_identity_model_gives_every_format_back_bit_for_bit() {
    for ffmpeg in builds() {
        for format in FORMATS {
            let clip = Clip::noise(format, (35, 27), FRAMES);
            let before = clip.hashed(&ffmpeg, "null").ok().frame_hashes();
            let after = clip.hashed(&ffmpeg, &rave("identity-1x", "")).ok().frame_hashes();
            assert_eq!(before.len(), FRAMES);
            assert_eq!(before, after, "{} on FFmpeg {}", format.name, ffmpeg.version);
        }
    }
}

#[test]
fn pixels_of_a_2x_replicating_model_are_each_the_pixel_they_came_from() {
    for ffmpeg in builds() {
        let (width, height) = (9, 7);
        let clip = Clip::noise(named("rgb24"), (width, height), 1);
        let (before, after) = (clip.raw(&ffmpeg, "null"), clip.raw(&ffmpeg, &rave("replicate-2x", "")));
        assert_eq!(after.len(), 4 * before.len());
        for y in 0..2 * height {
            for x in 0..2 * width {
                let at = |pixels: &[u8], x: usize, y: usize, width: usize| {
                    pixels[3 * (y * width + x)..][..3].to_vec()
                };
                assert_eq!(at(&after, x, y, 2 * width), at(&before, x / 2, y / 2, width), "({x}, {y})");
            }
        }
    }
}

/// RV-FILT-1001
#[test]
fn an_fp16_identity_model_gives_8_bit_formats_back_unchanged() {
    let Some(ffmpeg) = builds().into_iter().next() else {
        return;
    };
    for format in FORMATS.into_iter().filter(|format| !format.name.contains("le")) {
        for runtime in ["", ":runtime_lib=embedded"] {
            let clip = Clip::noise(format, (35, 27), FRAMES);
            let before = clip.hashed(&ffmpeg, "null").ok().frame_hashes();
            let filter = rave("identity-1x-fp16", &format!(":dither=none{runtime}"));
            let after = clip.hashed(&ffmpeg, &filter).ok().frame_hashes();
            assert_eq!(before, after, "{}{runtime}", format.name);
        }
    }
}
