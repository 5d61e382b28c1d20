//! What is printed at the end and written as JSON.

use std::fmt::Write;

use rave_cuda::DeviceInfo;

use crate::bench::Measurement;

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) device: Option<DeviceInfo>,
    pub(crate) kernel_driver: Option<String>,
    /// Checks by name, with cases run and failures.
    pub(crate) checks: Vec<(String, u64, Vec<String>)>,
    pub(crate) copy_bandwidth: Option<f64>,
    pub(crate) measurements: Vec<Measurement>,
}

impl Report {
    pub(crate) fn failures(&self) -> usize {
        self.checks.iter().map(|check| check.2.len()).sum()
    }

    pub(crate) fn cases(&self) -> u64 {
        self.checks.iter().map(|check| check.1).sum()
    }

    pub(crate) fn print_measurements(&self) {
        let Some(bandwidth) = self.copy_bandwidth else {
            return;
        };
        println!("device-to-device copy: {:.2} TB/s, read and written", bandwidth / 1e12);
        println!("{:<36} {:>9} {:>9} {:>7} {:>9} {:>6}", "kernel", "MB", "us", "+-", "floor us", "ratio");
        for m in &self.measurements {
            println!(
                "{:<36} {:>9.2} {:>9.2} {:>7.2} {:>9.2} {:>6.2}",
                m.name,
                m.bytes as f64 / 1e6,
                m.microseconds,
                m.spread,
                m.floor,
                m.ratio()
            );
        }
    }

    pub(crate) fn json(&self) -> String {
        let mut out = String::from("{\n");
        let _ = writeln!(
            out,
            "  \"tool\": \"checkkernel\",\n  \"seed\": {},\n  \"quick\": {},",
            self.seed, self.quick
        );
        if let Some(device) = &self.device {
            let (major, minor) = device.compute_capability;
            let driver = self.kernel_driver.as_deref().map_or_else(|| "null".into(), quoted);
            let _ = writeln!(
                out,
                "  \"gpu\": {}, \"compute_capability\": \"{major}.{minor}\", \"memory_bytes\": {}, \"l2_bytes\": {},\n  \
                 \"driver\": {driver}, \"cuda\": \"{}.{}\",",
                quoted(&device.name),
                device.memory,
                device.l2_cache,
                device.driver_cuda / 1000,
                device.driver_cuda % 1000 / 10
            );
        }
        let checks: Vec<_> = self
            .checks
            .iter()
            .map(|(name, cases, failures)| {
                let failures: Vec<_> = failures.iter().map(|failure| quoted(failure)).collect();
                format!(
                    "    {{\"name\": {}, \"cases\": {cases}, \"failures\": [{}]}}",
                    quoted(name),
                    failures.join(", ")
                )
            })
            .collect();
        let _ = writeln!(out, "  \"checks\": [\n{}\n  ],", checks.join(",\n"));
        let bandwidth = self.copy_bandwidth.map_or_else(|| "null".into(), |value| format!("{value:.0}"));
        let _ = writeln!(out, "  \"copy_bytes_per_second\": {bandwidth},");
        let measurements: Vec<_> = self
            .measurements
            .iter()
            .map(|m| {
                format!(
                    "    {{\"kernel\": {}, \"bytes\": {}, \"microseconds\": {:.3}, \"spread\": {:.3}, \"floor\": {:.3}, \
                     \"ratio\": {:.3}}}",
                    quoted(&m.name),
                    m.bytes,
                    m.microseconds,
                    m.spread,
                    m.floor,
                    m.ratio()
                )
            })
            .collect();
        let _ = writeln!(out, "  \"bench\": [\n{}\n  ]\n}}", measurements.join(",\n"));
        out
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// The version of NVIDIA's kernel driver, which only the kernel module tells.
pub(crate) fn kernel_driver() -> Option<String> {
    let text = std::fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    let first = text.lines().next()?;
    first
        .split_whitespace()
        .find(|word| word.split('.').count() >= 2 && word.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .map(str::to_owned)
}
