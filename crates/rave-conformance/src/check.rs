//! Running the families.

use std::path::PathBuf;

use rave_core::{Error, Result, Status};

use crate::family::{Bench, FAMILIES};
use crate::fixture;
use crate::gpu::Gpu;
use crate::kernels::{Cpu, Kernels, Plant, Planted};
use crate::oracle::ffmpeg::Ffmpeg;
use crate::oracle::zimg::Zimg;
use crate::report::Report;

/// What is to be checked, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The families; all where none is named.
    pub families: Vec<String>,
    /// The folder of their files.
    pub fixtures: PathBuf,
    /// What scripts build and fetch.
    pub build: PathBuf,
    /// The FFmpeg that is an oracle.
    pub ffmpeg: PathBuf,
    /// The Python that has the oracles for models, onnx and onnxruntime.
    pub python: PathBuf,
    /// Whether the pixel kernels of the first GPU are checked in place of the CPU's.
    pub gpu: bool,
    /// A fault to plant.
    pub plant: Option<Plant>,
}

impl Default for Options {
    /// Everything, against what scripts build in `build`, or in the folder that `RAVE_BUILD_DIR` names.
    fn default() -> Self {
        let root = fixture::root();
        let build = std::env::var_os("RAVE_BUILD_DIR").map_or_else(|| root.join("build"), PathBuf::from);
        Options {
            families: Vec::new(),
            fixtures: root.join("tests/conformance"),
            ffmpeg: build.join("ffmpeg-9.0/bin/ffmpeg"),
            python: build.join("deps/venv/bin/python"),
            build,
            gpu: false,
            plant: None,
        }
    }
}

/// Runs the families; `progress` gets a line for each group that ends.
///
/// # Errors
/// [`Status::InvalidParameter`] for a family that does not exist or a file that is none, [`Status::DeviceNotFound`] when
/// a GPU is asked for and there is none. What a check finds is no error
/// but in the report.
pub fn check(options: &Options, mut progress: impl FnMut(&str)) -> Result<Report> {
    let known = || FAMILIES.iter().map(|family| family.name);
    if let Some(unknown) = options.families.iter().find(|name| !known().any(|known| known == **name)) {
        return Err(Error::new(Status::InvalidParameter, format!("family {unknown:?}"))
            .expected(known().collect::<Vec<_>>().join(", ")));
    }
    // RV-CONF-1007
    let kernels: Box<dyn Kernels> = if options.gpu { Box::new(Gpu::open()?) } else { Box::new(Cpu) };
    let kernels = match options.plant.clone() {
        Some(plant) => Box::new(Planted::new(kernels, plant)),
        None => kernels,
    };
    let mut bench = Bench {
        root: fixture::root(),
        build: options.build.clone(),
        onnxruntime: options.build.join("deps/onnxruntime/libonnxruntime.so"),
        python: options.python.clone(),
        onnx: None,
        fixtures: options.fixtures.clone(),
        kernels,
        zimg: Zimg::open(),
        ffmpeg: Ffmpeg::at(&options.ffmpeg),
    };
    let mut report = Report::default();
    for family in FAMILIES {
        if options.families.is_empty() || options.families.iter().any(|name| name == family.name) {
            for group in (family.run)(&mut bench)? {
                progress(&report.add(group));
            }
        }
    }
    bench.kernels.end()?;
    Ok(report)
}
