//! Pictures made on the spot, the same everywhere.

/// `count` bytes of noise that depend on `seed` alone (a 64-bit linear congruential generator's upper bits).
#[must_use]
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// `count` samples of noise of `depth` bits as FFmpeg stores them: one byte up to 8 bits, else two, little-endian,
/// shifted up by `shift`.
#[must_use]
pub fn samples(seed: u64, count: usize, depth: u32, shift: u32) -> Vec<u8> {
    if depth <= 8 {
        return noise(seed, count);
    }
    let mask = ((1u32 << depth) - 1) as u16;
    noise(seed, count * 2)
        .chunks_exact(2)
        .flat_map(|pair| ((u16::from_le_bytes([pair[0], pair[1]]) & mask) << shift).to_le_bytes())
        .collect()
}
