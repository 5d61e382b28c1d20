//! The families of cases. Each reads its own file of tests/conformance and gives a report of each of its groups.

use std::path::{Path, PathBuf};

use rave_core::{Error, Result};
use serde::de::DeserializeOwned;

use crate::fixture;
use crate::kernels::Kernels;
use crate::oracle::ffmpeg::Ffmpeg;
use crate::oracle::onnx::Onnx;
use crate::oracle::zimg::Zimg;
use crate::tally::GroupReport;

mod abi;
mod blending;
mod faults;
mod models;
mod pipeline;
mod pixels;

/// What the families run with.
pub(crate) struct Bench {
    /// The repository.
    pub(crate) root: PathBuf,
    /// What scripts build and fetch.
    pub(crate) build: PathBuf,
    /// The folder of the fixtures.
    pub(crate) fixtures: PathBuf,
    /// The pixel kernels that are checked.
    pub(crate) kernels: Box<dyn Kernels>,
    /// The ONNX Runtime that sessions are to use.
    pub(crate) onnxruntime: PathBuf,
    /// The oracles that are programs and libraries of this machine, or why they are not there.
    pub(crate) zimg: Result<Zimg>,
    pub(crate) ffmpeg: Result<Ffmpeg>,
    /// The Python that [`Bench::onnx`] is started with.
    pub(crate) python: PathBuf,
    /// Started when it is first needed.
    pub(crate) onnx: Option<Result<Onnx>>,
}

impl Bench {
    /// Where a fixture's model is: `golden/NAME` in the repository, `fetched/NAME` among what scripts/fetch.sh fetches.
    ///
    /// # Errors
    /// [`rave_core::Status::FileNotFound`] when it is not there.
    pub(crate) fn model(&self, name: &str) -> Result<PathBuf> {
        let path = match name.split_once('/') {
            Some(("golden", name)) => self.root.join(format!("tests/golden/models/{name}.onnx")),
            Some(("fetched", name)) => self.build.join(format!("deps/models/{name}.onnx")),
            _ => PathBuf::from(name),
        };
        std::fs::metadata(&path).map_err(|error| {
            Error::io(&path, &error).help("scripts/fetch.sh models fetches what is not in the repository")
        })?;
        Ok(path)
    }

    /// What runs models beside RAVE.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn onnx(&mut self) -> Result<&mut Onnx> {
        let started = self.onnx.get_or_insert_with(|| Onnx::start(&self.python));
        started.as_mut().map_err(|error| error.clone())
    }

    /// Whether the ONNX Runtime is there that sessions are to use.
    ///
    /// # Errors
    /// [`rave_core::Status::FileNotFound`] when it is not.
    pub(crate) fn onnxruntime_there(&self) -> Result<()> {
        std::fs::metadata(&self.onnxruntime).map(drop).map_err(|error| {
            Error::io(&self.onnxruntime, &error).help("scripts/fetch.sh onnxruntime fetches it")
        })
    }
}

/// A family of cases.
pub(crate) struct Kind {
    /// Its name, and that of its file.
    pub(crate) name: &'static str,
    /// Runs its file.
    pub(crate) run: fn(&mut Bench) -> Result<Vec<GroupReport>>,
    /// Reads the text of its file, called by this path in messages.
    pub(crate) readable: fn(&str, &Path) -> Result<()>,
}

impl Kind {
    const fn of<G: DeserializeOwned>(
        name: &'static str,
        run: fn(&mut Bench) -> Result<Vec<GroupReport>>,
    ) -> Self {
        Kind { name, run, readable: |text, path| fixture::parse::<G>(text, path).map(drop) }
    }
}

/// Every family.
pub(crate) const FAMILIES: &[Kind] = &[
    Kind::of::<pixels::Group>("pixels", pixels::run),
    Kind::of::<models::Group>("inference", models::inference),
    Kind::of::<models::Group>("tiling", models::tiling),
    Kind::of::<blending::Group>("blending", blending::run),
    Kind::of::<pipeline::Group>("pipeline", pipeline::run),
    Kind::of::<abi::Group>("abi", abi::run),
    Kind::of::<faults::Group>("faults", faults::run),
];
