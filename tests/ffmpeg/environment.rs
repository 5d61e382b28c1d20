//! Odd surroundings: the frames are the same, and nothing is left where nothing was asked for.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rave_tests::ffmpeg::{Ffmpeg, Run, newest};
use rave_tests::turkish::Turkish;

use crate::raw::{Clip, named, rave};

/// The clip through `filter`, in a shell that does `preparation` first, after a last word on the command.
fn hashed_after(
    ffmpeg: &Ffmpeg,
    clip: &Clip,
    filter: &str,
    preparation: &str,
    last_word: impl FnOnce(&mut Command),
) -> Run {
    let inner = ffmpeg.command();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{preparation}; exec \"$@\""), "sh"]).arg(inner.get_program());
    command.args(inner.get_args()).args(clip.input());
    command.args(["-vf", filter, "-f", "framehash", "-hash", "sha256", "-"]);
    last_word(&mut command);
    ffmpeg.run_as(command)
}

/// RV-FILT-1115
#[test]
fn mask_limits_folder_and_environment_change_no_frame() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("yuv420p"), (70, 40), 3);
    let filter = rave("dyadic-2x", ":threads=2");
    let expected = clip.hashed(&ffmpeg, &filter).ok().frame_hashes();
    for preparation in [
        "umask 077",
        "umask 000",
        "ulimit -n 64",
        "unset HOME PATH LANG TMPDIR XDG_CACHE_HOME",
        "export HOME=/nonexistent TMPDIR=/nonexistent",
        "export TZ=Asia/Kathmandu OMP_NUM_THREADS=3 RUST_BACKTRACE=full RAYON_NUM_THREADS=1",
        "d=$(mktemp -d); cd \"$d\"; rmdir \"$d\"",
        "trap '' INT TERM HUP PIPE",
        "exec <&-",
    ] {
        let run = hashed_after(&ffmpeg, &clip, &filter, preparation, |_| {}).ok();
        assert_eq!(run.frame_hashes(), expected, "{preparation}");
    }
    let bare = hashed_after(&ffmpeg, &clip, &filter, ":", |command| {
        command.env_clear().arg0("sh");
    });
    assert_eq!(bare.ok().frame_hashes(), expected, "no environment at all");
}

/// A real locale, in which the C library reads and writes decimal commas: frames and the digests of ledgers are equal,
/// by ONNX Runtime where it is and by the embedded runtime.
///
/// RV-FILT-1115
#[test]
fn a_host_in_turkish_with_decimal_commas_gets_the_same_frames_and_ledger() {
    let (Some(ffmpeg), Some(turkish)) = (newest(), Turkish::made()) else { return };
    let clip = Clip::noise(named("yuv420p"), (70, 40), 3);
    let folder = tempfile::tempdir().unwrap();
    for runtime in ["", ":runtime_lib=embedded"] {
        let run = |name: &str, last_word: &dyn Fn(&mut Command)| {
            let ledger = folder.path().join(name);
            let filter = rave("dyadic-2x", &format!(":threads=2{runtime}:ledger={}", ledger.display()));
            let run = hashed_after(&ffmpeg, &clip, &filter, ":", last_word).ok();
            (run.frame_hashes(), rave_ledger::verify_file(&ledger, |_| Ok(())).unwrap().last)
        };
        let (in_c, in_turkish) = (run("c", &|_| {}), run("turkish", &|command| turkish.for_command(command)));
        assert_eq!(in_c.0.len(), 3);
        assert_eq!(in_c, in_turkish, "`{runtime}`");
    }
}

/// RV-FILT-1115, RV-LEDGER-1007
#[test]
fn a_ledger_is_its_owners_whatever_the_mask() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("rgb24"), (16, 16), 1);
    for mask in ["000", "022", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let filter = rave("identity-1x", &format!(":ledger={}", path.display()));
        let _ = hashed_after(&ffmpeg, &clip, &filter, &format!("umask {mask}"), |_| {}).ok();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "umask {mask}");
    }
}

/// RV-FILT-1115
#[test]
fn a_run_that_asks_for_no_file_leaves_none() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("rgb24"), (16, 16), 2);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let preparation = format!(
        "cd {place}; export HOME={place} TMPDIR={place} XDG_CACHE_HOME={place} XDG_CONFIG_HOME={place}"
    );
    for filter in [rave("identity-1x", ""), rave("nan-of-zero", ":mode=hardened")] {
        let _ = hashed_after(&ffmpeg, &clip, &filter, &preparation, |_| {});
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// RV-FILT-1115, RV-LEDGER-1006
#[test]
fn a_disk_that_fills_up_ends_the_ledger_and_not_the_run() {
    let Some(ffmpeg) = newest() else { return };
    let clip = Clip::noise(named("rgb24"), (16, 16), 30);
    let expected = clip.hashed(&ffmpeg, &rave("identity-1x", "")).ok().frame_hashes();
    for mode in ["strict", "hardened"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let filter = rave("identity-1x", &format!(":mode={mode}:ledger={}", path.display()));
        // Ignored, the signal leaves write to fail, as a full disk has it. Standard output is a pipe, which has no limit.
        let run = hashed_after(&ffmpeg, &clip, &filter, "trap '' XFSZ; ulimit -f 8", |_| {}).ok();
        assert_eq!(run.frame_hashes(), expected, "{mode}");
        assert_eq!(run.stderr.matches("not written any more").count(), 1, "{}", run.stderr);
        let verified = rave_ledger::verify_file(&path, |_| Ok(())).unwrap();
        assert!(verified.ending == rave_ledger::Ending::Open && verified.lines > 3, "{verified:?}");
    }
}
