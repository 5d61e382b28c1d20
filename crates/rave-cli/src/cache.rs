//! `rave cache`, and the cache's line of `rave doctor`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rave_core::{Error, LogLevel, Result, Status};
use rave_engine::Mode;
use rave_engine::engine_cache::{CacheOptions, EngineCache, Entry, EntryKind, Pruned};

use crate::arguments::CacheAction;
use crate::messages;

/// Does what is wanted with the cache in `folder`, or the usual one; returns what to print, and what is wrong then.
// RV-CLI-1301
pub(crate) fn run(action: &CacheAction, folder: Option<PathBuf>) -> Result<(String, Option<Error>)> {
    let cache = open(folder)?;
    let place = cache.path().unwrap_or(Path::new("")).display().to_string();
    Ok(match action {
        CacheAction::List => (table(&cache.list()?, &place), None),
        CacheAction::Verify => verified(&cache.verify()?, &place),
        CacheAction::Prune { max } => (removed(cache.prune(*max)?, &place), None),
        CacheAction::Clear => (removed(cache.clear()?, &place), None),
    })
}

/// The cache's place and size, for people.
pub(crate) fn state() -> Result<String> {
    let cache = open(None)?;
    let entries = cache.list()?;
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let place = cache.path().unwrap_or(Path::new("")).display();
    Ok(format!("{place}, {} entries, {}", entries.len(), amount(bytes)))
}

fn open(dir: Option<PathBuf>) -> Result<EngineCache> {
    let log = messages::to_stderr(LogLevel::Warning);
    EngineCache::open(CacheOptions { dir, mode: Mode::Strict, log, ..CacheOptions::default() })
}

fn table(entries: &[Entry], place: &str) -> String {
    let mut text = String::new();
    for entry in entries {
        _ = writeln!(text, "{}", line(entry)); // to a String: cannot fail
    }
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    _ = writeln!(text, "{place}: {} entries, {}", entries.len(), amount(bytes)); // as above
    text
}

fn verified(entries: &[Entry], place: &str) -> (String, Option<Error>) {
    let mut text = table(entries, place);
    let faulty: Vec<_> = entries.iter().filter_map(|entry| entry.problem.as_ref()).collect();
    for problem in &faulty {
        _ = writeln!(text, "{problem}"); // to a String: cannot fail
    }
    let error = (!faulty.is_empty()).then(|| {
        Error::new(
            Status::ModelLoadFailed,
            format!("{place}: {} of {} are damaged", faulty.len(), entries.len()),
        )
        .help(
            "delete these files, or all by `rave cache clear`; engines are built again when they are needed",
        )
    });
    (text, error)
}

fn removed(Pruned { files, bytes }: Pruned, place: &str) -> String {
    format!("{place}: {files} files removed, {}\n", amount(bytes))
}

/// `0123456789ab  3.1 MiB  2 h ago  engine  TensorRT-RTX 1.7.1, compute capability 8.9, 1x3x64x64 ...`.
fn line(entry: &Entry) -> String {
    let field = |name: &str| {
        let found = entry.fields.iter().find(|(other, _)| other == name);
        found.map_or("?", |(_, value)| value.as_str())
    };
    let what = match (entry.kind, &entry.problem) {
        (_, Some(_)) => "damaged".to_owned(),
        (EntryKind::Quarantined, None) => "put aside as damaged".to_owned(),
        (EntryKind::Timings, None) => {
            format!("timings of {} {}", field("tensorrt_flavour"), field("tensorrt_version"))
        }
        (EntryKind::Engine, None) => {
            let shapes = entry.fields.iter().find(|(name, _)| name.starts_with("shape."));
            let model = field("model_sha256");
            format!(
                "{} {}, compute capability {}, {}, input {}, model {}",
                field("tensorrt_flavour"),
                field("tensorrt_version"),
                field("compute_capabilities"),
                field("build.precision"),
                shapes.map_or("?", |(_, shapes)| shapes.as_str()),
                model.get(..12).unwrap_or(model)
            )
        }
    };
    let key = entry.key.get(..12).unwrap_or(&entry.key);
    format!("{key}  {:>10}  {:>12}  {what}", amount(entry.bytes), age(entry.last_used))
}

fn amount(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} B"),
        0x400..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

fn age(time: SystemTime) -> String {
    // A time that is still to come, by a clock that was wrong, is now.
    let seconds = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_ages_are_short() {
        assert_eq!([amount(1023), amount(1024), amount(3 << 20)], ["1023 B", "1.0 KiB", "3.0 MiB"]);
        assert_eq!(amount(10 << 30), "10.0 GiB");
        let ago = |seconds| age(SystemTime::now() - Duration::from_secs(seconds));
        assert_eq!([ago(90), ago(7300), ago(200_000)], ["1 min ago", "2 h ago", "2 days ago"]);
        assert_eq!(age(SystemTime::now() + Duration::from_secs(100)), "0 s ago");
    }
}
