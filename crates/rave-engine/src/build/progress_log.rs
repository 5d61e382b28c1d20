//! Tells the log, now and then, how far a build is.

use std::time::{Duration, Instant};

use rave_core::{Log, LogLevel};
use rave_tensorrt::Progress;

/// How long a user is left without a word.
const INTERVAL: Duration = Duration::from_secs(3);

/// The lines about one build.
pub(super) struct ProgressLog<'a> {
    log: &'a Log,
    /// What is built, as "an engine of x.onnx".
    what: String,
    begun: Instant,
    /// When the last line was written.
    last: Instant,
}

impl<'a> ProgressLog<'a> {
    /// Says that it begins.
    pub(super) fn begin(log: &'a Log, what: String, details: &str) -> Self {
        log.write(LogLevel::Info, format_args!("building {what} ({details}); this is done once"));
        let now = Instant::now();
        ProgressLog { log, what, begun: now, last: now }
    }

    /// Takes a report of `now`; a line comes of it if the last one was long ago.
    pub(super) fn report(&mut self, progress: &Progress<'_>, now: Instant) {
        if now.saturating_duration_since(self.last) < INTERVAL {
            return;
        }
        self.last = now;
        let percent = (progress.fraction * 100.0) as u32;
        let phase = progress.phases.last().map_or(String::new(), |phase| format!(", {}", phase.name));
        let seconds = now.saturating_duration_since(self.begun).as_secs();
        self.log
            .write(LogLevel::Info, format_args!("building {}: {percent} %, {seconds} s{phase}", self.what));
    }

    /// Says that it is built.
    pub(super) fn end(self, layers: u32, bytes: usize) {
        let seconds = self.begun.elapsed().as_secs_f32();
        self.log.write(
            LogLevel::Info,
            format_args!("built {}: {layers} layers, {bytes} bytes, {seconds:.1} s", self.what),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// RV-ENG-1503
    #[test]
    fn a_long_build_is_told_of_every_few_seconds_and_a_short_one_twice() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = Log::new(move |level, line| sink.lock().unwrap().push((level, line.to_owned())));
        let mut told = ProgressLog::begin(&log, "an engine of x.onnx".into(), "64x64");
        let start = told.begun;
        for tenth in 1..100u32 {
            let progress = Progress { layers: 7, phases: &[], fraction: tenth as f32 / 100.0 };
            told.report(&progress, start + INTERVAL * tenth / 10);
        }
        told.end(7, 1000);
        let lines = lines.lock().unwrap();
        assert!(lines.iter().all(|(level, _)| *level == LogLevel::Info));
        assert_eq!(lines.len(), 1 + 9 + 1, "{lines:?}");
        assert!(lines[0].1.starts_with("building an engine of x.onnx (64x64)"), "{lines:?}");
        assert!(lines[1].1.contains("10 %, 3 s"), "{lines:?}");
        assert!(lines[10].1.starts_with("built an engine of x.onnx: 7 layers, 1000 bytes"), "{lines:?}");
    }
}
