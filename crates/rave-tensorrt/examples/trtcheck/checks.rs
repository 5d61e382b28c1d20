//! What an engine has to keep on this GPU.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use rave_core::{Error, Result, Status};
use rave_tensorrt::{Engine, Runtime, Shape};
use serde_json::{Value, json};

use crate::cuda::Gpu;
use crate::session::{Session, decode, load, sha256};
use crate::{allocations, reference};

/// The seed of the input that hashes are taken of.
pub(crate) const SEED: u64 = 20_260_101;

fn ensure(holds: bool, what: impl Into<String>) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(Status::InferenceFailed, what)) }
}

/// The input shapes that an engine is checked with.
pub(crate) fn shapes(engine: &Engine) -> Vec<Shape> {
    let input = engine.tensors().iter().find(|tensor| tensor.input).unwrap();
    if input.shape.elements().is_some() {
        return vec![input.shape];
    }
    let range = input.profiles[0];
    let mut shapes = vec![range.min, range.opt, range.max];
    if let [-1 | 1, channels, -1, -1] = *input.shape.extents() {
        shapes.push(Shape::new(&[1, channels, 180, 320]).unwrap());
    }
    shapes.dedup();
    shapes
}

/// The hash of an engine's output for the fixed input, in this process.
pub(crate) fn hash(runtime: &Runtime, path: &Path, shape: usize) -> Result<String> {
    let engine = load(runtime, path)?;
    let mut session = Session::new(&engine, &shapes(&engine)[shape])?;
    session.fill(SEED)?;
    Ok(sha256(&session.run()?))
}

/// Everything but speed.
pub(crate) fn check(
    gpu: &Gpu,
    runtime: &Runtime,
    libraries: &[OsString],
    path: &Path,
    references: Option<&Path>,
) -> Result<Value> {
    let engine = load(runtime, path)?;
    let mut tensors = Vec::new();
    for tensor in engine.tensors() {
        let profiles: Vec<String> =
            tensor.profiles.iter().map(|p| format!("{}..{}..{}", p.min, p.opt, p.max)).collect();
        tensors.push(json!({
            "name": tensor.name, "input": tensor.input, "type": tensor.data_type.to_string(),
            "shape": tensor.shape.to_string(), "format": tensor.format, "profiles": profiles,
        }));
    }
    let mut report = json!({
        "tensors": tensors,
        "contract": engine.contract().map_or_else(|error| error.to_string(), |contract| contract.to_string()),
        "scratch_bytes": engine.scratch_size(0),
        "aux_streams": engine.aux_streams(),
        "profiles": engine.profiles(),
    });
    let mut checked = Vec::new();
    for (index, shape) in shapes(&engine).iter().enumerate() {
        let in_this_process = check_shape(gpu, runtime, &engine, path, shape);
        let result = in_this_process.and_then(|result| {
            let other = in_another_process(libraries, path, index)?;
            let here = &result["sha256"];
            ensure(*here == json!(other), format!("another process gives {other}, this one {here}"))?;
            Ok(result)
        });
        checked.push(result.map_err(|error| error.context(shape))?);
    }
    report["shapes"] = Value::Array(checked);
    report["out_of_range"] = json!(refuses_a_shape_out_of_range(&engine)?);
    if let Some(folder) = references {
        report["reference"] = reference::compare(&engine, folder)?;
    }
    Ok(report)
}

fn check_shape(gpu: &Gpu, runtime: &Runtime, engine: &Engine, path: &Path, shape: &Shape) -> Result<Value> {
    let mut first = Session::new(engine, shape)?;
    first.fill(SEED)?;
    let expected = first.run()?;
    let values = decode(&expected, first.output_type);
    let finite = values.iter().all(|value| value.is_finite());
    ensure(finite, "the output has values that are not finite, or were not written")?;
    for run in 0..3 {
        ensure(first.run()? == expected, format!("run {run} gives another output"))?;
    }
    first.fill(SEED + 2)?;
    ensure(first.run()? != expected, "another input gives the same output")?;
    first.fill(SEED)?;

    let before = allocations();
    for _ in 0..8 {
        first.enqueue()?;
    }
    let allocated = allocations() - before;
    first.stream.synchronize()?;

    let graph = first.graph()?;
    for replay in 0..3 {
        first.output.poison()?;
        graph.launch(&first.stream)?;
        first.stream.synchronize()?;
        ensure(first.output.download()? == expected, format!("graph replay {replay} gives another output"))?;
    }

    // A second context, on its own stream, at the same time. Where the engine's TensorRT cannot share a profile, it is
    // one of a second engine object.
    let (mut second, shared) = match Session::new(engine, shape) {
        Ok(second) => (second, true),
        Err(error) if error.status() == Status::Busy => (Session::new(&load(runtime, path)?, shape)?, false),
        Err(error) => return Err(error),
    };
    second.fill(SEED)?;
    for round in 0..4 {
        first.output.poison()?;
        second.output.poison()?;
        gpu.synchronize()?;
        for _ in 0..3 {
            first.enqueue()?;
            second.enqueue()?;
        }
        gpu.synchronize()?;
        ensure(first.output.download()? == expected, format!("round {round}: the first context differs"))?;
        ensure(second.output.download()? == expected, format!("round {round}: the second context differs"))?;
    }

    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    Ok(json!({
        "input": shape.to_string(), "output": first.output_shape.to_string(), "sha256": sha256(&expected),
        "minimum": low, "maximum": high, "graph_nodes": graph.nodes, "contexts_share_an_engine": shared,
        "host_allocations_in_8_enqueues": allocated,
    }))
}

/// The hash that this program prints when it runs again, with the same libraries.
fn in_another_process(libraries: &[OsString], path: &Path, shape: usize) -> Result<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(libraries)
        .arg("--hash")
        .arg(path)
        .arg(shape.to_string())
        .output()
        .map_err(|error| Error::new(Status::Io, error.to_string()))?;
    ensure(output.status.success(), String::from_utf8_lossy(&output.stderr))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An engine says no to a shape that it does not take, and can be used afterwards.
fn refuses_a_shape_out_of_range(engine: &Engine) -> Result<Option<String>> {
    let input = engine.tensors().iter().position(|tensor| tensor.input).unwrap();
    let mut context = match engine.context(0) {
        Err(error) if error.status() == Status::Busy => return Ok(None),
        context => context?,
    };
    let info = &engine.tensors()[input];
    let (good, largest) = match info.shape.elements() {
        Some(_) => (info.shape, info.shape),
        None => (info.profiles[0].opt, info.profiles[0].max),
    };
    let mut extents = largest.extents().to_vec();
    *extents.last_mut().unwrap() += 1;
    let refused = context.set_input_shape(input, &Shape::new(&extents)?);
    ensure(refused.is_err(), format!("the shape {extents:?} is taken"))?;
    context.set_input_shape(input, &good)?;
    Ok(refused.err().map(|error| error.to_string()))
}
