//! Whole frames through the product: a model and a session of rave-engine.

use std::path::{Path, PathBuf};

use rave_core::{ColorTags, Log, PixelFormat, Result, Size, ValueRange};
use rave_engine::{EMBEDDED, Mode, Model, ModelOptions, Session, SessionOptions};
use serde::Deserialize;

use crate::color::Color;
use crate::picture::{Picture, empty_planes, frame_mut};

/// Which inference runtime runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    OnnxRuntime,
    Embedded,
}

impl Runtime {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Runtime::OnnxRuntime => "onnxruntime",
            Runtime::Embedded => "embedded",
        }
    }
}

/// How deviations are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModeName {
    Strict,
    Hardened,
}

impl ModeName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ModeName::Strict => "strict",
            ModeName::Hardened => "hardened",
        }
    }

    fn rave(self) -> Mode {
        match self {
            ModeName::Strict => Mode::Strict,
            ModeName::Hardened => Mode::Hardened,
        }
    }
}

/// What white is in a model's tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Values {
    #[default]
    Unit,
    Byte,
}

impl Values {
    fn rave(self) -> ValueRange {
        match self {
            Values::Unit => ValueRange::Unit,
            Values::Byte => ValueRange::Byte,
        }
    }

    pub(crate) fn white(self) -> f64 {
        match self {
            Values::Unit => 1.0,
            Values::Byte => 255.0,
        }
    }
}

/// How a session is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) model: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) mode: ModeName,
    pub(crate) threads: usize,
    pub(crate) values: Values,
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
    /// Width, height and overlap.
    pub(crate) tile: Option<(u32, u32, u32)>,
}

/// A session, and the colours that its frames have.
pub(crate) struct Subject {
    session: Session,
    format: PixelFormat,
}

impl Subject {
    /// Loads the model and makes the session; `onnxruntime` is the library for [`Runtime::OnnxRuntime`].
    ///
    /// # Errors
    /// What rave-engine says.
    pub(crate) fn new(setup: &Setup, onnxruntime: &Path) -> Result<Self> {
        let model =
            load(&setup.model, setup.runtime, setup.mode, (setup.threads, setup.values), onnxruntime)?;
        let mut options = SessionOptions::new(setup.format, setup.size);
        options.dither = false;
        options.mode = setup.mode.rave();
        if let Some((width, height, overlap)) = setup.tile {
            options.tile = Some(Size::new(width, height));
            options.overlap = Some(overlap);
        }
        Ok(Subject { session: Session::new(&model, &options, Log::default())?, format: setup.format })
    }

    /// One frame.
    ///
    /// # Errors
    /// What rave-engine says.
    pub(crate) fn process(&mut self, picture: &Picture, color: Color) -> Result<Picture> {
        let planes = picture.planes();
        let rave = color.rave();
        let tags =
            ColorTags { matrix: Some(rave.matrix), range: Some(rave.range), siting: Some(rave.siting) };
        let size = self.session.output_size();
        let mut output = empty_planes(self.format, size);
        let frame = picture.frame(&planes, tags)?;
        self.session.process(&frame, &mut frame_mut(self.format, size, &mut output)?.with_wanted(tags))?;
        Ok(Picture::from_planes(self.format, size, &output))
    }
}

/// Loads a model alone.
///
/// # Errors
/// What rave-engine says.
pub(crate) fn load(
    path: &Path,
    runtime: Runtime,
    mode: ModeName,
    (threads, values): (usize, Values),
    onnxruntime: &Path,
) -> Result<Model> {
    let library = match runtime {
        Runtime::OnnxRuntime => onnxruntime.to_path_buf(),
        Runtime::Embedded => PathBuf::from(EMBEDDED),
    };
    let options = ModelOptions {
        runtime_lib: Some(library),
        threads,
        values: values.rave(),
        mode: mode.rave(),
        ..ModelOptions::default()
    };
    Model::load(path, &options)
}
