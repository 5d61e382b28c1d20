//! Sizes, rectangles and the scale of a model.

use std::fmt;

use crate::{Error, Result, Status};

/// The largest width or height, in pixels, that any frame may have.
pub const MAX_SIDE: u32 = 32768;
/// The largest number of pixels that any frame may have (16384 x 16384).
pub const MAX_PIXELS: u64 = 1 << 28;

/// A width and a height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size; nothing is checked.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Size { width, height }
    }

    /// The number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Returns the size if it is a possible frame size: 1 to [`MAX_SIDE`] each way, at most [`MAX_PIXELS`].
    ///
    /// # Errors
    /// [`Status::InvalidParameter`], naming `what`.
    // RV-CORE-1105
    pub fn checked(self, what: &str) -> Result<Self> {
        let side = 1..=MAX_SIDE;
        if side.contains(&self.width) && side.contains(&self.height) && self.pixels() <= MAX_PIXELS {
            return Ok(self);
        }
        Err(Error::new(Status::InvalidParameter, format!("{what} is {self}"))
            .expected(format!("1 to {MAX_SIDE} pixels a side and at most {MAX_PIXELS} in all")))
    }

    /// Both sides rounded up to multiples of `multiple`.
    #[must_use]
    pub const fn round_up(self, multiple: u32) -> Self {
        Size { width: self.width.next_multiple_of(multiple), height: self.height.next_multiple_of(multiple) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle of pixels inside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// The extent.
    pub size: Size,
}

impl Rect {
    /// The rectangle that covers a whole frame.
    #[must_use]
    pub const fn of(size: Size) -> Self {
        Rect { x: 0, y: 0, size }
    }
}

/// Output size over input size, equal in both directions, as a reduced fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scale {
    numerator: u32,
    denominator: u32,
}

impl Scale {
    /// A scale of 1.
    pub const ONE: Scale = Scale { numerator: 1, denominator: 1 };

    /// The fraction `numerator / denominator`, reduced; `None` when either is 0.
    #[must_use]
    pub const fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Scale { numerator: numerator / a, denominator: denominator / a })
    }

    /// The scale that takes `input` to `output`, when it is the same in both directions.
    #[must_use]
    pub fn between(input: Size, output: Size) -> Option<Self> {
        let horizontal = Scale::new(output.width, input.width)?;
        let vertical = Scale::new(output.height, input.height)?;
        (horizontal == vertical).then_some(horizontal)
    }

    /// The reduced numerator.
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// The reduced denominator. An input whose sides are multiples of it scales to whole pixels.
    #[must_use]
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// `size` scaled and rounded down to whole pixels, at least 1x1.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the result is not a possible frame size.
    // RV-CORE-1106
    pub fn apply(self, size: Size) -> Result<Size> {
        let scale = |side: u32| {
            let scaled = u64::from(side) * u64::from(self.numerator) / u64::from(self.denominator);
            u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
        };
        Size::new(scale(size.width), scale(size.height)).checked(&format!("{size} scaled by {self}"))
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}x", self.numerator),
            denominator => write!(f, "{}/{denominator}x", self.numerator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_reduced_and_equal_both_ways() {
        let scale = Scale::between(Size::new(320, 180), Size::new(480, 270)).unwrap();
        assert_eq!((scale.numerator(), scale.denominator()), (3, 2));
        assert_eq!(scale.to_string(), "3/2x");
        assert_eq!(Scale::between(Size::new(10, 10), Size::new(20, 30)), None);
        assert_eq!(Scale::between(Size::new(0, 10), Size::new(20, 30)), None);
    }

    /// RV-CORE-1106
    #[test]
    fn a_scaled_size_is_rounded_down_to_whole_pixels() {
        let scaled = |numerator, denominator, width, height| {
            Scale::new(numerator, denominator).unwrap().apply(Size::new(width, height)).unwrap()
        };
        assert_eq!(scaled(3, 2, 5, 4), Size::new(7, 6));
        assert_eq!(scaled(2, 3, 5, 7), Size::new(3, 4));
        assert_eq!(scaled(1, 4, 3, 9), Size::new(1, 2), "no side vanishes");
    }

    /// RV-CORE-1105
    #[test]
    fn a_scaled_size_is_limited_and_named() {
        let four = Scale::new(4, 1).unwrap();
        for size in [Size::new(8193, 10), Size::new(u32::MAX, 1)] {
            let error = four.apply(size).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
            assert!(error.to_string().contains(&format!("{size} scaled by 4x")), "{error}");
        }
    }

    /// RV-CORE-1105
    #[test]
    fn an_impossible_size_is_named() {
        for size in [Size::new(0, 8), Size::new(8, 0), Size::new(32769, 1), Size::new(16385, 16384)] {
            let error = size.checked("frame").unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
        assert!(Size::new(16384, 16384).checked("frame").is_ok());
    }
}
