//! What kind of engine is wanted.

use std::fmt;

use rave_core::{Error, Result, Size, Status};

use super::Builder;
use super::network::ImageModel;
use crate::contract::SizeRange;
use crate::{DataType, Flavour, Shape};

/// What an engine computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// What the model was saved in, without TF32.
    #[default]
    Model,
    /// fp32 in every bit: no TF32, which TensorRT would use by itself.
    Fp32,
    /// fp32, where products may be taken of 10-bit mantissas (Ampere and later).
    Tf32,
    /// fp16 where TensorRT finds it faster. Of TensorRT 11 and RTX: a model saved in fp16.
    Fp16,
    /// bf16 where TensorRT finds it faster. Of TensorRT 11 and RTX: a model saved in bf16.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 5] =
        [Precision::Model, Precision::Fp32, Precision::Tf32, Precision::Fp16, Precision::Bf16];

    /// The type of the tensors that are computed in it; `None` for the model's own.
    pub(super) fn data_type(self) -> Option<DataType> {
        match self {
            Precision::Model => None,
            Precision::Fp32 | Precision::Tf32 => Some(DataType::F32),
            Precision::Fp16 => Some(DataType::F16),
            Precision::Bf16 => Some(DataType::BF16),
        }
    }

    /// The floating-point types of a model that stand against this precision, if one does; `types` has bit n for
    /// DataType n. Where the engine keeps the types of the model, the one asked for has to be there.
    pub(super) fn conflict(self, types: i64, kept: bool) -> Option<String> {
        const FLOATS: [DataType; 3] = [DataType::F32, DataType::F16, DataType::BF16];
        let wanted = self.data_type()?;
        let found: Vec<DataType> = FLOATS.into_iter().filter(|float| types >> float.0 & 1 == 1).collect();
        let foreign = found.iter().any(|&float| float != wanted && float != DataType::F32);
        let absent = kept && !found.is_empty() && !found.contains(&wanted);
        (foreign || absent).then(|| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Model => "model",
            Precision::Fp32 => "fp32",
            Precision::Tf32 => "tf32",
            Precision::Fp16 => "fp16",
            Precision::Bf16 => "bf16",
        })
    }
}

/// How many frames an engine takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchRange {
    /// The fewest.
    pub min: u32,
    /// The number that the engine is tuned for.
    pub best: u32,
    /// The most.
    pub max: u32,
}

impl Default for BatchRange {
    fn default() -> Self {
        BatchRange { min: 1, best: 1, max: 1 }
    }
}

/// How an engine is built.
///
/// Its text (`to_string`) names everything that has a say in the plan, and not the timings, which have none that is
/// wanted: part of a cache key.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildOptions {
    /// What the engine computes in.
    pub precision: Precision,
    /// The frame sizes. Not needed for a model of one size.
    pub sizes: Option<SizeRange>,
    /// Frames at once. RAVE's own sessions take engines that include 1.
    pub batch: BatchRange,
    /// Bytes of scratch memory that a layer may use; all of the GPU's by default.
    pub workspace: Option<u64>,
    /// How long TensorRT looks for something faster: 0 (takes what works) to 5. Its own default is 3.
    pub level: u8,
    /// A plan that later versions run, too, through the lean runtime of the one that built it.
    pub version_compatible: bool,
    /// RTX only: the GPUs to build for, as major and minor, such as (8, 9) and (12, 0). None: the GPU of this machine.
    pub compute_capabilities: Vec<(u32, u32)>,
    /// The timings of an earlier build on this GPU by this TensorRT, empty for none yet; they make builds quicker and
    /// alike. Only from where a plan would be trusted, too. None: no timings are kept. RTX has none.
    pub timings: Option<Vec<u8>>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions {
            precision: Precision::default(),
            sizes: None,
            batch: BatchRange::default(),
            workspace: None,
            level: 3,
            version_compatible: false,
            compute_capabilities: Vec::new(),
            timings: None,
        }
    }
}

