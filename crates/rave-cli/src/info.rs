//! `rave info`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use rave_core::{Log, LogLevel, Result};
use rave_engine::{
    EMBEDDED, EngineContents, EngineInfo, FileInfo, Model, ModelOptions, ModelSummary, ProfileShape,
};

use crate::{media_info, messages};

/// The examples in its help.
pub(crate) const EXAMPLES: &str = "Examples:
  rave info model.onnx
  rave info model.engine
  rave info film.mp4";

/// How many operators are named; the others are added up.
const NAMED: usize = 12;

/// What else a model of ONNX runs on.
const ON_A_GPU: &str = "on a GPU TensorRT and its ONNX parser";

/// The command's arguments.
#[derive(Args, Debug)]
pub(crate) struct Info {
    /// An .onnx model, an .engine or .plan of TensorRT, or whatever FFmpeg reads
    file: PathBuf,
    /// The inference library to ask, or embedded; searched for by default
    #[arg(long, value_name = "FILE")]
    runtime_lib: Option<PathBuf>,
    /// The lean runtime of an older TensorRT, for version-compatible engines that it built
    #[arg(long, value_name = "FILE")]
    lean_runtime: Option<PathBuf>,
}

/// Tells what a file is; `print` gets what is known so far before a library looks into it.
// RV-CLI-1201, RV-CLI-1204
pub(crate) fn run(wanted: &Info, verbose: bool, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    let path = wanted.file.as_path();
    let name = path.display();
    if let Some((format, lines)) = media_info::of(path) {
        return print(&format!("{name}: {format}\n{}", listed(&lines)));
    }
    let options = ModelOptions {
        runtime_lib: wanted.runtime_lib.clone(),
        lean_runtime: wanted.lean_runtime.clone(),
        // What a library says of a failure is in the error, too.
        log: if verbose { messages::to_stderr(LogLevel::Debug) } else { Log::default() },
        ..ModelOptions::default()
    };
    match FileInfo::read(path)? {
        FileInfo::Onnx(model) => {
            print(&format!("{name}: ONNX model\n{}", listed(&of_model(&model))))?;
            print(&listed(&of_runs(path, &options)))
        }
        FileInfo::Engine(engine) => {
            print(&format!("{name}: TensorRT engine\n{}", listed(&of_engine(&engine))))?;
            print(&listed(&of_contents(path, &options)))
        }
    }
}

/// Names and values, one a line.
fn listed(lines: &[(impl AsRef<str>, String)]) -> String {
    let mut text = String::new();
    for (name, value) in lines {
        _ = writeln!(text, "  {:<12}{value}", name.as_ref()); // to a String: cannot fail
    }
    text
}

fn of_model(model: &ModelSummary) -> [(&'static str, String); 5] {
    let opsets: Vec<_> = model.opsets.iter().map(|(domain, version)| format!("{domain} {version}")).collect();
    let producer = if model.producer.is_empty() { "unknown" } else { &model.producer };
    let mut operators: Vec<_> =
        model.operators.iter().take(NAMED).map(|(name, count)| format!("{name} {count}")).collect();
    let others: usize = model.operators.iter().skip(NAMED).map(|(_, count)| count).sum();
    if others > 0 {
        operators.push(format!("others {others}"));
    }
    [
        ("takes", model.input.to_string()),
        ("gives", model.output.to_string()),
        ("opset", opsets.join(", ")),
        ("written by", format!("{producer}, IR version {}", model.ir_version)),
        ("operators", format!("{}: {}", model.nodes(), operators.join(", "))),
    ]
}

fn of_engine(engine: &EngineInfo) -> [(&'static str, String); 4] {
    let gpu = match engine.compute_capability {
        Some((major, minor)) => format!("compute capability {major}.{minor}"),
        None => "the GPUs that it was built for, which it does not tell".to_owned(),
    };
    [
        ("size", format!("{} bytes, whole", engine.bytes)),
        ("built by", engine.builder()),
        ("runs on", gpu),
        ("needs", engine.needs()),
    ]
}

/// What running the model tells, on the CPU: its scale, and what it needs for that.
fn of_runs(path: &Path, options: &ModelOptions) -> Vec<(&'static str, String)> {
    let found = Model::load(path, options);
    let built_in = ModelOptions { runtime_lib: Some(EMBEDDED.into()), ..options.clone() };
    let needs = match (Model::load(path, &built_in), &found) {
        (Ok(_), _) => Some(format!("nothing on the CPU; {ON_A_GPU}")),
        (Err(error), Ok(_)) => Some(format!("ONNX Runtime on the CPU, for {error}; {ON_A_GPU}")),
        (Err(_), Err(_)) => None,
    };
    let contract = match found {
        Ok(model) => model.description(),
        Err(error) => format!("unknown, for it does not run on the CPU: {error}"),
    };
    [Some(("contract", contract)), needs.map(|needs| ("needs", needs))].into_iter().flatten().collect()
}

/// What only TensorRT tells of an engine, on a GPU; or why it cannot be told.
// RV-CLI-1207, RV-CLI-1208
fn of_contents(path: &Path, options: &ModelOptions) -> Vec<(String, String)> {
    let contents = match EngineContents::read(path, options) {
        Ok(contents) => contents,
        Err(error) => {
            let why = format!("unknown, as are tensors and profiles: {error}");
            return vec![("contract".to_owned(), why)];
        }
    };
    let tensors = contents.tensors.iter();
    let mut lines: Vec<_> = tensors
        .clone()
        .map(|tensor| ((if tensor.input { "takes" } else { "gives" }).to_owned(), tensor.to_string()))
        .collect();
    for tensor in tensors {
        // Of a model of one size there may be nothing to tell.
        let ranges = tensor.profiles.iter().enumerate().filter(|(_, range)| range.max.elements().is_some());
        lines.extend(ranges.map(|(number, range)| {
            (format!("profile {number}"), format!("`{}` {range}{}", tensor.name, batch(range)))
        }));
    }
    let contract = contents.description.unwrap_or_else(|error| format!("none that RAVE runs: {error}"));
    lines.push(("contract".to_owned(), contract));
    lines
}

/// How many frames go through the model together, as far as a shape tells: its first extent of four.
fn batch(range: &ProfileShape) -> String {
    match [range.min.extents(), range.max.extents()] {
        [[least, _, _, _], [most, ..]] if least == most => format!(", batch {most}"),
        [[least, _, _, _], [most, ..]] => format!(", batch {least} to {most}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use rave_engine::Shape;

    use super::*;

    #[test]
    fn the_batch_of_a_profile_is_told_where_there_is_one() {
        let range = |least: &[i64], most: &[i64]| {
            let [min, max] = [least, most].map(|extents| Shape::new(extents).unwrap());
            batch(&ProfileShape { min, opt: max, max })
        };
        assert_eq!(range(&[1, 3, 64, 64], &[1, 3, 1080, 1920]), ", batch 1");
        assert_eq!(range(&[1, 3, 64, 64], &[8, 3, 1080, 1920]), ", batch 1 to 8");
        assert_eq!(range(&[2], &[4]), "");
    }
}
