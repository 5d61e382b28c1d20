//! Packets become frames.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rave_core::{Error, Result, Size, Status};

use crate::error::{check, error_of, out_of_memory};
use crate::frame::VideoFrame;
use crate::hardware::HardwareDevice;
use crate::input::Input;
use crate::packet::Packet;
use crate::sys::{self, AVPixelFormat};
use crate::{Rational, formats, log};

/// How to decode.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecoderOptions<'a> {
    /// Threads; 0 is one per core. On a GPU it is always one.
    pub threads: u32,
    /// The GPU that decodes, if it can; frames are on it then. What it cannot decode is decoded on the host.
    pub hardware: Option<&'a HardwareDevice>,
}

/// What came of asking for a frame or a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is there.
    Yes,
    /// More has to be sent first.
    NeedsInput,
    /// There will be none any more.
    End,
}

/// What a decoder made of its packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Frames that came out.
    pub decoded: u64,
    /// Of these, frames with parts that were missing or damaged and were made up.
    pub concealed: u64,
    /// Packets of which nothing could be made.
    pub dropped: u64,
}

/// A decoder of an input's video stream.
#[derive(Debug)]
pub struct Decoder {
    context: NonNull<sys::AVCodecContext>,
    name: String,
    strict: bool,
    damage: Damage,
    /// What the container crops, beside what the codec does: top, bottom, left, right.
    crop: [u32; 4],
    time_base: Rational,
    frame_duration: i64,
    sample_aspect: Option<Rational>,
    last: Option<(i64, i64)>,
}

