//! What can be known of a model from its bytes, before a runtime sees them.
//!
//! The runtimes parse a model, fold its constants and open files that it names, all before they report anything. Here
//! the file is read in place first: it must be an ONNX model, hold all of its weights, have dimensions that memory
//! can hold, and take and give one image.
//!
//! Source: onnx.proto of ONNX IR version 11 (field numbers); the ONNX operator schemas (which inputs are shapes).

use std::fmt;

use rave_core::{ElementType, Error, MAX_SIDE, ModelContract, Result, Status};

use crate::graph_proto::{self, Budget, Graph};
use crate::value_info::{Dim, ValueInfo};
use crate::wire::{Fields, Malformed};

/// The largest file that is looked at: what protocol buffers can hold.
pub(crate) const MAX_FILE: usize = i32::MAX as usize;
/// The most elements that a tensor named in a model may have.
pub(crate) const MAX_ELEMENTS: u64 = 1 << 31;

/// The image tensor on one side of a model, as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTensor {
    /// The tensor's name.
    pub name: String,
    /// The element type in the file.
    pub element: ElementType,
    /// 1 or 3, if declared.
    pub channels: Option<u32>,
    /// The height, if declared.
    pub height: Option<u32>,
    /// The width, if declared.
    pub width: Option<u32>,
}

impl fmt::Display for ImageTensor {
    /// As "`input` 1x3x?x? fp32", where a question mark is any number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = [self.channels, self.height, self.width]
            .map(|declared| declared.map_or_else(|| "?".to_owned(), |extent| extent.to_string()));
        write!(f, "`{}` 1x{channels}x{height}x{width} {}", self.name, self.element)
    }
}

/// What a model that passed the checks declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Declared {
    /// The tensor that takes the image.
    pub(crate) input: ImageTensor,
    /// The tensor that gives the image.
    pub(crate) output: ImageTensor,
}

/// Checks the model in `bytes`. Errors do not name the model yet.
///
/// # Errors
/// [`Status::Untrusted`] for a model that refers to another file, otherwise [`Status::ModelLoadFailed`].
// RV-ONNX-1101
pub(crate) fn inspect(bytes: &[u8]) -> Result<Declared> {
    check_kind(bytes)?;
    let graph = check_model(bytes)?;
    let [input] = graph.inputs.as_slice() else {
        return Err(count_error("input", &graph.inputs));
    };
    let [output] = graph.outputs.as_slice() else {
        return Err(count_error("output", &graph.outputs));
    };
    let input = image_tensor(input, "input")?;
    let output = image_tensor(output, "output")?;
    if let (Some(taken), Some(given)) = (input.channels, output.channels)
        && taken != given
    {
        return Err(refused(format!(
            "input `{}` has {taken} channels and output `{}` has {given}",
            input.name, output.name
        ))
        .expected("as many channels out as in"));
    }
    Ok(Declared { input, output })
}

