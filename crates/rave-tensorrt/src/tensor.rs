//! What an engine says of its inputs and outputs.

use std::ffi::CString;
use std::fmt;

use rave_core::{ElementType, Error, Result, Status};

use crate::sys;

/// The shape of a tensor, up to 8 dimensions. -1 is a dimension that is chosen at run time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape(pub(crate) sys::Dims);

impl Shape {
    /// A shape of the given extents.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for more than 8 dimensions.
    pub fn new(extents: &[i64]) -> Result<Shape> {
        let mut dims = sys::Dims { rank: extents.len() as i32, ..sys::Dims::default() };
        let Some(target) = dims.extent.get_mut(..extents.len()) else {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("a shape of {} dimensions", extents.len()),
            )
            .expected(format!("at most {}", sys::MAX_DIMS)));
        };
        target.copy_from_slice(extents);
        Ok(Shape(dims))
    }

    /// The extents, outermost first. Empty for a scalar, and for a shape that TensorRT could not tell.
    #[must_use]
    pub fn extents(&self) -> &[i64] {
        let rank = usize::try_from(self.0.rank).unwrap_or(0).min(sys::MAX_DIMS);
        &self.0.extent[..rank]
    }

    /// The number of elements, when every extent is known.
    #[must_use]
    pub fn elements(&self) -> Option<usize> {
        if self.0.rank < 0 {
            return None;
        }
        self.extents()
            .iter()
            .try_fold(1usize, |product, &extent| product.checked_mul(usize::try_from(extent).ok()?))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.rank < 0 {
            return f.write_str("unknown");
        }
        for (i, &extent) in self.extents().iter().enumerate() {
            let separator = if i == 0 { "" } else { "x" };
            match extent {
                -1 => write!(f, "{separator}?")?,
                extent => write!(f, "{separator}{extent}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({self})")
    }
}

/// `nvinfer1::DataType`, by number: a newer TensorRT may know more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataType(pub i32);

impl DataType {
    /// IEEE 754 binary32.
    pub const F32: DataType = DataType(0);
    /// IEEE 754 binary16.
    pub const F16: DataType = DataType(1);

    /// bfloat16.
    pub const BF16: DataType = DataType(7);

    /// The element type of frames' tensors, for the two that RAVE can feed.
    #[must_use]
    pub fn element_type(self) -> Option<ElementType> {
        match self {
            DataType::F32 => Some(ElementType::F32),
            DataType::F16 => Some(ElementType::F16),
            _ => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 12] =
            ["fp32", "fp16", "int8", "int32", "bool", "uint8", "fp8", "bf16", "int64", "int4", "fp4", "e8m0"];
        match usize::try_from(self.0).ok().and_then(|number| NAMES.get(number)) {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

/// The range of an input's shape in one optimisation profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileShape {
    /// The smallest.
    pub min: Shape,
    /// The one that the engine was tuned for.
    pub opt: Shape,
    /// The largest.
    pub max: Shape,
}

impl fmt::Display for ProfileShape {
    /// `1x3x64x64 to 1x3x1088x1920, best 1x3x720x1280`, or the one shape that it takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProfileShape { min, opt, max } = self;
        if min == opt && opt == max {
            return min.fmt(f);
        }
        write!(f, "{min} to {max}, best {opt}")
    }
}

/// One input or output of an engine.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    pub(crate) c_name: CString,
    /// Its name.
    pub name: String,
    /// Whether it is an input.
    pub input: bool,
    /// Element type.
    pub data_type: DataType,
    /// `nvinfer1::TensorFormat`; 0 is LINEAR: row-major without padding.
    pub format: i32,
    /// Whether it lies in device memory (a shape tensor lies in host memory).
    pub on_device: bool,
    /// Its shape as the engine was built.
    pub shape: Shape,
    /// For an input, the ranges of its shape: one per optimisation profile.
    pub profiles: Vec<ProfileShape>,
}

impl TensorInfo {
    /// Whether elements lie row-major without padding.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.format == 0
    }
}

impl fmt::Display for TensorInfo {
    /// Name, shape and element type, and where or how it lies if that is not as images do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {} {}", self.name, self.shape, self.data_type)?;
        if !self.is_linear() {
            write!(f, ", of format {}", self.format)?;
        }
        if !self.on_device {
            f.write_str(", in host memory")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_profiles_are_told_in_words() {
        let shape = |side: i64| Shape::new(&[1, 3, side, side]).unwrap();
        let range = |min, opt, max| ProfileShape { min: shape(min), opt: shape(opt), max: shape(max) };
        assert_eq!(range(8, 16, 64).to_string(), "1x3x8x8 to 1x3x64x64, best 1x3x16x16");
        assert_eq!(range(64, 64, 64).to_string(), "1x3x64x64");
        let mut tensor = TensorInfo {
            c_name: CString::default(),
            name: "in".into(),
            input: true,
            data_type: DataType::F16,
            format: 0,
            on_device: true,
            shape: shape(-1),
            profiles: vec![],
        };
        assert_eq!(tensor.to_string(), "`in` 1x3x?x? fp16");
        (tensor.format, tensor.on_device) = (4, false);
        assert_eq!(tensor.to_string(), "`in` 1x3x?x? fp16, of format 4, in host memory");
    }

    #[test]
    fn a_shape_counts_its_elements_only_when_all_extents_are_known() {
        assert_eq!(Shape::new(&[1, 3, 4, 5]).unwrap().elements(), Some(60));
        assert_eq!(Shape::new(&[]).unwrap().elements(), Some(1));
        assert_eq!(Shape::new(&[1, -1]).unwrap().elements(), None);
        assert_eq!(Shape::new(&[i64::MAX, i64::MAX]).unwrap().elements(), None);
        assert!(Shape::new(&[1; 9]).is_err());
        assert_eq!(Shape::new(&[1, 3, -1, -1]).unwrap().to_string(), "1x3x?x?");
    }
}
