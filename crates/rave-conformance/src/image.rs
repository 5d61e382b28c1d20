//! Small pictures for the report: what came out, what was expected, and where they differ.

use base64::Engine;
use rave_core::{PixelFamily, Size};

use crate::color::Color;
use crate::oracle::h273;
use crate::picture::Picture;

/// R'G'B' of every pixel, row by row; white is 1.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<[f32; 3]>,
}

impl Image {
    /// Of a tensor with 1 or 3 planes.
    pub(crate) fn of_tensor(size: Size, tensor: &[f64]) -> Self {
        let count = size.pixels() as usize;
        let channel = |index: usize| if tensor.len() == count { 0 } else { index * count };
        let pixels = (0..count).map(|at| [0, 1, 2].map(|index| tensor[channel(index) + at] as f32)).collect();
        Image { size, pixels }
    }

    /// Of a frame, its colours read as `color` says.
    pub(crate) fn of_picture(picture: &Picture, color: Color) -> Self {
        let channels = if picture.format.family() == PixelFamily::Gray { 1 } else { 3 };
        Self::of_tensor(picture.size, &h273::tensor(picture, color, channels))
    }

    /// A PNG of 8 bits in a data URL.
    fn data_url(&self) -> String {
        let bytes: Vec<u8> =
            self.pixels.iter().flatten().map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a vector takes every byte");
        writer.write_image_data(&bytes).expect("there are three bytes for each pixel");
        writer.finish().expect("a vector takes every byte");
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(file))
    }
}

/// A case to look at.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) case: String,
    pub(crate) size: Size,
    /// Expected, found, and their difference, as data URLs.
    pub(crate) pictures: [String; 3],
    /// By what the difference was multiplied to be seen; `None` where there is none.
    pub(crate) gain: Option<f32>,
}

impl Sight {
    /// Both pictures; `None` where they have not one size.
    pub(crate) fn new(expected: &Image, found: &Image) -> Option<Self> {
        if expected.size != found.size {
            return None;
        }
        let difference: Vec<[f32; 3]> = expected
            .pixels
            .iter()
            .zip(&found.pixels)
            .map(|(a, b)| std::array::from_fn(|channel| (a[channel] - b[channel]).abs()))
            .collect();
        let largest = difference.iter().flatten().copied().fold(0f32, f32::max);
        let gain = (largest > 0.0).then(|| 1.0 / largest);
        let seen = difference.iter().map(|pixel| pixel.map(|value| value * gain.unwrap_or(0.0))).collect();
        let difference = Image { size: expected.size, pixels: seen };
        Some(Sight {
            case: String::new(),
            size: expected.size,
            pictures: [expected.data_url(), found.data_url(), difference.data_url()],
            gain,
        })
    }

    /// The same, of the case `id`.
    pub(crate) fn of(mut self, id: &str) -> Self {
        self.case = id.into();
        self
    }
}
