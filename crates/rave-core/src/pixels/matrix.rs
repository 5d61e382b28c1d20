//! The numbers of ITU-T H.273: which code stands for which signal level, and the Y'CbCr matrices.

use crate::{Colorimetry, Layout, Matrix, Range};

/// How codes of one kind of component map to signal levels: `level = (code - offset) / span`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub(super) offset: f64,
    pub(super) span: f64,
}

impl Levels {
    /// Y', R', G' and B': 0 to 1 (H.273, section 8.3).
    pub(super) fn luma(depth: u32, range: Range) -> Self {
        match range {
            Range::Limited => {
                Levels { offset: f64::from(16u32 << (depth - 8)), span: f64::from(219u32 << (depth - 8)) }
            }
            Range::Full => Levels { offset: 0.0, span: f64::from((1u32 << depth) - 1) },
        }
    }

    /// Cb and Cr: -0.5 to 0.5 (H.273, section 8.3).
    pub(super) fn chroma(depth: u32, range: Range) -> Self {
        Levels {
            offset: f64::from(1u32 << (depth - 1)),
            span: match range {
                Range::Limited => f64::from(224u32 << (depth - 8)),
                Range::Full => f64::from((1u32 << depth) - 1),
            },
        }
    }
}

/// `(code - offset) * scale`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToLevel {
    pub(super) offset: f32,
    pub(super) scale: f32,
}

impl ToLevel {
    /// The level, where the top of the nominal range is `white`.
    pub(super) fn new(levels: Levels, white: f64) -> Self {
        ToLevel { offset: levels.offset as f32, scale: (white / levels.span) as f32 }
    }

    /// The code less its offset: exact.
    pub(super) fn centred(levels: Levels) -> Self {
        ToLevel { offset: levels.offset as f32, scale: 1.0 }
    }
}

/// `value * scale + offset`, and the largest code.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToCode {
    pub(super) scale: f32,
    pub(super) offset: f32,
    pub(super) max: f32,
    pub(super) shift: u32,
}

impl ToCode {
    /// The code of a value that stands for the level `value * gain`.
    pub(super) fn new(layout: &Layout, levels: Levels, gain: f64) -> Self {
        ToCode {
            scale: (levels.span * gain) as f32,
            offset: levels.offset as f32,
            max: ((1u32 << layout.depth) - 1) as f32,
            shift: layout.shift,
        }
    }
}

/// Kr, Kg and Kb, each rounded once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) r: f32,
    pub(super) g: f32,
    pub(super) b: f32,
}

impl Weights {
    pub(super) fn new(matrix: Matrix) -> Self {
        let (kr, kb) = matrix.weights();
        Weights { r: kr as f32, g: (1.0 - kr - kb) as f32, b: kb as f32 }
    }
}

/// Y'CbCr to R'G'B' (H.273, section 8.3, solved for R', G', B'):
///
/// - `R = Y + r_cr * Cr`
/// - `G = (Y + g_cb * Cb) + g_cr * Cr`
/// - `B = Y + b_cb * Cb`
#[derive(Clone, Copy, Debug)]
pub(super) struct ToRgb {
    pub(super) r_cr: f32,
    pub(super) g_cb: f32,
    pub(super) g_cr: f32,
    pub(super) b_cb: f32,
}

impl ToRgb {
    /// For Cb and Cr in units of `1 / gain`: a value `c` of either stands for the level `c * gain`.
    // RV-CORE-1007
    pub(super) fn new(matrix: Matrix, gain: f64) -> Self {
        let (kr, kb) = matrix.weights();
        let kg = 1.0 - kr - kb;
        let (cb, cr) = (2.0 * (1.0 - kb) * gain, 2.0 * (1.0 - kr) * gain);
        ToRgb { r_cr: cr as f32, g_cb: (-cb * kb / kg) as f32, g_cr: (-cr * kr / kg) as f32, b_cb: cb as f32 }
    }
}

/// What turns `B - Y` and `R - Y` into Cb and Cr (H.273, section 8.3): `1 / (2 (1 - Kb))` and
/// `1 / (2 (1 - Kr))`.
// RV-CORE-1007
pub(super) fn chroma_gains(matrix: Matrix) -> [f64; 2] {
    let (kr, kb) = matrix.weights();
    [0.5 / (1.0 - kb), 0.5 / (1.0 - kr)]
}

/// The levels of a layout's luma (or R'G'B') and chroma components.
pub(super) fn levels(layout: &Layout, color: Colorimetry) -> (Levels, Levels) {
    debug_assert!((8..=16).contains(&layout.depth));
    (Levels::luma(layout.depth, color.range), Levels::chroma(layout.depth, color.range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bt709_has_the_coefficients_that_are_in_print() {
        // ITU-R BT.709-6, item 3.2 and 3.3, inverted: the usual 1.5748, 0.1873, 0.4681, 1.8556.
        let m = ToRgb::new(Matrix::Bt709, 1.0);
        for (found, printed) in [(m.r_cr, 1.5748), (m.g_cb, -0.1873), (m.g_cr, -0.4681), (m.b_cb, 1.8556)] {
            assert!((found - printed).abs() < 5e-5, "{found} is not {printed}");
        }
    }

    #[test]
    fn bt601_has_the_coefficients_that_are_in_print() {
        // The JFIF specification's 1.402, 0.344136, 0.714136, 1.772.
        let m = ToRgb::new(Matrix::Bt601, 1.0);
        for (found, printed) in [(m.r_cr, 1.402), (m.g_cb, -0.344_136), (m.g_cr, -0.714_136), (m.b_cb, 1.772)]
        {
            assert!((found - printed).abs() < 5e-7, "{found} is not {printed}");
        }
    }

    #[test]
    fn nominal_levels_are_those_of_the_standard() {
        let limited = Levels::luma(10, Range::Limited);
        assert_eq!((limited.offset, limited.offset + limited.span), (64.0, 940.0));
        let limited = Levels::chroma(10, Range::Limited);
        assert_eq!((limited.offset, limited.offset + limited.span / 2.0), (512.0, 960.0));
        let full = Levels::luma(12, Range::Full);
        assert_eq!((full.offset, full.span), (0.0, 4095.0));
        let full = Levels::chroma(8, Range::Full);
        assert_eq!((full.offset, full.span), (128.0, 255.0));
    }
}
