//! Comparisons of frames on the device.

use rave_core::{Rect, Result, Size, Status};
use rave_cuda::{FrameComparer, FrameDifference};

use super::compare::Bed;
use super::frame_pair::FramePair;
use super::options::Options;
use super::report::Report;
use super::suite::Suite;

const SUITE: Suite = Suite { name: "frames compared", first: 3_000_000 };

/// Runs the suite.
pub(crate) fn check(options: &Options, bed: &Bed, report: &mut Report) -> Result<()> {
    let cases = if options.quick { 200 } else { 2000 };
    let comparer = FrameComparer::new(&bed.kernels)?;
    let difference = FrameDifference::new(bed.stream.device())?;
    SUITE.run(options, report, cases, |_, mut random| {
        let pair = FramePair::draw(&mut random);
        let [first, second] = [bed.upload(&pair.blocks[0])?, bed.upload(&pair.blocks[1])?];
        let (a, b) = (pair.on_device(0, first.address())?, pair.on_device(1, second.address())?);
        comparer.compare(&bed.stream, &a, &b, &difference)?;
        bed.stream.synchronize()?;
        let found = difference.take();
        if found != pair.different {
            return Ok(Some(format!("{pair}: found {found}")));
        }
        comparer.compare(&bed.stream, &a, &a, &difference)?;
        let wider = Rect { x: 0, y: 0, size: Size::new(a.visible().size.width + 1, 1) };
        let refused = match b.with_visible(wider) {
            Ok(other) => comparer.compare(&bed.stream, &a, &other, &difference).err(),
            Err(error) => Some(error),
        };
        bed.stream.synchronize()?;
        Ok(match (difference.take(), refused.map(|error| error.status())) {
            (false, Some(Status::InvalidParameter)) => None,
            (true, _) => Some(format!("{pair}: a frame differs from itself")),
            (false, refused) => Some(format!("{pair}: another size gave {refused:?}")),
        })
    })
}
