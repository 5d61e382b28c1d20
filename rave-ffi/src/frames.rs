//! From the pointers of two RaveFrames to frames in host memory or in a GPU's.

use std::ops::Range as Span;

use arrayvec::ArrayVec;
use rave_core::{
    ChromaSiting, ColorTags, Error, Frame, FrameMut, Matrix, PixelFamily, PixelFormat, Range, Rect, Result,
    Size, Status,
};

use rave_engine::{DevicePlane, FrameOnDevice};

use crate::constants::{RAVE_MEMORY_CUDA, RAVE_MEMORY_HOST};
use crate::structs::RaveFrame;

/// The memory of one plane: its first byte, whatever the direction of its rows, and its length.
struct Memory {
    start: *mut u8,
    length: usize,
    stride: isize,
}

impl Memory {
    fn place(&self) -> (usize, isize) {
        (self.start.addr(), self.stride)
    }

    fn span(&self) -> Span<usize> {
        self.start.addr()..self.start.addr() + self.length
    }
}

struct Described {
    format: PixelFormat,
    size: Size,
    planes: Planes,
}

/// The planes of a frame, three at most.
type Planes = ArrayVec<Memory, 3>;

fn describe(frame: &RaveFrame, name: &str, memory: i32) -> Result<Described> {
    let invalid = |found: String| Error::new(Status::InvalidParameter, format!("{name}: {found}"));
    // RV-FFI-1009
    if frame.memory != memory {
        let expected = match memory {
            RAVE_MEMORY_HOST => "RAVE_MEMORY_HOST, as the session's context is a CPU context",
            _ => "RAVE_MEMORY_CUDA, as the session's context is a CUDA context",
        };
        return Err(invalid(format!("memory is {}", frame.memory)).expected(expected));
    }
    let format = PixelFormat::from_code(frame.format).map_err(|error| error.context(name))?;
    let size = Size::new(frame.width, frame.height).checked(name)?;
    let planes = (0..format.layout().planes).map(|index| {
        let (data, linesize) = (frame.data[index], frame.linesize[index]);
        if data.is_null() {
            return Err(invalid(format!("data[{index}] is NULL")).expected(format!("a plane of {format}")));
        }
        let rows = format.plane_size(index, size).height as usize;
        let row_bytes = format.row_bytes(index, size.width);
        let bad_linesize = || {
            // RV-FFI-1006
            invalid(format!("linesize[{index}] is {linesize}"))
                .expected(format!("{rows} rows of {row_bytes} bytes or more"))
        };
        let stride = isize::try_from(linesize).map_err(|_| bad_linesize())?;
        let above = stride.unsigned_abs().checked_mul(rows - 1);
        let length = above.and_then(|above| above.checked_add(row_bytes));
        let length = length.filter(|&length| length <= isize::MAX as usize).ok_or_else(bad_linesize)?;
        let start = match stride < 0 {
            // The last row is the lowest address.
            true => data.wrapping_sub(length - row_bytes),
            false => data,
        };
        if start.is_null() || start.addr().checked_add(length).is_none() {
            return Err(bad_linesize());
        }
        Ok(Memory { start, length, stride })
    });
    Ok(Described { format, size, planes: planes.collect::<Result<_>>()? })
}

fn color_tags(frame: &RaveFrame, format: PixelFormat) -> Result<ColorTags> {
    let layout = format.layout();
    let matrix = match layout.family {
        // Here a matrix says nothing of the pixels, so any that is defined may stand there.
        PixelFamily::Rgb | PixelFamily::Gray => match Matrix::from_code(frame.matrix) {
            Err(error) if error.status() == Status::UnsupportedFormat => None,
            matrix => matrix?,
        },
        PixelFamily::Yuv
            if frame.matrix == 0 && (layout.log2_chroma_width, layout.log2_chroma_height) == (0, 0) =>
        {
            // RV-FILT-1008
            return Err(Error::new(
                Status::UnsupportedFormat,
                format!("a {format} frame whose matrix is 0, so its planes hold G, B and R"),
            )
            .expected("Y'CbCr in such a format")
            .help("store it as gbrp, or give it the matrix that it has (FFmpeg: setparams=colorspace=...)"));
        }
        PixelFamily::Yuv => Matrix::from_code(frame.matrix)?,
    };
    Ok(ColorTags {
        matrix,
        range: Range::from_code(frame.range)?,
        siting: ChromaSiting::from_code(frame.siting)?,
    })
}

