//! Frames become packets.

use std::ptr::{self, NonNull};

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::color::ColorCodes;
use crate::decoder::Received;
use crate::dictionary::{Dictionary, c_string};
use crate::encoder_adapter::Adapter;
use crate::encoder_choice::stored_format;
use crate::error::{check, error_of, out_of_memory};
use crate::formats::av_format;
use crate::frame::{FrameFormat, VideoFrame};
use crate::hardware::HardwareFrames;
use crate::packet::Packet;
use crate::sys::{self, AVPixelFormat};
use crate::{Rational, log};

/// How to encode. All frames that are sent must be as this says.
#[derive(Clone, Debug)]
pub struct EncoderOptions<'a> {
    /// FFmpeg's name of the encoder, such as `libx264`.
    pub codec: String,
    /// The pixel format of frames, in host memory or on the GPU; see [`closest_format`](crate::closest_format).
    pub format: PixelFormat,
    /// The size of frames in pixels.
    pub size: Size,
    /// The unit of frames' timestamps and durations, in seconds.
    pub time_base: Rational,
    /// Frames per second, where they are even; for the encoder's rate control and what it writes into its headers.
    pub frame_rate: Option<Rational>,
    /// Colours, written into the stream.
    pub color: ColorCodes,
    /// Width over height of a pixel, written into the stream where it is known.
    pub sample_aspect: Option<Rational>,
    /// The first frame, whose static metadata (mastering display, content light) goes into the stream's headers.
    pub first_frame: Option<&'a VideoFrame>,
    /// The encoder's own options, such as `crf` and `preset`: see [`quality_options`](crate::quality_options).
    pub options: Vec<(String, String)>,
    /// Threads; 0 is one per core.
    pub threads: u32,
    /// Whether the codec's headers go into the container, as [`Output::wants_global_header`](crate::Output::wants_global_header) says.
    pub global_header: bool,
    /// Where frames on a GPU come from, for encoders that take those.
    pub hardware: Option<&'a HardwareFrames>,
}

impl<'a> EncoderOptions<'a> {
    /// Options for frames in host memory like `frame`, which is the first of them.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] for a frame without pixels that RAVE knows.
    pub fn for_frames_like(codec: &str, frame: &'a VideoFrame, time_base: Rational) -> Result<Self> {
        use crate::frame::FrameFormat::{Cuda, Host};
        let (Host(format) | Cuda(format)) = frame.format() else {
            return Err(Error::new(Status::UnsupportedFormat, format!("a frame is {:?}", frame.format())));
        };
        Ok(EncoderOptions {
            codec: codec.to_owned(),
            format,
            size: frame.visible().size,
            time_base,
            frame_rate: None,
            color: frame.color(),
            sample_aspect: frame.sample_aspect(),
            first_frame: Some(frame),
            options: Vec::new(),
            threads: 0,
            global_header: false,
            hardware: None,
        })
    }
}

/// An open encoder.
#[derive(Debug)]
pub struct Encoder {
    context: NonNull<sys::AVCodecContext>,
    name: String,
    /// The format of the frames that it is sent.
    format: PixelFormat,
    adapter: Option<Adapter>,
    frames: u64,
}

