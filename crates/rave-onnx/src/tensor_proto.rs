//! Checks one `TensorProto`: its weights lie in the file, and are as many as its dimensions say.

use rave_core::{Error, Result, Status};

use crate::preflight::{MAX_ELEMENTS, damaged, refused, shape_text};
use crate::wire::{self, Fields, Value};

/// More dimensions than any operator of an image model works on.
const MAX_RANK: usize = 16;
/// Constants up to this many elements are read, because they may be shapes.
const MAX_SMALL: u64 = 64;

/// The elements of a small constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Small {
    /// 64-bit or 32-bit integers.
    Ints(Vec<i64>),
    /// 32-bit floats.
    Floats(Vec<f32>),
}

/// What the walk needs to know of a tensor.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    /// Its name; empty for a tensor in an attribute.
    pub(crate) name: &'a str,
    /// Its elements, if they are few and of a type that shapes and scales have.
    pub(crate) small: Option<Small>,
}

/// How the elements of an ONNX data type are stored.
struct Storage {
    /// Bits per element in `raw_data`; `None` for strings, which `raw_data` cannot hold.
    bits: Option<u64>,
    /// The typed field that may hold them instead.
    field: u32,
    /// Numbers of that field per element; complex numbers take two.
    per_element: u64,
}

mod field {
    pub(super) const DIMS: u32 = 1;
    pub(super) const DATA_TYPE: u32 = 2;
    pub(super) const FLOAT_DATA: u32 = 4;
    pub(super) const INT32_DATA: u32 = 5;
    pub(super) const STRING_DATA: u32 = 6;
    pub(super) const INT64_DATA: u32 = 7;
    pub(super) const NAME: u32 = 8;
    pub(super) const RAW_DATA: u32 = 9;
    pub(super) const DOUBLE_DATA: u32 = 10;
    pub(super) const UINT64_DATA: u32 = 11;
    pub(super) const EXTERNAL_DATA: u32 = 13;
    pub(super) const DATA_LOCATION: u32 = 14;
}

const FLOAT: i64 = 1;
const INT32: i64 = 6;
const INT64: i64 = 7;

impl Storage {
    /// The storage of `TensorProto.DataType` number `data_type` (onnx.proto, TensorProto).
    fn of(data_type: i64) -> Option<Storage> {
        let (bits, field, per_element) = match data_type {
            1 => (Some(32), field::FLOAT_DATA, 1),
            8 => (None, field::STRING_DATA, 1),
            7 => (Some(64), field::INT64_DATA, 1),
            11 => (Some(64), field::DOUBLE_DATA, 1),
            12 => (Some(32), field::UINT64_DATA, 1),
            13 => (Some(64), field::UINT64_DATA, 1),
            14 => (Some(64), field::FLOAT_DATA, 2),
            15 => (Some(128), field::DOUBLE_DATA, 2),
            6 => (Some(32), field::INT32_DATA, 1),
            4 | 5 | 10 | 16 => (Some(16), field::INT32_DATA, 1),
            2 | 3 | 9 | 17..=20 | 24 => (Some(8), field::INT32_DATA, 1),
            21..=23 => (Some(4), field::INT32_DATA, 1),
            _ => return None,
        };
        Some(Storage { bits, field, per_element })
    }
}

