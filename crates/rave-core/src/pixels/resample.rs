//! Chroma beside a luma model: scaled by cubic interpolation to where the output's chroma samples lie.

use pulp::Arch;

use crate::memory::grow;
use crate::{ChromaSiting, Colorimetry, Frame, Layout, PixelFamily, PixelFormat, Result, Scale, Size};

use super::cubic::{ChromaAxis, Geometry};
use super::load::{self, Span};
use super::matrix::{ToLevel, Weights, chroma_gains, levels};
use super::parts::{Rows, for_each_part, grow_rows, scratch_for};

/// Scales the chroma of frames for [`Pack::run_luma`](super::Pack::run_luma); see the [module](super) for the
/// equations. Rows are spread over the current rayon pool; the result does not depend on the number of threads.
/// Once run, it allocates nothing as long as the pool's size, the sitings and the parity of the crop stay.
#[derive(Clone, Debug)]
pub struct ChromaScaler {
    source: PixelFormat,
    visible: Size,
    target: PixelFormat,
    scale: Scale,
    size: Size,
    arch: Arch,
    plan: Option<Plan>,
    /// Cb and Cr, rows of the source and columns of the target.
    widened: [Vec<f32>; 2],
    /// Cb and Cr at the target's chroma samples.
    planes: [Vec<f32>; 2],
    scratch: Vec<Scratch>,
}

/// Rows of one part.
#[derive(Clone, Debug, Default)]
struct Scratch {
    rgb: [Vec<f32>; 3],
    luma: Vec<f32>,
    /// Cb and Cr of one row with [`ChromaAxis::margin`] on either side.
    chroma: [Vec<f32>; 2],
}

/// What planes are made of.
const LEVELS: &str = "levels of chroma";

impl ChromaScaler {
    /// Prepares for the visible part, of size `visible`, of frames of format `source`, and output frames of format
    /// `target` that are `scale` times as large, rounded down as [`Scale::apply`] does.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](crate::Status::InvalidParameter) when either size is impossible.
    pub fn new(source: PixelFormat, visible: Size, target: PixelFormat, scale: Scale) -> Result<Self> {
        let size = scale.apply(visible.checked("visible part")?)?;
        Ok(ChromaScaler {
            source,
            visible,
            target,
            scale,
            size,
            arch: Arch::new(),
            plan: None,
            widened: [Vec::new(), Vec::new()],
            planes: [Vec::new(), Vec::new()],
            scratch: Vec::new(),
        })
    }

    /// The format of the output frame.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.target
    }

    /// The size of the output frame.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Scales the chroma of `frame`, which is to be read by `input`, for an output that is to be read by `output`.
    /// Levels are kept: the two matrices should be the same.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`](crate::Status::InvalidParameter) when the frame's format or visible size is not what [`ChromaScaler::new`] was
    /// told; [`Status::OutOfMemory`](crate::Status::OutOfMemory).
    pub fn run(&mut self, frame: &Frame<'_>, input: Colorimetry, output: Colorimetry) -> Result<()> {
        super::check_frame(frame, self.source, self.visible)?;
        if self.target.family() == PixelFamily::Gray {
            return Ok(());
        }
        let columns = self.target.layout().chroma_columns(self.size.width as usize);
        let rows = self.target.layout().chroma_rows(self.size.height as usize);
        for plane in &mut self.planes {
            grow(plane, columns * rows, LEVELS)?;
        }
        if self.source.family() == PixelFamily::Gray {
            return Ok(());
        }

        let visible = frame.visible();
        let key = (input.siting, output.siting, [visible.x % 2, visible.y % 2]);
        let plan = match self.plan.take() {
            Some(plan) if plan.key == key => plan,
            _ => self.make_plan(key)?,
        };
        let (horizontal, vertical) = (&plan.horizontal, &plan.vertical);
        for plane in &mut self.widened {
            grow(plane, columns * vertical.samples, LEVELS)?;
        }
        scratch_for(&mut self.scratch, vertical.samples.max(rows), || Ok(Scratch::default()))?;
        for scratch in &mut self.scratch {
            grow_rows(std::slice::from_mut(&mut scratch.luma), horizontal.samples)?;
            grow_rows(&mut scratch.rgb, horizontal.samples)?;
            grow_rows(&mut scratch.chroma, horizontal.samples + 2 * horizontal.margin())?;
        }

        let arch = self.arch;
        let reader = Reader::new(frame, self.source.layout(), input, horizontal.samples, arch);
        let widened = Rows::new(self.widened.each_mut().map(Vec::as_mut_slice), columns);
        for_each_part(widened, 0..vertical.samples, &mut self.scratch, &|mut part, rows, scratch| {
            for (index, y) in rows.enumerate() {
                reader.row(y, horizontal.margin(), scratch);
                for (row, out) in scratch.chroma.iter_mut().zip(part.row(index)) {
                    extend(row, horizontal.margin());
                    arch.dispatch(|| horizontal.along(row, out));
                }
            }
            0
        });

        let widened = &self.widened;
        let planes = Rows::new(self.planes.each_mut().map(Vec::as_mut_slice), columns);
        for_each_part(planes, 0..rows, &mut self.scratch, &|mut part, rows, _| {
            for (index, y) in rows.enumerate() {
                for (plane, out) in widened.iter().zip(part.row(index)) {
                    arch.dispatch(|| vertical.across(plane, y, out));
                }
            }
            0
        });
        self.plan = Some(plan);
        Ok(())
    }

    /// Row `y` of the scaled Cb and Cr, -0.5 to 0.5 in the nominal range.
    pub(super) fn row(&self, y: usize) -> [&[f32]; 2] {
        let columns = self.target.layout().chroma_columns(self.size.width as usize);
        self.planes.each_ref().map(|plane| &plane[y * columns..][..columns])
    }

    /// The horizontal and the vertical filter, for kernels that run elsewhere. `visible` is where the visible part begins
    /// in the frame, of which only whether it is odd matters.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](crate::Status::OutOfMemory).
    pub fn axes(
        &self,
        input: ChromaSiting,
        output: ChromaSiting,
        visible: (u32, u32),
    ) -> Result<[ChromaAxis; 2]> {
        let (source, target) = (self.source.layout(), self.target.layout());
        let horizontal = ChromaAxis::new(&Geometry {
            visible: self.visible.width,
            start: visible.0 % 2,
            scale: self.scale,
            count: target.chroma_columns(self.size.width as usize),
            log2_input: source.log2_chroma_width,
            log2_output: target.log2_chroma_width,
            input_half_steps: input.horizontal_half_steps(),
            output_half_steps: output.horizontal_half_steps(),
        })?;
        let vertical = ChromaAxis::new(&Geometry {
            visible: self.visible.height,
            start: visible.1 % 2,
            scale: self.scale,
            count: target.chroma_rows(self.size.height as usize),
            log2_input: source.log2_chroma_height,
            log2_output: target.log2_chroma_height,
            input_half_steps: input.vertical_half_steps(),
            output_half_steps: output.vertical_half_steps(),
        })?;
        Ok([horizontal, vertical])
    }

    fn make_plan(&self, key: PlanKey) -> Result<Plan> {
        let (input, output, [x, y]) = key;
        let [horizontal, vertical] = self.axes(input, output, (x, y))?;
        Ok(Plan { key, horizontal, vertical })
    }

    /// The same, with no instructions beyond the compilation target's.
    #[cfg(test)]
    pub(super) fn portable(mut self) -> Self {
        self.arch = Arch::Scalar;
        self
    }
}

