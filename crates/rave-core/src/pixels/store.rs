//! Rows of fp32 values to rows of stored samples.

use crate::Layout;

use super::dither::BIAS_COLUMNS;
use super::load::storage_order;
use super::matrix::ToCode;

/// `floor(value * scale + offset + bias)`, clamped to the codes and shifted to where the format keeps them.
///
/// The clamp comes before the rounding, which is the same because both bounds are whole, and in this form is one
/// instruction a bound. Adding 2^23 leaves the nearest whole number in the low bits of the fp32 value; where that is
/// above the code, 1 less is its floor. (A cast would do, but its checks for numbers that do not fit are not free.)
#[inline(always)]
fn code(value: f32, bias: f32, to: ToCode) -> u16 {
    let code = value * to.scale + to.offset + bias;
    let code = if code > 0.0 { code } else { 0.0 };
    let code = if code < to.max { code } else { to.max };
    const ONE_IS_LOWEST_BIT: f32 = 8_388_608.0;
    let nearest = code + ONE_IS_LOWEST_BIT;
    let above = u32::from(nearest - ONE_IS_LOWEST_BIT > code);
    (nearest.to_bits().wrapping_sub(above) << to.shift) as u16
}

/// Quantises a row that starts at column 0.
#[inline(always)]
pub(super) fn quantise(values: &[f32], bias: &[f32; BIAS_COLUMNS], to: ToCode, codes: &mut [u16]) {
    for (values, codes) in values.chunks(BIAS_COLUMNS).zip(codes.chunks_mut(BIAS_COLUMNS)) {
        for ((&value, &bias), out) in values.iter().zip(bias).zip(codes) {
            *out = code(value, bias, to);
        }
    }
}

/// Writes one component of a planar format.
#[inline(always)]
pub(super) fn planar(codes: &[u16], layout: &Layout, row: &mut [u8]) {
    if layout.sample_bytes == 1 {
        for (out, &code) in row.iter_mut().zip(codes) {
            *out = code as u8;
        }
    } else {
        for (out, &code) in row.as_chunks_mut::<2>().0.iter_mut().zip(codes) {
            *out = code.to_le_bytes();
        }
    }
}

/// Writes a plane that alternates between two components.
#[inline(always)]
pub(super) fn pairs(codes: [&[u16]; 2], layout: &Layout, row: &mut [u8]) {
    let codes = codes[0].iter().zip(codes[1]);
    if layout.sample_bytes == 1 {
        for (out, (&a, &b)) in row.as_chunks_mut::<2>().0.iter_mut().zip(codes) {
            *out = [a as u8, b as u8];
        }
    } else {
        for (out, (&a, &b)) in row.as_chunks_mut::<4>().0.iter_mut().zip(codes) {
            let ([a0, a1], [b0, b1]) = (a.to_le_bytes(), b.to_le_bytes());
            *out = [a0, a1, b0, b1];
        }
    }
}

/// Writes R, G and B of a packed format, and 255 where the format has padding, as an opaque alpha would be.
#[inline(always)]
pub(super) fn packed(rgb: [&[u16]; 3], layout: &Layout, row: &mut [u8]) {
    let (order, first) = storage_order(&layout.components);
    let [a, b, c] = order.map(|component| rgb[component]);
    let codes = a.iter().zip(b).zip(c);
    match (layout.sample_bytes, layout.components[0].step, first) {
        (1, 3, _) => {
            for (out, ((&a, &b), &c)) in row.as_chunks_mut::<3>().0.iter_mut().zip(codes) {
                *out = [a as u8, b as u8, c as u8];
            }
        }
        (1, _, 0) => {
            for (out, ((&a, &b), &c)) in row.as_chunks_mut::<4>().0.iter_mut().zip(codes) {
                *out = [a as u8, b as u8, c as u8, 255];
            }
        }
        (1, ..) => {
            for (out, ((&a, &b), &c)) in row.as_chunks_mut::<4>().0.iter_mut().zip(codes) {
                *out = [255, a as u8, b as u8, c as u8];
            }
        }
        _ => {
            for (out, ((&a, &b), &c)) in row.as_chunks_mut::<6>().0.iter_mut().zip(codes) {
                let [[a0, a1], [b0, b1], [c0, c1]] = [a, b, c].map(u16::to_le_bytes);
                *out = [a0, a1, b0, b1, c0, c1];
            }
        }
    }
}
