//! What the filter keeps, and how it behaves inside a graph.

use rave_tests::ffmpeg::{Ffmpeg, builds, golden_model, newest};
use tempfile::TempDir;

use crate::raw::{Clip, named, rave};

/// Lines of a framehash without the hashes: stream, dts, pts, duration, size.
fn timing(stdout: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(stdout)
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(',').unwrap().0.to_string())
        .collect()
}

/// RV-FILT-1003
#[test]
fn timestamps_and_durations_of_a_variable_frame_rate_stay() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("yuv420p"), (32, 18), 6);
        let uneven = "settb=1/1000,setpts='if(lt(N,3),N*40,N*N*37)',";
        let args = |filter: &str| {
            let filters = format!("{uneven}{filter}");
            let tail = [
                "-vf",
                &filters,
                "-fps_mode",
                "passthrough",
                "-enc_time_base",
                "1/1000",
                "-f",
                "framehash",
                "-",
            ];
            clip.input().into_iter().chain(tail.map(str::to_string)).collect::<Vec<_>>()
        };
        let before = ffmpeg.run(args("null")).ok();
        let after = ffmpeg.run(args(&rave("identity-1x", ""))).ok();
        assert_eq!(timing(&before.stdout).len(), 6);
        assert_eq!(timing(&before.stdout), timing(&after.stdout), "FFmpeg {}", ffmpeg.version);
    }
}

/// Runs `filters` over two frames of 4:2:0, stores them as FFV1 in Matroska, and returns what ffprobe says of a frame.
fn tags_after(ffmpeg: &Ffmpeg, filters: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.mkv");
    let clip = Clip::noise(named("yuv420p"), (32, 18), 2);
    let mut args = clip.input();
    args.extend(["-vf", filters, "-c:v", "ffv1"].map(str::to_string));
    args.push(out.to_string_lossy().into_owned());
    let _ = ffmpeg.run(args).ok();
    let entries = "frame=width,height,pix_fmt,sample_aspect_ratio,color_range,color_space,color_primaries,color_transfer,chroma_location";
    ffmpeg.probe(
        &["-select_streams", "v", "-read_intervals", "%+#1", "-show_entries", entries, "-of", "default=nw=1"],
        &out,
    )
}

/// RV-FILT-1004
#[test]
fn colour_tags_and_aspect_ratio_stay() {
    for ffmpeg in builds() {
        let tagged = "setsar=4/3,setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:\
                      chroma_location=topleft,";
        let before = tags_after(&ffmpeg, &format!("{tagged}null"));
        let after = tags_after(&ffmpeg, &format!("{tagged}{}", rave("replicate-2x", "")));
        for tag in ["color_space=bt2020nc", "color_transfer=smpte2084", "sample_aspect_ratio=4:3"] {
            assert!(before.contains(tag), "{tag} is there to be kept: {before}");
        }
        assert_eq!(
            before.replace("width=32", "width=64").replace("height=18", "height=36"),
            after,
            "{}",
            ffmpeg.version
        );
    }
}

/// RV-FILT-1006, RV-ENG-1105, RV-CORE-1102
#[test]
fn a_matrix_that_is_unspecified_is_chosen_by_height_and_said_once() {
    for ffmpeg in builds() {
        let run = |size: (usize, usize)| {
            let clip = Clip::noise(named("yuv420p"), size, 2);
            let mut args = clip.input();
            args.extend(
                ["-vf", &format!("{},showinfo", rave("identity-1x", "")), "-f", "null", "-"]
                    .map(str::to_string),
            );
            ffmpeg.run(args).ok().stderr
        };
        for (size, matrix, tag) in [((32, 18), "BT.601", "smpte170m"), ((16, 720), "BT.709", "bt709")] {
            let log = run(size);
            assert_eq!(log.matches(&format!("{matrix} matrix")).count(), 1, "{log}");
            assert!(log.contains(&format!("color_space:{tag}")), "{log}");
        }
    }
}

/// RV-FILT-1007
#[test]
fn a_picture_that_is_cropped_or_stored_bottom_up_is_read_where_it_lies() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("yuv420p"), (50, 38), 2);
        for before in ["vflip", "crop=31:17:6:4", "crop=30:16:7:5:exact=1", "vflip,crop=21:9:2:2"] {
            let plain = clip.hashed(&ffmpeg, before).ok().frame_hashes();
            let through =
                clip.hashed(&ffmpeg, &format!("{before},{}", rave("identity-1x", ""))).ok().frame_hashes();
            assert_eq!(plain, through, "{before} on FFmpeg {}", ffmpeg.version);
        }
    }
}

