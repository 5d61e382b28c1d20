//! The sizes of an engine that nobody chose.
//!
//! One engine for a range of sizes, and not one for each: a build takes minutes with the full TensorRT, and a folder of
//! films has many sizes. The largest size is rounded up to one of a few, so that 1920x800 and 1920x1080 share an engine,
//! and it does not depend on which film came first.

use rave_core::Size;
use rave_onnx::ImageTensor;
use rave_tensorrt::SizeRange;

/// The largest sides to build for: those of common frames, rounded up. All are multiples of 64, so that networks that
/// halve their input six times take them; the sizes between are tried when a session is made.
const SIDES: [u32; 9] = [256, 512, 768, 1088, 1280, 1920, 2176, 2560, 3840];
/// The smallest side.
const SMALLEST: u32 = 64;
/// Without a frame size: up to 1080p. Larger frames are cut into tiles.
const USUAL: Size = Size::new(1920, 1088);

/// The sizes for frames of size `frame`, or of any; `None` for a model that takes one size alone.
// RV-ENG-1501
pub(crate) fn automatic(input: &ImageTensor, frame: Option<Size>) -> Option<SizeRange> {
    if input.width.is_some() && input.height.is_some() {
        return None;
    }
    // A side too long for an engine is cut into tiles of the usual one.
    let side = |frame: u32, usual| SIDES.into_iter().find(|&side| frame <= side).unwrap_or(usual);
    let largest = frame
        .map_or(USUAL, |frame| Size::new(side(frame.width, USUAL.width), side(frame.height, USUAL.height)));
    let of = |width, height| Size::new(input.width.unwrap_or(width), input.height.unwrap_or(height));
    let max = of(largest.width, largest.height);
    Some(SizeRange { min: of(SMALLEST, SMALLEST), best: max, max })
}

#[cfg(test)]
mod tests {
    use rave_core::ElementType;

    use super::*;

    fn input(width: Option<u32>, height: Option<u32>) -> ImageTensor {
        ImageTensor { name: "input".into(), element: ElementType::F32, channels: Some(3), height, width }
    }

    fn largest(width: u32, height: u32) -> Size {
        automatic(&input(None, None), Some(Size::new(width, height))).unwrap().max
    }

    /// RV-ENG-1501
    #[test]
    fn similar_frames_share_an_engine_that_takes_all_of_them_whole() {
        assert_eq!(largest(1920, 1080), Size::new(1920, 1088));
        assert_eq!(largest(1920, 800), Size::new(1920, 1088));
        assert_eq!(largest(1280, 720), Size::new(1280, 768));
        assert_eq!(largest(720, 576), Size::new(768, 768));
        assert_eq!(largest(1080, 1920), Size::new(1088, 1920));
        assert_eq!(largest(3840, 2160), Size::new(3840, 2176));
        for side in 1..=3840 {
            let max = largest(side, side);
            assert!(max.width >= side && max.width.is_multiple_of(64), "{side}: {max}");
        }
    }

    /// RV-ENG-1501
    #[test]
    fn larger_frames_are_left_to_tiles() {
        assert_eq!(largest(7680, 4320), USUAL);
        assert_eq!(largest(7680, 800), Size::new(1920, 1088));
    }

    /// RV-ENG-1501
    #[test]
    fn a_side_that_the_model_fixes_is_the_only_one() {
        assert_eq!(automatic(&input(Some(64), Some(48)), Some(Size::new(1920, 1080))), None);
        let range = automatic(&input(Some(100), None), Some(Size::new(320, 180))).unwrap();
        assert_eq!((range.min, range.max), (Size::new(100, 64), Size::new(100, 256)));
    }
}
