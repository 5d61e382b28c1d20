//! The picture that every new engine is run on once.
//!
//! It is the same on every machine and has what makes networks overflow: slopes, edges, colours at the ends of their
//! range, and noise.

use rave_core::Size;

use super::Picture;

/// Cells along each side.
const CELLS: u32 = 4;
/// White.
const MOST: u32 = u16::MAX as u32;

impl Picture {
    /// The self-test picture of `size`: 16 cells of eight kinds, each kind twice.
    // RV-ENG-1707
    #[must_use]
    pub fn self_test(size: Size) -> Self {
        let samples: Vec<u16> = (0..size.height)
            .flat_map(|y| (0..size.width).flat_map(move |x| pixel(size, x, y)))
            .map(|sample| sample as u16)
            .collect();
        Picture::of_rgb48(size, &samples)
    }
}

/// Red, green and blue at column `x` of row `y`.
fn pixel(size: Size, x: u32, y: u32) -> [u32; 3] {
    let Size { width, height } = size;
    let (column, row) = (place(x, CELLS, width), place(y, CELLS, height));
    let white_if = |yes: bool| [if yes { MOST } else { 0 }; 3];
    // Rows of cells are two kinds apart, so that those of one kind do not lie side by side.
    match (column + 2 * row) % 8 {
        // Slopes over the whole picture, of gray and of colours against each other.
        0 => [place(x, MOST + 1, width); 3],
        1 => [place(x, MOST + 1, width), place(y, MOST + 1, height), MOST - place(x, MOST + 1, width)],
        // Edges: of single pixels, of lines, along a diagonal.
        2 => white_if((x + y).is_multiple_of(2)),
        3 => white_if(x.is_multiple_of(8) || y.is_multiple_of(8)),
        4 => white_if((x + y) % 16 < 8),
        // The eight colours whose components are all or nothing.
        5 => [0, 1, 2].map(|bit| if (x / 4 + y / 4) >> bit & 1 == 1 { MOST } else { 0 }),
        // Noise, of every component and of gray at its ends.
        6 => [0, 1, 2].map(|component| noise(x, y, component) & MOST),
        _ => white_if(noise(x, y, 3) & 1 == 1),
    }
}

/// Where `at` lies in `parts` equal parts of `length`.
fn place(at: u32, parts: u32, length: u32) -> u32 {
    (u64::from(at) * u64::from(parts) / u64::from(length)) as u32
}

/// Bits that follow from their place and have no pattern that is seen: the finalizer of MurmurHash3.
fn noise(x: u32, y: u32, component: u32) -> u32 {
    let mut bits = x ^ y.rotate_left(12) ^ component.rotate_left(24);
    bits = (bits ^ bits >> 16).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ bits >> 13).wrapping_mul(0xc2b2_ae35);
    bits ^ bits >> 16
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rave_core::ValueRange;
    use rave_ledger::Digest;

    use super::*;

    fn pixels(size: Size) -> Vec<[u32; 3]> {
        (0..size.height).flat_map(|y| (0..size.width).map(move |x| pixel(size, x, y))).collect()
    }

    /// RV-ENG-1707
    #[test]
    fn it_has_slopes_edges_saturated_colours_and_noise_at_every_usual_size() {
        for size in [Size::new(64, 64), Size::new(224, 224), Size::new(1920, 1088)] {
            let pixels = pixels(size);
            let colors: HashSet<_> = pixels.iter().collect();
            for corner in 0..8 {
                let color = [0, 1, 2].map(|bit| if corner >> bit & 1 == 1 { MOST } else { 0 });
                assert!(colors.contains(&color), "{color:?} at {size}");
            }
            for component in 0..3 {
                let steps =
                    pixels.windows(2).filter(|pair| pair[0][component].abs_diff(pair[1][component]) == MOST);
                assert!(steps.count() > pixels.len() / 64, "edges at {size}");
                let levels: HashSet<_> = pixels.iter().map(|pixel| pixel[component]).collect();
                assert!(levels.len() > (pixels.len() / 16).min(20_000), "{} levels at {size}", levels.len());
            }
        }
    }

    /// RV-ENG-1707
    #[test]
    fn it_is_the_same_on_every_machine() {
        let size = Size::new(67, 45);
        let tensor = Picture::self_test(size).tensor(size, 3, size, ValueRange::Unit).unwrap();
        assert!(tensor.iter().all(|number| (0.0..=1.0).contains(number)));
        let bytes: Vec<u8> =
            pixels(size).into_iter().flatten().flat_map(|sample| (sample as u16).to_le_bytes()).collect();
        assert_eq!(
            Digest::of(&bytes).to_string(),
            "8712e31fd4c59434a33ef0eadbacb41f309b87ebe0ef097473793a415c347367"
        );
    }

    /// RV-ENG-1707
    #[test]
    fn a_picture_of_one_pixel_is_one_as_well() {
        assert_eq!(Picture::self_test(Size::new(1, 1)).size(), Size::new(1, 1));
        assert_eq!(pixels(Size::new(1, 1)).len(), 1);
    }
}