/// RV-FILT-1104, RV-ENG-1004
#[test]
fn instances_stand_beside_and_behind_each_other_and_load_a_model_once() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("rgb24"), (20, 12), 3);
        let twice =
            clip.hashed(&ffmpeg, &format!("{0},null,{0}", rave("replicate-2x", ""))).ok().frame_hashes();
        let direct = clip.hashed(&ffmpeg, "scale=80:48:flags=neighbor").ok().frame_hashes();
        assert_eq!(twice, direct, "FFmpeg {}", ffmpeg.version);

        let side_by_side =
            format!("split[a][b];[a]{0}[c];[b]null,{0}[d];[c][d]hstack", rave("replicate-2x", ""));
        let mut args = vec!["-v".to_string(), "verbose".into()];
        args.extend(clip.input());
        args.extend(["-filter_complex", &side_by_side, "-f", "framehash", "-"].map(str::to_string));
        let run = ffmpeg.run(args).ok();
        assert_eq!(run.frame_hashes().len(), 3);
        assert_eq!(run.stderr.matches("already loaded").count(), 1, "{}", run.stderr);
    }
}

/// RV-FILT-1105
#[test]
fn an_early_end_and_a_single_frame_are_no_trouble() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("yuv420p"), (32, 18), 9);
        for (filters, frames) in [("", 9), (",trim=end_frame=4", 4), (",select=eq(n\\,2)", 1)] {
            let run = clip.hashed(&ffmpeg, &format!("{}{filters}", rave("replicate-2x", ""))).ok();
            assert_eq!(run.frame_hashes().len(), frames, "{filters}");
        }
        let mut args = clip.input();
        let filter = rave("replicate-2x", "");
        args.extend(["-vf", &filter, "-frames:v", "3", "-f", "framehash", "-"].map(str::to_string));
        assert_eq!(ffmpeg.run(args).ok().frame_hashes().len(), 3);
    }
}

/// Two clips of different size or format, one after the other in one H.264 stream.
pub(crate) fn changing_stream(ffmpeg: &Ffmpeg, folder: &TempDir, second: [&str; 2]) -> std::path::PathBuf {
    let part = |name: &str, [size, format]: [&str; 2]| {
        let out = folder.path().join(name).to_string_lossy().into_owned();
        let source = format!("testsrc2=size={size}:rate=25:duration=0.4");
        let encode =
            ["-pix_fmt", format, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-f", "h264", &out];
        let _ = ffmpeg.run(["-f", "lavfi", "-i", &source].into_iter().chain(encode)).ok();
        std::fs::read(out).unwrap()
    };
    let mut stream = part("first.h264", ["64x48", "yuv420p"]);
    stream.extend(part("second.h264", second));
    let path = folder.path().join("both.h264");
    std::fs::write(&path, stream).unwrap();
    path
}

/// RV-FILT-1103
#[test]
fn a_stream_that_changes_its_size_or_format_goes_on_with_correct_frames() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        for second in [["96x80", "yuv420p"], ["64x48", "yuv422p"]] {
            let stream = changing_stream(&ffmpeg, &folder, second);
            let hashes = |filter: &str| {
                let path = stream.to_string_lossy();
                ffmpeg
                    .run(["-i", &path, "-vf", filter, "-fps_mode", "passthrough", "-f", "framehash", "-"])
                    .ok()
                    .frame_hashes()
            };
            // Both ends of the comparison let FFmpeg bring later frames to the first size and format.
            let (plain, through) = (hashes("null"), hashes(&rave("identity-1x", "")));
            assert_eq!(plain.len(), through.len());
            assert!(plain.len() == 20, "{} frames", plain.len());
            assert_eq!(plain, through, "{second:?} on FFmpeg {}", ffmpeg.version);
        }
    }
}

