//! What is chosen by the machine must not show in the result: the vector instructions and the number of threads.

use half::f16;

use super::{ChromaScaler, Pack, Unpack};
use crate::{
    ChromaSiting, ColorTags, Colorimetry, Elements, ElementsMut, Frame, FrameMut, Matrix, PixelFormat, Range,
    Rect, Scale, Size, ValueRange,
};

/// The bytes of a frame's planes, without row padding.
fn planes(format: PixelFormat, size: Size, seed: u32) -> Vec<Vec<u8>> {
    let mut state = seed;
    (0..format.layout().planes)
        .map(|plane| {
            let length = format.row_bytes(plane, size.width) * format.plane_size(plane, size).height as usize;
            (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect()
        })
        .collect()
}

/// Everything that the kernels give for one format: bits of the tensors, bytes of the frames.
#[derive(Debug, PartialEq)]
struct Outcome {
    tensors: Vec<u32>,
    halves: Vec<u16>,
    frames: Vec<Vec<u8>>,
}

fn outcome(format: PixelFormat, siting: ChromaSiting, portable: bool) -> Outcome {
    let size = Size::new(131, 71);
    let visible = Rect { x: 3, y: 1, size: Size::new(125, 69) };
    let color = Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting };
    let bytes = planes(format, size, 9);
    let strided: Vec<(&[u8], isize)> = bytes
        .iter()
        .enumerate()
        .map(|(plane, bytes)| (&bytes[..], format.row_bytes(plane, size.width) as isize))
        .collect();
    let frame =
        Frame::new(format, size, ColorTags::default(), &strided).unwrap().with_visible(visible).unwrap();

    let mut outcome = Outcome { tensors: Vec::new(), halves: Vec::new(), frames: Vec::new() };
    let tensor_size = Size::new(128, 72);
    let mut chroma = ChromaScaler::new(format, visible.size, format, Scale::new(3, 2).unwrap()).unwrap();
    let scaled_size = chroma.size();
    if portable {
        chroma = chroma.portable();
    }
    chroma.run(&frame, color, color).unwrap();
    for channels in [3, 1] {
        let mut unpack = Unpack::new(format, visible.size, channels, tensor_size).unwrap();
        let size = if channels == 1 { scaled_size } else { visible.size };
        let pack_tensor = if channels == 1 { scaled_size } else { tensor_size };
        let mut pack = Pack::new(format, size, channels, pack_tensor, true).unwrap();
        if portable {
            (unpack, pack) = (unpack.portable(), pack.portable());
        }
        let mut tensor = vec![f32::NAN; unpack.tensor().elements()];
        let mut half = vec![f16::NAN; tensor.len()];
        let white = ValueRange::Byte;
        unpack.run(&frame, color, white, ElementsMut::F32(&mut tensor)).unwrap();
        unpack.run(&frame, color, white, ElementsMut::F16(&mut half)).unwrap();
        outcome.tensors.extend(tensor.iter().map(|value| value.to_bits()));
        outcome.halves.extend(half.iter().map(|value| value.to_bits()));

        let mut out = planes(format, size, 0);
        let strided = out
            .iter_mut()
            .enumerate()
            .map(|(plane, bytes)| (&mut bytes[..], format.row_bytes(plane, size.width) as isize))
            .collect();
        let mut target = FrameMut::new(format, size, strided).unwrap();
        if channels == 1 {
            // A ramp at the scaled size, in fp16.
            let ramp: Vec<f16> =
                (0..pack.tensor().elements()).map(|i| f16::from_f32((i % 263) as f32 - 4.0)).collect();
            pack.run_luma(Elements::F16(&ramp), white, color, &chroma, &mut target).unwrap();
        } else {
            pack.run(Elements::F32(&tensor), white, color, &mut target).unwrap();
        }
        outcome.frames.extend(out);
    }
    outcome
}

const SITINGS: [ChromaSiting; 3] = [ChromaSiting::TopLeft, ChromaSiting::Center, ChromaSiting::BottomLeft];

/// RV-CORE-1004
#[test]
fn vector_instructions_change_no_bit() {
    for &format in PixelFormat::ALL {
        for siting in SITINGS {
            assert!(outcome(format, siting, true) == outcome(format, siting, false), "{format} {siting:?}");
        }
    }
}

/// RV-CORE-1004
#[test]
fn the_number_of_threads_changes_no_bit() {
    let pools =
        [1, 2, 7].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for &format in PixelFormat::ALL {
        for siting in SITINGS {
            let [one, two, seven] =
                pools.each_ref().map(|pool| pool.install(|| outcome(format, siting, false)));
            assert!(one == two && one == seven, "{format} {siting:?}");
        }
    }
}