fn visible(frame: &RaveFrame, size: Size) -> Result<Rect> {
    // RV-FILT-1007
    let inside = |extent: u32, before: u32, after: u32| {
        extent.checked_sub(before).and_then(|rest| rest.checked_sub(after)).filter(|&rest| rest > 0)
    };
    let RaveFrame { crop_left, crop_right, crop_top, crop_bottom, .. } = *frame;
    match (inside(size.width, crop_left, crop_right), inside(size.height, crop_top, crop_bottom)) {
        (Some(width), Some(height)) => Ok(Rect { x: crop_left, y: crop_top, size: Size::new(width, height) }),
        _ => Err(Error::new(
            Status::InvalidParameter,
            format!("crop of {crop_left}, {crop_right}, {crop_top}, {crop_bottom} (l, r, t, b)"),
        )
        .expected(format!("some of the {size} frame to be left"))),
    }
}

fn overlaps(a: &Memory, b: &Memory) -> bool {
    let (a, b) = (a.span(), b.span());
    a.start < b.end && b.start < a.end
}

fn check_no_crop(out: &RaveFrame) -> Result<()> {
    if [out.crop_left, out.crop_right, out.crop_top, out.crop_bottom] == [0; 4] {
        return Ok(());
    }
    Err(Error::new(Status::InvalidParameter, "out: crop is set").expected("0 on every side"))
}

/// Refuses an output of which a plane overlaps another plane, of itself or of `input`.
fn check_apart(to: &Described, input: &[Memory]) -> Result<()> {
    for (index, plane) in to.planes.iter().enumerate() {
        let mut others = to.planes[index + 1..].iter().chain(input);
        if others.any(|other| overlaps(plane, other)) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("out: data[{index}] overlaps another plane of the output or the input"),
            )
            .expected("separate memory for every plane"));
        }
    }
    Ok(())
}

/// What is asked of the output's colours. Nothing is asked for by a matrix of 0, whatever the format.
fn wanted_tags(out: &RaveFrame, format: PixelFormat) -> Result<ColorTags> {
    let asked = RaveFrame { matrix: if out.matrix == 0 { 2 } else { out.matrix }, ..*out };
    color_tags(&asked, format).map_err(|error| error.context("out"))
}

/// A described frame in host memory.
///
/// # Safety
/// Its planes are readable for `'a`, and nobody writes to them meanwhile.
unsafe fn frame_of<'a>(frame: &RaveFrame, described: &Described, name: &str) -> Result<Frame<'a>> {
    let planes: ArrayVec<(&[u8], isize), 3> = described
        .planes
        .iter()
        .map(|plane| {
            // SAFETY: `describe` derived start and length from the caller's pointer and linesize, whose memory the
            // caller vouches for; the length is at most isize::MAX.
            let bytes = unsafe { std::slice::from_raw_parts(plane.start, plane.length) };
            (bytes, plane.stride)
        })
        .collect();
    color_tags(frame, described.format)
        .and_then(|tags| Frame::new(described.format, described.size, tags, &planes))
        .and_then(|read| read.with_visible(visible(frame, described.size)?))
        .map_err(|error| error.context(name))
}

/// A described frame in GPU memory.
///
/// # Safety
/// Its planes are memory of the session's context until the work that is given the frame is done.
unsafe fn device_frame_of(described: &Described, name: &str) -> Result<FrameOnDevice> {
    let planes: ArrayVec<DevicePlane, 3> = described
        .planes
        .iter()
        .map(|plane| {
            let pitch = usize::try_from(plane.stride).map_err(|_| {
                Error::new(
                    Status::InvalidParameter,
                    format!("{name}: linesize is {} in GPU memory", plane.stride),
                )
                .expected("a positive number")
            })?;
            Ok(DevicePlane { address: plane.start.addr() as u64, pitch })
        })
        .collect::<Result<_>>()?;
    // SAFETY: the caller vouches for the planes until the work is done.
    unsafe { FrameOnDevice::new(described.format, described.size, &planes) }
        .map_err(|error| error.context(name))
}