/// RV-FILT-1103
#[test]
fn without_reinitialisation_a_change_is_an_error_and_never_wrong_pixels() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let stream = changing_stream(&ffmpeg, &folder, ["96x80", "yuv420p"]);
        let path = stream.to_string_lossy();
        let filter = rave("identity-1x", "");
        let run = ffmpeg.run(["-reinit_filter", "0", "-i", &path, "-vf", &filter, "-f", "framehash", "-"]);
        assert_ne!(run.code, Some(0), "FFmpeg {}: {}", ffmpeg.version, run.stderr);
        assert!(run.stderr.contains("96x80") && run.stderr.contains("64x48"), "{}", run.stderr);
        let intact = timing(&run.stdout);
        assert!(
            intact.iter().all(|line| line.ends_with("4608")),
            "only frames of the first size: {intact:?}"
        );
    }
}

/// RV-FILT-1109
#[test]
fn options_of_engines_have_no_effect_on_software_frames_unless_they_are_refused() {
    for ffmpeg in builds() {
        let clip = Clip::noise(named("yuv420p"), (32, 18), 2);
        let hashes = |options| clip.hashed(&ffmpeg, &rave("dyadic-2x", options)).ok().frame_hashes();
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let options = format!(":build=never:precision=auto:builder=/no/rave:cache={}", cache.display());
        assert_eq!(hashes(&options), hashes(""), "FFmpeg {}", ffmpeg.version);
        assert!(!cache.exists(), "nothing is kept");
    }
}

/// RV-FILT-1108
#[test]
fn help_and_manual_list_every_option() {
    let manual = std::fs::read_to_string(rave_tests::root().join("ffmpeg-patch/filters.texi")).unwrap();
    let readme = std::fs::read_to_string(rave_tests::root().join("README.md")).unwrap();
    for ffmpeg in builds() {
        let help = String::from_utf8(ffmpeg.run(["-h", "filter=rave"]).ok().stdout).unwrap();
        let options: Vec<&str> = help
            .lines()
            .filter(|line| line.starts_with("   ") && line.contains("..FV"))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| line_is_option(&help, name))
            .collect();
        assert!(options.contains(&"model") && options.len() >= 9, "{options:?}\n{help}");
        for option in options {
            assert!(manual.contains(&format!("@item {option}")), "filters.texi explains {option}");
            assert!(readme.contains(&format!("| `{option}` |")), "the README lists {option}");
        }
    }
}

/// Options carry a type in angle brackets; the constants below them do not.
fn line_is_option(help: &str, name: &str) -> bool {
    help.lines().any(|line| line.split_whitespace().next() == Some(name) && line.contains('<'))
}

/// RV-FILT-1202
#[test]
fn the_binary_needs_no_vendor_library_to_start() {
    for ffmpeg in builds() {
        let program = rave_tests::build_dir().join(format!("ffmpeg-{}/bin/ffmpeg", ffmpeg.version));
        let output = std::process::Command::new("readelf").arg("-d").arg(program).output().unwrap();
        let needed = String::from_utf8(output.stdout).unwrap();
        assert!(needed.contains("NEEDED"), "readelf read the program: {needed}");
        for library in ["libcuda", "libnvinfer", "libcudart", "libonnxruntime"] {
            assert!(!needed.contains(library), "{needed}");
        }
    }
}

/// RV-FILT-1106
#[test]
fn the_format_option_gives_that_format_and_names_one_that_it_cannot_give() {
    let Some(ffmpeg) = newest() else { return };
    let tags = tags_after(&ffmpeg, &rave("replicate-2x", ":format=yuv420p10le"));
    assert!(tags.contains("pix_fmt=yuv420p10le"), "{tags}");
    let clip = Clip::noise(named("yuv420p"), (32, 18), 1);
    let run = clip.hashed(&ffmpeg, &rave("replicate-2x", ":format=pal8"));
    assert_eq!(run.code, Some(234), "{}", run.stderr);
    assert!(run.stderr.contains("pal8"), "{}", run.stderr);
}

/// RV-FILT-1107
#[test]
fn the_model_path_may_be_given_by_name_or_first() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("rgb24"), (20, 12), 1);
    let first = clip.hashed(&ffmpeg, &rave("replicate-2x", "")).ok().frame_hashes();
    let named = format!("rave=threads=1:model={}", golden_model("replicate-2x").display());
    assert_eq!(clip.hashed(&ffmpeg, &named).ok().frame_hashes(), first);
}

