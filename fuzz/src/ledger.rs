//! Ledgers.

use rave_core::Status;
use rave_ledger::{Ending, verify};

use crate::{refused, sha256};

/// Reads a ledger; how many of its bytes were taken.
fn read(text: &[u8]) -> usize {
    let mut taken = 0;
    let result = verify("x.jsonl", text, |entry| {
        assert_eq!(entry.record.seq, taken, "records come in order");
        taken += 1;
        Ok(())
    });
    let bytes = text.split_inclusive(|&byte| byte == b'\n').take(taken as usize).map(<[u8]>::len).sum();
    match result {
        Err(error) => refused(&error, &[Status::Untrusted], &format!("x.jsonl, line {}: ", taken + 1)),
        Ok(verified) => {
            let torn = if let Ending::Torn(torn) = verified.ending { torn } else { 0 };
            assert_eq!((verified.lines, bytes + torn), (taken, text.len()));
        }
    }
    bytes
}

/// A ledger with a line for each of `lines`, which are an event and, behind a tab, what goes with it. Its hashes fit.
fn sealed(lines: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut prev = "0".repeat(64);
    for (seq, line) in lines.split(|&byte| byte == b'\n').enumerate() {
        let (event, meta) = match line.iter().position(|&byte| byte == b'\t') {
            Some(tab) => (&line[..tab], &line[tab + 1..]),
            None => (line, &br#"{"unix_ms":0}"#[..]),
        };
        let head = format!(r#"{{"seq":{seq},"prev":"{prev}","event":"#);
        let record = [head.as_bytes(), event, b"}"].concat();
        prev = sha256(&record);
        let seal = sha256(&[prev.as_bytes(), meta].concat());
        text.extend(br#"{"record":"#);
        text.extend(&record);
        text.extend(format!(r#","sha256":"{prev}","meta":"#).bytes());
        text.extend(meta);
        text.extend(format!(",\"seal\":\"{seal}\"}}\n").bytes());
    }
    text
}

// RV-FUZZ-1002
pub(crate) fn run(bytes: &[u8]) {
    read(bytes);
    let text = sealed(bytes);
    let taken = read(&text);
    // What was taken is a whole ledger by itself.
    if taken > 0 {
        assert_eq!(read(&text[..taken]), taken);
    }
}