/// A frame in host memory to read.
///
/// # Safety
/// Its planes are readable for `'a`, linesize by linesize, and nobody writes to them meanwhile.
pub(crate) unsafe fn readable<'a>(frame: &RaveFrame, name: &str) -> Result<Frame<'a>> {
    let described = describe(frame, name, RAVE_MEMORY_HOST)?;
    // SAFETY: the same contract.
    unsafe { frame_of(frame, &described, name) }
}

/// A frame in GPU memory to read, and what is said of its colours.
///
/// # Safety
/// Its planes are memory of the session's context, linesize by linesize readable until the work that is given the frame
/// is done.
pub(crate) unsafe fn readable_on_device(frame: &RaveFrame, name: &str) -> Result<(FrameOnDevice, ColorTags)> {
    let described = describe(frame, name, RAVE_MEMORY_CUDA)?;
    let named = |error: Error| error.context(name);
    // SAFETY: the same contract.
    let on_device = unsafe { device_frame_of(&described, name) }?;
    let visible = visible(frame, described.size).map_err(named)?;
    let tags = color_tags(frame, described.format).map_err(named)?;
    Ok((on_device.with_visible(visible).map_err(named)?, tags))
}

/// The input to read and the output to write, in host memory.
///
/// # Safety
/// Each plane that the frames describe is valid for `'a`: linesize by linesize readable in `input`, writable in `out`,
/// and nobody else writes to either, or reads `out`, meanwhile.
pub(crate) unsafe fn pair<'a>(input: &RaveFrame, out: &RaveFrame) -> Result<(Frame<'a>, FrameMut<'a>)> {
    let from = describe(input, "input", RAVE_MEMORY_HOST)?;
    let to = describe(out, "out", RAVE_MEMORY_HOST)?;
    check_no_crop(out)?;
    check_apart(&to, &from.planes)?;
    // SAFETY: the caller vouches for the planes, and no output plane overlaps them, as checked above.
    let frame = unsafe { frame_of(input, &from, "input") }?;
    let planes: Vec<(&mut [u8], isize)> = to
        .planes
        .iter()
        .map(|plane| {
            // SAFETY: as above, writable, and no other plane overlaps it: the slice is the only way to these bytes.
            let bytes = unsafe { std::slice::from_raw_parts_mut(plane.start, plane.length) };
            (bytes, plane.stride)
        })
        .collect();
    let wanted = wanted_tags(out, to.format)?;
    let target = FrameMut::new(to.format, to.size, planes)
        .map(|frame| frame.with_wanted(wanted))
        .map_err(|error| error.context("out"))?;
    Ok((frame, target))
}

/// Frames in GPU memory, and what is said and asked of their colours.
pub(crate) struct CudaPair {
    pub(crate) input: FrameOnDevice,
    pub(crate) tags: ColorTags,
    pub(crate) out: FrameOnDevice,
    pub(crate) wanted: ColorTags,
}

/// The input to read and the output to write, in GPU memory. They may be one frame. Nothing is allocated.
///
/// # Safety
/// Each plane that the frames describe is device memory of the session's context, linesize by linesize readable in
/// `input` and writable in `out`, until the work that is given these frames is done.
pub(crate) unsafe fn cuda_pair(input: &RaveFrame, out: &RaveFrame) -> Result<CudaPair> {
    let from = describe(input, "input", RAVE_MEMORY_CUDA)?;
    let to = describe(out, "out", RAVE_MEMORY_CUDA)?;
    check_no_crop(out)?;
    // RV-FFI-1010, RV-FILT-1305
    let in_place = (from.format, from.size) == (to.format, to.size)
        && from.planes.iter().map(Memory::place).eq(to.planes.iter().map(Memory::place));
    check_apart(&to, if in_place { &[] } else { &from.planes })?;
    // SAFETY: the caller vouches for both.
    let (source, target) = unsafe { (device_frame_of(&from, "input")?, device_frame_of(&to, "out")?) };
    let in_input = |error: Error| error.context("input");
    Ok(CudaPair {
        input: source.with_visible(visible(input, from.size)?).map_err(in_input)?,
        tags: color_tags(input, from.format).map_err(in_input)?,
        out: target,
        wanted: wanted_tags(out, to.format)?,
    })
}