// SAFETY: the context is used through the one Encoder that owns it, and may be used from any thread, one at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Opens an encoder.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for an encoder or an option that this FFmpeg does not have, or a pixel format that
    /// the encoder does not take. Whatever the encoder reports.
    // RV-FF-1501
    pub fn open(options: &EncoderOptions<'_>) -> Result<Self> {
        log::install();
        let codec = find_encoder(&options.codec)?;
        options.size.checked("encoder's frame")?;
        let name = format!("encoder {}", options.codec);
        let (Some(_), true) = (options.time_base.known(), options.size.pixels() > 0) else {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("{name}: time base {}", options.time_base),
            ));
        };
        // SAFETY: codec is static.
        let context = unsafe { sys::avcodec_alloc_context3(codec) };
        let context = NonNull::new(context).ok_or_else(|| out_of_memory(&name))?;
        let (stored, swapped) = match options.hardware {
            None => stored_format(&options.codec, options.format)?,
            Some(_) => (AVPixelFormat::AV_PIX_FMT_CUDA as i32, false),
        };
        let mut encoder = Encoder { context, name, format: options.format, adapter: None, frames: 0 };
        let mut dictionary = Dictionary::of(&options.options)?;
        let raw = encoder.context.as_ptr();
        // SAFETY: the context was allocated for this codec and is not open; references that it is given are its own.
        unsafe {
            (*raw).width = options.size.width as i32;
            (*raw).height = options.size.height as i32;
            (*raw).time_base = options.time_base.into();
            (*raw).framerate = options.frame_rate.unwrap_or(Rational::new(0, 1)).into();
            (*raw).sample_aspect_ratio = options.sample_aspect.unwrap_or(Rational::new(0, 1)).into();
            options.color.write_to_encoder(raw);
            (*raw).thread_count = options.threads as i32;
            // Durations of frames are exact, and become those of packets.
            (*raw).flags |= sys::AV_CODEC_FLAG_FRAME_DURATION as i32;
            if options.global_header {
                (*raw).flags |= sys::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            }
            sys::set_enum_code!((*raw).pix_fmt, stored);
            if let Some(frames) = options.hardware {
                (*raw).sw_pix_fmt = av_format(options.format);
                (*raw).hw_frames_ctx = frames.new_reference()?;
            }
            if let Some(frame) = options.first_frame {
                encoder.take_static_metadata(frame)?;
                sys::set_enum_code!((*raw).field_order, field_order_of(frame) as i32);
            }
            log::take_error();
            let code = sys::avcodec_open2(raw, codec, dictionary.as_mut_ptr());
            if code < 0 {
                return Err(encoder.open_error(code, options));
            }
        }
        dictionary.refuse_unused(&encoder.name)?;
        let quality = (encoder.get().flags & sys::AV_CODEC_FLAG_QSCALE as i32 != 0)
            .then_some(encoder.get().global_quality);
        if swapped || quality.is_some() {
            let swapped = if swapped { Some((options.format, stored)) } else { None };
            encoder.adapter = Some(Adapter::new(swapped, options.size, quality)?);
        }
        Ok(encoder)
    }

    /// Gives the encoder the side data of a frame that holds for the whole stream.
    ///
    /// # Safety
    /// The encoder is not open yet.
    unsafe fn take_static_metadata(&self, frame: &VideoFrame) -> Result<()> {
        use sys::AVFrameSideDataType::{
            AV_FRAME_DATA_AMBIENT_VIEWING_ENVIRONMENT, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
            AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
        };
        let context = self.context.as_ptr();
        for kind in [
            AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
            AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
            AV_FRAME_DATA_AMBIENT_VIEWING_ENVIRONMENT,
        ] {
            // SAFETY: the frame is valid; the context's list is empty or libavutil's, and gets a reference of its own.
            unsafe {
                let found = sys::av_frame_get_side_data(frame.as_ptr(), kind);
                if !found.is_null() {
                    let code = sys::av_frame_side_data_clone(
                        &mut (*context).decoded_side_data,
                        &mut (*context).nb_decoded_side_data,
                        found,
                        0,
                    );
                    check(code, || self.name.clone())?;
                }
            }
        }
        Ok(())
    }

    fn open_error(&self, code: i32, options: &EncoderOptions<'_>) -> Error {
        let what = format!("{} for {} of {}", self.name, options.format, options.size);
        let error = error_of(code, &what);
        match crate::encoder_choice::supported_formats(&options.codec) {
            Ok(formats) if options.hardware.is_none() && !formats.contains(&options.format) => {
                let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
                error.expected(format!("one of {}", names.join(", ")))
            }
            _ if options.codec.ends_with("_nvenc") => error.help("rave doctor says what this GPU encodes"),
            _ => error,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The unit of its packets' times: that of the frames.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.get().time_base.into()
    }

    /// How many frames it was sent.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// By how many frames it says that a packet's decoding may run ahead of its showing: 0 without B-frames, and of libx265 with
    /// them, too.
    #[must_use]
    pub fn reorder_depth(&self) -> usize {
        self.get().has_b_frames.max(0) as usize
    }

    /// The codec's headers, where they go into the container.
    #[must_use]
    pub fn extradata(&self) -> &[u8] {
        let context = self.get();
        if context.extradata.is_null() || context.extradata_size <= 0 {
            return &[];
        }
        // SAFETY: an open encoder's headers are as long as it says, and stay.
        unsafe { std::slice::from_raw_parts(context.extradata, context.extradata_size as usize) }
    }

    /// Takes a frame, and keeps a reference to its pixels for as long as it needs them. Timestamps must rise.
    ///
    /// # Errors
    /// [`Status::Busy`] when packets have to be received first; [`Status::UnsupportedFormat`] for a frame of another
    /// size or format than at first; whatever the encoder reports.
    // RV-FF-1502
    pub fn send(&mut self, frame: &VideoFrame) -> Result<()> {
        let (context, raw) = (self.get(), frame.get());
        let is_format = match frame.format() {
            FrameFormat::Host(format) => format == self.format && context.hw_frames_ctx.is_null(),
            FrameFormat::Cuda(format) => format == self.format && !context.hw_frames_ctx.is_null(),
            _ => false,
        };
        if (raw.width, raw.height) != (context.width, context.height) || !is_format {
            let found = format!("{}: a frame of {}, {:?}", self.name, frame.size(), frame.format());
            return Err(Error::new(Status::UnsupportedFormat, found).expected(format!(
                "{} of {}x{}, as it was opened",
                self.format, context.width, context.height
            )));
        }
        let frame = match &mut self.adapter {
            Some(adapter) => adapter.adapted(frame)?,
            None => frame,
        };
        // SAFETY: the context is open, and the frame valid; it is referred to, not changed.
        let code = unsafe { sys::avcodec_send_frame(self.context.as_ptr(), frame.as_ptr()) };
        self.sent(code)?;
        self.frames += 1;
        Ok(())
    }

    /// Says that no more frames come: the packets that are held back can be received now.
    ///
    /// # Errors
    /// As [`Encoder::send`].
    pub fn finish(&mut self) -> Result<()> {
        // SAFETY: the context is open; NULL means the end.
        let code = unsafe { sys::avcodec_send_frame(self.context.as_ptr(), ptr::null()) };
        if code == sys::AVERROR_EOF { Ok(()) } else { self.sent(code) }
    }

    fn sent(&self, code: i32) -> Result<()> {
        if code == sys::AVERROR(libc::EAGAIN) {
            return Err(Error::new(Status::Busy, format!("{} was sent a frame", self.name))
                .expected("that its packets are received first"));
        }
        check(code, || self.name.clone()).map(drop)
    }

    /// Fills `packet` with the next packet, in the order in which they are decoded. What it held is let go of.
    ///
    /// # Errors
    /// Whatever the encoder reports.
    pub fn receive(&mut self, packet: &mut Packet) -> Result<Received> {
        // SAFETY: the context is open; the packet is unreferenced first.
        let code = unsafe { sys::avcodec_receive_packet(self.context.as_ptr(), packet.as_mut_ptr()) };
        match code {
            sys::AVERROR_EOF => Ok(Received::End),
            _ if code == sys::AVERROR(libc::EAGAIN) => Ok(Received::NeedsInput),
            _ => {
                check(code, || self.name.clone())?;
                let (pts, dts, duration) = (packet.pts(), packet.dts(), packet.duration());
                packet.set_times(pts, dts, duration, self.time_base());
                Ok(Received::Yes)
            }
        }
    }

    pub(crate) fn get(&self) -> &sys::AVCodecContext {
        // SAFETY: valid while self lives, and written through &mut self alone.
        unsafe { self.context.as_ref() }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::avcodec_free_context(&mut context) };
    }
}

