//! A graph whose kernels are given other frames, beside direct launches on those.

use rave_core::{ChromaSiting, Colorimetry, Matrix, Range, Result, TensorShape, ValueRange};
use rave_cuda::{DeviceBuffer, FrameOnDevice, GraphNode, PackKernel, Stream, TensorOnDevice, UnpackKernel};

use super::case::{self, Axes, Case, ELEMENTS, FORMATS, FRAME_CONTENTS, Pitch};
use super::compare::Bed;
use super::image::{FrameLayout, TensorBlock};
use super::options::Options;
use super::random::Random;
use super::report::Report;
use super::suite::Suite;

const SUITE: Suite = Suite { name: "frames given to a graph", first: 1_000_000 };

/// What is copied before a graph is launched, so that it is still waiting when its parameters are changed.
const DELAY_BYTES: usize = 128 << 20;

/// Runs the suite.
pub(crate) fn check(options: &Options, bed: &Bed, report: &mut Report) -> Result<()> {
    let axes: Vec<Axes> = FORMATS
        .into_iter()
        .flat_map(|format| {
            ELEMENTS.into_iter().flat_map(move |element| case::axes(true, format, element, &FRAME_CONTENTS))
        })
        .collect();
    let delay = DeviceBuffer::new(bed.stream.device(), DELAY_BYTES)?;
    SUITE.run(options, report, axes.len() as u64, |index, _| {
        let number = SUITE.first + index;
        let (case, random) = Case::draw(options.seed, number, axes[index as usize]);
        let difference = compare(bed, &delay, &Case { channels: 3, ..case }, random)?;
        Ok(difference.map(|difference| format!("{case}: {difference}")))
    })
}

/// Whether a graph that was recorded on one set of buffers, and is launched on a second one while its first launch is
/// under way, leaves in both what direct launches leave.
fn compare(bed: &Bed, delay: &DeviceBuffer, case: &Case, mut random: Random) -> Result<Option<String>> {
    let stream = &bed.stream;
    let other = Case {
        pitch: if case.pitch == Pitch::Odd { Pitch::Aligned512 } else { Pitch::Odd },
        misaligned_tensor: !case.misaligned_tensor,
        color: Colorimetry { matrix: Matrix::Bt601, range: Range::Full, siting: ChromaSiting::Center },
        white: ValueRange::Byte,
        ..*case
    };
    let sets = [Buffers::new(bed, &other, &mut random)?, Buffers::new(bed, case, &mut random)?];
    let chain = Chain::new(bed, case)?;

    for set in &sets {
        chain.launch(stream, set)?;
    }
    let expected = [sets[0].take(bed)?, sets[1].take(bed)?];

    let mut nodes = None;
    let graph = stream.capture(|stream| {
        nodes = Some(chain.capture(stream, &sets[0])?);
        Ok(())
    })?;
    let (unpack, pack) = nodes.expect("the capture succeeded");
    let mut graph = graph.instantiate()?;
    delay.fill(stream, 0)?;
    // SAFETY: the buffers and kernels live until the end of this function, and `take` waits for the stream.
    unsafe { graph.launch(stream) }?;
    let Buffers { frame, tensor, output, color, white, .. } = &sets[1];
    chain.unpack.update(&mut graph, unpack, frame, *color, *white, tensor)?;
    chain.pack.update(&mut graph, pack, tensor, *white, *color, output, None)?;
    // SAFETY: as above.
    unsafe { graph.launch(stream) }?;
    for (set, expected) in sets.iter().zip(&expected) {
        let found = set.take(bed)?;
        for (what, found, expected) in
            [("tensor", &found.0, &expected.0), ("output frame", &found.1, &expected.1)]
        {
            if let Some(at) = (0..found.len()).find(|&at| found[at] != expected[at]) {
                let which = if std::ptr::eq(set, &sets[0]) { "recorded" } else { "given" };
                return Ok(Some(format!(
                    "the {which} {what} has {} at byte {at}, direct launches left {}",
                    found[at], expected[at]
                )));
            }
        }
    }
    let elsewhere = stream.capture(|stream| chain.launch(stream, &sets[0]))?;
    let mut elsewhere = elsewhere.instantiate()?;
    if chain.unpack.update(&mut elsewhere, unpack, frame, *color, *white, tensor).is_ok() {
        return Ok(Some("a node of another graph was accepted".into()));
    }
    Ok(None)
}

/// Frame to tensor to frame.
struct Chain {
    unpack: UnpackKernel,
    pack: PackKernel,
}

impl Chain {
    fn new(bed: &Bed, case: &Case) -> Result<Self> {
        let Case { format, visible, element, dither, tensor, .. } = *case;
        Ok(Chain {
            unpack: UnpackKernel::new(&bed.kernels, format, visible.size, element, 3, tensor)?,
            pack: PackKernel::new(&bed.kernels, format, visible.size, element, tensor, dither)?,
        })
    }

    fn launch(&self, stream: &Stream, set: &Buffers) -> Result<()> {
        let Buffers { frame, tensor, output, color, white, .. } = set;
        self.unpack.launch(stream, frame, *color, *white, tensor)?;
        self.pack.launch(stream, tensor, *white, *color, output, None)
    }

    fn capture(&self, stream: &Stream, set: &Buffers) -> Result<(GraphNode, GraphNode)> {
        let Buffers { frame, tensor, output, color, white, .. } = set;
        Ok((
            self.unpack.capture(stream, frame, *color, *white, tensor)?,
            self.pack.capture(stream, tensor, *white, *color, output, None)?,
        ))
    }
}

/// What the chain works on, between guards.
struct Buffers {
    _frame_memory: DeviceBuffer,
    tensor_memory: DeviceBuffer,
    output_memory: DeviceBuffer,
    /// What the last two hold before a launch.
    empty: (Vec<u8>, Vec<u8>),
    frame: FrameOnDevice,
    tensor: TensorOnDevice,
    output: FrameOnDevice,
    color: Colorimetry,
    white: ValueRange,
}

impl Buffers {
    fn new(bed: &Bed, case: &Case, random: &mut Random) -> Result<Self> {
        let layout = FrameLayout::new(case.format, case.size, case.pitch);
        let mut block = layout.block();
        layout.fill(&mut block, case.content, random);
        let shape = TensorShape { channels: 3, size: case.tensor };
        let tensor = TensorBlock::new(case.element, shape, case.misaligned_tensor);
        let output = FrameLayout::new(case.format, case.visible.size, case.pitch);
        let empty = (tensor.bytes.clone(), output.block());
        let (frame_memory, tensor_memory, output_memory) =
            (bed.upload(&block)?, bed.upload(&empty.0)?, bed.upload(&empty.1)?);
        Ok(Buffers {
            frame: layout.on_device(frame_memory.address())?.with_visible(case.visible)?,
            tensor: tensor.on_device(tensor_memory.address())?,
            output: output.on_device(output_memory.address())?,
            _frame_memory: frame_memory,
            tensor_memory,
            output_memory,
            empty,
            color: case.color,
            white: case.white,
        })
    }

    /// The tensor's and the output's block, which are then made empty again.
    fn take(&self, bed: &Bed) -> Result<(Vec<u8>, Vec<u8>)> {
        let found = (bed.download(&self.tensor_memory)?, bed.download(&self.output_memory)?);
        self.tensor_memory.upload(&bed.stream, 0, &self.empty.0)?;
        self.output_memory.upload(&bed.stream, 0, &self.empty.1)?;
        Ok(found)
    }
}
