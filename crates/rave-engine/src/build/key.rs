//! What the engine of a prepared build is known by in the cache.

use std::collections::BTreeMap;
use std::fs;

use rave_core::ValueRange;
use rave_tensorrt::{BatchRange, BuildOptions, Driver, Flavour, SizeRange};

use super::{PreparedBuild, Target};
use crate::engine_cache::{EngineKey, Platform, ShapeRange};

impl PreparedBuild {
    /// The key of the engine that this builds for `target`.
    // RV-ENG-1504
    pub(super) fn key(&self, target: &Target) -> EngineKey {
        EngineKey {
            model_sha256: EngineKey::of_model(&self.onnx),
            build: self.key_options(),
            shapes: BTreeMap::from([(self.summary.input.name.clone(), self.key_shapes())]),
            platform: self.platform(target),
        }
    }

    fn key_options(&self) -> BTreeMap<String, String> {
        // All by name, so that a new one cannot be forgotten here.
        let BuildOptions {
            precision,
            sizes: _, // in the shapes
            batch: _, // in the shapes
            workspace,
            level,
            version_compatible,
            compute_capabilities: _, // in the platform
            timings: _,              // have no say in what the engine computes
        } = &self.options;
        // An engine that was found sound with other numbers may overflow with these.
        let tried_with = match self.values {
            ValueRange::Unit => "unit",
            ValueRange::Byte => "byte",
        };
        let workspace = workspace.map_or("all".to_owned(), |bytes| bytes.to_string());
        [
            ("precision", precision.to_string()),
            ("workspace", workspace),
            ("level", level.to_string()),
            ("version_compatible", version_compatible.to_string()),
            ("parser_version", self.builder.parser_version().to_string()),
            ("tried_with", tried_with.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// NCHW; 0 is what only the model's bytes settle.
    fn key_shapes(&self) -> ShapeRange {
        let input = &self.summary.input;
        let BatchRange { min, best, max } = self.options.batch;
        let shape = |batch: u32, size: fn(&SizeRange) -> rave_core::Size| {
            let size = self.options.sizes.as_ref().map(size);
            let height = size.map(|size| size.height).or(input.height);
            let width = size.map(|size| size.width).or(input.width);
            [Some(batch), input.channels, height, width].map(|side| side.unwrap_or(0).into()).to_vec()
        };
        ShapeRange {
            min: shape(min, |sizes| sizes.min),
            best: shape(best, |sizes| sizes.best),
            max: shape(max, |sizes| sizes.max),
        }
    }

    pub(super) fn platform(&self, target: &Target) -> Platform {
        let library = self.library();
        Platform {
            tensorrt_flavour: library.flavour().to_string(),
            tensorrt_version: library.version().to_string(),
            // What the library itself was made with it does not tell.
            cuda_version: Driver::get().map_or("none".to_owned(), Driver::cuda_version),
            driver_version: installed_driver(),
            compute_capabilities: vec![target.capability],
            // RTX's engines run on every GPU of their compute capability; TensorRT's are timed on one.
            gpu_name: (library.flavour() != Flavour::Rtx).then(|| target.name.clone()),
        }
    }
}

/// The version of the kernel's driver.
pub(crate) fn installed_driver() -> Option<String> {
    let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    driver_version(&text).map(str::to_owned)
}

/// The number in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue ...`.
fn driver_version(text: &str) -> Option<&str> {
    let is_number =
        |word: &str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.lines().next()?.split_whitespace().find(|word| is_number(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_version_is_the_number_in_its_line() {
        let text = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\nGCC version: 12.2.0";
        assert_eq!(driver_version(text), Some("580.95.05"));
        assert_eq!(driver_version("GCC"), None);
    }
}
