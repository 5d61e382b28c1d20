//! A build whose model was checked and whose library was found.

use std::fmt;
use std::ops::ControlFlow;
use std::process::Command;

use rave_core::{Error, Log, Result, Size, Status, ValueRange};
use rave_cuda::Device;
use rave_onnx::ModelSummary;
use rave_tensorrt::{
    BuildOptions, Builder, BuilderOptions, BuiltPlan, Flavour, Library, NewEngine, Precision, Progress,
    SearchOptions, SizeRange, Tried,
};

use super::{EngineRequest, EngineSizes, automatic};
use crate::check::{Choices, Verdict, verdict_of_trial};
use crate::cuda;
use crate::model_file::{self, Kind};

/// Where a build runs.
#[derive(Debug)]
pub enum BuildPlace<'a> {
    /// In this process, with the CUDA context that is current on the calling thread. A build that is broken off ends
    /// after the step at hand, which can take seconds.
    Here,
    /// In a child process that the command starts and that calls [`serve_builds`](crate::serve_builds). It ends at once
    /// when it is broken off, and its crash is an error. It uses the first GPU that it sees, and runs the new engine once
    /// where one is that it was built for: [`BuiltPlan::tried`].
    Child(&'a mut Command),
}

/// A build that can begin.
pub struct PreparedBuild {
    name: String,
    pub(super) onnx: Vec<u8>,
    /// The model in fp32, where it was saved in fp16 and the engine is to compute in that.
    widened: Option<Vec<u8>>,
    pub(super) summary: ModelSummary,
    pub(super) builder: Builder,
    pub(super) options: BuildOptions,
    pub(super) values: ValueRange,
    log: Log,
}

impl PreparedBuild {
    /// Checks `onnx`, the content of the request's model, and finds the library.
    pub(crate) fn new(request: &EngineRequest, onnx: Vec<u8>) -> Result<Self> {
        let EngineRequest {
            model,
            precision,
            values,
            sizes,
            batch,
            workspace,
            level,
            version_compatible,
            compute_capabilities,
            runtime_lib,
            parser_lib,
            log,
        } = request;
        let name = model.display().to_string();
        if model_file::kind(model, &onnx)? == Kind::TensorRtPlan {
            return Err(Error::new(Status::InvalidParameter, format!("file {name} is an engine already"))
                .expected("an ONNX model to build one of"));
        }
        let summary = ModelSummary::read(&onnx, &name)?;
        let search = SearchOptions { runtime_lib: runtime_lib.clone() };
        let library = library_with_builder(&search)?;
        let builder =
            Builder::new(&library, &BuilderOptions { parser_lib: parser_lib.clone() }, log.clone())?;
        let sizes = match *sizes {
            EngineSizes::Automatic(frame) => automatic(&summary.input, frame),
            EngineSizes::One(size) => Some(SizeRange { min: size, best: size, max: size }),
            EngineSizes::Range(range) => Some(range),
        };
        let options = BuildOptions {
            precision: *precision,
            sizes,
            batch: *batch,
            workspace: *workspace,
            level: *level,
            version_compatible: *version_compatible,
            compute_capabilities: compute_capabilities.clone(),
            timings: None,
        };
        let (values, log) = (*values, log.clone());
        let mut prepared =
            PreparedBuild { name, onnx, widened: None, summary, builder, options, values, log };
        prepared.set_precision(*precision)?;
        Ok(prepared)
    }

    /// Has it built in `precision`. A model that was saved in fp16 is built of its weights in fp32 where it is to compute in
    /// that, since no library changes it.
    ///
    /// # Errors
    /// [`Status::ModelLoadFailed`], which the model's first look would have had.
    // RV-ENG-1509
    pub fn set_precision(&mut self, precision: Precision) -> Result<()> {
        let wide = matches!(precision, Precision::Fp32 | Precision::Tf32);
        self.widened = if wide { rave_onnx::widened(&self.onnx)? } else { None };
        self.options.precision = precision;
        Ok(())
    }

