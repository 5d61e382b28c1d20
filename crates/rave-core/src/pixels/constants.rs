//! The constants of the equations for kernels that run elsewhere, each the very number the CPU kernels compute with.

use crate::{Colorimetry, PixelFormat, Size, ValueRange};

use super::chroma_filter::{Down, UpTaps};
use super::matrix::{ToLevel, ToRgb, Weights, chroma_gains, levels};
use super::pack_rows::Numbers;

/// The constants of a frame to a tensor; see the [module](super).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnpackConstants {
    /// Offset of Y', or of R', G' and B', in codes: a whole number.
    pub luma_offset: f32,
    /// `white / span` of the same.
    pub luma_scale: f32,
    /// Offset of Cb and Cr, in codes: a whole number.
    pub chroma_offset: f32,
    /// Cr's part of red.
    pub r_cr: f32,
    /// Cb's part of green.
    pub g_cb: f32,
    /// Cr's part of green.
    pub g_cr: f32,
    /// Cb's part of blue.
    pub b_cb: f32,
    /// Kr, Kg and Kb.
    pub weights: [f32; 3],
    /// Horizontal interpolation: `u[2k] = t[0] c[k-1] + t[1] c[k]`, `u[2k+1] = t[2] c[k] + t[3] c[k+1]`.
    pub horizontal: [f32; 4],
    /// Vertical interpolation, likewise.
    pub vertical: [f32; 4],
}

impl UnpackConstants {
    /// The constants for frames of `format` and `color`, and tensors of `white`.
    #[must_use]
    pub fn new(format: PixelFormat, color: Colorimetry, white: ValueRange) -> Self {
        let (luma, chroma) = levels(&format.layout(), color);
        let white = f64::from(white.white());
        let luma = ToLevel::new(luma, white);
        let to_rgb = ToRgb::new(color.matrix, white / chroma.span);
        let weights = Weights::new(color.matrix);
        let taps = |half_steps| {
            let taps = UpTaps::new(half_steps);
            [taps.even_left, taps.even_here, taps.odd_here, taps.odd_right]
        };
        UnpackConstants {
            luma_offset: luma.offset,
            luma_scale: luma.scale,
            chroma_offset: ToLevel::centred(chroma).offset,
            r_cr: to_rgb.r_cr,
            g_cb: to_rgb.g_cb,
            g_cr: to_rgb.g_cr,
            b_cb: to_rgb.b_cb,
            weights: [weights.r, weights.g, weights.b],
            horizontal: taps(color.siting.horizontal_half_steps()),
            vertical: taps(color.siting.vertical_half_steps()),
        }
    }
}

/// The constants of a tensor to a frame; see the [module](super).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackConstants {
    /// Kr, Kg and Kb.
    pub weights: [f32; 3],
    /// `span / white` of Y', or of R', G' and B'.
    pub luma_scale: f32,
    /// Offset of the same, in codes.
    pub luma_offset: f32,
    /// From the filtered B - Y to Cb less its offset; the gains of the filters are in it. Beside a luma model from Cb's
    /// level.
    pub cb_scale: f32,
    /// From the filtered R - Y to Cr less its offset, or from Cr's level.
    pub cr_scale: f32,
    /// Offset of Cb and Cr, in codes.
    pub chroma_offset: f32,
    /// The largest code.
    pub max_code: f32,
    /// Weights of the last column and the one before it that make the missing one of an odd number of columns.
    pub extrapolate_x: Option<(f32, f32)>,
    /// The same for rows.
    pub extrapolate_y: Option<(f32, f32)>,
}

impl PackConstants {
    /// The constants for frames of `format`, `size` and `color`, and tensors of `white`.
    #[must_use]
    pub fn new(format: PixelFormat, size: Size, color: Colorimetry, white: ValueRange) -> Self {
        Numbers::new(format.layout(), size, color, f64::from(white.white())).into()
    }

    /// The constants of [`Pack::run_luma`](super::Pack::run_luma) for frames of `format` and `color`, and luma tensors of
    /// `white`: chroma comes as levels, and so do R', G' and B', made with [`LumaToRgbConstants`].
    #[must_use]
    pub fn beside_chroma(format: PixelFormat, color: Colorimetry, white: ValueRange) -> Self {
        Numbers::beside_chroma(format.layout(), color, f64::from(white.white())).into()
    }
}

impl From<Numbers> for PackConstants {
    fn from(numbers: Numbers) -> Self {
        let Numbers { weights, luma, chroma: [cb, cr], horizontal, vertical, .. } = numbers;
        PackConstants {
            weights: [weights.r, weights.g, weights.b],
            luma_scale: luma.scale,
            luma_offset: luma.offset,
            cb_scale: cb.scale,
            cr_scale: cr.scale,
            chroma_offset: cb.offset,
            max_code: luma.max,
            extrapolate_x: horizontal.and_then(Down::extrapolation),
            extrapolate_y: vertical.and_then(Down::extrapolation),
        }
    }
}

