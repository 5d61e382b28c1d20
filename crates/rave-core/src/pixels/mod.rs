//! The CPU reference of every pixel kernel: frame to tensor, tensor to frame, and chroma beside a luma model.
//!
//! What follows is the definition that every other implementation is held against. Numbers are fp32 unless it says
//! otherwise; constants are computed in fp64 and rounded once; nothing is contracted (no fused multiply-add) or
//! reassociated, so that results are equal to the bit on every machine and for every number of threads.
//!
//! # Levels
//!
//! A code `c` of depth `d` stands for the level `(c - offset) / span` (ITU-T H.273, section 8.3):
//!
//! | component | range | offset | span |
//! |---|---|---|---|
//! | Y', R', G', B' | limited | `16 * 2^(d-8)` | `219 * 2^(d-8)` |
//! | Y', R', G', B' | full | 0 | `2^d - 1` |
//! | Cb, Cr | limited | `128 * 2^(d-8)` | `224 * 2^(d-8)` |
//! | Cb, Cr | full | `2^(d-1)` | `2^d - 1` |
//!
//! Codes outside the nominal range are read and written as what they are: nothing is clamped to 0..1.
//!
//! # Frame to tensor ([`Unpack`])
//!
//! `white` is the number that stands for level 1 in the tensor.
//!
//! 1. Chroma codes less their offset are interpolated to every luma position, first vertically, then horizontally.
//!    With `c[k]` on one axis and `u` at luma positions counted from the frame's (not the crop's) first:
//!
//!    | siting on the axis | `u[2k]` | `u[2k+1]` |
//!    |---|---|---|
//!    | on the even sample (left, top) | `c[k]` | `1/2 c[k] + 1/2 c[k+1]` |
//!    | midway | `1/4 c[k-1] + 3/4 c[k]` | `3/4 c[k] + 1/4 c[k+1]` |
//!    | on the odd sample (bottom) | `1/2 c[k-1] + 1/2 c[k]` | `c[k]` |
//!
//!    `c` outside the chroma samples that cover the visible rectangle is the nearest of them. All of this is exact.
//! 2. `y = (Y - offset) * (white / span)`, and with `g = white / chroma span`:
//!    `R = y + (2 (1 - Kr) g) Cr`, `G = (y + (-2 (1 - Kb) Kb / Kg g) Cb) + (-2 (1 - Kr) Kr / Kg g) Cr`,
//!    `B = y + (2 (1 - Kb) g) Cb`; each bracket is one constant.
//! 3. R'G'B' sources: `(code - offset) * (white / span)` for each. Gray sources: R = G = B = `y`.
//! 4. Luma tensors: `y`, or of R'G'B' `(Kr R + Kg G) + Kb B`.
//! 5. fp16 tensors: the fp32 value, rounded to nearest even.
//!
//! Columns and rows of the tensor beyond the visible size are copies of the last one.
//!
//! # Tensor to frame ([`Pack`])
//!
//! 1. R'G'B' formats: `code = V * (span / white) + offset` for each.
//! 2. Y'CbCr: `y = (Kr R + Kg G) + Kb B`, `code = y * (span / white) + offset`; the differences `B - y` and `R - y` are
//!    brought to the chroma positions by [the inverse filter](#chroma-downsampling), horizontally, then vertically;
//!    then `code = difference * (span / (2 (1 - Kb) white gain)) + offset` for Cb, Kr for Cr, where `gain` is the
//!    product of the gains of the filters used.
//! 3. The code is made whole as `floor(code + 1/2)`, or with dither and 8 bits `floor(code + (k + 1/2) / 64)`, where `k`
//!    is [`BAYER`]`[y % 8][x % 8]` and `x`, `y` are the sample's place in its own plane; then clamped to
//!    `0..=2^d - 1`. With dither a value that is a code to within 1/128 becomes that code.
//! 4. Bytes of a packed format that hold no component are 255.
//!
//! ## Chroma downsampling
//!
//! Linear interpolation's biorthogonal partner, so that [`Unpack`] followed by [`Pack`] gives back every code of every
//! format (fp32 tensors, whole frame visible, same size and colours). `u` are differences at luma positions:
//!
//! | siting on the axis | taps | gain |
//! |---|---|---|
//! | on the even or odd sample, `u[0]` | `(6 u[0] + 2 (u[-1] + u[1])) - (u[-2] + u[2])` | 8 |
//! | midway between `u[0]` and `u[1]` | `3 (u[0] + u[1]) - (u[-1] + u[2])` | 4 |
//!
//! `u` before the first is the first and after the last is the last. But where the extent `n` is odd and 2 or more, the
//! last pair lacks its odd sample; it is first made as `1.5 u[n-1] - 0.5 u[n-2]` midway, `2 u[n-1] - u[n-2]` on the odd
//! sample, and what lies after it is a copy of it. (On the even sample a copy does.) Without this the last chroma
//! sample could not be recovered.
//!
//! # Chroma beside a luma model ([`ChromaScaler`])
//!
//! Cb and Cr levels (of R'G'B' sources `(B - y) / (2 (1 - Kb))` and `(R - y) / (2 (1 - Kr))` at full resolution) are
//! interpolated by the cubic convolution kernel with a = -1/2, horizontally, then vertically. On one axis, for a scale
//! `s`, chroma steps `p` and `q` (1 or 2 luma samples) and sitings `h` and `i` (0, 1/2 or 1 luma samples) of input and
//! output, and a crop at `x0`, output sample `k` lies at input sample `((q k + i + 1/2) / s - 1/2 + x0 - h) / p`.
//! Where the output is coarser (`p s / q < 1`) the kernel is widened by `q / (p s)`. Weights are computed in fp64,
//! divided by their sum and rounded; products are added in the order of the samples, starting from 0. Samples outside
//! those that cover the visible rectangle are the nearest of them.
//!
//! Then [`Pack::run_luma`] takes `Y code = Y * (span / white) + offset`, `Cb code = Cb * span + offset`, Cr alike; for
//! R'G'B' formats `y = Y * (1 / white)`, the matrix above with `g = 1`, and `code = V * span + offset`.

