//! Two frames that are equal where they are visible, or are not in one bit. Nothing here needs a GPU.

use std::fmt;

use rave_core::{PixelFormat, Rect, Result, Size};
use rave_cuda::FrameOnDevice;

use super::case::{Content, FORMATS, Pitch};
use super::image::FrameLayout;
use super::random::Random;

/// Two frames, each with everything around its visible part unlike the other's.
pub(crate) struct FramePair {
    format: PixelFormat,
    visible: Rect,
    layouts: [FrameLayout; 2],
    pitches: [Pitch; 2],
    pub(crate) blocks: [Vec<u8>; 2],
    /// Whether one visible bit differs.
    pub(crate) different: bool,
}

impl FramePair {
    pub(crate) fn draw(random: &mut Random) -> Self {
        const WIDTHS: [u32; 4] = [16, 130, 600, 2600];
        let format = random.pick(&FORMATS);
        let width = random.pick(&WIDTHS);
        let size = Size::new(1 + random.below(width), 1 + random.below(40));
        let mut visible = Rect::of(size);
        if random.flip() {
            visible.x = random.below(size.width);
            visible.y = random.below(size.height);
            if random.flip() {
                // Where rows may be read in whole words.
                visible.x &= !15;
            }
            visible.size = Size::new(
                1 + random.below(size.width - visible.x),
                1 + random.below(size.height - visible.y),
            );
        }
        let mut pitch = || random.pick(&[Pitch::Tight, Pitch::Aligned512, Pitch::Odd]);
        let pitches = [pitch(), pitch()];
        let layouts = pitches.map(|pitch| FrameLayout::new(format, size, pitch));
        let mut first = layouts[0].block();
        layouts[0].fill(&mut first, Content::Uniform, random);
        let mut second: Vec<u8> = layouts[1].block().iter().map(|_| random.next() as u8).collect();
        let [from, to] = [layouts[0].covering(visible), layouts[1].covering(visible)];
        for (from, to) in from.into_iter().zip(to.clone()) {
            second[to].copy_from_slice(&first[from]);
        }
        let different = random.below(3) > 0;
        if different {
            // The last byte of a row is where a kernel is most likely to stop early.
            let row = to[random.below(to.len() as u32) as usize].clone();
            let at =
                if random.flip() { row.end - 1 } else { row.start + random.below(row.len() as u32) as usize };
            second[at] ^= 1 << random.below(8);
        }
        FramePair { format, visible, layouts, pitches, blocks: [first, second], different }
    }

    /// Frame `which` in a copy of its block at `base`.
    pub(crate) fn on_device(&self, which: usize, base: u64) -> Result<FrameOnDevice> {
        self.layouts[which].on_device(base)?.with_visible(self.visible)
    }
}

impl fmt::Display for FramePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FramePair { format, visible, pitches, different, .. } = self;
        let Rect { x, y, size } = visible;
        let alike = if *different { "unlike" } else { "equal" };
        write!(f, "{format} {size} at ({x}, {y}), pitches {pitches:?}, {alike}")
    }
}
