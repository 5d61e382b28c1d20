//! What is varied: one case is one launch compared with the CPU reference.

use std::fmt;

use rave_core::{ChromaSiting, Colorimetry, ElementType, Matrix, PixelFormat, Range, Rect, Size, ValueRange};

use super::random::Random;

/// Every format with kernels on the device.
pub(crate) const FORMATS: [PixelFormat; 23] = [
    PixelFormat::Nv12,
    PixelFormat::P010,
    PixelFormat::P012,
    PixelFormat::P016,
    PixelFormat::Nv16,
    PixelFormat::P210,
    PixelFormat::P216,
    PixelFormat::Yuv420p,
    PixelFormat::Yuv420p10,
    PixelFormat::Yuv420p12,
    PixelFormat::Yuv420p16,
    PixelFormat::Yuv422p,
    PixelFormat::Yuv422p10,
    PixelFormat::Yuv422p12,
    PixelFormat::Yuv422p16,
    PixelFormat::Yuv444p,
    PixelFormat::Yuv444p10,
    PixelFormat::Yuv444p12,
    PixelFormat::Yuv444p16,
    PixelFormat::Rgb0,
    PixelFormat::Bgr0,
    PixelFormat::ZeroRgb,
    PixelFormat::ZeroBgr,
];

pub(crate) const ELEMENTS: [ElementType; 2] = [ElementType::F32, ElementType::F16];

pub(crate) const MATRICES: [Matrix; 5] =
    [Matrix::Bt709, Matrix::Fcc, Matrix::Bt601, Matrix::Smpte240, Matrix::Bt2020];

pub(crate) const SITINGS: [ChromaSiting; 6] = [
    ChromaSiting::Left,
    ChromaSiting::Center,
    ChromaSiting::TopLeft,
    ChromaSiting::Top,
    ChromaSiting::BottomLeft,
    ChromaSiting::Bottom,
];

/// Where rows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pitch {
    /// No padding.
    Tight,
    /// As FFmpeg's pools.
    Aligned512,
    /// An odd number of samples more, planes begin one sample beside alignment.
    Odd,
}

pub(crate) const PITCHES: [Pitch; 3] = [Pitch::Tight, Pitch::Aligned512, Pitch::Odd];

/// What the samples or elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Every value equally likely; for tensors a little beyond black and white.
    Uniform,
    /// Around the lowest.
    NearZero,
    /// Around the highest.
    NearMax,
    /// Tensors: finite numbers up to the type's largest.
    Huge,
    /// Tensors: some NaN and infinite elements.
    NotFinite,
}

pub(crate) const FRAME_CONTENTS: [Content; 3] = [Content::Uniform, Content::NearZero, Content::NearMax];
pub(crate) const TENSOR_CONTENTS: [Content; 5] =
    [Content::Uniform, Content::NearZero, Content::NearMax, Content::Huge, Content::NotFinite];

/// What both directions vary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) index: u64,
    pub(crate) format: PixelFormat,
    pub(crate) element: ElementType,
    pub(crate) size: Size,
    pub(crate) pitch: Pitch,
    pub(crate) content: Content,
    pub(crate) color: Colorimetry,
    pub(crate) white: ValueRange,
    /// Unpacking: the visible part.
    pub(crate) visible: Rect,
    /// Unpacking: 3 or 1.
    pub(crate) channels: u32,
    pub(crate) tensor: Size,
    /// The tensor does not begin at a multiple of 16 bytes.
    pub(crate) misaligned_tensor: bool,
    /// Packing.
    pub(crate) dither: bool,
}

/// What is looped over; the rest of a case is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes {
    pub(crate) format: PixelFormat,
    pub(crate) element: ElementType,
    pub(crate) size: Size,
    pub(crate) siting: ChromaSiting,
    pub(crate) pitch: Pitch,
    pub(crate) content: Content,
}

