//! What must be refused, each in a process of its own: a crash is then a finding, not the end of the check.

use std::path::{Path, PathBuf};
use std::process::Command;

use rave_core::{Error, Result, Status};
use serde_json::{Value, json};

/// Loads `engine` with a library in another process. Answers `loaded`, `refused: <error>` or how the process ended.
pub(crate) fn attempt(library: &Path, lean: Option<&Path>, engine: &Path) -> Result<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--lib").arg(library);
    if let Some(lean) = lean {
        command.arg("--lean").arg(lean);
    }
    let output = command
        .arg("--attempt")
        .arg(engine)
        .output()
        .map_err(|error| Error::new(Status::Io, error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let words = String::from_utf8_lossy(&output.stderr);
        Ok(format!("{}: {}", output.status, words.lines().last().unwrap_or_default()))
    }
}

/// A load that must end in an error of one of the given classes.
pub(crate) struct Refusal {
    pub(crate) what: &'static str,
    pub(crate) library: PathBuf,
    pub(crate) lean: Option<PathBuf>,
    pub(crate) engine: PathBuf,
    pub(crate) statuses: &'static [Status],
}

impl Refusal {
    pub(crate) fn run(&self) -> Result<Value> {
        let answer = attempt(&self.library, self.lean.as_deref(), &self.engine)?;
        let passed =
            self.statuses.iter().any(|status| answer.starts_with(&format!("refused: [{}]", status.token())));
        Ok(json!({
            "what": self.what, "engine": self.engine.file_name().map(|name| name.to_string_lossy()),
            "answer": answer, "passed": passed,
        }))
    }
}

/// What TensorRT itself makes of an engine with one flipped bit, when nobody gives a digest. Information, not a test:
/// NVIDIA promises nothing for such engines.
pub(crate) fn flipped(library: &Path, lean: Option<&Path>, engine: &Path, count: usize) -> Result<Value> {
    let bytes = std::fs::read(engine).map_err(|error| Error::io(engine, &error))?;
    let folder = tempfile::tempdir().map_err(|error| Error::new(Status::Io, error.to_string()))?;
    let path = folder.path().join("flipped.engine");
    let (mut loaded, mut refused, mut crashed) = (0, 0, Vec::new());
    for i in 0..count {
        let at = i * bytes.len() / count + i % 7;
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (i % 8);
        std::fs::write(&path, &damaged).map_err(|error| Error::io(&path, &error))?;
        let answer = attempt(library, lean, &path)?;
        if answer == "loaded" {
            loaded += 1;
        } else if answer.starts_with("refused") {
            refused += 1;
        } else {
            crashed.push(json!({ "byte": at, "answer": answer }));
        }
    }
    Ok(json!({ "flips": count, "loaded": loaded, "refused": refused, "crashed": crashed }))
}
