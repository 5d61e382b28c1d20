//! `rave bench`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use rave_core::{LogLevel, Result};
use rave_engine::ModelOptions;
use rave_pipeline::{BenchReport, DeviceChoice, Upscale};

use crate::messages;
use crate::upscale::arguments::device;

pub(crate) const EXAMPLES: &str = "Examples:
  rave bench in.mp4 -m model.onnx
  rave bench in.mp4 -m model.engine --frames 500 -o out.mkv

Each part is run alone, and then all of them together, in this one process. On the CPU the parts share its cores: what
they do together is less than the slowest does alone, even where nothing is lost.";

/// What is to be measured.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// A video
    pub(crate) input: String,
    /// An .onnx model, or a TensorRT engine
    #[arg(short, long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// The name of an output, which tells the encoder; nothing of it stays
    #[arg(short, long, value_name = "FILE", default_value = "out.mp4")]
    pub(crate) output: String,
    /// With how many pictures, at most
    #[arg(long, value_name = "PICTURES", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) frames: u64,
    /// auto, cpu, or the number of a GPU
    #[arg(long, value_name = "DEVICE", value_parser = device, default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// CPU threads of the model; 0 is one per core
    #[arg(long, value_name = "THREADS", default_value_t = 0)]
    pub(crate) threads: usize,
    /// On a GPU: pictures that are computed at a time, 1 to 16
    #[arg(long, value_name = "STREAMS", default_value_t = 0)]
    pub(crate) streams: u32,
    /// The inference library, or embedded; searched for by default
    #[arg(long, value_name = "FILE")]
    pub(crate) runtime_lib: Option<PathBuf>,
    /// The lean runtime of an older TensorRT, for version-compatible engines that it built
    #[arg(long, value_name = "FILE")]
    pub(crate) lean_runtime: Option<PathBuf>,
}

/// Measures, and says what came of it.
// RV-CLI-1707
pub(crate) fn run(wanted: &Bench, verbose: bool) -> Result<String> {
    let level = if verbose { LogLevel::Verbose } else { LogLevel::Info };
    let options = ModelOptions {
        threads: wanted.threads,
        runtime_lib: wanted.runtime_lib.clone(),
        lean_runtime: wanted.lean_runtime.clone(),
        log: messages::to_stderr(level),
        ..ModelOptions::default()
    };
    let report = Upscale::new(&wanted.input, &wanted.model)
        .output(&wanted.output)
        .device(wanted.device)
        .model_options(options)
        .streams(wanted.streams)
        .bench(wanted.frames)?;
    Ok(table(&report))
}

fn table(report: &BenchReport) -> String {
    let (bottleneck, _) = report.bottleneck();
    let rows = [
        ("decode", Some(report.decode), ""),
        ("convert", report.convert, "pixels to tensors and back"),
        ("model", report.model, ""),
        ("engine", Some(report.engine), "model and conversion"),
        ("encode", Some(report.encode), &report.encoder),
        ("end to end", Some(report.end_to_end), ""),
    ];
    let mut text = format!("{}\n{} pictures; pictures a second\n", report.runtime, report.frames);
    for (name, rate, note) in rows {
        let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}"));
        let mark = if name == bottleneck { "the bottleneck" } else { "" };
        let note = [note, mark].into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join("; ");
        _ = writeln!(text, "{}", format!("  {name:<12}{rate:>10}  {note}").trim_end()); // to a String: cannot fail
    }
    _ = writeln!(text, "end to end is {:.3} of the bottleneck alone", report.ratio()); // as above
    text
}
