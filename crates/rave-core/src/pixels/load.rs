//! Rows of stored samples to rows of fp32 levels.

use crate::{Component, Frame, Layout};

use super::matrix::ToLevel;

#[inline(always)]
// RV-CORE-1006
fn level8(code: u8, to: ToLevel) -> f32 {
    (f32::from(code) - to.offset) * to.scale
}

#[inline(always)]
fn level16(bytes: [u8; 2], shift: u32, to: ToLevel) -> f32 {
    (f32::from(u16::from_le_bytes(bytes) >> shift) - to.offset) * to.scale
}

/// Which samples of a row to read: `columns` of them from column `x` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) x: usize,
    pub(super) columns: usize,
}

/// One component of a planar format.
#[inline(always)]
pub(super) fn planar(row: &[u8], layout: &Layout, span: Span, to: ToLevel, out: &mut [f32]) {
    let out = &mut out[..span.columns];
    if layout.sample_bytes == 1 {
        for (value, &code) in out.iter_mut().zip(&row[span.x..]) {
            *value = level8(code, to);
        }
    } else {
        for (value, &code) in out.iter_mut().zip(&row.as_chunks::<2>().0[span.x..]) {
            *value = level16(code, layout.shift, to);
        }
    }
}

/// Both components of a plane that alternates between two.
#[inline(always)]
pub(super) fn pairs(row: &[u8], layout: &Layout, span: Span, to: ToLevel, out: [&mut [f32]; 2]) {
    let [first, second] = out.map(|out| &mut out[..span.columns]);
    let out = first.iter_mut().zip(second);
    if layout.sample_bytes == 1 {
        for ((a, b), &code) in out.zip(&row.as_chunks::<2>().0[span.x..]) {
            *a = level8(code[0], to);
            *b = level8(code[1], to);
        }
    } else {
        for ((a, b), &code) in out.zip(&row.as_chunks::<4>().0[span.x..]) {
            *a = level16([code[0], code[1]], layout.shift, to);
            *b = level16([code[2], code[3]], layout.shift, to);
        }
    }
}

/// Three components of pixels of `N` bytes, the first at byte `FIRST`, in the order of storage.
#[inline(always)]
fn triples8<const N: usize, const FIRST: usize>(row: &[u8], span: Span, to: ToLevel, out: [&mut [f32]; 3]) {
    let [a, b, c] = out.map(|out| &mut out[..span.columns]);
    let pixels = &row.as_chunks::<N>().0[span.x..];
    for (((a, b), c), pixel) in a.iter_mut().zip(b).zip(c).zip(pixels) {
        *a = level8(pixel[FIRST], to);
        *b = level8(pixel[FIRST + 1], to);
        *c = level8(pixel[FIRST + 2], to);
    }
}

#[inline(always)]
fn triples16(row: &[u8], shift: u32, span: Span, to: ToLevel, out: [&mut [f32]; 3]) {
    let [a, b, c] = out.map(|out| &mut out[..span.columns]);
    let pixels = &row.as_chunks::<6>().0[span.x..];
    for (((a, b), c), pixel) in a.iter_mut().zip(b).zip(c).zip(pixels) {
        *a = level16([pixel[0], pixel[1]], shift, to);
        *b = level16([pixel[2], pixel[3]], shift, to);
        *c = level16([pixel[4], pixel[5]], shift, to);
    }
}

/// The order in which a packed format stores R, G and B, as indices into `[R, G, B]`, and the first one's offset.
pub(super) fn storage_order(components: &[Component; 3]) -> ([usize; 3], usize) {
    let mut order = [0, 1, 2];
    order.sort_by_key(|&component| components[component].offset);
    (order, components[order[0]].offset)
}

/// R, G and B of a packed format.
#[inline(always)]
pub(super) fn packed(row: &[u8], layout: &Layout, span: Span, to: ToLevel, rgb: [&mut [f32]; 3]) {
    let (order, first) = storage_order(&layout.components);
    let [r, g, b] = rgb;
    // Green is in the middle of every packed format, so that red and blue alone may change places.
    let out = if order[0] == 0 { [r, g, b] } else { [b, g, r] };
    match (layout.sample_bytes, layout.components[0].step, first) {
        (1, 3, _) => triples8::<3, 0>(row, span, to, out),
        (1, _, 0) => triples8::<4, 0>(row, span, to, out),
        (1, ..) => triples8::<4, 1>(row, span, to, out),
        _ => triples16(row, layout.shift, span, to, out),
    }
}

/// R, G and B of row `y`, whatever the layout.
#[inline(always)]
pub(super) fn rgb(frame: &Frame<'_>, y: usize, span: Span, to: ToLevel, out: [&mut [f32]; 3]) {
    let layout = frame.format().layout();
    if layout.planes == 1 {
        packed(frame.plane(0).row(y), &layout, span, to, out);
    } else {
        for (component, out) in layout.components.iter().zip(out) {
            planar(frame.plane(component.plane).row(y), &layout, span, to, out);
        }
    }
}

/// Cb and Cr of chroma row `y`, whatever the layout.
#[inline(always)]
pub(super) fn chroma(frame: &Frame<'_>, y: usize, span: Span, to: ToLevel, out: [&mut [f32]; 2]) {
    let layout = frame.format().layout();
    if layout.planes == 2 {
        pairs(frame.plane(1).row(y), &layout, span, to, out);
    } else {
        for (plane, out) in [1, 2].into_iter().zip(out) {
            planar(frame.plane(plane).row(y), &layout, span, to, out);
        }
    }
}
