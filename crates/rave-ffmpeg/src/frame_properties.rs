//! What a frame takes over from the frame that it was made of.

use rave_core::{Result, Size};

use crate::Rational;
use crate::error::check;
use crate::frame::VideoFrame;
use crate::sys::{self, AVFrameSideDataType};

/// Side data that speaks of pixels, and so means nothing once a picture has another size.
const SIZE_DEPENDENT: [AVFrameSideDataType; 7] = [
    AVFrameSideDataType::AV_FRAME_DATA_PANSCAN,
    AVFrameSideDataType::AV_FRAME_DATA_MOTION_VECTORS,
    AVFrameSideDataType::AV_FRAME_DATA_SPHERICAL,
    AVFrameSideDataType::AV_FRAME_DATA_REGIONS_OF_INTEREST,
    AVFrameSideDataType::AV_FRAME_DATA_DETECTION_BBOXES,
    AVFrameSideDataType::AV_FRAME_DATA_VIDEO_HINT,
    AVFrameSideDataType::AV_FRAME_DATA_LCEVC,
];

impl VideoFrame {
    /// Takes over timestamp, duration, colours, aspect ratio, side data and metadata of the frame that this one's
    /// picture was made of. Side data that a new size makes wrong is left out, cropping is done, and the aspect ratio
    /// of pixels is corrected where width and height are not scaled alike. Pixels, size and format stay.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    // RV-FF-1204
    pub fn copy_properties(&mut self, from: &VideoFrame) -> Result<()> {
        let shown = from.visible().size;
        let resized = self.size() != shown;
        let raw = self.as_mut_ptr();
        // SAFETY: both frames are valid, and this one is ours to change.
        unsafe {
            sys::av_frame_side_data_free(&mut (*raw).side_data, &mut (*raw).nb_side_data);
            sys::av_dict_free(&mut (*raw).metadata);
            check(sys::av_frame_copy_props(raw, from.as_ptr()), || {
                "copying a frame's properties".to_owned()
            })?;
            ((*raw).crop_top, (*raw).crop_bottom, (*raw).crop_left, (*raw).crop_right) = (0, 0, 0, 0);
            // An encoder takes it as the kind that this frame must be of.
            sys::set_enum_code!((*raw).pict_type, sys::AVPictureType::AV_PICTURE_TYPE_NONE as i32);
            for &kind in if resized { &SIZE_DEPENDENT[..] } else { &[] } {
                sys::av_frame_remove_side_data(raw, kind);
            }
        }
        if let Some(aspect) = from.sample_aspect() {
            self.get_mut().sample_aspect_ratio = scaled_aspect(aspect, shown, self.size()).into();
        }
        Ok(())
    }
}

/// The aspect ratio of pixels with which a picture of size `from` has the same shape at size `to`.
fn scaled_aspect(aspect: Rational, from: Size, to: Size) -> Rational {
    let (mut num, mut den) = (aspect.num, aspect.den);
    let numerator = i64::from(aspect.num) * i64::from(from.width) * i64::from(to.height);
    let denominator = i64::from(aspect.den) * i64::from(from.height) * i64::from(to.width);
    // Equal scaling leaves the numbers as they are, reduced or not.
    if numerator * i64::from(den) != denominator * i64::from(num) {
        // SAFETY: plain arithmetic; both places are valid.
        unsafe { sys::av_reduce(&mut num, &mut den, numerator, denominator, i64::from(i32::MAX)) };
    }
    Rational::new(num, den)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-FF-1204
    #[test]
    fn the_aspect_of_pixels_changes_with_unequal_scaling_alone() {
        let (from, aspect) = (Size::new(720, 576), Rational::new(32, 22));
        assert_eq!(scaled_aspect(aspect, from, Size::new(1440, 1152)), aspect);
        assert_eq!(scaled_aspect(aspect, from, Size::new(720, 1152)), Rational::new(32, 11));
        assert_eq!(scaled_aspect(Rational::new(1, 1), from, Size::new(1440, 576)), Rational::new(1, 2));
    }
}
