//! Runs that are ended in their middle: what was encoded can be played, and the ledger says how far the run came.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rave_ledger::{Ending, Event, Verified, verify_file};
use rave_tests::ffmpeg::{Ffmpeg, newest};

use crate::raw::rave;

/// How long anything may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// An endless run into `out.mkv` of `folder`, with a ledger beside it.
fn endless(ffmpeg: &Ffmpeg, folder: &Path) -> Child {
    let filter = rave("replicate-2x", &format!(":ledger={}", folder.join("run.jsonl").display()));
    let mut command = ffmpeg.command();
    command.args(["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-vf", &filter, "-c:v", "ffv1"]);
    command.arg(folder.join("out.mkv")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The ledger of the run, and how many frames are in it.
fn ledger(folder: &Path) -> Result<(Verified, u64), String> {
    let mut frames = 0;
    let verified = verify_file(&folder.join("run.jsonl"), |entry| {
        frames += u64::from(matches!(entry.record.event, Event::Frame(_)));
        Ok(())
    });
    verified.map(|verified| (verified, frames)).map_err(|error| error.to_string())
}

/// Waits until `done`, or fails.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what} has not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends `signal` when ten frames are through, and returns the exit code, `None` of a process that it killed.
fn ended_by(signal: &str, ffmpeg: &Ffmpeg, folder: &Path) -> Option<i32> {
    // With the time in its first line, which no two runs have in common.
    let beginning =
        || std::fs::read_to_string(folder.join("run.jsonl")).ok()?.lines().next().map(str::to_owned);
    let before = beginning();
    let mut child = endless(ffmpeg, folder);
    wait_until("the tenth frame", || {
        beginning() != before && ledger(folder).is_ok_and(|(_, frames)| frames >= 10)
    });
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let mut status = None;
    wait_until("the end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.and_then(|status| status.code())
}

/// RV-FILT-1116
#[test]
fn a_run_that_is_interrupted_can_be_played_and_its_ledger_is_whole() {
    let Some(ffmpeg) = newest() else { return };
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ended_by(signal, &ffmpeg, folder.path()), Some(255), "{signal}");
        let (verified, frames) = ledger(folder.path()).unwrap();
        assert_eq!(verified.ending, Ending::Closed, "{signal}");
        let count = ["-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"];
        let played: u64 = ffmpeg.probe(&count, &folder.path().join("out.mkv")).trim().parse().unwrap();
        assert!(played >= 10 && played <= frames, "{signal}: {played} of {frames}");
    }
}

/// RV-FILT-1116, RV-LEDGER-1005
#[test]
fn a_run_that_is_killed_leaves_whole_lines_and_the_next_one_begins_anew() {
    let Some(ffmpeg) = newest() else { return };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ended_by("KILL", &ffmpeg, folder.path()), None);
    let (verified, frames) = ledger(folder.path()).unwrap();
    assert!(verified.ending != Ending::Closed && frames >= 10, "{verified:?}");
    assert_eq!(ended_by("INT", &ffmpeg, folder.path()), Some(255));
    assert_eq!(ledger(folder.path()).unwrap().0.ending, Ending::Closed);
}
