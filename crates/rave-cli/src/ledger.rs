//! `rave ledger`.

use std::path::Path;

use rave_core::{Error, Result, Status};
use rave_ledger::{Closed, Counts, Ending, Event, Verified, verify_file};

/// Verifies the ledger at `path`, and tells what is in it; one that does not end with its last line is an error, unless it
/// may be `unfinished`.
// RV-CLI-1501
pub(crate) fn verify(path: &Path, unfinished: bool) -> Result<(String, Option<Error>)> {
    let mut total = Counts::default();
    let verified = verify_file(path, |entry| {
        if let Event::Closed(Closed { counts }) = &entry.record.event {
            total += *counts;
        }
        Ok(())
    })?;
    let Verified { lines, ending, last } = verified;
    let name = path.display();
    let mut text =
        format!("{name}: {lines} lines are as they were written; the last has the SHA-256 {last}\n");
    if ending == Ending::Closed {
        text += &format!("{name}: {}\n", told(&total));
    }
    Ok((text, unfinished_error(path, ending).filter(|_| !unfinished)))
}

/// The error of a ledger that does not end as it should.
pub(crate) fn unfinished_error(path: &Path, ending: Ending) -> Option<Error> {
    let found = match ending {
        Ending::Closed => return None,
        Ending::Open => "has no end".to_owned(),
        Ending::Torn(bytes) => format!("ends with {bytes} bytes that are no whole line"),
    };
    let error = Error::new(Status::Untrusted, format!("ledger {} {found}", path.display()))
        .expected("the line that closes it")
        .help("its process was killed or runs yet, or lines were taken away; --unfinished takes it as it is");
    Some(error)
}

/// `5 frames recorded; hardened mode: 1 frames lost`.
fn told(counts: &Counts) -> String {
    let named = |pairs: &[(u64, &str)]| {
        let some: Vec<_> = pairs
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
    };
    let acts = named(&[
        (counts.cache_entries_put_aside, "cache entries put aside"),
        (counts.without_cache, "times without the cache"),
        (counts.allocations_retried, "allocations tried again"),
        (counts.frames_lost, "frames left out"),
        (counts.not_finite, "frames not finite"),
    ]);
    let rest = named(&[
        (counts.repeats, "repeats"),
        (counts.fallbacks, "fall-backs"),
        (counts.failures, "failures"),
        (counts.devices_lost, "devices lost"),
    ]);
    format!("{} frames recorded; hardened mode did {acts}; also {rest}", counts.frames)
}
