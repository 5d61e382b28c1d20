//! What a file is, told from its content alone: no library of NVIDIA's is asked and no GPU is needed.

use std::path::Path;

use rave_core::{Error, Result, Status};
use rave_onnx::ModelSummary;
use rave_tensorrt::{Plan, Version};

use crate::model_file::{self, Kind};

/// A file that RAVE runs.
#[derive(Clone, Debug, PartialEq)]
pub enum FileInfo {
    /// An ONNX model.
    Onnx(ModelSummary),
    /// A TensorRT engine.
    Engine(EngineInfo),
}

/// What the head of an engine tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its size in bytes, which is what the header says.
    pub bytes: usize,
    /// Whether TensorRT-RTX built it.
    pub rtx: bool,
    /// The version that built it.
    pub version: Version,
    /// The compute capability of the GPU that built it, where the engine tells.
    pub compute_capability: Option<(u32, u32)>,
}

impl FileInfo {
    /// Reads the file at `path` and checks it as far as it would be before a library sees it.
    ///
    /// # Errors
    /// Those of reading a model file, [`Status::ModelLoadFailed`] for what is neither model nor engine or is damaged,
    /// and [`Status::Untrusted`] for a model that refers to another file.
    // RV-ENG-1505
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = model_file::read(path)?;
        if let Some(media) = media_kind(&file.bytes) {
            return Err(Error::new(Status::ModelLoadFailed, format!("file {name} is {media}"))
                .expected("an ONNX model or a TensorRT engine"));
        }
        match file.kind(path)? {
            Kind::Onnx => ModelSummary::read(&file.bytes, &name).map(FileInfo::Onnx),
            Kind::TensorRtPlan => {
                let plan = Plan::check(&name, &file.bytes, None)?;
                Ok(FileInfo::Engine(EngineInfo {
                    bytes: file.bytes.len(),
                    rtx: plan.is_rtx(),
                    version: plan.version(),
                    compute_capability: plan.compute_capability(),
                }))
            }
        }
    }
}

impl EngineInfo {
    /// The builder's full name, such as "TensorRT 10.16.1".
    #[must_use]
    pub fn builder(&self) -> String {
        format!("{} {}", if self.rtx { "TensorRT-RTX" } else { "TensorRT" }, self.version)
    }

    /// What it takes to run it, for people.
    #[must_use]
    pub fn needs(&self) -> String {
        let Version { major, minor, .. } = self.version;
        if self.rtx {
            return format!("TensorRT-RTX {major}.{minor} (libtensorrt_rtx.so.{major})");
        }
        format!(
            "TensorRT {major}.{minor} (libnvinfer.so.{major}); if it was built version-compatible, any later TensorRT \
             with the lean runtime of {major}.{minor} (libnvinfer_lean.so.{major})"
        )
    }
}

/// What a file is that people take for a model's by mistake: a picture or a video, by the first bytes of its format.
fn media_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(usize, &[u8], &str); 8] = [
        (4, b"ftyp", "a video (MP4 or MOV)"),
        (0, b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
        (0, b"YUV4MPEG2 ", "a video (y4m)"),
        (0, b"FLV\x01", "a video (FLV)"),
        (8, b"AVI ", "a video (AVI)"),
        (0, b"\x89PNG\r\n", "a picture (PNG)"),
        (0, b"\xff\xd8\xff", "a picture (JPEG)"),
        (8, b"WEBP", "a picture (WebP)"),
    ];
    KINDS.iter().find(|(at, magic, _)| bytes[(*at).min(bytes.len())..].starts_with(magic)).map(|kind| kind.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<FileInfo> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        FileInfo::read(&path)
    }

    /// RV-ENG-1505
    #[test]
    fn an_engine_tells_who_built_it_and_for_what_gpu() {
        let mut bytes = b"ftrt\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        bytes.extend(600u64.to_le_bytes());
        bytes.extend([10, 16, 1, 12, 0, 0, 0, 0]);
        bytes.extend([0x12, 0x80, 1, 0, 0x10, 0x80, 1, 0]);
        bytes.extend([0x07, 0x80, 1, 0, 8, 0, 0, 0, 0x07, 0x80, 1, 0, 9, 0, 0, 0]);
        bytes.resize(600, 0);
        let FileInfo::Engine(engine) = read("x.plan", &bytes).unwrap() else { panic!("no engine") };
        assert_eq!((engine.builder().as_str(), engine.bytes), ("TensorRT 10.16.1", 600));
        assert_eq!(engine.compute_capability, Some((8, 9)));
        assert!(engine.needs().contains("libnvinfer.so.10"), "{}", engine.needs());
        let error = read("x.plan", &bytes[..599]).unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
    }

    /// RV-ENG-1505
    #[test]
    fn pictures_and_videos_are_called_so_and_not_damaged_models() {
        for (bytes, what) in [
            (&b"\0\0\0\x20ftypisom"[..], "a video (MP4"),
            (b"\x1a\x45\xdf\xa3\x01", "a video (Matroska"),
            (b"RIFF\0\0\0\0AVI LIST", "a video (AVI)"),
            (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        ] {
            let text = read("x.bin", bytes).unwrap_err().to_string();
            assert!(text.contains(what) && text.contains("expected an ONNX model"), "{text}");
        }
        assert_eq!(media_kind(b"RIFF"), None);
    }
}
