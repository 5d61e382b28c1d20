//! What a model's file says of itself, for people and for whoever builds an engine of it.

use std::collections::HashMap;

use rave_core::Result;

use crate::preflight::{self, ImageTensor, damaged};
use crate::wire::Fields;

/// A model that passed the checks, as its file declares it. No runtime was asked, so the scale is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSummary {
    /// The tensor that takes the image.
    pub input: ImageTensor,
    /// The tensor that gives the image.
    pub output: ImageTensor,
    /// The program that wrote the file and its version, as far as it says so.
    pub producer: String,
    /// The version of the file format (`ModelProto.ir_version`).
    pub ir_version: i64,
    /// The operator sets, by domain; "ai.onnx" is the default one.
    pub opsets: Vec<(String, i64)>,
    /// How often each operator stands in the graph, the most frequent first. Graphs inside of nodes are not counted.
    pub operators: Vec<(String, usize)>,
}

impl ModelSummary {
    /// Checks the model in `bytes` and reads what it declares; `name` is what messages call it.
    ///
    /// # Errors
    /// [`Status::Untrusted`](rave_core::Status::Untrusted) for a model that refers to other files,
    /// [`Status::ModelLoadFailed`](rave_core::Status::ModelLoadFailed) for what is no model, or none that takes and
    /// gives one image.
    // RV-ONNX-1105
    pub fn read(bytes: &[u8], name: &str) -> Result<Self> {
        read(bytes).map_err(|error| error.context(format_args!("model {name}")))
    }

    /// The number of nodes of the graph.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.operators.iter().map(|(_, count)| count).sum()
    }
}

fn read(bytes: &[u8]) -> Result<ModelSummary> {
    let preflight::Declared { input, output } = preflight::inspect(bytes)?;
    let mut summary = ModelSummary {
        input,
        output,
        producer: String::new(),
        ir_version: 0,
        opsets: Vec::new(),
        operators: Vec::new(),
    };
    let mut version = "";
    for field in Fields::of(bytes) {
        match field.map_err(damaged)? {
            (1, value) => summary.ir_version = value.int().map_err(damaged)?,
            (2, value) => summary.producer = value.text().map_err(damaged)?.to_owned(),
            (3, value) => version = value.text().map_err(damaged)?,
            (7, value) => summary.operators = operators(value.bytes().map_err(damaged)?)?,
            (8, value) => summary.opsets.push(opset(value.bytes().map_err(damaged)?)?),
            _ => {}
        }
    }
    if !version.is_empty() {
        summary.producer = format!("{} {version}", summary.producer).trim_start().to_owned();
    }
    Ok(summary)
}

/// Domain and version of an `OperatorSetIdProto`.
fn opset(bytes: &[u8]) -> Result<(String, i64)> {
    let mut set = (String::new(), 0);
    for field in Fields::of(bytes) {
        match field.map_err(damaged)? {
            (1, value) => set.0 = value.text().map_err(damaged)?.to_owned(),
            (2, value) => set.1 = value.int().map_err(damaged)?,
            _ => {}
        }
    }
    if set.0.is_empty() {
        set.0 = "ai.onnx".to_owned();
    }
    Ok(set)
}

/// Counts the operators of a `GraphProto`.
fn operators(graph: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut counts = HashMap::<&str, usize>::new();
    for field in Fields::of(graph) {
        let (1, node) = field.map_err(damaged)? else { continue };
        for field in Fields::of(node.bytes().map_err(damaged)?) {
            if let (4, operator) = field.map_err(damaged)? {
                *counts.entry(operator.text().map_err(damaged)?).or_default() += 1;
            }
        }
    }
    let mut operators: Vec<_> =
        counts.into_iter().map(|(operator, count)| (operator.to_owned(), count)).collect();
    operators.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    Ok(operators)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    /// RV-ONNX-1105
    #[test]
    fn a_model_tells_its_tensors_its_opset_and_its_operators() {
        let summary = ModelSummary::read(&golden("fixed-64-2x"), "x.onnx").unwrap();
        assert_eq!(summary.input.to_string(), "`input` 1x3x64x64 fp32");
        assert_eq!(summary.opsets, [("ai.onnx".to_owned(), 13)]);
        assert_eq!(summary.ir_version, 8);
        let count = |operator: &str| summary.operators.iter().find(|(name, _)| name == operator);
        assert_eq!(count("DepthToSpace"), Some(&("DepthToSpace".to_owned(), 1)), "{summary:?}");
        assert!(summary.nodes() >= 2, "{summary:?}");
        let any = ModelSummary::read(&golden("identity-1x-fp16"), "x.onnx").unwrap();
        assert_eq!(any.input.to_string(), "`input` 1x3x?x? fp16");
    }

    /// RV-ONNX-1105
    #[test]
    fn what_is_refused_for_running_is_refused_here_too_by_name() {
        for name in ["two-inputs", "external-data", "no-nodes", "int-input", "huge-dims"] {
            let error = ModelSummary::read(&golden(name), "x.onnx").unwrap_err();
            assert!(error.to_string().contains("model x.onnx"), "{error}");
        }
    }
}