/// Sitings of input and output, parity of the crop.
type PlanKey = (ChromaSiting, ChromaSiting, [u32; 2]);

#[derive(Clone, Debug)]
struct Plan {
    key: PlanKey,
    horizontal: ChromaAxis,
    vertical: ChromaAxis,
}

/// Copies the outermost samples outwards.
fn extend(row: &mut [f32], margin: usize) {
    let end = row.len() - margin;
    let (first, last) = (row[margin], row[end - 1]);
    row[..margin].fill(first);
    row[end..].fill(last);
}

/// Reads rows of Cb and Cr levels.
struct Reader<'a> {
    frame: &'a Frame<'a>,
    layout: Layout,
    luma: ToLevel,
    chroma: ToLevel,
    weights: Weights,
    gains: [f32; 2],
    /// The first chroma row and the columns of the visible part.
    first_row: usize,
    span: Span,
    arch: Arch,
}

impl<'a> Reader<'a> {
    fn new(frame: &'a Frame<'a>, layout: Layout, color: Colorimetry, columns: usize, arch: Arch) -> Self {
        let (luma, chroma) = levels(&layout, color);
        let visible = frame.visible();
        Reader {
            frame,
            layout,
            luma: ToLevel::new(luma, 1.0),
            chroma: ToLevel::new(chroma, 1.0),
            weights: Weights::new(color.matrix),
            gains: chroma_gains(color.matrix).map(|gain| gain as f32),
            first_row: (visible.y >> layout.log2_chroma_height) as usize,
            span: Span { x: (visible.x >> layout.log2_chroma_width) as usize, columns },
            arch,
        }
    }

    /// Fills the middle of `scratch.chroma` with row `y`, counted from the first that is visible.
    fn row(&self, y: usize, margin: usize, scratch: &mut Scratch) {
        let (arch, columns) = (self.arch, self.span.columns);
        let y = self.first_row + y;
        let [cb, cr] = scratch.chroma.each_mut().map(|row| &mut row[margin..][..columns]);
        if self.layout.family == PixelFamily::Yuv {
            return arch.dispatch(|| load::chroma(self.frame, y, self.span, self.chroma, [cb, cr]));
        }
        let [r, g, b] = scratch.rgb.each_mut().map(Vec::as_mut_slice);
        let luma = &mut scratch.luma[..];
        arch.dispatch(|| load::rgb(self.frame, y, self.span, self.luma, [&mut *r, &mut *g, &mut *b]));
        arch.dispatch(|| super::unpack::weigh(r, g, b, self.weights, luma));
        arch.dispatch(|| difference(b, luma, self.gains[0], cb));
        arch.dispatch(|| difference(r, luma, self.gains[1], cr));
    }
}

#[inline(always)]
fn difference(component: &[f32], luma: &[f32], gain: f32, out: &mut [f32]) {
    for ((out, &component), &luma) in out.iter_mut().zip(component).zip(luma) {
        *out = (component - luma) * gain;
    }
}