// SAFETY: the context is used through the one Decoder that owns it, and may be used from any thread, one at a time.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder of the input's video stream ([`Input::video`]).
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] where this FFmpeg has no decoder of the codec or the stream cannot be decoded.
    // RV-FF-1101
    pub fn open(input: &Input, options: &DecoderOptions<'_>) -> Result<Self> {
        let video = input.video()?;
        let stream = input.stream_ptr(video.index);
        // SAFETY: a stream's parameters are never NULL.
        let parameters = unsafe { (*stream).codecpar };
        // SAFETY: as above, and codec ids are those that libavformat found.
        let codec = unsafe { find_decoder(parameters, options.hardware.is_some()) };
        if codec.is_null() {
            return Err(Error::new(
                Status::UnsupportedFormat,
                format!("{}: this FFmpeg has no decoder of {}", input.name(), video.codec),
            )
            .help("build FFmpeg with it: scripts/lib/ffmpeg-components.sh"));
        }
        // SAFETY: codec is a static description with a name.
        let name = unsafe { CStr::from_ptr((*codec).name) }.to_string_lossy();
        let name = format!("{}, decoder {name}", input.name());
        // SAFETY: codec is static.
        let context = unsafe { sys::avcodec_alloc_context3(codec) };
        let context = NonNull::new(context).ok_or_else(|| out_of_memory(&name))?;
        let frame_duration =
            video.frame_rate.map_or(1, |rate| rate.inverse().rescale(1, video.time_base).max(1));
        let decoder = Decoder {
            context,
            name,
            strict: input.is_strict(),
            damage: Damage::default(),
            // SAFETY: as above.
            crop: unsafe { container_crop(parameters) },
            time_base: video.time_base,
            frame_duration,
            sample_aspect: video.sample_aspect,
            last: None,
        };
        let context = decoder.context.as_ptr();
        // SAFETY: the context was allocated for this codec and is not open; parameters are the stream's; the device is
        // referred to by a reference of the context's own, which it lets go of.
        unsafe {
            check(sys::avcodec_parameters_to_context(context, parameters), || decoder.name.clone())?;
            (*context).pkt_timebase = video.time_base.into();
            (*context).framerate = video.frame_rate.unwrap_or(Rational::new(0, 1)).into();
            // Exact cropping: the pixel kernels do not need aligned rows.
            (*context).flags |= sys::AV_CODEC_FLAG_UNALIGNED as i32;
            (*context).thread_count = options.threads as i32;
            if let Some(device) = options.hardware
                && takes_device(codec)
            {
                // With NVDEC, threads would only hold surfaces.
                (*context).thread_count = 1;
                (*context).hw_device_ctx = device.new_reference()?;
                (*context).get_format = Some(prefer_cuda);
            }
            log::take_error();
            check(sys::avcodec_open2(context, codec, ptr::null_mut()), || decoder.name.clone())?;
        }
        Ok(decoder)
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a packet of the video stream. Frames must be taken by [`Decoder::receive`] until it needs input.
    ///
    /// # Errors
    /// [`Status::Busy`] when frames have to be taken first. In strict mode [`Status::UnsupportedFormat`] for a packet
    /// that cannot be decoded, which otherwise is counted ([`Decoder::damage`]).
    // RV-FF-1103
    pub fn send(&mut self, packet: &Packet) -> Result<()> {
        // SAFETY: context and packet are valid; the packet is referred to, not changed.
        let code = unsafe { sys::avcodec_send_packet(self.context.as_ptr(), packet.as_ptr()) };
        self.sent(code)
    }

    /// Says that no more packets come: the frames that are held back can be received now.
    ///
    /// # Errors
    /// As [`Decoder::send`].
    pub fn finish(&mut self) -> Result<()> {
        // SAFETY: the context is valid; NULL means the end.
        let code = unsafe { sys::avcodec_send_packet(self.context.as_ptr(), ptr::null()) };
        if code == sys::AVERROR_EOF { Ok(()) } else { self.sent(code) }
    }

    /// Forgets everything that was sent, to go on after [`Input::seek`].
    pub fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { sys::avcodec_flush_buffers(self.context.as_ptr()) };
        self.last = None;
    }

    fn sent(&mut self, code: i32) -> Result<()> {
        if code == sys::AVERROR(libc::EAGAIN) {
            return Err(Error::new(Status::Busy, format!("{} was sent a packet", self.name))
                .expected("that its frames are received first"));
        }
        if code < 0 { self.damaged(code) } else { Ok(()) }
    }

    /// Counts a packet that is lost, or makes it an error.
    fn damaged(&mut self, code: i32) -> Result<()> {
        let is_damage = matches!(code, sys::AVERROR_INVALIDDATA) || code == sys::AVERROR(libc::EINVAL);
        if self.strict || !is_damage {
            return Err(error_of(code, &self.name));
        }
        self.damage.dropped += 1;
        log::take_error();
        Ok(())
    }

    /// Fills `frame` with the next frame, in the order in which frames are shown. What it held is let go of.
    ///
    /// Its timestamp is the stream's, or carried on from the frame before where the stream has none; its duration is
    /// never 0. What the container crops is cropped.
    ///
    /// # Errors
    /// In strict mode [`Status::Io`] for a frame with parts that are damaged. Whatever the GPU reports.
    // RV-FF-1102, RV-FF-1103
    pub fn receive(&mut self, frame: &mut VideoFrame) -> Result<Received> {
        loop {
            // SAFETY: context and frame are valid; the frame is unreferenced first.
            let code = unsafe { sys::avcodec_receive_frame(self.context.as_ptr(), frame.as_mut_ptr()) };
            match code {
                0.. => break,
                sys::AVERROR_EOF => return Ok(Received::End),
                _ if code == sys::AVERROR(libc::EAGAIN) => return Ok(Received::NeedsInput),
                _ => self.damaged(code)?,
            }
        }
        self.damage.decoded += 1;
        if frame.is_damaged() {
            self.damage.concealed += 1;
            if self.strict {
                let found = format!("{}: frame {} is damaged", self.name, self.damage.decoded);
                return Err(Error::new(Status::Io, found)
                    .help("without strict mode it is shown as well as it can be"));
            }
        }
        self.complete(frame)?;
        Ok(Received::Yes)
    }

    /// Times, aspect ratio and cropping, where the frame itself does not say.
    fn complete(&mut self, frame: &mut VideoFrame) -> Result<()> {
        let raw = frame.as_mut_ptr();
        // SAFETY: the frame is ours to change.
        unsafe {
            (*raw).pts = (*raw).best_effort_timestamp;
            (*raw).time_base = self.time_base.into();
            if let (None, Some(aspect)) =
                (Rational::from((*raw).sample_aspect_ratio).known(), self.sample_aspect)
            {
                (*raw).sample_aspect_ratio = aspect.into();
            }
            if let Some(plain) = formats::without_j((*raw).format) {
                (*raw).format = plain as i32;
                sys::set_enum_code!((*raw).color_range, sys::AVColorRange::AVCOL_RANGE_JPEG as i32);
            }
        }
        let pts = frame.pts().unwrap_or_else(|| self.last.map_or(0, |(pts, duration)| pts + duration));
        let step = self.last.map(|(pts_before, _)| pts - pts_before).filter(|&step| step > 0);
        // libavformat invents a duration of one tick where it knows none.
        let duration = match (frame.duration(), step) {
            (1, Some(step)) if step > 2 => step,
            (known, _) if known > 0 => known,
            (_, _) => self.frame_duration,
        };
        frame.set_pts(Some(pts));
        frame.set_duration(duration);
        self.last = Some((pts, duration));
        if self.crop != [0; 4] {
            let [top, bottom, left, right] = self.crop.map(|side| side as usize);
            // SAFETY: the frame is ours; the function checks that something is left.
            let code = unsafe {
                (*raw).crop_top += top;
                (*raw).crop_bottom += bottom;
                (*raw).crop_left += left;
                (*raw).crop_right += right;
                sys::av_frame_apply_cropping(raw, sys::AV_FRAME_CROP_UNALIGNED as i32)
            };
            check(code, || format!("{}: what the container crops", self.name))?;
        }
        Ok(())
    }

    /// What came out so far, and what was lost.
    #[must_use]
    pub fn damage(&self) -> Damage {
        self.damage
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::avcodec_free_context(&mut context) };
    }
}

