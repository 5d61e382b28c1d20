//! `rave info`.

use std::fmt::Write;
use std::path::Path;

use rave_core::Result;
use rave_engine::{EngineInfo, FileInfo, Model, ModelOptions, ModelSummary};

use crate::media_info;

/// How many operators are named; the others are added up.
const NAMED: usize = 12;

/// Tells what the file at `path` is.
// RV-CLI-1201, RV-CLI-1204
pub(crate) fn run(path: &Path) -> Result<String> {
    if let Some(lines) = media_info::of(path) {
        return Ok(listed(lines));
    }
    let mut lines = vec![];
    match FileInfo::read(path)? {
        FileInfo::Onnx(model) => {
            lines.push((path.display().to_string(), "ONNX model".to_owned()));
            lines.extend(of_model(&model).map(|(name, value)| (name.to_owned(), value)));
            // Only running it tells the scale.
            let contract = match Model::load(path, &ModelOptions::default()) {
                Ok(model) => model.description(),
                Err(error) => format!("unknown, for it does not run on the CPU: {error}"),
            };
            lines.push(("contract".to_owned(), contract));
        }
        FileInfo::Engine(engine) => {
            lines.push((path.display().to_string(), "TensorRT engine".to_owned()));
            lines.extend(of_engine(&engine).map(|(name, value)| (name.to_owned(), value)));
        }
    }
    Ok(listed(lines))
}

/// A heading, and what is below it.
fn listed(lines: Vec<(String, String)>) -> String {
    let mut text = String::new();
    for (name, value) in lines {
        if text.is_empty() {
            _ = writeln!(text, "{name}: {value}"); // to a String: cannot fail
        } else {
            _ = writeln!(text, "  {name:<12}{value}"); // as above
        }
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