/// Checks the tensor in `bytes`; `place` says where it is, for a tensor without a name.
///
/// # Errors
/// [`Status::Untrusted`] when its elements lie in another file, [`Status::ModelLoadFailed`] when its dimensions are
/// impossible or do not agree with its elements.
pub(crate) fn check<'a>(bytes: &'a [u8], place: &str) -> Result<Tensor<'a>> {
    let mut name = "";
    let mut dims = Vec::new();
    let mut data_type = 0;
    let mut raw = None;
    let mut typed: [u64; 12] = [0; 12];
    let mut typed_small = Vec::new();

    for field in Fields::of(bytes) {
        let (number, value) = field.map_err(damaged)?;
        match number {
            field::NAME => name = value.text().map_err(damaged)?,
            field::DIMS => {
                for dim in wire::integers(value) {
                    if dims.len() == MAX_RANK {
                        return Err(refused(format!("{place} has more than {MAX_RANK} dimensions")));
                    }
                    dims.push(dim.map_err(damaged)?);
                }
            }
            field::DATA_TYPE => data_type = value.int().map_err(damaged)?,
            field::RAW_DATA => raw = Some(value.bytes().map_err(damaged)?),
            field::FLOAT_DATA => typed[number as usize] += wire::count(value, 4).map_err(damaged)?,
            field::DOUBLE_DATA => typed[number as usize] += wire::count(value, 8).map_err(damaged)?,
            field::STRING_DATA => typed[number as usize] += 1,
            field::INT32_DATA | field::INT64_DATA | field::UINT64_DATA => {
                let more = wire::count(value, 0).map_err(damaged)?;
                typed[number as usize] += more;
                if typed[number as usize] <= MAX_SMALL && number != field::UINT64_DATA {
                    for number in wire::integers(value) {
                        typed_small.push(number.map_err(damaged)?);
                    }
                }
            }
            field::EXTERNAL_DATA => return Err(external(bytes, place)),
            field::DATA_LOCATION if value.int().map_err(damaged)? != 0 => return Err(external(bytes, place)),
            _ => {}
        }
    }

    let place = || match name {
        "" => place.to_string(),
        name => format!("tensor `{name}`"),
    };
    let elements = elements(&dims)
        .ok_or_else(|| refused(format!("{} has impossible dimensions {}", place(), shape_text(&dims))))?;
    let storage = Storage::of(data_type)
        .ok_or_else(|| refused(format!("{} has unknown element type {data_type}", place())))?;
    let (found, expected, unit) = match (raw, storage.bits) {
        (Some(raw), Some(bits)) => (raw.len() as u64, (elements * bits).div_ceil(8), "bytes"),
        (Some(raw), None) => (raw.len() as u64, 0, "bytes"),
        (None, bits) => {
            // Four-bit numbers lie two to a number.
            let packed = if bits == Some(4) { elements.div_ceil(2) } else { elements };
            (typed[storage.field as usize], packed * storage.per_element, "numbers")
        }
    };
    if found != expected {
        return Err(refused(format!(
            "{} has {found} {unit} of weights for its dimensions {}",
            place(),
            shape_text(&dims)
        ))
        .expected(format!("{expected} {unit}")));
    }
    Ok(Tensor { name, small: (elements <= MAX_SMALL).then(|| small(data_type, raw, typed_small)).flatten() })
}

/// The number of elements, if every dimension is possible and the product too.
// RV-ONNX-1004
pub(crate) fn elements(dims: &[i64]) -> Option<u64> {
    // A zero anywhere makes the product zero, but each factor must still be possible.
    let mut product: u64 = 1;
    for &dim in dims {
        let dim = u64::try_from(dim).ok().filter(|&dim| dim <= MAX_ELEMENTS)?;
        product = product.checked_mul(dim).filter(|&product| product <= MAX_ELEMENTS)?;
    }
    Some(product)
}

fn small(data_type: i64, raw: Option<&[u8]>, typed: Vec<i64>) -> Option<Small> {
    match (data_type, raw) {
        (INT64, Some(raw)) => {
            let (chunks, _) = raw.as_chunks();
            Some(Small::Ints(chunks.iter().map(|&chunk| i64::from_le_bytes(chunk)).collect()))
        }
        (INT32, Some(raw)) => {
            let (chunks, _) = raw.as_chunks();
            let ints = chunks.iter().map(|&chunk| i64::from(i32::from_le_bytes(chunk)));
            Some(Small::Ints(ints.collect()))
        }
        (INT64 | INT32, None) => Some(Small::Ints(typed)),
        (FLOAT, Some(raw)) => {
            let (chunks, _) = raw.as_chunks();
            Some(Small::Floats(chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()))
        }
        _ => None,
    }
}

/// The refusal of a tensor whose elements lie elsewhere. The location may come before or after the field that says so.
// RV-ONNX-1002
fn external(tensor: &[u8], place: &str) -> Error {
    let mut name = None;
    let mut location = None;
    for (number, value) in Fields::of(tensor).flatten() {
        match (number, value) {
            (field::NAME, value) => name = value.text().ok(),
            (field::EXTERNAL_DATA, Value::Bytes(entry)) => {
                let text = |wanted| {
                    Fields::of(entry)
                        .flatten()
                        .find(|&(number, _)| number == wanted)
                        .and_then(|(_, value)| value.bytes().ok())
                };
                if text(1) == Some(b"location") {
                    location = text(2).map(|path| String::from_utf8_lossy(path).escape_debug().to_string());
                }
            }
            _ => {}
        }
    }
    let tensor = name.map_or_else(|| place.to_string(), |name| format!("tensor `{name}`"));
    let location =
        location.map_or_else(|| "another file".to_string(), |path| format!("another file, `{path}`"));
    Error::new(Status::Untrusted, format!("{tensor} refers to weights in {location}"))
        .expected("a model that holds all of its weights")
        .help(
            "RAVE opens no file that a model names; save the model as one file, in Python with \
             onnx.save(onnx.load(\"in.onnx\"), \"out.onnx\")",
        )
}
