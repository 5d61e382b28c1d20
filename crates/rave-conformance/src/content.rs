//! What frames and tensors are filled with.

use rave_core::{PixelFormat, Size};
use serde::Deserialize;

use crate::color::SitingName;
use crate::picture::{Picture, subsampled};
use crate::random::Random;

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    /// Every code as likely as any other; tensors from below black to above white.
    Noise,
    /// Levels that change evenly across the picture, each component in another direction: every symmetric filter of
    /// gain 1 leaves them as they are, so that oracles with other filters agree where no edge is near.
    Affine,
    /// The lowest and the highest code in turns, in stripes of different widths.
    Extremes,
}

impl Content {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Content::Noise => "noise",
            Content::Affine => "affine",
            Content::Extremes => "extremes",
        }
    }

    /// A frame.
    pub(crate) fn frame(
        self,
        format: PixelFormat,
        size: Size,
        siting: SitingName,
        random: &mut Random,
    ) -> Picture {
        let top = (1u32 << format.layout().depth) - 1;
        Picture::new(format, size, |component, x, y| match self {
            Content::Noise => (random.bits() >> 32) as u16 & top as u16,
            Content::Extremes => {
                let stripe = (x >> component) + (y >> (component + 1));
                if stripe.is_multiple_of(2) { 0 } else { top as u16 }
            }
            Content::Affine => {
                let (wide, high) = subsampled(format, component);
                let (right, below) = siting.offsets();
                let place = |at: u32, half: bool, offset: f64| {
                    if half { 2.0 * f64::from(at) + offset } else { f64::from(at) }
                };
                let level = ramp(component, size, place(x, wide, right), place(y, high, below));
                (level * f64::from(top)).round() as u16
            }
        })
    }

    /// An R'G'B' tensor, white being 1.
    pub(crate) fn tensor(self, size: Size, random: &mut Random) -> Vec<f32> {
        let mut values = Vec::with_capacity(3 * size.pixels() as usize);
        for channel in 0..3 {
            for y in 0..size.height {
                for x in 0..size.width {
                    values.push(match self {
                        Content::Noise => (random.unit() * 1.3 - 0.15) as f32,
                        Content::Affine => ramp(channel, size, f64::from(x), f64::from(y)) as f32,
                        Content::Extremes => ((x >> channel) + (y >> (channel + 1))).rem_euclid(2) as f32,
                    });
                }
            }
        }
        values
    }
}

/// 0.2 to 0.8, rising to the right, downwards, or both, by component.
fn ramp(component: usize, size: Size, x: f64, y: f64) -> f64 {
    let (u, v) = (x / f64::from(size.width), y / f64::from(size.height));
    let place = [u, v, (u + v) / 2.0][component];
    0.2 + 0.6 * place
}
