//! The families of cases. Each reads its own file of tests/conformance and gives a report of each of its groups.

use std::path::PathBuf;

use rave_core::Result;

use crate::kernels::Kernels;
use crate::oracle::ffmpeg::Ffmpeg;
use crate::oracle::zimg::Zimg;
use crate::tally::GroupReport;

mod pixels;

/// What the families run with.
pub(crate) struct Bench {
    /// The folder of the fixtures.
    pub(crate) fixtures: PathBuf,
    /// The pixel kernels that are checked.
    pub(crate) kernels: Box<dyn Kernels>,
    /// The oracles that are programs and libraries of this machine, or why they are not there.
    pub(crate) zimg: Result<Zimg>,
    pub(crate) ffmpeg: Result<Ffmpeg>,
}

type Run = fn(&mut Bench) -> Result<Vec<GroupReport>>;

/// Every family, and what runs it.
pub(crate) const FAMILIES: &[(&str, Run)] = &[("pixels", pixels::run)];
