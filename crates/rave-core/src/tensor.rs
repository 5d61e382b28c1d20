//! Tensors in host memory, and the contract that a model must keep.

use std::fmt;

use half::f16;

use crate::{Error, Result, Scale, Size, Status};

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::F32 => "fp32",
            ElementType::F16 => "fp16",
        })
    }
}

/// The shape of a model's input or output for one frame: N = 1, C planes of `size`, contiguous (NCHW).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TensorShape {
    /// C: 3 (R, G, B) or 1 (luma).
    pub channels: u32,
    /// W and H.
    pub size: Size,
}

impl TensorShape {
    /// The number of elements.
    #[must_use]
    pub const fn elements(self) -> usize {
        self.channels as usize * self.size.pixels() as usize
    }
}

impl fmt::Display for TensorShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1x{}x{}x{}", self.channels, self.size.height, self.size.width)
    }
}

/// A tensor's elements, to read from. The slice holds the channels one after the other, rows without padding.
#[derive(Clone, Copy, Debug)]
pub enum Elements<'a> {
    /// fp32 elements.
    F32(&'a [f32]),
    /// fp16 elements.
    F16(&'a [f16]),
}

/// A tensor's elements, to write to. The slice holds the channels one after the other, rows without padding.
#[derive(Debug)]
pub enum ElementsMut<'a> {
    /// fp32 elements.
    F32(&'a mut [f32]),
    /// fp16 elements.
    F16(&'a mut [f16]),
}

/// Which numbers stand for black and white in a model's tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ValueRange {
    /// 0 is black, 1 is white.
    #[default]
    Unit,
    /// 0 is black, 255 is white.
    Byte,
}

impl ValueRange {
    /// The number that stands for white.
    #[must_use]
    pub const fn white(self) -> f32 {
        match self {
            ValueRange::Unit => 1.0,
            ValueRange::Byte => 255.0,
        }
    }
}

/// One extent of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// The model takes only this many pixels.
    Fixed(u32),
    /// The model takes any number.
    Dynamic,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extent::Fixed(pixels) => write!(f, "{pixels}"),
            Extent::Dynamic => f.write_str("?"),
        }
    }
}

/// What a model takes and gives: one NCHW tensor in, one out, with 3 (RGB) or 1 (luma) channels, scaled alike in
/// both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelContract {
    /// Name of the input tensor.
    pub input: String,
    /// Name of the output tensor.
    pub output: String,
    /// Channels of both: 3 (R, G, B) or 1 (luma).
    pub channels: u32,
    /// Element type of the input.
    pub input_type: ElementType,
    /// Element type of the output.
    pub output_type: ElementType,
    /// Width of the input.
    pub width: Extent,
    /// Height of the input.
    pub height: Extent,
    /// Output size over input size.
    pub scale: Scale,
}

impl ModelContract {
    /// The one input size that the model takes, if both extents are fixed.
    #[must_use]
    pub fn fixed_size(&self) -> Option<Size> {
        match (self.width, self.height) {
            (Extent::Fixed(width), Extent::Fixed(height)) => Some(Size { width, height }),
            _ => None,
        }
    }

    /// Checks that a model has a number of channels that frames can be turned into.
    ///
    /// # Errors
    /// [`Status::ModelLoadFailed`], naming the tensor.
    pub fn check_channels(tensor: &str, channels: i64) -> Result<u32> {
        match channels {
            1 => Ok(1),
            3 => Ok(3),
            _ => {
                Err(Error::new(Status::ModelLoadFailed, format!("tensor `{tensor}` has {channels} channels"))
                    .expected("3 (RGB) or 1 (luma)")
                    .help("RAVE runs one-frame image models; export the model with an RGB or luma tensor"))
            }
        }
    }
}

impl fmt::Display for ModelContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ModelContract { input, output, channels, input_type, output_type, width, height, scale } = self;
        let kind = if *channels == 3 { "RGB" } else { "luma" };
        write!(
            f,
            "{kind}, `{input}` 1x{channels}x{height}x{width} {input_type} -> `{output}` {output_type}, {scale}"
        )
    }
}
