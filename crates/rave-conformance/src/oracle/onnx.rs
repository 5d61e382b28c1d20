//! ONNX Runtime and ONNX's reference evaluator, each through its own Python package, in a process of their own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rave_core::{Error, Result, Size, Status};
use serde::Deserialize;

/// The program that the process runs.
const SERVER: &str = include_str!("onnx_server.py");

/// What runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Evaluator {
    /// ONNX Runtime's CPU provider, on one thread.
    OnnxRuntime,
    /// The evaluator that defines the operators, `onnx.reference`.
    Reference,
}

impl Evaluator {
    fn name(self) -> &'static str {
        match self {
            Evaluator::OnnxRuntime => "onnxruntime",
            Evaluator::Reference => "reference",
        }
    }
}

/// Planes of fp32 numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) size: Size,
    pub(crate) values: Vec<f32>,
}

impl Tensor {
    pub(crate) fn channels(&self) -> usize {
        self.values.len() / self.size.pixels() as usize
    }
}

/// The process.
#[derive(Debug)]
pub(crate) struct Onnx {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    versions: Versions,
    folder: tempfile::TempDir,
}

#[derive(Debug, Deserialize)]
struct Versions {
    onnxruntime: String,
    reference: String,
}

#[derive(Deserialize)]
struct Answer {
    shape: Option<(u32, u32, u32)>,
    error: Option<String>,
}

fn failed(what: String) -> Error {
    Error::new(Status::Unknown, what)
}

impl Onnx {
    /// Starts the process with `python`, which has the packages that scripts/lib/versions.sh pins.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`] when it does not start.
    pub(crate) fn start(python: &Path) -> Result<Self> {
        let missing = |why: String| {
            let found = format!("{} does not run ONNX models: {why}", python.display());
            Error::new(Status::RuntimeLibraryMissing, found)
                .help("scripts/fetch.sh tools makes a Python that has what is needed")
        };
        let mut process = Command::new(python)
            .args(["-c", SERVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| missing(error.to_string()))?;
        let requests = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().expect("standard output is a pipe"));
        let mut line = String::new();
        answers.read_line(&mut line).map_err(|error| missing(error.to_string()))?;
        let folder = tempfile::tempdir().map_err(|error| failed(format!("no temporary folder: {error}")))?;
        match serde_json::from_str(&line) {
            Ok(versions) => Ok(Onnx { process, requests, answers, versions, folder }),
            Err(_) => {
                let _ = process.wait();
                Err(missing("it has not onnx and onnxruntime".into()))
            }
        }
    }

    /// The name and version of `evaluator`.
    pub(crate) fn version(&self, evaluator: Evaluator) -> String {
        match evaluator {
            Evaluator::OnnxRuntime => format!("ONNX Runtime {}", self.versions.onnxruntime),
            Evaluator::Reference => format!("the reference evaluator of ONNX {}", self.versions.reference),
        }
    }

    /// What `model` makes of `input`, whose sides are extended to multiples of `multiple` for it.
    ///
    /// # Errors
    /// What the evaluator says.
    pub(crate) fn run(
        &mut self,
        evaluator: Evaluator,
        model: &Path,
        input: &Tensor,
        multiple: u32,
    ) -> Result<Tensor> {
        let [from, to] = ["input", "output"].map(|name| self.folder.path().join(name));
        let bytes: Vec<u8> = input.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(&from, bytes).map_err(|error| Error::io(&from, &error))?;
        let request = serde_json::json!({
            "evaluator": evaluator.name(),
            "model": model,
            "input": from,
            "output": to,
            "shape": [input.channels(), input.size.height as usize, input.size.width as usize],
            "multiple": multiple,
        });
        let ended = |error: std::io::Error| failed(format!("the process that runs ONNX models: {error}"));
        let requests = self.requests.as_mut().expect("it is open until the process is dropped");
        writeln!(requests, "{request}").map_err(ended)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(ended)?;
        let answer: Answer =
            serde_json::from_str(&line).map_err(|error| failed(format!("{line:?}: {error}")))?;
        let (_, height, width) = match answer {
            Answer { error: Some(error), .. } => return Err(failed(error)),
            Answer { shape: Some(shape), .. } => shape,
            Answer { shape: None, .. } => return Err(failed(format!("no answer: {line:?}"))),
        };
        let bytes = std::fs::read(&to).map_err(|error| Error::io(&to, &error))?;
        let values =
            bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")));
        Ok(Tensor { size: Size::new(width, height), values: values.collect() })
    }
}

impl Drop for Onnx {
    fn drop(&mut self) {
        // The end of its input ends the process.
        self.requests = None;
        let _ = self.process.wait();
    }
}