/// Refuses what is not a model at all, and says what it is where that can be told.
// RV-ONNX-1001
fn check_kind(bytes: &[u8]) -> Result<()> {
    let not_a_model = |found: &str| refused(found).expected("an ONNX model");
    if bytes.is_empty() {
        return Err(not_a_model("the file is empty"));
    }
    if bytes.len() > MAX_FILE {
        return Err(
            refused(format!("the file has {} bytes", bytes.len())).expected(format!("at most {MAX_FILE}"))
        );
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(
            not_a_model("the file is a Git LFS pointer, not the model itself").help("run git lfs pull")
        );
    }
    if bytes.trim_ascii_start().first() == Some(&b'<') {
        return Err(not_a_model("the file is a web page (HTML or XML)").help("download the model again"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(not_a_model("the file is a ZIP archive, perhaps a PyTorch checkpoint")
            .help("unpack it, or export the network with torch.onnx.export"));
    }
    // ONNX Runtime takes such bytes for its own format, whatever else they may also be.
    if bytes.get(4..8) == Some(b"ORTM") {
        return Err(not_a_model("the file is in ONNX Runtime's ORT format"));
    }
    if bytes.starts_with(b"RTEN") {
        return Err(not_a_model("the file is in rten's own format"));
    }
    Ok(())
}

/// Walks the `ModelProto` and returns the interface of its graph.
fn check_model(bytes: &[u8]) -> Result<Graph<'_>> {
    let mut graph = None;
    let mut opsets = 0;
    let mut budget = Budget::new();
    for field in Fields::of(bytes) {
        let (number, value) = field.map_err(|_| not_onnx())?;
        match number {
            7 => once(&mut graph, value.bytes().map_err(|_| not_onnx())?, "graph")?,
            8 => opsets += 1,
            20 => check_training(value.bytes().map_err(damaged)?, &mut budget)?,
            25 => graph_proto::check_function(value.bytes().map_err(damaged)?, &mut budget)?,
            _ => {}
        }
    }
    // RV-ONNX-1003: every other field may be missing from a model that is whole.
    let graph = graph.ok_or_else(not_onnx)?;
    if opsets == 0 {
        return Err(refused("the file names no operator set; it may be cut off").expected("an ONNX model"));
    }
    let graph = graph_proto::check(graph, &mut budget)?;
    if graph.nodes == 0 {
        return Err(refused("the graph has no nodes").expected("a network"));
    }
    Ok(graph)
}

/// `TrainingInfoProto` holds two graphs that no inference runs, but that a runtime may still read.
fn check_training(bytes: &[u8], budget: &mut Budget) -> Result<()> {
    for field in Fields::of(bytes) {
        let (number, value) = field.map_err(damaged)?;
        if matches!(number, 1 | 2) {
            graph_proto::check(value.bytes().map_err(damaged)?, budget)?;
        }
    }
    Ok(())
}

fn image_tensor(info: &ValueInfo<'_>, side: &str) -> Result<ImageTensor> {
    let name = info.name;
    let wrong = |found: String| {
        refused(format!("{side} `{name}` {found}"))
            .expected("a 1x3xHxW (RGB) or 1x1xHxW (luma) tensor of fp32 or fp16")
    };
    let element = match info.element {
        Some(1) => ElementType::F32,
        Some(10) => ElementType::F16,
        Some(other) => return Err(wrong(format!("has element type {}", element_name(other)))),
        None => return Err(wrong("is not a tensor".into())),
    };
    // A tensor may be declared without a shape; what the model then gives is seen when it runs.
    let dims = match info.dims.as_deref() {
        None => [Dim::Symbolic; 4],
        Some(&[batch, channels, height, width]) => [batch, channels, height, width],
        Some(_) => return Err(wrong(format!("has shape {}", info.shape_text()))),
    };
    let shape = || info.shape_text();
    if !matches!(dims[0], Dim::Symbolic | Dim::Static(1)) {
        return Err(wrong(format!("has shape {}, a batch that is not 1", shape())));
    }
    let channels = match dims[1] {
        Dim::Symbolic => None,
        Dim::Static(channels) => Some(ModelContract::check_channels(name, channels)?),
    };
    let side_length = |dim| match dim {
        Dim::Symbolic => Ok(None),
        Dim::Static(pixels) => {
            u32::try_from(pixels).ok().filter(|pixels| (1..=MAX_SIDE).contains(pixels)).map(Some).ok_or_else(
                || {
                    refused(format!("{side} `{name}` has shape {}", shape()))
                        .expected(format!("a height and width of 1 to {MAX_SIDE}"))
                },
            )
        }
    };
    Ok(ImageTensor {
        name: name.to_string(),
        element,
        channels,
        height: side_length(dims[2])?,
        width: side_length(dims[3])?,
    })
}

fn count_error(side: &str, tensors: &[ValueInfo<'_>]) -> Error {
    let mut names: Vec<_> =
        tensors.iter().take(8).map(|t| format!("`{}` {}", t.name, t.shape_text())).collect();
    if tensors.len() > names.len() {
        names.push("...".into());
    }
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    refused(format!("the model has {} {side}s{names}", tensors.len()))
        .expected(format!("one {side}"))
        .help("RAVE runs models that turn one image into one image")
}

/// The name of a `TensorProto.DataType`, for messages.
fn element_name(data_type: i64) -> String {
    let names = [
        "undefined",
        "fp32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "fp16",
        "fp64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bf16",
    ];
    let known = usize::try_from(data_type).ok().and_then(|index| names.get(index));
    known.map_or_else(|| format!("number {data_type}"), |name| (*name).to_string())
}

/// Stores a field that may come only once. Parsers disagree on a second one: some merge it, some replace the first.
// RV-ONNX-1006
pub(crate) fn once<'a>(slot: &mut Option<&'a [u8]>, bytes: &'a [u8], what: &str) -> Result<()> {
    match slot.replace(bytes) {
        None => Ok(()),
        Some(_) => Err(refused(format!("a {what} appears twice where only one may be"))),
    }
}

/// The dimensions as `1x3x8x8`, cut after sixteen.
pub(crate) fn shape_text(dims: &[i64]) -> String {
    if dims.is_empty() {
        return "(scalar)".into();
    }
    dims.iter().take(16).map(i64::to_string).collect::<Vec<_>>().join("x")
}

/// An error about a model's content.
pub(crate) fn refused(found: impl Into<String>) -> Error {
    Error::new(Status::ModelLoadFailed, found)
}

fn not_onnx() -> Error {
    refused("the file is not an ONNX model, or it is cut off").expected("an ONNX model")
}

/// The error for bytes inside the model that are not well-formed.
pub(crate) fn damaged(_: Malformed) -> Error {
    refused("the file is damaged or cut off: a part of it is not well-formed")
        .help("download or export it again")
}
