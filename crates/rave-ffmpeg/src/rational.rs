//! Exact fractions: time bases, frame rates, aspect ratios.

use std::fmt;

use crate::sys;

/// A fraction. 0/1 is "unknown" where that is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    /// The numerator.
    pub num: i32,
    /// The denominator.
    pub den: i32,
}

impl Rational {
    /// A fraction; nothing is reduced.
    #[must_use]
    pub const fn new(num: i32, den: i32) -> Self {
        Rational { num, den }
    }

    /// `None` where the fraction is not a positive number.
    #[must_use]
    pub const fn known(self) -> Option<Self> {
        if self.num > 0 && self.den > 0 { Some(self) } else { None }
    }

    /// One over it.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Rational { num: self.den, den: self.num }
    }

    /// The fraction as a floating-point number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// What `ticks` of this time base are in `other`, rounded to the nearest, halves away from zero.
    ///
    /// # Panics
    /// When either is not a positive number.
    #[must_use]
    pub fn rescale(self, ticks: i64, other: Rational) -> i64 {
        assert!(self.known().is_some() && other.known().is_some(), "from {self} to {other}");
        // SAFETY: plain arithmetic on values; both fractions are positive, as it requires.
        unsafe { sys::av_rescale_q(ticks, self.into(), other.into()) }
    }
}

impl From<sys::AVRational> for Rational {
    fn from(value: sys::AVRational) -> Self {
        Rational { num: value.num, den: value.den }
    }
}

impl From<Rational> for sys::AVRational {
    fn from(value: Rational) -> Self {
        sys::AVRational { num: value.num, den: value.den }
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}
