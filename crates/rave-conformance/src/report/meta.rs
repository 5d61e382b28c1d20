//! Where and when a report was made: everything in it that differs between two equal runs.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Meta {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub(crate) time: u64,
    pub(crate) version: &'static str,
    /// The processor.
    pub(crate) cpu: String,
}

impl Meta {
    pub(crate) fn of_this_run() -> Self {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Meta {
            time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()),
            version: env!("CARGO_PKG_VERSION"),
            cpu: name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.into()),
        }
    }
}
