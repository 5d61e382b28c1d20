//! An engine as an image model.

use rave_core::{ElementType, Error, Extent, ModelContract, Result, Scale, Size, Status};

use crate::{Engine, Shape, TensorInfo};

/// The input sizes that an image model takes in one optimisation profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRange {
    /// The smallest width and height.
    pub min: Size,
    /// The size that the engine was tuned for.
    pub best: Size,
    /// The largest width and height.
    pub max: Size,
}

/// The sizes of the one NCHW input in a profile; a model of fixed size has that one.
pub(crate) fn size_range(engine: &Engine, profile: u32) -> Option<SizeRange> {
    let (_, input) = only(engine, true).ok()?;
    if let Some(size) = size_of(&input.shape) {
        return Some(SizeRange { min: size, best: size, max: size });
    }
    let range = input.profiles.get(profile as usize)?;
    Some(SizeRange { min: size_of(&range.min)?, best: size_of(&range.opt)?, max: size_of(&range.max)? })
}

/// H and W of an NCHW shape, when they are settled.
fn size_of(shape: &Shape) -> Option<Size> {
    match *shape.extents() {
        [_, _, height, width] => Some(Size::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)),
        _ => None,
    }
}

/// Reads the contract off the engine's tensors: one NCHW input, one NCHW output, row-major in device memory.
pub(crate) fn infer(engine: &Engine) -> Result<ModelContract> {
    infer_named(engine).map_err(|error| error.context(format!("engine {}", engine.name())))
}

// RV-TRT-1106
fn infer_named(engine: &Engine) -> Result<ModelContract> {
    let (input_index, input) = only(engine, true)?;
    let (output_index, output) = only(engine, false)?;
    let (input_type, output_type) = (element_type(input)?, element_type(output)?);
    let [batch, channels, height, width] = nchw(input)?;
    let [_, output_channels, ..] = nchw(output)?;
    let channels = ModelContract::check_channels(&input.name, channels)?;
    if ModelContract::check_channels(&output.name, output_channels)? != channels {
        return Err(refuse(format!(
            "input `{}` has {channels} channels and output `{}` has {output_channels}",
            input.name, output.name
        ))
        .expected("the same number"));
    }
    let one_frame = match (batch, input.profiles.first()) {
        (1, _) => true,
        (-1, Some(range)) => {
            range.min.extents().first() <= Some(&1) && range.max.extents().first() >= Some(&1)
        }
        _ => false,
    };
    if !one_frame {
        return Err(refuse(format!("input `{}` is {}", input.name, input.shape))
            .expected("a batch of 1, or a dynamic one that includes 1"));
    }
    Ok(ModelContract {
        input: input.name.clone(),
        output: output.name.clone(),
        channels,
        input_type,
        output_type,
        width: extent(width),
        height: extent(height),
        scale: scale(engine, input_index, output_index)?,
    })
}

fn refuse(found: String) -> Error {
    Error::new(Status::ModelLoadFailed, found).help("RAVE runs image models: one NCHW tensor in, one out")
}

/// The one input or the one output.
fn only(engine: &Engine, input: bool) -> Result<(usize, &TensorInfo)> {
    let mut tensors = engine.tensors().iter().enumerate().filter(|(_, tensor)| tensor.input == input);
    match (tensors.next(), tensors.count()) {
        (Some(tensor), 0) => Ok(tensor),
        (first, more) => {
            let count = usize::from(first.is_some()) + more;
            let kind = if input { "inputs" } else { "outputs" };
            Err(refuse(format!("it has {count} {kind}")).expected("one"))
        }
    }
}

fn element_type(tensor: &TensorInfo) -> Result<ElementType> {
    let TensorInfo { name, data_type, .. } = tensor;
    if !tensor.on_device {
        return Err(refuse(format!("tensor `{name}` lies in host memory")).expected("device memory"));
    }
    if !tensor.is_linear() {
        return Err(refuse(format!("tensor `{name}` has format {}", tensor.format))
            .expected("LINEAR (0)")
            .help("rebuild the engine with linear inputs and outputs (trtexec --inputIOFormats=fp16:chw)"));
    }
    data_type
        .element_type()
        .ok_or_else(|| refuse(format!("tensor `{name}` is {data_type}")).expected("fp32 or fp16"))
}

fn nchw(tensor: &TensorInfo) -> Result<[i64; 4]> {
    tensor.shape.extents().try_into().map_err(|_| {
        refuse(format!("tensor `{}` is {}", tensor.name, tensor.shape)).expected("4 dimensions, NCHW")
    })
}

fn extent(pixels: i64) -> Extent {
    u32::try_from(pixels).map_or(Extent::Dynamic, Extent::Fixed)
}

/// Output size over input size, which must come out the same for the smallest, best and largest input.
fn scale(engine: &Engine, input_index: usize, output_index: usize) -> Result<Scale> {
    let input = &engine.tensors()[input_index];
    let output = &engine.tensors()[output_index];
    if input.shape.elements().is_some() && output.shape.elements().is_some() {
        return scale_between(&input.shape, &output.shape);
    }
    let Some(range) = input.profiles.first() else {
        return Err(refuse(format!("input `{}` has no optimisation profile", input.name)));
    };
    let mut context = engine.context(0)?;
    let mut scales = [Scale::ONE; 3];
    for (scale, shape) in scales.iter_mut().zip([range.min, range.opt, range.max]) {
        context.set_input_shape(input_index, &shape)?;
        *scale = scale_between(&shape, &context.tensor_shape(output_index)?)?;
    }
    let [smallest, best, largest] = scales;
    if smallest == best && best == largest {
        return Ok(best);
    }
    Err(refuse(format!(
        "it scales {} by {smallest}, {} by {best} and {} by {largest}",
        range.min, range.opt, range.max
    ))
    .expected("one scale for every size"))
}

fn scale_between(input: &Shape, output: &Shape) -> Result<Scale> {
    size_of(input)
        .zip(size_of(output))
        .and_then(|(input, output)| Scale::between(input, output))
        .ok_or_else(|| refuse(format!("it turns {input} into {output}")).expected("the same scale both ways"))
}
