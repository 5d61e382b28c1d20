//! Reading a model file, and telling what it is by its content.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rave_core::{Error, Result, Status};

/// The largest model file that is read: protobuf, and so ONNX, ends at 2 GiB.
const MAX_BYTES: u64 = 2 << 30;

/// What a model file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A serialized ONNX ModelProto, or at least nothing that is known to be something else.
    Onnx,
    /// A serialized TensorRT engine.
    TensorRtPlan,
}

/// A model file's content, and who may change it.
#[derive(Debug)]
pub(crate) struct ModelFile {
    pub(crate) bytes: Vec<u8>,
    /// The permission bits of its mode.
    mode: u32,
}

/// Reads the regular file at `path`.
pub(crate) fn read(path: &Path) -> Result<ModelFile> {
    // RV-ENG-1003
    let io = |error: std::io::Error| Error::io(path, &error);
    // RV-ENG-1002
    // Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path);
    let file = file.map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "not a regular file" };
        return Err(Error::new(Status::Io, format!("file {} is {found}", path.display()))
            .expected("a model file (.onnx, .engine or .plan)"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Error::new(
            Status::ModelLoadFailed,
            format!("file {} has {} bytes", path.display(), metadata.len()),
        )
        .expected(format!("at most {MAX_BYTES}")));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(metadata.len() as usize).map_err(|_| {
        Error::new(Status::OutOfMemory, format!("file {}: {} bytes", path.display(), metadata.len()))
    })?;
    // The file may grow while it is read; what was promised is all that is taken.
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(io)?;
    if bytes.is_empty() {
        return Err(Error::new(Status::ModelLoadFailed, format!("file {} is empty", path.display()))
            .expected("a model"));
    }
    Ok(ModelFile { bytes, mode: metadata.permissions().mode() })
}

impl ModelFile {
    /// Refuses a file that anybody can write: an engine is code for the GPU, and TensorRT trusts what is in it.
    pub(crate) fn check_origin(&self, path: &Path) -> Result<()> {
        // RV-ENG-1203
        const OTHERS_WRITE: u32 = 0o002;
        if self.mode & OTHERS_WRITE == 0 {
            return Ok(());
        }
        Err(Error::new(
            Status::Untrusted,
            format!("file {} can be written by every user (mode {:03o})", path.display(), self.mode & 0o777),
        )
        .expected("an engine that only its owner, or a group, can change")
        .help(format!("if you trust its content: chmod o-w {}", path.display())))
    }

    /// Tells what the file, read from `path`, is.
    pub(crate) fn kind(&self, path: &Path) -> Result<Kind> {
        kind(path, &self.bytes)
    }
}

/// Tells what `bytes`, read from `path`, are.
pub(crate) fn kind(path: &Path, bytes: &[u8]) -> Result<Kind> {
    // RV-ENG-1001
    // The tags that plans of TensorRT 8.6 to 11 and of TensorRT-RTX begin with.
    if bytes.starts_with(b"ftrt") || bytes.starts_with(b"vtrt") {
        return Ok(Kind::TensorRtPlan);
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let named_plan = extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("engine") || extension.eq_ignore_ascii_case("plan")
    });
    if named_plan {
        let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).escape_debug().to_string();
        return Err(Error::new(
            Status::ModelLoadFailed,
            format!("file {} is no TensorRT engine: it begins with \"{beginning}\"", path.display()),
        )
        .expected("a plan serialized by TensorRT")
        .help("build the engine again, or name the .onnx model"));
    }
    Ok(Kind::Onnx)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1002
    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let error = read(directory.path()).unwrap_err();
        assert_eq!(error.status(), Status::Io);
        assert!(error.to_string().contains("is a directory"), "{error}");

        let fifo = directory.path().join("fifo.onnx");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let error = read(&fifo).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    /// RV-ENG-1003
    #[test]
    fn a_missing_or_empty_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.onnx");
        let error = read(&path).unwrap_err();
        assert_eq!(error.status(), Status::FileNotFound);
        assert!(error.to_string().contains("model.onnx"), "{error}");
        std::fs::write(&path, b"").unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
        assert!(error.to_string().contains("is empty"), "{error}");
    }

    /// RV-ENG-1203
    #[test]
    fn an_engine_that_everybody_can_write_is_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.engine");
        std::fs::write(&path, b"ftrt").unwrap();
        for (mode, trusted) in [(0o644, true), (0o664, true), (0o646, false), (0o666, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let checked = read(&path).unwrap().check_origin(&path);
            assert_eq!(checked.is_ok(), trusted, "{mode:o}");
            if let Err(error) = checked {
                assert_eq!(error.status(), Status::Untrusted);
                assert!(error.to_string().contains("chmod o-w"), "{error}");
            }
        }
    }

    /// RV-ENG-1001
    #[test]
    fn content_tells_the_kind_and_a_false_name_is_an_error() {
        assert_eq!(kind(Path::new("a.onnx"), b"ftrt....").unwrap(), Kind::TensorRtPlan);
        assert_eq!(kind(Path::new("a.plan"), b"vtrt....").unwrap(), Kind::TensorRtPlan);
        assert_eq!(kind(Path::new("a.onnx"), b"\x08\x08").unwrap(), Kind::Onnx);
        for name in ["a.engine", "a.PLAN"] {
            let error = kind(Path::new(name), b"hello\x01world").unwrap_err();
            assert_eq!(error.status(), Status::ModelLoadFailed);
            assert!(error.to_string().contains(r"hello\u{1}world"), "{error}");
        }
    }
}
