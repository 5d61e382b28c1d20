//! Comparison with outputs that something else computed.

use std::fs;
use std::path::Path;

use rave_core::{Error, Result, Status};
use rave_tensorrt::{DataType, Engine, Shape};
use serde_json::{Value, json};

use crate::session::{Session, decode, encode};

/// A NumPy array file (format 1.0, `<f2` or `<f4`, C order), as floats.
struct Array {
    shape: Shape,
    values: Vec<f32>,
}

impl Array {
    fn read(path: &Path) -> Result<Array> {
        let bytes = fs::read(path).map_err(|error| Error::io(path, &error))?;
        Array::parse(&bytes)
            .ok_or_else(|| Error::new(Status::Io, format!("{} is no array of fp16 or fp32", path.display())))
    }

    fn parse(bytes: &[u8]) -> Option<Array> {
        let length = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?.get(..2)?;
        let data = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
        let header = std::str::from_utf8(bytes.get(10..data)?).ok()?;
        let data_type = match () {
            () if header.contains("'<f2'") => DataType::F16,
            () if header.contains("'<f4'") => DataType::F32,
            () => return None,
        };
        let shape = header.split_once("'shape': (")?.1.split_once(')')?.0;
        let extents: Vec<i64> = shape.split(',').filter_map(|extent| extent.trim().parse().ok()).collect();
        let shape = Shape::new(&extents).ok()?;
        let values = decode(&bytes[data..], data_type);
        (header.contains("'fortran_order': False") && shape.elements() == Some(values.len()))
            .then_some(Array { shape, values })
    }
}

/// Runs `<engine>.input.npy` of a folder and compares with `<engine>.output.npy`.
pub(crate) fn compare(engine: &Engine, folder: &Path) -> Result<Value> {
    let stem = engine.name().trim_end_matches(".engine");
    let file = |kind: &str| folder.join(format!("{stem}.{kind}.npy"));
    if !file("input").exists() {
        return Ok(json!("skipped: no reference"));
    }
    let (input, expected) = (Array::read(&file("input"))?, Array::read(&file("output"))?);
    let mut session = Session::new(engine, &input.shape)?;
    session.input.upload(&encode(input.values.into_iter(), session.input_type))?;
    let found = decode(&session.run()?, session.output_type);
    if found.len() != expected.values.len() {
        return Err(Error::new(Status::InferenceFailed, format!("the output is {}", session.output_shape))
            .expected(expected.shape.to_string()));
    }
    let differences = found.iter().zip(&expected.values).map(|(a, b)| f64::from((a - b).abs()));
    let largest = differences.clone().fold(0.0, f64::max);
    let mean_square = differences.map(|d| d * d).sum::<f64>() / found.len() as f64;
    let psnr = -10.0 * mean_square.log10();
    // Another implementation on other hardware in other precision: at most 2 of 255 levels, 50 dB.
    if largest > 2.0 / 255.0 || psnr < 50.0 {
        return Err(Error::new(
            Status::InferenceFailed,
            format!("the output differs from the reference by up to {largest}, {psnr:.1} dB"),
        )
        .expected("at most 2/255, at least 50 dB"));
    }
    Ok(json!({ "input": input.shape.to_string(), "largest_difference": largest, "psnr_db": psnr }))
}
