//! Ledgers as they are written, damaged and read again.

use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rave_core::{ColorTags, Error, Log, Status};
use rave_ledger::{
    Act, Digest, Ending, Event, FrameDone, Freed, Ledger, LedgerOptions, ModelLoaded, verify, verify_file,
};

fn open(path: &Path) -> Ledger {
    let (path, every) = (Some(path.to_owned()), NonZero::new(2));
    Ledger::open(LedgerOptions { path, every, ..LedgerOptions::default() }).unwrap()
}

/// A run with something of everything.
fn write(ledger: &Ledger) {
    let mode = "hardened".to_owned();
    ledger.record(Event::Model(ModelLoaded {
        model: ledger.next_model(),
        sha256: Digest::of("model"),
        bytes: 5,
        backend: "onnx".into(),
        library: "rten 0.27.0".into(),
        contract: "RGB, `in` \"quoted\"\n".into(),
        values: "unit".into(),
        mode,
        engine: None,
        device: None,
    }));
    let session = ledger.next_session();
    let colors = ColorTags::default().into();
    for frame in (0..6).filter(|&frame| ledger.wants(frame)) {
        ledger.record(Event::Frame(FrameDone {
            session,
            frame,
            input: Digest::of(frame.to_le_bytes()),
            output: Digest::of(frame.to_be_bytes()),
            tags: colors,
            wanted: colors,
            read: colors,
            made: colors,
            crop: None,
        }));
    }
    ledger.act(Act::AllocationRetried { what: "session".into(), freed: Freed::default() }, "no memory");
    ledger.act(Act::FrameLost { session, frame: 6, status: "INFERENCE_FAILED".into() }, "no result");
    ledger.failed("frame", Some(session), Some(7), &Error::new(Status::InferenceFailed, "frame 7"));
}

/// The text of a whole ledger.
fn written() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    write(&open(&path));
    std::fs::read_to_string(path).unwrap()
}

fn check(text: impl AsRef<[u8]>) -> rave_core::Result<rave_ledger::Verified> {
    verify("x", text.as_ref(), |_| Ok(()))
}

/// Asserts that `text` is refused with all of `parts` in the message.
#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let error = check(text).expect_err("it is not as it was written");
    assert_eq!(error.status(), Status::Untrusted, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "`{part}` in: {error}");
    }
}

/// RV-LEDGER-1002, RV-LEDGER-1003
#[test]
fn what_is_written_is_read_and_the_last_line_has_the_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let ledger = open(&path);
    write(&ledger);
    let counts = ledger.counts();
    assert_eq!(
        (counts.frames, counts.allocations_retried, counts.frames_lost, counts.failures),
        (3, 1, 1, 1)
    );
    assert_eq!((counts.acts(), counts.lines), (2, ledger.lines()));
    drop(ledger);

    let mut events = Vec::new();
    let verified = verify_file(&path, |entry| {
        events.push(entry.record.event);
        Ok(())
    })
    .unwrap();
    assert_eq!((verified.ending, verified.lines), (Ending::Closed, counts.lines + 1));
    assert!(matches!(&events[0], Event::Opened(opened) if opened.every == 2));
    assert!(matches!(events.last(), Some(Event::Closed(closed)) if closed.counts == counts));
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Act(_))).count() as u64, counts.acts());
}

/// RV-LEDGER-1001
#[test]
fn two_equal_runs_differ_in_nothing_but_their_meta() {
    let record = |line: &str| line.split_once(",\"meta\":").unwrap().0.to_owned();
    let records = || written().lines().map(record).collect::<Vec<_>>();
    assert_eq!(records(), records());
    let text = written();
    for outside in ["unix_ms", "host", "message"] {
        assert!(text.contains(outside) && !records().join("").contains(outside), "{outside}");
    }
}

/// RV-LEDGER-1201
#[test]
fn one_changed_bit_anywhere_fails() {
    let text = written();
    assert_eq!(check(&text).unwrap().ending, Ending::Closed);
    let mut bytes = text.clone().into_bytes();
    for index in 0..bytes.len() {
        for bit in [0, 3, 6] {
            bytes[index] ^= 1 << bit;
            let number = text.as_bytes()[..index].iter().filter(|&&byte| byte == b'\n').count() + 1;
            match check(&bytes) {
                Err(error) => assert!(error.to_string().contains(&format!("line {number}: ")), "{error}"),
                // The last line feed makes a whole line of the last.
                Ok(verified) => {
                    assert!(matches!(verified.ending, Ending::Torn(_)), "byte {index}, bit {bit}")
                }
            }
            bytes[index] ^= 1 << bit;
        }
    }
}

