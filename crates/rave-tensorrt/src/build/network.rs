//! A parsed model: TensorRT's network, checked before anything is built of it.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rave_core::{Error, ModelContract, Result, Scale, Size, Status};

use super::onnx::Opsets;
use super::owned::Owned;
use super::parser::{Complaint, ParserLibrary, refusal};
use crate::faults::Faults;
use crate::{DataType, Shape, sys};

/// A network with the parser that holds its weights.
pub(super) struct Network {
    api: &'static sys::Api,
    // In this order: the parser goes before the network.
    parser: Owned<sys::Parser>,
    raw: Owned<sys::Network>,
}

/// The input of an image model.
pub(super) struct ImageModel {
    /// The input's name.
    pub(super) input: String,
    /// Batch, channels, height and width; -1 is any.
    pub(super) shape: [i64; 4],
    /// Bytes of one element of the input and of the output.
    element_sizes: [u64; 2],
}

struct Tensor {
    name: String,
    info: sys::Tensor,
}

impl Network {
    #[allow(clippy::too_many_arguments, reason = "what a parser is made of")]
    pub(super) fn parse(
        api: &'static sys::Api,
        builder: &Owned<sys::Builder>,
        bridge: NonNull<sys::Bridge>,
        library: &ParserLibrary,
        faults: &Faults,
        onnx: &[u8],
        opsets: &Opsets,
        typed: bool,
    ) -> Result<Network> {
        // SAFETY: the builder is alive, and outlives the network (it is declared before it).
        let raw = unsafe { (api.network_create)(builder.as_ptr(), typed.into()) };
        let raw = Owned::new(raw, api.network_destroy)
            .ok_or_else(|| faults.error(Status::OutOfMemory, "TensorRT makes no network"))?;
        // SAFETY: create is the parser library's createNvOnnxParser_INTERNAL, version its own; the network is alive,
        // and outlives the parser (field order); the bridge lives for ever.
        let parser = unsafe {
            (api.parser_create)(library.create.cast_mut(), library.version, raw.as_ptr(), bridge.as_ptr())
        };
        let what = format!("{} makes no parser", library.name.display());
        let parser = Owned::new(parser, api.parser_destroy)
            .ok_or_else(|| faults.error(Status::RuntimeLibraryMissing, &what))?;
        // SAFETY: the parser is alive; the slice is, too, and TensorRT needs it during the call only.
        let parsed = unsafe { (api.parser_parse)(parser.as_ptr(), onnx.as_ptr().cast(), onnx.len()) } == 1;
        let network = Network { api, parser, raw };
        if parsed {
            return Ok(network);
        }
        let (_, said) = faults.take();
        Err(refusal(&network.complaints(), opsets, &said))
    }

    fn complaints(&self) -> Vec<Complaint> {
        let parser = self.parser.as_ptr();
        // SAFETY: the parser is alive.
        let count = unsafe { (self.api.parser_errors)(parser) };
        let read = |index| {
            let mut raw =
                sys::ParserError { code: 0, node: -1, name: ptr::null(), op: ptr::null(), text: ptr::null() };
            // SAFETY: the parser is alive, and with it its strings; raw is a live struct.
            unsafe {
                (self.api.parser_error)(parser, index, &mut raw);
                Complaint::read(&raw)
            }
        };
        (0..count).map(read).collect()
    }

    pub(super) fn as_ptr(&self) -> *mut sys::Network {
        self.raw.as_ptr()
    }

    pub(super) fn layers(&self) -> u32 {
        // SAFETY: the network is alive.
        unsafe { (self.api.network_layers)(self.raw.as_ptr()) }.try_into().unwrap_or(0)
    }

    /// Bit n is set when a layer computes in DataType n.
    pub(super) fn types(&self) -> i64 {
        // SAFETY: the network is alive.
        unsafe { (self.api.network_types)(self.raw.as_ptr()) }
    }

    /// The network as an image model, or why it is none.
    // RV-TRT-1301
    pub(super) fn image_model(&self) -> Result<ImageModel> {
        if self.layers() == 0 {
            return Err(refuse("it has no layers".into()).expected("an ONNX model that computes something"));
        }
        let (input, output) = (self.only(true)?, self.only(false)?);
        let shape = nchw(&input)?;
        let [_, output_channels, ..] = nchw(&output)?;
        let channels = ModelContract::check_channels(&input.name, shape[1])?;
        if ModelContract::check_channels(&output.name, output_channels)? != channels {
            return Err(refuse(format!(
                "input `{}` has {channels} channels and output `{}` has {output_channels}",
                input.name, output.name
            ))
            .expected("the same number"));
        }
        let element_sizes = [element_size(&input)?, element_size(&output)?];
        Ok(ImageModel { input: input.name, shape, element_sizes })
    }