    /// What is to be done with the engine that was built, after it was run once. It may have to be built in another
    /// precision: [`PreparedBuild::set_precision`].
    #[must_use]
    pub fn verdict_of(&self, tried: &Tried) -> Verdict {
        match *tried {
            Tried::Finite | Tried::NotRun(_) => Verdict::Sound,
            Tried::NotFinite { capability, .. } => {
                verdict_of_trial(tried, self.options.precision, self.choices(capability))
            }
        }
    }

    /// What the model could be built in for a GPU of this compute capability.
    #[must_use]
    pub fn choices(&self, capability: (u32, u32)) -> Choices {
        let saved_in_fp16 = rave_onnx::widened(&self.onnx).is_ok_and(|wide| wide.is_some());
        Choices { keeps_model_types: self.builder.keeps_model_types(), saved_in_fp16, capability }
    }

    /// Runs the engine that was built once on `device`.
    pub(super) fn try_on(&self, device: &Device, built: &BuiltPlan) -> Result<Tried> {
        let engine = NewEngine {
            name: &self.name,
            plan: &built.bytes,
            library: self.library().name(),
            compute_capabilities: &self.options.compute_capabilities,
            values: self.values,
            log: self.log.clone(),
        };
        cuda::try_on(device, &engine)
    }

    /// Has TensorRT-RTX build for a GPU by its number, wherever the build runs. The full TensorRT knows no numbers.
    pub(crate) fn aim_at(&mut self, capability: (u32, u32)) {
        if self.library().flavour() == Flavour::Rtx {
            self.options.compute_capabilities = vec![capability];
        }
    }

    /// The path of the model.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of the model.
    pub(crate) fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// Where messages go.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// What the model declares.
    #[must_use]
    pub fn model(&self) -> &ModelSummary {
        &self.summary
    }

    /// The library that builds.
    #[must_use]
    pub fn library(&self) -> &Library {
        self.builder.library()
    }

    /// Everything that was asked for, with the sizes settled as far as the model leaves them open.
    #[must_use]
    pub fn options(&self) -> &BuildOptions {
        &self.options
    }

    /// The sizes to build for, for people.
    #[must_use]
    pub fn sizes(&self) -> String {
        let fixed = self.summary.input.width.zip(self.summary.input.height);
        match (self.options.sizes, fixed) {
            (Some(SizeRange { min, max, .. }), _) if min == max => min.to_string(),
            (Some(SizeRange { min, max, .. }), _) => format!("{min} to {max}"),
            (None, Some((width, height))) => Size::new(width, height).to_string(),
            (None, None) => "the model's own size".to_owned(),
        }
    }

    /// Builds.
    ///
    /// `progress` is called whenever something has begun or ended, in a child also ten times a second;
    /// [`ControlFlow::Break`] ends the build.
    ///
    /// # Errors
    /// Those of [`Builder::build`] and [`Builder::build_isolated`].
    pub fn build(
        &self,
        place: BuildPlace<'_>,
        progress: &mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<BuiltPlan> {
        let PreparedBuild { name, builder, options, values, .. } = self;
        let onnx = self.widened.as_ref().unwrap_or(&self.onnx);
        match place {
            BuildPlace::Here => builder.build(name, onnx, options, progress),
            BuildPlace::Child(command) => {
                builder.build_isolated(command, name, onnx, options, Some(*values), progress)
            }
        }
    }
}

impl fmt::Debug for PreparedBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedBuild({}, {:?}, {})", self.name, self.builder, self.options)
    }
}

/// The first library that builds engines. One that only runs them is passed over, and named if there is no other.
// RV-CLI-1106, RV-ENG-1502
fn library_with_builder(search: &SearchOptions) -> Result<Library> {
    let mut lean = None;
    for (_, found) in Library::survey(search) {
        match found {
            Ok(library) if library.flavour() == Flavour::Lean => _ = lean.get_or_insert(library),
            Ok(library) => return Ok(library),
            Err(_) => {}
        }
    }
    // Builder::new says of a lean library what it lacks.
    lean.map_or_else(|| Library::open(search), Ok)
}
