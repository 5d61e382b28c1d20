//! Reads a `ValueInfoProto`: the name, element type and shape that a model declares for a tensor.

use rave_core::Result;

use crate::preflight::{damaged, once, refused};
use crate::tensor_proto;
use crate::wire::Fields;

/// A declared type may nest (a sequence of optional sequences ...), but no deeper than this.
const MAX_TYPE_DEPTH: usize = 8;
/// More dimensions than any operator of an image model works on.
const MAX_RANK: usize = 16;

/// More bytes than any exporter gives a name: names go into messages and ledgers.
const MAX_NAME: usize = 1024;

/// A name, if it is no longer than that.
// RV-ONNX-1009
fn short(name: &str) -> Result<&str> {
    if name.len() <= MAX_NAME {
        return Ok(name);
    }
    let start: String = name.chars().take(40).collect();
    Err(refused(format!("the name of a tensor, `{start}…`, has {} bytes", name.len()))
        .expected(format!("at most {MAX_NAME}")))
}

/// One declared dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dim {
    /// A number; not negative.
    Static(i64),
    /// A name, or nothing at all.
    Symbolic,
}

/// A declared tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueInfo<'a> {
    /// The tensor's name.
    pub(crate) name: &'a str,
    /// The number of its `TensorProto.DataType`; `None` if it is not a dense tensor.
    pub(crate) element: Option<i64>,
    /// Its dimensions, if a shape is declared.
    pub(crate) dims: Option<Vec<Dim>>,
}

impl<'a> ValueInfo<'a> {
    /// Reads and checks the declaration in `bytes`.
    ///
    /// # Errors
    /// [`rave_core::Status::ModelLoadFailed`] for impossible dimensions.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut info = ValueInfo { name: "", element: None, dims: None };
        let mut type_proto = None;
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                1 => info.name = short(value.text().map_err(damaged)?)?,
                2 => once(&mut type_proto, value.bytes().map_err(damaged)?, "type")?,
                _ => {}
            }
        }
        if let Some(type_proto) = type_proto {
            info.read_type(type_proto, 0)?;
        }
        Ok(info)
    }

    /// Checks the `TypeProto` in `bytes`, which belongs to nothing with a name.
    ///
    /// # Errors
    /// As [`ValueInfo::read`].
    pub(crate) fn check_type(bytes: &'a [u8]) -> Result<()> {
        let mut info = ValueInfo { name: "", element: None, dims: None };
        info.read_type(bytes, 0)
    }

    fn read_type(&mut self, bytes: &'a [u8], depth: usize) -> Result<()> {
        if depth > MAX_TYPE_DEPTH {
            return Err(refused(format!("the type of `{}` nests too deep", self.name)));
        }
        let mut tensor = None;
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                1 => once(&mut tensor, value.bytes().map_err(damaged)?, "tensor type")?,
                // A sequence, map or optional: the type inside is field 1, or 2 of a map.
                4 | 5 | 9 => {
                    for inner in Fields::of(value.bytes().map_err(damaged)?) {
                        let (inner, value) = inner.map_err(damaged)?;
                        if (number == 5) == (inner == 2) {
                            let mut element = ValueInfo { dims: None, ..*self };
                            element.read_type(value.bytes().map_err(damaged)?, depth + 1)?;
                        }
                    }
                }
                _ => {}
            }
        }
        match tensor {
            Some(tensor) => self.read_tensor_type(tensor),
            None => Ok(()),
        }
    }

    fn read_tensor_type(&mut self, bytes: &'a [u8]) -> Result<()> {
        let mut shape = None;
        // An absent element type is 0, "undefined".
        self.element = Some(0);
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                1 => self.element = Some(value.int().map_err(damaged)?),
                2 => once(&mut shape, value.bytes().map_err(damaged)?, "shape")?,
                _ => {}
            }
        }
        let Some(shape) = shape else { return Ok(()) };
        let mut dims = Vec::new();
        for field in Fields::of(shape) {
            let (number, value) = field.map_err(damaged)?;
            if number != 1 {
                continue;
            }
            if dims.len() == MAX_RANK {
                return Err(refused(format!("tensor `{}` has more than {MAX_RANK} dimensions", self.name)));
            }
            dims.push(read_dim(value.bytes().map_err(damaged)?)?);
        }
        let fixed: Vec<i64> = dims
            .iter()
            .map(|dim| match dim {
                Dim::Static(size) => *size,
                Dim::Symbolic => 1,
            })
            .collect();
        self.dims = Some(dims);
        match tensor_proto::elements(&fixed) {
            Some(_) => Ok(()),
            None => Err(refused(format!(
                "tensor `{}` has impossible dimensions {}",
                self.name,
                self.shape_text()
            ))),
        }
    }

    /// The declared shape as `1x3x?x?`.
    pub(crate) fn shape_text(&self) -> String {
        let Some(dims) = &self.dims else {
            return "of unknown shape".into();
        };
        if dims.is_empty() {
            return "(scalar)".into();
        }
        let texts: Vec<_> = dims
            .iter()
            .map(|dim| match dim {
                Dim::Static(size) => size.to_string(),
                Dim::Symbolic => "?".into(),
            })
            .collect();
        texts.join("x")
    }
}

fn read_dim(bytes: &[u8]) -> Result<Dim> {
    let mut dim = Dim::Symbolic;
    for field in Fields::of(bytes) {
        match field.map_err(damaged)? {
            (1, value) => dim = Dim::Static(value.int().map_err(damaged)?),
            (2, _) => dim = Dim::Symbolic,
            _ => {}
        }
    }
    Ok(dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `ValueInfoProto` with a name of so many bytes and nothing else.
    fn named(length: usize) -> Vec<u8> {
        let varint = [0x80 | (length & 0x7f) as u8, (length >> 7) as u8];
        [&[0x0a], &varint[..], "x".repeat(length).as_bytes()].concat()
    }

    /// RV-ONNX-1009: names go into messages and into lines of ledgers, which are bounded.
    #[test]
    fn names_that_no_exporter_gives_are_refused() {
        assert_eq!(ValueInfo::read(&named(MAX_NAME)).unwrap().name.len(), MAX_NAME);
        let error = ValueInfo::read(&named(MAX_NAME + 1)).unwrap_err().to_string();
        assert!(error.contains("has 1025 bytes") && error.len() < 300, "{error}");
    }
}