/// RV-LEDGER-1202
#[test]
fn lines_that_are_missing_moved_or_of_another_ledger_are_named() {
    let text = written();
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    for removed in 0..lines.len() - 1 {
        let mut rest = lines.clone();
        rest.remove(removed);
        let (line, found) = (format!("line {}: ", removed + 1), format!("it is the record {}", removed + 1));
        refused(&joined(&rest), &[&line, &found, &format!("expected the record {removed}")]);
    }
    let mut moved = lines.clone();
    moved.swap(3, 4);
    refused(&joined(&moved), &["line 4: it is the record 4", "expected the record 3"]);
    let mut twice = lines.clone();
    twice.insert(2, lines[2]);
    refused(&joined(&twice), &["line 4: it is the record 2", "expected the record 3"]);

    // A line of a ledger that began otherwise, at its place.
    let other = Ledger::default();
    write(&other);
    let foreign = other.line(1).unwrap();
    let mut mixed = lines.clone();
    mixed[1] = &foreign;
    refused(&joined(&mixed), &["line 2: it follows the record with the SHA-256", "of another ledger"]);

    refused("", &["line 1: nothing is there"]);
}

/// RV-LEDGER-1203
#[test]
fn an_end_that_is_torn_or_missing_is_reported_with_the_lines_before_it() {
    let text = written();
    let lines = text.lines().count() as u64;
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for cut in last..text.len() {
        let verified = check(&text[..cut]).unwrap();
        let torn = cut - last;
        assert_eq!(verified.ending, if torn == 0 { Ending::Open } else { Ending::Torn(torn) });
        assert_eq!(verified.lines, lines - 1);
    }
}

/// RV-LEDGER-1203
#[test]
fn a_ledger_of_several_writers_ends_with_the_last_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let (first, second) = (open(&path), open(&path));
    let ending = || verify_file(&path, |_| Ok(())).unwrap().ending;
    write(&first);
    drop(first);
    assert_eq!(ending(), Ending::Open, "the second writes yet");
    drop(second);
    assert_eq!(ending(), Ending::Closed);
}

/// RV-LEDGER-1004
#[test]
fn a_message_of_any_length_is_a_line_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let ledger = open(&path);
    for character in ["x", "\u{1}", "\"", "ü", "𝄞"] {
        ledger.failed("model", None, None, &Error::new(Status::Io, character.repeat(100_000)));
        ledger.act(Act::WithoutCache { status: "IO".into() }, character.repeat(100_000));
    }
    drop(ledger);
    assert_eq!(verify_file(&path, |_| Ok(())).unwrap().lines, 12);
}

/// RV-LEDGER-1204, RV-LEDGER-1202
#[test]
fn unknown_fields_fields_that_are_there_twice_and_other_schemas_are_refused() {
    let text = written();
    for (from, to, words) in [
        ("{\"record\":{\"seq\":0", "{\"record\":{\"extra\":1,\"seq\":0", "unknown field `extra`"),
        ("{\"record\":{\"seq\":0", "{\"record\":{\"seq\":0,\"seq\":0", "duplicate field `seq`"),
        ("\"rave\":", "\"colour\":1,\"rave\":", "unknown field `colour`"),
        ("\"meta\":{", "\"meta\":{\"user\":\"x\",", "unknown field `user`"),
        ("\"opened\":{", "\"begun\":{", "unknown variant `begun`"),
        ("\"schema\":1", "\"schema\":2", "its schema is 2; expected 1"),
        ("\"schema\":1", "\"schema\":2,\"new\":0", "its schema is 2; expected 1"),
        ("{\"record\"", "{ \"record\"", "column 2 is not as it is written; expected `\"record\""),
        ("}\n", "} x\n", "trailing characters"),
    ] {
        assert!(text.contains(from), "{from}");
        refused(&text.replacen(from, to, 1), &["line 1: ", words]);
    }
    refused(&"x".repeat(rave_ledger::MAX_LINE + 1), &["line 1: it has more than"]);
}

/// RV-LEDGER-1004
#[test]
fn memory_keeps_the_last_lines_only() {
    let ledger = Ledger::default();
    for _ in 0..3000 {
        ledger.failed("frame", None, None, &Error::new(Status::Io, "x"));
    }
    let kept = (0..ledger.lines()).filter(|&seq| ledger.line(seq).is_some()).count();
    assert_eq!((ledger.lines(), kept), (3001, 1024));
    assert!(ledger.line(3000).is_some() && ledger.line(3001).is_none());
    assert_eq!(ledger.counts().failures, 3000);
}

/// RV-LEDGER-1007
#[test]
fn a_file_is_gone_on_with_in_one_process_unless_somebody_else_wrote_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, "what was there before").unwrap();
    let (first, second) = (open(&path), open(&path));
    first.record(Event::Repeat(rave_ledger::Repeat { session: 0, before: 0 }));
    second.record(Event::Repeat(rave_ledger::Repeat { session: 1, before: 0 }));
    assert_eq!((first.next_session(), second.next_session()), (0, 1), "numbers are the file's");
    drop((first, second));
    assert_eq!(verify_file(&path, |_| Ok(())).unwrap().lines, 6);
    drop(open(&path));
    let verified = verify_file(&path, |_| Ok(())).unwrap();
    assert_eq!((verified.lines, verified.ending), (8, Ending::Closed));

    std::fs::write(&path, "something else").unwrap();
    drop(open(&path));
    assert_eq!(verify_file(&path, |_| Ok(())).unwrap().lines, 2);
}