use crate::{ElementType, Error, Frame, FrameMut, PixelFormat, Result, Size, Status, TensorShape};

mod chroma_filter;
mod constants;
mod cubic;
mod dither;
mod finite;
mod load;
mod matrix;
mod pack;
mod pack_rows;
mod parts;
mod resample;
mod store;
#[cfg(test)]
mod tests;
mod unpack;

pub use constants::{ChromaConstants, LumaToRgbConstants, PackConstants, UnpackConstants};
pub use cubic::ChromaAxis;
pub use dither::BAYER;
pub use pack::Pack;
pub use resample::ChromaScaler;
pub use unpack::Unpack;

/// The shape of a tensor that has to hold a picture of `size`, `what` for the error.
fn checked_shape(what: &str, size: Size, channels: u32, tensor: Size) -> Result<TensorShape> {
    size.checked(what)?;
    tensor.checked("tensor")?;
    if tensor.width < size.width || tensor.height < size.height {
        return Err(Error::new(Status::InvalidParameter, format!("the tensor is {tensor}"))
            .expected(format!("at least the {what}'s {size}")));
    }
    if channels != 1 && channels != 3 {
        return Err(Error::new(Status::InvalidParameter, format!("a tensor of {channels} channels"))
            .expected("3 (RGB) or 1 (luma)"));
    }
    Ok(TensorShape { channels, size: tensor })
}

fn check_frame(frame: &Frame<'_>, format: PixelFormat, visible: Size) -> Result<()> {
    let found = (frame.format(), frame.visible().size);
    check_picture("frame", found, (format, visible))
}

fn check_target(frame: &FrameMut<'_>, format: PixelFormat, size: Size) -> Result<()> {
    check_picture("output frame", (frame.format(), frame.size()), (format, size))
}

fn check_picture(what: &str, found: (PixelFormat, Size), expected: (PixelFormat, Size)) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::new(Status::InvalidParameter, format!("{what} is {} {}", found.1, found.0))
        .expected(format!("{} {}", expected.1, expected.0))
        .help("prepare again when the frames change"))
}

fn check_elements(found: usize, kind: ElementType, shape: TensorShape) -> Result<()> {
    if found == shape.elements() {
        return Ok(());
    }
    Err(Error::new(Status::InvalidParameter, format!("a tensor of {found} {kind} elements"))
        .expected(format!("{shape}, {} elements", shape.elements())))
}