    /// Makes sure that all three inputs are scaled alike. Settles the input's shape. Returns the bytes of the largest
    /// input and output, as far as they are known.
    // RV-TRT-1301
    pub(super) fn check_scale(&self, model: &ImageModel, shapes: &[Shape; 3]) -> Result<u64> {
        let mut first = None;
        let mut largest = 0;
        for shape in shapes {
            self.fix(Some(shape));
            let output = self.only(false)?.info.shape;
            let output = Shape(output);
            let [input_size, output_size] = model.element_sizes;
            let bytes =
                |shape: &Shape, size: u64| shape.elements().map_or(0, |elements| elements as u64 * size);
            largest = largest.max(bytes(shape, input_size).saturating_add(bytes(&output, output_size)));
            // A size that only running the model tells is looked at when the engine is loaded.
            let Some(scaled) = size_of(&output) else { continue };
            let scale = size_of(shape).and_then(|size| Scale::between(size, scaled));
            let Some(scale) = scale else {
                return Err(
                    refuse(format!("it turns {shape} into {output}")).expected("the same scale both ways")
                );
            };
            if *first.get_or_insert(scale) != scale {
                return Err(refuse(format!(
                    "it turns {shape} into {output}, but scales smaller pictures otherwise"
                ))
                .expected("one scale for every size"));
            }
        }
        Ok(largest)
    }

    /// Asks for plain row-major input and output, and settles the input's shape if one is given.
    pub(super) fn fix(&self, shape: Option<&Shape>) {
        let shape = shape.map_or(ptr::null(), |shape| &raw const shape.0);
        // SAFETY: the network is alive and has one input and one output (image_model comes first); the shape is null or
        // live dimensions.
        unsafe { (self.api.network_fix)(self.raw.as_ptr(), shape) };
    }

    /// The one input or the one output.
    fn only(&self, input: bool) -> Result<Tensor> {
        // SAFETY: the network is alive.
        let count = unsafe {
            if input {
                (self.api.network_inputs)(self.raw.as_ptr())
            } else {
                (self.api.network_outputs)(self.raw.as_ptr())
            }
        };
        if count != 1 {
            let kind = if input { "inputs" } else { "outputs" };
            return Err(refuse(format!("it has {count} {kind}")).expected("one"));
        }
        let mut info = sys::Tensor::default();
        // SAFETY: the network is alive; info is a live struct.
        let name = unsafe { (self.api.network_tensor)(self.raw.as_ptr(), input.into(), 0, &mut info) };
        if name.is_null() {
            return Err(refuse("one of its tensors has no name".into()));
        }
        // SAFETY: the name is NUL-terminated and the network's.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
        Ok(Tensor { name, info })
    }
}

fn refuse(found: String) -> Error {
    Error::new(Status::ModelLoadFailed, found).help("RAVE runs image models: one NCHW tensor in, one out")
}

fn nchw(tensor: &Tensor) -> Result<[i64; 4]> {
    let shape = Shape(tensor.info.shape);
    let shape: [i64; 4] = shape
        .extents()
        .try_into()
        .map_err(|_| refuse(format!("tensor `{}` is {shape}", tensor.name)).expected("4 dimensions, NCHW"))?;
    if shape.iter().any(|&extent| extent == 0 || extent < -1) {
        return Err(refuse(format!("tensor `{}` is {}", tensor.name, Shape(tensor.info.shape)))
            .expected("no empty one"));
    }
    Ok(shape)
}

fn element_size(tensor: &Tensor) -> Result<u64> {
    let data_type = DataType(tensor.info.data_type);
    if tensor.info.on_device == 0 || data_type.element_type().is_none() {
        return Err(refuse(format!("tensor `{}` is {data_type}", tensor.name)).expected("fp32 or fp16"));
    }
    Ok(if data_type == DataType::F16 { 2 } else { 4 })
}

/// H and W of an NCHW shape, when they are settled.
fn size_of(shape: &Shape) -> Option<Size> {
    match *shape.extents() {
        [_, _, height, width] => Some(Size::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)),
        _ => None,
    }
}