impl BuildOptions {
    /// Refuses what is impossible with any model.
    // RV-TRT-1303
    pub(super) fn check(&self, builder: &Builder) -> Result<()> {
        let library = builder.library();
        let refuse = |found: String| Error::new(Status::InvalidParameter, found);
        if self.level > 5 {
            return Err(refuse(format!("optimisation level {}", self.level)).expected("0 to 5"));
        }
        if self.timings.is_some() && !builder.has_timings() {
            return Err(
                refuse(format!("timings were given, but {library} keeps none")).help("leave them out")
            );
        }
        if library.flavour() != Flavour::Rtx && !self.compute_capabilities.is_empty() {
            return Err(refuse(format!(
                "compute capabilities were given, but {library} builds for the GPU it runs on"
            ))
            .help("leave them out, or build with TensorRT-RTX"));
        }
        if let Some(&(major, minor)) =
            self.compute_capabilities.iter().find(|(major, minor)| *major > 99 || *minor > 9)
        {
            return Err(refuse(format!("compute capability {major}.{minor}")).expected("such as 8.9 or 12.0"));
        }
        if let Some(SizeRange { min, best, max }) = self.sizes {
            for (size, what) in [(min, "smallest"), (best, "best"), (max, "largest")] {
                size.checked(&format!("the {what} size to build for"))?;
            }
            let ascending = |side: fn(Size) -> u32| side(min) <= side(best) && side(best) <= side(max);
            if !(ascending(|size| size.width) && ascending(|size| size.height)) {
                return Err(
                    refuse(format!("sizes {min}, {best}, {max}")).expected("smallest, best and largest")
                );
            }
        }
        let BatchRange { min, best, max } = self.batch;
        if min == 0 || min > best || best > max || max > 1024 {
            return Err(refuse(format!("batches {min}, {best}, {max}"))
                .expected("smallest, best and largest, from 1 to 1024"));
        }
        Ok(())
    }

    /// The smallest, best and largest input of an engine of this model.
    pub(super) fn shapes_for(&self, model: &ImageModel) -> Result<[Shape; 3]> {
        let refuse = |found: String| Error::new(Status::InvalidParameter, found);
        let [batch, channels, height, width] = model.shape;
        let sizes = self.sizes.map(|range| [range.min, range.best, range.max]);
        let wanted = |side: fn(Size) -> u32| sizes.map(|sizes| sizes.map(|size| i64::from(side(size))));
        let extents = |fixed: i64, wanted: Option<[i64; 3]>, what: &str| match wanted {
            Some(wanted) if fixed == -1 || wanted == [fixed; 3] => Ok(wanted),
            None if fixed != -1 => Ok([fixed; 3]),
            Some([min, _, max]) => Err(refuse(format!(
                "its {what} is {fixed}, and {} was asked for",
                if min == max { min.to_string() } else { format!("{min} to {max}") }
            ))
            .help("ask for what the model takes, or export it with dynamic axes")),
            None => Err(refuse(format!("input `{}` takes any {what}", model.input))
                .expected("the sizes to build for")
                .help("name one size, or the smallest, best and largest")),
        };
        let BatchRange { min, best, max } = self.batch;
        let batches = extents(batch, Some([min, best, max].map(i64::from)), "batch")?;
        let heights = extents(height, wanted(|size| size.height), "height")?;
        let widths = extents(width, wanted(|size| size.width), "width")?;
        let shape = |i: usize| Shape::new(&[batches[i], channels, heights[i], widths[i]]);
        Ok([shape(0)?, shape(1)?, shape(2)?])
    }
}

impl fmt::Display for BuildOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All fields by name, so that a new one cannot be forgotten here.
        let BuildOptions {
            precision,
            sizes,
            batch,
            workspace,
            level,
            version_compatible,
            compute_capabilities,
            timings: _,
        } = self;
        write!(f, "precision={precision} sizes=")?;
        match sizes {
            Some(SizeRange { min, best, max }) => write!(f, "{min},{best},{max}")?,
            None => f.write_str("model")?,
        }
        write!(f, " batch={},{},{} workspace=", batch.min, batch.best, batch.max)?;
        match workspace {
            Some(bytes) => write!(f, "{bytes}")?,
            None => f.write_str("all")?,
        }
        write!(f, " level={level} version-compatible={version_compatible} compute-capabilities=")?;
        if compute_capabilities.is_empty() {
            f.write_str("this-gpu")?;
        }
        for (i, (major, minor)) in compute_capabilities.iter().enumerate() {
            write!(f, "{}{major}.{minor}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for BuildOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildOptions({self})")
    }
}
