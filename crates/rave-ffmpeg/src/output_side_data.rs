//! What a stream says of itself beside its codec: rotation, stereo, spherical mapping, dynamic range.

use std::ptr;

use rave_core::Result;

use crate::error::out_of_memory;
use crate::sys::{self, AVFrameSideDataType, AVPacketSideDataType};

/// What holds for a picture of whatever size and coding.
const OF_THE_PICTURE: [AVPacketSideDataType; 6] = [
    AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX,
    AVPacketSideDataType::AV_PKT_DATA_STEREO3D,
    AVPacketSideDataType::AV_PKT_DATA_SPHERICAL,
    AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
    AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
    AVPacketSideDataType::AV_PKT_DATA_AMBIENT_VIEWING_ENVIRONMENT,
];

/// Static metadata as frames and as streams call it.
const OF_FRAMES: [(AVFrameSideDataType, AVPacketSideDataType); 3] = [
    (
        AVFrameSideDataType::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
        AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
    ),
    (
        AVFrameSideDataType::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
        AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
    ),
    (
        AVFrameSideDataType::AV_FRAME_DATA_AMBIENT_VIEWING_ENVIRONMENT,
        AVPacketSideDataType::AV_PKT_DATA_AMBIENT_VIEWING_ENVIRONMENT,
    ),
];

/// Gives a stream the static metadata that its encoder was given.
///
/// # Safety
/// Both are valid, and the stream's header is not written yet.
pub(crate) unsafe fn of_encoder(
    encoder: *const sys::AVCodecContext,
    stream: *mut sys::AVCodecParameters,
) -> Result<()> {
    for (frame_kind, kind) in OF_FRAMES {
        // SAFETY: required of the caller; an entry's data is as long as it says.
        unsafe {
            let (list, count) = ((*encoder).decoded_side_data, (*encoder).nb_decoded_side_data);
            let found = sys::av_frame_side_data_get_c(list.cast(), count, frame_kind);
            if let Some(entry) = found.as_ref() {
                add(stream, kind, entry.data, entry.size)?;
            }
        }
    }
    Ok(())
}

/// Gives a stream what the input's says of the picture, unless it says so already. Lengths in pixels follow its size.
///
/// # Safety
/// As for [`of_encoder`].
pub(crate) unsafe fn of_input(
    input: *const sys::AVCodecParameters,
    stream: *mut sys::AVCodecParameters,
) -> Result<()> {
    for kind in OF_THE_PICTURE {
        // SAFETY: required of the caller; an entry's data is as long as it says.
        unsafe {
            let (list, count) = ((*input).coded_side_data, (*input).nb_coded_side_data);
            if let Some(entry) = sys::av_packet_side_data_get(list, count, kind).as_ref() {
                let added = add(stream, kind, entry.data, entry.size)?;
                if kind as i32 == AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX as i32
                    && !added.is_null()
                    && entry.size >= 9 * size_of::<i32>()
                {
                    let scale = |to: i32, from: i32| f64::from(to) / f64::from(from.max(1));
                    let across = scale((*stream).width, (*input).width);
                    let down = scale((*stream).height, (*input).height);
                    scale_translation(&mut *added.cast::<[i32; 9]>(), across, down);
                }
            }
        }
    }
    Ok(())
}

/// A display matrix turns the picture and moves it back into view, by pixels of the picture as it is shown.
fn scale_translation(matrix: &mut [i32; 9], across: f64, down: f64) {
    let turned = matrix[0] == 0 && matrix[4] == 0;
    let (x, y) = if turned { (down, across) } else { (across, down) };
    matrix[6] = (f64::from(matrix[6]) * x).round() as i32;
    matrix[7] = (f64::from(matrix[7]) * y).round() as i32;
}

/// Adds a copy of an entry, and returns where it is; NULL where the stream had one of that kind.
///
/// # Safety
/// `stream` is valid, and `data` for `size` bytes.
unsafe fn add(
    stream: *mut sys::AVCodecParameters,
    kind: AVPacketSideDataType,
    data: *const u8,
    size: usize,
) -> Result<*mut u8> {
    // SAFETY: required of the caller; the new entry has room for as many bytes.
    unsafe {
        let (list, count) = (&raw mut (*stream).coded_side_data, &raw mut (*stream).nb_coded_side_data);
        if !sys::av_packet_side_data_get(*list, *count, kind).is_null() {
            return Ok(ptr::null_mut());
        }
        let entry = sys::av_packet_side_data_new(list, count, kind, size, 0);
        let entry = entry.as_ref().ok_or_else(|| out_of_memory("side data of a stream"))?;
        ptr::copy_nonoverlapping(data, entry.data, size);
        Ok(entry.data)
    }
}

#[cfg(test)]
mod tests {
    use super::scale_translation;

    /// RV-FF-1604
    #[test]
    fn a_rotation_moves_the_larger_picture_back_into_view() {
        let one = 1 << 16;
        // A quarter turn of 320x180: what is shown is 180 wide, and moved right by as much.
        let mut matrix = [0, one, 0, -one, 0, 0, 180 << 16, 0, 1 << 30];
        scale_translation(&mut matrix, 2.0, 2.0);
        assert_eq!(matrix, [0, one, 0, -one, 0, 0, 360 << 16, 0, 1 << 30]);
        // Half a turn: moved both ways.
        let mut matrix = [-one, 0, 0, 0, -one, 0, 320 << 16, 180 << 16, 1 << 30];
        scale_translation(&mut matrix, 2.0, 3.0);
        assert_eq!(matrix[6..8], [640 << 16, 540 << 16]);
    }
}