/// The decoder of a stream: on hardware one that takes a CUDA device, if there is one, otherwise FFmpeg's choice.
///
/// # Safety
/// `parameters` points to valid parameters of a stream.
unsafe fn find_decoder(parameters: *const sys::AVCodecParameters, hardware: bool) -> *const sys::AVCodec {
    // SAFETY: required of the caller; what the iterator gives is static.
    unsafe {
        let id = (*parameters).codec_id;
        let mut state = ptr::null_mut();
        let next = || sys::av_codec_iterate(&mut state).as_ref();
        let fits = |codec: &&sys::AVCodec| {
            codec.id == id && sys::av_codec_is_decoder(*codec) != 0 && takes_device(*codec)
        };
        let on_device = if hardware { std::iter::from_fn(next).find(fits) } else { None };
        on_device.map_or_else(|| sys::avcodec_find_decoder(id), ptr::from_ref)
    }
}

/// Whether a decoder gives CUDA frames of a device that it is given. NVIDIA's own decoders (`*_cuvid`) do so as well,
/// but take no device and no cropping as the others do.
///
/// # Safety
/// `codec` points to a codec.
unsafe fn takes_device(codec: *const sys::AVCodec) -> bool {
    const BY_DEVICE: i32 = sys::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32;
    for index in 0.. {
        // SAFETY: required of the caller; descriptions are static, and NULL after the last.
        let Some(config) = (unsafe { sys::avcodec_get_hw_config(codec, index).as_ref() }) else { break };
        let is_cuda = config.device_type == sys::AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA;
        if is_cuda
            && config.methods & BY_DEVICE != 0
            && config.methods & sys::AV_CODEC_HW_CONFIG_METHOD_INTERNAL as i32 == 0
        {
            return true;
        }
    }
    false
}

/// Chooses CUDA frames where the GPU can decode the stream, otherwise what the decoder would do by itself.
unsafe extern "C" fn prefer_cuda(
    context: *mut sys::AVCodecContext,
    formats: *const AVPixelFormat,
) -> AVPixelFormat {
    let mut next = formats;
    // SAFETY: libavcodec gives a list that ends with AV_PIX_FMT_NONE, and its own context.
    unsafe {
        while *next != AVPixelFormat::AV_PIX_FMT_NONE {
            if *next == AVPixelFormat::AV_PIX_FMT_CUDA {
                return *next;
            }
            next = next.add(1);
        }
        sys::avcodec_default_get_format(context, formats)
    }
}

/// What the container crops of a stream's pictures: top, bottom, left, right.
///
/// # Safety
/// `parameters` points to valid parameters of a stream.
unsafe fn container_crop(parameters: *const sys::AVCodecParameters) -> [u32; 4] {
    use sys::AVPacketSideDataType::AV_PKT_DATA_FRAME_CROPPING;
    // SAFETY: required of the caller; the four numbers are read only where there are four.
    unsafe {
        let (list, count) = ((*parameters).coded_side_data, (*parameters).nb_coded_side_data);
        match sys::av_packet_side_data_get(list, count, AV_PKT_DATA_FRAME_CROPPING).as_ref() {
            Some(entry) if entry.size >= 16 => {
                entry.data.cast::<[[u8; 4]; 4]>().read_unaligned().map(u32::from_le_bytes)
            }
            _ => [0; 4],
        }
    }
}

/// The size of a stream's pictures without what the container crops.
///
/// # Safety
/// `parameters` points to valid parameters of a stream.
pub(crate) unsafe fn cropped_size(parameters: *const sys::AVCodecParameters) -> Size {
    // SAFETY: required of the caller.
    unsafe {
        let [top, bottom, left, right] = container_crop(parameters);
        let side = |whole: i32, a: u32, b: u32| (whole.max(0) as u32).saturating_sub(a).saturating_sub(b);
        Size::new(side((*parameters).width, left, right), side((*parameters).height, top, bottom))
    }
}