impl Case {
    /// Case `index` of a run with `seed`.
    pub(crate) fn draw(seed: u64, index: u64, axes: Axes) -> (Self, Random) {
        let mut random = Random::of(seed, index);
        let color = Colorimetry {
            matrix: random.pick(&MATRICES),
            range: random.pick(&[Range::Limited, Range::Full]),
            siting: axes.siting,
        };
        let size = axes.size;
        let visible = draw_visible(size, &mut random);
        let tensor = draw_padded(visible.size, &mut random);
        let case = Case {
            seed,
            index,
            format: axes.format,
            element: axes.element,
            size,
            pitch: axes.pitch,
            content: axes.content,
            color,
            white: random.pick(&[ValueRange::Unit, ValueRange::Byte]),
            visible,
            channels: if random.below(4) == 0 { 1 } else { 3 },
            tensor,
            misaligned_tensor: random.below(4) == 0,
            dither: random.flip(),
        };
        (case, random)
    }
}

/// Half of the time the whole of a frame, else some part of it.
pub(crate) fn draw_visible(size: Size, random: &mut Random) -> Rect {
    let mut visible = Rect::of(size);
    if random.flip() {
        visible.x = random.below(size.width);
        visible.y = random.below(size.height);
        visible.size =
            Size::new(1 + random.below(size.width - visible.x), 1 + random.below(size.height - visible.y));
        if random.flip() {
            // The other half keeps to where rows can be read whole.
            visible.x &= !7;
            visible.size.width = size.width - visible.x;
        }
    }
    visible
}

/// The size of a tensor that holds `size` and mostly a little more.
pub(crate) fn draw_padded(size: Size, random: &mut Random) -> Size {
    let mut pad = || random.pick(&[0, 0, 1, 5, 16]);
    Size::new(size.width + pad(), size.height + pad())
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            seed,
            index,
            format,
            element,
            size,
            pitch,
            content,
            color,
            white,
            visible,
            channels,
            tensor,
            misaligned_tensor,
            dither,
        } = self;
        write!(
            f,
            "--seed {seed} case {index}: {format} {element} {size}, pitch {pitch:?}, {content:?}, {} {:?} {:?}, white \
             {white:?}, visible {} at ({}, {}), {channels} channels, tensor {tensor}{}, dither {dither}",
            color.matrix,
            color.range,
            color.siting,
            visible.size,
            visible.x,
            visible.y,
            if *misaligned_tensor { " misaligned" } else { "" },
        )
    }
}

/// What is tried of one format and element type.
pub(crate) fn axes(
    quick: bool,
    format: PixelFormat,
    element: ElementType,
    contents: &'static [Content],
) -> Vec<Axes> {
    const SMALL: [Size; 9] = [
        Size::new(1, 1),
        Size::new(2, 2),
        Size::new(3, 5),
        Size::new(8, 16),
        Size::new(17, 9),
        Size::new(64, 48),
        Size::new(255, 257),
        Size::new(263, 33),
        Size::new(512, 31),
    ];
    const QUICK: [Size; 4] = [Size::new(1, 1), Size::new(3, 5), Size::new(64, 19), Size::new(267, 35)];
    let mut axes = Vec::new();
    let mut add = |size, siting, pitch, content| {
        axes.push(Axes { format, element, size, siting, pitch, content });
    };
    if quick {
        for (turn, siting) in SITINGS.into_iter().enumerate() {
            for (step, size) in QUICK.into_iter().enumerate() {
                let turn = turn + step;
                add(size, siting, PITCHES[turn % PITCHES.len()], contents[turn % contents.len()]);
            }
        }
        return axes;
    }
    for size in SMALL {
        for siting in SITINGS {
            for pitch in PITCHES {
                for &content in contents {
                    add(size, siting, pitch, content);
                }
            }
        }
    }
    for (turn, siting) in SITINGS.into_iter().enumerate() {
        add(Size::new(1920, 1080), siting, PITCHES[turn % PITCHES.len()], contents[turn % contents.len()]);
    }
    axes
}
