//! Finds out by running a model what its tensors do not say: its scale, and the sizes that it takes.

use rave_core::{Error, Extent, MAX_PIXELS, MAX_SIDE, Result, Scale, Size, Status, TensorShape};

use crate::preflight::Declared;

/// The period of the sizes that a model may insist on: it takes all multiples of some divisor of this.
const PERIOD: u32 = 64;

/// Pairs of sizes to find the scale with. Both runs must agree. The first pair shows scales by fractions with a power
/// of two below the line, the second those with 3, 5, 6 ... below it.
const PAIRS: [[Size; 2]; 2] =
    [[Size::new(64, 64), Size::new(128, 96)], [Size::new(120, 120), Size::new(240, 360)]];

/// Runs the model on one input and returns the dimensions of its output.
pub(crate) type Run<'a> = &'a dyn Fn(TensorShape) -> Result<Vec<i64>>;

/// What running the model has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settled {
    pub(crate) channels: u32,
    pub(crate) scale: Scale,
}

/// One extent of the input.
pub(crate) fn extent(declared: Option<u32>) -> Extent {
    declared.map_or(Extent::Dynamic, Extent::Fixed)
}

/// `size` with the extents that are fixed put in.
pub(crate) fn constrain(size: Size, width: Extent, height: Extent) -> Size {
    let side = |extent, dynamic| match extent {
        Extent::Fixed(pixels) => pixels,
        Extent::Dynamic => dynamic,
    };
    Size::new(side(width, size.width), side(height, size.height))
}

/// Finds the channels and the scale.
///
/// # Errors
/// [`Status::ModelLoadFailed`] when the model does not run, or its output is not a multiple of its input.
pub(crate) fn settle(declared: &Declared, run: Run<'_>) -> Result<Settled> {
    match declared.input.channels.or(declared.output.channels) {
        Some(channels) => settle_scale(declared, channels, run),
        // Nothing is declared: an RGB model runs on three channels, a luma model on one.
        None => settle_scale(declared, 3, run).or_else(|rgb| settle_scale(declared, 1, run).map_err(|_| rgb)),
    }
}

fn settle_scale(declared: &Declared, channels: u32, run: Run<'_>) -> Result<Settled> {
    let (width, height) = (extent(declared.input.width), extent(declared.input.height));
    let mut refusal = None;
    for pair in PAIRS {
        let mut sizes = pair.map(|size| constrain(size, width, height)).to_vec();
        sizes.dedup();
        match common_scale(declared, channels, &sizes, run)? {
            Ok(scale) => return Ok(Settled { channels, scale }),
            Err(error) => refusal.get_or_insert(error),
        };
        if sizes.len() == 1 {
            break;
        }
    }
    Err(refusal.unwrap_or_else(|| Error::new(Status::ModelLoadFailed, "the model was not run")))
}

/// The scale that all `sizes` have in common; the inner error says that there is none.
// RV-ONNX-1102
fn common_scale(declared: &Declared, channels: u32, sizes: &[Size], run: Run<'_>) -> Result<Result<Scale>> {
    let mut shapes = Vec::new();
    let mut scales = Vec::new();
    for &size in sizes {
        let input = TensorShape { channels, size };
        let dims = run(input).map_err(|error| as_load_error(error, input))?;
        scales.push(image_size(&dims, channels).and_then(|output| Scale::between(size, output)));
        shapes.push(format!("{input} -> {}", text(&dims)));
    }
    match scales[0] {
        Some(scale) if scales.iter().all(|&other| other == Some(scale)) => Ok(Ok(scale)),
        _ => Ok(Err(Error::new(
            Status::ModelLoadFailed,
            format!(
                "output `{}` is not a plain multiple of input `{}`: {}",
                declared.output.name,
                declared.input.name,
                shapes.join(", ")
            ),
        )
        .expected(format!("1x{channels}xHxW scaled by the same factor in both directions, at every size"))
        .help("a network that trims its borders must pad them itself"))),
    }
}

/// The multiple to which both dynamic sides of `frame` are rounded up for the model to take it.
///
/// Runs the model at small sizes that leave the frame's remainders, see [`residue_size`].
///
/// # Errors
/// [`Status::UnsupportedFormat`] when no multiple up to 64 works; running out of memory.
// RV-ONNX-1103
pub(crate) fn multiple_for(
    residue: Size,
    extents: (Extent, Extent),
    settled: Settled,
    run: Run<'_>,
) -> Result<u32> {
    let mut last = None;
    for power in [1, 2, 4, 8, 16, 32, 64] {
        let multiple = lcm(power, settled.scale.denominator());
        let size = round_up(residue, extents, multiple);
        let input = TensorShape { channels: settled.channels, size };
        let Some(output) = scaled(size, settled.scale) else {
            continue;
        };
        match run(input) {
            Ok(dims) if image_size(&dims, settled.channels) == Some(output) => return Ok(multiple),
            Ok(dims) => last = Some(format!("{input} -> {}", text(&dims))),
            Err(error) if error.status() == Status::OutOfMemory => return Err(error),
            Err(error) => last = Some(format!("{input}: {error}")),
        }
    }
    let last = last.map_or_else(String::new, |last| format!(" (last tried: {last})"));
    Err(Error::new(Status::UnsupportedFormat, format!("the model takes no size near {residue}{last}"))
        .expected("a model that takes multiples of 64 or fewer pixels"))
}

/// A small size that leaves the same remainders as `frame` by every multiple that is tried.
pub(crate) fn residue_size(frame: Size, extents: (Extent, Extent), scale: Scale) -> Size {
    let period = lcm(PERIOD, scale.denominator());
    let side = |pixels: u32| {
        if pixels < period { pixels } else { period + pixels % period }
    };
    constrain(Size::new(side(frame.width), side(frame.height)), extents.0, extents.1)
}

/// `size` with both dynamic sides rounded up.
pub(crate) fn round_up(size: Size, extents: (Extent, Extent), multiple: u32) -> Size {
    constrain(size.round_up(multiple), extents.0, extents.1)
}

/// `size` times `scale`, if that is whole pixels and a possible size.
pub(crate) fn scaled(size: Size, scale: Scale) -> Option<Size> {
    let side = |pixels: u32| {
        let product = u64::from(pixels) * u64::from(scale.numerator());
        let denominator = u64::from(scale.denominator());
        (product % denominator == 0).then_some(product / denominator)
    };
    image_side_pair(side(size.width)?, side(size.height)?)
}

fn image_size(dims: &[i64], channels: u32) -> Option<Size> {
    match *dims {
        [1, found, height, width] if found == i64::from(channels) => {
            image_side_pair(u64::try_from(width).ok()?, u64::try_from(height).ok()?)
        }
        _ => None,
    }
}

fn image_side_pair(width: u64, height: u64) -> Option<Size> {
    let side = |pixels: u64| u32::try_from(pixels).ok().filter(|pixels| (1..=MAX_SIDE).contains(pixels));
    let size = Size::new(side(width)?, side(height)?);
    (size.pixels() <= MAX_PIXELS).then_some(size)
}

/// A run that fails while loading is a fault of the model.
fn as_load_error(error: Error, input: TensorShape) -> Error {
    if error.status() == Status::OutOfMemory {
        return error.context(format!("running it at {input}"));
    }
    let text = error.to_string();
    let found = text.split_once("] ").map_or(text.as_str(), |(_, found)| found);
    Error::new(Status::ModelLoadFailed, format!("it does not run at {input}: {found}"))
}

fn text(dims: &[i64]) -> String {
    crate::preflight::shape_text(dims)
}

const fn lcm(a: u32, b: u32) -> u32 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