/// RV-LEDGER-1007
#[test]
fn links_and_what_is_no_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("target"), "kept").unwrap();
    std::os::unix::fs::symlink(at("target"), at("link")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    for (name, status) in [
        ("link", Status::Untrusted),
        ("folder", Status::Io),
        ("fifo", Status::Io),
        ("none/run.jsonl", Status::FileNotFound),
    ] {
        let options = LedgerOptions { path: Some(at(name)), ..LedgerOptions::default() };
        let error = Ledger::open(options).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(std::fs::read_to_string(at("target")).unwrap(), "kept");
    assert_eq!(verify_file(&at("fifo"), |_| Ok(())).unwrap_err().status(), Status::Io);
}

/// The variable that tells this program that it is the other process of a test, and its file.
const OTHER: &str = "RAVE_LEDGER_TEST_FILE";

fn other_process(test: &str, path: &Path, before: &str) -> std::process::Command {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("{before}exec \"$@\""), "sh"]).arg(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(OTHER, path);
    command
}

/// RV-LEDGER-1007
#[test]
fn a_file_that_another_process_writes_is_busy() {
    const THIS: &str = "a_file_that_another_process_writes_is_busy";
    if let Some(path) = std::env::var_os(OTHER) {
        let options = LedgerOptions { path: Some(path.into()), ..LedgerOptions::default() };
        assert_eq!(Ledger::open(options).unwrap_err().status(), Status::Busy);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let ledger = open(&path);
    let output = other_process(THIS, &path, "").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    drop(ledger);
    assert_eq!(verify_file(&path, |_| Ok(())).unwrap().ending, Ending::Closed);
}

/// RV-LEDGER-1005
#[test]
fn a_kill_leaves_whole_lines() {
    const THIS: &str = "a_kill_leaves_whole_lines";
    if let Some(path) = std::env::var_os(OTHER) {
        let ledger = open(Path::new(&path));
        loop {
            write(&ledger);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    for lines in [1, 20, 300] {
        let mut child = other_process(THIS, &path, "").stdout(std::process::Stdio::null()).spawn().unwrap();
        while verify_file(&path, |_| Ok(())).map_or(0, |verified| verified.lines) < lines {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The system may end a write where a page of its cache ends.
        let verified = verify_file(&path, |_| Ok(())).unwrap();
        assert!(verified.ending != Ending::Closed && verified.lines >= lines, "{verified:?}");
        std::fs::remove_file(&path).unwrap();
    }
}

/// RV-LEDGER-1006
#[test]
fn a_full_disk_is_told_once_keeps_whole_lines_and_fails_nothing() {
    const THIS: &str = "a_full_disk_is_told_once_keeps_whole_lines_and_fails_nothing";
    if let Some(path) = std::env::var_os(OTHER) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&said);
        let log = Log::new(move |_, message| sink.lock().unwrap().push(message.to_owned()));
        let options = LedgerOptions { path: Some(path.into()), every: None, log: log.clone() };
        let ledger = Ledger::open(options).unwrap();
        (0..50).for_each(|_| write(&ledger));
        assert_eq!(ledger.lines(), 1 + 50 * 4, "memory goes on");
        drop(ledger);
        {
            let said = said.lock().unwrap();
            assert!(said.len() == 1 && said[0].contains("not written any more"), "{said:?}");
        }
        // Who names the file again in this process is told, and leaves there what is whole.
        let path = std::path::PathBuf::from(std::env::var_os(OTHER).unwrap());
        let before = std::fs::read(&path).unwrap();
        drop(
            Ledger::open(LedgerOptions { path: Some(path.clone()), every: None, log: log.clone() }).unwrap(),
        );
        assert!(before == std::fs::read(&path).unwrap());
        assert!(said.lock().unwrap()[1].contains("gets no more lines"));
        // It is begun anew when somebody has made room.
        std::fs::write(&path, "").unwrap();
        drop(open(&path));
        let verified = verify_file(&path, |_| Ok(())).unwrap();
        assert_eq!((verified.lines, verified.ending), (2, Ending::Closed));
        std::fs::write(&path, before).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    // Ignored, the signal leaves write to fail in the middle of a line, as a full disk has it.
    let output = other_process(THIS, &path, "trap '' XFSZ; ulimit -f 16; ").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let verified = verify_file(&path, |_| Ok(())).unwrap();
    assert!(verified.ending == Ending::Open && verified.lines > 2, "{verified:?}");
}

/// RV-LEDGER-1006
#[test]
fn a_ledger_that_cannot_begin_is_refused_and_one_that_can_is_begun_then() {
    const THIS: &str = "a_ledger_that_cannot_begin_is_refused_and_one_that_can_is_begun_then";
    if let Some(path) = std::env::var_os(OTHER) {
        let error =
            Ledger::open(LedgerOptions { path: Some(path.into()), ..LedgerOptions::default() }).unwrap_err();
        assert!(error.to_string().contains("make room"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let output = other_process(THIS, &path, "trap '' XFSZ; ulimit -f 0; ").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    drop(open(&path));
    assert_eq!(verify_file(&path, |_| Ok(())).unwrap().lines, 2);
}