/// How a frame's fields are stored and shown.
fn field_order_of(frame: &VideoFrame) -> sys::AVFieldOrder {
    let top_first = frame.get().flags & sys::AV_FRAME_FLAG_TOP_FIELD_FIRST != 0;
    match (frame.is_interlaced(), top_first) {
        (false, _) => sys::AVFieldOrder::AV_FIELD_PROGRESSIVE,
        (true, true) => sys::AVFieldOrder::AV_FIELD_TB,
        (true, false) => sys::AVFieldOrder::AV_FIELD_BT,
    }
}

/// The encoder of video with FFmpeg's name `name`.
pub(crate) fn find_encoder(name: &str) -> Result<*const sys::AVCodec> {
    let wanted = c_string("encoder's name", name)?;
    // SAFETY: the name is terminated.
    let codec = unsafe { sys::avcodec_find_encoder_by_name(wanted.as_ptr()) };
    // SAFETY: NULL or a static description.
    let found = match unsafe { codec.as_ref() } {
        Some(found) if found.type_ == sys::AVMediaType::AVMEDIA_TYPE_VIDEO => return Ok(codec),
        Some(_) => format!("{name} does not encode video"),
        None => format!("this FFmpeg has no encoder {name}"),
    };
    Err(Error::new(Status::InvalidParameter, found).help("see ffmpeg -encoders"))
}