/// RV-FILT-1005
#[test]
fn side_data_stays_but_for_what_a_change_of_size_makes_wrong() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let clip = folder.path().join("clip.h264").to_string_lossy().into_owned();
        let source = "testsrc2=size=64x48:rate=25:duration=0.2";
        let encode =
            ["-c:v", "libx264", "-a53cc", "1", "-x264-params", "bframes=0:keyint=3", "-f", "h264", &clip];
        let _ =
            ffmpeg.run(["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"].into_iter().chain(encode)).ok();
        let said = |model: &str| {
            let filters = format!("{},showinfo", rave(model, ""));
            let args = ["-flags2", "+export_mvs", "-i", &clip, "-vf", &filters, "-f", "null", "-"];
            ffmpeg.run(args).ok().stderr.to_lowercase()
        };
        let (same, doubled) = (said("identity-1x"), said("replicate-2x"));
        for log in [&same, &doubled] {
            assert!(log.contains("user data unregistered"), "x264's own note stays: {log}");
        }
        assert!(same.contains("motion vectors"), "FFmpeg {}: {same}", ffmpeg.version);
        assert!(!doubled.contains("motion vectors"), "FFmpeg {}: {doubled}", ffmpeg.version);
    }
}

/// RV-ENG-1106
#[test]
fn red_is_red_in_the_matrix_that_is_asked_for_tagged_or_fits_the_size() {
    let Some(ffmpeg) = newest() else { return };
    // Y' and Cb of pure red at 8 bits, limited range, and the tag (ITU-R BT.601-7 and BT.709-6).
    let (bt601, bt709) = ((81, 90, "smpte170m"), (63, 102, "bt709"));
    let cases = [
        ("16x16", "", "replicate-2x", "", bt601),
        ("16x16", "", "replicate-2x-luma", "", bt601),
        ("16x16", ",setparams=colorspace=bt709", "replicate-2x-luma", "", bt709),
        ("16x16", "", "replicate-2x", ",format=yuv444p:color_spaces=bt709", bt709),
        ("16x360", "", "replicate-2x", "", bt709),
    ];
    for (size, tags, model, after, (luma, cb, tag)) in cases {
        let source = format!("color=red:s={size}:d=0.04:r=25,format=gbrp{tags}");
        let filter = rave(model, ":format=yuv444p:dither=none");
        let graph = format!("{source},{filter}{after},showinfo");
        let run = ffmpeg.run(["-f", "lavfi", "-i", &graph, "-f", "rawvideo", "-"]).ok();
        let plane = run.stdout.len() / 3;
        assert!(plane > 0);
        let found = (run.stdout[0], run.stdout[plane]);
        assert!(found.0.abs_diff(luma) <= 1 && found.1.abs_diff(cb) <= 1, "{graph}: {found:?}");
        assert!(run.stderr.contains(&format!("color_space:{tag}")), "{graph}: {}", run.stderr);
    }
}

/// RV-FILT-1008
#[test]
fn planes_that_hold_gbr_under_a_ycbcr_format_are_refused() {
    let Some(ffmpeg) = newest() else { return };
    let filters = format!("format=yuv444p,setparams=colorspace=gbr,{}", rave("identity-1x", ""));
    let source = "color=red:s=16x16:d=0.04";
    let run = ffmpeg.run(["-f", "lavfi", "-i", source, "-vf", &filters, "-f", "null", "-"]);
    assert_eq!(run.code, Some(234), "{}", run.stderr);
    assert!(run.stderr.contains("UNSUPPORTED_FORMAT") && run.stderr.contains("gbrp"), "{}", run.stderr);
}

/// RV-FILT-1007
#[test]
fn cropping_that_is_still_pending_is_passed_on() {
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let clip = folder.path().join("cropped.h264").to_string_lossy().into_owned();
        // 50 lines are coded as 64, of which 14 are cropped.
        let encode = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-f", "h264", &clip];
        let source = "testsrc2=size=64x50:rate=25:duration=0.1";
        let _ = ffmpeg.run(["-f", "lavfi", "-i", source].into_iter().chain(encode)).ok();
        let run = |filter: &str| {
            let args = ["-apply_cropping", "0", "-i", &clip, "-vf", filter, "-f", "framehash", "-"];
            ffmpeg.run(args).ok().frame_hashes()
        };
        assert_eq!(run("null"), run(&rave("identity-1x", "")), "FFmpeg {}", ffmpeg.version);
    }
}
