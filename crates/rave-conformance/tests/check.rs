//! The check passes on what is there, and notices what is wrong.

mod common;

use common::{conformance, conformance_with, require};

/// RV-CONF-1001
#[test]
fn the_kernels_are_what_the_standard_and_zimg_say() {
    let run = conformance(&["check", "pixels"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    for oracle in ["h273", "stated", "zimg", "swscale"] {
        assert!(run.said.contains(oracle), "{oracle}: {}", run.said);
    }
    require("zimg", !run.said.contains("skipped: zimg"));
}

/// One bit of one sample, in what a kernel gives for one case among thousands.
///
/// RV-CONF-1003
#[test]
fn one_least_significant_bit_fails_the_check_which_names_family_case_and_sample() {
    for (case, component, x, y, says) in [
        ("pixels/unpack-stated/yuv420p10le/bt709/limited/topleft/noise/19x13", 1, 7, 4, "G at (7, 4) is"),
        ("pixels/pack-stated/nv12/smpte170m/full/center/noise/19x13", 2, 3, 5, "Cr at (3, 5) is"),
        ("pixels/return/gbrp16le/bt709/limited/left/noise/19x13", 0, 18, 12, "R at (18, 12) is"),
    ] {
        let plant = format!("{case}:{component}:{x}:{y}");
        let run = conformance(&["check", "pixels", "--plant", &plant]);
        assert_eq!(run.code, Some(1), "{}", run.said);
        let expected = format!("{case}: {says}");
        assert!(run.said.contains(&expected), "{expected}\n{}", run.said);
        assert!(run.said.contains(": 1 failed;"), "only that one: {}", run.said);
    }
}

/// RV-CONF-1003
#[test]
fn a_fault_that_could_not_be_planted_is_an_error() {
    for (plant, says) in [
        ("pixels/x:1:2", "CASE:COMPONENT:X:Y"),
        ("pixels/x:0:1:2", "nothing is at pixels/x:0:1:2"),
        ("pixels/return/gray/bt709/full/left/noise/19x13:3:0:0", "nothing is at"),
    ] {
        let run = conformance(&["check", "pixels", "--plant", plant]);
        assert_eq!(run.code, Some(2), "{}", run.said);
        assert!(run.said.contains(says), "{}", run.said);
    }
}

/// RV-CONF-1006
#[test]
fn an_oracle_that_is_not_there_is_told_and_fails_where_that_is_asked_for() {
    let arguments = ["check", "pixels", "--ffmpeg", "/nonexistent/ffmpeg"];
    let run = conformance(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(run.said.contains("skipped: ") && run.said.contains("/nonexistent/ffmpeg"), "{}", run.said);
    let run = conformance(&[&arguments[..], &["--no-skips"]].concat());
    assert_eq!(run.code, Some(1), "{}", run.said);
}

/// On a machine with a GPU the check runs on it, and must pass.
///
/// RV-CONF-1007, RV-CONF-1008
#[test]
fn kernels_of_a_gpu_are_checked_or_told_to_be_missing() {
    let run = conformance(&["check", "pixels", "--gpu"]);
    if run.code == Some(2) {
        assert!(run.said.contains("[DEVICE_NOT_FOUND]"), "{}", run.said);
        println!("skipped: {}", run.said.trim_end());
    } else {
        assert_eq!(run.code, Some(0), "{}", run.said);
    }
}

#[test]
fn a_family_that_does_not_exist_is_an_error_that_says_which_do() {
    let run = conformance_with(&["check", "pixles"], |_| {});
    assert_eq!(run.code, Some(2), "{}", run.said);
    assert!(run.said.contains("pixles") && run.said.contains("pixels"), "{}", run.said);
}