/// The constants of reading chroma as levels for [`ChromaScaler`](super::ChromaScaler); see the [module](super).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChromaConstants {
    /// Offset of R', G' and B', in codes: a whole number.
    pub luma_offset: f32,
    /// `1 / span` of the same.
    pub luma_scale: f32,
    /// Offset of Cb and Cr, in codes: a whole number.
    pub chroma_offset: f32,
    /// `1 / span` of the same.
    pub chroma_scale: f32,
    /// Kr, Kg and Kb.
    pub weights: [f32; 3],
    /// From B - Y to Cb, and from R - Y to Cr.
    pub gains: [f32; 2],
}

impl ChromaConstants {
    /// The constants for frames of `format` and `color`.
    #[must_use]
    pub fn new(format: PixelFormat, color: Colorimetry) -> Self {
        let (luma, chroma) = levels(&format.layout(), color);
        let (luma, chroma) = (ToLevel::new(luma, 1.0), ToLevel::new(chroma, 1.0));
        let weights = Weights::new(color.matrix);
        ChromaConstants {
            luma_offset: luma.offset,
            luma_scale: luma.scale,
            chroma_offset: chroma.offset,
            chroma_scale: chroma.scale,
            weights: [weights.r, weights.g, weights.b],
            gains: chroma_gains(color.matrix).map(|gain| gain as f32),
        }
    }
}

/// The constants of a luma model's output and chroma levels to R', G' and B' levels; see the [module](super).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LumaToRgbConstants {
    /// `1 / white`.
    pub to_level: f32,
    /// Cr's part of red.
    pub r_cr: f32,
    /// Cb's part of green.
    pub g_cb: f32,
    /// Cr's part of green.
    pub g_cr: f32,
    /// Cb's part of blue.
    pub b_cb: f32,
}

impl LumaToRgbConstants {
    /// The constants for frames of `color` and luma tensors of `white`.
    #[must_use]
    pub fn new(color: Colorimetry, white: ValueRange) -> Self {
        let ToRgb { r_cr, g_cb, g_cr, b_cb } = ToRgb::new(color.matrix, 1.0);
        let to_level = (1.0 / f64::from(white.white())) as f32;
        LumaToRgbConstants { to_level, r_cr, g_cb, g_cr, b_cb }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChromaSiting, Matrix, Range};

    const COLOR: Colorimetry =
        Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };

    #[test]
    fn unpacking_constants_are_in_codes_of_the_format() {
        let constants = UnpackConstants::new(PixelFormat::P010, COLOR, ValueRange::Unit);
        assert_eq!((constants.luma_offset, constants.chroma_offset), (64.0, 512.0));
        assert_eq!(constants.luma_scale, 1.0 / 876.0);
        assert_eq!(constants.horizontal, [0.0, 1.0, 0.5, 0.5]);
        assert_eq!(constants.vertical, [0.25, 0.75, 0.75, 0.25]);
    }

    #[test]
    fn packing_constants_hold_the_gain_of_the_filters_that_the_format_needs() {
        let scale = |format| PackConstants::new(format, Size::new(5, 5), COLOR, ValueRange::Unit).cb_scale;
        let full = scale(PixelFormat::Yuv444p);
        assert_eq!(scale(PixelFormat::Yuv422p), full / 8.0);
        assert_eq!(scale(PixelFormat::Yuv420p), full / 32.0);
        let odd = PackConstants::new(PixelFormat::Nv12, Size::new(5, 5), COLOR, ValueRange::Unit);
        assert_eq!((odd.extrapolate_x, odd.extrapolate_y), (None, Some((1.5, -0.5))));
    }

    #[test]
    fn beside_a_luma_model_chroma_is_in_levels_and_so_are_red_green_and_blue() {
        let white = ValueRange::Byte;
        let yuv = PackConstants::beside_chroma(PixelFormat::P010, COLOR, white);
        assert_eq!((yuv.luma_scale, yuv.luma_offset), (876.0 / 255.0, 64.0));
        assert_eq!((yuv.cb_scale, yuv.cr_scale, yuv.chroma_offset), (896.0, 896.0, 512.0));
        let rgb = PackConstants::beside_chroma(PixelFormat::Bgr0, COLOR, white);
        assert_eq!((rgb.luma_scale, rgb.luma_offset, rgb.max_code), (219.0, 16.0, 255.0));
        assert_eq!(LumaToRgbConstants::new(COLOR, white).to_level, 1.0 / 255.0);
        let read = ChromaConstants::new(PixelFormat::Nv12, COLOR);
        assert_eq!((read.chroma_offset, read.chroma_scale), (128.0, 1.0 / 224.0));
    }
}
