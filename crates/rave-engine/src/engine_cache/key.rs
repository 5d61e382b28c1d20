//! What an engine depends on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::label::{self, Kind, Label};

/// Everything that an engine's bytes, and whether they run, depend on. Engines of equal keys are the same engine.
///
/// What is left out of a key gives wrong pictures or errors that nobody understands, so there is no default of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineKey {
    /// SHA-256 of the model's bytes, as [`EngineKey::of_model`] computes it; its name and place do not matter.
    pub model_sha256: [u8; 32],
    /// Every option of the build by its name, those at their default included: defaults change.
    pub build: BTreeMap<String, String>,
    /// The shapes that the engine is built for, by the name of the model's input.
    pub shapes: BTreeMap<String, ShapeRange>,
    /// What builds the engine, and what it is built for.
    pub platform: Platform,
}

/// The sizes of an input's dimensions, outermost first; the three are equal where the engine is static.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeRange {
    /// The smallest that the engine takes.
    pub min: Vec<u64>,
    /// Those that it is the fastest for.
    pub best: Vec<u64>,
    /// The largest that it takes.
    pub max: Vec<u64>,
}

/// The software that builds or times an engine, and the devices it does so for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Which of NVIDIA's libraries: the full TensorRT, its lean runtime, TensorRT-RTX.
    pub tensorrt_flavour: String,
    /// The library's version, as complete as it tells it: `10.16.1.11`.
    pub tensorrt_version: String,
    /// The version of CUDA that the library uses: `13.0`.
    pub cuda_version: String,
    /// The driver's version; `None` where the engine is built without one.
    pub driver_version: Option<String>,
    /// The compute capabilities that the engine is for, `(8, 9)` for 8.9, in ascending order.
    pub compute_capabilities: Vec<(u32, u32)>,
    /// The GPU's name, where the engine runs on no other.
    pub gpu_name: Option<String>,
}

impl EngineKey {
    /// The SHA-256 of a model's bytes, for [`EngineKey::model_sha256`].
    #[must_use]
    pub fn of_model(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// The key as lines `name = value`, in an order of their own: what the entry's file holds beside the engine.
    #[must_use]
    pub fn text(&self) -> String {
        self.label().text().to_owned()
    }

    /// SHA-256 of [`EngineKey::text`] in hexadecimal digits: what [`Entry::key`](super::Entry::key) is.
    #[must_use]
    pub fn hex(&self) -> String {
        self.label().stem()
    }

    // RV-ENG-1401
    pub(super) fn label(&self) -> Label {
        // Without `..`: a field that is added and not written below does not compile.
        let EngineKey { model_sha256, build, shapes, platform } = self;
        let mut label = Label::new(Kind::Engine);
        label.add("model_sha256", &label::hex(model_sha256));
        for (name, value) in build {
            label.add(&format!("build.{name}"), value);
        }
        for (input, ShapeRange { min, best, max }) in shapes {
            let range = [min, best, max].map(|shape| dimensions(shape)).join(" ");
            label.add(&format!("shape.{input}"), &range);
        }
        platform.add_to(&mut label);
        label
    }
}

impl Platform {
    /// The label of this platform's timings, which all models share.
    pub(super) fn label(&self) -> Label {
        let mut label = Label::new(Kind::Timings);
        self.add_to(&mut label);
        label
    }

    // RV-ENG-1401
    fn add_to(&self, label: &mut Label) {
        // Without `..`, as above.
        let Platform {
            tensorrt_flavour,
            tensorrt_version,
            cuda_version,
            driver_version,
            compute_capabilities,
            gpu_name,
        } = self;
        label.add("tensorrt_flavour", tensorrt_flavour);
        label.add("tensorrt_version", tensorrt_version);
        label.add("cuda_version", cuda_version);
        if let Some(version) = driver_version {
            label.add("driver_version", version);
        }
        let capabilities: Vec<String> =
            compute_capabilities.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
        label.add("compute_capabilities", &capabilities.join(","));
        if let Some(name) = gpu_name {
            label.add("gpu_name", name);
        }
    }
}

/// `1x3x720x1280`; `scalar` of no dimensions, so that three of them stay apart.
fn dimensions(shape: &[u64]) -> String {
    let Some((first, rest)) = shape.split_first() else { return "scalar".into() };
    rest.iter().fold(first.to_string(), |mut text, size| {
        let _ = write!(text, "x{size}"); // to a String: cannot fail
        text
    })
}
