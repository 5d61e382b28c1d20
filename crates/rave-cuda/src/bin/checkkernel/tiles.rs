//! Tiles on the device beside the reference.

use rave_core::Result;
use rave_cuda::DeviceTiler;

use super::compare::Bed;
use super::options::Options;
use super::random::Random;
use super::report::Report;
use super::suite::Suite;
use super::tile_case::{TileCase, TileReference, batch_on_device};

const SUITE: Suite = Suite { name: "tiles", first: 2_000_000 };

/// Runs the suite.
pub(crate) fn check(options: &Options, bed: &Bed, report: &mut Report) -> Result<()> {
    let cases = if options.quick { 200 } else { 4000 };
    SUITE.run(options, report, cases, |index, mut random| {
        let case = TileCase::draw(&mut random);
        let difference = compare(bed, &case, &mut random, index % 2 == 1)?;
        Ok(difference.map(|difference| format!("{case}: {difference}")))
    })
}

/// Cuts and blends a picture batch by batch, from a graph where `recorded`.
fn compare(bed: &Bed, case: &TileCase, random: &mut Random, recorded: bool) -> Result<Option<String>> {
    let TileReference { canvas, batches, empty, expected } = TileReference::new(case, random)?;
    let stream = &bed.stream;
    let TileCase { scale, channels, elements, .. } = *case;
    let tiler = DeviceTiler::new(&bed.kernels, stream, &case.plan()?, scale, channels, elements)?;
    let (source, target) = (bed.upload(&canvas.bytes)?, bed.upload(&empty.bytes)?);
    let memories = batches
        .iter()
        .map(|batch| Ok((bed.upload(&batch.empty.bytes)?, bed.upload(&batch.output.bytes)?)))
        .collect::<Result<Vec<_>>>()?;
    let enqueue = || {
        for (batch, (input, output)) in batches.iter().zip(&memories) {
            let input = batch_on_device(&batch.empty, input.address(), tiler.input_tile())?;
            tiler.cut(stream, &canvas.on_device(source.address())?, batch.tiles.clone(), &input)?;
            let output = batch_on_device(&batch.output, output.address(), tiler.output_tile())?;
            tiler.blend(stream, batch.tiles.clone(), &output, &empty.on_device(target.address())?)?;
        }
        Ok(())
    };
    if recorded {
        let mut graph = stream.capture(|_| enqueue())?.instantiate()?;
        // SAFETY: the memory and the tiler live until the end of this function, and the stream is waited for below.
        unsafe { graph.launch(stream) }?;
        stream.synchronize()?;
    } else {
        enqueue()?;
    }
    for (batch, (input, _)) in batches.iter().zip(&memories) {
        if let Some(difference) = batch.expected.compare_values(&bed.download(input)?) {
            return Ok(Some(format!("tiles {:?}: {difference}", batch.tiles)));
        }
    }
    Ok(expected.compare_values(&bed.download(&target)?).map(|difference| format!("blended: {difference}")))
}
